-- GET /companies/{account_id}/actions
-- What can be done for a company; each is shown before it is recorded.
-- role: cashier
-- answer: many
-- gives: html
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'tabs' AS component, say('Разделы компании', 'Parts of the company') AS title;
SELECT say('Обзор', 'Overview') AS title, '/companies/' || :account_id AS link, 0 AS active
UNION ALL SELECT say('Движения', 'Ledger'), '/companies/' || :account_id || '/ledger', 0
UNION ALL SELECT say('Действия', 'Actions'), '/companies/' || :account_id || '/actions', 1
UNION ALL SELECT say('Документы', 'Documents'), '/companies/' || :account_id || '/documents', 0
UNION ALL SELECT say('Уведомления', 'Notices'), '/companies/' || :account_id || '/notices', 0;

SELECT 'heading' AS component, say('Деньги', 'Money') AS title;

SELECT 'form' AS component, say('Платёж', 'Payment') AS title,
       'POST /v1/accounts/' || :account_id || '/payments' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'amount' AS name, 'money' AS type, say('Сумма', 'Amount') AS label, 1 AS required, NULL AS value,
       NULL AS options, NULL AS hint
UNION ALL SELECT 'method', 'select', say('Способ', 'Method'), 1, 'bank_transfer',
                 (SELECT json_group_array(json_array(method, name)) FROM payment_method), NULL
UNION ALL SELECT 'external_id', 'text', say('Номер у платёжной системы', 'Its number at the payment system'), 0, NULL,
                 NULL, say('с ним платёж считается один раз', 'with it a payment counts once')
UNION ALL SELECT 'payer', 'text', say('Плательщик', 'Payer'), 0, NULL, NULL, NULL
UNION ALL SELECT 'purpose', 'text', say('Назначение', 'Purpose'), 0, NULL, NULL, NULL;

SELECT 'form' AS component, say('Корректировка', 'Adjustment') AS title,
       'POST /v1/accounts/' || :account_id || '/adjustments' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back,
       say('Списания пишутся с минусом.', 'What is taken away has a minus.') AS text;
SELECT 'amount' AS name, 'money' AS type, say('Сумма', 'Amount') AS label, 1 AS required, NULL AS value,
       NULL AS options
UNION ALL SELECT 'kind', 'select', say('Вид', 'Kind'), 1, 'correction',
                 (SELECT json_group_array(json_array(kind, name)) FROM adjustment_kind)
UNION ALL SELECT 'service_id', 'select', say('Услуга', 'Service'), 0, '',
                 (SELECT json_group_array(json_array(service_id, name))
                  FROM (SELECT '' AS service_id, '—' AS name UNION ALL SELECT service_id, name FROM service))
UNION ALL SELECT 'for_day', 'day', say('За день', 'For the day'), 0, NULL, NULL
UNION ALL SELECT 'reason', 'text', say('Причина', 'Reason'), 1, NULL, NULL;

SELECT 'form' AS component, say('Возврат платежа', 'Refund of a payment') AS title,
       'POST /v1/accounts/' || :account_id || '/adjustments' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back,
       say('Сумма — с минусом, не больше платежа.', 'The amount has a minus, and is not more than the payment.')
       AS text
WHERE EXISTS (SELECT 1 FROM payment WHERE account_id = :account_id);
SELECT 'kind' AS name, 'hidden' AS type, NULL AS label, 0 AS required, 'refund' AS value, NULL AS options
WHERE EXISTS (SELECT 1 FROM payment WHERE account_id = :account_id)
UNION ALL
SELECT 'payment_id', 'select', say('Платёж', 'Payment'), 1, NULL,
       (SELECT json_group_array(json_array(payment_id, day_text(day) || ' · ' || money(amount) || ' · ' || name))
        FROM (SELECT * FROM payment JOIN payment_method USING (method)
              WHERE account_id = :account_id ORDER BY day DESC, payment_id DESC LIMIT 50))
WHERE EXISTS (SELECT 1 FROM payment WHERE account_id = :account_id)
UNION ALL
SELECT 'amount', 'money', say('Сумма', 'Amount'), 1, NULL, NULL
WHERE EXISTS (SELECT 1 FROM payment WHERE account_id = :account_id)
UNION ALL
SELECT 'reason', 'text', say('Причина', 'Reason'), 1, NULL, NULL
WHERE EXISTS (SELECT 1 FROM payment WHERE account_id = :account_id);

