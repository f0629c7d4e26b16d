-- GET /v1/notice-templates
-- What notices say, by kind and language.
-- role: operator
-- answer: many

SELECT kind, language, subject, body FROM notice_template ORDER BY kind, language;
