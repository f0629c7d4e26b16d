-- GET /companies/{account_id}/requisites
-- Change the requisites of a company.
-- role: operator
-- answer: many
-- gives: html
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'form' AS component, say('Изменить реквизиты', 'Change the requisites') AS title,
       'PATCH /v1/accounts/' || :account_id AS writes, '/companies/' || :account_id || '/standing' AS shows,
       '/companies/' || :account_id AS back,
       1 AS clears;

SELECT 'name' AS name, 'text' AS type, say('Название', 'Name') AS label, a.name AS value
FROM account AS a WHERE account_id = :account_id
UNION ALL SELECT 'legal_name', 'text', say('Юридическое лицо', 'Legal name'), legal_name
FROM account WHERE account_id = :account_id
UNION ALL SELECT 'tax_id', 'text', say('ИНН', 'Tax id'), tax_id FROM account WHERE account_id = :account_id
UNION ALL SELECT 'postal_address', 'text', say('Почтовый адрес', 'Postal address'), postal_address
FROM account WHERE account_id = :account_id
UNION ALL SELECT 'contract', 'text', say('Договор', 'Contract'), contract FROM account WHERE account_id = :account_id
UNION ALL SELECT 'external_id', 'text', say('Внешний номер', 'External id'), external_id
FROM account WHERE account_id = :account_id
UNION ALL SELECT 'admin_email', 'text', say('Почта администратора', 'Administrator''s e-mail'), admin_email
FROM account WHERE account_id = :account_id
UNION ALL SELECT 'trial_ends_on', 'day', say('Пробный период по', 'Trial up to'), trial_ends_on
FROM account WHERE account_id = :account_id;
