-- GET /v1/calendar
-- Each day of a range: whether it is worked, and its name where it departs from the working week.
-- role: operator
-- answer: many
-- from: day The first day (today)
-- to: day The last day (a year on)
-- after: day Go on behind this day

SELECT day, working, name, day AS after
FROM working_calendar
WHERE day >= coalesce(:from, :today) AND day <= coalesce(:to, date(coalesce(:from, :today), '+1 year'), '9999-12-31')
  AND day > coalesce(:after, '')
ORDER BY day LIMIT :limit;
