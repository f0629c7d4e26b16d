-- POST /v1/accounts/{account_id}/checkouts
-- Start a payment by a payment system: the address to send the payer to.
-- role: crm
-- answer: one
-- protocol: tbank
-- account_id: integer!
-- channel: text! One that takes payments this way
-- amount: integer! In minor units, within the channel's limits
-- return_url: text! Where the payer comes back to, of https or http

-- The same checks stand in every file of checkouts.
SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT CASE
         WHEN account_status(:account_id, :today) = 'closed'
           THEN saldo_refuse('conflict', 'account ' || :account_id || ' is closed')
         WHEN disabled THEN saldo_refuse('conflict', 'channel ' || channel_id || ' is disabled')
         WHEN :amount < 1 OR :amount NOT BETWEEN coalesce(min_amount, 1) AND coalesce(max_amount, 1000000000000000)
           THEN saldo_refuse('out_of_range', 'amount is ' || :amount || '; channel ' || channel_id || ' takes from '
                                             || max(coalesce(min_amount, 1), 1) || ' to '
                                             || coalesce(max_amount, 1000000000000000))
         WHEN NOT (:return_url GLOB 'https://[^/?#]*' OR :return_url GLOB 'http://[^/?#]*')
              OR :return_url GLOB '*[^!-~]*' OR length(:return_url) > 2048
           THEN saldo_refuse('invalid', 'return_url is not https://… or http://… of up to 2048 characters of ASCII')
         WHEN secret('password') IS NULL
           THEN saldo_refuse('conflict', 'the file of --secrets has no password for channel ' || channel_id)
         WHEN secret('receipt') IS NOT NULL AND coalesce(a.admin_email, '') = ''
           THEN saldo_refuse('conflict', 'account ' || :account_id || ' has no admin_email for its fiscal receipt')
         WHEN (SELECT currency FROM policy LIMIT 1) <> 'RUB'
           THEN saldo_refuse('conflict', 'channel ' || channel_id || ' takes roubles only')
       END
FROM channel, account AS a
WHERE channel_id = :channel AND account_id = :account_id;

-- Each time another order. A fiscal receipt has one item, an advance. The codes of its taxes are those of YooKassa;
-- T-Bank has words for them.
WITH payment AS MATERIALIZED (
  SELECT iif(p.language = 'ru', 'Пополнение лицевого счёта № ', 'Top-up of account ') || a.account_id AS description,
         a.admin_email, secret('receipt') AS receipt,
         '["none", "vat0", "vat10", "vat20", "vat110", "vat120", "vat5", "vat7", "vat105", "vat107", "vat22", "vat122"]'
           AS vat,
         '["osn", "usn_income", "usn_income_outcome", "envd", "esn", "patent"]' AS taxation
  FROM account AS a, (SELECT language FROM policy WHERE valid_from <= :today ORDER BY valid_from DESC LIMIT 1) AS p
  WHERE a.account_id = :account_id),
init AS MATERIALIZED (
  SELECT json_object('TerminalKey', secret('terminal_key'),
                     'Amount', :amount,
                     'OrderId', :account_id || '-' || substr(sha256(:random), 1, 19),
                     'Description', description,
                     'SuccessURL', :return_url,
                     'FailURL', :return_url) AS body,
         iif(receipt IS NULL, '{}',
             json_object('Receipt',
                         json_object('Email', admin_email,
                                     'Taxation', taxation ->> (receipt ->> '$.tax_system_code' - 1),
                                     'Items', json_array(json_object('Name', description,
                                                                     'Price', :amount,
                                                                     'Quantity', 1,
                                                                     'Amount', :amount,
                                                                     'Tax', vat ->> (receipt ->> '$.vat_code' - 1),
                                                                     'PaymentMethod', 'advance',
                                                                     'PaymentObject', 'payment'))))) AS receipt
  FROM payment)
-- Token is of the values of the root's scalars and the password, in the order of their keys.
SELECT coalesce(secret('api'), 'https://securepay.tinkoff.ru') || '/v2/Init' AS url,
       'POST' AS method,
       '{"Content-Type": "application/json"}' AS headers,
       json_set(json_patch(body, receipt),
                '$.Token', sha256((SELECT group_concat(value, '')
                                   FROM (SELECT key, value FROM json_each(body)
                                         UNION ALL SELECT 'Password', secret('password')
                                         ORDER BY key)))) AS body
FROM init;

-- ask

WITH told AS MATERIALIZED (
  SELECT iif(:asked_status = 200 AND json_valid(:asked), :asked, '{}') AS asked)
SELECT iif(asked ->> '$.Success' = 1 AND asked ->> '$.Amount' = :amount
           AND asked ->> '$.PaymentURL' GLOB 'https://?*',
           asked ->> '$.PaymentURL',
           saldo_refuse('overloaded', 'T-Bank did not start the payment (HTTP ' || :asked_status
                                      || coalesce(', error ' || (asked ->> '$.ErrorCode'), '') || '); try again'))
         AS url
FROM told;

-- write

SELECT :url AS url;
