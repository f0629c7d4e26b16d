-- POST /v1/documents/{document_id}/corrections
-- Correct a document of a month: the same number and day, its content made anew from what is recorded now.
-- role: operator
-- answer: one
-- document_id: integer!
-- corrected_on: day (today)

INSERT INTO document_correction(corrects, corrected_on, recorded_at, recorded_by)
VALUES (:document_id, coalesce(:corrected_on, :today), :now, :who);

SELECT document_id, kind, number, issued_on, account_id, month, total, tax, corrects, correction_number, corrected_on,
       run_id, recorded_at, recorded_by, content AS "content:json", 201 AS http_status
FROM document WHERE document_id = (SELECT max(document_id) FROM document);
