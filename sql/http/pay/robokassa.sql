-- GET, POST /pay/robokassa/{channel}
-- Payments by Robokassa, as it tells them to the ResultURL.
-- role: none
-- answer: one
-- gives: text
-- auth: signature
-- protocol: robokassa
-- channel: text! The channel, whose password2 and hash it is signed with

-- Any text but OK and the number brings it again.
WITH field AS MATERIALIZED (
  SELECT name, value FROM form_field(:query) WHERE name IS NOT NULL AND value IS NOT NULL
  UNION ALL SELECT name, value FROM form_field(:body) WHERE name IS NOT NULL AND value IS NOT NULL),
sent AS MATERIALIZED (
  SELECT (SELECT value FROM field WHERE name = 'OutSum') AS out_sum,
         (SELECT value FROM field WHERE name = 'InvId') AS inv_id,
         (SELECT value FROM field WHERE name = 'SignatureValue') AS signature,
         (SELECT value FROM field WHERE lower(name) = 'shp_account') AS account,
         (SELECT value FROM field WHERE name = 'EMail') AS payer,
         (SELECT value FROM field WHERE name = 'IsTest') AS is_test,
         (SELECT group_concat(':' || name || '=' || value, '')
          FROM (SELECT name, value FROM field WHERE lower(substr(name, 1, 4)) = 'shp_' ORDER BY name)) AS shop_fields),
verified AS MATERIALIZED (
  SELECT sent.*, same(lower(signature), CASE lower(coalesce(secret('hash'), 'md5'))
                                          WHEN 'md5' THEN md5(text)
                                          WHEN 'sha1' THEN sha1(text)
                                          WHEN 'sha256' THEN sha256(text)
                                          WHEN 'sha512' THEN sha512(text)
                                        END) AS is_signed
  FROM sent, (SELECT out_sum || ':' || inv_id || ':' || secret('password2') || coalesce(shop_fields, '') AS text
              FROM sent)),
-- Sums come with up to six digits behind the dot.
judged AS MATERIALIZED (
  SELECT *, minor_units(iif(out_sum GLOB '*.*', rtrim(rtrim(out_sum, '0'), '.'), out_sum)) AS amount
  FROM verified),
answered AS (
  SELECT *,
         CASE
           WHEN is_signed IS NOT 1 THEN 'bad sign'
           WHEN inv_id GLOB '*[^0-9]*' OR length(inv_id) NOT BETWEEN 1 AND 20 THEN 'InvId is no number'
           WHEN is_test = '1' AND NOT coalesce(secret('allow_test'), 0) THEN 'OK' || inv_id
           WHEN (SELECT currency FROM policy LIMIT 1) <> 'RUB' THEN 'the currency is not that of the books'
           WHEN coalesce(amount, 0) < 1 THEN 'OutSum is no sum of roubles and kopecks'
         END AS document
  FROM judged)
SELECT document,
       CASE document WHEN 'OK' || inv_id THEN 200 WHEN 'bad sign' THEN 403 ELSE 422 END AS http_status,
       iif(document NOT IN ('OK' || inv_id, 'bad sign'), 'InvId ' || inv_id || ': ' || document, NULL) AS warning,
       inv_id AS external_id, amount, account, payer,
       (SELECT group_concat(percent_encode(name) || '=' || percent_encode(value), '&')
        FROM field WHERE name <> 'SignatureValue') AS raw
FROM answered;

-- write

-- The same payment on another channel of the protocol, with the same secrets, is left to an operator.
INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, raw, status, reason, recorded_at,
                    recorded_by)
SELECT :channel, :external_id, :amount, :now, :account, :payer, :raw,
       iif(twin IS NULL, NULL, 'pending'), 'channel ' || twin || ' has the same payment', :now, :who
FROM (SELECT min(twin) AS twin FROM receipt_twin
      WHERE source = :channel AND external_id = :external_id AND amount = :amount AND account_text IS :account)
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :external_id);

SELECT iif(agrees, 'OK' || external_id, 'InvId is that of another payment') AS document,
       iif(agrees, 200, 409) AS http_status,
       NOT agrees AS "conflict",
       iif(agrees, NULL, 'InvId ' || external_id || ' came again with another account or sum') AS warning
FROM (SELECT external_id, amount = :amount AND account_text IS :account AS agrees
      FROM receipt WHERE source = :channel AND external_id = :external_id);
