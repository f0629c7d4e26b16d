-- What attempts of a webhook are signed with, the newest first. Parameters: :channel, :now, :test_clock.

SELECT secret
FROM webhook_secret
WHERE webhook = :channel
  AND (expires_at IS NULL OR expires_at > iif(:test_clock, coalesce((SELECT at FROM notice_clock), :now), :now))
ORDER BY expires_at IS NOT NULL, created_at DESC;
