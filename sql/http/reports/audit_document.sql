-- GET /v1/reports/audit_document
-- Documents that do not agree with the charges and fees of their months, or with themselves, and wrong numbers.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT document_id, problem, json_array(document_id, problem) AS after
FROM audit_document WHERE (document_id, problem) > (coalesce(:after ->> 0, -1), coalesce(:after ->> 1, ''))
ORDER BY document_id, problem LIMIT :limit;
