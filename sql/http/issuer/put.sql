-- PUT /v1/issuer
-- Say who issues documents from a day on; what is left out stays as it is on that day.
-- role: operator
-- answer: one
-- valid_from: day! From this day on; it may be past as long as no document has used the issuer since
-- name: text The short name
-- legal_name: text As it is printed; null: the short one
-- tax_id: text
-- kpp: text
-- address: text
-- bank_name: text
-- bic: text
-- bank_account: text
-- corr_account: text
-- director: text Who signs
-- accountant: text

SELECT iif(EXISTS (SELECT 1 FROM issuer WHERE valid_from = :valid_from), 200, 201) AS http_status;

SELECT saldo_refuse('invalid', 'name is missing; there is no issuer on ' || :valid_from || ' whose name would stay')
WHERE :name IS NULL AND NOT EXISTS (SELECT 1 FROM issuer WHERE valid_from <= :valid_from);

INSERT INTO issuer(valid_from, name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account, corr_account,
                   director, accountant, recorded_at, recorded_by)
SELECT :valid_from, coalesce(:name, name), iif(:given_legal_name, :legal_name, legal_name),
       iif(:given_tax_id, :tax_id, tax_id), iif(:given_kpp, :kpp, kpp), iif(:given_address, :address, address),
       iif(:given_bank_name, :bank_name, bank_name), iif(:given_bic, :bic, bic),
       iif(:given_bank_account, :bank_account, bank_account), iif(:given_corr_account, :corr_account, corr_account),
       iif(:given_director, :director, director), iif(:given_accountant, :accountant, accountant), :now, :who
FROM (SELECT 1) LEFT JOIN (SELECT * FROM issuer WHERE valid_from <= :valid_from ORDER BY valid_from DESC LIMIT 1)
WHERE true
ON CONFLICT (valid_from) DO UPDATE
SET name = excluded.name, legal_name = excluded.legal_name, tax_id = excluded.tax_id, kpp = excluded.kpp,
    address = excluded.address, bank_name = excluded.bank_name, bic = excluded.bic,
    bank_account = excluded.bank_account, corr_account = excluded.corr_account, director = excluded.director,
    accountant = excluded.accountant, recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account, corr_account, director, accountant)
      IS NOT (excluded.name, excluded.legal_name, excluded.tax_id, excluded.kpp, excluded.address, excluded.bank_name,
              excluded.bic, excluded.bank_account, excluded.corr_account, excluded.director, excluded.accountant);

SELECT valid_from, name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account, corr_account, director,
       accountant, recorded_at, recorded_by
FROM issuer WHERE valid_from = :valid_from;
