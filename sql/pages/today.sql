-- GET /
-- How things stand today.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Сегодня, ', 'Today, ') || day_text(:today) AS title, '/' AS place;

-- What needs somebody: each row is a thing to look at.
SELECT 'banner' AS component, 'warning' AS kind, '/days' AS link, say('Открыть дни', 'Open the days') AS label,
       say('Не закрыты прошедшие дни: ', 'Days that have ended are not closed: ') || late AS text
FROM (SELECT overdue_days() AS late) WHERE late > 0;

SELECT 'banner' AS component, 'info' AS kind, '/receipts' AS link, say('Разнести', 'Match them') AS label,
       say('Ждут разноски поступлений: ', 'Receipts wait to be matched: ') || count(*) || say(' на ', ', ')
       || money(coalesce(sum(amount), 0)) AS text
FROM receipt WHERE status = 'pending' HAVING count(*) > 0;

SELECT 'banner' AS component, 'warning' AS kind, '/notices?status=failed' AS link, say('Посмотреть', 'Look') AS label,
       say('Не доставлено сообщений: ', 'Messages that were not delivered: ') || count(*) AS text
FROM delivery WHERE status = 'failed' HAVING count(*) > 0;

-- The server runs the audits after each day that it closed, and when it is told to.
SELECT 'banner' AS component, 'error' AS kind, '/days#audits' AS link, say('Посмотреть', 'Look') AS label,
       say('Проверка книг от ', 'The audit of the books of ') || time_text(last_audit() ->> 'at')
       || say(' нашла нарушения: ', ' found violations: ') || group_concat(value ->> 0, ', ') AS text
FROM json_each(last_audit() -> 'found') WHERE value ->> 1 > 0 HAVING count(*) > 0;

SELECT 'banner' AS component, 'warning' AS kind, '/days#audits' AS link, say('Посмотреть', 'Look') AS label,
       say('Проверить книги не удалось: ', 'The books could not be audited: ') || (last_audit() ->> 'problem') AS text
WHERE last_audit() ->> 'problem' IS NOT NULL;

SELECT 'heading' AS component, say('Компании', 'Companies') AS title, '/companies' AS link,
       say('Найти компанию', 'Find a company') AS label;

SELECT 'table' AS component, say('Компании по состояниям', 'Companies by state') AS about,
       say('на ', 'as of ') || time_text(figures('states', :now) ->> 'at') AS note;

SELECT value ->> 0 AS state, value ->> 1 AS accounts, value ->> 2 AS balance,
       '/companies?state=' || (value ->> 0) AS link
FROM json_each(figures('states', :now), '$.rows') ORDER BY key;

SELECT 'heading' AS component, say('Деньги', 'Money') AS title;

SELECT 'chart' AS component, 'bar' AS type,
       say('Поступило и начислено по дням', 'Money in and charged, day by day') AS title;

SELECT c.day,
       (SELECT coalesce(sum(p.amount), 0) FROM payment AS p WHERE p.day = c.day) AS paid,
       d.charged, NOT c.working AS off
FROM working_calendar AS c LEFT JOIN day_close AS d ON d.day = c.day
WHERE c.day BETWEEN max(date(:today, '-30 days'), (SELECT opening_day FROM books)) AND :today
ORDER BY c.day;

SELECT 'heading' AS component,
       say('Будут ограничены ', 'Restricted from ')
       || day_text(next_working_day(date(billing_day(figures('restricted', :now) ->> 'at'), '+1 day'))) AS title,
       say('ближайший рабочий день', 'the next working day') AS text;

SELECT 'table' AS component, say('Будут ограничены', 'Will be restricted') AS about,
       say('Никто.', 'Nobody.') AS empty,
       iif(found ->> '$.rows[0][4]' > 50,
           say('Всего ', 'In all ') || (found ->> '$.rows[0][4]')
           || say(', здесь 50 с наибольшим долгом; ', ', here are the 50 that owe most; '), '')
       || say('на ', 'as of ') || time_text(found ->> 'at') AS note
FROM (SELECT figures('restricted', :now) AS found);

SELECT value ->> 0 AS name, value ->> 1 AS account_id, value ->> 2 AS balance, value ->> 3 AS arrears_since,
       '/companies/' || (value ->> 1) AS link
FROM json_each(figures('restricted', :now), '$.rows') ORDER BY key;
