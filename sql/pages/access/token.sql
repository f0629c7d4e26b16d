-- GET /access/tokens/{name}
-- Revoke a token.
-- role: admin
-- answer: many
-- gives: html
-- name: text!

SELECT saldo_refuse('not_found', 'there is no token ' || :name) WHERE NOT EXISTS (SELECT 1 FROM token
       WHERE name = :name);

SELECT 'shell' AS component, say('Токен ', 'Token ') || :name AS title, '/access' AS place;

SELECT 'facts' AS component;
SELECT name, role, created_at, revoked_at FROM token WHERE name = :name;

SELECT 'form' AS component, say('Отозвать', 'Revoke') AS title, 'DELETE /v1/tokens/' || percent_encode(:name) AS writes,
       '/access' AS back,
       say('Запросы с ним и его сеансы закончатся сразу.', 'Requests with it, and its sessions, end at once.') AS text
FROM token WHERE name = :name AND revoked_at IS NULL;
