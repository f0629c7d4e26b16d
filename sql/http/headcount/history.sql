-- GET /v1/accounts/{account_id}/headcounts
-- All headcounts of an account, past and to come.
-- role: crm
-- answer: many
-- account_id: integer!
-- after: day Go on behind this day

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, day, employees, recorded_at, recorded_by, day AS after
FROM headcount WHERE account_id = :account_id AND day > coalesce(:after, '')
ORDER BY day LIMIT :limit;
