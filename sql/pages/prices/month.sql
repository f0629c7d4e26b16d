-- GET /prices/{service_id}/month
-- What a service brings in the 30 days from tomorrow, by today's facts; shown before and after.
-- role: operator
-- answer: many
-- gives: html
-- service_id: text!

SELECT 'shell' AS component, name AS title, '/prices' AS place FROM service WHERE service_id = :service_id;

SELECT 'facts' AS component;
SELECT say('За 30 дней с ', 'In 30 days from ') || day_text(date(:today, '+1 day')) AS label,
       money(coalesce(sum(amount), 0)) AS value
FROM daily_charge WHERE service_id = :service_id AND day BETWEEN date(:today, '+1 day') AND date(:today, '+30 days')
UNION ALL
SELECT say('Компаний с этой услугой', 'Companies with this service'), count(DISTINCT account_id)
FROM daily_charge WHERE service_id = :service_id AND day = date(:today, '+1 day');
