-- GET /receipts/standing
-- How many receipts wait; shown before and after.
-- role: cashier
-- answer: many
-- gives: html
-- facts: books

SELECT 'shell' AS component, say('Поступления', 'Receipts') AS title, '/receipts' AS place;
SELECT 'facts' AS component;
SELECT say('Ждут разноски', 'Pending') AS label, count(*) || ' · ' || money(coalesce(sum(amount), 0)) AS value
FROM receipt WHERE status = 'pending'
UNION ALL SELECT say('Разнесено', 'Matched'), count(*) FROM receipt WHERE status = 'matched'
UNION ALL SELECT say('Не наши', 'Ignored'), count(*) FROM receipt WHERE status = 'ignored';
