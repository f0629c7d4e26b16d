-- GET /v1/documents/{document_id}.xml
-- A UPD as the tax service's XML, format 5.03, in windows-1251.
-- role: crm
-- answer: one
-- gives: xml
-- document_id: integer!

SELECT saldo_refuse('not_found', 'XML is there of a UPD alone; this is of the kind ' || kind)
FROM document WHERE document_id = :document_id AND kind <> 'upd';

SELECT document_xml(content) AS document, document_xml_name(content) || '.xml' AS http_file_name
FROM document WHERE document_id = :document_id;
