-- DELETE /v1/calendar/{day}
-- Let a day follow the working week again.
-- role: operator
-- answer: none
-- day: day!

SELECT saldo_refuse('not_found', 'nothing is set for ' || :day || '; it follows the working week')
WHERE NOT EXISTS (SELECT 1 FROM calendar_exception WHERE day = :day);

DELETE FROM calendar_exception WHERE day = :day;
