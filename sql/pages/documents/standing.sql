-- GET /documents/standing
-- How many documents there are of each kind; shown before and after.
-- role: operator
-- answer: many
-- gives: html
-- facts: books

SELECT 'shell' AS component, say('Документы', 'Documents') AS title, '/documents' AS place;
SELECT 'facts' AS component;
SELECT say('Выставлено всего', 'Issued in all') AS label, count(*) AS value FROM document
UNION ALL SELECT say('Последний выпуск', 'The last run'),
                 (SELECT month || ' · ' || coalesce(documents, 0) FROM document_run ORDER BY run_id DESC LIMIT 1);
