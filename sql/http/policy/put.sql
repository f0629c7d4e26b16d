-- PUT /v1/policy
-- Set the policy from a day on; what is left out stays as in force.
-- role: operator
-- answer: one
-- valid_from: day! From this day on
-- rules: integer The version of the rules of billing
-- time_zone: text The same in all versions
-- currency: text The same in all versions
-- working_week: text The ISO weekdays that are worked, as in 12345
-- restricted_days_charged: integer How many restricted days of one run of arrears are charged; null: all
-- grace_working_days: integer Whole working days between the arrears and the restriction
-- promised_payment_max_days: integer
-- low_balance_warning_days: integer
-- language: text ru or en
-- reminder_days: integer Days between the reminders of a restriction; null: none
-- reminders: integer How many reminders at most
-- pay_url: text Where one pays, for the notices; {account_id} stands for the account's number; null: nowhere
-- document_kind: text What the documents of a month are: act or upd

SELECT iif(EXISTS (SELECT 1 FROM policy WHERE valid_from = :valid_from), 200, 201) AS http_status;

-- Before the opening there is none in force; the first one is taken, for the message of the refusal.
INSERT INTO policy(valid_from, rules, time_zone, currency, working_week, restricted_days_charged, grace_working_days,
                   promised_payment_max_days, low_balance_warning_days, language, reminder_days, reminders, pay_url,
                   document_kind, recorded_at, recorded_by)
SELECT :valid_from, coalesce(:rules, rules), coalesce(:time_zone, time_zone), coalesce(:currency, currency),
       coalesce(:working_week, working_week),
       iif(:given_restricted_days_charged, :restricted_days_charged, restricted_days_charged),
       coalesce(:grace_working_days, grace_working_days),
       coalesce(:promised_payment_max_days, promised_payment_max_days),
       coalesce(:low_balance_warning_days, low_balance_warning_days), coalesce(:language, language),
       iif(:given_reminder_days, :reminder_days, reminder_days), coalesce(:reminders, reminders),
       iif(:given_pay_url, :pay_url, pay_url), coalesce(:document_kind, document_kind), :now, :who
FROM (SELECT * FROM policy WHERE valid_from <= max(:valid_from, (SELECT opening_day FROM books))
      ORDER BY valid_from DESC LIMIT 1)
WHERE true
ON CONFLICT (valid_from) DO UPDATE
SET rules = excluded.rules, time_zone = excluded.time_zone, currency = excluded.currency,
    working_week = excluded.working_week, restricted_days_charged = excluded.restricted_days_charged,
    grace_working_days = excluded.grace_working_days, promised_payment_max_days = excluded.promised_payment_max_days,
    low_balance_warning_days = excluded.low_balance_warning_days, language = excluded.language,
    reminder_days = excluded.reminder_days, reminders = excluded.reminders, pay_url = excluded.pay_url,
    document_kind = excluded.document_kind, recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (rules, time_zone, currency, working_week, restricted_days_charged, grace_working_days, promised_payment_max_days,
       low_balance_warning_days, language, reminder_days, reminders, pay_url, document_kind)
      IS NOT (excluded.rules, excluded.time_zone, excluded.currency, excluded.working_week,
              excluded.restricted_days_charged, excluded.grace_working_days, excluded.promised_payment_max_days,
              excluded.low_balance_warning_days, excluded.language, excluded.reminder_days, excluded.reminders,
              excluded.pay_url, excluded.document_kind);

SELECT valid_from, rules, time_zone, currency, working_week, restricted_days_charged, grace_working_days,
       promised_payment_max_days, low_balance_warning_days, language, reminder_days, reminders, pay_url, document_kind,
       recorded_at, recorded_by
FROM policy WHERE valid_from = :valid_from;
