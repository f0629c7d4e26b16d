-- POST /v1/accounts/{account_id}/checkouts
-- Start a payment by a payment system: the address to send the payer to.
-- role: crm
-- answer: one
-- protocol: yookassa
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
         WHEN secret('secret_key') IS NULL
           THEN saldo_refuse('conflict', 'the file of --secrets has no secret_key for channel ' || channel_id)
         WHEN secret('receipt') IS NOT NULL AND coalesce(a.admin_email, '') = ''
           THEN saldo_refuse('conflict', 'account ' || :account_id || ' has no admin_email for its fiscal receipt')
       END
FROM channel, account AS a
WHERE channel_id = :channel AND account_id = :account_id;

-- Under one Idempotency-Key it is the same payment, even if the answer was lost. A fiscal receipt has one item, an
-- advance.
WITH payment AS MATERIALIZED (
  SELECT json_object('value', printf('%d.%02d', :amount / 100, :amount % 100), 'currency', p.currency) AS amount,
         iif(p.language = 'ru', 'Пополнение лицевого счёта № ', 'Top-up of account ') || a.account_id AS description,
         a.admin_email, secret('receipt') AS receipt
  FROM account AS a, (SELECT currency, language FROM policy WHERE valid_from <= :today
                      ORDER BY valid_from DESC LIMIT 1) AS p
  WHERE a.account_id = :account_id)
SELECT coalesce(secret('api'), 'https://api.yookassa.ru') || '/v3/payments' AS url,
       'POST' AS method,
       json_object('Authorization', 'Basic ' || base64(secret('shop_id') || ':' || secret('secret_key')),
                   'Content-Type', 'application/json',
                   'Idempotence-Key', sha256(iif(header('Idempotency-Key') IS NULL, :random,
                                          json_array(header('Idempotency-Key'), :who, :channel, :account_id, :amount,
                                                     :return_url)))) AS headers,
       json_patch(json_object('amount', json(amount),
                              'capture', json('true'),
                              'confirmation', json_object('type', 'redirect', 'return_url', :return_url),
                              'description', description,
                              'metadata', json_object('account', CAST(:account_id AS TEXT), 'channel', :channel)),
                  iif(receipt IS NULL, '{}',
                      json_object('receipt',
                                  json_object('customer', json_object('email', admin_email),
                                              'tax_system_code', receipt ->> '$.tax_system_code',
                                              'items', json_array(json_object('description', description,
                                                                              'quantity', 1,
                                                                              'amount', json(amount),
                                                                              'vat_code', receipt ->> '$.vat_code',
                                                                              'payment_mode', 'advance',
                                                                              'payment_subject', 'payment'))))))
         AS body
FROM payment;

-- ask

WITH told AS MATERIALIZED (
  SELECT iif(:asked_status = 200 AND json_valid(:asked), :asked, '{}') AS asked)
SELECT iif(minor_units(asked ->> '$.amount.value') = :amount
           AND asked ->> '$.confirmation.confirmation_url' GLOB 'https://?*',
           asked ->> '$.confirmation.confirmation_url',
           saldo_refuse('overloaded', 'YooKassa did not start the payment (HTTP ' || :asked_status || '); try again'))
         AS url
FROM told;

-- write

SELECT :url AS url;
