-- POST /pay/yoomoney/{channel}
-- Transfers to a wallet of YooMoney.
-- role: none
-- answer: one
-- gives: text
-- auth: signature
-- protocol: yoomoney
-- channel: text! The channel, whose secret it is signed with

-- Any status but 200 brings it again, after 10 minutes and after an hour.
WITH field AS MATERIALIZED (
  SELECT name, value, position FROM form_field(:body) WHERE name IS NOT NULL AND value IS NOT NULL),
sent AS MATERIALIZED (
  SELECT json_group_object(name, value) AS field FROM (SELECT name, value FROM field ORDER BY position)),
-- A `sign` decides where there is one. It is of all fields, sorted and encoded; sha1_hash is of some.
verified AS MATERIALIZED (
  SELECT field,
         iif(field ->> 'sign' IS NOT NULL,
             same(lower(field ->> 'sign'),
                  hmac_sha256(secret('secret'),
                              (SELECT group_concat(percent_encode(name) || '=' || percent_encode(value), '&')
                               FROM (SELECT name, value FROM field WHERE name <> 'sign' ORDER BY name)))),
             same(lower(field ->> 'sha1_hash'),
                  sha1(coalesce(field ->> 'notification_type', '') || '&' || coalesce(field ->> 'operation_id', '')
                       || '&' || coalesce(field ->> 'amount', '') || '&' || coalesce(field ->> 'currency', '')
                       || '&' || coalesce(field ->> 'datetime', '') || '&' || coalesce(field ->> 'sender', '')
                       || '&' || coalesce(field ->> 'codepro', '') || '&' || secret('secret')
                       || '&' || coalesce(field ->> 'label', '')))) AS is_signed
  FROM sent),
judged AS MATERIALIZED (
  SELECT field, minor_units(field ->> 'amount') AS amount,
         CASE
           WHEN is_signed IS NOT 1 THEN 'wrong signature'
           WHEN field ->> 'test_notification' = 'true' THEN 'OK'  -- the button in the wallet's settings
           WHEN coalesce(field ->> 'operation_id', '') = '' THEN 'operation_id is missing'
           WHEN field ->> 'currency' IS NOT '643' OR (SELECT currency FROM policy LIMIT 1) <> 'RUB'
             THEN 'the currency is not that of the books'
           WHEN coalesce(minor_units(field ->> 'amount'), 0) < 1 THEN 'amount is no sum of roubles and kopecks'
         END AS document
  FROM verified)
SELECT document,
       CASE document WHEN 'OK' THEN 200 WHEN 'wrong signature' THEN 403 ELSE 422 END AS http_status,
       iif(document NOT IN ('OK', 'wrong signature'), 'operation ' || (field ->> 'operation_id') || ': ' || document,
           NULL) AS warning,
       field ->> 'operation_id' AS external_id, amount, field ->> 'datetime' AS received_at,
       field ->> 'label' AS account, nullif(field ->> 'sender', '') AS payer,
       (SELECT group_concat(percent_encode(name) || '=' || percent_encode(value), '&')
        FROM (SELECT name, value FROM field WHERE name NOT IN ('sign', 'sha1_hash') ORDER BY position)) AS raw,
       iif(field ->> 'unaccepted' = 'true', 'pending', NULL) AS status,
       iif(field ->> 'unaccepted' = 'true', 'the wallet has not accepted it yet', NULL) AS reason
FROM judged;

-- write

-- The same payment on another channel of the protocol, with the same secrets, is left to an operator.
INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, raw, status, reason, recorded_at,
                    recorded_by)
SELECT :channel, :external_id, :amount, :received_at, :account, :payer, :raw,
       iif(twin IS NULL, :status, 'pending'), coalesce('channel ' || twin || ' has the same payment', :reason),
       :now, :who
FROM (SELECT min(twin) AS twin FROM receipt_twin
      WHERE source = :channel AND external_id = :external_id AND amount = :amount AND account_text IS :account)
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :external_id);

SELECT iif(agrees, 'OK', 'operation_id is that of another transfer') AS document,
       iif(agrees, 200, 409) AS http_status,
       NOT agrees AS "conflict",
       iif(agrees, NULL, 'operation ' || external_id || ' came again with another account or sum') AS warning
FROM (SELECT external_id, amount = :amount AND account_text IS :account AS agrees
      FROM receipt WHERE source = :channel AND external_id = :external_id);
