-- The tables: facts (3.1), then what closing a day posts (3.2). Days are 'YYYY-MM-DD' in the billing time zone,
-- instants 'YYYY-MM-DDTHH:MM:SSZ' in UTC, amounts integers in minor units. What a column may hold is listed, with every
-- limit, in extension/functions/domains.cpp; the rules that compare rows are in triggers.sql.
--
-- Tables that are read along with the accounts are sorted by their keys, account first, so that closing a day is one
-- merge of them.

-- Facts ---------------------------------------------------------------------------------------------------------------

CREATE TABLE policy(
  valid_from                TEXT PRIMARY KEY NOT NULL,
  rules                     INTEGER NOT NULL DEFAULT 1,
  time_zone                 TEXT NOT NULL DEFAULT 'Europe/Moscow',
  currency                  TEXT NOT NULL DEFAULT 'RUB',
  working_week              TEXT NOT NULL DEFAULT '12345',
  restricted_days_charged   INTEGER DEFAULT NULL,
  grace_working_days        INTEGER NOT NULL DEFAULT 0,
  promised_payment_max_days INTEGER NOT NULL DEFAULT 3,
  low_balance_warning_days  INTEGER NOT NULL DEFAULT 3,
  language                  TEXT NOT NULL DEFAULT 'ru',
  reminder_days             INTEGER DEFAULT 7,
  reminders                 INTEGER NOT NULL DEFAULT 3,
  pay_url                   TEXT DEFAULT NULL,
  document_kind             TEXT NOT NULL DEFAULT 'act',
  recorded_at               TEXT,
  recorded_by               TEXT
) WITHOUT ROWID;

CREATE TABLE calendar_exception(
  day         TEXT PRIMARY KEY NOT NULL,
  working     INTEGER NOT NULL,
  name        TEXT,
  recorded_at TEXT,
  recorded_by TEXT
) WITHOUT ROWID;

CREATE TABLE service(
  service_id  TEXT PRIMARY KEY NOT NULL,
  name        TEXT NOT NULL,
  kind        TEXT NOT NULL,
  unit        TEXT,
  recorded_at TEXT,
  recorded_by TEXT
) WITHOUT ROWID;

CREATE TABLE tariff(
  price_list   TEXT NOT NULL,
  service_id   TEXT NOT NULL REFERENCES service,
  valid_from   TEXT NOT NULL,
  min_quantity INTEGER NOT NULL,
  monthly_fee  INTEGER NOT NULL DEFAULT 0,
  unit_fee     INTEGER NOT NULL DEFAULT 0,
  recorded_at  TEXT,
  recorded_by  TEXT,
  PRIMARY KEY (price_list, service_id, valid_from, min_quantity)
) WITHOUT ROWID;

CREATE TABLE account(
  account_id        INTEGER PRIMARY KEY,
  external_id       TEXT UNIQUE,
  name              TEXT NOT NULL,
  admin_email       TEXT,
  registered_on     TEXT NOT NULL,
  trial_ends_on     TEXT,
  customer_since    TEXT,
  legal_name        TEXT,
  tax_id            TEXT,
  postal_address    TEXT,
  kpp               TEXT,
  contract          TEXT,  -- as in '№ 15 от 01.02.2026'
  signatory         TEXT,
  documents         TEXT NOT NULL DEFAULT 'bank',
  document_delivery TEXT NOT NULL DEFAULT 'post',
  recorded_at       TEXT,
  recorded_by       TEXT
);
CREATE INDEX account_tax_id ON account(tax_id) WHERE tax_id IS NOT NULL;
CREATE INDEX account_contract ON account(contract) WHERE contract IS NOT NULL;
CREATE INDEX account_registered_on ON account(registered_on);

CREATE TABLE account_terms(
  account_id   INTEGER NOT NULL REFERENCES account,
  valid_from   TEXT NOT NULL,
  status       TEXT NOT NULL,
  credit_limit INTEGER DEFAULT 0,
  held         INTEGER NOT NULL DEFAULT 0,
  reason       TEXT,
  recorded_at  TEXT,
  recorded_by  TEXT,
  PRIMARY KEY (account_id, valid_from)
) WITHOUT ROWID;
CREATE INDEX account_terms_valid_from ON account_terms(valid_from);

