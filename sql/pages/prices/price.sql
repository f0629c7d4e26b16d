-- GET /prices/{service_id}
-- A draft of a price: what it would bring, and recording it.
-- role: operator
-- answer: many
-- gives: html
-- service_id: text!
-- price_list: text (standard)

SELECT saldo_refuse('not_found', 'there is no service ' || :service_id)
WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = :service_id);

SELECT 'shell' AS component, say('Новая цена: ', 'A new price: ') || name AS title, '/prices' AS place
FROM service WHERE service_id = :service_id;

SELECT 'table' AS component, say('Действующая цена', 'The price in force') AS title,
       say('Цены ещё нет.', 'There is no price yet.') AS empty;
SELECT price_list, valid_from, min_quantity, monthly_fee, unit_fee FROM tariff AS t
WHERE service_id = :service_id
  AND valid_from = (SELECT max(o.valid_from) FROM tariff AS o WHERE o.price_list = t.price_list
                      AND o.service_id = t.service_id AND o.valid_from <= :today)
ORDER BY price_list, min_quantity;

SELECT 'form' AS component, say('Черновик', 'A draft') AS title, 3 AS columns,
       'POST /v1/tariffs' AS writes, '/prices/' || percent_encode(:service_id) || '/month' AS shows, '/prices' AS back,
       iif(kind = 'usage',
           say('Доход от услуги с оплатой по расходу не оценивается: будущий расход неизвестен. ',
               'What a service paid by usage will bring is not estimated: future usage is not known. '),
           say('Дальше будет видно, что эта цена принесла бы за 30 дней с её начала по сегодняшним подпискам, и что '
               || 'приносит нынешняя. ',
               'Next you see what this price would bring in 30 days from its day on, by today''s subscriptions, '
               || 'against the one in force. '))
       || say('Ничего не записывается, пока вы не подтвердите.', 'Nothing is recorded until you confirm.') AS text
FROM service WHERE service_id = :service_id;
WITH RECURSIVE tier AS (
  SELECT row_number() OVER (ORDER BY min_quantity) AS n, min_quantity, monthly_fee, unit_fee
  FROM tariff
  WHERE service_id = :service_id AND price_list = coalesce(nullif(:price_list, ''), 'standard')
    AND valid_from = (SELECT max(valid_from) FROM tariff
                      WHERE service_id = :service_id AND price_list = coalesce(nullif(:price_list, ''), 'standard')
                        AND valid_from <= :today)),
-- All that there are, and some more.
numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < max(8, (SELECT count(*) + 3 FROM tier))),
part(place, field, type, russian, english) AS (VALUES
  (1, 'min_quantity', 'integer', 'От, шт.', 'From quantity'), (2, 'monthly_fee', 'money', 'В месяц', 'A month'),
  (3, 'unit_fee', 'money', 'За единицу', 'Per unit'))
SELECT name, type, label, required, value FROM (
  SELECT 0 AS place, 'service_id' AS name, 'hidden' AS type, NULL AS label, 0 AS required, :service_id AS value
  UNION ALL SELECT 1, 'price_list', 'text', say('Прейскурант', 'Price list'), 0,
                   coalesce(nullif(:price_list, ''), 'standard')
  UNION ALL SELECT 2, 'valid_from', 'day', say('Действует с', 'Valid from'), 1, date(:today, '+1 day')
  UNION ALL SELECT 3, NULL, 'gap', NULL, 0, NULL
  UNION ALL
  SELECT 10 * x.n + p.place, 'tiers.' || (x.n - 1) || '.' || p.field, p.type, x.n || '. ' || say(p.russian,
    p.english), 0,
         CASE p.place WHEN 1 THEN t.min_quantity WHEN 2 THEN t.monthly_fee ELSE t.unit_fee END
  FROM numbers AS x CROSS JOIN part AS p LEFT JOIN tier AS t ON t.n = x.n)
ORDER BY place;
