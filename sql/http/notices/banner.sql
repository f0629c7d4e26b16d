-- GET /v1/accounts/{account_id}/banner
-- What the CRM shows the main administrator now; kind is null when there is nothing to show.
-- role: crm
-- answer: one
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

-- A warning goes before the state, in which it says what lies ahead. There is a row before the registration, too.
WITH seen AS MATERIALIZED (
  SELECT a.account_id, a.name, s.balance, s.arrears_since, s.restricted_from, s.promised_until, s.promise_allowed,
         s.lasts_until, a.trial_ends_on,
         iif(s.state IS NULL, NULL,
             top_up(a.account_id, :now, date(:today, 'start of month', '+2 months', '-1 day'))) AS top_up,
         iif(s.state IS NULL, NULL,
             coalesce(notice_warning(a.account_id, :now), nullif(nullif(s.state, 'active'), 'trial'))) AS kind
  FROM account AS a LEFT JOIN access_state AS s ON s.account_id = a.account_id AND s.at = :now
  WHERE a.account_id = :account_id),
filled AS MATERIALIZED (
  SELECT seen.*, p.language,
         json_object('at', :now, 'account_id', account_id, 'name', name, 'balance', balance,
                     'debt', iif(balance < 0, -balance, NULL), 'top_up', nullif(top_up, 0),
                     'arrears_since', arrears_since, 'restricted_from', restricted_from,
                     'promised_until', promised_until, 'lasts_until', lasts_until, 'trial_ends_on', trial_ends_on,
                     'promise_days', iif(promise_allowed = 1, p.promised_payment_max_days, NULL),
                     'pay_url', p.pay_url) AS value_json
  FROM seen, (SELECT * FROM policy ORDER BY valid_from <= :today DESC,
                     iif(valid_from <= :today, valid_from, NULL) DESC, valid_from LIMIT 1) AS p)
SELECT f.account_id, :now AS at, f.kind, k.severity,
       saldo_fill_template(t.subject, f.language, f.value_json) AS subject,
       saldo_fill_template(t.body, f.language, f.value_json) AS body, f.top_up, f.promise_allowed
FROM filled AS f
LEFT JOIN notice_kind AS k ON k.kind = f.kind
LEFT JOIN notice_template AS t ON t.kind = f.kind AND t.language = f.language;
