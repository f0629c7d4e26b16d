-- Takes the e-mail that has been due longest, and counts an attempt of it. Parameters: :now; :lease_until, when it is
-- due again if nothing is heard of this attempt; :test_clock 1: the books are asked at the instant of notice_clock, and
-- nothing is too old; :capture 1: it is only kept; :redirect, an address that gets everything and is never suspended,
-- or null.
--
-- It goes to the address that the account has now, and what it says is asked again. One that is not true any more, or
-- may not be sent, is done with; then, and where it is only kept, `status` of the row is not 'waiting', and there may
-- be another one to take.

WITH due AS MATERIALIZED (
  SELECT delivery_id, notice_id, account_id, body IS NULL AS is_new, next_at
  FROM delivery
  WHERE channel = 'email' AND status = 'waiting' AND in_turn = 1 AND coalesce(next_at, '') <= :now
  ORDER BY coalesce(next_at, ''), delivery_id LIMIT 1),
asked AS MATERIALIZED (
  SELECT d.delivery_id, d.notice_id, d.is_new, coalesce(:redirect, a.admin_email) AS recipient,
         CASE
           WHEN a.admin_email IS NULL THEN 'the account has no address any more'
           WHEN d.is_new AND NOT :test_clock
                -- Sent by hand it is as new as that.
                AND max(n.at, coalesce(d.next_at, n.at)) < strftime('%Y-%m-%dT%H:%M:%SZ', :now, '-4 days')
           THEN 'too old' || iif(n.kind IN ('payment', 'document'), ': no relay took it within 4 days', '')
           WHEN n.kind IN ('payment', 'document') THEN NULL
           WHEN n.kind IN ('low_balance', 'trial_ending', 'promise_ending')
           THEN (SELECT 'the warning does not hold any more' WHERE notice_warning(n.account_id, c.at) IS NOT n.kind)
           ELSE (SELECT 'the state is now ' || s.state
                        || iif(s.restricted_from IS NULL, '', ', restricted_from ' || s.restricted_from)
                 FROM access_state AS s
                 WHERE s.account_id = n.account_id AND s.at = c.at
                   AND (s.state <> iif(n.kind = 'reminder', 'restricted', n.kind)
                        OR n.kind = 'reminder' AND s.restricted_from IS NOT n.restricted_from))
         END AS moot
  FROM due AS d
  JOIN notice AS n ON n.notice_id = d.notice_id
  JOIN account AS a ON a.account_id = d.account_id
  JOIN (SELECT iif(:test_clock, at, :now) AS at FROM notice_clock) AS c),
judged AS MATERIALIZED (
  SELECT a.delivery_id, a.recipient, coalesce(moot, 'the relay refused the address on ' || s.since || ': ' || s.detail)
                                     AS detail,
         CASE WHEN moot IS NOT NULL THEN 'moot'
              WHEN s.address IS NOT NULL THEN 'failed'
              WHEN :capture THEN 'captured'
              ELSE 'waiting' END AS status,
         iif(a.is_new AND moot IS NULL AND s.address IS NULL,
             (SELECT json_array(m.subject, m.body) FROM notice_message AS m WHERE m.notice_id = a.notice_id),
             NULL) AS message
  FROM asked AS a
  LEFT JOIN mail_suspended AS s ON s.address = a.recipient AND :redirect IS NULL)
UPDATE delivery
SET recipient = coalesce(j.recipient, delivery.recipient),
    status = j.status,
    attempts = attempts + (j.status = 'waiting'),
    next_at = iif(j.status = 'waiting', :lease_until, NULL),
    since = iif(j.status = 'waiting', coalesce(since, :now), since),
    done_at = iif(j.status = 'waiting', NULL, :now),
    detail = j.detail,
    subject = coalesce(delivery.subject, j.message ->> 0),
    body = coalesce(delivery.body, j.message ->> 1)
FROM judged AS j
WHERE delivery.delivery_id = j.delivery_id
RETURNING delivery_id, notice_id, status, attempts, since, recipient, subject, body,
          (SELECT language FROM notice_message AS m WHERE m.notice_id = delivery.notice_id) AS language;
