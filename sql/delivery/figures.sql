-- For the metrics: by channel, how many deliveries wait, and of which instant the oldest notice is.

SELECT channel, waiting, (SELECT at FROM notice WHERE notice_id = oldest) AS oldest_at
FROM (SELECT channel, count(*) AS waiting, min(notice_id) AS oldest
      FROM delivery INDEXED BY delivery_order WHERE status = 'waiting' GROUP BY channel);
