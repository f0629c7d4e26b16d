-- GET /v1/services/{service_id}
-- A service.
-- role: operator
-- answer: one
-- service_id: text!

SELECT service_id, name, kind, unit, recorded_at, recorded_by FROM service WHERE service_id = :service_id;
