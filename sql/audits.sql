-- The audits (3.5): each view is empty when all is well, and `audit` counts them. What can be told from the tables
-- alone is plain SQL; what has to be computed again asks the extension.

-- Posted rows that are not what the facts say (in the amount, the quantity or a fee), and missing ones.
-- Rows are looked for from computed to posted, in one pass over the facts; when the counts differ, then on the days
-- whose counts differ the other way too.
CREATE VIEW audit_charge(day, account_id, service_id, posted, computed) AS
SELECT c.day, c.account_id, c.service_id, p.amount, c.amount
FROM daily_charge AS c
LEFT JOIN charge AS p ON p.day = c.day AND p.account_id = c.account_id AND p.service_id = c.service_id
WHERE c.day <= (SELECT last_closed_day FROM books)
  AND (p.quantity, p.monthly_fee, p.unit_fee, p.amount) IS NOT (c.quantity, c.monthly_fee, c.unit_fee, c.amount)
UNION ALL
SELECT p.day, p.account_id, p.service_id, p.amount, NULL
FROM day_close AS d CROSS JOIN charge AS p ON p.day = d.day
WHERE (SELECT count(*) FROM charge)
      <> (SELECT count(*) FROM daily_charge WHERE day <= (SELECT last_closed_day FROM books))
  AND (SELECT count(*) FROM charge AS x WHERE x.day = d.day)
      <> (SELECT count(*) FROM daily_charge AS y WHERE y.day = d.day)
  AND NOT EXISTS (SELECT 1 FROM daily_charge AS c
                  WHERE c.account_id = p.account_id AND c.day = p.day AND c.service_id = p.service_id)
UNION ALL
SELECT p.day, p.account_id, p.service_id, p.amount, NULL
FROM charge AS p WHERE p.day NOT IN (SELECT day FROM day_close);

-- The totals by day and service against the posted charges. It also shows when the accounts or the quantity differ.
CREATE VIEW audit_charge_total(day, service_id, posted, computed) AS
SELECT day, service_id, sum(posted), sum(computed)
FROM (
  SELECT day, service_id, accounts, quantity, amount AS posted, 0 AS computed FROM charge_total
  UNION ALL
  SELECT day, service_id, -count(*), -sum(quantity), 0, sum(amount) FROM charge GROUP BY day, service_id)
GROUP BY day, service_id HAVING sum(accounts) <> 0 OR sum(quantity) <> 0 OR sum(posted) <> sum(computed);

-- The balances carried out of the last closed day against the money and the posted charges up to it.
CREATE VIEW audit_balance(account_id, balance, computed) AS
SELECT account_id, sum(carried), sum(computed)
FROM (
  SELECT account_id, balance AS carried, 0 AS computed FROM balance
  UNION ALL
  SELECT account_id, 0, -amount FROM charge
  UNION ALL
  SELECT account_id, 0, amount FROM payment WHERE day <= (SELECT last_closed_day FROM books)
  UNION ALL
  SELECT account_id, 0, amount FROM adjustment WHERE day <= (SELECT last_closed_day FROM books))
GROUP BY account_id HAVING sum(carried) <> sum(computed);

-- The rest of what is carried, against a walk from the beginning.
CREATE VIEW audit_arrears(account_id, arrears_since, computed, restricted_days, restricted_days_computed) AS
SELECT s.account_id, b.arrears_since, s.arrears_since, b.restricted_days, s.restricted_days
FROM books AS k CROSS JOIN access_state AS s ON s.day = k.last_closed_day
LEFT JOIN balance AS b ON b.account_id = s.account_id
WHERE (b.arrears_since, coalesce(b.restricted_days, 0)) IS NOT (s.arrears_since, s.restricted_days);

-- Days from the opening to the last close without a row.
CREATE VIEW audit_day_gap(day) AS
WITH RECURSIVE expected(day) AS (
  SELECT opening_day FROM books WHERE last_closed_day IS NOT NULL
  UNION ALL
  SELECT date(day, '+1 day') FROM expected WHERE day < (SELECT last_closed_day FROM books))
