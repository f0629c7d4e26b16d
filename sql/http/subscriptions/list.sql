-- GET /v1/accounts/{account_id}/subscriptions
-- All subscriptions of an account, past and to come, or those that run on a day.
-- role: crm
-- answer: many
-- account_id: integer!
-- day: day Those that run on this day
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, service_id, started_on, ended_on, quantity, price_list, recorded_at, recorded_by,
       json_array(service_id, started_on) AS after
FROM subscription
WHERE account_id = :account_id
  AND (:day IS NULL OR started_on <= :day AND (ended_on IS NULL OR ended_on > :day))
  AND (service_id, started_on) > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, ''))
ORDER BY service_id, started_on LIMIT :limit;
