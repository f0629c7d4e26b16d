-- PUT /v1/services/{service_id}
-- Create a service or change it.
-- role: operator
-- answer: one
-- service_id: text! Lower-case letters, digits, '_', '-', '.'
-- name: text!
-- kind: text! recurring or usage; fixed once used
-- unit: text What its quantity counts

SELECT iif(EXISTS (SELECT 1 FROM service WHERE service_id = :service_id), 200, 201) AS http_status;

INSERT INTO service(service_id, name, kind, unit, recorded_at, recorded_by)
VALUES (:service_id, :name, :kind, :unit, :now, :who)
ON CONFLICT (service_id) DO UPDATE
SET name = excluded.name, kind = excluded.kind, unit = excluded.unit,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (name, kind, unit) IS NOT (excluded.name, excluded.kind, excluded.unit);

SELECT service_id, name, kind, unit, recorded_at, recorded_by FROM service WHERE service_id = :service_id;
