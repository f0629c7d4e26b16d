-- GET /v1/payment-methods
-- The payment methods.
-- role: cashier
-- answer: many

SELECT method, name, recorded_at, recorded_by FROM payment_method ORDER BY method;
