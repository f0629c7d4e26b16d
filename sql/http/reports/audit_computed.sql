-- GET /v1/reports/audit_computed
-- Computed columns that are not what they are computed from says.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT table_name, key, stored, computed, json_array(table_name, key) AS after
FROM audit_computed WHERE (table_name, key) > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, ''))
ORDER BY table_name, key LIMIT :limit;
