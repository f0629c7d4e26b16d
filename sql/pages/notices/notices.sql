-- GET /notices
-- What was told to whom, and what was not delivered.
-- role: operator
-- answer: many
-- gives: html
-- status: text Only deliveries that are so
-- after: integer Go on behind this delivery

SELECT 'shell' AS component, say('Уведомления', 'Notices') AS title, '/notices' AS place;

SELECT 'tabs' AS component, say('Части уведомлений', 'Parts of the notices') AS title;
SELECT say('Лента', 'Feed') AS title, '/notices' AS link, nullif(:status, '') IS NULL AS active
UNION ALL SELECT say('Не доставлены', 'Failed'), '/notices?status=failed', :status = 'failed'
UNION ALL SELECT say('Ждут', 'Waiting'), '/notices?status=waiting', :status = 'waiting'
UNION ALL SELECT say('Отправлены', 'Sent'), '/notices?status=sent', :status = 'sent'
UNION ALL SELECT say('Шаблоны', 'Templates'), '/notices/templates', 0
UNION ALL SELECT say('Вебхуки', 'Webhooks'), '/notices/webhooks', 0;

SELECT 'table' AS component, say('Лента', 'The feed') AS about,
       say('Уведомлений ещё не было.', 'There were no notices yet.') AS empty
WHERE nullif(:status, '') IS NULL;
SELECT m.at, a.name AS "page_company", k.name AS "page_notice", m.severity, m.subject,
       '/notices/' || m.notice_id AS link
FROM (SELECT notice_id FROM notice WHERE nullif(:status, '') IS NULL ORDER BY notice_id DESC LIMIT 100) AS n
CROSS JOIN notice_message AS m ON m.notice_id = n.notice_id
JOIN account AS a ON a.account_id = m.account_id JOIN notice_kind AS k ON k.kind = m.kind
ORDER BY m.notice_id DESC;

SELECT 'table' AS component, say('Сообщения', 'Messages') AS about,
       say('Таких сообщений нет.', 'There are no such messages.') AS empty
WHERE nullif(:status, '') IS NOT NULL;
SELECT coalesce(d.done_at, d.since, n.at) AS at, a.name AS "page_company", k.name AS "page_notice",
       d.channel, d.recipient, d.attempts,
       d.detail, '/notices/' || d.notice_id AS link,
       iif(d.status IN ('failed', 'waiting'), say('Ещё раз', 'Again'), NULL) AS action,
       '/notices/deliveries/' || d.delivery_id AS action_link, d.delivery_id AS after
FROM delivery AS d JOIN notice AS n ON n.notice_id = d.notice_id JOIN account AS a ON a.account_id = d.account_id
JOIN notice_kind AS k ON k.kind = n.kind
WHERE d.status = nullif(:status, '') AND d.delivery_id > coalesce(:after, 0)
ORDER BY d.delivery_id LIMIT :limit;
