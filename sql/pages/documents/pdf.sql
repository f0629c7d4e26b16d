-- GET /documents/{document_id}.pdf
-- A document as it is printed, in PDF.
-- role: operator
-- answer: one
-- gives: pdf
-- auth: session
-- document_id: integer!

SELECT document_pdf(content) AS document, document_file_name(content) || '.pdf' AS http_file_name
FROM document WHERE document_id = :document_id;
