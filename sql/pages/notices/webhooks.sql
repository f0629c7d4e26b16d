-- GET /notices/webhooks
-- Who gets notices by HTTP.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Вебхуки', 'Webhooks') AS title, '/notices' AS place;

SELECT 'table' AS component, say('Вебхуки', 'Webhooks') AS about,
       say('Вебхуков нет.', 'There are no webhooks.') AS empty;
SELECT name, url, (SELECT group_concat(value, ', ') FROM json_each(kinds)) AS "page_kinds", created_at,
       disabled_at AS "page_disabled:time", detail, say('Изменить', 'Change') AS action,
       '/notices/webhooks/change?name=' || percent_encode(name) AS action_link
FROM webhook ORDER BY name;

SELECT 'form' AS component, '/notices/webhooks/change' AS link, say('Завести или изменить вебхук',
       'Add or change a webhook') AS title;
SELECT 'name' AS name, 'text' AS type, say('Имя', 'Name') AS label, 1 AS required;
