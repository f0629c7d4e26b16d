-- GET /v1/accounts/{account_id}/top-up
-- The least payment now that lasts until a day: 0 where none is needed, null where none helps.
-- role: crm
-- answer: one
-- account_id: integer!
-- until: day The last day free of arrears (the last day of next month)
-- employees: integer With so many employees from today on (as the facts say)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

-- day_cost: what the subscriptions of today cost a day; day_cost_then: with that many employees.
WITH asked AS MATERIALIZED (
  SELECT coalesce(:until, date(:today, 'start of month', '+2 months', '-1 day')) AS until,
         coalesce((SELECT employees FROM headcount
                   WHERE account_id = :account_id AND day <= :today ORDER BY day DESC LIMIT 1), 0) AS employees),
running AS MATERIALIZED (
  SELECT service_id, quantity, price_list
  FROM subscription
  WHERE account_id = :account_id AND started_on <= :today AND (ended_on IS NULL OR ended_on > :today))
SELECT :account_id AS account_id, :now AS at, a.until, coalesce(:employees, a.employees) AS employees,
       top_up(:account_id, :now, a.until, :employees) AS top_up,
       (SELECT coalesce(sum(daily_fee(monthly_price(price_list, service_id, :today, coalesce(quantity, a.employees)),
                                      :today)), 0) FROM running) AS day_cost,
       (SELECT coalesce(sum(daily_fee(monthly_price(price_list, service_id, :today,
                                                    coalesce(quantity, :employees, a.employees)), :today)), 0)
        FROM running) AS day_cost_then
FROM asked AS a;
