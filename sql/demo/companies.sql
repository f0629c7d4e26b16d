-- 300 companies, made by arithmetic and without chance: their terms, headcounts, subscriptions, messages and
-- top-ups from the opening, 2025-12-01, on. What needs to be known first (who is in arrears and promises to
-- pay, whose money is refunded) is written in year.sql, on its day.
--
-- The names, addresses and tax numbers are made up.

-- Who is of which kind; n counts within the kind.
CREATE TEMP TABLE company AS
WITH RECURSIVE
    kinds(kind, first, last) AS (VALUES
        ('steady',         1,  90),  -- tops up every month
        ('yearly',        91, 110),  -- topped up for a year
        ('growing',      111, 150),  -- changing headcount
        ('trial',        151, 165),
        ('trial ended',  166, 180),
        ('out of money', 181, 195),  -- restricted
        ('new year',     196, 205),  -- the money ran out in the New Year holidays
        ('promising',    206, 215),  -- in arrears in April and in November, promised to pay
        ('back',         216, 225),  -- paused, and back
        ('paused',       226, 230),
        ('left',         231, 242),  -- closed
        ('disputed',     243, 247),  -- held
        ('on credit',    248, 257),  -- a credit limit
        ('with a debt',  258, 267),  -- moved in with a debt
        ('partner',      268, 285),  -- another price list
        ('telecom',      286, 300)), -- many lines and messages
    numbers(account_id) AS (SELECT 1 UNION ALL SELECT account_id + 1 FROM numbers WHERE account_id < 300),
    numbered AS (
        SELECT account_id, kind, account_id - first + 1 AS n
        FROM numbers JOIN kinds ON account_id BETWEEN first AND last),
    registered AS (
        SELECT account_id, kind, n,
            CASE
                WHEN kind = 'trial' THEN date('2026-11-10', (n % 13) || ' days')
                WHEN kind = 'trial ended' THEN date('2026-09-01', (n * 3) || ' days')
                WHEN kind = 'steady' AND n > 50 THEN date('2025-12-03', ((n - 50) * 8) || ' days')
                WHEN kind = 'yearly' THEN date('2025-12-05', (n * 3) || ' days')
                -- the others were customers before the books were opened
                ELSE date('2023-03-01', (account_id * 3) || ' days')
            END AS registered_on
        FROM numbered)
SELECT account_id, kind, n, registered_on,
    CASE
        WHEN kind = 'trial' AND n = 15 THEN NULL
        ELSE date(registered_on, '13 days')
    END AS trial_ends_on,
    CASE
        WHEN kind IN ('trial', 'trial ended') THEN NULL
        ELSE max('2025-12-01', date(registered_on, '14 days'))
    END AS active_from,
    CASE WHEN kind = 'partner' THEN 'partner' ELSE 'standard' END AS price_list,
    CASE account_id * 7 % 20 / 2
        WHEN 4 THEN 6 + account_id % 5
        WHEN 5 THEN 6 + account_id % 5
        WHEN 6 THEN 11 + account_id % 10
        WHEN 7 THEN 21 + account_id % 30
        WHEN 8 THEN 11 + account_id % 10
        WHEN 9 THEN 51 + account_id % 40
        ELSE CASE account_id WHEN 1 THEN 5 ELSE 1 + account_id % 5 END
    END AS employees
FROM registered;

-- Who is on credit has a contract. A third get their documents by e-mail.
INSERT INTO account(account_id, external_id, name, admin_email, registered_on, trial_ends_on, customer_since,
                    legal_name, tax_id, contract, document_delivery)
WITH named AS (
    SELECT *,
        json_extract('["Северный","Южный","Белый","Новый","Старый","Тихий","Зелёный","Красный","Морской","Речной",'
            || '"Городской","Первый","Золотой","Лесной","Горный","Светлый","Дальний","Высокий","Солнечный",'
            || '"Центральный"]', '$[' || ((account_id - 1) % 20) || ']')
        || ' ' ||
        json_extract('["дом","квартал","берег","порог","фасад","ключ","двор","проспект","балкон","мост","причал",'
            || '"адрес","парк","посад","терем"]', '$[' || ((account_id - 1) / 20) || ']') AS name
    FROM company)
SELECT account_id, printf('crm-%04d', account_id), name, printf('admin@company-%03d.example', account_id),
    registered_on, trial_ends_on, active_from, 'ООО «' || name || '»', printf('%010d', account_id),
    CASE kind WHEN 'on credit' THEN printf('№ %d от 01.12.2025', account_id) END,
    CASE account_id % 3 WHEN 0 THEN 'email' ELSE 'post' END
FROM named;

-- Terms. In a trial there are none.
INSERT INTO account_terms(account_id, valid_from, status, credit_limit, reason)
SELECT account_id, active_from, 'active',
    CASE
        WHEN kind <> 'on credit' THEN 0
        WHEN n = 9 THEN NULL  -- unlimited
        ELSE 8000000
    END,
    CASE WHEN kind = 'on credit' THEN 'Договор с отсрочкой платежа' END
