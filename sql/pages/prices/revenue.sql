-- GET /revenue
-- What the prices earn: computed for every company, which takes a moment with many.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Доход', 'Revenue') AS title, '/prices' AS place;

SELECT 'tabs' AS component, say('Цены и доход', 'Prices and revenue') AS title;
SELECT say('Цены', 'Prices') AS title, '/prices' AS link, 0 AS active
UNION ALL SELECT say('Доход', 'Revenue'), '/revenue', 1;

SELECT 'table' AS component, say('Доход в месяц на сегодня', 'What is earned a month, as of today') AS title;
SELECT v.name AS service, m.price_list, m.accounts, m.quantity, m.amount
FROM monthly_recurring_revenue AS m JOIN service AS v ON v.service_id = m.service_id ORDER BY m.amount DESC;
