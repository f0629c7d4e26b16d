-- GET /notices/templates/{kind}/{language}/preview
-- The last notice of a kind as its template says it; shown before and after.
-- role: operator
-- answer: many
-- gives: html
-- facts: books
-- kind: text!
-- language: text!

SELECT 'shell' AS component, name AS title, '/notices' AS place FROM notice_kind WHERE kind = :kind;

SELECT 'facts' AS component;
SELECT say('Тема в шаблоне', 'Subject of the template') AS label, subject AS value
FROM notice_template WHERE kind = :kind AND language = :language
UNION ALL SELECT say('Текст в шаблоне', 'Text of the template'), body
FROM notice_template WHERE kind = :kind AND language = :language
UNION ALL SELECT say('Последнее такое письмо: тема', 'The last such message: subject'), subject
FROM notice_message
WHERE notice_id = (SELECT max(notice_id) FROM notice WHERE kind = :kind) AND language = :language
UNION ALL SELECT say('Последнее такое письмо: текст', 'The last such message: text'), body
FROM notice_message
WHERE notice_id = (SELECT max(notice_id) FROM notice WHERE kind = :kind) AND language = :language;
