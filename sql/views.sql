-- The books, and the reports (3.5). Those over posted days and recorded money are plain SQL and need no extension;
-- `debtor` and `monthly_recurring_revenue` ask the virtual tables.
--
-- `charge` is sorted by day. The reports reach it by way of day_close, so that one account's rows are a look-up a day
-- however many accounts there are.

-- The first day is the valid_from of the first policy; before any day is closed, last_closed_day and closed_until are
-- NULL.
CREATE VIEW books(opening_day, last_closed_day, closed_until, open_day) AS
SELECT p.valid_from, d.day, d.ends_at, coalesce(date(d.day, '+1 day'), p.valid_from)
FROM policy AS p LEFT JOIN day_close AS d ON d.day = (SELECT max(day) FROM day_close WHERE digest IS NOT NULL)
WHERE p.valid_from = (SELECT min(valid_from) FROM policy);

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
          WHERE p.account_id = a.account_id AND p.day > coalesce(k.last_closed_day, ''))
       + (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
          WHERE j.account_id = a.account_id AND j.day > coalesce(k.last_closed_day, ''))
FROM books AS k CROSS JOIN account AS a LEFT JOIN balance AS b ON b.account_id = a.account_id;

-- The closing balance is the one carried out of the last closed day (or 0 before the first), less what came between the
-- month's end and that day, or with what came since. So what came before an account's first month is in its first
-- opening balance.
CREATE VIEW monthly_statement(account_id, month, opening_balance, paid, adjusted, charged, closing_balance) AS
WITH RECURSIVE month(month, first_day, last_day, last_closed_day) AS (
  SELECT substr(opening_day, 1, 7), date(opening_day, 'start of month'),
         date(opening_day, 'start of month', '+1 month', '-1 day'), coalesce(last_closed_day, '')
  FROM books
  UNION ALL
  SELECT substr(date(last_day, '+1 day'), 1, 7), date(last_day, '+1 day'),
         date(last_day, '+1 day', '+1 month', '-1 day'), last_closed_day
  FROM month WHERE last_day < (SELECT open_day FROM books))
SELECT account_id, month, closing_balance - paid - adjusted + charged, paid, adjusted, charged, closing_balance
FROM (
  SELECT a.account_id, m.month,
         (SELECT coalesce(sum(p.amount), 0) FROM payment AS p
          WHERE p.account_id = a.account_id AND p.day BETWEEN m.first_day AND m.last_day) AS paid,
         (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
          WHERE j.account_id = a.account_id AND j.day BETWEEN m.first_day AND m.last_day) AS adjusted,
         (SELECT coalesce(sum(c.amount), 0) FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
          WHERE c.account_id = a.account_id AND d.day BETWEEN m.first_day AND m.last_day) AS charged,
         coalesce(b.balance, 0)
         + iif(m.last_day < m.last_closed_day, -1, 1)
           * ((SELECT coalesce(sum(p.amount), 0) FROM payment AS p
               WHERE p.account_id = a.account_id
                 AND p.day > min(m.last_day, m.last_closed_day) AND p.day <= max(m.last_day, m.last_closed_day))
              + (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
                 WHERE j.account_id = a.account_id
                   AND j.day > min(m.last_day, m.last_closed_day) AND j.day <= max(m.last_day, m.last_closed_day)))
         + (SELECT coalesce(sum(c.amount), 0) FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
            WHERE c.account_id = a.account_id AND d.day > m.last_day) AS closing_balance
  FROM account AS a CROSS JOIN month AS m LEFT JOIN balance AS b ON b.account_id = a.account_id
  WHERE m.month >= substr(a.registered_on, 1, 7));

CREATE VIEW revenue_by_day(day, accounts, charges, amount) AS
SELECT day, accounts, charges, charged FROM day_close;

-- quantity is that of all days together: employee-days for a service by headcount. What is asked for without `accounts`
-- comes from a few rows a day; the accounts are counted in all charges of the month.
CREATE VIEW revenue_by_service(month, service_id, accounts, quantity, amount) AS
SELECT t.month, t.service_id,
       (SELECT count(DISTINCT c.account_id) FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
        WHERE substr(d.day, 1, 7) = t.month AND c.service_id = t.service_id),
       t.quantity, t.amount
FROM (SELECT substr(day, 1, 7) AS month, service_id, sum(quantity) AS quantity, sum(amount) AS amount
      FROM charge_total GROUP BY 1, 2) AS t;

CREATE VIEW debtor(account_id, name, state, balance, arrears_since, restricted_from) AS
SELECT s.account_id, a.name, s.state, s.balance, s.arrears_since, s.restricted_from
FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id WHERE s.arrears_since IS NOT NULL;

CREATE VIEW monthly_recurring_revenue(service_id, price_list, accounts, quantity, amount) AS
SELECT c.service_id, c.price_list, count(*), sum(c.quantity), sum(c.monthly_fee + c.unit_fee * c.quantity)
FROM books AS b CROSS JOIN daily_charge AS c ON c.day = b.open_day
JOIN service AS s ON s.service_id = c.service_id AND s.kind = 'recurring'
GROUP BY c.service_id, c.price_list;
