-- GET /companies/{account_id}/ledger.csv
-- The movements of a company's money, for a spreadsheet.
-- role: cashier
-- answer: many
-- gives: csv
-- auth: session
-- account_id: integer!
-- from: text The first day
-- to: text The last day
-- kind: text charge, payment or a kind of adjustments

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

-- Sums in units, and the time of the books' zone, as people read them. No sum is below zero: text that begins with a
-- minus would be guarded, as a spreadsheet may take it for a formula.
SELECT day_text(day) AS day, time_text(effective_at) AS effective_at,
       CASE kind WHEN 'charge' THEN say('Начисление', 'Charge') WHEN 'payment' THEN say('Платёж', 'Payment')
                 ELSE say((SELECT k.name FROM adjustment_kind AS k WHERE k.kind = found.kind), kind) END AS kind,
       (SELECT v.name FROM service AS v WHERE v.service_id = found.service_id) AS service,
       say((SELECT m.name FROM payment_method AS m WHERE m.method = found.method), method) AS method,
       iif(amount > 0, in_units(amount, p.currency, p.language), NULL) AS credit,
       iif(amount < 0, in_units(-amount, p.currency, p.language), NULL) AS debit,
       iif(running >= 0, in_units(running, p.currency, p.language), NULL) AS balance,
       iif(running < 0, in_units(-running, p.currency, p.language), NULL) AS debt, reference
FROM (
  SELECT l.*, sum(l.amount) OVER (ORDER BY l.effective_at, l.amount, l.reference, l.service_id
                                  ROWS UNBOUNDED PRECEDING) AS running
  FROM ledger AS l WHERE l.account_id = :account_id) AS found
CROSS JOIN (SELECT currency, language FROM policy WHERE valid_from <= (SELECT open_day FROM books)
            ORDER BY valid_from DESC LIMIT 1) AS p
WHERE found.day >= coalesce(nullif(:from, ''), '') AND found.day <= coalesce(nullif(:to, ''), '9999-12-31')
  AND (nullif(:kind, '') IS NULL OR found.kind = :kind)
ORDER BY found.effective_at, found.amount, found.reference, found.service_id;
