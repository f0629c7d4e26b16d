-- GET /v1/reports/audit_receipt
-- Receipts that do not agree with their payments.
-- role: analyst
-- answer: many
-- after: cursor Go on behind this row

SELECT receipt_id, problem, json_array(receipt_id, problem) AS after
FROM audit_receipt WHERE (receipt_id, problem) > (coalesce(:after ->> 0, 0), coalesce(:after ->> 1, ''))
ORDER BY receipt_id, problem LIMIT :limit;
