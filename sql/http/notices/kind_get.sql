-- GET /v1/notice-kinds/{kind}
-- A kind of notices.
-- role: operator
-- answer: one
-- kind: text!

SELECT kind, name, severity, by_email FROM notice_kind WHERE kind = :kind;
