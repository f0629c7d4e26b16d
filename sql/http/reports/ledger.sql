-- GET /v1/reports/ledger
-- All that moved the balances: posted charges, payments and adjustments, by day and account.
-- role: analyst
-- answer: many
-- from: day The first day (the beginning)
-- to: day The last day (the end)
-- after: cursor Go on behind this row

-- The rows of the view `ledger`, which itself would be read and sorted to its end for each page. Here each of its three
-- sources is cut to a page first, by its own index.
SELECT account_id, day, effective_at, kind, service_id, method, amount, reference,
       json_array(day, account_id, source, place, id) AS after
FROM (
  SELECT * FROM (
    SELECT account_id, day, credited_at AS effective_at, 'payment' AS kind, NULL AS service_id, method, amount,
           coalesce(external_id, CAST(payment_id AS TEXT)) AS reference,
           1 AS source, credited_at AS place, payment_id AS id
    FROM payment
    WHERE (day, account_id, 1, credited_at, payment_id)
          > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, 0), :after ->> 2, :after ->> 3, :after ->> 4)
      AND day <= coalesce(:to, '9999-12-31')
    ORDER BY day, account_id, credited_at, payment_id LIMIT :limit)
  UNION ALL
  SELECT * FROM (
    SELECT account_id, day, effective_at, kind, service_id, NULL, amount,
           coalesce(external_id, CAST(adjustment_id AS TEXT)), 2, effective_at, adjustment_id
    FROM adjustment
    WHERE (day, account_id, 2, effective_at, adjustment_id)
          > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, 0), :after ->> 2, :after ->> 3, :after ->> 4)
      AND day <= coalesce(:to, '9999-12-31')
    ORDER BY day, account_id, effective_at, adjustment_id LIMIT :limit)
  UNION ALL
  SELECT * FROM (
    SELECT c.account_id, c.day, d.ends_at, 'charge', c.service_id, NULL, -c.amount, NULL, 3, c.service_id, 0
    FROM charge AS c CROSS JOIN day_close AS d ON d.day = c.day
    WHERE (c.day, c.account_id, 3, c.service_id, 0)
          > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, 0), :after ->> 2, :after ->> 3, :after ->> 4)
      AND c.day <= coalesce(:to, '9999-12-31')
    ORDER BY c.day, c.account_id, c.service_id LIMIT :limit))
ORDER BY day, account_id, source, place, id LIMIT :limit;
