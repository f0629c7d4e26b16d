-- GET, POST /pay/sber/{channel}
-- Payments and refunds by the acquiring of Sberbank.
-- role: none
-- answer: one
-- gives: text
-- auth: signature
-- protocol: sber
-- channel: text! The channel, whose token or certificate it is signed with

-- Any status but 200 brings it again. Callbacks that were ordered without sums only name the order: then the gateway is
-- asked. It also is, what went back of an order, if there is a user to ask as: it tells the total of all refunds.
WITH field AS MATERIALIZED (
  SELECT name, value, position FROM form_field(iif(:body <> '', :body, :query))
  WHERE name IS NOT NULL AND value IS NOT NULL),
sent AS MATERIALIZED (
  SELECT json_group_object(name, value) AS field FROM (SELECT name, value FROM field ORDER BY position)),
signed AS MATERIALIZED (
  SELECT field,
         (SELECT group_concat(name || ';' || value || ';', '')
          FROM (SELECT name, value FROM field WHERE name NOT IN ('checksum', 'sign_alias') ORDER BY name)) AS text
  FROM sent),
verified AS MATERIALIZED (
  SELECT field ->> 'operation' AS operation, field ->> 'mdOrder' AS md_order, field ->> 'amount' AS amount,
         field ->> 'status' AS status,
         iif(secret('certificate') IS NOT NULL,
             rsa_verify('sha512', secret('certificate'), text, from_hex(field ->> 'checksum')),
             same(upper(field ->> 'checksum'), upper(hmac_sha256(secret('token'), text)))) AS is_signed
  FROM signed),
answered AS (
  SELECT *,
         CASE
           WHEN is_signed IS NOT 1 THEN 'wrong checksum'
           WHEN status IS NOT '1' OR coalesce(operation, '') NOT IN ('deposited', 'refunded', 'reversed') THEN 'OK'
           WHEN length(coalesce(md_order, '')) NOT BETWEEN 1 AND 64 THEN 'mdOrder is missing'
           WHEN (SELECT currency FROM policy LIMIT 1) <> 'RUB' THEN 'the currency is not that of the books'
         END AS document
  FROM verified)
SELECT document,
       CASE document WHEN 'OK' THEN 200 WHEN 'wrong checksum' THEN 403 ELSE 422 END AS http_status,
       iif(operation <> 'reversed' AND (amount IS NULL OR operation = 'refunded' AND secret('user') IS NOT NULL),
           coalesce(secret('api'), 'https://securepayments.sberbank.ru') || '/payment/rest/getOrderStatusExtended.do',
           NULL) AS url,
       'POST' AS method,
       '{"Content-Type": "application/x-www-form-urlencoded"}' AS headers,
       coalesce('userName=' || percent_encode(secret('user')) || '&password=' || percent_encode(secret('password')),
                'token=' || percent_encode(secret('token')), '') || '&orderId=' || percent_encode(md_order) AS body
FROM answered;

-- ask

WITH field AS MATERIALIZED (
  SELECT name, value, position FROM form_field(iif(:body <> '', :body, :query))
  WHERE name IS NOT NULL AND value IS NOT NULL),
sent AS MATERIALIZED (
  SELECT json_group_object(name, value) AS field FROM (SELECT name, value FROM field ORDER BY position)),
-- amount: of a payment, or of one refund; refunded: the total of all refunds, as the gateway says.
told AS MATERIALIZED (
  SELECT field, field ->> 'operation' AS operation, field ->> 'mdOrder' AS md_order,
         iif(:asked_status = 200 AND json_valid(:asked), :asked, '{}') AS asked
  FROM sent),
facts AS MATERIALIZED (
  SELECT operation, md_order, asked,
         coalesce(field ->> 'orderNumber', asked ->> '$.orderNumber') AS order_number,
         coalesce(asked ->> '$.currency', field ->> 'currency', '643') AS currency,
         CAST(asked ->> '$.errorCode' AS INTEGER) AS error, asked ->> '$.orderStatus' AS order_status,
         asked ->> '$.orderNumber' IS field ->> 'orderNumber' OR field ->> 'orderNumber' IS NULL AS is_same_order,
         CASE
           WHEN :asked_status IS NULL
             THEN iif(field ->> 'amount' GLOB '*[^0-9]*' OR length(field ->> 'amount') NOT BETWEEN 1 AND 16, NULL,
                      CAST(field ->> 'amount' AS INTEGER))
           -- Of two stages, less than was registered may have been deposited. What went back is deposited no more.
           ELSE coalesce(min(asked ->> '$.amount',
                             asked ->> '$.paymentAmountInfo.depositedAmount'
                             + coalesce(asked ->> '$.paymentAmountInfo.refundedAmount', 0)),
                         asked ->> '$.amount')
         END AS amount,
         iif(operation = 'refunded' AND :asked_status IS NOT NULL, asked ->> '$.paymentAmountInfo.refundedAmount', NULL)
           AS refunded
  FROM told),
