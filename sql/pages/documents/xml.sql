-- GET /documents/{document_id}.xml
-- A UPD as the tax service's XML.
-- role: operator
-- answer: one
-- gives: xml
-- auth: session
-- document_id: integer!

SELECT document_xml(content) AS document, document_xml_name(content) || '.xml' AS http_file_name
FROM document WHERE document_id = :document_id AND kind = 'upd';
