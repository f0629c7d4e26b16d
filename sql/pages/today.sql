-- GET /
-- How things stand today.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Сегодня, ', 'Today, ') || day_text(:today) AS title, '/' AS place;

-- What needs somebody: each row is a thing to look at.
SELECT 'banner' AS component, 'warning' AS kind, '/days' AS link, say('Открыть дни', 'Open the days') AS label,
       say('Не закрыты прошедшие дни: ', 'Days that have ended are not closed: ') || late AS text
FROM (SELECT CAST(julianday(:today) - julianday(open_day) AS INTEGER) AS late FROM books)
WHERE late > 1;

SELECT 'banner' AS component, 'info' AS kind, '/receipts' AS link, say('Разнести', 'Match them') AS label,
       say('Поступлений ждут разноски: ', 'Receipts wait to be matched: ') || count(*) || say(' на ', ', ')
       || money(coalesce(sum(amount), 0)) AS text
FROM receipt WHERE status = 'pending' HAVING count(*) > 0;

SELECT 'banner' AS component, 'warning' AS kind, '/notices?status=failed' AS link, say('Посмотреть', 'Look') AS label,
       say('Не доставлено сообщений: ', 'Messages that were not delivered: ') || count(*) AS text
FROM delivery WHERE status = 'failed' HAVING count(*) > 0;

-- The audits that are quick; all of them are run by hand, at the days.
SELECT 'banner' AS component, 'error' AS kind, '/days?audit=1' AS link,
       say('Проверить книги', 'Audit the books') AS label,
       say('Проверки находят нарушения: ', 'Audits find violations: ') || sum(found) AS text
FROM (SELECT count(*) AS found FROM audit_day_gap UNION ALL SELECT count(*) FROM audit_promised_payment)
HAVING sum(found) > 0;

SELECT 'heading' AS component, say('Компании', 'Companies') AS title, '/companies' AS link,
       say('Найти компанию', 'Find a company') AS label;

SELECT 'table' AS component, say('Сколько компаний в каком состоянии',
       'How many companies are in which state') AS about;

SELECT state, count(*) AS accounts, sum(balance) AS balance, '/companies?state=' || state AS link
FROM access_state WHERE at = :now
GROUP BY state ORDER BY accounts DESC;

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
       say('Будут ограничены ', 'Restricted from ') || day_text(next_working_day(date(:today, '+1 day'))) AS title,
       say('ближайший рабочий день', 'the next working day') AS text;

SELECT 'table' AS component, say('Будут ограничены', 'Will be restricted') AS about,
       say('Никто.', 'Nobody.') AS empty;

SELECT a.name, s.account_id, s.balance, s.arrears_since, '/companies/' || s.account_id AS link
FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id
WHERE s.at = day_start(next_working_day(date(:today, '+1 day'))) AND s.state = 'restricted'
  AND s.restricted_from > :now
ORDER BY s.balance LIMIT 50;
