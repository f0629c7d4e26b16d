-- GET /v1/webhooks
-- Who gets notices by HTTP.
-- role: operator
-- answer: many

SELECT name, url, kinds AS "kinds:json", created_at, disabled_at, failing_since, detail FROM webhook ORDER BY name;
