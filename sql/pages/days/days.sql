-- GET /days
-- Closed days with their digests, the audits, and the calendar.
-- role: operator
-- answer: many
-- gives: html
-- after: day Go on with the days closed before it

SELECT 'shell' AS component, say('Дни', 'Days') AS title, '/days' AS place;

SELECT 'facts' AS component;
SELECT say('Открытый день', 'The open day') AS label, day_text(open_day) AS value FROM books
UNION ALL SELECT say('Закрыт последним', 'Closed last'), day_text(last_closed_day) FROM books
UNION ALL SELECT say('Книги открыты', 'The books were opened'), day_text(opening_day) FROM books;

SELECT 'form' AS component, say('Закрыть ', 'Close ') || day_text(open_day) AS title,
       'POST /v1/days/' || open_day || '/close' AS writes, '/days' AS back,
       say('День закончился. Обычно сервер закрывает его сам.',
         'The day has ended. The server closes it by itself, as a rule.') AS text
FROM books WHERE day_end(open_day) <= :now;

SELECT 'heading' AS component, 'audits' AS id, say('Проверки', 'Audits') AS title,
       say('после каждого закрытого дня', 'after each day that was closed') AS text;
SELECT 'facts' AS component;
SELECT say('Последняя', 'The last one') AS label,
       coalesce(time_text(last_audit() ->> 'at')
                || say(', после закрытия ', ', with the days closed up to ') || day_text(last_audit() ->> 'day'),
                time_text(last_audit() ->> 'at'), say('ещё не было', 'there was none yet')) AS value
UNION ALL SELECT say('Заняла, с', 'Took, s'), last_audit() ->> 'seconds'
UNION ALL SELECT say('Не удалась', 'Failed'), last_audit() ->> 'problem' WHERE last_audit() ->> 'problem' IS NOT NULL
UNION ALL SELECT say('Сейчас', 'Now'), say('идёт', 'under way') WHERE last_audit() ->> 'running' = 1;
SELECT 'table' AS component, say('Проверки', 'Audits') AS about,
       say('Ещё не проверялось.', 'Nothing was checked yet.') AS empty;
SELECT value ->> 0 AS check_name, value ->> 1 AS violations
FROM json_each(last_audit() -> 'found') ORDER BY value ->> 1 > 0 DESC, key;
SELECT 'form' AS component, say('Проверить книги', 'Audit the books') AS title, 'POST /v1/audit-runs' AS writes,
       '/days' AS back, say('Проверить', 'Audit them') AS submit,
       say('Сервер пересчитает все начисления и остатки, никого не задерживая; на больших книгах это долго.',
           'The server computes all charges and balances anew, and holds up nobody; with large books that takes long.')
       AS text;

SELECT 'heading' AS component, say('Закрытые дни', 'Closed days') AS title;
SELECT 'table' AS component, say('Закрытые дни', 'Closed days') AS about,
       say('Ни один день ещё не закрыт.', 'No day is closed yet.') AS empty;
SELECT day, accounts, charges, charged, closed_at, digest, day AS after
FROM day_close WHERE :after IS NULL OR day < :after ORDER BY day DESC LIMIT :limit;

SELECT 'heading' AS component, say('Календарь', 'Calendar') AS title,
       say('что отличается от рабочей недели, на полгода вперёд', 'what departs from the working week, for half a year')
       AS text;
SELECT 'table' AS component, say('Календарь', 'Calendar') AS about;
SELECT day, working, name FROM calendar_exception
WHERE day BETWEEN date(:today, '-7 days') AND date(:today, '+180 days') ORDER BY day;

SELECT 'form' AS component, say('Изменить день', 'Change a day') AS title, '/days/change' AS link;
SELECT 'day' AS name, 'day' AS type, say('День', 'Day') AS label, 1 AS required;
