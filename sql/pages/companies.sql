-- GET /companies
-- Find a company.
-- role: cashier
-- answer: many
-- gives: html
-- q: text A number, a part of the name, a tax id, an external id, or the number of an invoice
-- state: text Only in this state
-- after: integer Go on behind this account; below 0, behind one that is exactly what was asked for

SELECT 'shell' AS component, say('Компании', 'Companies') AS title, '/companies' AS place;

SELECT 'form' AS component, '/companies' AS link, 1 AS search, say('Найти', 'Find') AS submit;

SELECT 'q' AS name, 'search' AS type,
       say('Номер, название, ИНН, внешний номер, счёт', 'Number, name, tax id, external id, invoice') AS label,
       :q AS value,
       NULL AS options
UNION ALL
SELECT 'state', 'select', say('Состояние', 'State'), :state,
       json_array(json_array('', say('любое', 'any')), json_array('active', say('Работает', 'Active')),
                  json_array('grace', say('Отсрочка', 'Grace')),
                  json_array('promised', say('Обещанный платёж', 'Promised')),
                  json_array('restricted', say('Ограничена', 'Restricted')),
                  json_array('held', say('Доступ закрыт оператором', 'Held')),
                  json_array('paused', say('Приостановлена', 'Paused')),
                  json_array('trial', say('Пробный период', 'Trial')),
                  json_array('trial_ended', say('Пробный закончен', 'Trial ended')),
                  json_array('closed', say('Обслуживание закрыто', 'Closed')));

SELECT 'table' AS component, say('Найденные компании', 'Companies found') AS about,
       say('Ничего не нашлось.', 'Nothing was found.') AS empty;

-- What is exactly a number, an external id or an invoice's number comes first, once, and its place lies before all
-- others': the account's number less 2^53 + 1, which is above all numbers. A search is asked of the index in portions,
-- until as many as are shown are of the state; without one those of the state are read in the order of their numbers.
WITH RECURSIVE exact(account_id) AS MATERIALIZED (
  SELECT account_id FROM account WHERE trim(:q) NOT GLOB '*[^0-9]*' AND account_id = CAST(trim(:q) AS INTEGER)
  UNION
  SELECT account_id FROM account WHERE external_id = trim(:q)
  UNION
  SELECT account_id FROM document
  WHERE trim(:q) NOT GLOB '*[^0-9]*' AND kind = 'invoice' AND number = CAST(trim(:q) AS INTEGER)
  ORDER BY account_id LIMIT 1000),
portion(found) AS (
  SELECT found_accounts(trim(:q), max(coalesce(:after, 0), 0), :limit) WHERE trim(coalesce(:q, '')) <> ''
  UNION ALL
  SELECT found_accounts(trim(:q), found ->> '$[#-1]', :limit) FROM portion WHERE json_array_length(found) = :limit)
SELECT a.name, a.account_id, s.state, s.balance, a.tax_id, '/companies/' || a.account_id AS link, found.after
FROM (
  SELECT account_id, account_id - 9007199254740993 AS after FROM exact
  WHERE trim(coalesce(:q, '')) <> '' AND (:after IS NULL OR account_id - 9007199254740993 > :after)
  UNION ALL
  SELECT f.value, f.value FROM portion CROSS JOIN json_each(portion.found) AS f
  WHERE f.value NOT IN (SELECT account_id FROM exact)
  UNION ALL
  SELECT account_id, account_id FROM account
  WHERE trim(coalesce(:q, '')) = '' AND nullif(:state, '') IS NULL AND account_id > coalesce(:after, 0)
  UNION ALL
  SELECT account_id, account_id FROM access_state
  WHERE trim(coalesce(:q, '')) = '' AND nullif(:state, '') IS NOT NULL AND at = :now AND state = :state
    AND account_id > coalesce(:after, 0)) AS found
CROSS JOIN account AS a ON a.account_id = found.account_id
CROSS JOIN access_state AS s ON s.account_id = a.account_id AND s.at = :now
WHERE nullif(:state, '') IS NULL OR s.state = :state
LIMIT :limit;

SELECT 'heading' AS component, say('Новая компания', 'A new company') AS title, '/companies/new' AS link,
       say('Зарегистрировать', 'Register') AS label;
