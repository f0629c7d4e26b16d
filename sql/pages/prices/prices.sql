-- GET /prices
-- The prices, in time.
-- role: operator
-- answer: many
-- gives: html
-- after: integer Go on behind this price

SELECT 'shell' AS component, say('Цены', 'Prices') AS title, '/prices' AS place;

SELECT 'tabs' AS component, say('Цены и доход', 'Prices and revenue') AS title;
SELECT say('Цены', 'Prices') AS title, '/prices' AS link, 1 AS active
UNION ALL SELECT say('Доход', 'Revenue'), '/revenue', 0;

SELECT 'table' AS component, say('Услуги', 'Services') AS title, say('Услуг ещё нет.',
       'There are no services yet.') AS empty;
SELECT v.name AS service, v.service_id AS "page_code", v.kind, v.unit AS "page_unit", l.price_list,
       say('Новая цена', 'A new price') AS action,
       '/prices/' || percent_encode(v.service_id) || '?price_list=' || percent_encode(l.price_list) AS action_link
FROM service AS v
JOIN (SELECT DISTINCT service_id, price_list FROM tariff UNION SELECT service_id, 'standard' FROM service) AS l
  ON l.service_id = v.service_id
ORDER BY v.name, v.service_id, l.price_list <> 'standard', l.price_list;

SELECT 'table' AS component, say('Все цены', 'All prices') AS title;
SELECT v.name AS service, t.price_list, t.valid_from,
       CASE WHEN t.valid_from > :today THEN say('будет', 'to come')
            WHEN t.valid_from = (SELECT max(o.valid_from) FROM tariff AS o
                                 WHERE o.price_list = t.price_list AND o.service_id = t.service_id
                                   AND o.valid_from <= :today)
            THEN say('действует', 'in force') ELSE say('прошла', 'past') END AS "page_when",
       t.min_quantity, t.monthly_fee, t.unit_fee, t.recorded_by, t.after
FROM (SELECT tariff.*, row_number() OVER (ORDER BY service_id, price_list, valid_from DESC, min_quantity) AS after
      FROM tariff) AS t
JOIN service AS v ON v.service_id = t.service_id
WHERE t.after > coalesce(:after, 0) ORDER BY t.after LIMIT :limit;

SELECT 'heading' AS component, say('Новая услуга', 'A new service') AS title;
SELECT 'form' AS component, '/prices/new' AS link;
SELECT 'service_id' AS name, 'text' AS type, say('Код', 'Code') AS label, 1 AS required,
       say('строчные латинские буквы, цифры, _ - .', 'lower-case letters, digits, _ - .') AS hint;
