-- GET /v1/documents
-- Documents, without their content, as they were issued.
-- role: operator
-- answer: many
-- month: month Those of this month
-- kind: text invoice, act, upd or reconciliation
-- account_id: integer Those of this account
-- after: integer Go on behind this document_id

SELECT saldo_refuse('invalid', 'kind is invoice, act, upd or reconciliation, not ' || :kind)
WHERE :kind NOT IN ('invoice', 'act', 'upd', 'reconciliation');

-- Those of an account or a month are found without looking at the others.
SELECT document_id, kind, number, issued_on, account_id, month, total, tax, corrects, correction_number, corrected_on,
       run_id, recorded_at, recorded_by, document_id AS after
FROM document
WHERE document_id IN (
  SELECT document_id FROM document
  WHERE :account_id IS NOT NULL AND account_id = :account_id AND document_id > coalesce(:after, 0)
    AND (:month IS NULL OR month = :month) AND (:kind IS NULL OR kind = :kind)
  UNION ALL
  SELECT document_id FROM document
  WHERE :account_id IS NULL AND :month IS NOT NULL AND month = :month AND document_id > coalesce(:after, 0)
    AND (:kind IS NULL OR kind = :kind)
  UNION ALL
  SELECT document_id FROM document
  WHERE :account_id IS NULL AND :month IS NULL AND document_id > coalesce(:after, 0)
    AND (:kind IS NULL OR kind = :kind)
  ORDER BY document_id LIMIT :limit)
ORDER BY document_id;