judged AS (
  SELECT *,
         CASE
           WHEN :asked_status IS NOT NULL AND coalesce(error, 0) = 6 THEN 'there is no such order'
           WHEN :asked_status IS NOT NULL
                AND (asked = '{}' OR coalesce(error, 0) <> 0 OR NOT is_same_order OR order_status IS NULL
                     OR order_status NOT IN (2, 4) OR operation = 'refunded' AND refunded IS NULL)
             THEN 'the gateway does not confirm it'
           WHEN currency NOT IN ('643', 'RUB') THEN 'the currency is not that of the books'
           WHEN operation = 'reversed' THEN NULL
           WHEN typeof(coalesce(refunded, amount)) <> 'integer' OR coalesce(refunded, amount) < 1
             THEN 'amount is no number of kopecks'
         END AS document
  FROM facts)
SELECT document,
       CASE document WHEN 'the gateway does not confirm it' THEN 503 WHEN 'there is no such order' THEN 404
                     ELSE 422 END AS http_status,
       iif(document IS NOT NULL, 'order ' || md_order || ', ' || operation || ': ' || document, NULL) AS warning,
       md_order AS external_id,
       CASE operation WHEN 'reversed' THEN md_order || ':reversed'
                      WHEN 'refunded' THEN md_order || ':refunded:' || coalesce(refunded, amount) END AS return_id,
       iif(refunded IS NULL AND operation <> 'reversed', amount, NULL) AS amount, refunded,
       iif(operation = 'reversed' AND amount BETWEEN 1 AND 1000000000000000, amount, NULL) AS reversed,
       -- 15, or 15-1, 15-2 and so on
       iif(instr(order_number, '-') > 0, substr(order_number, 1, instr(order_number, '-') - 1), order_number)
         AS account,
       (SELECT group_concat(percent_encode(name) || '=' || percent_encode(value), '&')
        FROM (SELECT name, value FROM field WHERE name <> 'checksum' ORDER BY position)) AS raw
FROM judged;

-- write

-- The same payment on another channel of the protocol, with the same secrets, is left to an operator.
-- What is reversed before it is deposited becomes ignored, so that its deposit, when it comes, is known already.
INSERT INTO receipt(source, external_id, amount, received_at, account_text, raw, status, reason, recorded_at,
                    recorded_by)
SELECT :channel, :external_id, coalesce(:amount, :reversed), :now, :account, :raw,
       iif(twin IS NULL AND :reversed IS NULL, NULL, 'pending'), 'channel ' || twin || ' has the same payment',
       :now, :who
FROM (SELECT min(twin) AS twin FROM receipt_twin
      WHERE source = :channel AND external_id = :external_id AND amount = :amount AND account_text IS :account)
WHERE (:return_id IS NULL OR :reversed IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :external_id);

-- Of a total, what has not gone back yet, by whatever way.
INSERT INTO receipt_return(source, external_id, return_id, kind, amount, recorded_at, recorded_by)
SELECT source, external_id, :return_id, 'refund', amount_back, :now, :who
FROM (SELECT r.source, r.external_id, r.status, r.amount,
             iif(:refunded IS NULL, :amount,
                 :refunded + coalesce((SELECT sum(a.amount)
                                       FROM receipt_payment AS p JOIN adjustment AS a USING (payment_id)
                                       WHERE p.receipt_id = r.receipt_id AND a.kind IN ('refund', 'chargeback')), 0))
               AS amount_back
      FROM receipt AS r
      WHERE :return_id IS NOT NULL AND r.source = :channel AND r.external_id = :external_id)
WHERE (status <> 'pending' OR coalesce(amount_back, amount) >= amount) AND coalesce(amount_back, 1) > 0;

SELECT CASE
         WHEN done THEN 'OK'
         WHEN :return_id IS NULL THEN 'mdOrder is that of another payment'
         ELSE 'not yet'
       END AS document,
       CASE WHEN done THEN 200 WHEN :return_id IS NULL THEN 409 ELSE 503 END AS http_status,
       NOT done AND :return_id IS NULL AS "conflict",
       CASE
         WHEN NOT done AND :return_id IS NULL THEN 'order ' || :external_id || ' came again with another account or sum'
         WHEN done AND returned < coalesce(:refunded, :amount)
           THEN :return_id || ': only ' || returned || ' were left of the payment'
       END AS warning
FROM (SELECT coalesce(iif(:return_id IS NULL, r.amount = :amount AND r.account_text IS :account,
                          coalesce(r.status <> 'pending', :return_id GLOB '*:reversed')), 0) AS done,
             CASE
               WHEN r.status <> 'matched' THEN NULL
               WHEN :refunded IS NOT NULL
                 THEN -(SELECT sum(a.amount) FROM receipt_payment AS p JOIN adjustment AS a USING (payment_id)
                        WHERE p.receipt_id = r.receipt_id AND a.kind IN ('refund', 'chargeback'))
               ELSE coalesce((SELECT amount FROM receipt_return
                              WHERE source = :channel AND external_id = :external_id AND return_id = :return_id), 0)
             END AS returned
      FROM (SELECT 1) LEFT JOIN receipt AS r ON r.source = :channel AND r.external_id = :external_id);
