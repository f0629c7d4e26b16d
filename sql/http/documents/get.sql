-- GET /v1/documents/{document_id}
-- A document: what it says, or as it is printed; a UPD also as the tax service's XML, format 5.03.
-- role: crm
-- answer: one
-- gives: json, html, pdf, xml
-- document_id: integer!

SELECT saldo_refuse('not_acceptable', 'XML is there of a UPD alone; this is of the kind ' || kind)
FROM document WHERE document_id = :document_id AND kind <> 'upd' AND :format = 'xml';

SELECT document_id, kind, number, issued_on, account_id, month, total, tax, corrects, correction_number, corrected_on,
       run_id, recorded_at, recorded_by, content AS "content:json",
       CASE :format
         WHEN 'html' THEN document_html(content)
         WHEN 'pdf' THEN document_pdf(content)
         WHEN 'xml' THEN document_xml(content) END AS document,
       CASE :format
         WHEN 'pdf' THEN document_file_name(content) || '.pdf'
         WHEN 'xml' THEN document_xml_name(content) || '.xml' END AS http_file_name
FROM document WHERE document_id = :document_id;
