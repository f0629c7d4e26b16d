-- GET /v1/documents/{document_id}.html
-- A document as it is printed, in HTML.
-- role: crm
-- answer: one
-- gives: html
-- document_id: integer!

SELECT document_html(content) AS document FROM document WHERE document_id = :document_id;
