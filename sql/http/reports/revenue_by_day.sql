-- GET /v1/reports/revenue_by_day
-- What each closed day was charged.
-- role: analyst
-- answer: many
-- from: day The first day (the opening)
-- to: day The last day (the last closed one)
-- after: day Go on behind this day

SELECT day, accounts, charges, amount, day AS after
FROM revenue_by_day
WHERE day > coalesce(:after, '') AND day >= coalesce(:from, '') AND day <= coalesce(:to, '9999-12-31')
ORDER BY day LIMIT :limit;