SELECT day FROM expected WHERE day NOT IN (SELECT day FROM day_close WHERE digest IS NOT NULL)
UNION ALL
SELECT day FROM day_close WHERE digest IS NULL OR day < (SELECT opening_day FROM books);

CREATE VIEW audit_promised_payment(promise_id, problem) AS
SELECT promise_id, 'days is ' || days FROM promised_payment WHERE typeof(days) <> 'integer' OR days < 1
UNION ALL
SELECT promise_id, 'expires_at is not granted_at and ' || days || ' days' FROM promised_payment
WHERE expires_at IS NOT saldo_promise_end(granted_at, days)
UNION ALL
SELECT promise_id, 'there is no account ' || account_id FROM promised_payment
WHERE account_id NOT IN (SELECT account_id FROM account);

CREATE VIEW audit_digest(day, stored, computed) AS
SELECT day, digest, saldo_digest(day) FROM day_close WHERE digest IS NOT saldo_digest(day);

CREATE VIEW audit_schema(name, problem) AS
SELECT i.name, i.type || iif(s.name IS NULL, ' is missing', ' is not as installed')
FROM installed_schema AS i LEFT JOIN sqlite_schema AS s ON s.type = i.type AND s.name = i.name
WHERE s.sql IS NOT i.sql
UNION ALL
SELECT name, 'trigger on ' || tbl_name || ' that was not installed'
FROM sqlite_schema
WHERE type = 'trigger' AND tbl_name IN (SELECT name FROM installed_schema)
  AND name NOT IN (SELECT name FROM installed_schema);

CREATE VIEW audit_unpriced(day, account_id, service_id, quantity) AS
SELECT day, account_id, service_id, quantity FROM unpriced_charge WHERE quantity > 0;

-- What the triggers refuse, with foreign_keys on or off: references to rows that are not there, adjustments of the
-- wrong sign, and refunds of another account's payment or of more than all of it (R12).
CREATE VIEW audit_reference(table_name, key, problem) AS
SELECT 'account_terms', account_id || ', ' || valid_from, 'there is no account ' || account_id
FROM account_terms WHERE account_id NOT IN (SELECT account_id FROM account)
UNION ALL
SELECT 'headcount', account_id || ', ' || day, 'there is no account ' || account_id
FROM headcount WHERE account_id NOT IN (SELECT account_id FROM account)
UNION ALL
SELECT 'subscription', account_id || ', ' || service_id || ', ' || started_on, 'there is no such account or service'
FROM subscription
WHERE account_id NOT IN (SELECT account_id FROM account) OR service_id NOT IN (SELECT service_id FROM service)
UNION ALL
SELECT 'tariff', price_list || ', ' || service_id || ', ' || valid_from || ', ' || min_quantity,
  'there is no service ' || service_id
FROM tariff WHERE service_id NOT IN (SELECT service_id FROM service)
UNION ALL
SELECT 'usage_event', usage_id, 'there is no such account or usage service' FROM usage_event
WHERE account_id NOT IN (SELECT account_id FROM account)
   OR service_id NOT IN (SELECT service_id FROM service WHERE kind = 'usage')
UNION ALL
SELECT 'payment', CAST(payment_id AS TEXT), 'there is no such account or method' FROM payment
WHERE account_id NOT IN (SELECT account_id FROM account) OR method NOT IN (SELECT method FROM payment_method)
UNION ALL
SELECT 'adjustment', CAST(adjustment_id AS TEXT), 'there is no such account or kind, or the kind has the other sign'
FROM adjustment AS a
WHERE account_id NOT IN (SELECT account_id FROM account)
   OR NOT EXISTS (SELECT 1 FROM adjustment_kind AS k WHERE k.kind = a.kind AND k.sign * a.amount >= 0)
