-- GET /v1/channels/{channel}
-- A channel.
-- role: operator
-- answer: one
-- channel: text!

SELECT channel_id, protocol, method, min_amount, max_amount, disabled, recorded_at, recorded_by
FROM channel WHERE channel_id = :channel;
