-- GET /v1/issuer
-- Who issues documents on a day.
-- role: operator
-- answer: one
-- day: day (today)

SELECT valid_from, name, legal_name, tax_id, kpp, address, bank_name, bic, bank_account, corr_account, director,
       accountant, recorded_at, recorded_by
FROM issuer WHERE valid_from <= coalesce(:day, :today)
ORDER BY valid_from DESC LIMIT 1;
