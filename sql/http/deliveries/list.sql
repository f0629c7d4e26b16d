-- GET /v1/deliveries
-- The deliveries of notices by e-mail and webhooks.
-- role: operator
-- answer: many
-- status: text waiting, sent, failed, moot or captured
-- account_id: integer Only of this account
-- channel: text email, or the name of a webhook
-- after: integer Go on behind this delivery_id

SELECT saldo_refuse('invalid', 'status is ' || :status || ', not one of: waiting sent failed moot captured')
WHERE :status NOT IN ('waiting', 'sent', 'failed', 'moot', 'captured');

-- By the account's notices where there is one, by status where that is all.
SELECT d.delivery_id, d.notice_id, d.account_id, n.kind, d.channel, d.recipient, d.status, d.attempts, d.next_at,
       d.since, d.done_at, d.detail, d.earlier AS "earlier:json", d.subject, d.body, d.delivery_id AS after
FROM (
  SELECT delivery_id FROM delivery
  WHERE :account_id IS NOT NULL
    AND notice_id IN (SELECT notice_id FROM notice WHERE account_id = :account_id)
    AND (:status IS NULL OR status = :status) AND (:channel IS NULL OR channel = :channel)
    AND delivery_id > coalesce(:after, 0)
  UNION ALL
  SELECT delivery_id FROM delivery
  WHERE :account_id IS NULL AND :status IS NOT NULL AND status = :status
    AND (:channel IS NULL OR channel = :channel) AND delivery_id > coalesce(:after, 0)
  UNION ALL
  SELECT delivery_id FROM delivery
  WHERE :account_id IS NULL AND :status IS NULL AND (:channel IS NULL OR channel = :channel)
    AND delivery_id > coalesce(:after, 0)
  ORDER BY delivery_id LIMIT :limit) AS found
JOIN delivery AS d ON d.delivery_id = found.delivery_id
JOIN notice AS n ON n.notice_id = d.notice_id
ORDER BY d.delivery_id;
