-- GET /v1/channels
-- The channels by which payment systems reach us.
-- role: operator
-- answer: many

SELECT channel_id, protocol, method, min_amount, max_amount, disabled, recorded_at, recorded_by
FROM channel ORDER BY channel_id;
