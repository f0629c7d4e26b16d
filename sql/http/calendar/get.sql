-- GET /v1/calendar/{day}
-- What is set for a day that departs from the working week.
-- role: operator
-- answer: one
-- day: day!

SELECT day, working, name, recorded_at, recorded_by FROM calendar_exception WHERE day = :day;
