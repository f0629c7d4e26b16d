-- GET /v1/reports/audit_charge
-- Posted charges that the facts do not bear out, and missing ones.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT day, account_id, service_id, posted, computed, json_array(day, account_id, service_id) AS after
FROM audit_charge
WHERE day >= coalesce(:after ->> 0, '')
  AND (day, account_id, service_id)
      > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, 0), coalesce(:after ->> 2, ''))
ORDER BY day, account_id, service_id LIMIT :limit;
