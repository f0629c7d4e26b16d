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

UPDATE account
SET external_id = sent.external_id, name = sent.name, admin_email = sent.admin_email,
    registered_on = sent.registered_on, trial_ends_on = sent.trial_ends_on, customer_since = sent.customer_since,
    legal_name = sent.legal_name, tax_id = sent.tax_id, postal_address = sent.postal_address,
    recorded_at = :now, recorded_by = :who
FROM (
  SELECT iif(json_type(:body, '$.external_id') IS NULL, external_id, :external_id) AS external_id,
         iif(json_type(:body, '$.name') IS NULL, name, :name) AS name,
         iif(json_type(:body, '$.admin_email') IS NULL, admin_email, :admin_email) AS admin_email,
         iif(json_type(:body, '$.registered_on') IS NULL, registered_on, :registered_on) AS registered_on,
         iif(json_type(:body, '$.trial_ends_on') IS NULL, trial_ends_on, :trial_ends_on) AS trial_ends_on,
         iif(json_type(:body, '$.customer_since') IS NULL, customer_since, :customer_since) AS customer_since,
         iif(json_type(:body, '$.legal_name') IS NULL, legal_name, :legal_name) AS legal_name,
         iif(json_type(:body, '$.tax_id') IS NULL, tax_id, :tax_id) AS tax_id,
         iif(json_type(:body, '$.postal_address') IS NULL, postal_address, :postal_address) AS postal_address
  FROM account WHERE account_id = :account_id) AS sent
WHERE account.account_id = :account_id
  AND (account.external_id, account.name, account.admin_email, account.registered_on, account.trial_ends_on,
       account.customer_since, account.legal_name, account.tax_id, account.postal_address)
      IS NOT (sent.external_id, sent.name, sent.admin_email, sent.registered_on, sent.trial_ends_on,
              sent.customer_since, sent.legal_name, sent.tax_id, sent.postal_address);

SELECT account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since, legal_name, tax_id,
       postal_address, recorded_at, recorded_by
FROM account WHERE account_id = :account_id;
