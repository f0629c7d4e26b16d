-- PUT /v1/calendar/{day}
-- Say of a day whether it is worked, as it departs from the working week.
-- role: operator
-- answer: one
-- day: day!
-- working: flag!
-- name: text Of the holiday, or why

SELECT iif(EXISTS (SELECT 1 FROM calendar_exception WHERE day = :day), 200, 201) AS http_status;

INSERT INTO calendar_exception(day, working, name, recorded_at, recorded_by)
VALUES (:day, :working, :name, :now, :who)
ON CONFLICT (day) DO UPDATE
SET working = excluded.working, name = excluded.name,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (working, name) IS NOT (excluded.working, excluded.name);

SELECT day, working, name, recorded_at, recorded_by FROM calendar_exception WHERE day = :day;
