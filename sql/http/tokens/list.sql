-- GET /v1/tokens
-- The tokens, without themselves: who may ask.
-- role: admin
-- answer: many
-- after: text Go on behind this name

SELECT name, role, created_at, revoked_at, name AS after
FROM token WHERE name > coalesce(:after, '') ORDER BY name LIMIT :limit;