UNION ALL
SELECT 'adjustment', CAST(a.adjustment_id AS TEXT),
  'payment ' || a.payment_id || iif(p.payment_id IS NULL, ' is not there', ' is of account ' || p.account_id)
FROM adjustment AS a LEFT JOIN payment AS p ON p.payment_id = a.payment_id
WHERE a.payment_id IS NOT NULL AND p.account_id IS NOT a.account_id
UNION ALL
SELECT 'payment', CAST(p.payment_id AS TEXT), 'refund and chargeback exceed it: ' || -sum(a.amount)
FROM adjustment AS a CROSS JOIN payment AS p ON p.payment_id = a.payment_id
WHERE a.payment_id IS NOT NULL AND a.kind IN ('refund', 'chargeback')
GROUP BY p.payment_id HAVING -sum(a.amount) > p.amount
UNION ALL
SELECT 'channel', channel_id, 'there is no payment method ' || method
FROM channel WHERE method NOT IN (SELECT method FROM payment_method)
UNION ALL
SELECT 'tax_rate', service_id || ', ' || valid_from, 'there is no service ' || service_id
FROM tax_rate WHERE service_id NOT IN (SELECT service_id FROM service)
UNION ALL
SELECT 'balance', CAST(account_id AS TEXT), 'there is no account ' || account_id
FROM balance WHERE account_id NOT IN (SELECT account_id FROM account)
UNION ALL
SELECT 'facts_in_force', CAST(account_id AS TEXT), 'there is no account ' || account_id
FROM facts_in_force WHERE account_id NOT IN (SELECT account_id FROM account);

-- Computed columns, rows of facts_in_force and running totals that are not what their sources say.
CREATE VIEW audit_computed(table_name, key, stored, computed) AS
SELECT 'payment', CAST(payment_id AS TEXT), day, billing_day(credited_at)
FROM payment WHERE day IS NOT billing_day(credited_at)
UNION ALL
SELECT 'adjustment', CAST(adjustment_id AS TEXT), day, billing_day(effective_at)
FROM adjustment WHERE day IS NOT billing_day(effective_at)
UNION ALL
SELECT 'usage_event', usage_id, charged_on, max(billing_day(occurred_at), opening_day)
FROM usage_event CROSS JOIN books
WHERE charged_on IS NULL OR charged_on < max(billing_day(occurred_at), opening_day)
UNION ALL
SELECT 'facts_in_force', CAST(account_id AS TEXT), hex(facts), hex(saldo_facts_in_force(account_id, facts))
FROM facts_in_force WHERE facts IS NOT saldo_facts_in_force(account_id, facts)
UNION ALL
SELECT 'open_usage', account_id || ', ' || service_id || ', ' || day, CAST(quantity AS TEXT), CAST(computed AS TEXT)
FROM (SELECT u.account_id, u.service_id, u.day, u.quantity,
             (SELECT sum(e.quantity) FROM usage_event AS e
              WHERE e.account_id = u.account_id AND e.charged_on = u.day AND e.service_id = u.service_id) AS computed
      FROM open_usage AS u)
WHERE quantity IS NOT computed
UNION ALL
SELECT 'open_money', CAST(account_id AS TEXT), CAST(amount AS TEXT), CAST(computed AS TEXT)
FROM (SELECT m.account_id, m.amount,
             (SELECT coalesce(sum(p.amount), 0) FROM payment AS p
              WHERE p.account_id = m.account_id AND p.day > m.after_day)
             + (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
                WHERE j.account_id = m.account_id AND j.day > m.after_day) AS computed
      FROM open_money AS m)
WHERE amount IS NOT computed
UNION ALL
SELECT 'payment_returned', CAST(payment_id AS TEXT), CAST(amount AS TEXT), CAST(computed AS TEXT)
FROM (SELECT r.payment_id, r.amount,
             (SELECT -sum(j.amount) FROM adjustment AS j
              WHERE j.payment_id = r.payment_id AND j.kind IN ('refund', 'chargeback')) AS computed
      FROM payment_returned AS r)
