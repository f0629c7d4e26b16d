-- GET /companies/{account_id}/documents
-- The documents of a company; an invoice, a reconciliation.
-- role: operator
-- answer: many
-- gives: html
-- account_id: integer!
-- after: integer Go on behind this document

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'tabs' AS component, say('Разделы компании', 'Parts of the company') AS title;
SELECT say('Обзор', 'Overview') AS title, '/companies/' || :account_id AS link, 0 AS active
UNION ALL SELECT say('Движения', 'Ledger'), '/companies/' || :account_id || '/ledger', 0
UNION ALL SELECT say('Действия', 'Actions'), '/companies/' || :account_id || '/actions', 0
UNION ALL SELECT say('Документы', 'Documents'), '/companies/' || :account_id || '/documents', 1
UNION ALL SELECT say('Уведомления', 'Notices'), '/companies/' || :account_id || '/notices', 0;

SELECT 'table' AS component, say('Документы компании', 'Documents of the company') AS about,
       say('Документов ещё нет.', 'There are no documents yet.') AS empty;
SELECT number AS "page_number", kind AS "page_document:word", issued_on AS "page_issued:day", month AS "page_month",
       total AS "page_total:money", correction_number AS "page_correction", '/documents/' || document_id AS link,
       document_id AS after
FROM document WHERE account_id = :account_id AND (:after IS NULL OR document_id < :after)
ORDER BY document_id DESC LIMIT :limit;

SELECT 'form' AS component, say('Счёт', 'An invoice') AS title,
       'POST /v1/accounts/' || :account_id || '/invoices' AS writes,
       '/companies/' || :account_id || '/documents' AS back,
       say('На сумму, или чтобы денег хватило по день.', 'Of an amount, or so that the money lasts until a day.')
         AS text;
SELECT 'amount' AS name, 'money' AS type, say('Сумма', 'Amount') AS label
UNION ALL SELECT 'until', 'day', say('или хватит по', 'or lasts until');

SELECT 'form' AS component, say('Акт сверки', 'A reconciliation') AS title,
       'POST /v1/accounts/' || :account_id || '/reconciliations' AS writes,
       '/companies/' || :account_id || '/documents' AS back;
SELECT 'from' AS name, 'day' AS type, say('С', 'From') AS label, 1 AS required,
       (SELECT max(opening_day, date(:today, 'start of month', '-3 months')) FROM books) AS value
UNION ALL SELECT 'to', 'day', say('По', 'To'), 1, (SELECT last_closed_day FROM books);
