-- GET /days/change
-- Make a day a working day, or a day off.
-- role: operator
-- answer: many
-- gives: html
-- day: day!

SELECT 'shell' AS component, day_text(:day) AS title, '/days' AS place;

SELECT 'facts' AS component;
SELECT is_working_day(:day) AS working, (SELECT name FROM calendar_exception WHERE day = :day) AS name;

SELECT 'form' AS component, iif(is_working_day(:day), say('Сделать выходным', 'Make it a day off'),
                                say('Сделать рабочим', 'Make it a working day')) AS title,
       'PUT /v1/calendar/' || :day AS writes, '/days' AS back;
SELECT 'working' AS name, 'hidden' AS type, NULL AS label, 0 AS required, 1 - is_working_day(:day) AS value
UNION ALL SELECT 'name', 'text', say('Почему', 'Why'), 0, NULL;

SELECT 'form' AS component, say('Как в рабочей неделе', 'As in the working week') AS title,
       'DELETE /v1/calendar/' || :day AS writes, '/days' AS back
FROM calendar_exception WHERE day = :day;