WHERE amount IS NOT computed;

-- Accounts that no run is to look at yet, and whose state was another when the last one was over than is remembered of
-- them, or of which nothing is.
CREATE VIEW audit_notice(account_id, remembered, computed) AS
SELECT s.account_id, n.state, s.state
FROM notice_clock AS c CROSS JOIN access_state AS s ON s.at = c.at
LEFT JOIN notice_seen AS n ON n.account_id = s.account_id
WHERE c.at IS NOT NULL AND c.look_at_all = 0
  AND (n.account_id IS NULL OR n.look_at IS NULL OR n.look_at > c.at) AND n.state IS NOT s.state;

-- Receipts that do not agree with their payments; also what a matching or ignoring UPDATE is refused for.
CREATE VIEW audit_receipt(receipt_id, problem) AS
SELECT receipt_id, 'there is no channel ' || source FROM receipt
WHERE source NOT IN (SELECT source FROM receipt_source)
UNION ALL
SELECT receipt_id, 'its status is ' || coalesce(status, 'missing') FROM receipt
WHERE status IS NULL OR status NOT IN ('pending', 'matched', 'ignored')
UNION ALL
SELECT receipt_id, 'received_at is not an instant up to recorded_at' FROM receipt
WHERE received_at IS NOT saldo_received_at(received_at, recorded_at)
UNION ALL
SELECT receipt_id, 'its payments sum to ' || paid || ', not to ' || amount
FROM (SELECT r.receipt_id, r.amount,
             (SELECT coalesce(sum(p.amount), 0)
              FROM receipt_payment AS m CROSS JOIN payment AS p ON p.payment_id = m.payment_id
              WHERE m.receipt_id = r.receipt_id) AS paid
      FROM receipt AS r WHERE r.status = 'matched')
WHERE paid <> amount
UNION ALL
SELECT r.receipt_id, 'it is ' || r.status || ' and has payment ' || m.payment_id
FROM receipt AS r CROSS JOIN receipt_payment AS m ON m.receipt_id = r.receipt_id
WHERE r.status IN ('pending', 'ignored')
UNION ALL
SELECT r.receipt_id, 'payment ' || p.payment_id || ' has another ' || CASE
         WHEN p.method <> s.method THEN 'method than ' || s.method
         WHEN p.received_at IS NOT r.received_at THEN 'received_at'
         WHEN p.payer IS NOT r.payer THEN 'payer'
         WHEN p.purpose IS NOT r.purpose THEN 'purpose'
         ELSE 'account than ' || r.account_text END
FROM receipt AS r CROSS JOIN receipt_source AS s ON s.source = r.source
CROSS JOIN receipt_payment AS m ON m.receipt_id = r.receipt_id CROSS JOIN payment AS p ON p.payment_id = m.payment_id
WHERE (p.method, p.received_at, p.payer, p.purpose) IS NOT (s.method, r.received_at, r.payer, r.purpose)
   OR (r.status = 'matched' AND (r.reason = 'account_text' OR r.reason GLOB 'M[123]:*')
       AND p.account_id IS NOT account_number(r.account_text))
UNION ALL
-- One payment has the receipt's own external_id; several have #1, #2, … behind it. Where a payment of another receipt
-- has one of these, it is ##1, ##2, …
SELECT receipt_id, 'payment ' || payment_id || ' has another external_id than ' || own
                   || iif(payments = 1, '', '#' || number)
FROM (SELECT r.receipt_id, p.payment_id, p.external_id, r.source || ':' || r.external_id AS own,
             (SELECT count(*) FROM receipt_payment AS n WHERE n.receipt_id = r.receipt_id) AS payments,
             (SELECT count(*) FROM receipt_payment AS n
              WHERE n.receipt_id = r.receipt_id AND n.payment_id <= m.payment_id) AS number
      FROM receipt AS r CROSS JOIN receipt_payment AS m ON m.receipt_id = r.receipt_id
      CROSS JOIN payment AS p ON p.payment_id = m.payment_id)
