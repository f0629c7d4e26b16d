-- What an attempt says of the webhook itself. Parameters: :channel; :now; :success; :gone 1: the receiver wants no
-- more; :detail. One without a success for 75 hours is disabled.

UPDATE webhook
SET failing_since = iif(:success, NULL, coalesce(failing_since, :now)),
    disabled_at = iif(:gone OR NOT :success AND failing_since <= strftime('%Y-%m-%dT%H:%M:%SZ', :now, '-75 hours'),
                      :now, disabled_at),
    detail = iif(:success, NULL, :detail)
WHERE name = :channel AND disabled_at IS NULL;
