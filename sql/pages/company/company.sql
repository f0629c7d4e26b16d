-- GET /companies/{account_id}
-- A company: how it stands, and why.
-- role: cashier
-- answer: many
-- gives: html
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'tabs' AS component, say('Разделы компании', 'Parts of the company') AS title;
SELECT say('Обзор', 'Overview') AS title, '/companies/' || :account_id AS link, 1 AS active
UNION ALL SELECT say('Движения', 'Ledger'), '/companies/' || :account_id || '/ledger', 0
UNION ALL SELECT say('Действия', 'Actions'), '/companies/' || :account_id || '/actions', 0
UNION ALL SELECT say('Документы', 'Documents'), '/companies/' || :account_id || '/documents', 0
UNION ALL SELECT say('Уведомления', 'Notices'), '/companies/' || :account_id || '/notices', 0;

SELECT 'facts' AS component;
SELECT say('Состояние', 'State') AS label, NULL AS value, s.state AS state
FROM access_state AS s WHERE s.account_id = :account_id AND s.at = :now
UNION ALL SELECT say('Баланс', 'Balance'), money(balance), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Начислено за сегодня', 'Accrued today'), money(accrued), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Денег хватит по', 'Money lasts until'), day_text(lasts_until), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Ограничение с', 'Restricted from'), time_text(restricted_from), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Обещано до', 'Promised until'), time_text(promised_until), NULL
FROM access_state WHERE account_id = :account_id AND at = :now AND promised_until IS NOT NULL
UNION ALL SELECT say('Доступ закрыт', 'Held'), coalesce(reason, say('без причины', 'without a reason')), NULL
FROM (SELECT * FROM account_terms WHERE account_id = :account_id AND valid_from <= :today
      ORDER BY valid_from DESC LIMIT 1) WHERE held = 1
UNION ALL SELECT say('Кредитный лимит', 'Credit limit'),
                 iif(credit_limit IS NULL, say('без ограничения', 'without limit'), money(credit_limit)), NULL
FROM (SELECT * FROM account_terms WHERE account_id = :account_id AND valid_from <= :today
      ORDER BY valid_from DESC LIMIT 1)
UNION ALL SELECT say('Сотрудников', 'Employees'),
                 (SELECT employees FROM headcount WHERE account_id = :account_id AND day <= :today
                  ORDER BY day DESC LIMIT 1), NULL
UNION ALL SELECT say('Лицевой счёт', 'Account'), :account_id, NULL;

SELECT 'heading' AS component, say('Почему так', 'Why') AS title,
       say('первое правило, которое применимо, и есть ответ', 'the first rule that applies is the answer') AS text;
SELECT 'table' AS component, say('Почему компания в этом состоянии', 'Why the company is in this state') AS about;
SELECT step, state, applied, fact, applied AS answer FROM access_explain(:account_id, :now)
       WHERE fact IS NOT NULL ORDER BY step;

-- The posted balance of each day at its end, then the forecast.
SELECT 'chart' AS component, 'line' AS type,
       say('Баланс: 60 дней назад и вперёд', 'The balance, 60 days back and ahead') AS title;
SELECT s.day, iif(s.day < :today, s.balance, NULL) AS balance,
       iif(s.day >= :today, s.balance, NULL) AS "page_forecast:money", NOT c.working AS off,
       CASE s.day WHEN :today THEN say('сегодня', 'today')
                  WHEN (SELECT billing_day(restricted_from) FROM access_state
                        WHERE account_id = :account_id AND at = :now)
                  THEN say('ограничение', 'restricted') END AS mark
FROM access_state AS s CROSS JOIN working_calendar AS c ON c.day = s.day
WHERE s.account_id = :account_id AND s.day BETWEEN date(:today, '-60 days') AND date(:today, '+60 days')
  AND c.day BETWEEN date(:today, '-60 days') AND date(:today, '+60 days')
ORDER BY s.day;

SELECT 'heading' AS component, say('Услуги', 'Services') AS title,
       '/companies/' || :account_id || '/actions#services' AS link, say('Изменить', 'Change') AS label;
SELECT 'table' AS component, say('Услуги на сегодня', 'Services today') AS about,
       say('Услуг нет.', 'There are no services.') AS empty;
SELECT v.name AS service, u.price_list, c.quantity, c.min_quantity,
       c.monthly_fee + c.unit_fee * c.quantity AS "page_monthly:money", c.amount AS "page_today:money",
       (SELECT monthly_fee + unit_fee * t.min_quantity FROM tariff AS t
        WHERE t.price_list = u.price_list AND t.service_id = u.service_id AND t.valid_from = c.valid_from
          AND t.min_quantity > c.quantity ORDER BY t.min_quantity LIMIT 1) AS "page_next_tier:money",
       (SELECT t.min_quantity FROM tariff AS t
        WHERE t.price_list = u.price_list AND t.service_id = u.service_id AND t.valid_from = c.valid_from
          AND t.min_quantity > c.quantity ORDER BY t.min_quantity LIMIT 1) AS "page_next_from:number"
FROM subscription AS u JOIN service AS v ON v.service_id = u.service_id
LEFT JOIN daily_charge AS c ON c.account_id = :account_id AND c.day = :today AND c.service_id = u.service_id
WHERE u.account_id = :account_id AND u.started_on <= :today AND coalesce(u.ended_on, '9999-12-31') > :today
ORDER BY v.name;

SELECT 'heading' AS component, say('Реквизиты', 'Requisites') AS title,
       '/companies/' || :account_id || '/requisites' AS link, say('Изменить', 'Change') AS label;
SELECT 'facts' AS component;
SELECT legal_name, tax_id, kpp, postal_address, contract, signatory, external_id, admin_email, registered_on,
       trial_ends_on,
       customer_since
FROM account WHERE account_id = :account_id;
