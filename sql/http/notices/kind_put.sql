-- PUT /v1/notice-kinds/{kind}
-- Say whether notices of a kind go by e-mail; those posted already stay as they are.
-- role: operator
-- answer: one
-- kind: text!
-- by_email: flag!

UPDATE notice_kind SET by_email = :by_email WHERE kind = :kind;

SELECT kind, name, severity, by_email FROM notice_kind WHERE kind = :kind;
