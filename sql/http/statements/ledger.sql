-- GET /v1/accounts/{account_id}/ledger
-- All that moved the balance of an account: posted charges, payments and adjustments.
-- role: crm
-- answer: many
-- account_id: integer!
-- from: day The first day (the beginning)
-- to: day The last day (the end)
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

-- A reference need not be unique: the cursor is the row's place in its day.
SELECT account_id, day, effective_at, kind, service_id, method, amount, reference, json_array(day, place) AS after
FROM (SELECT account_id, day, effective_at, kind, service_id, method, amount, reference,
             row_number() OVER (PARTITION BY day
                                ORDER BY effective_at, kind, service_id, method, reference, amount) AS place
      FROM ledger
      WHERE account_id = :account_id
        AND day >= coalesce(:after ->> 0, :from, '') AND day <= coalesce(:to, '9999-12-31'))
WHERE (day, place) > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, 0))
ORDER BY day, place LIMIT :limit;
