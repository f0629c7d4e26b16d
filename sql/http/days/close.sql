-- POST /v1/days/{day}/close
-- Close a day that has ended: post its charges and balances.
-- role: operator
-- answer: one
-- day: day! The open day
-- closed_at: instant (now)

INSERT INTO day_close(day, closed_at) VALUES (:day, coalesce(:closed_at, :now));

SELECT day, ends_at, closed_at, accounts, charges, charged, digest, 201 AS http_status FROM day_close WHERE day = :day;
