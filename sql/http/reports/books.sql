-- GET /v1/reports/books
-- When the books were opened, how far they are closed, and the open day.
-- role: analyst
-- answer: many

SELECT opening_day, last_closed_day, closed_until, open_day FROM books;
