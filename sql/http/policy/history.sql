-- GET /v1/policies
-- All versions of the policy, past and to come.
-- role: operator
-- answer: many
-- after: day Go on behind this valid_from

SELECT valid_from, rules, time_zone, currency, working_week, restricted_days_charged, grace_working_days,
       promised_payment_max_days, low_balance_warning_days, language, reminder_days, reminders, pay_url, document_kind,
       recorded_at, recorded_by, valid_from AS after
FROM policy WHERE valid_from > coalesce(:after, '')
ORDER BY valid_from LIMIT :limit;
