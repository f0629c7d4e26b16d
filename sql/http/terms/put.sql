-- PUT /v1/accounts/{account_id}/terms
-- Set the credit limit of an account, hold it or release it; what is left out stays as in force.
-- role: operator
-- answer: one
-- account_id: integer!
-- valid_from: day From this day on (today)
-- status: text active, paused or closed
-- credit_limit: integer How far below zero the balance may go, in minor units; null: without limit
-- held: flag 1: shut by the operator
-- reason: text

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT saldo_refuse('conflict', 'a trial has no terms; activate the account first')
WHERE :status IS NULL
  AND NOT EXISTS (SELECT 1 FROM account_terms
                  WHERE account_id = :account_id AND valid_from <= coalesce(:valid_from, :today));

SELECT iif(EXISTS (SELECT 1 FROM account_terms
                   WHERE account_id = :account_id AND valid_from = coalesce(:valid_from, :today)),
           200, 201) AS http_status;

INSERT INTO account_terms(account_id, valid_from, status, credit_limit, held, reason, recorded_at, recorded_by)
SELECT :account_id, coalesce(:valid_from, :today), coalesce(:status, f.status),
       CASE WHEN :given_credit_limit THEN :credit_limit
            WHEN f.account_id IS NULL THEN 0
            ELSE f.credit_limit END,
       coalesce(:held, f.held, 0), iif(:given_reason, :reason, f.reason), :now, :who
FROM (SELECT 1)
LEFT JOIN (SELECT account_id, status, credit_limit, held, reason FROM account_terms
           WHERE account_id = :account_id AND valid_from <= coalesce(:valid_from, :today)
           ORDER BY valid_from DESC LIMIT 1) AS f
WHERE true
ON CONFLICT (account_id, valid_from) DO UPDATE
SET status = excluded.status, credit_limit = excluded.credit_limit, held = excluded.held, reason = excluded.reason,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (status, credit_limit, held, reason)
      IS NOT (excluded.status, excluded.credit_limit, excluded.held, excluded.reason);

SELECT account_id, valid_from, status, credit_limit, held, reason, recorded_at, recorded_by
FROM account_terms WHERE account_id = :account_id AND valid_from = coalesce(:valid_from, :today);
