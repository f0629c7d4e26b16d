-- POST /v1/receipts/{receipt_id}/match
-- Credit a pending receipt to an account, or in parts to several; the parts sum to its amount.
-- role: cashier
-- answer: one
-- receipt_id: integer!
-- account_id: integer The account that gets all of it
-- parts: list
-- parts[].account_id: integer!
-- parts[].amount: integer! In minor units

SELECT saldo_refuse('invalid', 'give either account_id or parts')
WHERE (:account_id IS NULL) = (:parts IS NULL);

INSERT INTO receipt_match(receipt_id, parts, reason, recorded_at, recorded_by)
SELECT :receipt_id,
       coalesce(:parts,
                json_array(json_object('account_id', :account_id,
                                       'amount', (SELECT amount FROM receipt WHERE receipt_id = :receipt_id)))),
       'operator', :now, :who;

SELECT r.receipt_id, r.source, r.external_id, r.amount, r.received_at, r.account_text, r.payer, r.payer_tax_id,
       r.payer_account, r.purpose, r.raw, r.status, r.reason,
       (SELECT payments FROM receipt_outcome WHERE receipt_id = r.receipt_id) AS "payments:json",
       r.recorded_at, r.recorded_by
FROM receipt AS r WHERE r.receipt_id = :receipt_id;
