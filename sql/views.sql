-- The reports (3.5). Those over posted days and recorded money are plain SQL and need no extension; `debtor` and
-- `monthly_recurring_revenue` ask the virtual tables.
--
-- `charge` is kept by day. The reports reach it by way of day_close, so that one account's rows are a look-up a day
-- however many accounts there are.

CREATE VIEW ledger(account_id, day, effective_at, kind, service_id, method, amount, reference) AS
SELECT c.account_id, d.day, d.ends_at, 'charge', c.service_id, NULL, -c.amount, NULL
FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
UNION ALL
SELECT account_id, day, credited_at, 'payment', NULL, method, amount, coalesce(external_id, CAST(payment_id AS TEXT))
FROM payment
UNION ALL
SELECT account_id, day, effective_at, kind, service_id, NULL, amount, coalesce(external_id, CAST(adjustment_id AS TEXT))
FROM adjustment;

-- All recorded money less all posted charges.
CREATE VIEW account_balance(account_id, balance) AS
SELECT a.account_id,
       coalesce(b.balance, 0)
       + (SELECT coalesce(sum(p.amount), 0) FROM payment AS p
          WHERE p.account_id = a.account_id AND p.credited_at >= coalesce(k.closed_until, ''))
       + (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
          WHERE j.account_id = a.account_id AND j.effective_at >= coalesce(k.closed_until, ''))
FROM books AS k CROSS JOIN account AS a LEFT JOIN balance AS b ON b.account_id = a.account_id;

-- What came before an account's first month is in its first opening balance.
CREATE VIEW monthly_statement(account_id, month, opening_balance, paid, adjusted, charged, closing_balance) AS
WITH RECURSIVE
  span(first_month, last_month) AS (SELECT substr(opening_day, 1, 7), substr(open_day, 1, 7) FROM books),
  calendar(month) AS (
    SELECT first_month FROM span
    UNION ALL
    SELECT substr(date(month || '-01', '+1 month'), 1, 7) FROM calendar, span WHERE month < last_month),
  entry(account_id, month, before, paid, adjusted, charged) AS (
    SELECT a.account_id, m.month, 0, 0, 0, 0
    FROM account AS a CROSS JOIN calendar AS m WHERE m.month >= substr(a.registered_on, 1, 7)
    UNION ALL
    SELECT a.account_id, max(substr(p.day, 1, 7), substr(a.registered_on, 1, 7), s.first_month),
           iif(substr(p.day, 1, 7) < max(substr(a.registered_on, 1, 7), s.first_month), p.amount, 0),
           iif(substr(p.day, 1, 7) < max(substr(a.registered_on, 1, 7), s.first_month), 0, p.amount), 0, 0
    FROM span AS s CROSS JOIN account AS a CROSS JOIN payment AS p ON p.account_id = a.account_id
    UNION ALL
    SELECT a.account_id, max(substr(j.day, 1, 7), substr(a.registered_on, 1, 7), s.first_month),
           iif(substr(j.day, 1, 7) < max(substr(a.registered_on, 1, 7), s.first_month), j.amount, 0), 0,
           iif(substr(j.day, 1, 7) < max(substr(a.registered_on, 1, 7), s.first_month), 0, j.amount), 0
    FROM span AS s CROSS JOIN account AS a CROSS JOIN adjustment AS j ON j.account_id = a.account_id
    UNION ALL
    SELECT c.account_id, substr(d.day, 1, 7), 0, 0, 0, c.amount
    FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day),
  summed(account_id, month, before, paid, adjusted, charged) AS (
    SELECT account_id, month, sum(before), sum(paid), sum(adjusted), sum(charged)
    FROM entry WHERE month <= (SELECT last_month FROM span) GROUP BY account_id, month),
  run(account_id, month, paid, adjusted, charged, closing_balance) AS (
    SELECT account_id, month, paid, adjusted, charged,
           sum(before + paid + adjusted - charged) OVER (PARTITION BY account_id ORDER BY month)
    FROM summed)
SELECT account_id, month, closing_balance - paid - adjusted + charged, paid, adjusted, charged, closing_balance FROM run;

CREATE VIEW revenue_by_day(day, accounts, charges, amount) AS
SELECT day, accounts, charges, charged FROM day_close;

-- quantity is that of all days together: employee-days for a service by headcount.
CREATE VIEW revenue_by_service(month, service_id, accounts, quantity, amount) AS
SELECT substr(day, 1, 7) AS month, service_id, count(DISTINCT account_id), sum(quantity), sum(amount)
FROM charge GROUP BY month, service_id;

CREATE VIEW debtor(account_id, name, state, balance, arrears_since, restricted_from) AS
SELECT s.account_id, a.name, s.state, s.balance, s.arrears_since, s.restricted_from
FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id WHERE s.arrears_since IS NOT NULL;

CREATE VIEW monthly_recurring_revenue(service_id, price_list, accounts, quantity, amount) AS
SELECT c.service_id, c.price_list, count(*), sum(c.quantity), sum(c.monthly_fee + c.unit_fee * c.quantity)
FROM books AS b CROSS JOIN daily_charge AS c ON c.day = b.open_day
JOIN service AS s ON s.service_id = c.service_id AND s.kind = 'recurring'
GROUP BY c.service_id, c.price_list;
