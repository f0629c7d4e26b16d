-- GET /receipts
-- What came in and waits for its account.
-- role: cashier
-- answer: many
-- gives: html
-- status: text pending (those), matched or ignored
-- after: integer Go on behind this receipt

SELECT 'shell' AS component, say('Поступления', 'Receipts') AS title, '/receipts' AS place;

SELECT 'tabs' AS component, say('Какие поступления', 'Which receipts') AS title;
SELECT say('Ждут', 'Pending') AS title, '/receipts' AS link, coalesce(nullif(:status, ''),
       'pending') = 'pending' AS active
UNION ALL SELECT say('Разнесены', 'Matched'), '/receipts?status=matched', :status = 'matched'
UNION ALL SELECT say('Не наши', 'Ignored'), '/receipts?status=ignored', :status = 'ignored';

SELECT 'table' AS component, say('Поступления', 'Receipts') AS about,
       say('Все поступления разнесены.', 'All receipts are matched.') AS empty;
SELECT say('№ ', 'No. ') || receipt_id AS "page_receipt", received_at, amount, payer, payer_tax_id, purpose, reason,
       '/receipts/' || receipt_id AS link, receipt_id AS after
FROM receipt
WHERE status = coalesce(nullif(:status, ''), 'pending') AND receipt_id > coalesce(:after, 0)
ORDER BY receipt_id LIMIT :limit;

SELECT 'form' AS component, say('Выписка банка', 'A statement of the bank') AS title,
       'POST /v1/bank-statements' AS writes, '/receipts/standing' AS shows, '/receipts' AS back,
       say('1CClientBankExchange или camt.053. Сначала покажем, что будет; каждый документ считается один раз.',
           '1CClientBankExchange or camt.053. What would be done is shown first; each document counts once.') AS text;
SELECT 'file' AS name, 'file' AS type, say('Файл', 'File') AS label, 1 AS required;
