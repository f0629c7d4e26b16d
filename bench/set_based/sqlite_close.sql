-- Closes a day in plain SQL: `:day`, and the instants `:starts_at`, `:ends_at`, `:closed_at`, which the program puts
-- in.
-- What Saldo does and this does not, to its favour: the digest, the rules of entry, R9 (whose policy is off, but whose
-- count of restricted days Saldo stores), and judging arrears at each movement of money: a day's money counts as one
-- movement at its start. Of the forms tried this was the fastest: the tiers with a key, the quantities looked up once,
-- and CROSS JOIN, which prevents SQLite from going through the subscriptions once a tier.

BEGIN IMMEDIATE;

-- R3: the tiers in force, each up to the next.
CREATE TEMP TABLE price(
  price_list TEXT, service_id TEXT, kind TEXT, min_quantity INTEGER, below INTEGER, monthly_fee INTEGER,
  unit_fee INTEGER,
  PRIMARY KEY (price_list, service_id, min_quantity)) WITHOUT ROWID;
INSERT INTO price
SELECT price_list, service_id, kind, min_quantity,
       lead(min_quantity, 1, 9223372036854775807)
           OVER (PARTITION BY price_list, service_id ORDER BY min_quantity) AS below,
       monthly_fee, unit_fee
FROM tariff AS t JOIN service USING (service_id)
WHERE valid_from = (SELECT max(v.valid_from) FROM tariff AS v
                    WHERE v.price_list = t.price_list AND v.service_id = t.service_id AND v.valid_from <= :day);

INSERT INTO charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount)
WITH
-- R4: the day's number in its thirty.
thirtieth(n) AS MATERIALIZED (SELECT CAST(julianday(:day) - 2440587.5 AS INTEGER) % 30),
-- R1, R2.
subscribed AS MATERIALIZED (
  SELECT account_id, service_id, price_list,
         coalesce(quantity, (SELECT employees FROM headcount AS h
                             WHERE h.account_id = s.account_id AND h.day <= :day
                             ORDER BY h.day DESC LIMIT 1), 0) AS quantity
  FROM subscription AS s
  WHERE started_on <= :day AND (ended_on IS NULL OR ended_on > :day)
    AND (SELECT status FROM account_terms AS t
         WHERE t.account_id = s.account_id AND t.valid_from <= :day ORDER BY t.valid_from DESC LIMIT 1) = 'active'),
-- R5.
used AS (
  SELECT account_id, service_id, sum(quantity) AS quantity
  FROM usage_event AS u
  WHERE charged_on = :day
    AND EXISTS (SELECT 1 FROM account_terms AS t WHERE t.account_id = u.account_id AND t.valid_from <= u.occurred_on)
  GROUP BY account_id, service_id)
SELECT :day, s.account_id, s.service_id, s.quantity, p.monthly_fee, p.unit_fee,
       (p.monthly_fee + p.unit_fee * s.quantity) * (n + 1) / 30 - (p.monthly_fee + p.unit_fee * s.quantity) * n / 30
FROM thirtieth CROSS JOIN subscribed AS s CROSS JOIN price AS p
  ON p.price_list = s.price_list AND p.service_id = s.service_id AND p.kind = 'recurring'
  AND s.quantity >= p.min_quantity AND s.quantity < p.below
UNION ALL
SELECT :day, u.account_id, u.service_id, u.quantity, p.monthly_fee, p.unit_fee,
       p.unit_fee * u.quantity + p.monthly_fee * (n + 1) / 30 - p.monthly_fee * n / 30
FROM thirtieth CROSS JOIN used AS u
LEFT JOIN subscription AS s ON s.account_id = u.account_id AND s.service_id = u.service_id
  AND s.started_on <= :day AND (s.ended_on IS NULL OR s.ended_on > :day)
JOIN price AS p ON p.price_list = coalesce(s.price_list, 'standard') AND p.service_id = u.service_id
  AND u.quantity >= p.min_quantity AND u.quantity < p.below;

-- R6. In `arrears_since` the charges of the day before count, but not yet those of this one, due at its end.
UPDATE balance AS b
SET balance = b.balance + n.money - n.charged,
    arrears_since = CASE WHEN b.balance + n.money < -n.credit_limit THEN coalesce(b.arrears_since, :starts_at) END
FROM (
  SELECT account_id, sum(money) AS money, sum(charged) AS charged,
         -- NULL, from the terms in force: without limit. Without terms: 0.
         (SELECT credit_limit FROM (
            SELECT valid_from, credit_limit FROM account_terms AS t
            WHERE t.account_id = m.account_id AND t.valid_from <= :day
            UNION ALL SELECT '', 0)
          ORDER BY valid_from DESC LIMIT 1) AS credit_limit
  FROM (
    SELECT account_id, 0 AS money, amount AS charged FROM charge WHERE day = :day
    UNION ALL SELECT account_id, amount, 0 FROM payment WHERE day = :day
    UNION ALL SELECT account_id, amount, 0 FROM adjustment WHERE day = :day
    UNION ALL SELECT account_id, 0, 0 FROM balance WHERE balance < 0 OR arrears_since IS NOT NULL) AS m
  GROUP BY account_id) AS n
WHERE n.account_id = b.account_id;

INSERT INTO day_close(day, ends_at, closed_at, accounts, charges, charged)
SELECT :day, :ends_at, :closed_at, count(DISTINCT account_id), count(*), coalesce(sum(amount), 0)
FROM charge WHERE day = :day;

DROP TABLE temp.price;
COMMIT;
