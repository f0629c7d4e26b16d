-- What a newcomer would ask of the books, answered on the screen. The demonstration's now is fixed, Monday,
-- 2026-11-23, noon in Moscow, so that the answers are always the same; without `at = …` it would be the clock's.
.mode box
.headers on

.print
.print Who may work right now?
SELECT state, count(*) AS companies, sum(employees_allowed) AS employees_may, sum(admin_allowed) AS administrator_may
FROM access_state WHERE at = '2026-11-23T09:00:00Z'
GROUP BY state ORDER BY companies DESC, state;

.print
.print May the employees of companies 206 and 210 work? One promised to pay by yesterday, one by tomorrow.
SELECT account_id, state, money(balance) AS balance, arrears_since, promised_until, restricted_from
FROM access_state WHERE account_id IN (206, 210) AND at = '2026-11-23T09:00:00Z';

.print
.print Five employees today, eight tomorrow: what does each day cost?
SELECT d.day, d.quantity AS employees, d.min_quantity AS tier_from,
    money(monthly_price(d.price_list, d.service_id, d.day, d.quantity)) AS a_month, money(d.amount) AS this_day
FROM daily_charge AS d
WHERE d.account_id = 1 AND d.service_id = 'crm' AND d.day BETWEEN '2026-11-22' AND '2026-11-25';

.print
.print Who owes us, and since when?
SELECT account_id, name, state, money(balance) AS balance, arrears_since, restricted_from
FROM access_state JOIN account USING (account_id)
WHERE at = '2026-11-23T09:00:00Z' AND arrears_since IS NOT NULL
ORDER BY access_state.balance LIMIT 10;

.print
.print What did we earn, by month and service?
SELECT month,
    money(coalesce(sum(amount) FILTER (WHERE service_id = 'crm'), 0)) AS crm,
    money(coalesce(sum(amount) FILTER (WHERE service_id = 'owners_db'), 0)) AS owners_db,
    money(coalesce(sum(amount) FILTER (WHERE service_id = 'pbx'), 0)) AS pbx,
    money(coalesce(sum(amount) FILTER (WHERE service_id = 'sms'), 0)) AS sms,
    money(sum(amount)) AS total
FROM revenue_by_service GROUP BY month ORDER BY month;

.print
.print And what do we earn a month, as of today?
SELECT service_id, price_list, accounts, quantity, money(amount) AS a_month FROM monthly_recurring_revenue
ORDER BY service_id, price_list DESC;

.print
.print Who runs out of money next? (The last day that is paid for, and when the employees would be locked out.)
SELECT account_id, name, money(balance) AS balance, money(accrued) AS today, lasts_until, restricted_from
FROM access_state JOIN account USING (account_id)
WHERE at = '2026-11-23T09:00:00Z' AND lasts_until IS NOT NULL
ORDER BY lasts_until, account_id LIMIT 10;

.print
.print The money of company 199 ran out in the New Year holidays. When were its employees locked out?
SELECT s.day, c.working, c.name AS holiday, s.state, money(s.balance) AS balance, s.restricted_from
FROM access_state AS s JOIN working_calendar AS c USING (day)
WHERE s.account_id = 199 AND s.day BETWEEN '2025-12-30' AND '2026-01-13';

.print
.print What would it bring to raise the CRM by 10 % from December on? (Thirty days: a month exactly. Then rolled back.)
BEGIN;
CREATE TEMP TABLE as_it_is AS
SELECT sum(amount) AS amount FROM daily_charge WHERE service_id = 'crm' AND day BETWEEN '2026-12-01' AND '2026-12-30';
INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee)
SELECT price_list, service_id, '2026-12-01', min_quantity, monthly_fee * 11 / 10, unit_fee * 11 / 10
FROM tariff WHERE price_list = 'standard' AND service_id = 'crm' AND valid_from = '2026-07-01';
SELECT money(b.amount) AS as_it_is, money(sum(d.amount)) AS raised, money(sum(d.amount) - b.amount) AS more
FROM as_it_is AS b CROSS JOIN daily_charge AS d
WHERE d.service_id = 'crm' AND d.day BETWEEN '2026-12-01' AND '2026-12-30';
ROLLBACK;

.print
.print The account of company 290, month by month ...
SELECT month, money(opening_balance) AS opening_balance, money(paid) AS paid, money(adjusted) AS adjusted,
    money(charged) AS charged, money(closing_balance) AS closing_balance
FROM monthly_statement WHERE account_id = 290 AND month >= '2026-06' ORDER BY month;

.print
.print ... and line by line, around the messages that were reported late.
SELECT day, kind, service_id, method, money(amount) AS amount FROM ledger
WHERE account_id = 290 AND day BETWEEN '2026-10-17' AND '2026-10-20' ORDER BY day, kind, service_id;

.print
.print Who was told what? Over the year ...
SELECT k.severity, n.kind, count(*) AS notices, count(DISTINCT n.account_id) AS companies, max(n.at) AS last
FROM notice AS n JOIN notice_kind AS k USING (kind) GROUP BY n.kind ORDER BY k.severity, n.kind;

.print
.print ... and company 210 this month, with when and how.
SELECT at, kind, subject FROM notice_message WHERE account_id = 210 AND at >= '2026-11' ORDER BY notice_id;

.print
.print Who pays by bank gets an act for each month: how many, and of how much?
SELECT month, kind, documents, money(total) AS total, money(tax) AS tax FROM document_month ORDER BY month;

.print
.print What does the act of company 250 for October say?
SELECT l.line, l.name, money(l.amount) AS amount, l.tax_label, money(l.tax) AS tax
FROM document AS d JOIN document_line AS l USING (document_id)
WHERE d.account_id = 250 AND d.month = '2026-10' ORDER BY l.line;
SELECT number, issued_on, money(total) AS total, amount_in_words(total) AS in_words
FROM document WHERE account_id = 250 AND month = '2026-10';

.print
.print What is posted?
SELECT count(*) AS days, min(day) AS first, max(day) AS last, sum(charges) AS charges, money(sum(charged)) AS charged
FROM day_close;

.print
.print And is every kopeck of it what the facts say? (Rows that are wrong, by check.)
SELECT * FROM audit;
