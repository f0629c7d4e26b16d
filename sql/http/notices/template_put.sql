-- PUT /v1/notice-templates/{kind}/{language}
-- Change what notices of a kind say; an unknown placeholder is refused, with those that there are.
-- role: operator
-- answer: one
-- kind: text!
-- language: text! ru or en
-- subject: text! One line
-- body: text!

UPDATE notice_template SET subject = :subject, body = :body WHERE kind = :kind AND language = :language;

SELECT kind, language, subject, body FROM notice_template WHERE kind = :kind AND language = :language;
