-- Documents for each reporting month, invoices and reconciliations: who issues them, at which tax rates, and what was
-- issued, frozen as JSON. One statement each issues them:
--
--   INSERT INTO document_run(month, issued_on) VALUES ('2026-11', '2026-11-30')
--   INSERT INTO invoice(account_id, issued_on, amount) VALUES (1, '2026-11-23', 500000)
--   INSERT INTO reconciliation(account_id, issued_on, period_from, period_to) VALUES (…)
--   INSERT INTO document_correction(corrects, corrected_on) VALUES (17, '2026-12-08')
--
-- The last three are views, of what was issued by them. What a document says is put together by the extension
-- (posting/documents.h). None is of a day after that of recorded_at, or where that is null after the open day.

-- Who issues them, from a day on. `name` is the short one, and is printed where there is no legal_name.
CREATE TABLE issuer(
  valid_from   TEXT PRIMARY KEY NOT NULL,
  name         TEXT NOT NULL,
  legal_name   TEXT,
  tax_id       TEXT,
  kpp          TEXT,
  address      TEXT,
  bank_name    TEXT,
  bic          TEXT,
  bank_account TEXT,
  corr_account TEXT,
  director     TEXT,
  accountant   TEXT,
  recorded_at  TEXT,
  recorded_by  TEXT
) WITHOUT ROWID;

-- From a day on. 2200 basis points are 22 %; null: without tax.
CREATE TABLE tax_rate(
  service_id   TEXT NOT NULL REFERENCES service,
  valid_from   TEXT NOT NULL,
  basis_points INTEGER,
  recorded_at  TEXT,
  recorded_by  TEXT,
  PRIMARY KEY (service_id, valid_from)
) WITHOUT ROWID;

-- `number` runs from 1 for each kind and year of issued_on. `content` is all that is printed; a correction has the
-- number and issued_on of the document that it corrects.
CREATE TABLE document(
  document_id       INTEGER PRIMARY KEY,
  kind              TEXT NOT NULL,     -- invoice, act, upd, reconciliation
  number            INTEGER NOT NULL,
  issued_on         TEXT NOT NULL,
  account_id        INTEGER NOT NULL REFERENCES account,
  month             TEXT,              -- 'YYYY-MM', of acts and UPDs
  total             INTEGER NOT NULL,  -- of a reconciliation its closing balance
  tax               INTEGER,           -- null: none
  content           TEXT NOT NULL,     -- JSON
  corrects          INTEGER REFERENCES document,
  correction_number INTEGER,           -- 1, 2, …; null: it corrects none
  corrected_on      TEXT,
  run_id            INTEGER REFERENCES document_run,
  recorded_at       TEXT,
  recorded_by       TEXT,
  posted            INTEGER GENERATED ALWAYS AS (saldo_posted('document')) STORED
);
CREATE INDEX document_number ON document(kind, substr(issued_on, 1, 4), number) WHERE corrects IS NULL;
CREATE INDEX document_account ON document(account_id, month, kind);
CREATE INDEX document_month_of ON document(month, kind) WHERE month IS NOT NULL;
CREATE INDEX document_corrects ON document(corrects, correction_number) WHERE corrects IS NOT NULL;
CREATE INDEX document_invoice ON document(number, issued_on, account_id) WHERE kind = 'invoice';

-- `documents`: how many it made.
CREATE TABLE document_run(
  run_id      INTEGER PRIMARY KEY,
  month       TEXT NOT NULL,
  issued_on   TEXT NOT NULL,
  documents   INTEGER,
  recorded_at TEXT,
  recorded_by TEXT
);

-- A run finds those who want documents without looking at the others.
CREATE INDEX payment_bank_transfer ON payment(account_id, day) WHERE method = 'bank_transfer';
CREATE INDEX account_documents ON account(documents) WHERE documents = 'always';

-- issuer --------------------------------------------------------------------------------------------------------------

-- A version may begin in a closed day as long as no document was issued, or corrected, while it is in force.

