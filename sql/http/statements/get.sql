-- GET /v1/accounts/{account_id}/statements/{month}
-- The statement of an account for a month.
-- role: crm
-- answer: one
-- account_id: integer!
-- month: month!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, month, opening_balance, paid, adjusted, charged, closing_balance
FROM monthly_statement WHERE account_id = :account_id AND month = :month;
