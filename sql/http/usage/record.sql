-- POST /v1/usage
-- Record usage events, all or none; an event sent again with the same usage_id counts once.
-- role: crm
-- answer: many
-- events: list!
-- events[].usage_id: text! The sender's identifier of the event
-- events[].account_id: integer!
-- events[].service_id: text! A usage service
-- events[].occurred_at: instant (now)
-- events[].quantity: integer! From 1 to 10^9

-- What stands is what is recorded already or else the first of the batch. An instant that lay a little ahead was taken
-- for the request's, recorded_at; sent again, it may lie as far after what is recorded.
SELECT saldo_refuse('conflict', 'usage ' || s.usage_id || ' is recorded already, with other content')
FROM (SELECT value ->> 'usage_id' AS usage_id, value ->> 'account_id' AS account_id,
             value ->> 'service_id' AS service_id, value ->> 'occurred_at' AS occurred_at,
             value ->> 'quantity' AS quantity,
             first_value(value) OVER (PARTITION BY value ->> 'usage_id' ORDER BY key) AS first
      FROM json_each(:events)) AS s
LEFT JOIN usage_event AS u ON u.usage_id = s.usage_id
WHERE (s.account_id, s.service_id, s.quantity,
       iif(u.occurred_at = u.recorded_at
           AND unixepoch(s.occurred_at) - unixepoch(u.recorded_at) BETWEEN 0 AND :clock_difference_seconds,
           u.occurred_at,
           coalesce(s.occurred_at, u.occurred_at, first ->> 'occurred_at', :now)))
      IS NOT (coalesce(u.account_id, first ->> 'account_id'), coalesce(u.service_id, first ->> 'service_id'),
              coalesce(u.quantity, first ->> 'quantity'), coalesce(u.occurred_at, first ->> 'occurred_at', :now));

SELECT iif(EXISTS (SELECT 1 FROM json_each(:events)
                   WHERE value ->> 'usage_id' NOT IN (SELECT usage_id FROM usage_event)),
           201, 200) AS http_status;

-- The answer comes before the events go in, while it is known which are new.
SELECT s.usage_id, s.account_id, s.service_id, coalesce(u.occurred_at, s.occurred_at) AS occurred_at, s.quantity,
       coalesce(u.charged_on, max(billing_day(s.occurred_at), b.open_day)) AS charged_on,
       iif(u.usage_id IS NULL, :now, u.recorded_at) AS recorded_at,
       iif(u.usage_id IS NULL, :who, u.recorded_by) AS recorded_by,
       iif(u.usage_id IS NULL AND s.nth = 1, 'recorded', 'repeated') AS status
FROM (SELECT key, value ->> 'usage_id' AS usage_id, value ->> 'account_id' AS account_id,
             value ->> 'service_id' AS service_id, value ->> 'quantity' AS quantity,
             coalesce(first_value(value) OVER same ->> 'occurred_at', :now) AS occurred_at,
             row_number() OVER same AS nth
      FROM json_each(:events) WINDOW same AS (PARTITION BY value ->> 'usage_id' ORDER BY key)) AS s
CROSS JOIN books AS b
LEFT JOIN usage_event AS u ON u.usage_id = s.usage_id
ORDER BY s.key;

INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity, recorded_at, recorded_by)
SELECT usage_id, value ->> 'account_id', value ->> 'service_id', coalesce(value ->> 'occurred_at', :now),
       value ->> 'quantity', :now, :who
FROM (SELECT key, value, value ->> 'usage_id' AS usage_id,
             row_number() OVER (PARTITION BY value ->> 'usage_id' ORDER BY key) AS nth
      FROM json_each(:events)) AS s
WHERE nth = 1 AND NOT EXISTS (SELECT 1 FROM usage_event AS u WHERE u.usage_id = s.usage_id)
ORDER BY key;
