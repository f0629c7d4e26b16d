-- GET /v1/accounts/{account_id}/documents
-- The documents of an account, without their content, the newest first.
-- role: crm
-- answer: many
-- account_id: integer!
-- after: integer Go on behind this document_id

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT document_id, kind, number, issued_on, account_id, month, total, tax, corrects, correction_number, corrected_on,
       run_id, recorded_at, recorded_by, document_id AS after
FROM document
WHERE account_id = :account_id AND (:after IS NULL OR document_id < :after)
ORDER BY document_id DESC LIMIT :limit;
