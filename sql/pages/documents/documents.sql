-- GET /documents
-- The documents of a month, and issuing them.
-- role: operator
-- answer: many
-- gives: html
-- month: text Those of this month (all)
-- kind: text Only these
-- after: integer Go on behind this document

SELECT 'shell' AS component, say('Документы', 'Documents') AS title, '/documents' AS place;

SELECT 'table' AS component, say('По месяцам', 'By month') AS title,
       say('За месяцы ещё ничего не выставляли.', 'Nothing was issued for a month yet.') AS empty;
SELECT month AS "page_month", kind AS "page_document:word", documents, total AS "page_total:money",
       tax AS "page_tax:money", '/documents?month=' || month || '&kind=' || kind AS link,
       say('Отправка', 'Sending') AS action, '/documents/months/' || month AS action_link
FROM document_month ORDER BY month DESC, kind;

SELECT 'form' AS component, say('Выставить за месяц', 'Issue those of a month') AS title,
       'POST /v1/document-runs' AS writes, '/documents/standing' AS shows, '/documents' AS back,
       say('Тем, кто платит с расчётного счёта или просил документы; повторный выпуск добавляет недостающее.',
           'To those who pay by bank or asked for documents; run again it adds what is missing.') AS text;
SELECT 'month' AS name, 'month' AS type, say('Месяц', 'Month') AS label, 1 AS required,
       substr(date(:today, 'start of month', '-1 day'), 1, 7) AS value
UNION ALL SELECT 'issued_on', 'day', say('Дата документов', 'Dated'), 1, date(:today, 'start of month', '-1 day');

SELECT 'heading' AS component, say('Все документы', 'All documents') AS title;
SELECT 'form' AS component, '/documents' AS link, say('Показать', 'Show') AS submit;
SELECT 'month' AS name, 'month' AS type, say('Месяц', 'Month') AS label, :month AS value, NULL AS options
UNION ALL SELECT 'kind', 'select', say('Вид', 'Kind'), :kind,
                 json_array(json_array('', say('любой', 'any')), json_array('act', say('Акт', 'Act')),
                            json_array('upd', say('УПД', 'UPD')), json_array('invoice', say('Счёт', 'Invoice')),
                            json_array('reconciliation', say('Акт сверки', 'Reconciliation')));
SELECT 'table' AS component, say('Документы', 'Documents') AS about,
       say('Таких документов нет.', 'There are no such documents.') AS empty;
SELECT d.number AS "page_number", d.kind AS "page_document:word", d.issued_on AS "page_issued:day",
       a.name AS "page_company",
       d.month AS "page_month", d.total AS "page_total:money", d.correction_number AS "page_correction",
       '/documents/' || d.document_id AS link, d.document_id AS after
FROM (
  SELECT document_id FROM document
  WHERE nullif(:month, '') IS NOT NULL AND month = :month AND document_id < coalesce(:after, 9223372036854775807)
    AND (nullif(:kind, '') IS NULL OR kind = :kind)
  UNION ALL
  SELECT document_id FROM document
  WHERE nullif(:month, '') IS NULL AND document_id < coalesce(:after, 9223372036854775807)
    AND (nullif(:kind, '') IS NULL OR kind = :kind)
  ORDER BY document_id DESC LIMIT :limit) AS found
CROSS JOIN document AS d ON d.document_id = found.document_id
JOIN account AS a ON a.account_id = d.account_id
ORDER BY d.document_id DESC;
