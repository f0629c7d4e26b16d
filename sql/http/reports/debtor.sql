-- GET /v1/reports/debtor
-- The accounts in arrears.
-- role: analyst
-- answer: many
-- at: instant The instant asked about, past or to come (now)
-- after: integer Go on behind this account_id

-- The view itself asks the clock; here it is the request's instant.
SELECT s.account_id, a.name, s.state, s.balance, s.arrears_since, s.restricted_from, s.account_id AS after
FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id
WHERE s.account_id > coalesce(:after, 0) AND s.at = coalesce(:at, :now) AND s.arrears_since IS NOT NULL
ORDER BY s.account_id LIMIT :limit;
