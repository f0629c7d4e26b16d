-- POST /v1/receipts/{receipt_id}/ignore
-- Leave a pending receipt uncredited, for good.
-- role: cashier
-- answer: one
-- receipt_id: integer!
-- reason: text! Why it is nobody's here

SELECT saldo_refuse('not_found', 'there is no receipt ' || :receipt_id)
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE receipt_id = :receipt_id);

UPDATE receipt SET status = 'ignored', reason = :reason WHERE receipt_id = :receipt_id;

SELECT r.receipt_id, r.source, r.external_id, r.amount, r.received_at, r.account_text, r.payer, r.payer_tax_id,
       r.payer_account, r.purpose, r.raw, r.status, r.reason,
       (SELECT payments FROM receipt_outcome WHERE receipt_id = r.receipt_id) AS "payments:json",
       r.recorded_at, r.recorded_by
FROM receipt AS r WHERE r.receipt_id = :receipt_id;
