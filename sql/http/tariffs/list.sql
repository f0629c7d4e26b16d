-- GET /v1/tariffs
-- The prices, past and to come, or those that hold on a day.
-- role: operator
-- answer: many
-- price_list: text Only of this list
-- service_id: text Only of this service
-- day: day Those that hold on this day
-- after: cursor Go on behind this row

SELECT price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee, recorded_at, recorded_by,
       json_array(price_list, service_id, valid_from, min_quantity) AS after
FROM tariff AS t
WHERE (:price_list IS NULL OR price_list = :price_list) AND (:service_id IS NULL OR service_id = :service_id)
  AND (:day IS NULL OR valid_from = (SELECT max(v.valid_from) FROM tariff AS v
                                     WHERE v.price_list = t.price_list AND v.service_id = t.service_id
                                       AND v.valid_from <= :day))
  AND (price_list, service_id, valid_from, min_quantity)
      > (coalesce(:after ->> 0, ''), coalesce(:after ->> 1, ''), coalesce(:after ->> 2, ''), coalesce(:after ->> 3, 0))
ORDER BY price_list, service_id, valid_from, min_quantity LIMIT :limit;
