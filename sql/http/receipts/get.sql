-- GET /v1/receipts/{receipt_id}
-- A receipt, and the payments that it became.
-- role: cashier
-- answer: one
-- receipt_id: integer!

SELECT r.receipt_id, r.source, r.external_id, r.amount, r.received_at, r.account_text, r.payer, r.payer_tax_id,
       r.payer_account, r.purpose, r.raw, r.status, r.reason,
       (SELECT payments FROM receipt_outcome WHERE receipt_id = r.receipt_id) AS "payments:json",
       r.recorded_at, r.recorded_by
FROM receipt AS r WHERE r.receipt_id = :receipt_id;
