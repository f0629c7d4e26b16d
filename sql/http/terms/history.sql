-- GET /v1/accounts/{account_id}/terms/history
-- All terms of an account, past and to come.
-- role: crm
-- answer: many
-- account_id: integer!
-- after: day Go on behind this valid_from

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, valid_from, status, credit_limit, held, reason, recorded_at, recorded_by, valid_from AS after
FROM account_terms WHERE account_id = :account_id AND valid_from > coalesce(:after, '')
ORDER BY valid_from LIMIT :limit;
