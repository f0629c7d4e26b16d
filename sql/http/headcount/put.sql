-- PUT /v1/accounts/{account_id}/headcount
-- Set how many employees an account has from a day on.
-- role: crm
-- answer: one
-- account_id: integer!
-- day: day From this day on (today)
-- employees: integer! From 0 to 10^9

SELECT iif(EXISTS (SELECT 1 FROM headcount WHERE account_id = :account_id AND day = coalesce(:day, :today)),
           200, 201) AS http_status;

INSERT INTO headcount(account_id, day, employees, recorded_at, recorded_by)
VALUES (:account_id, coalesce(:day, :today), :employees, :now, :who)
ON CONFLICT (account_id, day) DO UPDATE
SET employees = excluded.employees, recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE employees IS NOT excluded.employees;

SELECT account_id, day, employees, recorded_at, recorded_by
FROM headcount WHERE account_id = :account_id AND day = coalesce(:day, :today);
