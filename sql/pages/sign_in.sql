-- GET /sign-in
-- Sign in with a token.
-- role: none
-- answer: many
-- gives: html
-- to: text Where one goes then
-- lost: text 1: a form was sent that nobody was signed in for any more

SELECT 'shell' AS component, say('Вход', 'Sign in') AS title, 1 AS bare;

SELECT 'banner' AS component, 'warning' AS kind,
       say('Сеанс закончился. Отправленное не записано: войдите и повторите.',
           'The session had ended. What was sent is not recorded: sign in, and send it again.') AS text
WHERE :lost = '1';

SELECT 'form' AS component, '/sign-in' AS link, 1 AS post,
       say('Токен даёт администратор: saldod token create.', 'The administrator gives out tokens: saldod token create.')
       AS text, say('Войти', 'Sign in') AS submit;

SELECT 'token' AS name, 'password' AS type, say('Токен', 'Token') AS label, NULL AS value, 1 AS required
UNION ALL SELECT 'to', 'hidden', NULL, :to, 0;
