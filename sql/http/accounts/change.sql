-- PATCH /v1/accounts/{account_id}
-- Change some fields of an account; those left out stay, null clears.
-- role: crm
-- answer: one
-- account_id: integer!
-- external_id: text The identifier in the other system
-- name: text
-- admin_email: text
-- registered_on: day Until that day is closed
-- trial_ends_on: day The last day of the trial; null: it does not end
-- customer_since: day
-- legal_name: text
-- tax_id: text
-- postal_address: text
-- kpp: text
-- contract: text Number and date, as in № 15 от 01.02.2026
-- signatory: text Who signs documents
-- documents: text The months that get documents: bank, from the first bank transfer on; always; never
-- document_delivery: text post or email

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

UPDATE account
SET external_id = sent.external_id, name = sent.name, admin_email = sent.admin_email,
    registered_on = sent.registered_on, trial_ends_on = sent.trial_ends_on, customer_since = sent.customer_since,
    legal_name = sent.legal_name, tax_id = sent.tax_id, postal_address = sent.postal_address, kpp = sent.kpp,
    contract = sent.contract, signatory = sent.signatory, documents = sent.documents,
    document_delivery = sent.document_delivery,
    recorded_at = :now, recorded_by = :who
FROM (
  SELECT iif(:given_external_id, :external_id, external_id) AS external_id,
         iif(:given_name, :name, name) AS name,
         iif(:given_admin_email, :admin_email, admin_email) AS admin_email,
         iif(:given_registered_on, :registered_on, registered_on) AS registered_on,
         iif(:given_trial_ends_on, :trial_ends_on, trial_ends_on) AS trial_ends_on,
         iif(:given_customer_since, :customer_since, customer_since) AS customer_since,
         iif(:given_legal_name, :legal_name, legal_name) AS legal_name,
         iif(:given_tax_id, :tax_id, tax_id) AS tax_id,
         iif(:given_postal_address, :postal_address, postal_address) AS postal_address,
         iif(:given_kpp, :kpp, kpp) AS kpp,
         iif(:given_contract, :contract, contract) AS contract,
         iif(:given_signatory, :signatory, signatory) AS signatory,
         iif(:given_documents, :documents, documents) AS documents,
         iif(:given_document_delivery, :document_delivery, document_delivery) AS document_delivery
  FROM account WHERE account_id = :account_id) AS sent
WHERE account.account_id = :account_id
  AND (account.external_id, account.name, account.admin_email, account.registered_on, account.trial_ends_on,
       account.customer_since, account.legal_name, account.tax_id, account.postal_address, account.kpp,
       account.contract, account.signatory, account.documents, account.document_delivery)
      IS NOT (sent.external_id, sent.name, sent.admin_email, sent.registered_on, sent.trial_ends_on,
              sent.customer_since, sent.legal_name, sent.tax_id, sent.postal_address, sent.kpp, sent.contract,
              sent.signatory, sent.documents, sent.document_delivery);

SELECT account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since, legal_name, tax_id,
       postal_address, kpp, contract, signatory, documents, document_delivery, recorded_at, recorded_by
FROM account WHERE account_id = :account_id;
