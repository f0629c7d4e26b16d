-- A year of the books: each hour the payments that were made are recorded and the notices are posted; each day is
-- closed a few seconds after its end, with a month's last day its documents are issued; and what depends on the days
-- before is written on its day. Runs after companies.sql, in the same session.

-- What closing asks for: the day, and an instant at or after its end. Here: seven seconds after the midnight.
CREATE TEMP VIEW next_day AS
SELECT c.day, strftime('%Y-%m-%dT%H:%M:%SZ', day_end(c.day), '7 seconds') AS closed_at
FROM working_calendar AS c
WHERE c.day >= (SELECT coalesce(date(max(day), '1 day'), '2025-12-01') FROM main.day_close) AND c.day <= '2026-11-22';

CREATE TEMP TABLE lived_hour(ends_at TEXT);
CREATE TEMP TRIGGER live_an_hour AFTER INSERT ON lived_hour BEGIN
    INSERT INTO payment(account_id, amount, method, external_id, received_at, credited_at, payer, purpose)
    SELECT account_id, amount, method, external_id, received_at, credited_at, payer, purpose FROM coming_payment
    WHERE credited_at <= NEW.ends_at ORDER BY credited_at, account_id;
    DELETE FROM coming_payment WHERE credited_at <= NEW.ends_at;
    UPDATE notice_clock SET at = NEW.ends_at;
END;

CREATE TEMP TABLE hour AS
WITH RECURSIVE hours(hour) AS (SELECT 1 UNION ALL SELECT hour + 1 FROM hours WHERE hour < 24) SELECT hour FROM hours;
CREATE TEMP TABLE lived_day(day TEXT, closed_at TEXT);
CREATE TEMP TRIGGER live_a_day AFTER INSERT ON lived_day BEGIN
    INSERT INTO lived_hour SELECT strftime('%Y-%m-%dT%H:%M:%SZ', day_start(NEW.day), hour || ' hours') FROM hour;
    INSERT INTO day_close(day, closed_at) VALUES (NEW.day, NEW.closed_at);
    INSERT INTO document_run(month, issued_on)
    SELECT substr(NEW.day, 1, 7), NEW.day WHERE substr(date(NEW.day, '1 day'), 9) = '01';
END;

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2025-12-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-01-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-02-28' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-03-04' ORDER BY day;

-- 5 March: an hour's outage the day before; whoever was charged gets 50 roubles.
INSERT INTO adjustment(account_id, amount, kind, effective_at, external_id, reason, service_id, for_day)
SELECT account_id, 5000, 'bonus', '2026-03-05T09:00:00Z', printf('outage-%03d', account_id), 'Сбой 4 марта', 'crm',
    '2026-03-04'
FROM charge WHERE day = '2026-03-04' AND service_id = 'crm';

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-03-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-04-14' ORDER BY day;

-- 15 April: the money has run out; three days on the word of the administrator. The promise is honoured: see 17 April.
INSERT INTO promised_payment(account_id, granted_at, days)
SELECT account_id, '2026-04-15T08:00:00Z', 3 FROM company WHERE kind = 'promising';

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-04-30' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-05-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;

-- June: from July on, whoever has been restricted for 30 days is no longer charged (R9).
INSERT INTO policy(valid_from, restricted_days_charged) VALUES ('2026-07-01', 30);

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-06-30' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-07-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-08-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;

-- 1 September: some have had enough, and leave in the course of the month.
INSERT INTO account_terms(account_id, valid_from, status, reason)
SELECT account_id, date('2026-09-01', (n * 2) || ' days'), 'closed', 'Заявление клиента'
FROM company WHERE kind = 'left';

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-09-30' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-10-18' ORDER BY day;

-- 19 October: those who left get back what they had not used up.
INSERT INTO adjustment(account_id, amount, kind, effective_at, external_id, reason)
SELECT account_id, -balance, 'refund', '2026-10-19T10:00:00Z', printf('refund-%03d', account_id), 'Возврат остатка'
FROM company JOIN account_balance USING (account_id)
WHERE kind = 'left' AND balance > 0;

-- The same day an operator of messages reports two batches of last week, late: they are charged on the open day.
INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES
    ('sms-late-1', 290, 'sms', '2026-10-13T15:12:00Z', 140),
    ('sms-late-2', 295, 'sms', '2026-10-14T06:45:00Z', 1200);

-- And some have their bank take the last card payment back: their accounts are held.
INSERT INTO adjustment(account_id, amount, kind, effective_at, external_id, reason, payment_id)
SELECT account_id, -p.amount, 'chargeback', '2026-10-19T11:00:00Z', printf('chargeback-%03d', account_id),
    'Банк отозвал платёж', p.payment_id
FROM company JOIN payment AS p USING (account_id)
WHERE kind = 'disputed' AND p.credited_at = (
    SELECT max(credited_at) FROM payment AS l WHERE l.account_id = p.account_id AND l.credited_at < '2026-10-19');
INSERT INTO account_terms(account_id, valid_from, status, held, reason)
SELECT account_id, '2026-10-19', 'active', 1, 'Спор о платеже' FROM company WHERE kind = 'disputed';

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-10-31' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-11-19' ORDER BY day;

-- 20 November: two promise to pay within the weekend, and will not; on the 21st eight more do, until Tuesday.
INSERT INTO promised_payment(account_id, granted_at, days)
SELECT account_id, '2026-11-20T07:00:00Z', 2 FROM company WHERE kind = 'promising' AND n <= 2;
INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-11-20' ORDER BY day;
INSERT INTO promised_payment(account_id, granted_at, days)
SELECT account_id, '2026-11-21T10:00:00Z', 3 FROM company WHERE kind = 'promising' AND n > 2;

INSERT INTO lived_day(day, closed_at) SELECT day, closed_at FROM next_day WHERE day <= '2026-11-22' ORDER BY day;
SELECT 'closed ' || max(day) FROM day_close;

-- Today, 23 November: the vendor's own example. Company 1 has five employees today, and eight tomorrow.
INSERT INTO headcount(account_id, day, employees) VALUES (1, '2026-11-24', 8);

-- It is noon.
INSERT INTO lived_hour SELECT strftime('%Y-%m-%dT%H:%M:%SZ', day_start('2026-11-23'), hour || ' hours') FROM hour
WHERE hour <= 12;