SELECT 'heading' AS component, say('Доступ', 'Access') AS title;

SELECT 'form' AS component, say('Обещанный платёж', 'Promised payment') AS title,
       'POST /v1/accounts/' || :account_id || '/promised-payments' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'days' AS name, 'integer' AS type, say('Дней', 'Days') AS label, 1 AS required,
       (SELECT promised_payment_max_days FROM policy WHERE valid_from <= :today ORDER BY valid_from DESC LIMIT 1)
       AS value;

SELECT 'form' AS component,
       iif(coalesce(held, 0), say('Открыть доступ', 'Release'), say('Закрыть доступ', 'Hold')) AS title,
       'PUT /v1/accounts/' || :account_id || '/terms' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back
FROM (SELECT 1) LEFT JOIN (SELECT held FROM account_terms WHERE account_id = :account_id AND valid_from <= :today
                           ORDER BY valid_from DESC LIMIT 1);
SELECT 'held' AS name, 'hidden' AS type, NULL AS label, 0 AS required, iif(coalesce(held, 0), 0, 1) AS value
FROM (SELECT 1) LEFT JOIN (SELECT held FROM account_terms WHERE account_id = :account_id AND valid_from <= :today
                           ORDER BY valid_from DESC LIMIT 1)
UNION ALL SELECT 'reason', 'text', say('Причина', 'Reason'), 1, NULL;

SELECT 'form' AS component, say('Кредитный лимит', 'Credit limit') AS title,
       'PUT /v1/accounts/' || :account_id || '/terms' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'credit_limit' AS name, 'money' AS type, say('Лимит', 'Limit') AS label, 0 AS required, NULL AS value
UNION ALL SELECT 'credit_limit', 'unlimited', say('без ограничения', 'without limit'), 0, NULL
UNION ALL SELECT 'reason', 'text', say('Причина', 'Reason'), 0, NULL;

SELECT 'heading' AS component, 'services' AS id, say('Услуги', 'Services') AS title;

SELECT 'form' AS component, say('Сотрудников', 'Employees') AS title,
       'PUT /v1/accounts/' || :account_id || '/headcount' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'employees' AS name, 'integer' AS type, say('Сколько', 'How many') AS label, 1 AS required,
       (SELECT employees FROM headcount WHERE account_id = :account_id AND day <= :today ORDER BY day DESC LIMIT 1)
       AS value
UNION ALL SELECT 'day', 'day', say('С какого дня', 'From the day'), 0, :today;

-- A form for each service: the route has its name in the path.
SELECT 'table' AS component, say('Подключить, изменить, отключить', 'Start, change, end') AS title;
SELECT v.name AS service, v.kind, u.quantity, u.price_list, u.started_on,
       iif(u.service_id IS NULL, say('Подключить', 'Start'), say('Изменить', 'Change')) AS action,
       '/companies/' || :account_id || '/subscriptions/' || percent_encode(v.service_id) AS action_link
FROM service AS v
LEFT JOIN subscription AS u ON u.service_id = v.service_id AND u.account_id = :account_id
  AND u.started_on <= :today AND coalesce(u.ended_on, '9999-12-31') > :today
ORDER BY v.name;

SELECT 'heading' AS component, say('Обслуживание', 'Status') AS title;

SELECT 'form' AS component, say('Начать или возобновить', 'Activate') AS title,
       'POST /v1/accounts/' || :account_id || '/activate' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'valid_from' AS name, 'day' AS type, say('С какого дня', 'From the day') AS label, :today AS value
UNION ALL SELECT 'reason', 'text', say('Причина', 'Reason'), NULL;

SELECT 'form' AS component, say('Приостановить', 'Pause') AS title,
       'POST /v1/accounts/' || :account_id || '/pause' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'valid_from' AS name, 'day' AS type, say('С какого дня', 'From the day') AS label, :today AS value
UNION ALL SELECT 'reason', 'text', say('Причина', 'Reason'), NULL;

SELECT 'form' AS component, say('Закрыть', 'Close') AS title,
       'POST /v1/accounts/' || :account_id || '/close' AS writes,
       '/companies/' || :account_id || '/standing' AS shows, '/companies/' || :account_id AS back;
SELECT 'valid_from' AS name, 'day' AS type, say('С какого дня', 'From the day') AS label, :today AS value
UNION ALL SELECT 'reason', 'text', say('Причина', 'Reason'), NULL;
