-- POST /pay/cloudpayments/{channel}
-- Payments and refunds by CloudPayments; each kind is sent to an address of its own: ?kind=check, ?kind=pay and so on.
-- role: none
-- answer: one
-- gives: json
-- auth: signature
-- protocol: cloudpayments
-- channel: text! The channel, whose secret it is signed with

-- Codes: 0 taken, 11 no such account, 12 the sum, 13 not taken. What is not taken comes again. Without a kind it is a
-- refund where it names the payment that went back, a payment where it has what Check and Fail have not, else nothing.
WITH sent AS MATERIALIZED (
  SELECT CASE
           WHEN json_valid(:body) AND json_type(:body) = 'object' THEN :body
           ELSE (SELECT json_group_object(name, value)
                 FROM (SELECT name, value FROM form_field(:body)
                       WHERE name IS NOT NULL AND value IS NOT NULL ORDER BY position))
         END AS field,
         (SELECT lower(value) FROM form_field(:query) WHERE name = 'kind') AS kind,
         -- X-Content-HMAC is of the decoded body, which is the same where nothing is encoded.
         same(header('Content-HMAC'), base64(from_hex(hmac_sha256(secret('secret'), :body))))
         OR same(header('X-Content-HMAC'), base64(from_hex(hmac_sha256(secret('secret'), :body)))) AS is_signed),
named AS MATERIALIZED (
  SELECT coalesce(kind,
                  CASE
                    WHEN field ->> 'PaymentTransactionId' IS NOT NULL THEN 'refund'
                    WHEN field ->> 'Status' <> '' AND coalesce(field ->> 'ReasonCode', 0) IN (0, '0')
                         AND (field ->> 'AuthCode' <> '' OR field ->> 'GatewayName' <> '') THEN 'pay'
                    ELSE 'a notification without a kind'
                  END) AS kind, is_signed,
         trim(field -> 'TransactionId', '"') AS transaction_id,
         trim(field -> 'PaymentTransactionId', '"') AS payment_id,
         -- Zeros behind the kopecks are no other sum.
         minor_units(iif(field ->> 'Amount' GLOB '*.*', rtrim(rtrim(trim(field -> 'Amount', '"'), '0'), '.'),
                         trim(field -> 'Amount', '"'))) AS amount,
         -- A refund has none of its own.
         coalesce(field ->> 'Currency', (SELECT currency FROM policy LIMIT 1)) AS currency,
         substr(field ->> 'DateTime', 1, 10) || 'T' || substr(field ->> 'DateTime', 12) || 'Z' AS received_at,
         CAST(field ->> 'AccountId' AS TEXT) AS account,
         coalesce(field ->> 'Status', 'Completed') AS status,
         field ->> 'TestMode' IN (1, '1', 'true') AND NOT coalesce(secret('allow_test'), 0) AS is_test,
         nullif(field ->> 'Name', '') AS payer, nullif(field ->> 'Description', '') AS purpose
  FROM sent),
judged AS MATERIALIZED (
  SELECT n.*,
         CASE
           WHEN is_signed IS NOT 1 THEN 13
           WHEN kind IN ('fail', 'cancel', 'recurrent') THEN 0  -- no money
           WHEN kind NOT IN ('check', 'pay', 'confirm', 'refund') THEN 13
           WHEN kind = 'check' AND account_status(account_number(account), :today) IS NULL THEN 11
           WHEN kind = 'check' AND account_status(account_number(account), :today) = 'closed' THEN 11
           WHEN kind = 'check' AND c.disabled THEN 13
           WHEN is_test THEN 0
           WHEN kind IN ('pay', 'confirm') AND status <> 'Completed' THEN 0  -- Authorized: held, not paid
           WHEN coalesce(amount, 0) < 1 THEN 12
           WHEN currency <> (SELECT currency FROM policy LIMIT 1) THEN 12
           WHEN kind = 'check' AND (amount < c.min_amount OR amount > c.max_amount) THEN 12
           WHEN kind = 'check' THEN 0
           WHEN coalesce(transaction_id, 'null') IN ('', 'null') THEN 13
           WHEN kind = 'refund' AND coalesce(payment_id, 'null') IN ('', 'null') THEN 13
         END AS code
  FROM named AS n, channel AS c
  WHERE c.channel_id = :channel)
SELECT '{"code":' || code || '}' AS document,
       200 AS http_status,
       iif(is_signed AND kind <> 'check' AND code <> 0,
           kind || ' ' || coalesce(transaction_id, '') || ' is not taken: its kind, number, sum or currency is wrong',
           NULL)
         AS warning,
       iif(kind = 'refund', payment_id, transaction_id) AS external_id,
       iif(kind = 'refund', transaction_id, NULL) AS return_id,
       amount, received_at, account, payer, purpose, :body AS raw
FROM judged;

-- write

-- The same payment on another channel of the protocol, with the same secrets, is left to an operator.
INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, purpose, raw, status, reason,
                    recorded_at, recorded_by)
SELECT :channel, :external_id, :amount, :received_at, :account, :payer, :purpose, :raw,
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

SELECT iif(done, '{"code":0}', '{"code":13}') AS document,
       CASE WHEN done THEN 200 WHEN :return_id IS NULL THEN 409 ELSE 503 END AS http_status,
       NOT done AND :return_id IS NULL AS "conflict",
       CASE
         WHEN NOT done AND :return_id IS NULL
           THEN 'transaction ' || :external_id || ' came again with another account or sum'
         WHEN done AND returned < :amount
           THEN 'refund ' || :return_id || ': of ' || :amount || ' only ' || returned || ' were left of the payment'
       END AS warning
FROM (SELECT coalesce(iif(:return_id IS NULL, r.amount = :amount AND r.account_text IS :account,
                          r.status <> 'pending'), 0) AS done,
             iif(r.status = 'matched',
                 coalesce((SELECT amount FROM receipt_return
                           WHERE source = :channel AND external_id = :external_id AND return_id = :return_id), 0),
                 NULL) AS returned
      FROM (SELECT 1) LEFT JOIN receipt AS r ON r.source = :channel AND r.external_id = :external_id);

-- failure

SELECT '{"code":13}' AS document;
