-- GET /v1/reports/monthly_statement
-- The statements of all accounts, for one month or for all.
-- role: analyst
-- answer: many
-- month: month Only of this one
-- after: cursor Go on behind this row

-- Each of the accounts named has a row, but for the cursor's own, which may have had its last.
SELECT account_id, month, opening_balance, paid, adjusted, charged, closing_balance,
       json_array(account_id, month) AS after
FROM monthly_statement
WHERE account_id IN (SELECT account_id FROM account
                     WHERE account_id >= coalesce(:after ->> 0, 0)
                       AND substr(registered_on, 1, 7) <= coalesce(:month, (SELECT substr(open_day, 1, 7) FROM books))
                     ORDER BY account_id LIMIT :limit + 1)
  AND (:month IS NULL OR month = :month)
  AND (account_id, month) > (coalesce(:after ->> 0, 0), coalesce(:after ->> 1, ''))
ORDER BY account_id, month LIMIT :limit;
