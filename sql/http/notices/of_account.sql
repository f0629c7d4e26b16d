-- GET /v1/accounts/{account_id}/notices
-- The notices of an account, the newest first.
-- role: crm
-- answer: many
-- account_id: integer!
-- after: integer Go on behind this notice_id

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT n.notice_id, n.account_id, n.kind, m.severity, n.at, n.number, n.amount, n.reference, n.state, n.balance,
       n.arrears_since, n.restricted_from, n.promised_until, n.promise_allowed, n.lasts_until, n.trial_ends_on,
       n.top_up, m.language, m.subject, m.body, n.notice_id AS after
FROM (SELECT * FROM notice
      WHERE account_id = :account_id AND (:after IS NULL OR notice_id < :after)
      ORDER BY notice_id DESC LIMIT :limit) AS n
JOIN notice_message AS m ON m.notice_id = n.notice_id
ORDER BY n.notice_id DESC;
