-- POST /v1/notice-clock
-- Post the notices that are due by an instant, and answer with them; the first time all counts as known.
-- role: operator
-- answer: many
-- at: instant (now)

UPDATE notice_clock SET at = coalesce(:at, :now);

SELECT n.notice_id, n.account_id, n.kind, m.severity, n.at, n.number, n.amount, n.reference, n.state, n.balance,
       n.arrears_since, n.restricted_from, n.promised_until, n.promise_allowed, n.lasts_until, n.trial_ends_on,
       n.top_up, m.language, m.subject, m.body
FROM notice AS n JOIN notice_message AS m ON m.notice_id = n.notice_id
WHERE n.notice_id > (SELECT after_notice_id FROM notice_run)
ORDER BY n.notice_id;
