-- GET /v1/accounts/{account_id}/access
-- May this company's employees work, and until when?
-- role: crm
-- answer: one
-- account_id: integer!
-- at: instant The instant asked about, past or to come (now)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, day, at, state, employees_allowed, admin_allowed, balance, accrued, arrears_since, restricted_from,
       promised_until, promise_allowed, lasts_until
FROM access_state WHERE account_id = :account_id AND at = coalesce(:at, :now);
