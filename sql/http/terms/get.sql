-- GET /v1/accounts/{account_id}/terms
-- The terms in force on a day; there are none in a trial.
-- role: crm
-- answer: one
-- account_id: integer!
-- day: day (today)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, valid_from, status, credit_limit, held, reason, recorded_at, recorded_by
FROM account_terms WHERE account_id = :account_id AND valid_from <= coalesce(:day, :today)
ORDER BY valid_from DESC LIMIT 1;
