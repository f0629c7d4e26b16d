-- GET /days
-- Closed days with their digests, the audits, and the calendar.
-- role: operator
-- answer: many
-- gives: html
-- audit: text 1: run the audits

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

SELECT 'form' AS component, '/days' AS link, say('Проверить книги', 'Audit the books') AS submit,
       say('Все начисления и остатки пересчитываются заново; на больших книгах это долго.',
           'All charges and balances are computed anew; with large books that takes long.') AS text;
SELECT 'audit' AS name, 'hidden' AS type, '1' AS value;

SELECT 'table' AS component, say('Проверки', 'Audits') AS title WHERE :audit = '1';
SELECT check_name, violations FROM audit WHERE :audit = '1';

SELECT 'heading' AS component, say('Закрытые дни', 'Closed days') AS title;
SELECT 'table' AS component, say('Закрытые дни', 'Closed days') AS about,
       say('Ни один день ещё не закрыт.', 'No day is closed yet.') AS empty;
SELECT day, accounts, charges, charged, closed_at, digest FROM day_close ORDER BY day DESC LIMIT 31;

SELECT 'heading' AS component, say('Календарь', 'Calendar') AS title,
       say('что отличается от рабочей недели', 'what departs from the working week') AS text;
SELECT 'table' AS component, say('Календарь', 'Calendar') AS about;
SELECT day, working, name FROM calendar_exception
WHERE day BETWEEN date(:today, '-7 days') AND date(:today, '+180 days') ORDER BY day;

SELECT 'form' AS component, say('Изменить день', 'Change a day') AS title, '/days/change' AS link;
SELECT 'day' AS name, 'day' AS type, say('День', 'Day') AS label, 1 AS required;
