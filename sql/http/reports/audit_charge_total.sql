-- GET /v1/reports/audit_charge_total
-- Totals by day and service that are not those of the posted charges.
-- role: analyst
-- answer: many

SELECT day, service_id, posted, computed FROM audit_charge_total ORDER BY day, service_id;
