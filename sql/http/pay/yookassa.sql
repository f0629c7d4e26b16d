-- POST /pay/yookassa/{channel}
-- Payments and refunds by YooKassa.
-- role: none
-- answer: one
-- gives: text
-- auth: ask
-- protocol: yookassa
-- channel: text! The channel, whose shop_id and secret_key YooKassa is asked with

-- Any status but 200 brings it again, for a day. Notifications are not signed: they only say what to ask for, and all
-- facts are those of the answer.
WITH sent AS MATERIALIZED (
  SELECT iif(json_valid(:body), :body, '{}') AS message),
named AS MATERIALIZED (
  SELECT message ->> '$.event' AS event, message ->> '$.object.id' AS id,
         CASE message ->> '$.event' WHEN 'payment.succeeded' THEN '/v3/payments/'
                                 WHEN 'refund.succeeded' THEN '/v3/refunds/' END AS path
  FROM sent)
SELECT CASE
         WHEN event IS NULL THEN 'a notification is expected'
         WHEN path IS NULL THEN 'OK'
         WHEN id IS NULL OR id GLOB '*[^A-Za-z0-9-]*' OR length(id) NOT BETWEEN 1 AND 64
           THEN 'object.id is of 1 to 64 letters, digits and hyphens'
         WHEN secret('shop_id') IS NULL OR secret('secret_key') IS NULL THEN 'the channel has no secrets'
       END AS document,
       CASE WHEN event IS NULL THEN 400 WHEN path IS NULL THEN 200
            WHEN secret('shop_id') IS NULL OR secret('secret_key') IS NULL THEN 503 ELSE 400 END AS http_status,
       coalesce(secret('api'), 'https://api.yookassa.ru') || path || id AS url,
       'GET' AS method,
       json_object('Authorization', 'Basic ' || base64(secret('shop_id') || ':' || secret('secret_key'))) AS headers,
       NULL AS body
FROM named;

-- ask

WITH told AS MATERIALIZED (
  SELECT :body ->> '$.event' = 'refund.succeeded' AS is_refund, :body ->> '$.object.id' AS id,
         iif(:asked_status = 200 AND json_valid(:asked), :asked, '{}') AS asked),
facts AS MATERIALIZED (
  SELECT is_refund, id, asked ->> '$.id' AS asked_id, asked ->> '$.status' AS status,
         coalesce(asked ->> '$.paid', is_refund) AS is_paid, coalesce(asked ->> '$.test', 0) AS is_test,
         iif(json_type(asked, '$.amount.value') = 'text', minor_units(asked ->> '$.amount.value'), NULL) AS amount,
         asked ->> '$.amount.currency' AS currency, asked ->> '$.payment_id' AS payment_id,
         coalesce(asked ->> '$.captured_at', asked ->> '$.created_at') AS received_at,
         CAST(asked ->> '$.metadata.account' AS TEXT) AS account, asked ->> '$.metadata.channel' AS channel,
         asked ->> '$.payment_method.title' AS payer,
         asked ->> '$.description' AS purpose
  FROM told),
judged AS (
  SELECT *,
         CASE
           WHEN :asked_status = 404 THEN 'YooKassa has no such payment or refund'
           WHEN asked_id IS NOT id THEN 'YooKassa does not confirm it'
           WHEN status = 'canceled' THEN 'OK'
           WHEN status IS NOT 'succeeded' OR NOT is_paid OR is_refund AND payment_id IS NULL
             THEN 'YooKassa does not confirm it'
           WHEN is_test AND NOT coalesce(secret('allow_test'), 0) THEN 'OK'
           WHEN channel <> :channel THEN 'it was started on another channel'
           WHEN currency IS NOT (SELECT currency FROM policy LIMIT 1) THEN 'the currency is not that of the books'
           WHEN coalesce(amount, 0) < 1 THEN 'the amount is none'
         END AS document
  FROM facts)
SELECT document,
       CASE document WHEN 'OK' THEN 200 WHEN 'YooKassa does not confirm it' THEN 503
                     WHEN 'YooKassa has no such payment or refund' THEN 404 ELSE 422 END AS http_status,
       iif(document <> 'OK',
           id || ': ' || document || ' (' || :asked_status || coalesce(', ' || status, '') || ')', NULL) AS warning,
       iif(is_refund, payment_id, id) AS external_id, iif(is_refund, id, NULL) AS return_id,
       amount, received_at, account, payer, purpose, :asked AS raw
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

SELECT CASE
         WHEN done THEN 'OK'
         WHEN :return_id IS NULL THEN 'object.id is that of another payment'
         ELSE 'not yet'
       END AS document,
       CASE WHEN done THEN 200 WHEN :return_id IS NULL THEN 409 ELSE 503 END AS http_status,
       NOT done AND :return_id IS NULL AS "conflict",
       CASE
         WHEN NOT done AND :return_id IS NULL
           THEN 'payment ' || :external_id || ' came again with another account or sum'
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
