-- GET /v1/reports/audit_arrears
-- Arrears and restricted days carried out of the last closed day that the facts do not bear out.
-- role: analyst
-- answer: many
-- after: integer Go on behind this account_id

SELECT account_id, arrears_since, computed, restricted_days, restricted_days_computed, account_id AS after
FROM audit_arrears WHERE account_id > coalesce(:after, 0)
ORDER BY account_id LIMIT :limit;
