-- POST /v1/bank-statements
-- Take in what a bank's statement shows as received, each document once, and match it with accounts.
-- role: cashier
-- answer: one
-- takes: statement
-- account: text Only what came to this account of ours
-- show: integer How many of the new receipts the answer shows (100)

-- In the order of the file. All are matched before the first of them is written: what this statement brings says
-- nothing of who pays from where. What we pay ourselves is nobody's payment.
WITH shown AS MATERIALIZED (
  SELECT row_number() OVER () AS position, s.*, s.doubt FROM bank_statement(:body) AS s),
document AS MATERIALIZED (
  SELECT s.*, CASE
           WHEN doubt IS NOT NULL THEN json_object('reason', doubt)
           WHEN payer_account IN (SELECT own_account FROM shown WHERE own_account IS NOT NULL)
           THEN json_object('reason', 'payer_account ' || payer_account || ' is one of ours')
           WHEN payer_tax_id IN (SELECT payee_tax_id FROM shown
                                 WHERE direction = 'in' AND doubt IS NULL AND payee_tax_id IS NOT NULL)
           THEN json_object('reason', 'payer_tax_id ' || payer_tax_id || ' is ours')
           ELSE bank_match(purpose, payer_tax_id, payer_account, :today) END AS found
  FROM shown AS s
  WHERE direction = 'in' AND booked_on IS NOT NULL AND amount > 0
    AND currency = (SELECT currency FROM policy LIMIT 1)
    AND (:account IS NULL OR own_account = replace(replace(:account, '.', ''), ' ', ''))
    AND NOT EXISTS (SELECT 1 FROM receipt WHERE source = 'bank' AND external_id = s.reference))
INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, payer_tax_id, payer_account, purpose,
                    raw, reason, recorded_at, recorded_by)
SELECT 'bank', reference, amount, booked_on, found ->> 'account_id', payer, payer_tax_id, payer_account, purpose,
       json_object('number', number, 'date', date, 'booked_on', booked_on, 'currency', currency,
                   'own_account', own_account, 'payee', payee, 'payee_tax_id', payee_tax_id,
                   'payee_account', payee_account, 'warning', warning),
       found ->> 'reason', :now, :who
FROM document ORDER BY position;

WITH document AS MATERIALIZED (
  SELECT row_number() OVER () AS position, s.direction, s.booked_on, s.amount,
         iif(s.direction IS NULL OR s.doubt IS NOT NULL,
             'document ' || coalesce(s.number, 'without a number') || ', amount ' || s.amount || ': ', '') || s.warning
         AS warning,
         s.direction = 'in' AND s.booked_on IS NOT NULL AS is_incoming,
         s.currency = (SELECT currency FROM policy LIMIT 1) AS is_ours
  FROM bank_statement(:body) AS s
  WHERE :account IS NULL OR s.own_account = replace(replace(:account, '.', ''), ' ', '')),
recorded AS MATERIALIZED (
  SELECT receipt_id, external_id, amount, received_at, payer, payer_tax_id, payer_account, purpose, status, reason,
         account_number(account_text) AS account_id
  FROM receipt WHERE changes() > 0 AND receipt_id > last_insert_rowid() - changes())
SELECT CASE WHEN :account IS NOT NULL AND NOT EXISTS (SELECT 1 FROM document)
            THEN saldo_refuse('not_found', 'the statement has no account ' || :account)
            ELSE (SELECT count(*) FROM document) END AS documents,
       (SELECT count(*) FROM document WHERE is_incoming AND is_ours AND amount > 0) AS incoming,
       (SELECT coalesce(sum(amount), 0) FROM document WHERE is_incoming AND is_ours) AS amount,
       (SELECT count(*) FROM recorded) AS recorded,
       (SELECT count(*) FROM document WHERE is_incoming AND is_ours AND amount > 0)
       - (SELECT count(*) FROM recorded) AS repeated,
       (SELECT count(*) FROM recorded WHERE status = 'matched') AS matched,
       (SELECT count(*) FROM recorded WHERE status = 'pending') AS pending,
       (SELECT count(*) FROM document WHERE booked_on IS NULL) AS orders,
       (SELECT count(*) FROM document WHERE is_incoming AND NOT is_ours) AS other_currency,
       (SELECT count(*) FROM document WHERE direction IS NULL) AS unclear,
       (SELECT json_group_array(warning)
        FROM (SELECT warning FROM document WHERE warning IS NOT NULL GROUP BY warning ORDER BY min(position) LIMIT 100))
       AS "warnings:json",
       (SELECT json_group_array(json_object(
                 'receipt_id', receipt_id, 'external_id', external_id, 'amount', amount, 'received_at', received_at,
                 'payer', payer, 'payer_tax_id', payer_tax_id, 'payer_account', payer_account, 'purpose', purpose,
                 'status', status, 'account_id', iif(status = 'matched', account_id, NULL), 'reason', reason))
        FROM (SELECT * FROM recorded ORDER BY receipt_id LIMIT max(coalesce(:show, 100), 0))) AS "receipts:json";
