-- GET /receipts/{receipt_id}
-- A receipt, and the accounts that it might be for.
-- role: cashier
-- answer: many
-- gives: html
-- receipt_id: integer!
-- account_id: integer The account that was chosen

SELECT saldo_refuse('not_found', 'there is no receipt ' || :receipt_id)
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE receipt_id = :receipt_id);

SELECT 'shell' AS component, say('Поступление № ', 'Receipt No. ') || receipt_id || ' · ' || money(amount) AS title,
       '/receipts' AS place
FROM receipt WHERE receipt_id = :receipt_id;

SELECT 'facts' AS component;
SELECT status, amount, received_at, source, payer, payer_tax_id, purpose, account_text AS "page_account_text", reason,
       external_id
FROM receipt WHERE receipt_id = :receipt_id;

SELECT 'table' AS component, say('Куда зачислено', 'Credited to') AS title
WHERE EXISTS (SELECT 1 FROM receipt_payment WHERE receipt_id = :receipt_id);
SELECT a.name, p.account_id, p.amount, p.credited_at, p.recorded_by, '/companies/' || p.account_id AS link
FROM receipt_payment AS m JOIN payment AS p ON p.payment_id = m.payment_id
JOIN account AS a ON a.account_id = p.account_id
WHERE m.receipt_id = :receipt_id;

-- By the payer's tax id, by what came from the same account before, and by what was typed.
SELECT 'table' AS component, say('Кому это может быть', 'Whose it may be') AS title,
       say('Похожих компаний не нашлось.', 'No company is like it.') AS empty
FROM receipt WHERE receipt_id = :receipt_id AND status = 'pending';
SELECT a.name, a.account_id, why AS "page_why", s.state, s.balance, '/companies/' || a.account_id AS link,
       say('Выбрать', 'Choose') AS action,
       '/receipts/' || :receipt_id || '?account_id=' || a.account_id || '#match' AS action_link
FROM (
  SELECT account_id, min(why) AS why FROM (
    SELECT a.account_id, say('ИНН плательщика', 'payer''s tax id') AS why
    FROM receipt AS r JOIN account AS a ON a.tax_id = r.payer_tax_id WHERE r.receipt_id = :receipt_id
    UNION ALL
    SELECT p.account_id, say('платил с этого счёта', 'paid from this bank account before')
    FROM receipt AS r JOIN receipt AS o ON o.payer_account = r.payer_account AND o.status = 'matched'
    JOIN receipt_payment AS m ON m.receipt_id = o.receipt_id JOIN payment AS p ON p.payment_id = m.payment_id
    WHERE r.receipt_id = :receipt_id
    UNION ALL
    SELECT a.account_id, say('номер в платеже', 'the number in the payment')
    FROM receipt AS r JOIN account AS a ON a.account_id = account_number(r.account_text)
    WHERE r.receipt_id = :receipt_id)
  GROUP BY account_id LIMIT 20) AS found
CROSS JOIN account AS a ON a.account_id = found.account_id
CROSS JOIN access_state AS s ON s.account_id = a.account_id AND s.at = :now
WHERE (SELECT status FROM receipt WHERE receipt_id = :receipt_id) = 'pending';

SELECT 'form' AS component, 'match' AS id, say('Зачислить', 'Credit it') AS title,
       'POST /v1/receipts/' || :receipt_id || '/match' AS writes, '/receipts/' || :receipt_id || '/standing' AS shows,
       '/receipts' AS back
FROM receipt WHERE receipt_id = :receipt_id AND status = 'pending';
SELECT 'account_id' AS name, 'integer' AS type, say('Лицевой счёт', 'Account') AS label, 1 AS required,
       :account_id AS value
FROM receipt WHERE receipt_id = :receipt_id AND status = 'pending';

SELECT 'form' AS component, say('Разделить', 'Split it') AS title,
       'POST /v1/receipts/' || :receipt_id || '/match' AS writes, '/receipts/' || :receipt_id || '/standing' AS shows,
       '/receipts' AS back, 2 AS columns,
       say('Части вместе равны сумме поступления.', 'The parts sum to the receipt.') AS text
FROM receipt WHERE receipt_id = :receipt_id AND status = 'pending';
SELECT 'parts.' || n || iif(is_sum, '.amount', '.account_id') AS name, iif(is_sum, 'money', 'integer') AS type,
       (n + 1) || iif(is_sum, say('. Сумма', '. Amount'), say('. Лицевой счёт', '. Account')) AS label,
         n < 2 AS required
FROM (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) CROSS JOIN (SELECT 0 AS is_sum UNION ALL SELECT 1)
WHERE (SELECT status FROM receipt WHERE receipt_id = :receipt_id) = 'pending'
ORDER BY n, is_sum;

SELECT 'form' AS component, say('Не наше', 'Ignore it') AS title,
       'POST /v1/receipts/' || :receipt_id || '/ignore' AS writes,
       '/receipts/' || :receipt_id || '/standing' AS shows, '/receipts' AS back
FROM receipt WHERE receipt_id = :receipt_id AND status = 'pending';
SELECT 'reason' AS name, 'text' AS type, say('Почему', 'Why') AS label, 1 AS required
FROM receipt WHERE receipt_id = :receipt_id AND status = 'pending';
