-- GET /v1/reports/audit_day_gap
-- Days from the opening to the last close without a close.
-- role: analyst
-- answer: many

SELECT day FROM audit_day_gap ORDER BY day;
