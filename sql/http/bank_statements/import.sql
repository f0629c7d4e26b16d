-- POST /v1/bank-statements
-- Take in what a bank's statement shows as received, each document once, and match it with accounts.
-- role: cashier
-- answer: one
-- takes: statement
-- account: text Only what came to this account of ours
-- show: integer How many of the new receipts the answer shows (100)

-- The file is read, and its documents are matched, while others write. In the order of the file. All are matched before
-- the first of them is written: what this statement brings says nothing of who pays from where. What we pay ourselves
-- is nobody's payment. Each row is a thousand of the receipts to come, which are written in a commit of their own.
WITH shown AS MATERIALIZED (
  SELECT row_number() OVER () AS position, s.*, s.doubt,
         s.direction = 'in' AND s.booked_on IS NOT NULL AS is_incoming,
         s.currency = (SELECT currency FROM policy LIMIT 1) AS is_ours,
         :account IS NULL OR s.own_account = replace(replace(:account, '.', ''), ' ', '') AS is_asked
  FROM bank_statement(:body) AS s),
document AS (SELECT * FROM shown WHERE is_asked),
found AS (
  SELECT s.*, (row_number() OVER (ORDER BY position) - 1) / 1000 AS piece,
         CASE
           WHEN doubt IS NOT NULL THEN json_object('reason', doubt)
           WHEN payer_account IN (SELECT own_account FROM shown WHERE own_account IS NOT NULL)
           THEN json_object('reason', 'payer_account ' || payer_account || ' is one of ours')
           WHEN payer_tax_id IN (SELECT payee_tax_id FROM shown
                                 WHERE direction = 'in' AND doubt IS NULL AND payee_tax_id IS NOT NULL)
           THEN json_object('reason', 'payer_tax_id ' || payer_tax_id || ' is ours')
           ELSE bank_match(purpose, payer_tax_id, payer_account, :today) END AS match
  FROM document AS s
  WHERE is_incoming AND is_ours AND amount > 0
    AND NOT EXISTS (SELECT 1 FROM receipt WHERE source = 'bank' AND external_id = s.reference)),
piece AS (
  SELECT piece, json_group_array(json_array(
           position, reference, amount, booked_on, match ->> 'account_id', payer, payer_tax_id, payer_account, purpose,
           json_object('number', number, 'date', date, 'booked_on', booked_on, 'currency', currency,
                       'own_account', own_account, 'payee', payee, 'payee_tax_id', payee_tax_id,
                       'payee_account', payee_account, 'warning', warning),
           match ->> 'reason')) AS receipts
  FROM found GROUP BY piece),
whole AS MATERIALIZED (
  SELECT count(*) AS documents,
         CASE WHEN :account IS NOT NULL AND count(*) = 0
              THEN saldo_refuse('not_found', 'the statement has no account ' || :account) END AS refusal,
         count(*) FILTER (WHERE is_incoming AND is_ours AND amount > 0) AS incoming,
         coalesce(sum(amount) FILTER (WHERE is_incoming AND is_ours), 0) AS amount,
         count(*) FILTER (WHERE booked_on IS NULL) AS orders,
         count(*) FILTER (WHERE is_incoming AND NOT is_ours) AS other_currency,
         count(*) FILTER (WHERE direction IS NULL) AS unclear,
         (SELECT json_group_array(text)
          FROM (SELECT iif(direction IS NULL OR doubt IS NOT NULL,
                           'document ' || coalesce(number, 'without a number') || ', amount ' || amount || ': ', '')
                       || warning AS text
                FROM document WHERE warning IS NOT NULL GROUP BY text ORDER BY min(position) LIMIT 100)) AS warnings
  FROM document)
SELECT p.receipts AS new_receipts, w.*
FROM whole AS w LEFT JOIN piece AS p
ORDER BY p.piece;

-- write

INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, payer_tax_id, payer_account, purpose,
                    raw, reason, recorded_at, recorded_by)
SELECT 'bank', value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
       value ->> 9, value ->> 10, :now, :who
FROM json_each(:new_receipts)
-- Another statement may have come in meanwhile.
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE source = 'bank' AND external_id = value ->> 1)
ORDER BY value ->> 0;

WITH recorded AS MATERIALIZED (
  SELECT receipt_id, external_id, amount, received_at, payer, payer_tax_id, payer_account, purpose, status, reason,
         account_number(account_text) AS account_id
  FROM receipt WHERE changes() > 0 AND receipt_id > last_insert_rowid() - changes()),
done AS MATERIALIZED (
  SELECT coalesce(:so_far ->> 'recorded', 0) + count(*) AS recorded,
         coalesce(:so_far ->> 'matched', 0) + count(*) FILTER (WHERE status = 'matched') AS matched,
         (SELECT json_group_array(json(receipt))
          FROM (SELECT value AS receipt FROM json_each(:so_far, '$.receipts')
                UNION ALL
                SELECT json_object(
                         'receipt_id', receipt_id, 'external_id', external_id, 'amount', amount, 'received_at',
                         received_at, 'payer', payer, 'payer_tax_id', payer_tax_id, 'payer_account', payer_account,
                         'purpose', purpose, 'status', status, 'account_id', iif(status = 'matched', account_id, NULL),
                         'reason', reason)
                FROM (SELECT * FROM recorded ORDER BY receipt_id)
                LIMIT max(coalesce(:show, 100), 0))) AS receipts
  FROM recorded)
SELECT :documents AS documents, :incoming AS incoming, :amount AS amount, recorded, :incoming - recorded AS repeated,
       matched, recorded - matched AS pending, :orders AS orders, :other_currency AS other_currency,
       :unclear AS unclear, :warnings AS "warnings:json", receipts AS "receipts:json",
       json_object('recorded', recorded, 'matched', matched, 'receipts', json(receipts)) AS so_far
FROM done;
