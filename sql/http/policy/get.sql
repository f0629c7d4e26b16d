-- GET /v1/policy
-- The policy in force on a day.
-- role: operator
-- answer: one
-- day: day (today)

SELECT valid_from, rules, time_zone, currency, working_week, restricted_days_charged, grace_working_days,
       promised_payment_max_days, low_balance_warning_days, language, reminder_days, reminders, pay_url, document_kind,
       recorded_at, recorded_by
FROM policy WHERE valid_from <= coalesce(:day, :today)
ORDER BY valid_from DESC LIMIT 1;
