-- POST /v1/tokens
-- Make a token; the answer alone has it, its SHA-256 is stored.
-- role: admin
-- answer: one
-- gives: json
-- name: text! Who bears it; recorded_by of what it writes
-- role: text! crm, cashier, operator, analyst or admin

INSERT INTO token(name, role, hash, created_at)
VALUES (:name, :role, :new_token_hash, :now);

SELECT name, role, created_at, revoked_at, :new_token AS "token:secret", 201 AS http_status
FROM token WHERE name = :name;
