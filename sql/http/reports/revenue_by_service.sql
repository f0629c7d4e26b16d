-- GET /v1/reports/revenue_by_service
-- What each month was charged, by service.
-- role: analyst
-- answer: many

SELECT month, service_id, accounts, quantity, amount
FROM revenue_by_service ORDER BY month, service_id;
