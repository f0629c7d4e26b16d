-- GET /v1/reports/audit_promised_payment
-- Promises with impossible columns.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT promise_id, problem, json_array(promise_id, problem) AS after
FROM audit_promised_payment WHERE (promise_id, problem) > (coalesce(:after ->> 0, 0), coalesce(:after ->> 1, ''))
ORDER BY promise_id, problem LIMIT :limit;
