-- GET /notices/webhooks/change
-- Make a webhook, change it, give it another secret, or delete it.
-- role: operator
-- answer: many
-- gives: html
-- name: text!

SELECT 'shell' AS component, say('Вебхук ', 'Webhook ') || :name AS title, '/notices' AS place;

SELECT 'form' AS component, say('Адрес', 'Address') AS title, 'PUT /v1/webhooks/' || percent_encode(:name) AS writes,
       '/notices/webhooks' AS back, 1 AS secret;
SELECT 'url' AS name, 'text' AS type, 'https://' AS label, 1 AS required,
       (SELECT url FROM webhook WHERE name = :name) AS value;

SELECT 'form' AS component, say('Новый секрет', 'Another secret') AS title,
       'POST /v1/webhooks/' || percent_encode(:name) || '/rotate' AS writes, '/notices/webhooks' AS back, 1 AS secret
FROM webhook WHERE name = :name;

SELECT 'form' AS component, say('Удалить', 'Delete') AS title,
       'DELETE /v1/webhooks/' || percent_encode(:name) AS writes, '/notices/webhooks' AS back
FROM webhook WHERE name = :name;
