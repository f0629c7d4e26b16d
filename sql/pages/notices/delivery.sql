-- GET /notices/deliveries/{delivery_id}
-- Attempt a delivery again.
-- role: operator
-- answer: many
-- gives: html
-- facts: books
-- delivery_id: integer!

SELECT saldo_refuse('not_found', 'there is no delivery ' || :delivery_id)
WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE delivery_id = :delivery_id);

SELECT 'shell' AS component, say('Сообщение № ', 'Message No. ') || :delivery_id AS title, '/notices' AS place;

SELECT 'facts' AS component;
SELECT a.name, d.channel, d.recipient, d.status, d.attempts, d.detail
FROM delivery AS d JOIN account AS a ON a.account_id = d.account_id WHERE d.delivery_id = :delivery_id;

SELECT 'form' AS component, say('Отправить ещё раз', 'Send it again') AS title,
       'POST /v1/deliveries/' || :delivery_id || '/retry' AS writes, '/notices?status=' || status AS back,
       '/notices/deliveries/' || :delivery_id AS shows
FROM delivery WHERE delivery_id = :delivery_id AND status IN ('failed', 'waiting');
