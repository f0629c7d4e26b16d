-- Takes the delivery by a webhook that has been due longest, and counts an attempt of it. Parameters: :channel; :now;
-- :lease_until, when it is due again if nothing is heard of this attempt.

UPDATE delivery
SET attempts = attempts + 1, next_at = :lease_until, since = coalesce(since, :now), detail = NULL, recipient = w.url,
    body = coalesce(delivery.body,
                    (SELECT json_object(
                       'type', 'notice.' || n.kind,
                       'timestamp', n.at,
                       'data', json_object(
                         'notice_id', n.notice_id, 'account_id', n.account_id, 'kind', n.kind, 'severity', m.severity,
                         'at', n.at, 'number', n.number, 'amount', n.amount, 'reference', n.reference,
                         'state', n.state, 'balance', n.balance, 'arrears_since', n.arrears_since,
                         'restricted_from', n.restricted_from, 'promised_until', n.promised_until,
                         'promise_allowed', n.promise_allowed, 'lasts_until', n.lasts_until,
                         'trial_ends_on', n.trial_ends_on, 'top_up', n.top_up, 'language', m.language,
                         'subject', m.subject, 'body', m.body))
                     FROM notice AS n JOIN notice_message AS m ON m.notice_id = n.notice_id
                     WHERE n.notice_id = delivery.notice_id))
FROM (SELECT url FROM webhook WHERE name = :channel AND disabled_at IS NULL) AS w
WHERE delivery_id = (SELECT delivery_id FROM delivery
                     WHERE channel = :channel AND status = 'waiting' AND in_turn = 1
                       AND coalesce(next_at, '') <= :now
                     ORDER BY coalesce(next_at, ''), delivery_id LIMIT 1)
RETURNING delivery_id, notice_id, status, attempts, since, recipient, subject, body, NULL AS language;
