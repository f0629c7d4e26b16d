-- GET /v1/accounts/{account_id}
-- An account.
-- role: crm
-- answer: one
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since, legal_name, tax_id,
       postal_address, kpp, contract, signatory, documents, document_delivery, recorded_at, recorded_by
FROM account WHERE account_id = :account_id;
