-- GET /notices/webhooks/change
-- Make a webhook, change it, give it another secret, or delete it.
-- role: operator
-- answer: many
-- gives: html
-- name: text!

SELECT 'shell' AS component, say('Вебхук ', 'Webhook ') || :name AS title, '/notices' AS place;

SELECT 'form' AS component, say('Адрес', 'Address') AS title, 'PUT /v1/webhooks/' || percent_encode(:name) AS writes,
       '/notices/webhooks' AS back, NOT EXISTS (SELECT 1 FROM webhook WHERE name = :name) AS secret;
SELECT 'url' AS name, 'text' AS type, say('Адрес', 'Address') AS label, 1 AS required,
       coalesce((SELECT url FROM webhook WHERE name = :name), 'https://') AS value, NULL AS hint
UNION ALL SELECT 'kinds', 'text', say('Виды уведомлений', 'Kinds of notices'), 0,
                 (SELECT group_concat(k.value, ', ') FROM webhook AS w, json_each(w.kinds) AS k WHERE w.name = :name),
                 say('через запятую, как grace, restricted; пусто: все',
                     'parted by commas, as in grace, restricted; empty: all');

SELECT 'form' AS component, say('Проверить', 'Test it') AS title,
       'POST /v1/webhooks/' || percent_encode(:name) || '/test' AS writes,
       '/notices/webhooks/change?name=' || percent_encode(:name) AS back, say('Отправить', 'Send') AS submit,
       say('Пробное сообщение уйдёт сразу; будет видно, что ответил получатель.',
           'A test message goes out at once; you see what the receiver said.') AS text
FROM webhook WHERE name = :name;

SELECT 'form' AS component, say('Новый секрет', 'New secret') AS title,
       'POST /v1/webhooks/' || percent_encode(:name) || '/rotate' AS writes, '/notices/webhooks' AS back, 1 AS secret
FROM webhook WHERE name = :name;

SELECT 'form' AS component, say('Удалить', 'Delete') AS title,
       'DELETE /v1/webhooks/' || percent_encode(:name) AS writes, '/notices/webhooks' AS back
FROM webhook WHERE name = :name;
