-- GET /v1/reports/revenue_by_service
-- What each month was charged, by service.
-- role: analyst
-- answer: many
-- month: month Only this one; of all, in large books, counting the accounts takes long

SELECT month, service_id, accounts, quantity, amount
FROM revenue_by_service WHERE :month IS NULL OR month = :month ORDER BY month, service_id;
