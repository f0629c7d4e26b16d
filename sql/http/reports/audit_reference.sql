-- GET /v1/reports/audit_reference
-- References to rows that are not there, and adjustments of the wrong sign.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT table_name, key, problem, json_array(table_name, key) AS after
FROM audit_reference WHERE (table_name, key) > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, ''))
ORDER BY table_name, key LIMIT :limit;
