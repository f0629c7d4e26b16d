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
       say('Долгов нет.', 'Nobody owes.') AS empty
WHERE :by IS NOT 'age';
SELECT a.name, s.account_id, s.state, s.balance, s.arrears_since, s.promised_until, s.restricted_from,
       '/companies/' || s.account_id AS link, s.balance || ' ' || s.account_id AS after
FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id
WHERE :by IS NOT 'age' AND s.at = :now AND s.arrears_since IS NOT NULL
  AND (:after IS NULL OR (s.balance, s.account_id) > (CAST(:after AS INTEGER),
                                                      CAST(substr(:after, instr(:after, ' ')) AS INTEGER)))
ORDER BY s.balance, s.account_id LIMIT :limit;

SELECT 'table' AS component, say('Долги по возрасту', 'Debts by age') AS about,
       say('Долгов нет.', 'Nobody owes.') AS empty
WHERE :by IS 'age';
SELECT CASE WHEN age < 7 THEN say('до недели', 'up to a week') WHEN age < 30 THEN say('до 30 дней', 'up to 30 days')
            WHEN age < 90 THEN say('до 90 дней', 'up to 90 days') ELSE say('дольше', 'longer') END AS "page_age",
       count(*) AS accounts, sum(balance) AS "page_debt:money",
       sum(state = 'promised') AS "page_promised:number", sum(state = 'restricted') AS "page_restricted:number"
FROM (SELECT julianday(:now) - julianday(arrears_since) AS age, balance, state
      FROM access_state WHERE :by IS 'age' AND at = :now AND arrears_since IS NOT NULL)
GROUP BY age >= 7, age >= 30, age >= 90 ORDER BY min(age);
