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
       (SELECT json_group_array(json_object('payment_id', p.payment_id, 'account_id', p.account_id, 'amount', p.amount))
        FROM (SELECT payment_id FROM receipt_payment WHERE receipt_id = r.receipt_id ORDER BY payment_id) AS m
        CROSS JOIN payment AS p ON p.payment_id = m.payment_id) AS "payments:json",
       r.recorded_at, r.recorded_by
FROM receipt AS r WHERE r.receipt_id = :receipt_id;
