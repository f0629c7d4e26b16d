-- POST /v1/accounts/{account_id}/promised-payments
-- Promise a payment: everyone may work until the promise expires.
-- role: crm
-- answer: one
-- account_id: integer!
-- granted_at: instant (now)
-- days: integer! From 1 to the policy's promised_payment_max_days

INSERT INTO promised_payment(account_id, granted_at, days, recorded_at, recorded_by)
VALUES (:account_id, coalesce(:granted_at, :now), :days, :now, :who);

SELECT promise_id, account_id, granted_at, days, expires_at, recorded_at, recorded_by, 201 AS http_status
FROM promised_payment WHERE promise_id = last_insert_rowid();