CREATE TRIGGER issuer_refuse_invalid_insert BEFORE INSERT ON issuer BEGIN
  SELECT saldo_check('issuer', NEW.valid_from, NEW.name, NEW.legal_name, NEW.tax_id, NEW.kpp, NEW.address,
                     NEW.bank_name, NEW.bic, NEW.bank_account, NEW.corr_account, NEW.director, NEW.accountant,
                     NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_open(NEW.valid_from, (SELECT min(open_day, date(max(coalesce(corrected_on, issued_on)), '+1 day'))
                                     FROM document
                                     WHERE coalesce(corrected_on, issued_on) >= NEW.valid_from
                                       AND coalesce(corrected_on, issued_on)
                                           < (SELECT coalesce(min(valid_from), 'none') FROM issuer
                                              WHERE valid_from > NEW.valid_from)),
                    'documents have used the issuer of that day, another one can take effect')
  FROM books WHERE NEW.valid_from < open_day;
END;

CREATE TRIGGER issuer_refuse_invalid_update BEFORE UPDATE ON issuer BEGIN
  SELECT saldo_check('issuer', NEW.valid_from, NEW.name, NEW.legal_name, NEW.tax_id, NEW.kpp, NEW.address,
                     NEW.bank_name, NEW.bic, NEW.bank_account, NEW.corr_account, NEW.director, NEW.accountant,
                     NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_open(first_day, (SELECT min(open_day, date(max(coalesce(corrected_on, issued_on)), '+1 day'))
                                FROM document
                                WHERE coalesce(corrected_on, issued_on) >= first_day
                                  AND coalesce(corrected_on, issued_on)
                                      < (SELECT coalesce(min(valid_from), 'none') FROM issuer
                                         WHERE valid_from > max(OLD.valid_from, NEW.valid_from))),
                    'documents have used the issuer of that day, another one can take effect')
  FROM (SELECT open_day, min(OLD.valid_from, NEW.valid_from) AS first_day FROM books) WHERE first_day < open_day;
END;

CREATE TRIGGER issuer_refuse_delete_of_used BEFORE DELETE ON issuer BEGIN
  SELECT saldo_open(OLD.valid_from, (SELECT min(open_day, date(max(coalesce(corrected_on, issued_on)), '+1 day'))
                                     FROM document
                                     WHERE coalesce(corrected_on, issued_on) >= OLD.valid_from
                                       AND coalesce(corrected_on, issued_on)
                                           < (SELECT coalesce(min(valid_from), 'none') FROM issuer
                                              WHERE valid_from > OLD.valid_from)),
                    'documents have used the issuer of that day, another one can take effect')
  FROM books WHERE OLD.valid_from < open_day;
END;

-- tax_rate ------------------------------------------------------------------------------------------------------------

-- Likewise, as long as no document has used the service's rate of a day from then on. Each says in content.tax_rates,
-- by service, the last day whose rate it has; its first one lies in its month.

CREATE TRIGGER tax_rate_refuse_invalid_insert BEFORE INSERT ON tax_rate BEGIN
  SELECT saldo_check('tax_rate', NEW.service_id, NEW.valid_from, NEW.basis_points, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_open(NEW.valid_from, (SELECT min(open_day, date(max(u.value), '+1 day'))
                                     FROM document AS d CROSS JOIN json_each(d.content, '$.tax_rates') AS u
                                     WHERE u.key = NEW.service_id AND u.value >= NEW.valid_from
                                       AND coalesce(d.month || '-01', d.issued_on)
                                           < (SELECT coalesce(min(valid_from), 'none') FROM tax_rate
                                              WHERE service_id = NEW.service_id AND valid_from > NEW.valid_from)),
                    'documents have used the tax rate of that day, another one can take effect')
  FROM books WHERE NEW.valid_from < open_day;
END;

CREATE TRIGGER tax_rate_refuse_invalid_update BEFORE UPDATE ON tax_rate BEGIN
  SELECT saldo_check('tax_rate', NEW.service_id, NEW.valid_from, NEW.basis_points, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'a tax rate stays that of ' || OLD.service_id || '; insert another one')
  WHERE NEW.service_id <> OLD.service_id;
  SELECT saldo_open(first_day, (SELECT min(open_day, date(max(u.value), '+1 day'))
                                FROM document AS d CROSS JOIN json_each(d.content, '$.tax_rates') AS u
                                WHERE u.key = NEW.service_id AND u.value >= first_day
                                  AND coalesce(d.month || '-01', d.issued_on)
                                      < (SELECT coalesce(min(valid_from), 'none') FROM tax_rate
                                         WHERE service_id = NEW.service_id
                                           AND valid_from > max(OLD.valid_from, NEW.valid_from))),
                    'documents have used the tax rate of that day, another one can take effect')
  FROM (SELECT open_day, min(OLD.valid_from, NEW.valid_from) AS first_day FROM books) WHERE first_day < open_day;
END;

CREATE TRIGGER tax_rate_refuse_delete_of_used BEFORE DELETE ON tax_rate BEGIN
  SELECT saldo_open(OLD.valid_from, (SELECT min(open_day, date(max(u.value), '+1 day'))
                                     FROM document AS d CROSS JOIN json_each(d.content, '$.tax_rates') AS u
                                     WHERE u.key = OLD.service_id AND u.value >= OLD.valid_from
                                       AND coalesce(d.month || '-01', d.issued_on)
                                           < (SELECT coalesce(min(valid_from), 'none') FROM tax_rate
                                              WHERE service_id = OLD.service_id AND valid_from > OLD.valid_from)),
                    'documents have used the tax rate of that day, another one can take effect')
  FROM books WHERE OLD.valid_from < open_day;
END;

-- document ------------------------------------------------------------------------------------------------------------

CREATE TRIGGER document_refuse_known BEFORE INSERT ON document BEGIN
  SELECT saldo_refuse('conflict', 'document ' || NEW.document_id || ' is issued already')
  WHERE EXISTS (SELECT 1 FROM document WHERE document_id = NEW.document_id);
END;

CREATE TRIGGER document_refuse_update BEFORE UPDATE ON document BEGIN
  SELECT saldo_refuse('append_only', 'a document is never changed; a correction mends a mistake');
END;

CREATE TRIGGER document_refuse_delete BEFORE DELETE ON document BEGIN
  SELECT saldo_refuse('append_only', 'a document is never deleted; a correction mends a mistake');
END;

-- document_run --------------------------------------------------------------------------------------------------------

CREATE TRIGGER document_run_refuse_invalid_insert BEFORE INSERT ON document_run BEGIN
  SELECT saldo_check('document_run', NEW.month, NEW.issued_on, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'run ' || NEW.run_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM document_run WHERE run_id = NEW.run_id);
  SELECT saldo_refuse('invalid', 'documents is computed; leave it out') WHERE NEW.documents IS NOT NULL;
END;

-- The run's row stands without its count until all is issued: that marks the run.
CREATE TRIGGER document_run_issue AFTER INSERT ON document_run BEGIN
  SELECT saldo_check_id('run_id', NEW.run_id);
  SELECT saldo_issue_documents(NEW.run_id);
END;

CREATE TRIGGER document_run_refuse_update BEFORE UPDATE ON document_run
WHEN OLD.documents IS NOT NULL
  OR (NEW.run_id, NEW.month, NEW.issued_on, NEW.recorded_at, NEW.recorded_by)
     IS NOT (OLD.run_id, OLD.month, OLD.issued_on, OLD.recorded_at, OLD.recorded_by) BEGIN
  SELECT saldo_refuse('append_only', 'a run of documents is never changed; another one adds what is missing');
END;

CREATE TRIGGER document_run_refuse_delete BEFORE DELETE ON document_run BEGIN
  SELECT saldo_refuse('append_only', 'a run of documents is never deleted');
END;

-- What is written to -------------------------------------------------------------------------------------------------

-- Either `amount` or `until`, a day until which the money is to last, with that many `employees` where given; it is
-- then asked at recorded_at what is needed (top_up).
CREATE VIEW invoice(document_id, number, account_id, issued_on, amount, until, employees, recorded_at, recorded_by) AS
SELECT document_id, number, account_id, issued_on, total,
       (SELECT value FROM json_each(content) WHERE key = 'until'),
       (SELECT value FROM json_each(content) WHERE key = 'employees'), recorded_at, recorded_by
FROM document WHERE kind = 'invoice';

CREATE TRIGGER invoice_issue INSTEAD OF INSERT ON invoice BEGIN
  SELECT saldo_check('invoice', NEW.account_id, NEW.issued_on, NEW.amount, NEW.until, NEW.employees, NEW.recorded_at,
                     NEW.recorded_by);
  SELECT saldo_refuse('invalid', 'document_id and number are computed; leave them out')
  WHERE coalesce(NEW.document_id, NEW.number) IS NOT NULL;
  SELECT saldo_issue_invoice(NEW.account_id, NEW.issued_on, NEW.amount, NEW.until, NEW.employees, NEW.recorded_at,
                             NEW.recorded_by);
END;

CREATE VIEW reconciliation(document_id, number, account_id, issued_on, period_from, period_to, recorded_at, recorded_by)
AS
SELECT document_id, number, account_id, issued_on,
       (SELECT value FROM json_each(content) WHERE key = 'period_from'),
       (SELECT value FROM json_each(content) WHERE key = 'period_to'), recorded_at, recorded_by
FROM document WHERE kind = 'reconciliation';

CREATE TRIGGER reconciliation_issue INSTEAD OF INSERT ON reconciliation BEGIN
  SELECT saldo_check('reconciliation', NEW.account_id, NEW.issued_on, NEW.period_from, NEW.period_to, NEW.recorded_at,
                     NEW.recorded_by);
  SELECT saldo_refuse('invalid', 'document_id and number are computed; leave them out')
  WHERE coalesce(NEW.document_id, NEW.number) IS NOT NULL;
  SELECT saldo_issue_reconciliation(NEW.account_id, NEW.issued_on, NEW.period_from, NEW.period_to, NEW.recorded_at,
                                    NEW.recorded_by);
END;

-- `corrects` is a month's document, or one of its corrections.
CREATE VIEW document_correction(document_id, corrects, correction_number, corrected_on, recorded_at, recorded_by) AS
SELECT document_id, corrects, correction_number, corrected_on, recorded_at, recorded_by
FROM document WHERE corrects IS NOT NULL;

CREATE TRIGGER document_correction_issue INSTEAD OF INSERT ON document_correction BEGIN
  SELECT saldo_check('document_correction', NEW.corrects, NEW.corrected_on, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('invalid', 'document_id and correction_number are computed; leave them out')
  WHERE coalesce(NEW.document_id, NEW.correction_number) IS NOT NULL;
  SELECT saldo_correct_document(NEW.corrects, NEW.corrected_on, NEW.recorded_at, NEW.recorded_by);
END;

-- What documents say -------------------------------------------------------------------------------------------------

CREATE VIEW document_line(document_id, line, service_id, name, unit, quantity, amount, tax_label, tax, period_from,
                          period_to) AS
SELECT d.document_id, l.key + 1, max(iif(m.key = 'service_id', m.value, NULL)), max(iif(m.key = 'name', m.value, NULL)),
       max(iif(m.key = 'unit', m.value, NULL)), max(iif(m.key = 'quantity', m.value, NULL)),
       max(iif(m.key = 'amount', m.value, NULL)), max(iif(m.key = 'tax_label', m.value, NULL)),
       max(iif(m.key = 'tax', m.value, NULL)), max(iif(m.key = 'period_from', m.value, NULL)),
       max(iif(m.key = 'period_to', m.value, NULL))
FROM document AS d CROSS JOIN json_each(d.content, '$.lines') AS l CROSS JOIN json_each(l.value) AS m
GROUP BY d.document_id, l.key;

-- A correction counts in place of what it corrects.
CREATE VIEW document_month(month, kind, documents, total, tax) AS
SELECT d.month, d.kind, count(*), sum(d.total), sum(d.tax)
FROM document AS d
WHERE d.month IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM document AS c
                  WHERE c.corrects = coalesce(d.corrects, d.document_id)
                    AND c.correction_number > coalesce(d.correction_number, 0))
GROUP BY d.month, d.kind;
