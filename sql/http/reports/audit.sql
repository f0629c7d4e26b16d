-- GET /v1/reports/audit
-- How many violations each audit finds; 0 when all is well.
-- role: analyst
-- answer: many

SELECT check_name, violations FROM audit;
