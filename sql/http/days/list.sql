-- GET /v1/days
-- The closed days.
-- role: operator
-- answer: many
-- from: day The first day (the opening)
-- to: day The last day (the last closed one)
-- after: day Go on behind this day

SELECT day, ends_at, closed_at, accounts, charges, charged, digest, day AS after
FROM day_close
WHERE day > coalesce(:after, '') AND day >= coalesce(:from, '') AND day <= coalesce(:to, '9999-12-31')
ORDER BY day LIMIT :limit;