WHERE external_id IS NOT own || iif(payments = 1, '', '#' || number) AND external_id IS NOT own || '##' || number
UNION ALL
SELECT r.receipt_id, 'payment ' || c.payment_id || ' has its external_id ' || c.external_id || ' and is not its own'
FROM receipt AS r CROSS JOIN receipt_claim AS c ON c.receipt_id = r.receipt_id
WHERE r.status = 'matched'
UNION ALL
SELECT m.receipt_id, iif(p.payment_id IS NULL, 'there is no payment ' || m.payment_id, 'there is no such receipt')
FROM receipt_payment AS m LEFT JOIN payment AS p ON p.payment_id = m.payment_id
LEFT JOIN receipt AS r ON r.receipt_id = m.receipt_id
WHERE p.payment_id IS NULL OR r.receipt_id IS NULL;

-- Documents against their own content, a month's against the posted charges and the adjustments it lists, corrections
-- against what they correct, and the numbers of a kind and year, which run from 1 without gaps. Content that is no JSON
-- counts as empty. A correction of charges that is recorded later waits for the document's own: it is not amiss.
CREATE VIEW audit_document(document_id, problem) AS
SELECT d.document_id, 'its columns are not those of its content'
FROM document AS d
LEFT JOIN (SELECT e.document_id, max(iif(m.key = 'kind', m.value, NULL)) AS kind,
                  max(iif(m.key = 'number', m.value, NULL)) AS number,
                  max(iif(m.key = 'issued_on', m.value, NULL)) AS issued_on,
                  max(iif(m.key = 'month', m.value, NULL)) AS month,
                  max(iif(m.key = 'total', m.value, NULL)) AS total,
                  max(iif(m.key = 'tax', m.value, NULL)) AS tax,
                  max(iif(m.key = 'correction_number', m.value, NULL)) AS correction_number,
                  max(iif(m.key = 'corrected_on', m.value, NULL)) AS corrected_on
           FROM document AS e CROSS JOIN json_each(saldo_json_or_null(e.content)) AS m
           GROUP BY e.document_id) AS c ON c.document_id = d.document_id
WHERE (d.kind, d.number, d.issued_on, d.month, d.total, d.tax, d.correction_number, d.corrected_on)
      IS NOT (c.kind, c.number, c.issued_on, c.month, c.total, c.tax, c.correction_number, c.corrected_on)
   OR d.account_id IS NOT (SELECT value FROM json_each(saldo_json_or_null(d.content), '$.customer')
                           WHERE key = 'account_id')
UNION ALL
SELECT document_id, 'its lines sum to ' || amount || ' with a tax of ' || tax || ', not to ' || total || ' with '
                    || coalesce(total_tax, 0)
FROM (SELECT d.document_id, d.total, d.tax AS total_tax, sum(iif(m.key = 'amount', m.value, 0)) AS amount,
             sum(iif(m.key = 'tax', coalesce(m.value, 0), 0)) AS tax
      FROM document AS d LEFT JOIN json_each(saldo_json_or_null(d.content), '$.lines') AS l ON true
      LEFT JOIN json_each(saldo_json_or_null(l.value)) AS m ON true
      WHERE d.kind <> 'reconciliation' GROUP BY d.document_id)
WHERE (amount, tax) IS NOT (total, coalesce(total_tax, 0))
UNION ALL
SELECT document_id, 'line ' || line || ' has a tax of ' || coalesce(tax, 'none') || ', not '
                    || coalesce(computed, 'none')
