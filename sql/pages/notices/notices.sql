-- GET /notices
-- What was told to whom, and what was not delivered.
-- role: operator
-- answer: many
-- gives: html
-- status: text Only deliveries that are so
-- after: integer Go on behind this notice or delivery

SELECT 'shell' AS component, say('Уведомления', 'Notices') AS title, '/notices' AS place;

SELECT 'tabs' AS component, say('Части уведомлений', 'Parts of the notices') AS title;
SELECT say('Лента', 'Feed') AS title, '/notices' AS link, nullif(:status, '') IS NULL AS active
UNION ALL SELECT say('Не доставлены', 'Failed'), '/notices?status=failed', :status = 'failed'
UNION ALL SELECT say('Ждут', 'Waiting'), '/notices?status=waiting', :status = 'waiting'
UNION ALL SELECT say('Отправлены', 'Sent'), '/notices?status=sent', :status = 'sent'
UNION ALL SELECT say('Не нужны', 'Moot'), '/notices?status=moot', :status = 'moot'
UNION ALL SELECT say('Сохранены', 'Captured'), '/notices?status=captured', :status = 'captured'
UNION ALL SELECT say('Шаблоны', 'Templates'), '/notices/templates', 0
UNION ALL SELECT say('Вебхуки', 'Webhooks'), '/notices/webhooks', 0;

SELECT 'table' AS component, say('Лента', 'The feed') AS about,
       say('Уведомлений ещё не было.', 'There were no notices yet.') AS empty
WHERE nullif(:status, '') IS NULL;
SELECT m.at, a.name AS "page_company", k.name AS "page_notice", m.severity, m.subject,
       '/notices/' || m.notice_id AS link, m.notice_id AS after
FROM (SELECT notice_id FROM notice WHERE nullif(:status, '') IS NULL AND (:after IS NULL OR notice_id < :after)
      ORDER BY notice_id DESC LIMIT :limit) AS n
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
WHERE d.status = nullif(:status, '') AND (:after IS NULL OR d.delivery_id < :after)
ORDER BY d.delivery_id DESC LIMIT :limit;

SELECT 'form' AS component, say('Проверить почту', 'Test the e-mail') AS title, 'POST /v1/mail/test' AS writes,
       '/notices' AS back, say('Отправить', 'Send') AS submit,
       say('Одно письмо уйдёт сразу; будет видно, что ответил почтовый сервер.',
           'One e-mail goes out at once; you see what the relay said.') AS text
WHERE nullif(:status, '') IS NULL;
SELECT 'to' AS name, 'text' AS type, say('Кому', 'To') AS label, 1 AS required WHERE nullif(:status, '') IS NULL;
