-- GET, POST /pay/osmp/{channel}
-- Kiosks by the protocol of OSMP: check, pay, status and cancel.
-- role: none
-- answer: one
-- gives: xml
-- auth: basic
-- protocol: osmp
-- channel: text! The channel, whose user and password these are

-- `code` is the protocol's: 0 done; 1 comes again; 4 the account is not digits, 5 there is none, 79 it is closed; 7 the
-- channel is disabled; 241 and 242 the channel's limits; 300 malformed. A payment that is recorded is judged by nothing
-- but its record, whatever has become of the account and the channel since. A cancel that has overtaken its payment
-- comes again.
WITH field AS MATERIALIZED (
  SELECT name, value FROM form_field(:query) UNION ALL SELECT name, value FROM form_field(:body)),
sent AS MATERIALIZED (
  SELECT (SELECT value FROM field WHERE name = 'command') AS command,
         (SELECT value FROM field WHERE name = 'txn_id') AS txn_id,
         (SELECT value FROM field WHERE name = 'prv_txn') AS prv_txn,
         (SELECT value FROM field WHERE name = 'account') AS account,
         (SELECT value FROM field WHERE name = 'sum') AS sum,
         EXISTS (SELECT 1 FROM field WHERE name = 'sum') AS has_sum,
         (SELECT value FROM field WHERE name = 'txn_date') AS txn_date),
-- status and cancel take either identifier.
known AS MATERIALIZED (
  SELECT s.*, minor_units(s.sum) AS amount, r.receipt_id, r.external_id, r.amount AS received
  FROM sent AS s
  LEFT JOIN receipt AS r
    ON s.command <> 'check'
       AND r.receipt_id = iif(s.command = 'pay' OR s.txn_id <> '',
                              (SELECT receipt_id FROM receipt WHERE source = :channel AND external_id = s.txn_id),
                              (SELECT receipt_id FROM receipt
                               WHERE source = :channel AND receipt_id = s.prv_txn AND s.prv_txn NOT GLOB '*[^0-9]*'))),
judged AS MATERIALIZED (
  SELECT k.*,
         CASE
           WHEN k.command IS NULL OR k.command NOT IN ('check', 'pay', 'status', 'cancel') THEN 300
           WHEN k.command IN ('status', 'cancel') THEN
             CASE WHEN k.receipt_id IS NOT NULL THEN 0 WHEN k.command = 'cancel' THEN 1 ELSE 300 END
           WHEN k.txn_id IS NULL OR k.txn_id GLOB '*[^0-9]*' OR length(k.txn_id) NOT BETWEEN 1 AND 20 THEN 300
           WHEN k.amount IS NULL AND (k.command = 'pay' OR k.has_sum) THEN 300
           WHEN k.receipt_id IS NOT NULL THEN 0
           WHEN c.disabled THEN 7
           WHEN k.account IS NULL OR k.account = '' OR k.account GLOB '*[^0-9]*' THEN 4
           WHEN account_status(account_number(k.account), :today) IS NULL THEN 5
           WHEN account_status(account_number(k.account), :today) = 'closed' THEN 79
           WHEN k.amount < max(coalesce(c.min_amount, 1), 1) THEN 241
           WHEN k.amount > c.max_amount THEN 242
           ELSE 0
         END AS code
  FROM known AS k, channel AS c
  WHERE c.channel_id = :channel)
SELECT command, coalesce(external_id, txn_id) AS txn_id, account, amount,
       -- YYYYMMDDHHMMSS in Moscow, +03:00 since 2014; the hour may lack its leading zero.
       substr(txn_date, 1, 4) || '-' || substr(txn_date, 5, 2) || '-' || substr(txn_date, 7, 2) || 'T'
       || printf('%02d', substr(txn_date, 9, length(txn_date) - 12)) || ':' || substr(txn_date, -4, 2) || ':'
       || substr(txn_date, -2)
       || iif((SELECT time_zone FROM policy LIMIT 1) = 'Europe/Moscow', '', '+03:00') AS received_at,
       iif(code = 0 AND command IN ('pay', 'cancel'), NULL,
           '<?xml version="1.0" encoding="UTF-8"?>' || char(10) || '<response><osmp_txn_id>'
           || xml(coalesce(external_id, substr(txn_id, 1, 20), '')) || '</osmp_txn_id>'
           || iif(code = 0 AND command = 'status',
                  '<prv_txn>' || receipt_id || '</prv_txn><sum>' || printf('%d.%02d', received / 100, received % 100)
                  || '</sum>', '')
           || '<result>' || code || '</result><comment>'
           || CASE code
                WHEN 0 THEN 'OK'
                WHEN 1 THEN 'no such payment so far'
                WHEN 4 THEN 'account: digits are expected'
                WHEN 5 THEN 'no such account'
                WHEN 7 THEN 'the channel is disabled'
                WHEN 79 THEN 'the account is closed'
                WHEN 241 THEN 'the sum is too small'
                WHEN 242 THEN 'the sum is too large'
                ELSE iif(command = 'status', 'no such payment', 'malformed request')
              END
           || '</comment></response>') AS document
FROM judged;

-- write

INSERT INTO receipt(source, external_id, amount, received_at, account_text, recorded_at, recorded_by)
SELECT :channel, :txn_id, :amount, :received_at, :account, :now, :who
WHERE :command = 'pay' AND NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :txn_id);

INSERT INTO receipt_return(source, external_id, return_id, kind, recorded_at, recorded_by)
SELECT :channel, :txn_id, :txn_id || ':cancel', 'chargeback', :now, :who
WHERE :command = 'cancel';

-- The same as the first time; another account or sum under the identifier is refused.
SELECT '<?xml version="1.0" encoding="UTF-8"?>' || char(10) || '<response><osmp_txn_id>' || external_id
       || '</osmp_txn_id>'
       || iif(agrees,
              '<prv_txn>' || receipt_id || '</prv_txn><sum>' || printf('%d.%02d', amount / 100, amount % 100)
              || '</sum><result>0</result><comment>OK</comment>',
              '<result>300</result><comment>txn_id is that of a payment to another account or of another sum</comment>')
       || '</response>' AS document,
       NOT agrees AS "conflict",
       CASE
         WHEN NOT agrees THEN 'txn_id ' || external_id || ' came again with another account or sum'
         WHEN :command = 'cancel' AND status = 'matched' AND returned IS NOT amount
           THEN 'txn_id ' || external_id || ' is cancelled, but part of it had been given back before'
       END AS warning
FROM (SELECT r.*,
             :command = 'cancel'
             OR account_number(account_text) IS account_number(:account) AND amount = :amount AS agrees,
             (SELECT amount FROM receipt_return
              WHERE source = :channel AND external_id = :txn_id AND return_id = :txn_id || ':cancel') AS returned
      FROM receipt AS r
      WHERE r.source = :channel AND r.external_id = :txn_id);

-- failure

-- Not a fatal code, so that it comes again.
SELECT '<?xml version="1.0" encoding="UTF-8"?>' || char(10) || '<response><osmp_txn_id>'
       || xml(coalesce(substr((SELECT value
                               FROM (SELECT * FROM form_field(:query) UNION ALL SELECT * FROM form_field(:body))
                               WHERE name = 'txn_id'), 1, 20), ''))
       || '</osmp_txn_id><result>1</result><comment>'
       || CASE :failure
            WHEN 'unauthorized' THEN 'wrong user or password'
            WHEN 'forbidden' THEN 'wrong address'
            WHEN 'not_found' THEN 'no such channel'
            ELSE 'temporarily unavailable'
          END
       || '</comment></response>' AS document;
