-- POST /v1/webhooks/{name}/rotate
-- Give a webhook another secret; for 24 hours attempts are signed with the one before as well.
-- role: operator
-- answer: one
-- gives: json
-- name: text!

SELECT saldo_refuse('not_found', 'there is no webhook ' || :name)
WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE name = :name);

DELETE FROM webhook_secret WHERE webhook = :name AND expires_at IS NOT NULL;

UPDATE webhook_secret SET expires_at = strftime('%Y-%m-%dT%H:%M:%SZ', :now, '+24 hours') WHERE webhook = :name;

INSERT INTO webhook_secret(webhook, secret, created_at) VALUES (:name, 'whsec_' || :random, :now);

SELECT :name AS name, 'whsec_' || :random AS "secret:secret", max(expires_at) AS previous_expires_at
FROM webhook_secret WHERE webhook = :name;
