-- Posts the notices due by now. Parameters: :now. Nothing before the opening, nor where the clock is ahead already.

UPDATE notice_clock SET at = :now
WHERE (at IS NULL OR at < :now) AND :now >= (SELECT day_start(opening_day) FROM books);
