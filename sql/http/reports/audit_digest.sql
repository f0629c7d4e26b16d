-- GET /v1/reports/audit_digest
-- Closed days whose digest is not that of what they hold.
-- role: analyst
-- answer: many

SELECT day, stored, computed FROM audit_digest ORDER BY day;
