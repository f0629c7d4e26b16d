-- GET /companies/{account_id}/subscriptions/{service_id}
-- Start, change or end a service of a company.
-- role: operator
-- answer: many
-- gives: html
-- account_id: integer!
-- service_id: text!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);
SELECT saldo_refuse('not_found', 'there is no service ' || :service_id)
WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = :service_id);

SELECT 'shell' AS component, a.name || ': ' || v.name AS title, '/companies' AS place
FROM account AS a, service AS v WHERE a.account_id = :account_id AND v.service_id = :service_id;

SELECT 'text' AS component, 'muted' AS kind,
       say('Текущий период заканчивается днём начала нового.', 'The running period ends on the day the new one starts.')
       AS text;

SELECT 'form' AS component, say('Подключить или изменить', 'Start or change') AS title,
       'PUT /v1/accounts/' || :account_id || '/subscriptions/' || percent_encode(:service_id) AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id || '/actions' AS back;
SELECT 'quantity' AS name, 'integer' AS type, say('Количество', 'Quantity') AS label, NULL AS value, NULL AS options,
       say('пусто — по числу сотрудников', 'empty: by headcount') AS hint
UNION ALL SELECT 'price_list', 'select', say('Прейскурант', 'Price list'), 'standard',
                 (SELECT json_group_array(json_array(price_list, price_list))
                  FROM (SELECT DISTINCT price_list FROM tariff WHERE service_id = :service_id)), NULL
UNION ALL SELECT 'started_on', 'day', say('С какого дня', 'From the day'), :today, NULL, NULL;

SELECT 'form' AS component, say('Отключить', 'End') AS title,
       'DELETE /v1/accounts/' || :account_id || '/subscriptions/' || percent_encode(:service_id) AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id || '/actions' AS back;
SELECT 'ended_on' AS name, 'day' AS type, say('Первый день без услуги', 'The first day without it') AS label,
       date(:today, '+1 day') AS value;
