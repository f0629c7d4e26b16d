-- GET /v1/accounts/{account_id}/headcount
-- The headcount that holds on a day.
-- role: crm
-- answer: one
-- account_id: integer!
-- day: day (today)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, day, employees, recorded_at, recorded_by
FROM headcount WHERE account_id = :account_id AND day <= coalesce(:day, :today)
ORDER BY day DESC LIMIT 1;
