-- Writes down what came of an attempt, unless the delivery has been taken again meanwhile. Parameters: :delivery_id
-- and :attempts, as they were taken; :status, with :next_at where it is 'waiting'; :detail; :now; :given_back 1: the
-- attempt does not count, as it was our own configuration that failed.

UPDATE delivery
SET status = :status, attempts = attempts - :given_back, since = iif(:given_back AND attempts = 1, NULL, since),
    next_at = :next_at, done_at = iif(:status = 'waiting', NULL, :now), detail = :detail
WHERE delivery_id = :delivery_id AND status = 'waiting' AND attempts = :attempts;
