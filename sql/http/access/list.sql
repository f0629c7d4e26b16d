-- GET /v1/access
-- The access of all accounts, or of those in one state.
-- role: crm
-- answer: many
-- state: text active, grace, promised, restricted, held, paused, closed, trial or trial_ended
-- at: instant The instant asked about, past or to come (now)
-- after: integer Go on behind this account_id

SELECT saldo_refuse('invalid', 'state is ' || :state || ', not one of: active grace promised restricted held paused '
                               || 'closed trial trial_ended')
WHERE :state NOT IN ('active', 'grace', 'promised', 'restricted', 'held', 'paused', 'closed', 'trial', 'trial_ended');

SELECT account_id, day, at, state, employees_allowed, admin_allowed, balance, accrued, arrears_since, restricted_from,
       promised_until, promise_allowed, lasts_until, account_id AS after
FROM access_state
WHERE account_id > coalesce(:after, 0) AND at = coalesce(:at, :now) AND (:state IS NULL OR state = :state)
ORDER BY account_id LIMIT :limit;
