-- GET /v1/accounts/{account_id}/charges
-- What an account owes for each day by the facts, posted or not; days to come are projected.
-- role: crm
-- answer: many
-- account_id: integer!
-- from: day The first day (the opening of the books)
-- to: day The last day (the open day)
-- service_id: text Only for this service
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT account_id, day, service_id, quantity, price_list, valid_from, min_quantity, monthly_fee, unit_fee, amount,
       json_array(day, service_id) AS after
FROM daily_charge
WHERE account_id = :account_id AND (:service_id IS NULL OR service_id = :service_id)
  AND day >= coalesce(:after ->> 0, :from, '') AND day <= coalesce(:to, (SELECT open_day FROM books))
  AND (day, service_id) > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, ''))
ORDER BY account_id, day, service_id LIMIT :limit;
