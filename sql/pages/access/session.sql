-- GET /access/sessions/{session}
-- End a session.
-- role: admin
-- answer: many
-- gives: html
-- session: text!

SELECT saldo_refuse('not_found', 'there is no such session, or it has ended')
WHERE NOT EXISTS (SELECT 1 FROM json_each(open_sessions(:now)) WHERE value ->> 0 = :session);

SELECT 'shell' AS component, say('Сеанс: ', 'Session: ') || (value ->> 1) AS title, '/access' AS place
FROM json_each(open_sessions(:now)) WHERE value ->> 0 = :session;

SELECT 'facts' AS component;
SELECT value ->> 1 AS token, value ->> 2 AS started_at, value ->> 3 AS seen_at
FROM json_each(open_sessions(:now)) WHERE value ->> 0 = :session;

SELECT 'form' AS component, '/sign-out' AS link, 1 AS post, say('Завершить сеанс', 'End the session') AS submit,
       say('Кто в нём работает, должен будет войти снова; что не подтверждено до этого, не запишется. '
           || 'Токен остаётся: его отзывают отдельно.',
           'Whoever works in it has to sign in again; what is not confirmed by then is not recorded. '
           || 'The token stays valid; it is revoked separately.') AS text;
SELECT 'session' AS name, 'hidden' AS type, :session AS value;
