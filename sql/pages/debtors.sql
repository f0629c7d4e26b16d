-- GET /debtors
-- Who owes, since when, and who promised.
-- role: operator
-- answer: many
-- gives: html
-- by: text age: how many owe for how long
-- after: text Go on behind this balance and account

SELECT 'shell' AS component, say('Должники', 'Debtors') AS title, '/debtors' AS place;

SELECT 'tabs' AS component, say('Как показать долги', 'How the debts are shown') AS title;
SELECT say('Самые большие', 'The greatest') AS title, '/debtors' AS link, :by IS NOT 'age' AS active
UNION ALL SELECT say('По возрасту', 'By age'), '/debtors?by=age', :by IS 'age';

SELECT 'table' AS component, say('Самые большие долги', 'The greatest debts') AS about,
       say('Долгов нет.', 'Nobody owes.') AS empty,
       iif(found ->> '$.rows[0][6]' > 1000,
           say('Всего ', 'In all ') || (found ->> '$.rows[0][6]')
           || say(', здесь 1000 самых больших; ', ', here are the 1,000 greatest; '), '')
       || say('на ', 'as of ') || time_text(found ->> 'at') AS note
FROM (SELECT figures('debtors', :now) AS found) WHERE :by IS NOT 'age';
SELECT a.name, a.account_id, value ->> 1 AS state, value ->> 2 AS balance, value ->> 3 AS arrears_since,
       value ->> 4 AS promised_until, value ->> 5 AS restricted_from, '/companies/' || a.account_id AS link,
       (value ->> 2) || ' ' || a.account_id AS after
FROM json_each(figures('debtors', :now), '$.rows') CROSS JOIN account AS a ON a.account_id = value ->> 0
WHERE :by IS NOT 'age'
  AND (:after IS NULL OR (value ->> 2, a.account_id) > (CAST(:after AS INTEGER),
                                                        CAST(substr(:after, instr(:after, ' ')) AS INTEGER)))
ORDER BY key LIMIT :limit;

SELECT 'table' AS component, say('Долги по возрасту', 'Debts by age') AS about,
       say('Долгов нет.', 'Nobody owes.') AS empty,
       say('на ', 'as of ') || time_text(figures('debts', :now) ->> 'at') AS note
WHERE :by IS 'age';
SELECT CASE value ->> 0 WHEN 7 THEN say('до недели', 'up to a week') WHEN 30 THEN say('до 30 дней', 'up to 30 days')
                        WHEN 90 THEN say('до 90 дней', 'up to 90 days') ELSE say('дольше', 'longer') END AS "page_age",
       value ->> 1 AS accounts, value ->> 2 AS "page_debt:money", value ->> 3 AS "page_promised:number",
       value ->> 4 AS "page_restricted:number"
FROM json_each(figures('debts', :now), '$.rows') WHERE :by IS 'age' ORDER BY key;
