-- Closes a day in plain SQL: see sqlite_close.sql, of which this is the translation. Of the forms tried this was the
-- fastest whose plan does not hang on luck; charges made in a temporary table first, or returned to the UPDATE, were no
-- quicker.

BEGIN;

-- Analysed temporary tables, not subqueries, so that the planner knows what it joins.
-- R3: the tiers in force, each up to the next.
CREATE TEMP TABLE price ON COMMIT DROP AS
SELECT price_list, service_id, kind, min_quantity,
       lead(min_quantity, 1, 9223372036854775807)
           OVER (PARTITION BY price_list, service_id ORDER BY min_quantity) AS below,
       monthly_fee, unit_fee
FROM tariff AS t JOIN service USING (service_id)
WHERE valid_from = (SELECT max(v.valid_from) FROM tariff AS v
                    WHERE v.price_list = t.price_list AND v.service_id = t.service_id AND v.valid_from <= :day);
ANALYZE price;

-- R1: the terms in force.
CREATE TEMP TABLE terms ON COMMIT DROP AS
SELECT DISTINCT ON (account_id) account_id, status, credit_limit FROM account_terms
WHERE valid_from <= :day ORDER BY account_id, valid_from DESC;
ANALYZE terms;

INSERT INTO charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount)
WITH
-- R4: the day's number in its thirty.
thirtieth(n) AS (SELECT (date :day - date '1970-01-01') % 30),
employed AS (
  SELECT DISTINCT ON (account_id) account_id, employees FROM headcount
  WHERE day <= :day ORDER BY account_id, day DESC),
-- R2.
subscribed AS (
  SELECT account_id, service_id, price_list, coalesce(quantity, employees, 0) AS quantity
  FROM subscription JOIN terms USING (account_id) LEFT JOIN employed USING (account_id)
  WHERE started_on <= :day AND (ended_on IS NULL OR ended_on > :day) AND status = 'active'),
-- R5.
used AS (
  SELECT account_id, service_id, sum(quantity)::bigint AS quantity
  FROM usage_event AS u
  WHERE charged_on = :day
    AND EXISTS (SELECT 1 FROM account_terms AS t WHERE t.account_id = u.account_id AND t.valid_from <= u.occurred_on)
  GROUP BY account_id, service_id)
SELECT date :day, s.account_id, s.service_id, s.quantity, p.monthly_fee, p.unit_fee,
       (p.monthly_fee + p.unit_fee * s.quantity) * (n + 1) / 30 - (p.monthly_fee + p.unit_fee * s.quantity) * n / 30
FROM thirtieth CROSS JOIN subscribed AS s
JOIN price AS p ON p.price_list = s.price_list AND p.service_id = s.service_id AND p.kind = 'recurring'
  AND s.quantity >= p.min_quantity AND s.quantity < p.below
UNION ALL
SELECT date :day, u.account_id, u.service_id, u.quantity, p.monthly_fee, p.unit_fee,
       p.unit_fee * u.quantity + p.monthly_fee * (n + 1) / 30 - p.monthly_fee * n / 30
FROM thirtieth CROSS JOIN used AS u
LEFT JOIN subscription AS s ON s.account_id = u.account_id AND s.service_id = u.service_id
  AND s.started_on <= :day AND (s.ended_on IS NULL OR s.ended_on > :day)
JOIN price AS p ON p.price_list = coalesce(s.price_list, 'standard') AND p.service_id = u.service_id
  AND u.quantity >= p.min_quantity AND u.quantity < p.below;

-- R6. In `arrears_since` the charges of the day before count, but not yet those of this one, due at its end.
WITH
moved AS (
  SELECT account_id, sum(money)::bigint AS money, sum(charged)::bigint AS charged
  FROM (
    SELECT account_id, 0 AS money, amount AS charged FROM charge WHERE day = :day
    UNION ALL SELECT account_id, amount, 0 FROM payment WHERE day = :day
    UNION ALL SELECT account_id, amount, 0 FROM adjustment WHERE day = :day
    UNION ALL SELECT account_id, 0, 0 FROM balance WHERE balance < 0 OR arrears_since IS NOT NULL) AS m
  GROUP BY account_id)
UPDATE balance AS b
SET balance = b.balance + n.money - n.charged,
    arrears_since = CASE WHEN b.balance + n.money < -n.credit_limit
                         THEN coalesce(b.arrears_since, timestamptz :starts_at) END
FROM (
  -- NULL, from the terms in force: without limit. Without terms: 0.
  SELECT moved.*, CASE WHEN terms.account_id IS NULL THEN 0 ELSE credit_limit END AS credit_limit
  FROM moved LEFT JOIN terms USING (account_id)) AS n
WHERE n.account_id = b.account_id;

INSERT INTO day_close(day, ends_at, closed_at, accounts, charges, charged)
SELECT :day, :ends_at, :closed_at, count(DISTINCT account_id), count(*), coalesce(sum(amount), 0)
FROM charge WHERE day = :day;

COMMIT;
