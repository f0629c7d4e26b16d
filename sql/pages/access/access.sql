-- GET /access
-- Who may ask, who is signed in, and who recorded what.
-- role: admin
-- answer: many
-- gives: html

SELECT 'shell' AS component, say('Доступ', 'Access') AS title, '/access' AS place;

SELECT 'table' AS component, say('Токены', 'Tokens') AS title;
SELECT name, role, created_at, revoked_at, iif(revoked_at IS NULL, say('Отозвать', 'Revoke'), NULL) AS action,
       '/access/tokens/' || percent_encode(name) AS action_link
FROM token ORDER BY revoked_at IS NOT NULL, name;

SELECT 'form' AS component, say('Новый токен', 'A new token') AS title, 'POST /v1/tokens' AS writes,
       '/access' AS back, 1 AS secret;
SELECT 'name' AS name, 'text' AS type, say('Чей', 'Whose') AS label, 1 AS required, NULL AS value, NULL AS options
UNION ALL SELECT 'role', 'select', say('Роль', 'Role'), 1, 'operator',
                 json_array(json_array('crm', say('CRM', 'CRM')), json_array('cashier', say('кассир', 'cashier')),
                            json_array('operator', say('оператор', 'operator')),
                            json_array('analyst', say('аналитик', 'analyst')),
                            json_array('admin', say('администратор', 'administrator')));

SELECT 'table' AS component, say('Сеансы', 'Sessions') AS title;
SELECT value ->> 1 AS token, value ->> 2 AS started_at, value ->> 3 AS seen_at, say('Завершить', 'End') AS action,
       '/access/sessions/' || (value ->> 0) AS action_link
FROM json_each(open_sessions(:now)) WHERE value ->> 1 IN (SELECT name FROM token WHERE revoked_at IS NULL);

SELECT 'table' AS component, say('Кто что записал за 7 дней', 'Who recorded what in 7 days') AS title,
       say('Ничего не записано.', 'Nothing was recorded.') AS empty;
SELECT recorded_by, what AS "page_kind", count(*) AS "page_rows:number", max(recorded_at) AS "page_last:time"
FROM (
  SELECT recorded_by, say('платежи', 'payments') AS what, recorded_at FROM payment WHERE day >= date(:today, '-7 days')
  UNION ALL
  SELECT recorded_by, say('корректировки', 'adjustments'), recorded_at FROM adjustment WHERE day >= date(:today,
    '-7 days')
  UNION ALL
  SELECT recorded_by, say('замены записанного', 'replaced facts'), recorded_at FROM superseded
  WHERE day >= date(:today, '-7 days'))
GROUP BY recorded_by, what ORDER BY recorded_by, what;
