-- The tables of sqlite_tables.sql, with PostgreSQL's types.

CREATE TABLE service(service_id text PRIMARY KEY, kind text NOT NULL);

CREATE TABLE tariff(
  price_list text, service_id text, valid_from date, min_quantity bigint,
  monthly_fee bigint NOT NULL, unit_fee bigint NOT NULL,
  PRIMARY KEY (price_list, service_id, valid_from, min_quantity));

CREATE TABLE account(account_id bigint PRIMARY KEY, name text NOT NULL, registered_on date NOT NULL);

-- INCLUDE: what is looked up by the key is read from the index alone.
CREATE TABLE account_terms(
  account_id bigint, valid_from date, status text NOT NULL, credit_limit bigint, held smallint NOT NULL,
  PRIMARY KEY (account_id, valid_from) INCLUDE (status, credit_limit));

CREATE TABLE headcount(
  account_id bigint, day date, employees bigint NOT NULL,
  PRIMARY KEY (account_id, day) INCLUDE (employees));

CREATE TABLE subscription(
  account_id bigint, service_id text, started_on date, ended_on date, quantity bigint, price_list text NOT NULL,
  PRIMARY KEY (account_id, service_id, started_on));

CREATE TABLE usage_event(
  usage_id text PRIMARY KEY, account_id bigint NOT NULL, service_id text NOT NULL, occurred_at timestamptz NOT NULL,
  occurred_on date NOT NULL, quantity bigint NOT NULL, charged_on date NOT NULL);
CREATE INDEX usage_event_day ON usage_event(charged_on, account_id, service_id) INCLUDE (quantity, occurred_on);

CREATE TABLE payment(
  payment_id bigint PRIMARY KEY, account_id bigint NOT NULL, amount bigint NOT NULL, method text NOT NULL,
  credited_at timestamptz NOT NULL, day date NOT NULL);
CREATE INDEX payment_day ON payment(day, account_id) INCLUDE (amount);

CREATE TABLE adjustment(
  adjustment_id bigint PRIMARY KEY, account_id bigint NOT NULL, amount bigint NOT NULL, kind text NOT NULL,
  effective_at timestamptz NOT NULL, day date NOT NULL);
CREATE INDEX adjustment_day ON adjustment(day, account_id) INCLUDE (amount);

CREATE TABLE charge(
  day date, account_id bigint, service_id text,
  quantity bigint NOT NULL, monthly_fee bigint NOT NULL, unit_fee bigint NOT NULL, amount bigint NOT NULL,
  PRIMARY KEY (day, account_id, service_id));

-- Every row is updated every day; the room left makes that heap-only, without the index.
CREATE TABLE balance(account_id bigint PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, arrears_since timestamptz)
WITH (fillfactor = 45);

CREATE TABLE day_close(
  day date PRIMARY KEY, ends_at timestamptz NOT NULL, closed_at timestamptz NOT NULL,
  accounts bigint NOT NULL, charges bigint NOT NULL, charged bigint NOT NULL);
