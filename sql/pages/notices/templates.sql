-- GET /notices/templates
-- What notices say.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Шаблоны уведомлений', 'Templates of notices') AS title, '/notices' AS place;

SELECT 'table' AS component, say('Шаблоны', 'Templates') AS about;
SELECT k.name AS "page_notice", t.language, t.subject, k.severity, k.by_email, say('Изменить', 'Change') AS action,
       '/notices/templates/' || percent_encode(t.kind) || '/' || percent_encode(t.language) AS action_link
FROM notice_template AS t JOIN notice_kind AS k ON k.kind = t.kind
ORDER BY t.language = (SELECT language FROM policy WHERE valid_from <= :today ORDER BY valid_from DESC LIMIT 1) DESC,
         t.language, k.kind;
