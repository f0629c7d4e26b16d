-- GET /v1/payments
-- Find payments of all accounts.
-- role: cashier
-- answer: many
-- method: text Only by this method
-- external_id: text Exactly this one
-- from: day Credited on this day or later
-- to: day Credited on this day or before
-- after: cursor Go on behind this row

-- One external_id is looked up with each method, all payments are read day by day.
SELECT p.payment_id, p.account_id, p.amount, p.method, p.external_id, p.received_at, p.credited_at, p.day, p.payer,
       p.purpose, p.recorded_at, p.recorded_by, json_array(p.day, p.account_id, p.payment_id) AS after
FROM (
  SELECT payment_id, day, account_id FROM payment
  WHERE :external_id IS NULL AND (:method IS NULL OR method = :method)
    AND (day, account_id, payment_id)
        > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, 0), coalesce(:after ->> 2, 0))
    AND day <= coalesce(:to, '9999-12-31')
  UNION ALL
  SELECT payment_id, day, account_id FROM payment
  WHERE method IN (SELECT method FROM payment_method WHERE :method IS NULL OR method = :method)
    AND external_id = :external_id
    AND (day, account_id, payment_id)
        > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, 0), coalesce(:after ->> 2, 0))
    AND day <= coalesce(:to, '9999-12-31')
  ORDER BY day, account_id, payment_id LIMIT :limit) AS found
JOIN payment AS p ON p.payment_id = found.payment_id
ORDER BY found.day, found.account_id, found.payment_id;
