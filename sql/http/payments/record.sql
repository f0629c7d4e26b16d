-- POST /v1/accounts/{account_id}/payments
-- Record a payment; sent again with the same method and external_id it counts once.
-- role: cashier
-- answer: one
-- account_id: integer!
-- amount: integer! In minor units, from 1 to 10^15
-- method: text! One of the payment methods
-- external_id: text The sender's identifier of the payment
-- received_at: instant When the payer paid (now)
-- credited_at: instant When it counts here (now)
-- payer: text
-- purpose: text

INSERT INTO payment(account_id, amount, method, external_id, received_at, credited_at, payer, purpose,
                    recorded_at, recorded_by)
SELECT :account_id, :amount, :method, :external_id, coalesce(:received_at, :now), coalesce(:credited_at, :now),
       :payer, :purpose, :now, :who
WHERE NOT EXISTS (SELECT 1 FROM payment WHERE method = :method AND external_id = :external_id);

-- An instant that lay a little ahead was taken for the request's, recorded_at; sent again, it may lie as far after what
-- is recorded.
SELECT saldo_refuse('conflict', 'the payment ' || external_id || ' by ' || method
                                || ' is recorded already, with other content')
FROM payment
WHERE method = :method AND external_id = :external_id
  AND (account_id, amount, received_at, credited_at, payer, purpose)
      IS NOT (:account_id, :amount,
              iif(:received_at IS NULL OR received_at = recorded_at
                  AND unixepoch(:received_at) - unixepoch(recorded_at) BETWEEN 0 AND :clock_difference_seconds,
                  received_at, :received_at),
              iif(:credited_at IS NULL OR credited_at = recorded_at
                  AND unixepoch(:credited_at) - unixepoch(recorded_at) BETWEEN 0 AND :clock_difference_seconds,
                  credited_at, :credited_at),
              iif(:given_payer, :payer, payer),
              iif(:given_purpose, :purpose, purpose));

SELECT payment_id, account_id, amount, method, external_id, received_at, credited_at, day, payer, purpose,
       recorded_at, recorded_by, iif(changes() > 0, 201, 200) AS http_status
FROM payment
WHERE payment_id = coalesce((SELECT payment_id FROM payment WHERE method = :method AND external_id = :external_id),
                            last_insert_rowid());
