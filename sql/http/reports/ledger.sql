-- GET /v1/reports/ledger
-- All that moved the balances: posted charges, payments and adjustments, by day and account.
-- role: analyst
-- answer: many
-- from: day The first day (the beginning)
-- to: day The last day (the end)
-- after: cursor Go on behind this row

-- The bound of account_id alone leads past the accounts before it in the day of the cursor.
SELECT account_id, day, effective_at, kind, service_id, method, amount, reference,
       json_array(day, account_id, effective_at, kind, service_id, method, reference, amount) AS after
FROM ledger
WHERE day >= coalesce(:after ->> 0, :from, '') AND day <= coalesce(:to, '9999-12-31')
  AND account_id >= iif(day = :after ->> 0, :after ->> 1, 0)
  AND (day, account_id, effective_at, kind, coalesce(service_id, ''), coalesce(method, ''), coalesce(reference, ''), amount)
      > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, 0), coalesce(:after ->> 2, ''), coalesce(:after ->> 3, ''),
         coalesce(:after ->> 4, ''), coalesce(:after ->> 5, ''), coalesce(:after ->> 6, ''), coalesce(:after ->> 7, 0))
ORDER BY day, account_id, effective_at, kind, service_id, method, reference, amount LIMIT :limit;
