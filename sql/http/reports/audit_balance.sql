-- GET /v1/reports/audit_balance
-- Balances carried out of the last closed day that the money and the posted charges do not bear out.
-- role: analyst
-- answer: many
-- after: integer Go on behind this account_id

SELECT account_id, balance, computed, account_id AS after
FROM audit_balance WHERE account_id > coalesce(:after, 0)
ORDER BY account_id LIMIT :limit;
