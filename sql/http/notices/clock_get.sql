-- GET /v1/notice-clock
-- Up to which instant notices have been posted; null before the first time.
-- role: operator
-- answer: one

SELECT at FROM notice_clock;
