-- GET /v1/accounts/{account_id}/usage
-- The usage events of an account, by the day they are charged on.
-- role: crm
-- answer: many
-- account_id: integer!
-- service_id: text Only of this service
-- from: day Charged on this day or later
-- to: day Charged on this day or before
-- after: cursor Go on behind this row

SELECT saldo_refuse('not_found', 'there is no account ' || :account_id)
WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = :account_id);

SELECT usage_id, account_id, service_id, occurred_at, quantity, charged_on, recorded_at, recorded_by,
       json_array(charged_on, service_id, usage_id) AS after
FROM usage_event
WHERE account_id = :account_id AND (:service_id IS NULL OR service_id = :service_id)
  AND (charged_on, service_id, usage_id)
      > (coalesce(:after ->> 0, :from, ''), coalesce(:after ->> 1, ''), coalesce(:after ->> 2, ''))
  AND charged_on <= coalesce(:to, '9999-12-31')
ORDER BY charged_on, service_id, usage_id LIMIT :limit;
