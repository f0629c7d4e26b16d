-- GET /v1/reports/audit_unpriced
-- Quantities that no tier of their price list prices.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT day, account_id, service_id, quantity, json_array(account_id, day, service_id) AS after
FROM audit_unpriced
WHERE account_id >= coalesce(:after ->> 0, 0)
  AND (account_id, day, service_id)
      > (coalesce(:after ->> 0, 0), coalesce(:after ->> 1, ''), coalesce(:after ->> 2, ''))
ORDER BY account_id, day, service_id LIMIT :limit;
