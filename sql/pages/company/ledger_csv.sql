-- GET /companies/{account_id}/ledger.csv
-- The movements of a company's money, for a spreadsheet.
-- role: operator
-- answer: many
-- gives: csv
-- auth: session
-- account_id: integer!
-- from: text The first day
-- to: text The last day
-- kind: text charge, payment or a kind of adjustments

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT day, effective_at, kind, service_id, method, amount, running AS balance, reference
FROM (
  SELECT l.*, sum(l.amount) OVER (ORDER BY l.effective_at, l.amount, l.reference, l.service_id
                                  ROWS UNBOUNDED PRECEDING) AS running
  FROM ledger AS l WHERE l.account_id = :account_id)
WHERE day >= coalesce(nullif(:from, ''), '') AND day <= coalesce(nullif(:to, ''), '9999-12-31')
  AND (nullif(:kind, '') IS NULL OR kind = :kind)
ORDER BY effective_at, amount, reference, service_id;
