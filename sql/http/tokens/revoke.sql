-- DELETE /v1/tokens/{name}
-- Revoke a token: from now on it is none, and its sessions end.
-- role: admin
-- answer: none
-- name: text!

SELECT saldo_refuse('not_found', 'there is no token ' || :name || ' that is valid')
WHERE NOT EXISTS (SELECT 1 FROM token WHERE name = :name AND revoked_at IS NULL);

UPDATE token SET revoked_at = :now WHERE name = :name;
