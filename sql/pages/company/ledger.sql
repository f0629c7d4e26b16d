-- GET /companies/{account_id}/ledger
-- The movements of a company's money.
-- role: operator
-- answer: many
-- gives: html
-- account_id: integer!
-- from: text The first day
-- to: text The last day
-- kind: text charge, payment or a kind of adjustments

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'tabs' AS component, say('Разделы компании', 'Parts of the company') AS title;
SELECT say('Обзор', 'Overview') AS title, '/companies/' || :account_id AS link, 0 AS active
UNION ALL SELECT say('Движения', 'Ledger'), '/companies/' || :account_id || '/ledger', 1
UNION ALL SELECT say('Действия', 'Actions'), '/companies/' || :account_id || '/actions', 0
UNION ALL SELECT say('Документы', 'Documents'), '/companies/' || :account_id || '/documents', 0;

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
SELECT effective_at, kind, service_id,
       say((SELECT name FROM payment_method AS m WHERE m.method = found.method), method) AS method, amount, running,
       reference
FROM (
  SELECT l.effective_at, l.kind, l.service_id, l.method, l.amount, l.reference, l.day,
         sum(l.amount) OVER (ORDER BY l.effective_at, l.amount, l.reference, l.service_id
                             ROWS UNBOUNDED PRECEDING) AS running
  FROM ledger AS l WHERE l.account_id = :account_id) AS found
WHERE day BETWEEN coalesce(nullif(:from, ''), date(:today, '-30 days')) AND coalesce(nullif(:to, ''), :today)
  AND (nullif(:kind, '') IS NULL OR kind = :kind)
ORDER BY effective_at DESC, amount DESC, reference DESC, service_id DESC LIMIT 2000;
