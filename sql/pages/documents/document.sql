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

SELECT 'heading' AS component, 'sent' AS id, say('Отправка', 'Sending') AS title,
       iif(content ->> '$.customer.document_delivery' = 'post' AND month IS NOT NULL,
           say('клиент получает документы по почте: ', 'the customer gets documents by post: ')
           || coalesce(content ->> '$.customer.postal_address', say('адреса нет', 'there is no address')),
           say('клиент получает его по электронной почте', 'the customer gets it by e-mail')) AS text,
       iif(month IS NULL, NULL, '/documents/months/' || month) AS link, say('Весь месяц', 'The whole month') AS label
FROM document WHERE document_id = :document_id;
SELECT 'table' AS component, say('Кому отправлен', 'To whom it went') AS about,
       say('Никому ещё не отправлялся.', 'It was sent to nobody yet.') AS empty;
WITH found AS MATERIALIZED (
  SELECT d.*, iif(d.channel = 'email', say('Электронная почта', 'E-mail'), d.channel) AS way
  FROM document AS o
  JOIN notice AS n ON n.account_id = o.account_id AND n.kind = 'document' AND n.reference = o.document_id
  JOIN delivery AS d ON d.notice_id = n.notice_id
  WHERE o.document_id = :document_id)
SELECT way AS channel, recipient, status, attempts, at, detail FROM (
  -- As it was each time before it was sent again, and as it is now.
  SELECT delivery_id, key AS place, way, value ->> 0 AS recipient, value ->> 1 AS status, NULL AS attempts,
         value ->> 2 AS at, value ->> 3 AS detail
  FROM found CROSS JOIN json_each(found.earlier)
  UNION ALL
  SELECT delivery_id, json_array_length(coalesce(earlier, '[]')), way, recipient, status, attempts,
         coalesce(done_at, since), detail
  FROM found)
ORDER BY delivery_id, place;
SELECT 'form' AS component, say('Отправить по электронной почте', 'Send it by e-mail') AS title,
       'POST /v1/documents/' || :document_id || '/send' AS writes, '/documents/' || :document_id AS back,
       say('На ', 'To ') || a.admin_email || say('. Если уже отправлен — ещё раз.', '; once more, if it was sent.')
       AS text
FROM document AS d JOIN account AS a ON a.account_id = d.account_id
WHERE d.document_id = :document_id AND a.admin_email IS NOT NULL
  AND EXISTS (SELECT 1 FROM notice AS n WHERE n.account_id = d.account_id AND n.kind = 'document'
                AND n.reference = d.document_id);

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
SELECT 'corrected_on' AS name, 'day' AS type, say('Дата исправления', 'Dated') AS label, :today AS value
FROM document WHERE document_id = :document_id AND month IS NOT NULL;
