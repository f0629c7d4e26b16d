-- Parameters: :channel. When the next delivery of the channel is due; '' is at once. No row: nothing waits.

SELECT coalesce(next_at, '') AS next_at
FROM delivery
WHERE channel = :channel AND status = 'waiting' AND in_turn = 1
  AND NOT EXISTS (SELECT 1 FROM webhook WHERE name = :channel AND disabled_at IS NOT NULL)
ORDER BY coalesce(next_at, '') LIMIT 1;
