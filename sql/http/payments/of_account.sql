-- GET /v1/accounts/{account_id}/payments
-- The payments of an account.
-- role: cashier
-- answer: many
-- account_id: integer!
-- from: day Credited on this day or later
-- to: day Credited on this day or before
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT payment_id, account_id, amount, method, external_id, received_at, credited_at, day, payer, purpose,
       recorded_at, recorded_by, json_array(day, credited_at, payment_id) AS after
FROM payment
WHERE account_id = :account_id
  AND (day, credited_at, payment_id)
      > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, ''), coalesce(:after ->> 2, 0))
  AND day <= coalesce(:to, '9999-12-31')
ORDER BY day, credited_at, payment_id LIMIT :limit;
