-- GET /documents/months/{month}
-- The documents of a month, as they go out: by post, with post.pdf, and by e-mail.
-- role: operator
-- answer: many
-- gives: html
-- month: month!
-- by: text email: those (post)
-- after: integer Go on behind this document

SELECT 'shell' AS component, say('Документы за ', 'Documents of ') || :month AS title, '/documents' AS place;

SELECT 'tabs' AS component, say('Как они уходят', 'How they go out') AS title;
SELECT say('По почте', 'By post') AS title, '/documents/months/' || :month AS link, :by IS NOT 'email' AS active
UNION ALL SELECT say('По электронной почте', 'By e-mail'), '/documents/months/' || :month || '?by=email',
                 :by IS 'email';

SELECT 'heading' AS component, say('Конверты', 'Envelopes') AS title,
       say('адрес — справа вверху первой страницы каждого документа; тысячи их печатает saldod documents',
           'the address is at the top right of the first page of each; thousands are printed by saldod documents')
       AS text, '/documents/months/' || :month || '/post.pdf' AS link, 'post.pdf' AS label
WHERE :by IS NOT 'email'
  AND EXISTS (SELECT 1 FROM document WHERE month = :month AND content ->> '$.customer.document_delivery' = 'post');

SELECT 'table' AS component, say('Документы', 'Documents') AS about,
       say('Таких документов нет.', 'There are no such documents.') AS empty;
-- Of each the last version.
SELECT d.number AS "page_number", d.kind AS "page_document:word", a.name AS "page_company",
       iif(:by IS 'email', coalesce(v.recipient, a.admin_email), d.content ->> '$.customer.postal_address')
       AS recipient, iif(:by IS 'email', v.status, NULL) AS status,
       iif(:by IS 'email', coalesce(v.done_at, v.since), NULL) AS at, '/documents/' || d.document_id AS link,
       d.document_id AS after
FROM document AS d JOIN account AS a ON a.account_id = d.account_id
LEFT JOIN notice AS n ON n.account_id = d.account_id AND n.kind = 'document' AND n.reference = d.document_id
LEFT JOIN delivery AS v ON v.notice_id = n.notice_id AND v.channel = 'email'
WHERE d.month = :month AND d.document_id > coalesce(:after, 0)
  AND iif(d.content ->> '$.customer.document_delivery' = 'post', 'post', 'email') = iif(:by IS 'email', 'email', 'post')
  AND NOT EXISTS (SELECT 1 FROM document AS l WHERE l.corrects = coalesce(d.corrects, d.document_id)
                    AND l.correction_number > coalesce(d.correction_number, 0))
ORDER BY d.document_id LIMIT :limit;
