-- GET /v1/reports/monthly_recurring_revenue
-- What recurs a month, on the open day, by service and price list.
-- role: analyst
-- answer: many

SELECT service_id, price_list, accounts, quantity, amount
FROM monthly_recurring_revenue ORDER BY service_id, price_list;
