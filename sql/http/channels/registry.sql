-- POST /v1/channels/{channel}/registry
-- Compare a payment system's registry of a day with what came in: what differs, or is on one side alone.
-- role: cashier
-- answer: many
-- takes: statement
-- channel: text!
-- day: day The registry's day in Moscow (those of its lines)

SELECT saldo_refuse('not_found', 'there is no channel ' || :channel)
WHERE NOT EXISTS (SELECT 1 FROM channel WHERE channel_id = :channel);

SELECT saldo_refuse('invalid', 'a registry is text without quotation marks and backslashes')
WHERE instr(:body, '"') > 0 OR instr(:body, '\') > 0;

-- Lines end with CR LF, LF or CR. As JSON has them these are \r and \n, a tab is \t, and nothing else has a backslash.
-- A day in Moscow begins at 21:00 of the day before, UTC. What went back counts as not paid.
WITH line AS MATERIALIZED (
  SELECT key + 1 AS number, json('[' || replace(json_quote(value), '\t', '","') || ']') AS field
  FROM json_each('[' || replace(replace(replace(json_quote(:body), '\r\n', '\n'), '\r', '\n'), '\n', '","') || ']')
  WHERE value <> ''),
theirs AS MATERIALIZED (
  SELECT number, json_array_length(field) AS fields, field ->> 0 AS txn_id, account_number(field ->> 3) AS account_id,
         minor_units(field ->> 4) AS amount, count(*) OVER (PARTITION BY field ->> 0) AS times,
         CASE WHEN field ->> 1 GLOB '??.??.????'
              THEN substr(field ->> 1, 7) || '-' || substr(field ->> 1, 4, 2) || '-' || substr(field ->> 1, 1, 2)
              WHEN field ->> 1 GLOB '????????'
              THEN substr(field ->> 1, 1, 4) || '-' || substr(field ->> 1, 5, 2) || '-' || substr(field ->> 1, 7)
              ELSE field ->> 1 END AS day
  FROM line WHERE field ->> 0 <> 'Total:'),
total AS MATERIALIZED (
  SELECT number, json_array_length(field) AS fields, field ->> 1 AS lines, minor_units(field ->> 2) AS amount
  FROM line WHERE field ->> 0 = 'Total:'),
wrong AS (
  SELECT saldo_refuse('invalid', 'line ' || number || ' is neither txn_id, date, time, account and sum between tabs '
                                 || 'nor Total:, the count and the amount') AS refused
  FROM (SELECT number FROM theirs WHERE fields <> 5 OR txn_id = '' OR amount IS NULL OR day IS NULL
           OR date(day, '+0 days') IS NOT day
        UNION ALL
        SELECT number FROM total WHERE fields <> 3 OR lines = '' OR lines GLOB '*[^0-9]*' OR amount IS NULL)
  ORDER BY number LIMIT 1),
ours AS (
  SELECT external_id AS txn_id, account_number(account_text) AS account_id, received_at,
         amount - (SELECT coalesce(sum(b.amount), 0) FROM receipt_return AS b
                   WHERE b.source = r.source AND b.external_id = r.external_id) AS amount
  FROM receipt AS r WHERE source = :channel AND status <> 'ignored')
SELECT txn_id, problem, registry_account_id, registry_amount, account_id, amount
FROM (SELECT count(refused) AS refusals FROM wrong) CROSS JOIN (
  SELECT t.txn_id, CASE WHEN t.times > 1 THEN 'twice in the registry'
                        WHEN coalesce(o.amount, 0) = 0 THEN 'not here'
                        ELSE 'differs' END AS problem,
         t.account_id AS registry_account_id, t.amount AS registry_amount, o.account_id, o.amount
  FROM theirs AS t LEFT JOIN ours AS o ON o.txn_id = t.txn_id
  WHERE t.times > 1 OR (o.account_id, o.amount) IS NOT (t.account_id, t.amount)
  UNION ALL
  SELECT txn_id, 'not in the registry', NULL, NULL, account_id, amount
  FROM ours
  WHERE received_at >= strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(:day, (SELECT min(day) FROM theirs)), '-3 hours')
    AND received_at < strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(:day, (SELECT max(day) FROM theirs)), '+21 hours')
    AND amount > 0 AND txn_id NOT IN (SELECT txn_id FROM theirs)
  UNION ALL
  SELECT NULL, 'the total is of ' || lines || ' lines', NULL, amount, NULL, (SELECT sum(amount) FROM theirs)
  FROM total
  WHERE (CAST(lines AS INTEGER), amount) IS NOT (SELECT count(*), coalesce(sum(amount), 0) FROM theirs))
WHERE refusals = 0
ORDER BY txn_id IS NULL, txn_id;
