-- GET /companies/{account_id}/notices
-- What a company was told, and by which ways.
-- role: operator
-- answer: many
-- gives: html
-- account_id: integer!
-- after: integer Go on behind this notice

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'tabs' AS component, say('Разделы компании', 'Parts of the company') AS title;
SELECT say('Обзор', 'Overview') AS title, '/companies/' || :account_id AS link, 0 AS active
UNION ALL SELECT say('Движения', 'Ledger'), '/companies/' || :account_id || '/ledger', 0
UNION ALL SELECT say('Действия', 'Actions'), '/companies/' || :account_id || '/actions', 0
UNION ALL SELECT say('Документы', 'Documents'), '/companies/' || :account_id || '/documents', 0
UNION ALL SELECT say('Уведомления', 'Notices'), '/companies/' || :account_id || '/notices', 1;

SELECT 'table' AS component, say('Что сообщалось компании', 'What the company was told') AS about,
       say('Компании ещё ничего не сообщалось.', 'The company was told nothing yet.') AS empty;
SELECT m.at, k.name AS "page_notice", m.subject,
       (SELECT group_concat(iif(d.channel = 'email', d.recipient, d.channel) || ' — '
                            || CASE d.status WHEN 'waiting' THEN say('ждёт', 'waiting')
                                             WHEN 'sent' THEN say('отправлено', 'sent')
                                             WHEN 'failed' THEN say('не доставлено', 'failed')
                                             WHEN 'moot' THEN say('уже не нужно', 'moot')
                                             ELSE say('сохранено', 'captured') END, '; ')
        FROM delivery AS d WHERE d.notice_id = m.notice_id) AS "page_deliveries",
       '/notices/' || m.notice_id AS link, m.notice_id AS after
FROM (SELECT notice_id FROM notice WHERE account_id = :account_id AND (:after IS NULL OR notice_id < :after)
      ORDER BY notice_id DESC LIMIT :limit) AS n
CROSS JOIN notice_message AS m ON m.notice_id = n.notice_id
JOIN notice_kind AS k ON k.kind = m.kind
ORDER BY m.notice_id DESC;
