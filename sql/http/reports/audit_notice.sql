-- GET /v1/reports/audit_notice
-- Accounts that the notices do not look at yet although their state is another than is remembered.
-- role: analyst
-- answer: many
-- after: integer Go on behind this account_id

SELECT account_id, remembered, computed, account_id AS after
FROM audit_notice WHERE account_id > coalesce(:after, 0)
ORDER BY account_id LIMIT :limit;
