-- GET /v1/documents/{document_id}.pdf
-- A document as it is printed, in PDF.
-- role: crm
-- answer: one
-- gives: pdf
-- document_id: integer!

SELECT document_pdf(content) AS document, document_file_name(content) || '.pdf' AS http_file_name
FROM document WHERE document_id = :document_id;
