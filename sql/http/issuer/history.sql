-- GET /v1/issuers
-- All versions of who issues documents, past and to come.
-- role: operator
-- answer: many
-- after: day Go on behind this valid_from

SELECT valid_from, name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account, corr_account, director,
       accountant, recorded_at, recorded_by, valid_from AS after
FROM issuer WHERE valid_from > coalesce(:after, '')
ORDER BY valid_from LIMIT :limit;
