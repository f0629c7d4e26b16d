-- GET /prices/new
-- Make a service.
-- role: operator
-- answer: many
-- gives: html
-- service_id: text!

SELECT 'shell' AS component, say('Новая услуга: ', 'A new service: ') || :service_id AS title, '/prices' AS place;

SELECT 'form' AS component, say('Записать услугу', 'Record the service') AS title,
       'PUT /v1/services/' || percent_encode(:service_id) AS writes, '/prices' AS back;
SELECT 'name' AS name, 'text' AS type, say('Название', 'Name') AS label, 1 AS required, NULL AS value, NULL AS options
UNION ALL SELECT 'kind', 'select', say('Вид', 'Kind'), 1, 'recurring',
                 json_array(json_array('recurring', say('ежемесячная', 'recurring')),
                            json_array('usage', say('по расходу', 'by usage')))
UNION ALL SELECT 'unit', 'text', say('Что считается', 'What is counted'), 0, NULL, NULL;
