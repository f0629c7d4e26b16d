-- GET /v1/adjustment-kinds
-- The kinds of adjustments.
-- role: cashier
-- answer: many

SELECT kind, name, sign, revenue, recorded_at, recorded_by FROM adjustment_kind ORDER BY kind;
