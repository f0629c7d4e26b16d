-- GET /v1/accounts/{account_id}/adjustments
-- The adjustments of an account.
-- role: cashier
-- answer: many
-- account_id: integer!
-- from: day Effective on this day or later
-- to: day Effective on this day or before
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT adjustment_id, account_id, amount, kind, effective_at, day, external_id, reason, payment_id, service_id, for_day,
       recorded_at, recorded_by, json_array(day, effective_at, adjustment_id) AS after
FROM adjustment
WHERE account_id = :account_id
  AND (day, effective_at, adjustment_id)
      > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, ''), coalesce(:after ->> 2, 0))
  AND day <= coalesce(:to, '9999-12-31')
ORDER BY day, effective_at, adjustment_id LIMIT :limit;
