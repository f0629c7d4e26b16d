-- GET /v1/reports/audit_schema
-- Tables, triggers and views that are not as installed.
-- role: analyst
-- answer: many

SELECT name, problem FROM audit_schema ORDER BY name;
