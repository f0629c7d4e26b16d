-- DELETE /v1/webhooks/{name}
-- Delete a webhook; what waits to be delivered by it will not be.
-- role: operator
-- answer: none
-- name: text!

SELECT saldo_refuse('not_found', 'there is no webhook ' || :name)
WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE name = :name);

DELETE FROM webhook WHERE name = :name;
