-- POST /v1/accounts/{account_id}/adjustments
-- Record an adjustment of a balance; sent again with the same external_id it counts once.
-- role: cashier
-- answer: one
-- account_id: integer!
-- amount: integer! In minor units, not 0, of the sign that the kind has
-- kind: text! One of the kinds of adjustments
-- effective_at: instant When it counts (now)
-- external_id: text The sender's identifier of the adjustment
-- reason: text
-- payment_id: integer The payment that it is about
-- service_id: text The service that it is about
-- for_day: day The day that it is about

INSERT INTO adjustment(account_id, amount, kind, effective_at, external_id, reason, payment_id, service_id, for_day,
                       recorded_at, recorded_by)
SELECT :account_id, :amount, :kind, coalesce(:effective_at, :now), :external_id, :reason, :payment_id, :service_id,
       :for_day, :now, :who
WHERE NOT EXISTS (SELECT 1 FROM adjustment WHERE external_id = :external_id);

-- An instant that lay a little ahead was taken for the request's, recorded_at; sent again, it may lie as far after what
-- is recorded.
SELECT saldo_refuse('conflict', 'the adjustment ' || external_id || ' is recorded already, with other content')
FROM adjustment
WHERE external_id = :external_id
  AND (account_id, amount, kind, effective_at, reason, payment_id, service_id, for_day)
      IS NOT (:account_id, :amount, :kind,
              iif(:effective_at IS NULL OR effective_at = recorded_at
                  AND unixepoch(:effective_at) - unixepoch(recorded_at) BETWEEN 0 AND :clock_difference_seconds,
                  effective_at, :effective_at),
              iif(:given_reason, :reason, reason),
              iif(:given_payment_id, :payment_id, payment_id),
              iif(:given_service_id, :service_id, service_id),
              iif(:given_for_day, :for_day, for_day));

SELECT adjustment_id, account_id, amount, kind, effective_at, day, external_id, reason, payment_id, service_id, for_day,
       recorded_at, recorded_by, iif(changes() > 0, 201, 200) AS http_status
FROM adjustment
WHERE adjustment_id = coalesce((SELECT adjustment_id FROM adjustment WHERE external_id = :external_id),
                               last_insert_rowid());
