-- POST /v1/accounts
-- Register an account.
-- role: crm
-- answer: one
-- account_id: integer The number that people type at kiosks (the next free one)
-- external_id: text The identifier in the other system
-- name: text!
-- admin_email: text
-- registered_on: day (today)
-- trial_ends_on: day The last day of the trial; null: it does not end
-- customer_since: day
-- legal_name: text
-- tax_id: text
-- postal_address: text
-- kpp: text
-- contract: text Number and date, as in № 15 от 01.02.2026
-- signatory: text Who signs documents
-- documents: text The months that get documents: bank (the default), from the first bank transfer on; always; never
-- document_delivery: text post (the default) or email

INSERT INTO account(account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since,
                    legal_name, tax_id, postal_address, kpp, contract, signatory, documents, document_delivery,
                    recorded_at, recorded_by)
VALUES (:account_id, :external_id, :name, :admin_email, coalesce(:registered_on, :today), :trial_ends_on,
        :customer_since, :legal_name, :tax_id, :postal_address, :kpp, :contract, :signatory,
        coalesce(:documents, 'bank'), coalesce(:document_delivery, 'post'), :now, :who);

SELECT account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since, legal_name, tax_id,
       postal_address, kpp, contract, signatory, documents, document_delivery, recorded_at, recorded_by,
       201 AS http_status
FROM account WHERE account_id = last_insert_rowid();
