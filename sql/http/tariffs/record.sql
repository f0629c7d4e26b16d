-- POST /v1/tariffs
-- Set a price from a day on, with all its tiers; what was set for that day before is replaced.
-- role: operator
-- answer: many
-- price_list: text (standard)
-- service_id: text!
-- valid_from: day! From this day on
-- tiers: list!
-- tiers[].min_quantity: integer! The tier is for this quantity and more
-- tiers[].monthly_fee: integer A month, in minor units (0)
-- tiers[].unit_fee: integer A month for each of the quantity; of usage for each one used (0)

SELECT saldo_refuse('invalid', 'tiers is empty; a price has at least one') WHERE json_array_length(:tiers) = 0;

SELECT saldo_refuse('invalid', 'min_quantity ' || (value ->> 'min_quantity') || ' comes twice')
FROM json_each(:tiers) GROUP BY value ->> 'min_quantity' HAVING count(*) > 1;

SELECT iif(EXISTS (SELECT 1 FROM tariff
                   WHERE price_list = coalesce(:price_list, 'standard') AND service_id = :service_id
                     AND valid_from = :valid_from),
           200, 201) AS http_status;

DELETE FROM tariff
WHERE price_list = coalesce(:price_list, 'standard') AND service_id = :service_id AND valid_from = :valid_from
  AND min_quantity NOT IN (SELECT value ->> 'min_quantity' FROM json_each(:tiers));

INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee, recorded_at, recorded_by)
SELECT coalesce(:price_list, 'standard'), :service_id, :valid_from, value ->> 'min_quantity',
       coalesce(value ->> 'monthly_fee', 0), coalesce(value ->> 'unit_fee', 0), :now, :who
FROM json_each(:tiers)
WHERE true
ORDER BY key
ON CONFLICT (price_list, service_id, valid_from, min_quantity) DO UPDATE
SET monthly_fee = excluded.monthly_fee, unit_fee = excluded.unit_fee,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by
WHERE (monthly_fee, unit_fee) IS NOT (excluded.monthly_fee, excluded.unit_fee);

SELECT price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee, recorded_at, recorded_by
FROM tariff
WHERE price_list = coalesce(:price_list, 'standard') AND service_id = :service_id AND valid_from = :valid_from
ORDER BY min_quantity;
