-- GET /receipts/{receipt_id}/standing
-- A receipt and what it became; shown before and after.
-- role: cashier
-- answer: many
-- gives: html
-- facts: books
-- receipt_id: integer!

SELECT 'shell' AS component, say('Поступление № ', 'Receipt No. ') || :receipt_id AS title, '/receipts' AS place;
SELECT 'facts' AS component;
SELECT say('Поступление', 'Receipt') AS label, money(amount) || coalesce(' · ' || payer, '') AS value
FROM receipt WHERE receipt_id = :receipt_id
UNION ALL
SELECT say('Что с ним', 'What of it'),
       CASE status WHEN 'pending' THEN say('ждёт', 'pending') WHEN 'matched' THEN say('разнесено', 'matched')
                   ELSE say('не наше', 'ignored') || coalesce(': ' || reason, '') END
FROM receipt WHERE receipt_id = :receipt_id
UNION ALL
SELECT a.name || ' (' || a.account_id || ')', money(p.amount) || say('; баланс ', '; balance ') || money(s.balance)
FROM receipt_payment AS m JOIN payment AS p ON p.payment_id = m.payment_id
JOIN account AS a ON a.account_id = p.account_id
CROSS JOIN access_state AS s ON s.account_id = a.account_id AND s.at = :now
WHERE m.receipt_id = :receipt_id;
