-- GET /companies/new
-- Register a company.
-- role: operator
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Новая компания', 'A new company') AS title, '/companies' AS place;

SELECT 'form' AS component, say('Зарегистрировать компанию', 'Register a company') AS title,
       'POST /v1/accounts' AS writes, '/companies' AS back;

SELECT 'name' AS name, 'text' AS type, say('Название', 'Name') AS label, 1 AS required, NULL AS hint
UNION ALL SELECT 'external_id', 'text', say('Внешний номер', 'External id'), 0, say('в CRM', 'in the CRM')
UNION ALL SELECT 'admin_email', 'text', say('Почта администратора', 'Administrator''s e-mail'), 0, NULL
UNION ALL SELECT 'trial_ends_on', 'day', say('Пробный период по', 'Trial up to'), 0,
                 say('пусто — без срока', 'empty: without an end')
UNION ALL SELECT 'legal_name', 'text', say('Юридическое лицо', 'Legal name'), 0, NULL
UNION ALL SELECT 'tax_id', 'text', say('ИНН', 'Tax id'), 0, NULL
UNION ALL SELECT 'postal_address', 'text', say('Почтовый адрес', 'Postal address'), 0, NULL
UNION ALL SELECT 'contract', 'text', say('Договор', 'Contract'), 0, say('как в № 15 от 01.02.2026', 'as in No. 15');
