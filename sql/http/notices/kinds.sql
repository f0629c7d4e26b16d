-- GET /v1/notice-kinds
-- The kinds of notices, and which of them go by e-mail.
-- role: operator
-- answer: many

SELECT kind, name, severity, by_email FROM notice_kind ORDER BY kind;
