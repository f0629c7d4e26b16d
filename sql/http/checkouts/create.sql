-- POST /v1/accounts/{account_id}/checkouts
-- Start a payment by a payment system: the address to send the payer to.
-- role: crm
-- answer: one
-- account_id: integer!
-- channel: text! Of yookassa or tbank
-- amount: integer! In minor units, within the channel's limits
-- return_url: text! Where the payer comes back to, of https or http

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT saldo_refuse('conflict', 'account ' || :account_id || ' is closed')
WHERE account_status(:account_id, :today) = 'closed';

SELECT saldo_refuse('not_found', 'there is no channel ' || :channel)
WHERE NOT EXISTS (SELECT 1 FROM channel WHERE channel_id = :channel);

SELECT CASE
         WHEN protocol NOT IN ('yookassa', 'tbank')
           THEN saldo_refuse('invalid', 'channel ' || channel_id || ' speaks ' || protocol
                                        || '; a payment can be started by one that speaks yookassa or tbank')
         WHEN disabled THEN saldo_refuse('conflict', 'channel ' || channel_id || ' is disabled')
         WHEN :amount NOT BETWEEN coalesce(min_amount, 1) AND coalesce(max_amount, 1000000000000000) OR :amount < 1
           THEN saldo_refuse('out_of_range', 'amount is ' || :amount || '; it is from ' || max(coalesce(min_amount, 1), 1)
                                             || ' to ' || coalesce(max_amount, 1000000000000000))
         WHEN protocol = 'tbank' AND (SELECT currency FROM policy LIMIT 1) <> 'RUB'
           THEN saldo_refuse('conflict', 'channel ' || channel_id || ' takes roubles only')
         WHEN coalesce(secret('secret_key'), secret('password')) IS NULL
           THEN saldo_refuse('conflict', 'the file of --secrets has none for channel ' || channel_id)
       END
FROM channel WHERE channel_id = :channel;

SELECT saldo_refuse('invalid', 'return_url is not https://… or http://…, of up to 2048 printable ASCII characters')
WHERE NOT (:return_url GLOB 'https://[^/?#]*' OR :return_url GLOB 'http://[^/?#]*') OR :return_url GLOB '*[^!-~]*'
      OR length(:return_url) > 2048;

SELECT saldo_refuse('conflict', 'account ' || account_id || ' has no admin_email, to which the fiscal receipt goes')
FROM account
WHERE account_id = :account_id AND secret('receipt') IS NOT NULL AND coalesce(admin_email, '') = '';

-- A fiscal receipt has one item, an advance. vat_code and tax_system_code are numbered as YooKassa does.
WITH payment AS MATERIALIZED (
  SELECT c.protocol, p.currency, a.admin_email, printf('%d.%02d', :amount / 100, :amount % 100) AS value,
         iif(p.language = 'ru', 'Пополнение лицевого счёта № ', 'Top-up of account ') || a.account_id AS description,
         -- The same payment again only where it is asked for under the same key.
         sha256(coalesce(header('Idempotency-Key') || char(10) || :who || char(10) || :account_id || char(10) || :channel
                         || char(10) || :amount || char(10) || :return_url, :random)) AS payment_key,
         secret('receipt') AS receipt
  FROM account AS a, channel AS c, (SELECT currency, language FROM policy WHERE valid_from <= :today
                                    ORDER BY valid_from DESC LIMIT 1) AS p
  WHERE a.account_id = :account_id AND c.channel_id = :channel),
yookassa AS MATERIALIZED (
  SELECT payment_key,
         json_object('amount', json_object('value', value, 'currency', currency),
                     'capture', json('true'),
                     'confirmation', json_object('type', 'redirect', 'return_url', :return_url),
                     'description', description,
                     'metadata', json_object('account', CAST(:account_id AS TEXT))) AS body,
         json_object('customer', json_object('email', admin_email),
                     'tax_system_code', receipt ->> '$.tax_system_code',
                     'items', json_array(json_object('description', description,
                                                     'quantity', 1,
                                                     'amount', json_object('value', value, 'currency', currency),
                                                     'vat_code', receipt ->> '$.vat_code',
                                                     'payment_mode', 'advance',
                                                     'payment_subject', 'payment'))) AS receipt,
         receipt IS NOT NULL AS has_receipt
  FROM payment WHERE protocol = 'yookassa'),
tbank AS MATERIALIZED (
  SELECT json_object('TerminalKey', secret('terminal_key'),
                     'Amount', :amount,
                     'OrderId', :account_id || '-' || substr(sha256(:random), 1, 19),
                     'Description', description,
                     'SuccessURL', :return_url,
                     'FailURL', :return_url) AS body,
         json_object('Email', admin_email,
                     'Taxation', json_extract(taxation, '$[' || (receipt ->> '$.tax_system_code' - 1) || ']'),
                     'Items', json_array(json_object('Name', description,
                                                     'Price', :amount,
                                                     'Quantity', 1,
                                                     'Amount', :amount,
                                                     'Tax', json_extract(vat, '$[' || (receipt ->> '$.vat_code' - 1) || ']'),
                                                     'PaymentMethod', 'advance',
                                                     'PaymentObject', 'payment'))) AS receipt,
         receipt IS NOT NULL AS has_receipt
  FROM payment,
       (SELECT '["none", "vat0", "vat10", "vat20", "vat110", "vat120", "vat5", "vat7", "vat105", "vat107", "vat22", "vat122"]'
                 AS vat,
               '["osn", "usn_income", "usn_income_outcome", "envd", "esn", "patent"]' AS taxation)
  WHERE protocol = 'tbank')
SELECT coalesce(secret('api'), 'https://api.yookassa.ru') || '/v3/payments' AS url,
       'POST' AS method,
       json_object('Authorization', 'Basic ' || base64(secret('shop_id') || ':' || secret('secret_key')),
                   'Content-Type', 'application/json',
                   'Idempotence-Key', payment_key) AS headers,
       iif(has_receipt, json_set(body, '$.receipt', json(receipt)), body) AS body
FROM yookassa
UNION ALL
SELECT coalesce(secret('api'), 'https://securepay.tinkoff.ru') || '/v2/Init',
       'POST',
       '{"Content-Type": "application/json"}',
       -- Token is of the values of the root's scalars and the password, in the order of their keys.
       json_set(iif(has_receipt, json_set(body, '$.Receipt', json(receipt)), body),
                '$.Token', sha256((SELECT group_concat(value, '')
                                   FROM (SELECT key, value FROM json_each(body)
                                         UNION ALL SELECT 'Password', secret('password')
                                         ORDER BY key))))
FROM tbank;

-- ask

WITH told AS MATERIALIZED (
  SELECT c.protocol, iif(:asked_status = 200 AND json_valid(:asked), :asked, '{}') AS asked
  FROM channel AS c WHERE c.channel_id = :channel),
made AS MATERIALIZED (
  SELECT iif(protocol = 'yookassa',
             iif(minor_units(asked ->> '$.amount.value') = :amount, asked ->> '$.confirmation.confirmation_url', NULL),
             iif(asked ->> '$.Success' = 1 AND asked ->> '$.Amount' = :amount, asked ->> '$.PaymentURL', NULL)) AS url
  FROM told)
SELECT CASE
         WHEN url GLOB 'https://?*' THEN url
         ELSE saldo_refuse('overloaded', 'the payment system of channel ' || :channel || ' did not start the payment ('
                                         || :asked_status || '); try again')
       END AS url
FROM made;

-- write

SELECT :url AS url;
