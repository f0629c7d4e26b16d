-- GET /v1/reports/account_balance
-- The balance of every account: all recorded money less all posted charges.
-- role: analyst
-- answer: many
-- after: integer Go on behind this account_id

SELECT account_id, balance, account_id AS after
FROM account_balance
WHERE account_id IN (SELECT account_id FROM account WHERE account_id > coalesce(:after, 0)
                     ORDER BY account_id LIMIT :limit)
ORDER BY account_id;
