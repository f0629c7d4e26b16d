-- POST /v1/document-runs
-- Issue the documents of a month to all who want one and have none; run again it adds what is missing.
-- role: operator
-- answer: one
-- month: month! All of its days are closed
-- issued_on: day! On or after the month's last day

INSERT INTO document_run(month, issued_on, recorded_at, recorded_by) VALUES (:month, :issued_on, :now, :who);

SELECT run_id, month, issued_on, documents, recorded_at, recorded_by, 201 AS http_status
FROM document_run WHERE run_id = (SELECT max(run_id) FROM document_run);