CREATE TABLE headcount(
  account_id  INTEGER NOT NULL REFERENCES account,
  day         TEXT NOT NULL,
  employees   INTEGER NOT NULL,
  recorded_at TEXT,
  recorded_by TEXT,
  PRIMARY KEY (account_id, day)
) WITHOUT ROWID;
CREATE INDEX headcount_day ON headcount(day);

CREATE TABLE subscription(
  account_id  INTEGER NOT NULL REFERENCES account,
  service_id  TEXT NOT NULL REFERENCES service,
  started_on  TEXT NOT NULL,
  ended_on    TEXT,
  quantity    INTEGER,
  price_list  TEXT NOT NULL DEFAULT 'standard',
  recorded_at TEXT,
  recorded_by TEXT,
  PRIMARY KEY (account_id, service_id, started_on)
) WITHOUT ROWID;
CREATE INDEX subscription_started_on ON subscription(started_on);
CREATE INDEX subscription_ended_on ON subscription(ended_on) WHERE ended_on IS NOT NULL;

CREATE TABLE usage_event(
  usage_id    TEXT PRIMARY KEY NOT NULL,
  account_id  INTEGER NOT NULL REFERENCES account,
  service_id  TEXT NOT NULL REFERENCES service,
  occurred_at TEXT NOT NULL,
  quantity    INTEGER NOT NULL,
  charged_on  TEXT,
  recorded_at TEXT,
  recorded_by TEXT
) WITHOUT ROWID;
-- Both indexes hold all that a charge needs: one finds a day of all accounts, the other all days of an account.
CREATE INDEX usage_event_day ON usage_event(charged_on, account_id, service_id, quantity, occurred_at);
CREATE INDEX usage_event_account ON usage_event(account_id, charged_on, service_id, quantity, occurred_at);

CREATE TABLE payment_method(
  method      TEXT PRIMARY KEY NOT NULL,
  name        TEXT NOT NULL,
  recorded_at TEXT,
  recorded_by TEXT
) WITHOUT ROWID;

CREATE TABLE payment(
  payment_id  INTEGER PRIMARY KEY,
  account_id  INTEGER NOT NULL REFERENCES account,
  amount      INTEGER NOT NULL,
  method      TEXT NOT NULL REFERENCES payment_method,
  external_id TEXT,
  received_at TEXT,
  credited_at TEXT NOT NULL,
  day         TEXT,
  payer       TEXT,
  purpose     TEXT,
  recorded_at TEXT,
  recorded_by TEXT
);
CREATE UNIQUE INDEX payment_external_id ON payment(method, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX payment_day ON payment(day, account_id, credited_at, amount);
CREATE INDEX payment_account ON payment(account_id, day, credited_at, amount);

CREATE TABLE adjustment_kind(
  kind        TEXT PRIMARY KEY NOT NULL,
  name        TEXT NOT NULL,
  sign        INTEGER NOT NULL,  -- 1, -1, or 0: either
  revenue     INTEGER NOT NULL,  -- 1: it changes what was earned, 0: only what is owed
  recorded_at TEXT,
  recorded_by TEXT
) WITHOUT ROWID;

CREATE TABLE adjustment(
  adjustment_id INTEGER PRIMARY KEY,
  account_id    INTEGER NOT NULL REFERENCES account,
  amount        INTEGER NOT NULL,
  kind          TEXT NOT NULL REFERENCES adjustment_kind,
  effective_at  TEXT NOT NULL,
  day           TEXT,
  external_id   TEXT UNIQUE,
  reason        TEXT,
  payment_id    INTEGER REFERENCES payment,
  service_id    TEXT REFERENCES service,
  for_day       TEXT,
  recorded_at   TEXT,
  recorded_by   TEXT
);
CREATE INDEX adjustment_day ON adjustment(day, account_id, effective_at, amount);
CREATE INDEX adjustment_account ON adjustment(account_id, day, effective_at, amount);
CREATE INDEX adjustment_payment ON adjustment(payment_id, kind, amount) WHERE payment_id IS NOT NULL;

CREATE TABLE promised_payment(
  promise_id  INTEGER PRIMARY KEY,
  account_id  INTEGER NOT NULL REFERENCES account,
  granted_at  TEXT NOT NULL,
  days        INTEGER NOT NULL,
  expires_at  TEXT,
  recorded_at TEXT,
  recorded_by TEXT
);
CREATE INDEX promised_payment_account ON promised_payment(account_id, granted_at, expires_at);
CREATE INDEX promised_payment_granted_at ON promised_payment(granted_at);

-- Fact rows that were replaced or deleted while their day was open.
CREATE TABLE superseded(
  superseded_id INTEGER PRIMARY KEY,
  table_name    TEXT NOT NULL,
  key           TEXT NOT NULL,  -- a JSON array of the key's columns
  row_json      TEXT NOT NULL,  -- a JSON object of all columns
  recorded_at   TEXT,           -- when and by whom it was superseded, as the new row says
  recorded_by   TEXT,
  day           TEXT NOT NULL   -- the open day at that time, whose digest covers it
);
CREATE INDEX superseded_day ON superseded(day);

-- One row. `version` is a chain of hashes over all changes of policy, calendar_exception, service, tariff and the
-- closed days (books_version.sql): one value means one content of these tables, also within a transaction and after
-- ROLLBACK TO, and other books have another one. As long as it stands the extension need not read those tables again.
CREATE TABLE books_version(
  version INTEGER NOT NULL
);
INSERT INTO books_version(version) VALUES (0);

-- Posting -------------------------------------------------------------------------------------------------------------

CREATE TABLE day_close(
  day       TEXT PRIMARY KEY NOT NULL,
  ends_at   TEXT,
  closed_at TEXT NOT NULL,
  accounts  INTEGER,
  charges   INTEGER,
  charged   INTEGER,
  digest    TEXT
) WITHOUT ROWID;

-- saldo_posted(table) is an error except while Saldo itself writes, so that the column `posted` refuses everyone else's
-- rows.
CREATE TABLE charge(
  day         TEXT NOT NULL,
  account_id  INTEGER NOT NULL,
  service_id  TEXT NOT NULL,
  quantity    INTEGER NOT NULL,
  monthly_fee INTEGER NOT NULL,
  unit_fee    INTEGER NOT NULL,
  amount      INTEGER NOT NULL,
  posted      INTEGER GENERATED ALWAYS AS (saldo_posted('charge')) STORED,
  PRIMARY KEY (day, account_id, service_id)
) WITHOUT ROWID;

-- The totals of `charge` by day and service, for reports.
CREATE TABLE charge_total(
  day        TEXT NOT NULL,
  service_id TEXT NOT NULL,
  accounts   INTEGER NOT NULL,
  quantity   INTEGER NOT NULL,
  amount     INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('charge_total')) STORED,
  PRIMARY KEY (day, service_id)
) WITHOUT ROWID;

