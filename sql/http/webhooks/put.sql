-- PUT /v1/webhooks/{name}
-- Make a webhook, change it, or enable it again; only the answer that made it has its secret.
-- role: operator
-- answer: one
-- gives: json
-- name: text! Lower-case letters, digits, '_', '-', '.'
-- url: text! Of https
-- kinds: values The kinds of notices it gets, as in ["grace", "restricted"]; null: all

SELECT saldo_refuse('invalid', 'url is of http; it takes https, or a server started with --webhook-allow-private')
WHERE :url LIKE 'http://%' AND NOT :private_webhooks;

SELECT iif(EXISTS (SELECT 1 FROM webhook WHERE name = :name), 200, 201) AS http_status;

INSERT INTO webhook(name, url, kinds, created_at)
SELECT :name, :url, :kinds, :now WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE name = :name);

INSERT INTO webhook_secret(webhook, secret, created_at)
SELECT :name, 'whsec_' || :random, :now
WHERE NOT EXISTS (SELECT 1 FROM webhook_secret WHERE webhook = :name);

UPDATE webhook SET url = :url, kinds = :kinds, disabled_at = NULL, failing_since = NULL, detail = NULL
WHERE name = :name;

SELECT name, url, kinds AS "kinds:json", created_at, disabled_at, failing_since, detail,
       (SELECT secret FROM webhook_secret WHERE webhook = :name AND secret = 'whsec_' || :random) AS "secret:secret"
FROM webhook WHERE name = :name;
