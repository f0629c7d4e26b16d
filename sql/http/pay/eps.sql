-- GET, POST /pay/eps/{channel}
-- Sberbank's terminals and online bank by EPS, dialect 1: check and payment.
-- role: none
-- answer: one
-- gives: xml
-- auth: basic
-- protocol: eps
-- channel: text! The channel, whose user and password these are

-- `code` is the protocol's: 0 done; 2 the action, 3 no account, or a closed one, 4 the account is not digits, 6 the
-- PAY_ID, 9 the amount, 10 and 11 the channel's limits, 300 all else. A payment that is recorded is judged by nothing
-- but its record. A date that cannot be read is no reason to refuse money.
WITH field AS MATERIALIZED (
  SELECT name, value FROM form_field(:query) UNION ALL SELECT name, value FROM form_field(:body)),
sent AS MATERIALIZED (
  SELECT (SELECT value FROM field WHERE name = 'ACTION') AS action,
         (SELECT value FROM field WHERE name = 'ACCOUNT') AS account,
         (SELECT value FROM field WHERE name = 'AMOUNT') AS sum,
         EXISTS (SELECT 1 FROM field WHERE name = 'AMOUNT') AS has_sum,
         (SELECT value FROM field WHERE name = 'PAY_ID') AS pay_id,
         (SELECT value FROM field WHERE name = 'PAY_DATE') AS pay_date),
judged AS MATERIALIZED (
  SELECT s.*, minor_units(s.sum) AS amount,
         CASE
           WHEN s.action IS NULL OR s.action NOT IN ('check', 'payment') THEN 2
           WHEN s.action = 'payment' AND (s.pay_id IS NULL OR s.pay_id GLOB '*[^0-9A-Za-z._-]*'
                                          OR length(s.pay_id) NOT BETWEEN 1 AND 64) THEN 6
           WHEN minor_units(s.sum) IS NULL AND (s.action = 'payment' OR s.has_sum) THEN 9
           WHEN s.action = 'payment'
                AND EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = s.pay_id) THEN 0
           WHEN c.disabled THEN 300
           WHEN s.account IS NULL OR s.account = '' OR s.account GLOB '*[^0-9]*' THEN 4
           WHEN coalesce(account_status(account_number(s.account), :today), 'closed') = 'closed' THEN 3
           WHEN minor_units(s.sum) < max(coalesce(c.min_amount, 1), 1) THEN 10
           WHEN minor_units(s.sum) > c.max_amount THEN 11
           ELSE 0
         END AS code
  FROM sent AS s, channel AS c
  WHERE c.channel_id = :channel)
SELECT pay_id, account, amount,
       -- DD.MM.YYYY_HH24:MI:SS
       substr(pay_date, 7, 4) || '-' || substr(pay_date, 4, 2) || '-' || substr(pay_date, 1, 2) || ' '
       || substr(pay_date, 12) AS received_at,
       iif(code = 0 AND action = 'payment', NULL,
           '<?xml version="1.0" encoding="UTF-8"?>' || char(10) || '<response><CODE>' || code || '</CODE><MESSAGE>'
           || CASE code
                WHEN 0 THEN 'Приём платежа возможен'
                WHEN 2 THEN 'Неизвестное действие'
                WHEN 3 THEN 'Лицевой счёт не найден'
                WHEN 4 THEN 'Номер лицевого счёта состоит из цифр'
                WHEN 6 THEN 'Неверный идентификатор платежа'
                WHEN 9 THEN 'Неверная сумма'
                WHEN 10 THEN 'Сумма меньше допустимой'
                WHEN 11 THEN 'Сумма больше допустимой'
                ELSE 'Приём платежей отключён'
              END
           || '</MESSAGE>'
           || iif(code = 0,
                  '<FIO>' || (SELECT xml(name) FROM account WHERE account_id = account_number(account)) || '</FIO>', '')
           || '</response>') AS document
FROM judged;

-- write

-- How many this adds says whether the payment is the first of its PAY_ID.
INSERT INTO receipt(source, external_id, amount, received_at, account_text, recorded_at, recorded_by)
SELECT :channel, :pay_id, :amount, :received_at, :account, :now, :who
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :pay_id);

SELECT '<?xml version="1.0" encoding="UTF-8"?>' || char(10) || '<response>'
       || iif(agrees,
              iif(changes() > 0, '<CODE>0</CODE><MESSAGE>Платёж принят</MESSAGE>',
                  '<CODE>8</CODE><MESSAGE>Платёж принят ранее</MESSAGE>')
              || '<EXT_ID>' || receipt_id || '</EXT_ID><REG_DATE>' || strftime('%d.%m.%Y', day) || '_'
              || time(unixepoch(recorded_at) - unixepoch(day_start(day)), 'unixepoch') || '</REG_DATE><AMOUNT>'
              || printf('%d.%02d', amount / 100, amount % 100) || '</AMOUNT>',
              '<CODE>300</CODE><MESSAGE>По этому идентификатору принят другой платёж</MESSAGE>')
       || '</response>' AS document,
       NOT agrees AS "conflict",
       iif(agrees, NULL, 'PAY_ID ' || external_id || ' came again with another account or sum') AS warning
FROM (SELECT *, billing_day(recorded_at) AS day,
             account_number(account_text) IS account_number(:account) AND amount = :amount AS agrees
      FROM receipt
      WHERE source = :channel AND external_id = :pay_id);

-- failure

SELECT '<?xml version="1.0" encoding="UTF-8"?>' || char(10) || '<response><CODE>1</CODE><MESSAGE>'
       || CASE :failure
            WHEN 'unauthorized' THEN 'Неверное имя или пароль'
            WHEN 'forbidden' THEN 'Адрес не разрешён'
            WHEN 'not_found' THEN 'Нет такого канала'
            ELSE 'Временно недоступно, повторите позже'
          END
       || '</MESSAGE></response>' AS document;
