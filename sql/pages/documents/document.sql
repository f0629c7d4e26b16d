-- GET /documents/{document_id}
-- A document: what it says, to print it, and correcting it.
-- role: operator
-- answer: many
-- gives: html
-- document_id: integer!

SELECT saldo_refuse('not_found', 'there is no document ' || :document_id)
WHERE NOT EXISTS (SELECT 1 FROM document WHERE document_id = :document_id);

SELECT 'shell' AS component,
       CASE kind WHEN 'act' THEN say('Акт', 'Act') WHEN 'upd' THEN say('УПД', 'UPD')
                 WHEN 'invoice' THEN say('Счёт', 'Invoice') ELSE say('Акт сверки', 'Reconciliation') END
       || ' № ' || number || say(' от ', ', ') || day_text(issued_on) AS title, '/documents' AS place
FROM document WHERE document_id = :document_id;

SELECT 'facts' AS component;
SELECT a.name AS "page_company", d.month AS "page_month", d.total AS "page_total:money", d.tax AS "page_tax:money",
       d.correction_number AS "page_correction", d.corrected_on AS "page_corrected:day", d.recorded_at, d.recorded_by
FROM document AS d JOIN account AS a ON a.account_id = d.account_id WHERE d.document_id = :document_id;

SELECT 'heading' AS component, say('Печать', 'Print') AS title, '/documents/' || :document_id || '.pdf' AS link,
       'PDF' AS label;
SELECT 'heading' AS component, 3 AS level, say('УПД для налоговой', 'The tax service''s UPD') AS title,
       '/documents/' || :document_id || '.xml' AS link, 'XML' AS label
FROM document WHERE document_id = :document_id AND kind = 'upd';

SELECT 'table' AS component, say('Строки', 'Lines') AS title, say('Строк нет.', 'There are no lines.') AS empty;
SELECT name AS service, quantity AS "page_amount_of:number", unit AS "page_unit", amount, tax_label AS "page_rate",
       tax AS "page_tax:money"
FROM document_line WHERE document_id = :document_id ORDER BY line;

SELECT 'table' AS component, say('Исправления', 'Corrections') AS title
FROM document WHERE corrects = :document_id LIMIT 1;
SELECT correction_number AS "page_correction", corrected_on AS "page_corrected:day", total AS "page_total:money",
       '/documents/' || document_id AS link
FROM document WHERE corrects = :document_id ORDER BY correction_number;

SELECT 'form' AS component, say('Исправить', 'Correct it') AS title,
       'POST /v1/documents/' || :document_id || '/corrections' AS writes, '/documents/' || :document_id AS back,
       say('Тот же номер и день, содержание — по тому, что записано сейчас.',
           'The same number and day; its content is made of what is recorded now.') AS text
FROM document WHERE document_id = :document_id AND month IS NOT NULL;
SELECT 'corrected_on' AS name, 'day' AS type, say('Датой', 'Dated') AS label, :today AS value
FROM document WHERE document_id = :document_id AND month IS NOT NULL;
