-- GET /v1/accounts
-- Find accounts, or list them all.
-- role: crm
-- answer: many
-- external_id: text Exactly this one
-- tax_id: text Exactly this one
-- name: text A part of the name; capital letters count, but for A to Z
-- after: integer Go on behind this account_id

-- An external_id, where given, leads to its one account. The bounds are NULL if there is none.
SELECT account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since, legal_name, tax_id,
       postal_address, kpp, contract, signatory, documents, document_delivery, recorded_at, recorded_by,
       account_id AS after
FROM account
WHERE account_id > max(coalesce(:after, 0), iif(:external_id IS NULL, 0,
                                                (SELECT account_id - 1 FROM account WHERE external_id = :external_id)))
  AND account_id <= iif(:external_id IS NULL, 9223372036854775807,
                        (SELECT account_id FROM account WHERE external_id = :external_id))
  AND (:tax_id IS NULL OR tax_id = :tax_id)
  AND (:name IS NULL OR instr(lower(name), lower(:name)) > 0)
ORDER BY account_id LIMIT :limit;
