-- POST /v1/accounts/{account_id}/invoices
-- Issue an invoice: of an amount, or of what is needed for the money to last until a day.
-- role: crm
-- answer: one
-- account_id: integer!
-- amount: integer In minor units
-- until: day The last day free of arrears; instead of amount
-- employees: integer With until: with so many employees from now on (as the facts say)

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

INSERT INTO invoice(account_id, issued_on, amount, until, employees, recorded_at, recorded_by)
VALUES (:account_id, :today, :amount, :until, :employees, :now, :who);

SELECT document_id, kind, number, issued_on, account_id, month, total, tax, corrects, correction_number, corrected_on,
       run_id, recorded_at, recorded_by, content AS "content:json", 201 AS http_status
FROM document WHERE document_id = (SELECT max(document_id) FROM document);
