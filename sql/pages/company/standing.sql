-- GET /companies/{account_id}/standing
-- What an action may change about a company, in days and sums; shown before and after.
-- role: cashier
-- answer: many
-- gives: html
-- facts: books
-- account_id: integer!

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT 'shell' AS component, name AS title, '/companies' AS place FROM account WHERE account_id = :account_id;

SELECT 'facts' AS component;
SELECT say('Компания', 'Company') AS label, name AS value, NULL AS state FROM account WHERE account_id = :account_id
UNION ALL SELECT say('Состояние', 'State'), NULL, state FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Баланс', 'Balance'), money(balance), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Начислено за сегодня', 'Accrued today'), money(accrued), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Денег хватит по', 'Money lasts until'), day_text(lasts_until), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Ограничение с', 'Restricted from'), day_text(billing_day(restricted_from)), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Обещано до', 'Promised until'), day_text(billing_day(promised_until)), NULL
FROM access_state WHERE account_id = :account_id AND at = :now
UNION ALL SELECT say('Кредитный лимит', 'Credit limit'),
                 CASE WHEN t.account_id IS NULL THEN money(0) WHEN t.credit_limit IS NULL
                      THEN say('без ограничения', 'without limit') ELSE money(t.credit_limit) END, NULL
FROM (SELECT 1) LEFT JOIN (SELECT account_id, credit_limit FROM account_terms
                           WHERE account_id = :account_id AND valid_from <= :today
                           ORDER BY valid_from DESC LIMIT 1) AS t
UNION ALL SELECT say('Сотрудников', 'Employees'),
                 (SELECT employees FROM headcount WHERE account_id = :account_id AND day <= :today
                  ORDER BY day DESC LIMIT 1), NULL
UNION ALL SELECT say('Услуги', 'Services'),
                 (SELECT group_concat(v.name || ' × ' || coalesce(u.quantity, say('по сотрудникам', 'by headcount')),
                   ', ')
                  FROM subscription AS u JOIN service AS v ON v.service_id = u.service_id
                  WHERE u.account_id = :account_id AND u.started_on <= :today
                    AND coalesce(u.ended_on, '9999-12-31') > :today), NULL
UNION ALL SELECT say('Реквизиты', 'Requisites'),
                 (SELECT group_concat(value, '; ')
                  FROM json_each(json_array(legal_name, tax_id, postal_address, contract, external_id, admin_email))),
                 NULL
FROM account WHERE account_id = :account_id;
