-- GET /v1/services/{service_id}/tax-rates
-- The tax rates of a service, past and to come.
-- role: operator
-- answer: many
-- service_id: text!

SELECT saldo_refuse('not_found', 'there is no service ' || :service_id)
WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = :service_id);

SELECT service_id, valid_from, basis_points, recorded_at, recorded_by
FROM tax_rate WHERE service_id = :service_id ORDER BY valid_from;