FROM (SELECT document_id, line, tax,
             iif(amount >= 0 AND basis_points BETWEEN 0 AND 10000, tax_included(amount, basis_points), NULL) AS computed
      FROM (SELECT d.document_id, l.key + 1 AS line, max(iif(m.key = 'tax', m.value, NULL)) AS tax,
                   max(iif(m.key = 'amount' AND m.type = 'integer', m.value, NULL)) AS amount,
                   max(iif(m.key = 'basis_points' AND m.type = 'integer', m.value, NULL)) AS basis_points
            FROM document AS d CROSS JOIN json_each(saldo_json_or_null(d.content), '$.lines') AS l
            CROSS JOIN json_each(saldo_json_or_null(l.value)) AS m
            GROUP BY d.document_id, l.key))
WHERE tax IS NOT computed
UNION ALL
SELECT document_id, 'the charges of ' || month || ' and its adjustments sum to ' || computed || ', its total is '
                    || total
FROM (SELECT d.document_id, d.month, d.total,
             (SELECT coalesce(sum(c.amount), 0)
              FROM day_close AS k CROSS JOIN charge AS c ON c.day = k.day AND c.account_id = d.account_id
              WHERE k.day BETWEEN d.month || '-01' AND d.month || '-31')
             - (SELECT coalesce(sum(a.amount), 0)
                FROM json_each(saldo_json_or_null(d.content), '$.adjustment_ids') AS i
                CROSS JOIN adjustment AS a ON a.adjustment_id = i.value) AS computed
      FROM document AS d WHERE d.month IS NOT NULL)
WHERE total IS NOT computed
UNION ALL
SELECT d.document_id, 'adjustment ' || i.value || ' does not belong to it'
FROM document AS d CROSS JOIN json_each(saldo_json_or_null(d.content), '$.adjustment_ids') AS i
LEFT JOIN adjustment AS a ON a.adjustment_id = i.value AND a.account_id = d.account_id AND a.service_id IS NOT NULL
  AND substr(CASE a.kind WHEN 'fee' THEN a.day WHEN 'correction' THEN a.for_day END, 1, 7) = d.month
WHERE a.adjustment_id IS NULL
UNION ALL
SELECT d.document_id, 'it lacks the fee ' || a.adjustment_id
FROM document AS d CROSS JOIN adjustment AS a ON a.account_id = d.account_id AND a.day BETWEEN d.month || '-01'
                                                                                         AND d.month || '-31'
WHERE d.month IS NOT NULL AND a.kind = 'fee' AND a.service_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM json_each(saldo_json_or_null(d.content), '$.adjustment_ids') AS i
                  WHERE i.value = a.adjustment_id)
UNION ALL
SELECT document_id, 'the balance of account ' || account_id || ' on ' || coalesce(period_to, 'no day') || ' was '
                    || coalesce(computed, 'unknown') || ', its total is ' || total
FROM (SELECT document_id, account_id, total, period_to,
             (SELECT coalesce(sum(amount), 0) FROM payment AS p
              WHERE p.account_id = r.account_id AND p.day <= r.period_to)
             + (SELECT coalesce(sum(amount), 0) FROM adjustment AS a
                WHERE a.account_id = r.account_id AND a.day <= r.period_to)
             - (SELECT coalesce(sum(c.amount), 0)
                FROM day_close AS k CROSS JOIN charge AS c ON c.day = k.day AND c.account_id = r.account_id
                WHERE k.day <= r.period_to) AS computed
      FROM (SELECT document_id, account_id, total,
                   (SELECT value FROM json_each(saldo_json_or_null(content)) WHERE key = 'period_to') AS period_to
            FROM document WHERE kind = 'reconciliation') AS r)
WHERE total IS NOT computed OR period_to IS NULL
UNION ALL
SELECT document_id, 'there is no account ' || account_id
FROM document WHERE account_id NOT IN (SELECT account_id FROM account)
UNION ALL
SELECT d.document_id, 'there is no ' || d.kind || ' ' || (d.number - 1) || ' of ' || substr(d.issued_on, 1, 4)
FROM document AS d
WHERE d.corrects IS NULL AND d.number <> 1
  AND NOT EXISTS (SELECT 1 FROM document AS e
                  WHERE e.kind = d.kind AND substr(e.issued_on, 1, 4) = substr(d.issued_on, 1, 4)
                    AND e.number = d.number - 1 AND e.corrects IS NULL)
