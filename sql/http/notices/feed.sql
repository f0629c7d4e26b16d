-- GET /v1/notices
-- The notices of all accounts, as they were posted.
-- role: crm
-- answer: many
-- kind: text Only of this kind
-- after: integer Go on behind this notice_id
-- wait: wait Hold the answer until there is a notice, for so many seconds at most

SELECT saldo_refuse('not_found', 'there is no kind of notice ' || :kind)
WHERE :kind NOT IN (SELECT kind FROM notice_kind);

SELECT n.notice_id, n.account_id, n.kind, m.severity, n.at, n.number, n.amount, n.reference, n.state, n.balance,
       n.arrears_since, n.restricted_from, n.promised_until, n.promise_allowed, n.lasts_until, n.trial_ends_on,
       n.top_up, m.language, m.subject, m.body, n.notice_id AS after
FROM (SELECT * FROM notice
      WHERE notice_id > coalesce(:after, 0) AND (:kind IS NULL OR kind = :kind)
      ORDER BY notice_id LIMIT :limit) AS n
JOIN notice_message AS m ON m.notice_id = n.notice_id
ORDER BY n.notice_id;
