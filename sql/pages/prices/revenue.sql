-- GET /revenue
-- What the prices earn.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Доход', 'Revenue') AS title, '/prices' AS place;

SELECT 'tabs' AS component, say('Цены и доход', 'Prices and revenue') AS title;
SELECT say('Цены', 'Prices') AS title, '/prices' AS link, 0 AS active
UNION ALL SELECT say('Доход', 'Revenue'), '/revenue', 1;

SELECT 'table' AS component, say('Доход в месяц', 'What is earned a month') AS title,
       say('на ', 'as of ') || time_text(figures('revenue', :now) ->> 'at') AS note;
SELECT value ->> 0 AS service, value ->> 1 AS price_list, value ->> 2 AS accounts, value ->> 3 AS quantity,
       value ->> 4 AS amount
FROM json_each(figures('revenue', :now), '$.rows') ORDER BY key;
