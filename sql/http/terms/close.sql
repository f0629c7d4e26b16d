-- POST /v1/accounts/{account_id}/close
-- Close an account: nothing recurring is charged, nobody may work.
-- role: crm
-- answer: one
-- account_id: integer!
-- valid_from: day From this day on (today)
-- reason: text

SELECT iif(EXISTS (SELECT 1 FROM account_terms
                   WHERE account_id = :account_id AND valid_from = coalesce(:valid_from, :today)),
           200, 201) AS http_status;

INSERT INTO account_terms(account_id, valid_from, status, credit_limit, held, reason, recorded_at, recorded_by)
SELECT :account_id, coalesce(:valid_from, :today), 'closed', iif(f.account_id IS NULL, 0, f.credit_limit),
       coalesce(f.held, 0), :reason, :now, :who
FROM (SELECT 1)
LEFT JOIN (SELECT account_id, credit_limit, held FROM account_terms
           WHERE account_id = :account_id AND valid_from <= coalesce(:valid_from, :today)
           ORDER BY valid_from DESC LIMIT 1) AS f
WHERE true
ON CONFLICT (account_id, valid_from) DO UPDATE
SET status = excluded.status, reason = excluded.reason,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (status, reason) IS NOT (excluded.status, excluded.reason);

SELECT account_id, valid_from, status, credit_limit, held, reason, recorded_at, recorded_by
FROM account_terms WHERE account_id = :account_id AND valid_from = coalesce(:valid_from, :today);
