-- POST /v1/deliveries/{delivery_id}/retry
-- Attempt a delivery again, now: one that failed, with all its attempts anew, or one that waits for its next attempt.
-- role: operator
-- answer: one
-- delivery_id: integer!

SELECT saldo_refuse('not_found', 'there is no delivery ' || :delivery_id)
WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE delivery_id = :delivery_id);

SELECT saldo_refuse('conflict', 'delivery ' || delivery_id || ' is ' || status
                                || '; one that failed or waits can be attempted again')
FROM delivery WHERE delivery_id = :delivery_id AND status NOT IN ('failed', 'waiting');

-- An attempt is under way while what it comes to, `detail`, is unknown and its lease runs.
SELECT saldo_refuse('conflict', 'delivery ' || delivery_id || ' is attempted now; what came of it is known by '
                                || next_at)
FROM delivery
WHERE delivery_id = :delivery_id AND status = 'waiting' AND attempts > 0 AND detail IS NULL
  AND next_at > :now;

DELETE FROM mail_suspended
WHERE address = (SELECT recipient FROM delivery WHERE delivery_id = :delivery_id AND channel = 'email');

UPDATE delivery
SET attempts = iif(status = 'failed', 0, attempts), since = iif(status = 'failed', NULL, since), status = 'waiting',
    next_at = NULL, done_at = NULL, detail = NULL
WHERE delivery_id = :delivery_id;

SELECT d.delivery_id, d.notice_id, d.account_id, n.kind, d.channel, d.recipient, d.status, d.attempts, d.next_at,
       d.since, d.done_at, d.detail, d.earlier AS "earlier:json", d.subject, d.body
FROM delivery AS d JOIN notice AS n ON n.notice_id = d.notice_id
WHERE d.delivery_id = :delivery_id;
