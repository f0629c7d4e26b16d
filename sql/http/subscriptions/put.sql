-- PUT /v1/accounts/{account_id}/subscriptions/{service_id}
-- Subscribe an account to a service. The subscription that runs ends on started_on; one of the same day is replaced.
-- role: crm
-- answer: one
-- account_id: integer!
-- service_id: text!
-- started_on: day The first day with it (today)
-- ended_on: day The first day without it
-- quantity: integer From 0 to 10^9; null: the headcount
-- price_list: text (standard)

SELECT iif(EXISTS (SELECT 1 FROM subscription
                   WHERE account_id = :account_id AND service_id = :service_id
                     AND started_on = coalesce(:started_on, :today)),
           200, 201) AS http_status;

UPDATE subscription
SET ended_on = coalesce(:started_on, :today), recorded_at = :now, recorded_by = :who
WHERE account_id = :account_id AND service_id = :service_id AND started_on < coalesce(:started_on, :today)
  AND (ended_on IS NULL OR ended_on > coalesce(:started_on, :today));

INSERT INTO subscription(account_id, service_id, started_on, ended_on, quantity, price_list, recorded_at, recorded_by)
VALUES (:account_id, :service_id, coalesce(:started_on, :today), :ended_on, :quantity,
        coalesce(:price_list, 'standard'), :now, :who)
ON CONFLICT (account_id, service_id, started_on) DO UPDATE
SET ended_on = excluded.ended_on, quantity = excluded.quantity, price_list = excluded.price_list,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (ended_on, quantity, price_list) IS NOT (excluded.ended_on, excluded.quantity, excluded.price_list);

SELECT account_id, service_id, started_on, ended_on, quantity, price_list, recorded_at, recorded_by
FROM subscription
WHERE account_id = :account_id AND service_id = :service_id AND started_on = coalesce(:started_on, :today);
