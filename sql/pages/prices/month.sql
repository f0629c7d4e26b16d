-- GET /prices/{service_id}/month
-- What a service brings in 30 days by the prices in force and by a draft of one, from the draft's day on.
-- role: operator
-- answer: many
-- gives: html
-- facts: form
-- service_id: text!
-- price_list: text The draft's (standard)
-- valid_from: day The draft's (tomorrow)
-- tiers: text The draft's, as POST /v1/tariffs takes them (the price in force)

SELECT 'shell' AS component, name AS title, '/prices' AS place FROM service WHERE service_id = :service_id;

SELECT 'facts' AS component;
-- 30 days in a row cost a monthly price (R4): one day tells of all, by what is subscribed to now.
WITH used AS MATERIALIZED (
  SELECT quantity, price_list, count(*) AS accounts, sum(monthly_fee + unit_fee * quantity) AS amount
  FROM daily_charge
  WHERE service_id = :service_id AND day = coalesce(:valid_from, date(:today, '+1 day'))
    AND (SELECT kind FROM service WHERE service_id = :service_id) = 'recurring'
  GROUP BY quantity, price_list
  UNION ALL
  SELECT quantity, price_list, count(*), 0
  FROM unpriced_charge
  WHERE service_id = :service_id AND day = coalesce(:valid_from, date(:today, '+1 day'))
    AND (SELECT kind FROM service WHERE service_id = :service_id) = 'recurring'
  GROUP BY quantity, price_list),
tier AS MATERIALIZED (
  SELECT value ->> 'min_quantity' AS min_quantity, coalesce(value ->> 'monthly_fee', 0) AS monthly_fee,
         coalesce(value ->> 'unit_fee', 0) AS unit_fee
  FROM json_each(:tiers)),
drafted AS (
  SELECT accounts, amount,
         CASE WHEN :tiers IS NULL OR price_list IS NOT coalesce(nullif(:price_list, ''), 'standard') THEN amount
              ELSE accounts * coalesce((SELECT monthly_fee + unit_fee * used.quantity FROM tier
                                        WHERE min_quantity <= used.quantity ORDER BY min_quantity DESC LIMIT 1), 0)
         END AS draft
  FROM used)
SELECT say('За 30 дней с ', 'In 30 days from ') || day_text(coalesce(:valid_from, date(:today, '+1 day'))) AS label,
       iif(v.kind = 'usage', say('не оценивается', 'not estimated'), money(coalesce(sum(amount), 0))) AS before,
       iif(v.kind = 'usage', say('не оценивается: будущий расход неизвестен',
                                 'not estimated: what will be used is unknown'),
           money(coalesce(sum(draft), 0))) AS value
FROM service AS v LEFT JOIN drafted WHERE v.service_id = :service_id GROUP BY v.service_id
UNION ALL
SELECT say('Компаний с этой услугой', 'Companies with this service'), coalesce(sum(accounts), 0),
       coalesce(sum(accounts), 0)
FROM service AS v LEFT JOIN drafted WHERE v.service_id = :service_id AND v.kind = 'recurring' GROUP BY v.service_id;
