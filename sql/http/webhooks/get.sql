-- GET /v1/webhooks/{name}
-- A webhook.
-- role: operator
-- answer: one
-- name: text!

SELECT name, url, kinds AS "kinds:json", created_at, disabled_at, failing_since, detail FROM webhook WHERE name = :name;
