-- PUT /v1/services/{service_id}/tax-rates/{valid_from}
-- Say at which rate a service is taxed from a day on; it may be past as long as no document has used the rate since.
-- role: operator
-- answer: one
-- service_id: text!
-- valid_from: day!
-- basis_points: integer 2200 is 22 %; null: without tax

SELECT saldo_refuse('invalid', 'basis_points is missing; it is null where the service is without tax')
WHERE NOT :given_basis_points;

SELECT iif(EXISTS (SELECT 1 FROM tax_rate WHERE service_id = :service_id AND valid_from = :valid_from), 200, 201)
       AS http_status;

INSERT INTO tax_rate(service_id, valid_from, basis_points, recorded_at, recorded_by)
VALUES (:service_id, :valid_from, :basis_points, :now, :who)
ON CONFLICT (service_id, valid_from) DO UPDATE
SET basis_points = excluded.basis_points, recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE basis_points IS NOT excluded.basis_points;

SELECT service_id, valid_from, basis_points, recorded_at, recorded_by
FROM tax_rate WHERE service_id = :service_id AND valid_from = :valid_from;
