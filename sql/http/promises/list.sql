-- GET /v1/accounts/{account_id}/promised-payments
-- The promised payments of an account.
-- role: crm
-- answer: many
-- account_id: integer!
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT promise_id, account_id, granted_at, days, expires_at, recorded_at, recorded_by,
       json_array(granted_at, promise_id) AS after
FROM promised_payment
WHERE account_id = :account_id AND (granted_at, promise_id) > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, 0))
ORDER BY granted_at, promise_id LIMIT :limit;
