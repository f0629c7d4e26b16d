-- POST /pay/tbank/{channel}
-- Payments and refunds by T-Bank.
-- role: none
-- answer: one
-- gives: text
-- auth: signature
-- protocol: tbank
-- channel: text! The channel, whose terminal_key and password it is signed with

-- Any text but OK brings it again, every hour for a day. CONFIRMED is a payment, PARTIAL_REFUNDED sends back its Amount
-- and REFUNDED what is left; the others are of no money that is here.
WITH sent AS MATERIALIZED (
  SELECT iif(json_valid(:body) AND json_type(:body) = 'object', :body, '{}') AS message),
-- Token is of the values of the root's scalars and the password, in the order of their keys. Numbers are taken as they
-- stand: SQLite's value of 10.50 is 10.5.
signed AS MATERIALIZED (
  SELECT message,
         sha256((SELECT group_concat(text, '')
                 FROM (SELECT key, iif(type = 'text', atom, message -> fullkey) AS text
                       FROM json_each(message)
                       WHERE type NOT IN ('object', 'array', 'null') AND key <> 'Token'
                       UNION ALL
                       SELECT 'Password', secret('password')
                       ORDER BY key))) AS token
  FROM sent),
judged AS MATERIALIZED (
  SELECT trim(message -> '$.PaymentId', '"') AS payment_id, message ->> '$.Status' AS status,
         CAST(message ->> '$.OrderId' AS TEXT) AS order_id,
         iif(json_type(message, '$.Amount') = 'integer' AND typeof(message ->> '$.Amount') = 'integer',
             message ->> '$.Amount', NULL) AS amount,
         secret('password') IS NOT NULL AND same(lower(message ->> '$.Token'), token)
         AND same(message ->> '$.TerminalKey', secret('terminal_key')) AS is_signed,
         coalesce(message ->> '$.Success', 1) IN (1, 'true')
         AND message ->> '$.Status' IN ('CONFIRMED', 'PARTIAL_REFUNDED', 'REFUNDED') AS is_money
  FROM signed),
answered AS (
  SELECT *,
         CASE
           WHEN is_signed IS NOT 1 THEN 'WRONG TOKEN'
           WHEN is_money IS NOT 1 THEN 'OK'
           WHEN coalesce(payment_id, 'null') IN ('', 'null') THEN 'PaymentId is missing'
           WHEN (SELECT currency FROM policy LIMIT 1) <> 'RUB' THEN 'the currency is not that of the books'
           WHEN status <> 'REFUNDED' AND coalesce(amount, 0) < 1 THEN 'Amount is no number of kopecks'
         END AS document
  FROM judged)
SELECT document,
       CASE document WHEN 'OK' THEN 200 WHEN 'WRONG TOKEN' THEN 403 ELSE 422 END AS http_status,
       iif(document NOT IN ('OK', 'WRONG TOKEN'), 'payment ' || payment_id || ': ' || document, NULL) AS warning,
       payment_id AS external_id,
       CASE status WHEN 'PARTIAL_REFUNDED' THEN payment_id || ':PARTIAL_REFUNDED:' || amount
                   WHEN 'REFUNDED' THEN payment_id || ':REFUNDED' END AS return_id,
       iif(status = 'REFUNDED', NULL, amount) AS amount,
       -- 15, or 15-1, 15-2 and so on
       iif(instr(order_id, '-') > 0, substr(order_id, 1, instr(order_id, '-') - 1), order_id) AS account,
       json_remove(iif(json_valid(:body), :body, '{}'), '$.Token') AS raw
FROM answered;

-- write

-- The same payment on another channel of the protocol, with the same secrets, is left to an operator.
INSERT INTO receipt(source, external_id, amount, received_at, account_text, raw, status, reason, recorded_at,
                    recorded_by)
SELECT :channel, :external_id, :amount, :now, :account, :raw,
       iif(twin IS NULL, NULL, 'pending'), 'channel ' || twin || ' has the same payment', :now, :who
FROM (SELECT min(twin) AS twin FROM receipt_twin
      WHERE source = :channel AND external_id = :external_id AND amount = :amount AND account_text IS :account)
WHERE :return_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :external_id);

INSERT INTO receipt_return(source, external_id, return_id, kind, amount, recorded_at, recorded_by)
SELECT source, external_id, :return_id, 'refund', :amount, :now, :who
FROM receipt
WHERE :return_id IS NOT NULL AND source = :channel AND external_id = :external_id
  AND (status <> 'pending' OR coalesce(:amount, amount) >= amount);

SELECT CASE WHEN done THEN 'OK' WHEN :return_id IS NULL THEN 'PaymentId is that of another payment' ELSE 'NOT YET' END
         AS document,
       CASE WHEN done THEN 200 WHEN :return_id IS NULL THEN 409 ELSE 503 END AS http_status,
       NOT done AND :return_id IS NULL AS "conflict",
       CASE
         WHEN NOT done AND :return_id IS NULL
           THEN 'payment ' || :external_id || ' came again with another account or sum'
         WHEN done AND returned < :amount
           THEN :return_id || ': of ' || :amount || ' refunded only ' || returned || ' were left of the payment'
       END AS warning
FROM (SELECT coalesce(iif(:return_id IS NULL, r.amount = :amount AND r.account_text IS :account,
                          r.status <> 'pending'), 0) AS done,
             iif(r.status = 'matched',
                 coalesce((SELECT amount FROM receipt_return
                           WHERE source = :channel AND external_id = :external_id AND return_id = :return_id), 0),
                 NULL) AS returned
      FROM (SELECT 1) LEFT JOIN receipt AS r ON r.source = :channel AND r.external_id = :external_id);
