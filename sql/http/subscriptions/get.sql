-- GET /v1/accounts/{account_id}/subscriptions/{service_id}
-- The subscription to a service that runs on a day.
-- role: crm
-- answer: one
-- account_id: integer!
-- service_id: text!
-- day: day (today)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, service_id, started_on, ended_on, quantity, price_list, recorded_at, recorded_by
FROM subscription
WHERE account_id = :account_id AND service_id = :service_id AND started_on <= coalesce(:day, :today)
  AND (ended_on IS NULL OR ended_on > coalesce(:day, :today));
