-- For the metrics: by channel, how many deliveries wait, and of which instant the oldest notice is. What
-- waits for a disabled webhook is not due, and not counted.

SELECT channel, waiting, (SELECT at FROM notice WHERE notice_id = oldest) AS oldest_at
FROM (SELECT channel, count(*) AS waiting, min(notice_id) AS oldest
      FROM delivery INDEXED BY delivery_order WHERE status = 'waiting'
        AND channel NOT IN (SELECT name FROM webhook WHERE disabled_at IS NOT NULL)
      GROUP BY channel);
