-- POST /v1/documents/{document_id}/send
-- Send a document by e-mail to its account's admin_email, or send it again, in its turn.
-- role: operator
-- answer: one
-- document_id: integer!

SELECT saldo_refuse('not_found', 'there is no document ' || :document_id)
WHERE NOT EXISTS (SELECT 1 FROM document WHERE document_id = :document_id);

SELECT saldo_refuse('conflict', 'account ' || a.account_id || ' has no admin_email')
FROM document AS d JOIN account AS a ON a.account_id = d.account_id
WHERE d.document_id = :document_id AND a.admin_email IS NULL;

SELECT saldo_refuse('conflict', 'document ' || :document_id || ' has no notice; it is posted when the clock of the '
                                || 'notices moves, of documents that are issued after its first run')
FROM document AS d
WHERE d.document_id = :document_id
  AND NOT EXISTS (SELECT 1 FROM notice AS n
                  WHERE n.account_id = d.account_id AND n.kind = 'document' AND n.reference = d.document_id);

-- An attempt is under way while what it comes to, `detail`, is unknown and its lease runs.
SELECT saldo_refuse('conflict', 'delivery ' || v.delivery_id || ' is attempted now; what came of it is known by '
                                || v.next_at)
FROM document AS d
JOIN notice AS n ON n.account_id = d.account_id AND n.kind = 'document' AND n.reference = d.document_id
JOIN delivery AS v ON v.notice_id = n.notice_id AND v.channel = 'email'
WHERE d.document_id = :document_id AND v.status = 'waiting' AND v.attempts > 0 AND v.detail IS NULL
  AND v.next_at > :now;

DELETE FROM mail_suspended
WHERE address = (SELECT a.admin_email FROM document AS d JOIN account AS a ON a.account_id = d.account_id
                 WHERE d.document_id = :document_id);

UPDATE delivery
SET recipient = (SELECT admin_email FROM account AS a WHERE a.account_id = delivery.account_id), status = 'waiting',
    attempts = 0, since = NULL, next_at = :now, done_at = NULL, detail = NULL
WHERE channel = 'email'
  AND notice_id IN (SELECT n.notice_id FROM document AS d
                    JOIN notice AS n ON n.account_id = d.account_id AND n.kind = 'document'
                                        AND n.reference = d.document_id
                    WHERE d.document_id = :document_id);

INSERT INTO delivery(notice_id, account_id, channel, recipient, next_at)
SELECT n.notice_id, n.account_id, 'email', a.admin_email, :now
FROM document AS d
JOIN notice AS n ON n.account_id = d.account_id AND n.kind = 'document' AND n.reference = d.document_id
JOIN account AS a ON a.account_id = n.account_id
WHERE d.document_id = :document_id
  AND NOT EXISTS (SELECT 1 FROM delivery AS v WHERE v.notice_id = n.notice_id AND v.channel = 'email')
ORDER BY n.notice_id;

SELECT d.delivery_id, d.notice_id, d.account_id, n.kind, d.channel, d.recipient, d.status, d.attempts, d.next_at,
       d.since, d.done_at, d.detail, d.earlier AS "earlier:json", d.subject, d.body
FROM document AS o
JOIN notice AS n ON n.account_id = o.account_id AND n.kind = 'document' AND n.reference = o.document_id
JOIN delivery AS d ON d.notice_id = n.notice_id AND d.channel = 'email'
WHERE o.document_id = :document_id;