-- What each account carries out of the last closed day: the balance with that day's charges but without money that
-- counts from the midnight on, since when it was in arrears right before the midnight, and how many restricted days
-- (R9) this run of arrears has had.
CREATE TABLE balance(
  account_id      INTEGER PRIMARY KEY,
  balance         INTEGER NOT NULL,
  arrears_since   TEXT,
  restricted_days INTEGER NOT NULL,
  posted          INTEGER GENERATED ALWAYS AS (saldo_posted('balance')) STORED
);

-- What the facts say of an account from the end of a closed day on, in one row, so that nothing costs more as history
-- grows: its registration, terms, headcounts and subscriptions in force then or later (extension/facts/facts_in_force.h
-- gives the bytes). Closing a day makes the rows that are missing; whatever changes an account's facts deletes its row.
CREATE TABLE facts_in_force(
  account_id INTEGER PRIMARY KEY,
  facts      BLOB NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('facts_in_force')) STORED
);

-- Running totals, so that the limit of a sum costs a new fact the same whatever was recorded before it
-- (functions/totals.cpp). The first two are of days not closed; only an account with new facts has its row up to date,
-- and closing a day leaves these tables alone.

-- An account's usage of a service that is charged on the day.
CREATE TABLE open_usage(
  account_id INTEGER NOT NULL,
  service_id TEXT NOT NULL,
  day        TEXT NOT NULL,
  quantity   INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('open_usage')) STORED,
  PRIMARY KEY (account_id, service_id, day)
) WITHOUT ROWID;

-- An account's payments and adjustments of all days after `after_day`, which is '' before any day is closed.
CREATE TABLE open_money(
  account_id INTEGER PRIMARY KEY,
  after_day  TEXT NOT NULL,
  amount     INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('open_money')) STORED
);

-- What went back of a payment by refunds and chargebacks (R12), a positive amount.
CREATE TABLE payment_returned(
  payment_id INTEGER PRIMARY KEY,
  amount     INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('payment_returned')) STORED
);
