-- DELETE /v1/accounts/{account_id}/subscriptions/{service_id}
-- End the subscription to a service that runs.
-- role: crm
-- answer: one
-- account_id: integer!
-- service_id: text!
-- ended_on: day The first day without it (today)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

-- The answer comes first: ended, the row can no longer be told from one that ended on this day before.
SELECT account_id, service_id, started_on, coalesce(:ended_on, :today) AS ended_on, quantity, price_list,
       :now AS recorded_at, :who AS recorded_by
FROM subscription
WHERE account_id = :account_id AND service_id = :service_id AND started_on <= coalesce(:ended_on, :today)
  AND (ended_on IS NULL OR ended_on > coalesce(:ended_on, :today));

UPDATE subscription
SET ended_on = coalesce(:ended_on, :today), recorded_at = :now, recorded_by = :who
WHERE account_id = :account_id AND service_id = :service_id AND started_on <= coalesce(:ended_on, :today)
  AND (ended_on IS NULL OR ended_on > coalesce(:ended_on, :today));
