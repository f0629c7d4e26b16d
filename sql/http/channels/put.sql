-- PUT /v1/channels/{channel}
-- Open a channel for a payment system, or change it.
-- role: operator
-- answer: one
-- channel: text! In lower-case letters, digits, '_', '-' and '.'; not bank
-- protocol: text! What is spoken, such as osmp
-- method: text! The payment method of what comes in
-- min_amount: integer The least that it takes, in minor units; null: no limit
-- max_amount: integer The most that it takes
-- disabled: flag (0)

SELECT iif(EXISTS (SELECT 1 FROM channel WHERE channel_id = :channel), 200, 201) AS http_status;

INSERT INTO channel(channel_id, protocol, method, min_amount, max_amount, disabled, recorded_at, recorded_by)
VALUES (:channel, :protocol, :method, :min_amount, :max_amount, coalesce(:disabled, 0), :now, :who)
ON CONFLICT (channel_id) DO UPDATE
SET protocol = excluded.protocol, method = excluded.method, min_amount = excluded.min_amount,
    max_amount = excluded.max_amount, disabled = excluded.disabled,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (protocol, method, min_amount, max_amount, disabled)
      IS NOT (excluded.protocol, excluded.method, excluded.min_amount, excluded.max_amount, excluded.disabled);

SELECT channel_id, protocol, method, min_amount, max_amount, disabled, recorded_at, recorded_by
FROM channel WHERE channel_id = :channel;
