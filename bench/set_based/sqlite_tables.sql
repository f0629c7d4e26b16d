-- The facts that closing a day reads and the tables that it fills, plain: keys and indexes as in sql/tables.sql, but no
-- triggers, no references and no columns that closing has no use for. Less to do than Saldo has, so to their favour.

CREATE TABLE service(service_id TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE tariff(
  price_list TEXT, service_id TEXT, valid_from TEXT, min_quantity INTEGER,
  monthly_fee INTEGER NOT NULL, unit_fee INTEGER NOT NULL,
  PRIMARY KEY (price_list, service_id, valid_from, min_quantity)) WITHOUT ROWID;

CREATE TABLE account(account_id INTEGER PRIMARY KEY, name TEXT NOT NULL, registered_on TEXT NOT NULL);

CREATE TABLE account_terms(
  account_id INTEGER, valid_from TEXT, status TEXT NOT NULL, credit_limit INTEGER, held INTEGER NOT NULL,
  PRIMARY KEY (account_id, valid_from)) WITHOUT ROWID;

CREATE TABLE headcount(
  account_id INTEGER, day TEXT, employees INTEGER NOT NULL,
  PRIMARY KEY (account_id, day)) WITHOUT ROWID;

CREATE TABLE subscription(
  account_id INTEGER, service_id TEXT, started_on TEXT, ended_on TEXT, quantity INTEGER, price_list TEXT NOT NULL,
  PRIMARY KEY (account_id, service_id, started_on)) WITHOUT ROWID;

-- The billing day of `occurred_at` is stored in `occurred_on`, for R5.
CREATE TABLE usage_event(
  usage_id TEXT PRIMARY KEY, account_id INTEGER NOT NULL, service_id TEXT NOT NULL, occurred_at TEXT NOT NULL,
  occurred_on TEXT NOT NULL, quantity INTEGER NOT NULL, charged_on TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX usage_event_day ON usage_event(charged_on, account_id, service_id, quantity, occurred_on);

CREATE TABLE payment(
  payment_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, amount INTEGER NOT NULL, method TEXT NOT NULL,
  credited_at TEXT NOT NULL, day TEXT NOT NULL);
CREATE INDEX payment_day ON payment(day, account_id, amount);

CREATE TABLE adjustment(
  adjustment_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, amount INTEGER NOT NULL, kind TEXT NOT NULL,
  effective_at TEXT NOT NULL, day TEXT NOT NULL);
CREATE INDEX adjustment_day ON adjustment(day, account_id, amount);

CREATE TABLE charge(
  day TEXT, account_id INTEGER, service_id TEXT,
  quantity INTEGER NOT NULL, monthly_fee INTEGER NOT NULL, unit_fee INTEGER NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (day, account_id, service_id)) WITHOUT ROWID;

-- Each account has its row from the registration on.
CREATE TABLE balance(account_id INTEGER PRIMARY KEY, balance INTEGER NOT NULL DEFAULT 0, arrears_since TEXT);

CREATE TABLE day_close(
  day TEXT PRIMARY KEY, ends_at TEXT NOT NULL, closed_at TEXT NOT NULL,
  accounts INTEGER NOT NULL, charges INTEGER NOT NULL, charged INTEGER NOT NULL) WITHOUT ROWID;