FROM company
WHERE active_from IS NOT NULL
UNION ALL
SELECT account_id, date('2026-06-01', n || ' days'), 'paused', 0, 'Каникулы' FROM company WHERE kind = 'back'
UNION ALL
SELECT account_id, date('2026-08-15', n || ' days'), 'active', 0, NULL FROM company WHERE kind = 'back'
UNION ALL
SELECT account_id, date('2026-10-01', (n * 4) || ' days'), 'paused', 0, 'До весны' FROM company WHERE kind = 'paused'
UNION ALL
-- The last one on credit has its limit lowered, below what it owes.
SELECT account_id, '2026-11-17', 'active', 100000, 'Лимит снижен' FROM company WHERE kind = 'on credit' AND n = 10;

-- Headcount. The CRM reports it when it changes.
INSERT INTO headcount(account_id, day, employees)
SELECT account_id, max('2025-12-01', registered_on), employees FROM company
UNION ALL
SELECT account_id, date('2025-12-01', (change * 50 + n) || ' days'),
    CASE n % 4
        WHEN 0 THEN max(1, employees - change)      -- one leaves
        WHEN 1 THEN employees + 3 * (change % 2)    -- three come, and go again
        ELSE employees + change * (1 + n % 3)       -- the company grows
    END
FROM company
JOIN (WITH RECURSIVE changes(change) AS (SELECT 1 UNION ALL SELECT change + 1 FROM changes WHERE change < 6)
      SELECT change FROM changes)
WHERE kind = 'growing';

-- Subscriptions: everybody to the CRM by headcount, a quarter to the owners' database, a fifth to lines.
INSERT INTO subscription(account_id, service_id, started_on, ended_on, quantity, price_list)
SELECT account_id, 'crm', active_from, NULL, NULL, price_list FROM company WHERE active_from IS NOT NULL
UNION ALL
SELECT account_id, 'owners_db', active_from, NULL, 1, price_list FROM company
WHERE active_from IS NOT NULL AND account_id % 4 = 0
UNION ALL
SELECT account_id, 'pbx', active_from, CASE WHEN kind = 'telecom' THEN '2026-05-18' END, 1 + account_id % 8, price_list
FROM company
WHERE active_from IS NOT NULL AND (account_id % 5 = 2 OR kind = 'telecom')
UNION ALL
-- More lines: the running subscription ends, another begins.
SELECT account_id, 'pbx', '2026-05-18', NULL, 2 * (1 + account_id % 8), price_list FROM company WHERE kind = 'telecom';

-- Messages, twice a month; in a trial they are free.
INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity)
WITH RECURSIVE batches(batch) AS (SELECT 0 UNION ALL SELECT batch + 1 FROM batches WHERE batch < 23)
SELECT printf('sms-%03d-%02d', account_id, batch), account_id, 'sms', occurred_on || 'T10:30:00Z',
    20 + account_id * 13 % 200 + CASE WHEN kind = 'telecom' THEN 60 * batch ELSE 0 END
FROM (SELECT *, date('2025-12-01', (batch * 15 + account_id % 11) || ' days') AS occurred_on FROM company, batches)
WHERE (account_id % 6 = 0 OR kind = 'telecom') AND occurred_on >= max('2025-12-01', registered_on)
  AND occurred_on <= '2026-11-22';

-- A debt that was moved in is dated before the opening, so that its age counts.
INSERT INTO adjustment(account_id, amount, kind, effective_at, external_id, reason)
SELECT account_id, -(150000 + n * 20000), 'opening_balance', printf('2025-11-%02dT21:00:00Z', n),
    printf('old-%03d', account_id), 'Долг из прежней системы'
FROM company WHERE kind = 'with a debt';

-- Payments wait here until the hour at which they are made comes (year.sql).
CREATE TEMP TABLE coming_payment(
    account_id INTEGER, amount INTEGER, method TEXT, external_id TEXT, received_at TEXT, credited_at TEXT, payer TEXT,
    purpose TEXT);
CREATE INDEX temp.coming_payment_credited_at ON coming_payment(credited_at);

-- Top-ups. Until when the money is to last, and from when on it is paid: monthly, or all at once.
CREATE TEMP TABLE top_up AS
SELECT account_id, 1 AS stage, active_from AS from_day, date('2026-11-25', (n * 7 % 60) || ' days') AS lasts_until,
    1 AS monthly
FROM company WHERE kind = 'steady'
UNION ALL
SELECT account_id, 1, active_from, date(active_from, '1 year', '-1 day'), 0 FROM company WHERE kind = 'yearly'
UNION ALL
SELECT account_id, 1, active_from, date('2026-12-01', (account_id * 11 % 45) || ' days'), 1
FROM company WHERE kind IN ('growing', 'back', 'paused', 'left', 'disputed', 'with a debt', 'partner', 'telecom')
  AND NOT (kind = 'with a debt' AND n = 10)  -- which never pays
