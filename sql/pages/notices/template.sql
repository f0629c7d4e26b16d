-- GET /notices/templates/{kind}/{language}
-- Change what notices of a kind say.
-- role: operator
-- answer: many
-- gives: html
-- kind: text!
-- language: text!

SELECT saldo_refuse('not_found', 'there is no such template')
WHERE NOT EXISTS (SELECT 1 FROM notice_template WHERE kind = :kind AND language = :language);

SELECT 'shell' AS component, name || ' · ' || :language AS title, '/notices' AS place FROM notice_kind
       WHERE kind = :kind;

SELECT 'form' AS component, say('Текст', 'Text') AS title,
       'PUT /v1/notice-templates/' || percent_encode(:kind) || '/' || percent_encode(:language) AS writes,
       '/notices/templates' AS back,
       '/notices/templates/' || percent_encode(:kind) || '/' || percent_encode(:language) || '/preview' AS shows,
       say('Дальше будет показан последний такой случай с новым текстом.',
           'Next the last notice of the kind is shown with the new text.') AS text;
SELECT 'subject' AS name, 'text' AS type, say('Тема', 'Subject') AS label, 1 AS required, subject AS value
FROM notice_template WHERE kind = :kind AND language = :language
UNION ALL SELECT 'body', 'textarea', say('Текст', 'Text'), 1, body
FROM notice_template WHERE kind = :kind AND language = :language;

SELECT 'form' AS component, iif(by_email, say('Не отправлять по почте', 'Do not send it by e-mail'),
                                say('Отправлять по почте', 'Send it by e-mail')) AS title,
       'PUT /v1/notice-kinds/' || percent_encode(:kind) AS writes, '/notices/templates' AS back
FROM notice_kind WHERE kind = :kind;
SELECT 'by_email' AS name, 'hidden' AS type, 1 - by_email AS value FROM notice_kind WHERE kind = :kind;
