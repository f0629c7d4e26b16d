-- Notices: what people and the CRM must be told. Moving the clock posts them, in one statement:
--
--   UPDATE notice_clock SET at = '2026-11-16T06:00:00Z'
--
-- What an account was last seen in lies in `notice_seen`, with the instant at which it next has to be looked at: a run
-- looks at the accounts that are due, and at no others. Whatever is recorded of an account makes it due at once.

-- What can be told. The operator may change by_email.
CREATE TABLE notice_kind(
  kind     TEXT PRIMARY KEY NOT NULL,
  name     TEXT NOT NULL,
  severity TEXT NOT NULL,
  by_email INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER notice_kind_refuse_invalid_insert BEFORE INSERT ON notice_kind BEGIN
  SELECT saldo_check('notice_kind', NEW.kind, NEW.name, NEW.severity, NEW.by_email);
  SELECT saldo_refuse('append_only', 'the kinds of notices are fixed; by_email alone can be changed')
  WHERE EXISTS (SELECT 1 FROM policy);
END;

CREATE TRIGGER notice_kind_refuse_invalid_update BEFORE UPDATE ON notice_kind BEGIN
  SELECT saldo_check('notice_kind', NEW.kind, NEW.name, NEW.severity, NEW.by_email);
  SELECT saldo_refuse('append_only', 'the kinds of notices are fixed; by_email alone can be changed')
  WHERE (NEW.kind, NEW.name, NEW.severity) IS NOT (OLD.kind, OLD.name, OLD.severity);
END;

CREATE TRIGGER notice_kind_refuse_delete BEFORE DELETE ON notice_kind BEGIN
  SELECT saldo_refuse('append_only', 'the kinds of notices are fixed; by_email alone can be changed');
END;

-- One row. `at` is the last run's instant; `posted_at` is that too, but while a run goes on still the one before.
-- look_at_all 1: the next run looks at every account, as something changed that concerns them all.
CREATE TABLE notice_clock(
  at          TEXT,
  posted_at   TEXT,
  look_at_all INTEGER NOT NULL
);
INSERT INTO notice_clock(at, posted_at, look_at_all) VALUES (NULL, NULL, 0);

CREATE TRIGGER notice_clock_refuse_insert BEFORE INSERT ON notice_clock BEGIN
  SELECT saldo_refuse('append_only', 'notice_clock has one row; UPDATE notice_clock SET at = ... moves it');
END;

CREATE TRIGGER notice_clock_refuse_invalid_at BEFORE UPDATE OF at ON notice_clock BEGIN
  SELECT saldo_check('notice_clock', NEW.at);
  SELECT saldo_refuse('conflict', 'the clock of the notices is at ' || OLD.at || ' already; it does not go back to '
                                  || NEW.at)
  WHERE NEW.at < OLD.at;
  SELECT saldo_refuse('conflict', 'the books were opened at ' || day_start(opening_day)
                                  || '; the clock of the notices does not go back to ' || NEW.at)
  FROM books WHERE NEW.at < day_start(opening_day);
END;

CREATE TRIGGER notice_clock_post AFTER UPDATE OF at ON notice_clock BEGIN
  SELECT saldo_post_notices();
END;

CREATE TRIGGER notice_clock_refuse_foreign_update BEFORE UPDATE OF posted_at, look_at_all ON notice_clock
WHEN NEW.posted_at IS NOT OLD.posted_at OR NEW.look_at_all NOT IN (OLD.look_at_all, 1) BEGIN
  SELECT saldo_posted('notice_clock');
END;

CREATE TRIGGER notice_clock_refuse_delete BEFORE DELETE ON notice_clock BEGIN
  SELECT saldo_refuse('append_only', 'notice_clock has one row; UPDATE notice_clock SET at = ... moves it');
END;

-- What was told. The columns from `state` on are as access_state has them at the instant `at`; null before the
-- registration.
CREATE TABLE notice(
  notice_id       INTEGER PRIMARY KEY,
  account_id      INTEGER NOT NULL,
  kind            TEXT NOT NULL,
  at              TEXT NOT NULL,  -- the run's
  number          INTEGER,        -- of a reminder, or of the document
  amount          INTEGER,        -- of a payment or document
  reference       INTEGER,        -- its payment_id or document_id
  state           TEXT,
  balance         INTEGER,
  arrears_since   TEXT,
  restricted_from TEXT,
  promised_until  TEXT,
  promise_allowed INTEGER,
  lasts_until     TEXT,
  trial_ends_on   TEXT,
  top_up          INTEGER,
  posted          INTEGER GENERATED ALWAYS AS (saldo_posted('notice')) STORED
);
CREATE INDEX notice_account ON notice(account_id, notice_id);

CREATE TRIGGER notice_refuse_update BEFORE UPDATE ON notice BEGIN
  SELECT saldo_refuse('append_only', 'what was told is never changed');
END;

CREATE TRIGGER notice_refuse_delete BEFORE DELETE ON notice BEGIN
  SELECT saldo_refuse('append_only', 'what was told is never deleted');
END;

-- What the notices say; extension/rules/notice_text.h tells how a template is written.
CREATE TABLE notice_template(
  kind     TEXT NOT NULL REFERENCES notice_kind,
  language TEXT NOT NULL,
  subject  TEXT NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (kind, language)
) WITHOUT ROWID;

CREATE TRIGGER notice_template_refuse_invalid_insert BEFORE INSERT ON notice_template BEGIN
  SELECT saldo_check('notice_template', NEW.kind, NEW.language, NEW.subject, NEW.body);
  SELECT saldo_check_template('subject', NEW.subject), saldo_check_template('body', NEW.body);
  SELECT saldo_refuse('not_found', 'there is no kind of notice ' || NEW.kind)
  WHERE NOT EXISTS (SELECT 1 FROM notice_kind WHERE kind = NEW.kind);
END;

CREATE TRIGGER notice_template_refuse_invalid_update BEFORE UPDATE ON notice_template BEGIN
  SELECT saldo_check('notice_template', NEW.kind, NEW.language, NEW.subject, NEW.body);
  SELECT saldo_check_template('subject', NEW.subject), saldo_check_template('body', NEW.body);
  SELECT saldo_refuse('conflict', 'this is the template of ' || OLD.kind || ' in ' || OLD.language
                                  || '; its texts alone can be changed')
  WHERE (NEW.kind, NEW.language) IS NOT (OLD.kind, OLD.language);
END;

CREATE TRIGGER notice_template_refuse_delete BEFORE DELETE ON notice_template BEGIN
  SELECT saldo_refuse('conflict', 'every kind of notice has its templates; they can be changed');
END;

-- The notices as they are sent, in the language of the policy of their day. {debt} is missing where nothing is owed,
-- {top_up} where no more is needed, {promise_days} where no payment can be promised, {amount} of a reconciliation.
CREATE VIEW notice_message(notice_id, account_id, kind, severity, at, language, subject, body) AS
SELECT n.notice_id, n.account_id, n.kind, n.severity, n.at, n.language,
       saldo_fill_template(t.subject, n.language, n.value_json), saldo_fill_template(t.body, n.language, n.value_json)
FROM (SELECT n.notice_id, n.account_id, n.kind, k.severity, n.at, p.language,
             saldo_json_object('at', n.at, 'account_id', n.account_id, 'name', a.name, 'balance', n.balance,
                               'debt', iif(n.balance < 0, -n.balance, NULL),
                               'amount', iif(d.kind = 'reconciliation', NULL, n.amount),
                               'top_up', nullif(n.top_up, 0), 'arrears_since', n.arrears_since,
                               'restricted_from', n.restricted_from, 'promised_until', n.promised_until,
                               'lasts_until', n.lasts_until, 'trial_ends_on', n.trial_ends_on,
                               'promise_days', iif(n.promise_allowed = 1, p.promised_payment_max_days, NULL),
                               'number', n.number,
                               'document', document_name(d.kind, d.number, d.issued_on, d.correction_number,
                                                         p.language),
                               'reference', n.reference, 'pay_url', p.pay_url) AS value_json
      FROM notice AS n CROSS JOIN notice_kind AS k ON k.kind = n.kind
      CROSS JOIN account AS a ON a.account_id = n.account_id
      CROSS JOIN policy AS p
      ON p.valid_from = (SELECT max(valid_from) FROM policy WHERE valid_from <= billing_day(n.at))
      LEFT JOIN document AS d ON d.document_id = iif(n.kind = 'document', n.reference, NULL)) AS n
CROSS JOIN notice_template AS t ON t.kind = n.kind AND t.language = n.language;

-- The memory of the runs. Saldo alone writes it, but for look_at, which whoever records something of the account sets
-- to '': the next run looks at it. An account registered after the first run has a row from then on.
CREATE TABLE notice_seen(
  account_id INTEGER PRIMARY KEY,
  state      TEXT,  -- as the last run saw it; null: not seen since its registration
  warning    TEXT,  -- the one whose condition the last run found true
  look_at    TEXT   -- when the account may next change by itself; null: never
);
CREATE INDEX notice_seen_look_at ON notice_seen(look_at);

CREATE TRIGGER notice_seen_refuse_foreign_insert BEFORE INSERT ON notice_seen
WHEN NEW.state IS NOT NULL OR NEW.warning IS NOT NULL OR NEW.look_at IS NOT ''
  OR EXISTS (SELECT 1 FROM notice_seen WHERE account_id = NEW.account_id) BEGIN
  SELECT saldo_posted('notice_seen');
END;

CREATE TRIGGER notice_seen_refuse_foreign_update BEFORE UPDATE ON notice_seen
WHEN (NEW.account_id, NEW.state, NEW.warning, NEW.look_at) IS NOT (OLD.account_id, OLD.state, OLD.warning, '') BEGIN
  SELECT saldo_posted('notice_seen');
END;

CREATE TRIGGER notice_seen_refuse_delete BEFORE DELETE ON notice_seen BEGIN
  SELECT saldo_posted('notice_seen');
END;

-- The greatest number of a reminder that was posted or passed (N3), of each restriction that had one.
CREATE TABLE notice_reminder(
  account_id      INTEGER NOT NULL,
  restricted_from TEXT NOT NULL,
  number          INTEGER NOT NULL,
  posted          INTEGER GENERATED ALWAYS AS (saldo_posted('notice_reminder')) STORED,
  PRIMARY KEY (account_id, restricted_from)
) WITHOUT ROWID;

CREATE TRIGGER notice_reminder_refuse_delete BEFORE DELETE ON notice_reminder BEGIN
  SELECT saldo_posted('notice_reminder');
END;

-- Payments and documents recorded since the last run: each is told once, whatever the time between two runs.
CREATE TABLE notice_pending(
  account_id INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  reference  INTEGER NOT NULL,
  amount     INTEGER,
  PRIMARY KEY (account_id, kind, reference)
) WITHOUT ROWID;

CREATE TRIGGER notice_pending_refuse_invalid_insert BEFORE INSERT ON notice_pending BEGIN
  SELECT saldo_refuse('not_found', 'there is no such payment or document of account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM payment
                    WHERE NEW.kind = 'payment' AND payment_id = NEW.reference AND account_id = NEW.account_id
                      AND amount = NEW.amount)
    AND NOT EXISTS (SELECT 1 FROM document
                    WHERE NEW.kind = 'document' AND document_id = NEW.reference AND account_id = NEW.account_id
                      AND total = NEW.amount);
END;

CREATE TRIGGER notice_pending_look AFTER INSERT ON notice_pending BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER notice_pending_refuse_update BEFORE UPDATE ON notice_pending BEGIN
  SELECT saldo_posted('notice_pending');
END;

CREATE TRIGGER notice_pending_refuse_delete BEFORE DELETE ON notice_pending BEGIN
  SELECT saldo_posted('notice_pending');
END;

-- What is recorded makes an account due, or all of them. A service makes none due: it changes nothing before it has a
-- price, and afterwards nothing of it can change but its name and unit.

CREATE TRIGGER account_notice_insert AFTER INSERT ON account BEGIN
  INSERT INTO notice_seen(account_id, look_at) SELECT NEW.account_id, '' FROM notice_clock WHERE at IS NOT NULL;
END;

CREATE TRIGGER account_notice_update AFTER UPDATE OF registered_on, trial_ends_on ON account BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER account_terms_notice_insert AFTER INSERT ON account_terms BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER account_terms_notice_update AFTER UPDATE ON account_terms BEGIN
  UPDATE notice_seen SET look_at = ''
  WHERE account_id IN (OLD.account_id, NEW.account_id) AND look_at IS NOT '';
END;

CREATE TRIGGER account_terms_notice_delete AFTER DELETE ON account_terms BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = OLD.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER headcount_notice_insert AFTER INSERT ON headcount BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER headcount_notice_update AFTER UPDATE ON headcount BEGIN
  UPDATE notice_seen SET look_at = ''
  WHERE account_id IN (OLD.account_id, NEW.account_id) AND look_at IS NOT '';
END;

CREATE TRIGGER headcount_notice_delete AFTER DELETE ON headcount BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = OLD.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER subscription_notice_insert AFTER INSERT ON subscription BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER subscription_notice_update AFTER UPDATE ON subscription BEGIN
  UPDATE notice_seen SET look_at = ''
  WHERE account_id IN (OLD.account_id, NEW.account_id) AND look_at IS NOT '';
END;

CREATE TRIGGER subscription_notice_delete AFTER DELETE ON subscription BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = OLD.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER usage_event_notice_insert AFTER INSERT ON usage_event BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER payment_notice_insert AFTER INSERT ON payment BEGIN
  INSERT INTO notice_pending(account_id, kind, reference, amount)
  SELECT NEW.account_id, 'payment', NEW.payment_id, NEW.amount FROM notice_clock WHERE at IS NOT NULL;
END;

CREATE TRIGGER document_notice_insert AFTER INSERT ON document BEGIN
  INSERT INTO notice_pending(account_id, kind, reference, amount)
  SELECT NEW.account_id, 'document', NEW.document_id, NEW.total FROM notice_clock WHERE at IS NOT NULL;
END;

CREATE TRIGGER adjustment_notice_insert AFTER INSERT ON adjustment BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER promised_payment_notice_insert AFTER INSERT ON promised_payment BEGIN
  UPDATE notice_seen SET look_at = '' WHERE account_id = NEW.account_id AND look_at IS NOT '';
END;

CREATE TRIGGER policy_notice_insert AFTER INSERT ON policy BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER policy_notice_update AFTER UPDATE ON policy BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER policy_notice_delete AFTER DELETE ON policy BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER calendar_exception_notice_insert AFTER INSERT ON calendar_exception BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER calendar_exception_notice_update AFTER UPDATE ON calendar_exception BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER calendar_exception_notice_delete AFTER DELETE ON calendar_exception BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER tariff_notice_insert AFTER INSERT ON tariff BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER tariff_notice_update AFTER UPDATE ON tariff BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;

CREATE TRIGGER tariff_notice_delete AFTER DELETE ON tariff BEGIN
  UPDATE notice_clock SET look_at_all = 1 WHERE at IS NOT NULL AND look_at_all = 0;
END;