UNION ALL
SELECT d.document_id, 'document ' || e.document_id || ' is ' || d.kind || ' ' || d.number || ' of '
                      || substr(d.issued_on, 1, 4) || ' too'
FROM document AS d CROSS JOIN document AS e
  ON e.kind = d.kind AND substr(e.issued_on, 1, 4) = substr(d.issued_on, 1, 4) AND e.number = d.number
     AND e.corrects IS NULL
WHERE d.corrects IS NULL AND e.document_id <> d.document_id
UNION ALL
SELECT d.document_id, 'it is of ' || d.issued_on || ', before number ' || e.number || ', of ' || e.issued_on
FROM document AS d CROSS JOIN document AS e
  ON e.kind = d.kind AND substr(e.issued_on, 1, 4) = substr(d.issued_on, 1, 4) AND e.number = d.number - 1
     AND e.corrects IS NULL
WHERE d.corrects IS NULL AND d.issued_on < e.issued_on
UNION ALL
SELECT d.document_id, 'account ' || d.account_id || ' has document ' || e.document_id || ' of ' || d.month || ' too'
FROM document AS d CROSS JOIN document AS e ON e.account_id = d.account_id AND e.month = d.month
WHERE d.corrects IS NULL AND e.corrects IS NULL AND e.document_id <> d.document_id
UNION ALL
SELECT c.document_id, 'it is no correction ' || coalesce(c.correction_number, 'without a number') || ' of document '
                      || c.corrects
FROM document AS c LEFT JOIN document AS d ON d.document_id = c.corrects AND d.corrects IS NULL
WHERE c.corrects IS NOT NULL
  AND ((c.kind, c.number, c.issued_on, c.account_id, c.month)
       IS NOT (d.kind, d.number, d.issued_on, d.account_id, d.month)
       OR c.corrected_on IS NULL OR c.corrected_on < d.issued_on
       OR c.correction_number IS NOT 1 + (SELECT count(*) FROM document AS b
                                          WHERE b.corrects = c.corrects AND b.document_id < c.document_id))
UNION ALL
-- Named by the last of them that is there.
SELECT coalesce(last, 0), 'run ' || run_id || ' made ' || coalesce(documents, 'no') || ' documents, '
                          || coalesce(are_there, 0) || ' are there'
FROM document_run
LEFT JOIN (SELECT run_id, count(*) AS are_there, max(document_id) AS last FROM document WHERE run_id IS NOT NULL
           GROUP BY run_id) USING (run_id)
WHERE documents IS NOT coalesce(are_there, 0);

CREATE VIEW audit(check_name, violations) AS
SELECT 'audit_charge', count(*) FROM audit_charge
UNION ALL SELECT 'audit_charge_total', count(*) FROM audit_charge_total
UNION ALL SELECT 'audit_balance', count(*) FROM audit_balance
UNION ALL SELECT 'audit_arrears', count(*) FROM audit_arrears
UNION ALL SELECT 'audit_day_gap', count(*) FROM audit_day_gap
UNION ALL SELECT 'audit_promised_payment', count(*) FROM audit_promised_payment
UNION ALL SELECT 'audit_digest', count(*) FROM audit_digest
UNION ALL SELECT 'audit_schema', count(*) FROM audit_schema
UNION ALL SELECT 'audit_unpriced', count(*) FROM audit_unpriced
UNION ALL SELECT 'audit_reference', count(*) FROM audit_reference
UNION ALL SELECT 'audit_computed', count(*) FROM audit_computed
UNION ALL SELECT 'audit_notice', count(*) FROM audit_notice
UNION ALL SELECT 'audit_receipt', count(*) FROM audit_receipt
UNION ALL SELECT 'audit_document', count(*) FROM audit_document;
