-- POST /v1/accounts/{account_id}/reconciliations
-- Issue a reconciliation act: all that moved an account's balance in a range of closed days.
-- role: operator
-- answer: one
-- account_id: integer!
-- from: day! The first day
-- to: day! The last day, which is closed

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

INSERT INTO reconciliation(account_id, issued_on, period_from, period_to, recorded_at, recorded_by)
VALUES (:account_id, :today, :from, :to, :now, :who);

SELECT document_id, kind, number, issued_on, account_id, month, total, tax, corrects, correction_number, corrected_on,
       run_id, recorded_at, recorded_by, content AS "content:json", 201 AS http_status
FROM document WHERE document_id = (SELECT max(document_id) FROM document);