UNION ALL
SELECT account_id, 1, active_from, date('2026-09-05', (n * 5) || ' days'), 1 FROM company WHERE kind = 'out of money'
UNION ALL
SELECT account_id, 1, active_from, date('2025-12-28', n || ' days'), 0 FROM company WHERE kind = 'new year'
UNION ALL
SELECT account_id, 2, date('2026-01-12', (n % 3) || ' days'), date('2026-12-05', n || ' days'), 1 FROM company
WHERE kind = 'new year'
UNION ALL
SELECT account_id, 1, active_from, date('2026-04-08', (n % 4) || ' days'), 1 FROM company WHERE kind = 'promising'
UNION ALL
SELECT account_id, 2, '2026-04-17', date('2026-11-06', n || ' days'), 1 FROM company WHERE kind = 'promising';

-- What a stage costs is what the facts above say: daily_charge looks ahead as far as it is asked to. Paid is two
-- months' cost at first and then every month the cost of the month to come, rounded up to 100 roubles, until all of
-- the stage is paid.
INSERT INTO coming_payment(account_id, amount, method, external_id, received_at, credited_at, payer, purpose)
WITH RECURSIVE
    instalments(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM instalments WHERE number < 11),
    stage_cost AS MATERIALIZED (
        SELECT t.account_id, stage, from_day, monthly,
            (SELECT sum(amount) FROM daily_charge AS d
             WHERE d.account_id = t.account_id AND day <= t.lasts_until AND day > coalesce(
                 (SELECT p.lasts_until FROM top_up AS p WHERE p.account_id = t.account_id AND p.stage = t.stage - 1),
                 '0000')) AS total
        FROM top_up AS t),
    regular AS MATERIALIZED (
        SELECT account_id, stage, number, date(from_day, number || ' months') AS day, total,
            CASE
                WHEN NOT monthly THEN total
                WHEN number = 0 THEN 2 * month_cost
                ELSE month_cost
            END AS amount
        FROM (
            SELECT *, (coalesce((
                    SELECT sum(amount) FROM daily_charge AS d
                    WHERE d.account_id = s.account_id
                      AND day >= date(from_day, number || ' months')
                      AND day < date(from_day, (number + 1) || ' months')), 0) / 10000 + 1) * 10000 AS month_cost
            FROM stage_cost AS s, instalments
            WHERE monthly OR number = 0)),
    due AS (
        SELECT *, total - coalesce(sum(amount) OVER (
            PARTITION BY account_id, stage ORDER BY number
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS remaining
        FROM regular),
    methods(method_number, method) AS (VALUES (0, 'bank_card'), (1, 'bank_transfer'), (2, 'sbp'), (3, 'e_money'),
        (4, 'bank_card'), (5, 'qiwi'), (6, 'svyaznoy'), (7, 'euroset'))
SELECT account_id, min(amount, remaining), method, printf('T%03d-%d-%02d', account_id, stage, number),
    CASE method WHEN 'bank_transfer' THEN date(day, '-1 day') ELSE day END || at,
    day || at, legal_name, 'Пополнение счёта ' || account_id
FROM due
JOIN account USING (account_id)
JOIN methods ON method_number = (account_id + number * 3) % 8
JOIN (
    SELECT account_id, kind, printf('T%02d:%02d:00Z', 6 + account_id % 9, account_id * 7 % 60) AS at
    FROM company) USING (account_id)
WHERE remaining > 0
  AND day <= CASE kind WHEN 'left' THEN '2026-08-31' WHEN 'disputed' THEN '2026-10-18' ELSE '2026-11-22' END
ORDER BY day || at, account_id;

-- On credit one pays after the month: on the 10th, what the month before cost.
INSERT INTO coming_payment(account_id, amount, method, external_id, received_at, credited_at, payer, purpose)
SELECT d.account_id, sum(d.amount), 'bank_transfer', printf('C%03d-', d.account_id) || substr(d.day, 1, 7),
    date(substr(d.day, 1, 7) || '-01', '1 month', '8 days') || 'T12:00:00Z',
    date(substr(d.day, 1, 7) || '-01', '1 month', '9 days') || 'T09:00:00Z', legal_name,
    'По счёту за ' || substr(d.day, 1, 7)
FROM company JOIN account USING (account_id) JOIN daily_charge AS d USING (account_id)
WHERE kind = 'on credit' AND d.day BETWEEN '2025-12-01' AND '2026-09-30'
GROUP BY d.account_id, substr(d.day, 1, 7);

-- Debts that were moved in are paid in December, but for the last.
INSERT INTO coming_payment(account_id, amount, method, external_id, received_at, credited_at, payer, purpose)
SELECT account_id, -a.amount, 'bank_transfer', 'D' || a.external_id, printf('2025-12-%02dT08:00:00Z', 2 * n),
    printf('2025-12-%02dT08:00:00Z', 2 * n), legal_name, 'Погашение долга'
FROM company AS c JOIN account USING (account_id) JOIN adjustment AS a USING (account_id)
WHERE c.kind = 'with a debt' AND n < 10 AND a.kind = 'opening_balance';
