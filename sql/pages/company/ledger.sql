-- GET /companies/{account_id}/ledger
-- The movements of a company's money.
-- role: cashier
-- answer: many
-- gives: html
-- account_id: integer!
-- from: text The first day
-- to: text The last day
-- kind: text charge, payment or a kind of adjustments
-- after: integer Go on with what was before this movement

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'tabs' AS component, say('Разделы компании', 'Parts of the company') AS title;
SELECT say('Обзор', 'Overview') AS title, '/companies/' || :account_id AS link, 0 AS active
UNION ALL SELECT say('Движения', 'Ledger'), '/companies/' || :account_id || '/ledger', 1
UNION ALL SELECT say('Действия', 'Actions'), '/companies/' || :account_id || '/actions', 0
UNION ALL SELECT say('Документы', 'Documents'), '/companies/' || :account_id || '/documents', 0
UNION ALL SELECT say('Уведомления', 'Notices'), '/companies/' || :account_id || '/notices', 0;

SELECT 'form' AS component, '/companies/' || :account_id || '/ledger' AS link, say('Показать', 'Show') AS submit;
SELECT 'from' AS name, 'day' AS type, say('С', 'From') AS label,
       coalesce(nullif(:from, ''), date(:today, '-30 days')) AS value, NULL AS options
UNION ALL SELECT 'to', 'day', say('По', 'To'), coalesce(nullif(:to, ''), :today), NULL
UNION ALL SELECT 'kind', 'select', say('Вид', 'Kind'), :kind,
                 (SELECT json_group_array(json_array(kind, name))
                  FROM (SELECT '' AS kind, say('любой', 'any') AS name
                        UNION ALL SELECT 'charge', say('Начисление', 'Charge')
                        UNION ALL SELECT 'payment', say('Платёж', 'Payment')
                        UNION ALL SELECT kind, name FROM adjustment_kind));

SELECT 'table' AS component, say('Движения денег', 'Movements of money') AS about,
       '/companies/' || :account_id || '/ledger.csv?from=' || coalesce(nullif(:from, ''), date(:today, '-30 days'))
       || '&to=' || coalesce(nullif(:to, ''), :today) || '&kind=' || percent_encode(coalesce(:kind, '')) AS csv,
       say('За эти дни ничего не было.', 'There was nothing on these days.') AS empty;

-- The balance runs over all that came before, whatever kinds are shown.
SELECT effective_at,
       CASE kind WHEN 'charge' THEN say('Начисление', 'Charge') WHEN 'payment' THEN say('Платёж', 'Payment')
                 ELSE say((SELECT k.name FROM adjustment_kind AS k WHERE k.kind = found.kind), kind) END AS kind,
       (SELECT v.name FROM service AS v WHERE v.service_id = found.service_id) AS service,
       say((SELECT m.name FROM payment_method AS m WHERE m.method = found.method), method) AS method, amount,
       running, reference, found.after
FROM (
  SELECT l.effective_at, l.kind, l.service_id, l.method, l.amount, l.reference, l.day,
         sum(l.amount) OVER in_order AS running, row_number() OVER in_order AS after
  FROM ledger AS l WHERE l.account_id = :account_id
  WINDOW in_order AS (ORDER BY l.effective_at, l.amount, l.reference, l.service_id ROWS UNBOUNDED PRECEDING)) AS found
WHERE day BETWEEN coalesce(nullif(:from, ''), date(:today, '-30 days')) AND coalesce(nullif(:to, ''), :today)
  AND (nullif(:kind, '') IS NULL OR kind = :kind)
  AND (:after IS NULL OR found.after < :after)
ORDER BY found.after DESC LIMIT :limit;
