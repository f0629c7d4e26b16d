-- GET /v1/receipts
-- What came in from payment systems and banks, and what became of it.
-- role: cashier
-- answer: many
-- status: text pending, matched or ignored
-- source: text A channel, or bank
-- after: integer Go on behind this receipt_id

SELECT saldo_refuse('invalid', 'status is ' || :status || ', not one of: pending matched ignored')
WHERE :status NOT IN ('pending', 'matched', 'ignored');

-- By the index of the status, where one is given.
SELECT r.receipt_id, r.source, r.external_id, r.amount, r.received_at, r.account_text, r.payer, r.payer_tax_id,
       r.payer_account, r.purpose, r.raw, r.status, r.reason,
       (SELECT payments FROM receipt_outcome WHERE receipt_id = r.receipt_id) AS "payments:json",
       r.recorded_at, r.recorded_by,
       r.receipt_id AS after
FROM (
  SELECT receipt_id FROM receipt
  WHERE :status IS NOT NULL AND status = :status AND (:source IS NULL OR source = :source)
    AND receipt_id > coalesce(:after, 0)
  UNION ALL
  SELECT receipt_id FROM receipt
  WHERE :status IS NULL AND (:source IS NULL OR source = :source) AND receipt_id > coalesce(:after, 0)
  ORDER BY receipt_id LIMIT :limit) AS found
CROSS JOIN receipt AS r ON r.receipt_id = found.receipt_id
ORDER BY r.receipt_id;
