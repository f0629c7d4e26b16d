-- GET /v1/services
-- The services.
-- role: operator
-- answer: many

SELECT service_id, name, kind, unit, recorded_at, recorded_by FROM service ORDER BY service_id;
