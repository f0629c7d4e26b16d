-- What saldo_install creates, statement by statement, as sqlite_schema holds it. Made of the other files, where the
-- comments are, by tests/sql/test_schema.py --write; a test compares.

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

CREATE TABLE books_version(
  version INTEGER NOT NULL
);

CREATE TABLE day_close(
  day       TEXT PRIMARY KEY NOT NULL,
  ends_at   TEXT,
  closed_at TEXT NOT NULL,
  accounts  INTEGER,
  charges   INTEGER,
  charged   INTEGER,
  digest    TEXT
) WITHOUT ROWID;

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

CREATE TABLE charge_total(
  day        TEXT NOT NULL,
  service_id TEXT NOT NULL,
  accounts   INTEGER NOT NULL,
  quantity   INTEGER NOT NULL,
  amount     INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('charge_total')) STORED,
  PRIMARY KEY (day, service_id)
) WITHOUT ROWID;

CREATE TABLE balance(
  account_id      INTEGER PRIMARY KEY,
  balance         INTEGER NOT NULL,
  arrears_since   TEXT,
  restricted_days INTEGER NOT NULL,
  posted          INTEGER GENERATED ALWAYS AS (saldo_posted('balance')) STORED
);

CREATE TABLE facts_in_force(
  account_id INTEGER PRIMARY KEY,
  facts      BLOB NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('facts_in_force')) STORED
);

CREATE TABLE open_usage(
  account_id INTEGER NOT NULL,
  service_id TEXT NOT NULL,
  day        TEXT NOT NULL,
  quantity   INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('open_usage')) STORED,
  PRIMARY KEY (account_id, service_id, day)
) WITHOUT ROWID;

CREATE TABLE open_money(
  account_id INTEGER PRIMARY KEY,
  after_day  TEXT NOT NULL,
  amount     INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('open_money')) STORED
);

CREATE TABLE payment_returned(
  payment_id INTEGER PRIMARY KEY,
  amount     INTEGER NOT NULL,
  posted     INTEGER GENERATED ALWAYS AS (saldo_posted('payment_returned')) STORED
);

CREATE TRIGGER policy_refuse_invalid_insert BEFORE INSERT ON policy BEGIN
  SELECT saldo_check('policy', NEW.valid_from, NEW.rules, NEW.time_zone, NEW.currency, NEW.working_week,
                     NEW.restricted_days_charged, NEW.grace_working_days, NEW.promised_payment_max_days,
                     NEW.low_balance_warning_days, NEW.language, NEW.reminder_days, NEW.reminders, NEW.pay_url,
                     NEW.document_kind, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_open(NEW.valid_from, open_day, 'a policy can take effect') FROM books;
  SELECT saldo_refuse('conflict', 'time zone and currency are the same in all versions of the policy: ' || time_zone
                                  || ', ' || currency)
  FROM policy WHERE valid_from <> NEW.valid_from AND (time_zone <> NEW.time_zone OR currency <> NEW.currency);
  SELECT saldo_refuse('conflict', 'time zone and currency are fixed from the first money, usage or close: ' || time_zone
                                  || ', ' || currency)
  FROM policy
  WHERE (time_zone <> NEW.time_zone OR currency <> NEW.currency)
    AND (EXISTS (SELECT 1 FROM payment) OR EXISTS (SELECT 1 FROM adjustment) OR EXISTS (SELECT 1 FROM usage_event)
         OR EXISTS (SELECT 1 FROM day_close));
END;

CREATE TRIGGER policy_refuse_invalid_update BEFORE UPDATE ON policy BEGIN
  SELECT saldo_check('policy', NEW.valid_from, NEW.rules, NEW.time_zone, NEW.currency, NEW.working_week,
                     NEW.restricted_days_charged, NEW.grace_working_days, NEW.promised_payment_max_days,
                     NEW.low_balance_warning_days, NEW.language, NEW.reminder_days, NEW.reminders, NEW.pay_url,
                     NEW.document_kind, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'the first policy opens the books, on ' || OLD.valid_from || '; it stays there')
  FROM books WHERE opening_day = OLD.valid_from AND NEW.valid_from <> OLD.valid_from;
  SELECT saldo_open(min(OLD.valid_from, NEW.valid_from), open_day, 'a policy can take effect') FROM books;
  SELECT saldo_refuse('conflict', 'time zone and currency are the same in all versions of the policy: ' || time_zone
                                  || ', ' || currency)
  FROM policy WHERE valid_from <> NEW.valid_from AND (time_zone <> NEW.time_zone OR currency <> NEW.currency);
  SELECT saldo_refuse('conflict', 'time zone and currency are fixed from the first money, usage or close: ' || time_zone
                                  || ', ' || currency)
  FROM policy
  WHERE (time_zone <> NEW.time_zone OR currency <> NEW.currency)
    AND (EXISTS (SELECT 1 FROM payment) OR EXISTS (SELECT 1 FROM adjustment) OR EXISTS (SELECT 1 FROM usage_event)
         OR EXISTS (SELECT 1 FROM day_close));
END;

CREATE TRIGGER policy_refuse_delete_of_closed_day BEFORE DELETE ON policy BEGIN
  SELECT saldo_refuse('conflict', 'the first policy opens the books, on ' || OLD.valid_from || '; it stays')
  FROM books WHERE opening_day = OLD.valid_from;
  SELECT saldo_open(OLD.valid_from, open_day, 'a policy can take effect') FROM books;
END;

CREATE TRIGGER calendar_exception_refuse_invalid_insert BEFORE INSERT ON calendar_exception BEGIN
  SELECT saldo_check('calendar_exception', NEW.day, NEW.working, NEW.name, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_open(NEW.day, open_day, 'the calendar can change') FROM books;
END;

CREATE TRIGGER calendar_exception_refuse_invalid_update BEFORE UPDATE ON calendar_exception BEGIN
  SELECT saldo_check('calendar_exception', NEW.day, NEW.working, NEW.name, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_open(min(OLD.day, NEW.day), open_day, 'the calendar can change') FROM books;
END;

CREATE TRIGGER calendar_exception_refuse_delete_of_closed_day BEFORE DELETE ON calendar_exception BEGIN
  SELECT saldo_open(OLD.day, open_day, 'the calendar can change') FROM books;
END;

CREATE TRIGGER service_refuse_invalid_insert BEFORE INSERT ON service BEGIN
  SELECT saldo_check('service', NEW.service_id, NEW.name, NEW.kind, NEW.unit, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', service_id || ' is in use as a ' || kind || ' service; that stays')
  FROM service AS s
  WHERE service_id = NEW.service_id AND kind <> NEW.kind
    AND (EXISTS (SELECT 1 FROM tariff AS t WHERE t.service_id = s.service_id)
         OR EXISTS (SELECT 1 FROM subscription AS u WHERE u.service_id = s.service_id)
         OR EXISTS (SELECT 1 FROM usage_event AS e WHERE e.service_id = s.service_id));
END;

CREATE TRIGGER service_refuse_invalid_update BEFORE UPDATE ON service BEGIN
  SELECT saldo_check('service', NEW.service_id, NEW.name, NEW.kind, NEW.unit, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'a service stays ' || OLD.service_id || '; insert another one')
  WHERE NEW.service_id <> OLD.service_id;
  SELECT saldo_refuse('conflict', service_id || ' is in use as a ' || kind || ' service; that stays')
  FROM service AS s
  WHERE service_id = NEW.service_id AND kind <> NEW.kind
    AND (EXISTS (SELECT 1 FROM tariff AS t WHERE t.service_id = s.service_id)
         OR EXISTS (SELECT 1 FROM subscription AS u WHERE u.service_id = s.service_id)
         OR EXISTS (SELECT 1 FROM usage_event AS e WHERE e.service_id = s.service_id));
END;

CREATE TRIGGER service_refuse_delete_of_used BEFORE DELETE ON service BEGIN
  SELECT saldo_refuse('conflict', OLD.service_id || ' is in use and stays')
  WHERE EXISTS (SELECT 1 FROM tariff WHERE service_id = OLD.service_id)
     OR EXISTS (SELECT 1 FROM subscription WHERE service_id = OLD.service_id)
     OR EXISTS (SELECT 1 FROM usage_event WHERE service_id = OLD.service_id)
     OR EXISTS (SELECT 1 FROM adjustment WHERE service_id = OLD.service_id)
     OR EXISTS (SELECT 1 FROM tax_rate WHERE service_id = OLD.service_id);
END;

CREATE TRIGGER tariff_refuse_invalid_insert BEFORE INSERT ON tariff BEGIN
  SELECT saldo_check('tariff', NEW.price_list, NEW.service_id, NEW.valid_from, NEW.min_quantity, NEW.monthly_fee,
                     NEW.unit_fee, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_open(NEW.valid_from, open_day, 'a price can take effect') FROM books;
END;

CREATE TRIGGER tariff_refuse_invalid_update BEFORE UPDATE ON tariff BEGIN
  SELECT saldo_check('tariff', NEW.price_list, NEW.service_id, NEW.valid_from, NEW.min_quantity, NEW.monthly_fee,
                     NEW.unit_fee, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_open(min(OLD.valid_from, NEW.valid_from), open_day, 'a price can take effect') FROM books;
END;

CREATE TRIGGER tariff_refuse_delete_of_closed_day BEFORE DELETE ON tariff BEGIN
  SELECT saldo_open(OLD.valid_from, open_day, 'a price can take effect') FROM books;
END;

CREATE TRIGGER account_refuse_invalid_insert BEFORE INSERT ON account BEGIN
  SELECT saldo_check('account', NEW.external_id, NEW.name, NEW.admin_email, NEW.registered_on, NEW.trial_ends_on,
                     NEW.customer_since, NEW.legal_name, NEW.tax_id, NEW.postal_address, NEW.kpp, NEW.contract,
                     NEW.signatory, NEW.documents, NEW.document_delivery, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'there is an account ' || NEW.account_id || ' already; UPDATE changes it')
  WHERE EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('conflict', 'external_id ' || NEW.external_id || ' is account ' || account_id || ' already')
  FROM account WHERE external_id = NEW.external_id;
  -- Accounts may have been registered elsewhere before the opening; they are moved in before the first close.
  SELECT saldo_open(NEW.registered_on, open_day, 'an account can be registered')
  FROM books WHERE last_closed_day IS NOT NULL;
END;

CREATE TRIGGER account_refuse_invalid_id AFTER INSERT ON account BEGIN
  SELECT saldo_check_id('account_id', NEW.account_id);
END;

CREATE TRIGGER account_refuse_invalid_update BEFORE UPDATE ON account BEGIN
  SELECT saldo_check('account', NEW.external_id, NEW.name, NEW.admin_email, NEW.registered_on, NEW.trial_ends_on,
                     NEW.customer_since, NEW.legal_name, NEW.tax_id, NEW.postal_address, NEW.kpp, NEW.contract,
                     NEW.signatory, NEW.documents, NEW.document_delivery, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'an account''s account_id never changes') WHERE NEW.account_id IS NOT OLD.account_id;
  SELECT saldo_refuse('conflict', 'external_id ' || NEW.external_id || ' is account ' || account_id || ' already')
  FROM account WHERE external_id = NEW.external_id AND account_id <> OLD.account_id;
  SELECT saldo_open(min(OLD.registered_on, NEW.registered_on), open_day, 'a registration can change')
  FROM books WHERE last_closed_day IS NOT NULL AND NEW.registered_on <> OLD.registered_on;
  SELECT saldo_refuse('out_of_range', 'registered_on is ' || NEW.registered_on || ', after the account''s first terms, '
                                      || valid_from)
  FROM (SELECT valid_from FROM account_terms WHERE account_id = OLD.account_id ORDER BY valid_from LIMIT 1)
  WHERE valid_from < NEW.registered_on;
END;

CREATE TRIGGER account_forget_facts_in_force AFTER UPDATE OF registered_on, trial_ends_on ON account BEGIN
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER account_refuse_delete BEFORE DELETE ON account BEGIN
  SELECT saldo_refuse('append_only', 'accounts are never deleted; terms with status closed end one');
END;

CREATE TRIGGER account_terms_refuse_invalid_insert BEFORE INSERT ON account_terms BEGIN
  SELECT saldo_check('account_terms', NEW.account_id, NEW.valid_from, NEW.status, NEW.credit_limit, NEW.held,
                     NEW.reason, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(NEW.valid_from, open_day, 'terms can take effect') FROM books;
  SELECT saldo_refuse('out_of_range', 'valid_from is ' || NEW.valid_from
                                      || '; terms start no earlier than the registration, ' || registered_on)
  FROM account WHERE account_id = NEW.account_id AND registered_on > NEW.valid_from;
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER account_terms_refuse_invalid_update BEFORE UPDATE ON account_terms BEGIN
  SELECT saldo_check('account_terms', NEW.account_id, NEW.valid_from, NEW.status, NEW.credit_limit, NEW.held,
                     NEW.reason, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(min(OLD.valid_from, NEW.valid_from), open_day, 'terms can take effect') FROM books;
  SELECT saldo_refuse('out_of_range', 'valid_from is ' || NEW.valid_from
                                      || '; terms start no earlier than the registration, ' || registered_on)
  FROM account WHERE account_id = NEW.account_id AND registered_on > NEW.valid_from;
  DELETE FROM facts_in_force WHERE account_id IN (OLD.account_id, NEW.account_id);
END;

CREATE TRIGGER account_terms_refuse_delete_of_closed_day BEFORE DELETE ON account_terms BEGIN
  SELECT saldo_open(OLD.valid_from, open_day, 'terms can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id = OLD.account_id;
END;

CREATE TRIGGER headcount_refuse_invalid_insert BEFORE INSERT ON headcount BEGIN
  SELECT saldo_check('headcount', NEW.account_id, NEW.day, NEW.employees, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(NEW.day, open_day, 'a headcount can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER headcount_refuse_invalid_update BEFORE UPDATE ON headcount BEGIN
  SELECT saldo_check('headcount', NEW.account_id, NEW.day, NEW.employees, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(min(OLD.day, NEW.day), open_day, 'a headcount can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id IN (OLD.account_id, NEW.account_id);
END;

CREATE TRIGGER headcount_refuse_delete_of_closed_day BEFORE DELETE ON headcount BEGIN
  SELECT saldo_open(OLD.day, open_day, 'a headcount can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id = OLD.account_id;
END;

CREATE TRIGGER subscription_refuse_invalid_insert BEFORE INSERT ON subscription BEGIN
  SELECT saldo_check('subscription', NEW.account_id, NEW.service_id, NEW.started_on, NEW.ended_on, NEW.quantity,
                     NEW.price_list, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_refuse('out_of_range', 'ended_on is ' || NEW.ended_on || ', before started_on ' || NEW.started_on)
  WHERE NEW.ended_on < NEW.started_on;
  SELECT saldo_open(NEW.started_on, open_day, 'a subscription can start') FROM books
  WHERE NOT EXISTS (
    SELECT 1 FROM subscription AS s
    WHERE s.account_id = NEW.account_id AND s.service_id = NEW.service_id AND s.started_on = NEW.started_on
      AND s.quantity IS NEW.quantity AND s.price_list = NEW.price_list AND s.ended_on IS NOT NEW.ended_on
      AND (s.ended_on IS NULL OR s.ended_on >= open_day));
  SELECT saldo_open(NEW.ended_on, open_day, 'a subscription can end') FROM books WHERE NEW.ended_on IS NOT NULL;
  SELECT saldo_refuse('conflict', NEW.service_id || ' overlaps the subscription from ' || started_on || ' to '
                                  || coalesce(ended_on, 'now on'))
  FROM (SELECT s.started_on, s.ended_on FROM subscription AS s
        WHERE s.account_id = NEW.account_id AND s.service_id = NEW.service_id AND s.started_on <> NEW.started_on
          AND s.started_on < coalesce(NEW.ended_on, '9999-99') AND s.started_on IS NOT s.ended_on
        ORDER BY s.started_on DESC LIMIT 1)
  WHERE NEW.started_on < coalesce(ended_on, '9999-99') AND NEW.started_on IS NOT NEW.ended_on;
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER subscription_refuse_invalid_update BEFORE UPDATE ON subscription BEGIN
  SELECT saldo_check('subscription', NEW.account_id, NEW.service_id, NEW.started_on, NEW.ended_on, NEW.quantity,
                     NEW.price_list, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_refuse('out_of_range', 'ended_on is ' || NEW.ended_on || ', before started_on ' || NEW.started_on)
  WHERE NEW.ended_on < NEW.started_on;
  SELECT saldo_open(min(OLD.started_on, NEW.started_on), open_day, 'a subscription can start') FROM books
  WHERE (NEW.account_id, NEW.service_id, NEW.started_on, NEW.quantity, NEW.price_list)
        IS NOT (OLD.account_id, OLD.service_id, OLD.started_on, OLD.quantity, OLD.price_list)
     OR OLD.ended_on < open_day;
  SELECT saldo_open(NEW.ended_on, open_day, 'a subscription can end') FROM books WHERE NEW.ended_on IS NOT NULL;
  SELECT saldo_refuse('conflict', NEW.service_id || ' overlaps the subscription from ' || started_on || ' to '
                                  || coalesce(ended_on, 'now on'))
  FROM (SELECT s.started_on, s.ended_on FROM subscription AS s
        WHERE s.account_id = NEW.account_id AND s.service_id = NEW.service_id AND s.started_on <> NEW.started_on
          AND (s.account_id, s.service_id, s.started_on) <> (OLD.account_id, OLD.service_id, OLD.started_on)
          AND s.started_on < coalesce(NEW.ended_on, '9999-99') AND s.started_on IS NOT s.ended_on
        ORDER BY s.started_on DESC LIMIT 1)
  WHERE NEW.started_on < coalesce(ended_on, '9999-99') AND NEW.started_on IS NOT NEW.ended_on;
  DELETE FROM facts_in_force WHERE account_id IN (OLD.account_id, NEW.account_id);
END;

CREATE TRIGGER subscription_refuse_delete_of_closed_day BEFORE DELETE ON subscription BEGIN
  SELECT saldo_open(OLD.started_on, open_day, 'a subscription can end') FROM books;
  DELETE FROM facts_in_force WHERE account_id = OLD.account_id;
END;

CREATE TRIGGER usage_event_refuse_invalid_insert BEFORE INSERT ON usage_event BEGIN
  SELECT saldo_check('usage_event', NEW.usage_id, NEW.account_id, NEW.service_id, NEW.occurred_at, NEW.quantity,
                     NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'usage ' || NEW.usage_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM usage_event WHERE usage_id = NEW.usage_id);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_refuse('invalid', service_id || ' is a recurring service; usage is of usage services')
  FROM service WHERE service_id = NEW.service_id AND kind <> 'usage';
  SELECT saldo_refuse('invalid', 'charged_on is ' || NEW.charged_on || '; it is computed: '
                                 || max(billing_day(NEW.occurred_at), open_day))
  FROM books WHERE NEW.charged_on IS NOT NULL AND NEW.charged_on <> max(billing_day(NEW.occurred_at), open_day);
  SELECT saldo_await('usage_event', NEW.usage_id);
END;

CREATE TRIGGER usage_event_fill_in_charged_on AFTER INSERT ON usage_event BEGIN
  SELECT saldo_add_usage(NEW.usage_id, max(billing_day(NEW.occurred_at), open_day)) FROM books;
  UPDATE usage_event SET charged_on = (SELECT max(billing_day(NEW.occurred_at), open_day) FROM books)
  WHERE usage_id = NEW.usage_id AND charged_on IS NULL;
END;

CREATE TRIGGER usage_event_refuse_update BEFORE UPDATE ON usage_event
WHEN OLD.charged_on IS NOT NULL
  OR NEW.charged_on IS NOT (SELECT max(billing_day(OLD.occurred_at), open_day) FROM books)
  OR (NEW.usage_id, NEW.account_id, NEW.service_id, NEW.occurred_at, NEW.quantity, NEW.recorded_at, NEW.recorded_by)
     IS NOT
     (OLD.usage_id, OLD.account_id, OLD.service_id, OLD.occurred_at, OLD.quantity, OLD.recorded_at, OLD.recorded_by)
BEGIN
  SELECT saldo_refuse('append_only', 'usage is never changed; an adjustment mends a mistake');
END;

CREATE TRIGGER usage_event_refuse_delete BEFORE DELETE ON usage_event BEGIN
  SELECT saldo_refuse('append_only', 'usage is never deleted; an adjustment mends a mistake');
END;

CREATE TRIGGER payment_method_refuse_invalid_insert BEFORE INSERT ON payment_method BEGIN
  SELECT saldo_check('payment_method', NEW.method, NEW.name, NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER payment_method_refuse_invalid_update BEFORE UPDATE ON payment_method BEGIN
  SELECT saldo_check('payment_method', NEW.method, NEW.name, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'a payment method stays ' || OLD.method || '; insert another one')
  WHERE NEW.method <> OLD.method;
END;

CREATE TRIGGER payment_method_refuse_delete_of_used BEFORE DELETE ON payment_method BEGIN
  SELECT saldo_refuse('conflict', OLD.method || ' is in use and stays')
  WHERE EXISTS (SELECT 1 FROM payment WHERE method = OLD.method)
     OR EXISTS (SELECT 1 FROM receipt_source WHERE method = OLD.method);
END;

CREATE TRIGGER payment_refuse_invalid_insert BEFORE INSERT ON payment BEGIN
  SELECT saldo_check('payment', NEW.account_id, NEW.amount, NEW.method, NEW.external_id, NEW.received_at,
                     NEW.credited_at, NEW.payer, NEW.purpose, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'payment ' || NEW.payment_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM payment WHERE payment_id = NEW.payment_id);
  SELECT saldo_refuse('conflict', 'the payment ' || external_id || ' by ' || method || ' is recorded already')
  FROM payment WHERE method = NEW.method AND external_id = NEW.external_id;
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no payment method ' || NEW.method)
  WHERE NOT EXISTS (SELECT 1 FROM payment_method WHERE method = NEW.method);
  SELECT saldo_open(NEW.credited_at, coalesce(closed_until, day_start(opening_day)), 'money can be credited')
  FROM books;
  SELECT saldo_refuse('invalid', 'day is ' || NEW.day || '; it is computed: ' || billing_day(NEW.credited_at))
  WHERE NEW.day IS NOT NULL AND NEW.day <> billing_day(NEW.credited_at);
  SELECT saldo_await('payment', NEW.payment_id);
END;

CREATE TRIGGER payment_fill_in_day AFTER INSERT ON payment BEGIN
  SELECT saldo_check_id('payment_id', NEW.payment_id);
  SELECT saldo_add_payment(NEW.payment_id);
  UPDATE payment SET day = billing_day(NEW.credited_at) WHERE payment_id = NEW.payment_id AND day IS NULL;
END;

CREATE TRIGGER payment_refuse_update BEFORE UPDATE ON payment
WHEN OLD.day IS NOT NULL OR NEW.day IS NOT billing_day(OLD.credited_at)
  OR (NEW.payment_id, NEW.account_id, NEW.amount, NEW.method, NEW.external_id, NEW.received_at, NEW.credited_at,
      NEW.payer, NEW.purpose, NEW.recorded_at, NEW.recorded_by)
     IS NOT
     (OLD.payment_id, OLD.account_id, OLD.amount, OLD.method, OLD.external_id, OLD.received_at, OLD.credited_at,
      OLD.payer, OLD.purpose, OLD.recorded_at, OLD.recorded_by)
BEGIN
  SELECT saldo_refuse('append_only', 'payments are never changed; an adjustment mends a mistake');
END;

CREATE TRIGGER payment_refuse_delete BEFORE DELETE ON payment BEGIN
  SELECT saldo_refuse('append_only', 'payments are never deleted; an adjustment mends a mistake');
END;

CREATE TRIGGER adjustment_kind_refuse_invalid_insert BEFORE INSERT ON adjustment_kind BEGIN
  SELECT saldo_check('adjustment_kind', NEW.kind, NEW.name, NEW.sign, NEW.revenue, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', kind || ' is in use; its sign and revenue stay')
  FROM adjustment_kind AS k
  WHERE kind = NEW.kind AND (sign <> NEW.sign OR revenue <> NEW.revenue)
    AND EXISTS (SELECT 1 FROM adjustment AS a WHERE a.kind = k.kind);
END;

CREATE TRIGGER adjustment_kind_refuse_invalid_update BEFORE UPDATE ON adjustment_kind BEGIN
  SELECT saldo_check('adjustment_kind', NEW.kind, NEW.name, NEW.sign, NEW.revenue, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'a kind of adjustment stays ' || OLD.kind || '; insert another one')
  WHERE NEW.kind <> OLD.kind;
  SELECT saldo_refuse('conflict', kind || ' is in use; its sign and revenue stay')
  FROM adjustment_kind AS k
  WHERE kind = NEW.kind AND (sign <> NEW.sign OR revenue <> NEW.revenue)
    AND EXISTS (SELECT 1 FROM adjustment AS a WHERE a.kind = k.kind);
END;

CREATE TRIGGER adjustment_kind_refuse_delete_of_used BEFORE DELETE ON adjustment_kind BEGIN
  SELECT saldo_refuse('conflict', OLD.kind || ' is in use and stays')
  WHERE EXISTS (SELECT 1 FROM adjustment WHERE kind = OLD.kind);
END;

CREATE TRIGGER adjustment_refuse_invalid_insert BEFORE INSERT ON adjustment BEGIN
  SELECT saldo_check('adjustment', NEW.account_id, NEW.amount, NEW.kind, NEW.effective_at, NEW.external_id, NEW.reason,
                     NEW.payment_id, NEW.service_id, NEW.for_day, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'adjustment ' || NEW.adjustment_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM adjustment WHERE adjustment_id = NEW.adjustment_id);
  SELECT saldo_refuse('conflict', 'the adjustment ' || external_id || ' is recorded already')
  FROM adjustment WHERE external_id = NEW.external_id;
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no kind of adjustment ' || NEW.kind)
  WHERE NOT EXISTS (SELECT 1 FROM adjustment_kind WHERE kind = NEW.kind);
  SELECT saldo_refuse('not_found', 'there is no payment ' || NEW.payment_id)
  WHERE NEW.payment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payment WHERE payment_id = NEW.payment_id);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NEW.service_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_refuse('out_of_range', 'amount is 0; an adjustment moves money') WHERE NEW.amount = 0;
  SELECT saldo_refuse('out_of_range', 'amount is ' || NEW.amount || '; a ' || kind || ' is '
                                      || iif(sign > 0, 'positive', 'negative'))
  FROM adjustment_kind WHERE kind = NEW.kind AND sign * NEW.amount < 0;
  -- R12.
  SELECT saldo_refuse('conflict', 'payment ' || payment_id || ' is of account ' || account_id || ', not '
                                  || NEW.account_id)
  FROM payment WHERE payment_id = NEW.payment_id AND account_id <> NEW.account_id;
  -- A debt moved in from elsewhere is dated when it arose, so that its age counts.
  SELECT saldo_open(NEW.effective_at, coalesce(closed_until, day_start(opening_day)), 'an adjustment can take effect')
  FROM books WHERE NOT (NEW.kind = 'opening_balance' AND last_closed_day IS NULL);
  SELECT saldo_refuse('invalid', 'day is ' || NEW.day || '; it is computed: ' || billing_day(NEW.effective_at))
  WHERE NEW.day IS NOT NULL AND NEW.day <> billing_day(NEW.effective_at);
  SELECT saldo_await('adjustment', NEW.adjustment_id);
END;

CREATE TRIGGER adjustment_fill_in_day AFTER INSERT ON adjustment BEGIN
  SELECT saldo_check_id('adjustment_id', NEW.adjustment_id);
  SELECT saldo_add_adjustment(NEW.adjustment_id);
  UPDATE adjustment SET day = billing_day(NEW.effective_at) WHERE adjustment_id = NEW.adjustment_id AND day IS NULL;
END;

CREATE TRIGGER adjustment_refuse_update BEFORE UPDATE ON adjustment
WHEN OLD.day IS NOT NULL OR NEW.day IS NOT billing_day(OLD.effective_at)
  OR (NEW.adjustment_id, NEW.account_id, NEW.amount, NEW.kind, NEW.effective_at, NEW.external_id, NEW.reason,
      NEW.payment_id, NEW.service_id, NEW.for_day, NEW.recorded_at, NEW.recorded_by)
     IS NOT
     (OLD.adjustment_id, OLD.account_id, OLD.amount, OLD.kind, OLD.effective_at, OLD.external_id, OLD.reason,
      OLD.payment_id, OLD.service_id, OLD.for_day, OLD.recorded_at, OLD.recorded_by)
BEGIN
  SELECT saldo_refuse('append_only', 'adjustments are never changed; another one mends a mistake');
END;

CREATE TRIGGER adjustment_refuse_delete BEFORE DELETE ON adjustment BEGIN
  SELECT saldo_refuse('append_only', 'adjustments are never deleted; another one mends a mistake');
END;

CREATE TRIGGER promised_payment_refuse_invalid_insert BEFORE INSERT ON promised_payment BEGIN
  SELECT saldo_check('promised_payment', NEW.account_id, NEW.granted_at, NEW.days, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'promise ' || NEW.promise_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM promised_payment WHERE promise_id = NEW.promise_id);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(NEW.granted_at, coalesce(closed_until, day_start(opening_day)), 'a payment can be promised')
  FROM books;
  SELECT saldo_refuse('out_of_range', 'days is ' || NEW.days || '; ' || iif(longest > 0,
                        'a payment can be promised for 1 to ' || longest || ' days',
                        'no payment can be promised on ' || billing_day(NEW.granted_at)))
  FROM (SELECT promised_payment_max_days AS longest FROM policy WHERE valid_from <= billing_day(NEW.granted_at)
        ORDER BY valid_from DESC LIMIT 1)
  WHERE NEW.days NOT BETWEEN 1 AND longest;
  SELECT saldo_refuse('out_of_range', 'days is ' || NEW.days || '; the promise would expire after the year 9999')
  WHERE saldo_promise_end(NEW.granted_at, NEW.days) IS NULL;
  SELECT saldo_refuse('invalid', 'expires_at is ' || NEW.expires_at || '; it is computed: granted_at and '
                                 || NEW.days || ' days')
  WHERE NEW.expires_at <> saldo_promise_end(NEW.granted_at, NEW.days);
  SELECT saldo_refuse('promise_refused', 'account ' || a.account_id || CASE
           WHEN s.state IS NULL THEN ' is registered on ' || a.registered_on || ', after ' || NEW.granted_at
           WHEN s.state IN ('trial', 'trial_ended') THEN ' is in a trial at ' || NEW.granted_at
           WHEN s.state IN ('held', 'paused', 'closed') THEN ' is ' || s.state || ' at ' || NEW.granted_at
           WHEN s.arrears_since IS NOT NULL THEN ' has had its promised payment in this run of arrears'
           WHEN s.balance < 0 THEN ' is within its credit limit at ' || NEW.granted_at
           ELSE ' owes nothing at ' || NEW.granted_at END)
  FROM account AS a LEFT JOIN access_state AS s ON s.account_id = a.account_id AND s.at = NEW.granted_at
  WHERE a.account_id = NEW.account_id AND s.promise_allowed IS NOT 1;
  SELECT saldo_refuse('promise_refused', 'account ' || p.account_id
                      || ' has had its promised payment in this run of arrears, granted at ' || p.granted_at)
  FROM promised_payment AS p
  JOIN access_state AS later ON later.account_id = p.account_id AND later.at = p.granted_at
  JOIN access_state AS this ON this.account_id = p.account_id AND this.at = NEW.granted_at
  WHERE p.account_id = NEW.account_id AND p.granted_at > NEW.granted_at AND later.arrears_since = this.arrears_since;
END;

CREATE TRIGGER promised_payment_fill_in_expires_at AFTER INSERT ON promised_payment BEGIN
  SELECT saldo_check_id('promise_id', NEW.promise_id);
  UPDATE promised_payment SET expires_at = saldo_promise_end(NEW.granted_at, NEW.days)
  WHERE promise_id = NEW.promise_id AND expires_at IS NULL;
END;

CREATE TRIGGER promised_payment_refuse_update BEFORE UPDATE ON promised_payment
WHEN OLD.expires_at IS NOT NULL
  OR NEW.expires_at IS NOT saldo_promise_end(OLD.granted_at, OLD.days)
  OR (NEW.promise_id, NEW.account_id, NEW.granted_at, NEW.days, NEW.recorded_at, NEW.recorded_by)
     IS NOT (OLD.promise_id, OLD.account_id, OLD.granted_at, OLD.days, OLD.recorded_at, OLD.recorded_by)
BEGIN
  SELECT saldo_refuse('append_only', 'promises are never changed');
END;

CREATE TRIGGER promised_payment_refuse_delete BEFORE DELETE ON promised_payment BEGIN
  SELECT saldo_refuse('append_only', 'promises are never deleted');
END;

CREATE TRIGGER day_close_refuse_invalid_insert BEFORE INSERT ON day_close BEGIN
  SELECT saldo_check('day_close', NEW.day, NEW.closed_at);
  SELECT saldo_refuse('conflict', NEW.day || ' is closed already')
  WHERE EXISTS (SELECT 1 FROM day_close WHERE day = NEW.day);
  SELECT saldo_open(NEW.day, open_day, 'days can be closed') FROM books;
  SELECT saldo_refuse('conflict', 'days close in order; the next one to close is ' || open_day)
  FROM books WHERE NEW.day <> open_day;
  SELECT saldo_refuse('day_not_ended', NEW.day || ' ends at ' || day_end(NEW.day) || ', after closed_at '
                                       || NEW.closed_at)
  WHERE NEW.closed_at < day_end(NEW.day);
  SELECT saldo_refuse('invalid', 'ends_at is ' || NEW.ends_at || '; it is computed: ' || day_end(NEW.day))
  WHERE NEW.ends_at <> day_end(NEW.day);
  SELECT saldo_refuse('invalid', 'accounts, charges, charged and digest are computed; leave them out')
  WHERE coalesce(NEW.accounts, NEW.charges, NEW.charged, NEW.digest) IS NOT NULL;
END;

CREATE TRIGGER day_close_post AFTER INSERT ON day_close BEGIN
  UPDATE day_close SET ends_at = day_end(NEW.day) WHERE day = NEW.day;
  SELECT saldo_post(NEW.day);
END;

CREATE TRIGGER day_close_refuse_update BEFORE UPDATE ON day_close
WHEN OLD.digest IS NOT NULL OR NEW.day <> OLD.day OR NEW.closed_at <> OLD.closed_at BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER day_close_refuse_delete BEFORE DELETE ON day_close BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER charge_refuse_update BEFORE UPDATE ON charge BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER charge_refuse_delete BEFORE DELETE ON charge BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER charge_total_refuse_update BEFORE UPDATE ON charge_total BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER charge_total_refuse_delete BEFORE DELETE ON charge_total BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER balance_refuse_delete BEFORE DELETE ON balance BEGIN
  SELECT saldo_posted('balance');
END;

CREATE TABLE channel(
  channel_id  TEXT PRIMARY KEY NOT NULL,
  protocol    TEXT NOT NULL,
  method      TEXT NOT NULL REFERENCES payment_method,
  min_amount  INTEGER,
  max_amount  INTEGER,
  disabled    INTEGER NOT NULL DEFAULT 0,
  recorded_at TEXT,
  recorded_by TEXT
) WITHOUT ROWID;

CREATE TABLE receipt(
  receipt_id    INTEGER PRIMARY KEY,
  source        TEXT NOT NULL,
  external_id   TEXT NOT NULL,
  amount        INTEGER NOT NULL,
  received_at   TEXT,
  account_text  TEXT,
  payer         TEXT,
  payer_tax_id  TEXT,
  payer_account TEXT,
  purpose       TEXT,
  raw           TEXT,  -- as it came
  status        TEXT,  -- pending, matched or ignored
  reason        TEXT,
  recorded_at   TEXT NOT NULL,
  recorded_by   TEXT
);

CREATE UNIQUE INDEX receipt_external_id ON receipt(source, external_id);

CREATE INDEX receipt_status ON receipt(status);

CREATE INDEX receipt_received_at ON receipt(source, received_at);

CREATE INDEX receipt_payer_account ON receipt(payer_account) WHERE status = 'matched' AND payer_account IS NOT NULL;

CREATE TABLE receipt_payment(
  receipt_id INTEGER NOT NULL REFERENCES receipt,
  payment_id INTEGER NOT NULL UNIQUE REFERENCES payment,
  PRIMARY KEY (receipt_id, payment_id)
) WITHOUT ROWID;

CREATE VIEW receipt_source(source, method) AS
SELECT channel_id, method FROM channel
UNION ALL
SELECT 'bank', 'bank_transfer';

CREATE VIEW receipt_twin(source, external_id, amount, account_text, twin) AS
SELECT c.channel_id, r.external_id, r.amount, r.account_text, other.channel_id
FROM channel AS c CROSS JOIN channel AS other ON other.protocol = c.protocol AND other.channel_id <> c.channel_id
CROSS JOIN receipt AS r ON r.source = other.channel_id;

CREATE VIEW receipt_claim(receipt_id, payment_id, external_id) AS
SELECT r.receipt_id, p.payment_id, p.external_id
FROM receipt AS r CROSS JOIN receipt_source AS s ON s.source = r.source
CROSS JOIN payment AS p
ON p.method = s.method AND p.external_id >= r.source || ':' || r.external_id
   AND p.external_id < r.source || ':' || r.external_id || '#:'
WHERE ltrim(substr(p.external_id, length(r.source) + length(r.external_id) + 2), '#0123456789') = ''
  AND NOT EXISTS (SELECT 1 FROM receipt_payment AS m WHERE m.payment_id = p.payment_id);

CREATE VIEW receipt_match(receipt_id, parts, reason, recorded_at, recorded_by) AS
SELECT r.receipt_id, '[' || group_concat(saldo_json_object('account_id', p.account_id, 'amount', p.amount)) || ']',
       r.reason, min(p.recorded_at), min(p.recorded_by)
FROM receipt AS r CROSS JOIN receipt_payment AS m ON m.receipt_id = r.receipt_id
CROSS JOIN payment AS p ON p.payment_id = m.payment_id
GROUP BY r.receipt_id;

CREATE VIEW receipt_outcome(receipt_id, payments) AS
SELECT r.receipt_id,
       (SELECT '[' || coalesce(group_concat(saldo_json_object('payment_id', p.payment_id, 'account_id', p.account_id,
                                                              'amount', p.amount)), '') || ']'
        FROM (SELECT payment_id FROM receipt_payment WHERE receipt_id = r.receipt_id ORDER BY payment_id) AS m
        CROSS JOIN payment AS p ON p.payment_id = m.payment_id)
FROM receipt AS r;

CREATE VIEW receipt_return(source, external_id, return_id, kind, amount, recorded_at, recorded_by) AS
SELECT source, external_id, return_id, kind, sum(amount), min(recorded_at), min(recorded_by)
FROM (
  SELECT r.receipt_id, r.source, r.external_id,
         CASE WHEN (SELECT count(*) FROM receipt_payment AS n WHERE n.receipt_id = r.receipt_id) = 1
              THEN substr(a.external_id, length(r.source) + 2)
              ELSE substr(a.external_id, length(r.source) + 2,
                          length(rtrim(a.external_id, '0123456789')) - length(r.source) - 2) END AS return_id,
         a.kind, -a.amount AS amount, a.recorded_at, a.recorded_by
  FROM receipt AS r CROSS JOIN receipt_payment AS m ON m.receipt_id = r.receipt_id
  CROSS JOIN adjustment AS a ON a.payment_id = m.payment_id
  WHERE a.kind IN ('refund', 'chargeback') AND substr(a.external_id, 1, length(r.source) + 1) = r.source || ':')
GROUP BY receipt_id, source, external_id, return_id, kind;

CREATE TRIGGER channel_refuse_invalid_insert BEFORE INSERT ON channel BEGIN
  SELECT saldo_check('channel', NEW.channel_id, NEW.protocol, NEW.method, NEW.min_amount, NEW.max_amount, NEW.disabled,
                     NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('invalid', 'bank is where bank statements come from; a channel has another name')
  WHERE NEW.channel_id = 'bank';
  SELECT saldo_refuse('not_found', 'there is no payment method ' || NEW.method)
  WHERE NOT EXISTS (SELECT 1 FROM payment_method WHERE method = NEW.method);
  SELECT saldo_refuse('out_of_range', 'max_amount is ' || NEW.max_amount || ', below min_amount ' || NEW.min_amount)
  WHERE NEW.max_amount < NEW.min_amount;
  SELECT saldo_refuse('conflict', channel_id || ' has receipts; its method stays ' || method)
  FROM channel
  WHERE channel_id = NEW.channel_id AND method <> NEW.method
    AND EXISTS (SELECT 1 FROM receipt WHERE source = NEW.channel_id);
END;

CREATE TRIGGER channel_refuse_invalid_update BEFORE UPDATE ON channel BEGIN
  SELECT saldo_check('channel', NEW.channel_id, NEW.protocol, NEW.method, NEW.min_amount, NEW.max_amount, NEW.disabled,
                     NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'a channel stays ' || OLD.channel_id || '; insert another one')
  WHERE NEW.channel_id <> OLD.channel_id;
  SELECT saldo_refuse('not_found', 'there is no payment method ' || NEW.method)
  WHERE NOT EXISTS (SELECT 1 FROM payment_method WHERE method = NEW.method);
  SELECT saldo_refuse('out_of_range', 'max_amount is ' || NEW.max_amount || ', below min_amount ' || NEW.min_amount)
  WHERE NEW.max_amount < NEW.min_amount;
  SELECT saldo_refuse('conflict', OLD.channel_id || ' has receipts; its method stays ' || OLD.method)
  WHERE NEW.method <> OLD.method AND EXISTS (SELECT 1 FROM receipt WHERE source = OLD.channel_id);
END;

CREATE TRIGGER channel_refuse_delete_of_used BEFORE DELETE ON channel BEGIN
  SELECT saldo_refuse('conflict', OLD.channel_id || ' has receipts and stays; it can be disabled')
  WHERE EXISTS (SELECT 1 FROM receipt WHERE source = OLD.channel_id);
END;

CREATE TRIGGER receipt_refuse_invalid_insert BEFORE INSERT ON receipt BEGIN
  SELECT saldo_check('receipt', NEW.source, NEW.external_id, NEW.amount, NEW.account_text, NEW.payer, NEW.payer_tax_id,
                     NEW.payer_account, NEW.purpose, NEW.raw, NEW.status, NEW.reason, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('invalid', 'status is ' || NEW.status || '; a receipt comes in without one, or pending')
  WHERE NEW.status <> 'pending';
  SELECT saldo_refuse('conflict', 'receipt ' || NEW.receipt_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM receipt WHERE receipt_id = NEW.receipt_id);
  SELECT saldo_refuse('conflict', 'the receipt ' || external_id || ' from ' || source || ' is recorded already')
  FROM receipt WHERE source = NEW.source AND external_id = NEW.external_id;
  SELECT saldo_refuse('not_found', 'there is no channel ' || NEW.source)
  WHERE NOT EXISTS (SELECT 1 FROM receipt_source WHERE source = NEW.source);
END;

CREATE TRIGGER receipt_take_in AFTER INSERT ON receipt BEGIN
  SELECT saldo_check_id('receipt_id', NEW.receipt_id);
  UPDATE receipt
  SET status = 'pending', received_at = saldo_received_at(NEW.received_at, NEW.recorded_at),
      reason = CASE
        WHEN NEW.status IS NOT NULL THEN NEW.reason
        WHEN NEW.account_text IS NULL THEN coalesce(NEW.reason, 'no account is given')
        ELSE coalesce(NEW.reason || '; ', '') || CASE
          WHEN account_number(NEW.account_text) IS NULL THEN 'account_text is not the number of an account'
          WHEN account_status(account_number(NEW.account_text), billing_day(NEW.recorded_at)) IS NULL
          THEN 'there is no account ' || account_number(NEW.account_text)
          WHEN account_status(account_number(NEW.account_text), billing_day(NEW.recorded_at)) = 'closed'
          THEN 'account ' || account_number(NEW.account_text) || ' is closed'
          ELSE (SELECT 'payment ' || payment_id || ' is recorded already as ' || external_id
                FROM (SELECT payment_id, external_id FROM receipt_claim WHERE receipt_id = NEW.receipt_id
                      UNION ALL
                      SELECT p.payment_id, p.external_id
                      FROM receipt_source AS s CROSS JOIN payment AS p ON p.method = s.method
                      WHERE s.source = NEW.source AND p.external_id = NEW.source || ':' || NEW.external_id || '##1')
                ORDER BY payment_id LIMIT 1) END END
  WHERE receipt_id = NEW.receipt_id;
  INSERT INTO receipt_match(receipt_id, parts, reason, recorded_at, recorded_by)
  SELECT receipt_id, '[' || saldo_json_object('account_id', account_number(account_text), 'amount', amount) || ']',
         coalesce(NEW.reason, 'account_text'), recorded_at, recorded_by
  FROM receipt WHERE receipt_id = NEW.receipt_id AND NEW.status IS NULL AND reason IS NULL;
END;

CREATE TRIGGER receipt_refuse_invalid_update BEFORE UPDATE ON receipt BEGIN
  SELECT saldo_check('receipt', NEW.source, NEW.external_id, NEW.amount, NEW.account_text, NEW.payer, NEW.payer_tax_id,
                     NEW.payer_account, NEW.purpose, NEW.raw, NEW.status, NEW.reason, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('append_only', 'of a receipt nothing ever changes but its status and reason')
  WHERE (NEW.receipt_id, NEW.source, NEW.external_id, NEW.amount, NEW.received_at, NEW.account_text, NEW.payer,
         NEW.payer_tax_id, NEW.payer_account, NEW.purpose, NEW.raw, NEW.recorded_at, NEW.recorded_by)
        IS NOT
        (OLD.receipt_id, OLD.source, OLD.external_id, OLD.amount, saldo_received_at(OLD.received_at, OLD.recorded_at),
         OLD.account_text, OLD.payer, OLD.payer_tax_id, OLD.payer_account, OLD.purpose, OLD.raw, OLD.recorded_at,
         OLD.recorded_by)
     OR NEW.status IS NULL;
  SELECT saldo_refuse('conflict', 'receipt ' || OLD.receipt_id || ' is ' || OLD.status || ' already')
  WHERE OLD.status <> 'pending';
  SELECT saldo_refuse('invalid', 'a receipt is ignored for a reason')
  WHERE NEW.status = 'ignored' AND coalesce(NEW.reason, '') = '';
END;

CREATE TRIGGER receipt_refuse_disagreement AFTER UPDATE OF status ON receipt WHEN NEW.status <> 'pending' BEGIN
  SELECT saldo_refuse('conflict', 'receipt ' || receipt_id || ' cannot be ' || NEW.status || ': ' || problem)
  FROM (SELECT receipt_id, problem FROM audit_receipt WHERE receipt_id = NEW.receipt_id ORDER BY problem LIMIT 1);
END;

CREATE TRIGGER receipt_refuse_delete BEFORE DELETE ON receipt BEGIN
  SELECT saldo_refuse('append_only', 'receipts are never deleted; one can be ignored');
END;

CREATE TRIGGER receipt_payment_refuse_invalid_insert BEFORE INSERT ON receipt_payment BEGIN
  SELECT saldo_check('receipt_payment', NEW.receipt_id, NEW.payment_id);
  SELECT saldo_refuse('not_found', 'there is no receipt ' || NEW.receipt_id)
  WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE receipt_id = NEW.receipt_id);
  SELECT saldo_refuse('not_found', 'there is no payment ' || NEW.payment_id)
  WHERE NOT EXISTS (SELECT 1 FROM payment WHERE payment_id = NEW.payment_id);
  SELECT saldo_refuse('conflict', 'receipt ' || receipt_id || ' is ' || status || ' already')
  FROM receipt WHERE receipt_id = NEW.receipt_id AND status <> 'pending';
  SELECT saldo_refuse('conflict', 'payment ' || payment_id || ' is of receipt ' || receipt_id || ' already')
  FROM receipt_payment WHERE payment_id = NEW.payment_id;
END;

CREATE TRIGGER receipt_payment_refuse_update BEFORE UPDATE ON receipt_payment BEGIN
  SELECT saldo_refuse('append_only', 'what a receipt became is never changed');
END;

CREATE TRIGGER receipt_payment_refuse_delete BEFORE DELETE ON receipt_payment BEGIN
  SELECT saldo_refuse('append_only', 'what a receipt became is never deleted');
END;

CREATE TRIGGER receipt_match_pay INSTEAD OF INSERT ON receipt_match BEGIN
  SELECT saldo_check('receipt_match', NEW.receipt_id, NEW.parts, NEW.reason, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no receipt ' || NEW.receipt_id)
  WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE receipt_id = NEW.receipt_id);
  SELECT saldo_refuse('conflict', 'receipt ' || receipt_id || ' is ' || status || ' already')
  FROM receipt WHERE receipt_id = NEW.receipt_id AND status <> 'pending';
  SELECT saldo_check_parts(NEW.parts, amount) FROM receipt WHERE receipt_id = NEW.receipt_id;
  INSERT INTO payment(account_id, amount, method, external_id, received_at, credited_at, payer, purpose, recorded_at,
                      recorded_by)
  SELECT (SELECT value FROM json_each(part.value) WHERE key = 'account_id'),
         (SELECT value FROM json_each(part.value) WHERE key = 'amount'), s.method,
         r.source || ':' || r.external_id || CASE
           WHEN EXISTS (
             SELECT 1 FROM json_each(NEW.parts) AS other CROSS JOIN payment AS p
             ON p.method = s.method
                AND p.external_id = r.source || ':' || r.external_id
                                    || iif(whole.parts = 1, '', '#' || (other.key + 1))
             CROSS JOIN receipt_payment AS m ON m.payment_id = p.payment_id)
           THEN '##' || (part.key + 1)
           ELSE iif(whole.parts = 1, '', '#' || (part.key + 1)) END,
         r.received_at, NEW.recorded_at, r.payer, r.purpose, NEW.recorded_at, NEW.recorded_by
  FROM receipt AS r CROSS JOIN receipt_source AS s ON s.source = r.source
  CROSS JOIN (SELECT count(*) AS parts FROM json_each(NEW.parts)) AS whole CROSS JOIN json_each(NEW.parts) AS part
  WHERE r.receipt_id = NEW.receipt_id
  ORDER BY part.key;
  INSERT INTO receipt_payment(receipt_id, payment_id)
  SELECT r.receipt_id, p.payment_id
  FROM receipt AS r CROSS JOIN receipt_source AS s ON s.source = r.source
  CROSS JOIN (SELECT count(*) AS parts FROM json_each(NEW.parts)) AS whole CROSS JOIN json_each(NEW.parts) AS part
  CROSS JOIN payment AS p
  ON p.method = s.method
     AND p.external_id IN (r.source || ':' || r.external_id
                           || iif(whole.parts = 1, '', '#' || (part.key + 1)),
                           r.source || ':' || r.external_id || '##' || (part.key + 1))
  WHERE r.receipt_id = NEW.receipt_id
    AND NOT EXISTS (SELECT 1 FROM receipt_payment AS m WHERE m.payment_id = p.payment_id)
  ORDER BY part.key;
  UPDATE receipt SET status = 'matched', reason = NEW.reason WHERE receipt_id = NEW.receipt_id;
END;

CREATE TRIGGER receipt_return_adjust INSTEAD OF INSERT ON receipt_return BEGIN
  SELECT saldo_check('receipt_return', NEW.source, NEW.external_id, NEW.return_id, NEW.kind, NEW.amount,
                     NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no receipt ' || NEW.external_id || ' from ' || NEW.source)
  WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE source = NEW.source AND external_id = NEW.external_id);
  SELECT saldo_refuse('conflict', 'receipt ' || receipt_id || ' is pending; all of it, ' || amount
                                  || ', can go back, not ' || NEW.amount)
  FROM receipt
  WHERE source = NEW.source AND external_id = NEW.external_id AND status = 'pending' AND NEW.amount < amount;
  UPDATE receipt SET status = 'ignored', reason = 'refunded'
  WHERE source = NEW.source AND external_id = NEW.external_id AND status = 'pending';
  INSERT INTO adjustment(account_id, amount, kind, effective_at, external_id, payment_id, recorded_at, recorded_by)
  SELECT account_id, -min(remaining, coalesce(NEW.amount - taken, remaining)), NEW.kind, NEW.recorded_at,
         NEW.source || ':' || NEW.return_id || iif(payments = 1, '', '#' || number), payment_id, NEW.recorded_at,
         NEW.recorded_by
  FROM (
    SELECT payment_id, account_id, remaining, sum(remaining) OVER earlier - remaining AS taken,
           row_number() OVER earlier AS number, count(*) OVER () AS payments
    FROM (
      SELECT p.payment_id, p.account_id,
             p.amount + (SELECT coalesce(sum(a.amount), 0) FROM adjustment AS a
                         WHERE a.payment_id = p.payment_id AND a.kind IN ('refund', 'chargeback')) AS remaining
      FROM receipt AS r CROSS JOIN receipt_payment AS m ON m.receipt_id = r.receipt_id
      CROSS JOIN payment AS p ON p.payment_id = m.payment_id
      WHERE r.source = NEW.source AND r.external_id = NEW.external_id)
    WINDOW earlier AS (ORDER BY payment_id ROWS UNBOUNDED PRECEDING))
  WHERE remaining > 0 AND (NEW.amount IS NULL OR taken < NEW.amount)
    AND NOT EXISTS (SELECT 1 FROM receipt_return
                    WHERE source = NEW.source AND external_id = NEW.external_id AND return_id = NEW.return_id)
  ORDER BY payment_id;
END;

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

CREATE TABLE tax_rate(
  service_id   TEXT NOT NULL REFERENCES service,
  valid_from   TEXT NOT NULL,
  basis_points INTEGER,
  recorded_at  TEXT,
  recorded_by  TEXT,
  PRIMARY KEY (service_id, valid_from)
) WITHOUT ROWID;

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

CREATE TABLE document_run(
  run_id      INTEGER PRIMARY KEY,
  month       TEXT NOT NULL,
  issued_on   TEXT NOT NULL,
  documents   INTEGER,
  recorded_at TEXT,
  recorded_by TEXT
);

CREATE INDEX payment_bank_transfer ON payment(account_id, day) WHERE method = 'bank_transfer';

CREATE INDEX account_documents ON account(documents) WHERE documents = 'always';

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

CREATE TRIGGER document_run_refuse_invalid_insert BEFORE INSERT ON document_run BEGIN
  SELECT saldo_check('document_run', NEW.month, NEW.issued_on, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'run ' || NEW.run_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM document_run WHERE run_id = NEW.run_id);
  SELECT saldo_refuse('invalid', 'documents is computed; leave it out') WHERE NEW.documents IS NOT NULL;
END;

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

CREATE VIEW document_correction(document_id, corrects, correction_number, corrected_on, recorded_at, recorded_by) AS
SELECT document_id, corrects, correction_number, corrected_on, recorded_at, recorded_by
FROM document WHERE corrects IS NOT NULL;

CREATE TRIGGER document_correction_issue INSTEAD OF INSERT ON document_correction BEGIN
  SELECT saldo_check('document_correction', NEW.corrects, NEW.corrected_on, NEW.recorded_at, NEW.recorded_by);
  SELECT saldo_refuse('invalid', 'document_id and correction_number are computed; leave them out')
  WHERE coalesce(NEW.document_id, NEW.correction_number) IS NOT NULL;
  SELECT saldo_correct_document(NEW.corrects, NEW.corrected_on, NEW.recorded_at, NEW.recorded_by);
END;

CREATE VIEW document_line(document_id, line, service_id, name, unit, quantity, amount, tax_label, tax, period_from,
                          period_to) AS
SELECT d.document_id, l.key + 1, max(iif(m.key = 'service_id', m.value, NULL)), max(iif(m.key = 'name', m.value, NULL)),
       max(iif(m.key = 'unit', m.value, NULL)), max(iif(m.key = 'quantity', m.value, NULL)),
       max(iif(m.key = 'amount', m.value, NULL)), max(iif(m.key = 'tax_label', m.value, NULL)),
       max(iif(m.key = 'tax', m.value, NULL)), max(iif(m.key = 'period_from', m.value, NULL)),
       max(iif(m.key = 'period_to', m.value, NULL))
FROM document AS d CROSS JOIN json_each(d.content, '$.lines') AS l CROSS JOIN json_each(l.value) AS m
GROUP BY d.document_id, l.key;

CREATE VIEW document_month(month, kind, documents, total, tax) AS
SELECT d.month, d.kind, count(*), sum(d.total), sum(d.tax)
FROM document AS d
WHERE d.month IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM document AS c
                  WHERE c.corrects = coalesce(d.corrects, d.document_id)
                    AND c.correction_number > coalesce(d.correction_number, 0))
GROUP BY d.month, d.kind;

CREATE TRIGGER policy_version_insert BEFORE INSERT ON policy BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'policy', NEW.valid_from, NEW.rules, NEW.time_zone, NEW.currency, NEW.working_week,
    NEW.restricted_days_charged, NEW.grace_working_days, NEW.promised_payment_max_days, NEW.low_balance_warning_days,
    NEW.language, NEW.reminder_days, NEW.reminders);
END;

CREATE TRIGGER policy_version_update BEFORE UPDATE ON policy BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'policy update', OLD.valid_from, NEW.valid_from, NEW.rules, NEW.time_zone, NEW.currency, NEW.working_week,
    NEW.restricted_days_charged, NEW.grace_working_days, NEW.promised_payment_max_days, NEW.low_balance_warning_days,
    NEW.language, NEW.reminder_days, NEW.reminders);
END;

CREATE TRIGGER policy_version_delete BEFORE DELETE ON policy BEGIN
  UPDATE books_version SET version = saldo_books_version(version, 'policy delete', OLD.valid_from);
END;

CREATE TRIGGER calendar_exception_version_insert BEFORE INSERT ON calendar_exception BEGIN
  UPDATE books_version SET version = saldo_books_version(version, 'calendar_exception', NEW.day, NEW.working);
END;

CREATE TRIGGER calendar_exception_version_update BEFORE UPDATE ON calendar_exception BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'calendar_exception update', OLD.day, NEW.day, NEW.working);
END;

CREATE TRIGGER calendar_exception_version_delete BEFORE DELETE ON calendar_exception BEGIN
  UPDATE books_version SET version = saldo_books_version(version, 'calendar_exception delete', OLD.day);
END;

CREATE TRIGGER service_version_insert BEFORE INSERT ON service BEGIN
  UPDATE books_version SET version = saldo_books_version(version, 'service', NEW.service_id, NEW.kind);
END;

CREATE TRIGGER service_version_update BEFORE UPDATE OF service_id, kind ON service BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'service update', OLD.service_id, NEW.service_id, NEW.kind);
END;

CREATE TRIGGER service_version_delete BEFORE DELETE ON service BEGIN
  UPDATE books_version SET version = saldo_books_version(version, 'service delete', OLD.service_id);
END;

CREATE TRIGGER tariff_version_insert BEFORE INSERT ON tariff BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'tariff', NEW.price_list, NEW.service_id, NEW.valid_from, NEW.min_quantity, NEW.monthly_fee, NEW.unit_fee);
END;

CREATE TRIGGER tariff_version_update BEFORE UPDATE ON tariff BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'tariff update', OLD.price_list, OLD.service_id, OLD.valid_from, OLD.min_quantity,
    NEW.price_list, NEW.service_id, NEW.valid_from, NEW.min_quantity, NEW.monthly_fee, NEW.unit_fee);
END;

CREATE TRIGGER tariff_version_delete BEFORE DELETE ON tariff BEGIN
  UPDATE books_version SET version = saldo_books_version(
    version, 'tariff delete', OLD.price_list, OLD.service_id, OLD.valid_from, OLD.min_quantity);
END;

CREATE TRIGGER day_close_version BEFORE UPDATE OF digest ON day_close BEGIN
  UPDATE books_version SET version = saldo_books_version(version, 'day_close', NEW.day, NEW.ends_at);
END;

CREATE TRIGGER books_version_refuse_insert BEFORE INSERT ON books_version BEGIN
  SELECT saldo_refuse('append_only', 'books_version has one row');
END;

CREATE TRIGGER books_version_refuse_foreign_update BEFORE UPDATE ON books_version BEGIN
  SELECT saldo_check_books_version(NEW.version);
END;

CREATE TRIGGER books_version_refuse_delete BEFORE DELETE ON books_version BEGIN
  SELECT saldo_refuse('append_only', 'books_version has one row');
END;

CREATE TRIGGER policy_hold_before_insert BEFORE INSERT ON policy BEGIN
  SELECT saldo_hold('policy', NEW.valid_from);
END;

CREATE TRIGGER policy_archive_after_insert AFTER INSERT ON policy BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER policy_hold_before_update BEFORE UPDATE ON policy BEGIN
  SELECT saldo_hold('policy', OLD.valid_from, NEW.valid_from);
END;

CREATE TRIGGER policy_archive_after_update AFTER UPDATE ON policy BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER policy_archive_delete BEFORE DELETE ON policy BEGIN
  SELECT saldo_archive_deleted('policy', OLD.valid_from);
END;

CREATE TRIGGER calendar_exception_hold_before_insert BEFORE INSERT ON calendar_exception BEGIN
  SELECT saldo_hold('calendar_exception', NEW.day);
END;

CREATE TRIGGER calendar_exception_archive_after_insert AFTER INSERT ON calendar_exception BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER calendar_exception_hold_before_update BEFORE UPDATE ON calendar_exception BEGIN
  SELECT saldo_hold('calendar_exception', OLD.day, NEW.day);
END;

CREATE TRIGGER calendar_exception_archive_after_update AFTER UPDATE ON calendar_exception BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER calendar_exception_archive_delete BEFORE DELETE ON calendar_exception BEGIN
  SELECT saldo_archive_deleted('calendar_exception', OLD.day);
END;

CREATE TRIGGER service_hold_before_insert BEFORE INSERT ON service BEGIN
  SELECT saldo_hold('service', NEW.service_id);
END;

CREATE TRIGGER service_archive_after_insert AFTER INSERT ON service BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER service_hold_before_update BEFORE UPDATE ON service BEGIN
  SELECT saldo_hold('service', OLD.service_id, NEW.service_id);
END;

CREATE TRIGGER service_archive_after_update AFTER UPDATE ON service BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER service_archive_delete BEFORE DELETE ON service BEGIN
  SELECT saldo_archive_deleted('service', OLD.service_id);
END;

CREATE TRIGGER tariff_hold_before_insert BEFORE INSERT ON tariff BEGIN
  SELECT saldo_hold('tariff', NEW.price_list, NEW.service_id, NEW.valid_from, NEW.min_quantity);
END;

CREATE TRIGGER tariff_archive_after_insert AFTER INSERT ON tariff BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER tariff_hold_before_update BEFORE UPDATE ON tariff BEGIN
  SELECT saldo_hold('tariff', OLD.price_list, OLD.service_id, OLD.valid_from, OLD.min_quantity,
                    NEW.price_list, NEW.service_id, NEW.valid_from, NEW.min_quantity);
END;

CREATE TRIGGER tariff_archive_after_update AFTER UPDATE ON tariff BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER tariff_archive_delete BEFORE DELETE ON tariff BEGIN
  SELECT saldo_archive_deleted('tariff', OLD.price_list, OLD.service_id, OLD.valid_from, OLD.min_quantity);
END;

CREATE TRIGGER account_hold_before_update BEFORE UPDATE ON account BEGIN
  SELECT saldo_hold('account', OLD.account_id);
END;

CREATE TRIGGER account_archive_after_update AFTER UPDATE ON account BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER account_terms_hold_before_insert BEFORE INSERT ON account_terms BEGIN
  SELECT saldo_hold('account_terms', NEW.account_id, NEW.valid_from);
END;

CREATE TRIGGER account_terms_archive_after_insert AFTER INSERT ON account_terms BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER account_terms_hold_before_update BEFORE UPDATE ON account_terms BEGIN
  SELECT saldo_hold('account_terms', OLD.account_id, OLD.valid_from, NEW.account_id, NEW.valid_from);
END;

CREATE TRIGGER account_terms_archive_after_update AFTER UPDATE ON account_terms BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER account_terms_archive_delete BEFORE DELETE ON account_terms BEGIN
  SELECT saldo_archive_deleted('account_terms', OLD.account_id, OLD.valid_from);
END;

CREATE TRIGGER headcount_hold_before_insert BEFORE INSERT ON headcount BEGIN
  SELECT saldo_hold('headcount', NEW.account_id, NEW.day);
END;

CREATE TRIGGER headcount_archive_after_insert AFTER INSERT ON headcount BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER headcount_hold_before_update BEFORE UPDATE ON headcount BEGIN
  SELECT saldo_hold('headcount', OLD.account_id, OLD.day, NEW.account_id, NEW.day);
END;

CREATE TRIGGER headcount_archive_after_update AFTER UPDATE ON headcount BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER headcount_archive_delete BEFORE DELETE ON headcount BEGIN
  SELECT saldo_archive_deleted('headcount', OLD.account_id, OLD.day);
END;

CREATE TRIGGER subscription_hold_before_insert BEFORE INSERT ON subscription BEGIN
  SELECT saldo_hold('subscription', NEW.account_id, NEW.service_id, NEW.started_on);
END;

CREATE TRIGGER subscription_archive_after_insert AFTER INSERT ON subscription BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER subscription_hold_before_update BEFORE UPDATE ON subscription BEGIN
  SELECT saldo_hold('subscription', OLD.account_id, OLD.service_id, OLD.started_on,
                    NEW.account_id, NEW.service_id, NEW.started_on);
END;

CREATE TRIGGER subscription_archive_after_update AFTER UPDATE ON subscription BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER subscription_archive_delete BEFORE DELETE ON subscription BEGIN
  SELECT saldo_archive_deleted('subscription', OLD.account_id, OLD.service_id, OLD.started_on);
END;

CREATE TRIGGER payment_method_hold_before_insert BEFORE INSERT ON payment_method BEGIN
  SELECT saldo_hold('payment_method', NEW.method);
END;

CREATE TRIGGER payment_method_archive_after_insert AFTER INSERT ON payment_method BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER payment_method_hold_before_update BEFORE UPDATE ON payment_method BEGIN
  SELECT saldo_hold('payment_method', OLD.method, NEW.method);
END;

CREATE TRIGGER payment_method_archive_after_update AFTER UPDATE ON payment_method BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER payment_method_archive_delete BEFORE DELETE ON payment_method BEGIN
  SELECT saldo_archive_deleted('payment_method', OLD.method);
END;

CREATE TRIGGER adjustment_kind_hold_before_insert BEFORE INSERT ON adjustment_kind BEGIN
  SELECT saldo_hold('adjustment_kind', NEW.kind);
END;

CREATE TRIGGER adjustment_kind_archive_after_insert AFTER INSERT ON adjustment_kind BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER adjustment_kind_hold_before_update BEFORE UPDATE ON adjustment_kind BEGIN
  SELECT saldo_hold('adjustment_kind', OLD.kind, NEW.kind);
END;

CREATE TRIGGER adjustment_kind_archive_after_update AFTER UPDATE ON adjustment_kind BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER adjustment_kind_archive_delete BEFORE DELETE ON adjustment_kind BEGIN
  SELECT saldo_archive_deleted('adjustment_kind', OLD.kind);
END;

CREATE TRIGGER channel_hold_before_insert BEFORE INSERT ON channel BEGIN
  SELECT saldo_hold('channel', NEW.channel_id);
END;

CREATE TRIGGER channel_archive_after_insert AFTER INSERT ON channel BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER channel_hold_before_update BEFORE UPDATE ON channel BEGIN
  SELECT saldo_hold('channel', OLD.channel_id, NEW.channel_id);
END;

CREATE TRIGGER channel_archive_after_update AFTER UPDATE ON channel BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER channel_archive_delete BEFORE DELETE ON channel BEGIN
  SELECT saldo_archive_deleted('channel', OLD.channel_id);
END;

CREATE TRIGGER issuer_hold_before_insert BEFORE INSERT ON issuer BEGIN
  SELECT saldo_hold('issuer', NEW.valid_from);
END;

CREATE TRIGGER issuer_archive_after_insert AFTER INSERT ON issuer BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER issuer_hold_before_update BEFORE UPDATE ON issuer BEGIN
  SELECT saldo_hold('issuer', OLD.valid_from, NEW.valid_from);
END;

CREATE TRIGGER issuer_archive_after_update AFTER UPDATE ON issuer BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER issuer_archive_delete BEFORE DELETE ON issuer BEGIN
  SELECT saldo_archive_deleted('issuer', OLD.valid_from);
END;

CREATE TRIGGER tax_rate_hold_before_insert BEFORE INSERT ON tax_rate BEGIN
  SELECT saldo_hold('tax_rate', NEW.service_id, NEW.valid_from);
END;

CREATE TRIGGER tax_rate_archive_after_insert AFTER INSERT ON tax_rate BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER tax_rate_hold_before_update BEFORE UPDATE ON tax_rate BEGIN
  SELECT saldo_hold('tax_rate', OLD.service_id, OLD.valid_from, NEW.service_id, NEW.valid_from);
END;

CREATE TRIGGER tax_rate_archive_after_update AFTER UPDATE ON tax_rate BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

CREATE TRIGGER tax_rate_archive_delete BEFORE DELETE ON tax_rate BEGIN
  SELECT saldo_archive_deleted('tax_rate', OLD.service_id, OLD.valid_from);
END;

CREATE TRIGGER superseded_refuse_invalid_insert BEFORE INSERT ON superseded BEGIN
  SELECT saldo_check('superseded', NEW.day);
  SELECT saldo_refuse('conflict', 'superseded row ' || NEW.superseded_id || ' stands already')
  WHERE EXISTS (SELECT 1 FROM superseded WHERE superseded_id = NEW.superseded_id);
  SELECT saldo_open(NEW.day, open_day, 'a row can be superseded') FROM books;
END;

CREATE TRIGGER superseded_refuse_invalid_id AFTER INSERT ON superseded BEGIN
  SELECT saldo_check_id('superseded_id', NEW.superseded_id);
END;

CREATE TRIGGER superseded_refuse_update BEFORE UPDATE ON superseded BEGIN
  SELECT saldo_refuse('append_only', 'what was superseded is never changed');
END;

CREATE TRIGGER superseded_refuse_delete BEFORE DELETE ON superseded BEGIN
  SELECT saldo_refuse('append_only', 'what was superseded is never deleted');
END;

CREATE VIEW books(opening_day, last_closed_day, closed_until, open_day) AS
SELECT p.valid_from, d.day, d.ends_at, coalesce(date(d.day, '+1 day'), p.valid_from)
FROM policy AS p LEFT JOIN day_close AS d ON d.day = (SELECT max(day) FROM day_close WHERE digest IS NOT NULL)
WHERE p.valid_from = (SELECT min(valid_from) FROM policy);

CREATE VIEW ledger(account_id, day, effective_at, kind, service_id, method, amount, reference) AS
SELECT c.account_id, d.day, d.ends_at, 'charge', c.service_id, NULL, -c.amount, NULL
FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
UNION ALL
SELECT account_id, day, credited_at, 'payment', NULL, method, amount, coalesce(external_id, CAST(payment_id AS TEXT))
FROM payment
UNION ALL
SELECT account_id, day, effective_at, kind, service_id, NULL, amount, coalesce(external_id, CAST(adjustment_id AS TEXT))
FROM adjustment;

CREATE VIEW account_balance(account_id, balance) AS
SELECT a.account_id,
       coalesce(b.balance, 0)
       + (SELECT coalesce(sum(p.amount), 0) FROM payment AS p
          WHERE p.account_id = a.account_id AND p.day > coalesce(k.last_closed_day, ''))
       + (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
          WHERE j.account_id = a.account_id AND j.day > coalesce(k.last_closed_day, ''))
FROM books AS k CROSS JOIN account AS a LEFT JOIN balance AS b ON b.account_id = a.account_id;

CREATE VIEW monthly_statement(account_id, month, opening_balance, paid, adjusted, charged, closing_balance) AS
WITH RECURSIVE month(month, first_day, last_day, last_closed_day) AS (
  SELECT substr(opening_day, 1, 7), date(opening_day, 'start of month'),
         date(opening_day, 'start of month', '+1 month', '-1 day'), coalesce(last_closed_day, '')
  FROM books
  UNION ALL
  SELECT substr(date(last_day, '+1 day'), 1, 7), date(last_day, '+1 day'),
         date(last_day, '+1 day', '+1 month', '-1 day'), last_closed_day
  FROM month WHERE last_day < (SELECT open_day FROM books))
SELECT account_id, month, closing_balance - paid - adjusted + charged, paid, adjusted, charged, closing_balance
FROM (
  SELECT a.account_id, m.month,
         (SELECT coalesce(sum(p.amount), 0) FROM payment AS p
          WHERE p.account_id = a.account_id AND p.day BETWEEN m.first_day AND m.last_day) AS paid,
         (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
          WHERE j.account_id = a.account_id AND j.day BETWEEN m.first_day AND m.last_day) AS adjusted,
         (SELECT coalesce(sum(c.amount), 0) FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
          WHERE c.account_id = a.account_id AND d.day BETWEEN m.first_day AND m.last_day) AS charged,
         coalesce(b.balance, 0)
         + iif(m.last_day < m.last_closed_day, -1, 1)
           * ((SELECT coalesce(sum(p.amount), 0) FROM payment AS p
               WHERE p.account_id = a.account_id
                 AND p.day > min(m.last_day, m.last_closed_day) AND p.day <= max(m.last_day, m.last_closed_day))
              + (SELECT coalesce(sum(j.amount), 0) FROM adjustment AS j
                 WHERE j.account_id = a.account_id
                   AND j.day > min(m.last_day, m.last_closed_day) AND j.day <= max(m.last_day, m.last_closed_day)))
         + (SELECT coalesce(sum(c.amount), 0) FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
            WHERE c.account_id = a.account_id AND d.day > m.last_day) AS closing_balance
  FROM account AS a CROSS JOIN month AS m LEFT JOIN balance AS b ON b.account_id = a.account_id
  WHERE m.month >= substr(a.registered_on, 1, 7));

CREATE VIEW revenue_by_day(day, accounts, charges, amount) AS
SELECT day, accounts, charges, charged FROM day_close;

CREATE VIEW revenue_by_service(month, service_id, accounts, quantity, amount) AS
SELECT t.month, t.service_id,
       (SELECT count(DISTINCT c.account_id) FROM day_close AS d CROSS JOIN charge AS c ON c.day = d.day
        WHERE substr(d.day, 1, 7) = t.month AND c.service_id = t.service_id),
       t.quantity, t.amount
FROM (SELECT substr(day, 1, 7) AS month, service_id, sum(quantity) AS quantity, sum(amount) AS amount
      FROM charge_total GROUP BY 1, 2) AS t;

CREATE VIEW debtor(account_id, name, state, balance, arrears_since, restricted_from) AS
SELECT s.account_id, a.name, s.state, s.balance, s.arrears_since, s.restricted_from
FROM access_state AS s CROSS JOIN account AS a ON a.account_id = s.account_id WHERE s.arrears_since IS NOT NULL;

CREATE VIEW monthly_recurring_revenue(service_id, price_list, accounts, quantity, amount) AS
SELECT c.service_id, c.price_list, count(*), sum(c.quantity), sum(c.monthly_fee + c.unit_fee * c.quantity)
FROM books AS b CROSS JOIN daily_charge AS c ON c.day = b.open_day
JOIN service AS s ON s.service_id = c.service_id AND s.kind = 'recurring'
GROUP BY c.service_id, c.price_list;

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

CREATE VIEW audit_charge_total(day, service_id, posted, computed) AS
SELECT day, service_id, sum(posted), sum(computed)
FROM (
  SELECT day, service_id, accounts, quantity, amount AS posted, 0 AS computed FROM charge_total
  UNION ALL
  SELECT day, service_id, -count(*), -sum(quantity), 0, sum(amount) FROM charge GROUP BY day, service_id)
GROUP BY day, service_id HAVING sum(accounts) <> 0 OR sum(quantity) <> 0 OR sum(posted) <> sum(computed);

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

CREATE VIEW audit_arrears(account_id, arrears_since, computed, restricted_days, restricted_days_computed) AS
SELECT s.account_id, b.arrears_since, s.arrears_since, b.restricted_days, s.restricted_days
FROM books AS k CROSS JOIN access_state AS s ON s.day = k.last_closed_day
LEFT JOIN balance AS b ON b.account_id = s.account_id
WHERE (b.arrears_since, coalesce(b.restricted_days, 0)) IS NOT (s.arrears_since, s.restricted_days);

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

CREATE VIEW audit_notice(account_id, remembered, computed) AS
SELECT s.account_id, n.state, s.state
FROM notice_clock AS c CROSS JOIN access_state AS s ON s.at = c.at
LEFT JOIN notice_seen AS n ON n.account_id = s.account_id
WHERE c.at IS NOT NULL AND c.look_at_all = 0
  AND (n.account_id IS NULL OR n.look_at IS NULL OR n.look_at > c.at) AND n.state IS NOT s.state;

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

CREATE TABLE token(
  name       TEXT PRIMARY KEY NOT NULL,
  role       TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  revoked_at TEXT
) WITHOUT ROWID;

CREATE TABLE stored_answer(
  token        TEXT NOT NULL,
  method       TEXT NOT NULL,
  target       TEXT NOT NULL,
  key          TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  status       INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  body         TEXT NOT NULL,
  stored_at    TEXT NOT NULL,
  PRIMARY KEY (token, method, target, key)
) WITHOUT ROWID;

CREATE TABLE search_queue(
  account_id INTEGER PRIMARY KEY,
  mark       TEXT
);

CREATE TRIGGER account_search_after_insert AFTER INSERT ON account BEGIN
  INSERT OR IGNORE INTO search_queue(account_id) VALUES (NEW.account_id);
END;

CREATE TRIGGER account_search_after_update AFTER UPDATE OF name, legal_name, tax_id, external_id, contract ON account
BEGIN
  INSERT OR IGNORE INTO search_queue(account_id) VALUES (NEW.account_id);
END;

CREATE TRIGGER token_refuse_invalid_insert BEFORE INSERT ON token BEGIN
  SELECT saldo_check('token', NEW.name, NEW.role, NEW.hash, NEW.created_at, NEW.revoked_at);
  SELECT saldo_refuse('conflict', 'there is a token ' || NEW.name || ' already; a name is given once')
  WHERE EXISTS (SELECT 1 FROM token WHERE name = NEW.name);
END;

CREATE TRIGGER token_refuse_invalid_update BEFORE UPDATE ON token BEGIN
  SELECT saldo_check('token', NEW.name, NEW.role, NEW.hash, NEW.created_at, NEW.revoked_at);
END;

CREATE TRIGGER token_refuse_delete BEFORE DELETE ON token BEGIN
  SELECT saldo_refuse('append_only', 'tokens are revoked, not deleted');
END;

CREATE TRIGGER stored_answer_refuse_invalid_insert BEFORE INSERT ON stored_answer BEGIN
  SELECT saldo_check('stored_answer', NEW.stored_at);
  SELECT saldo_refuse('conflict', 'this key has its answer already')
  WHERE EXISTS (SELECT 1 FROM stored_answer
                WHERE token = NEW.token AND method = NEW.method AND target = NEW.target AND key = NEW.key);
END;

CREATE TRIGGER stored_answer_refuse_update BEFORE UPDATE ON stored_answer BEGIN
  SELECT saldo_refuse('append_only', 'a stored answer never changes');
END;

CREATE TRIGGER stored_answer_refuse_delete BEFORE DELETE ON stored_answer BEGIN
  SELECT saldo_refuse('append_only', 'a stored answer is never deleted');
END;

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

CREATE TABLE notice_clock(
  at          TEXT,
  posted_at   TEXT,
  look_at_all INTEGER NOT NULL
);

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

CREATE TABLE notice_run(
  after_notice_id INTEGER NOT NULL
);

CREATE TABLE webhook(
  name          TEXT PRIMARY KEY NOT NULL,
  url           TEXT NOT NULL,
  kinds         TEXT,
  created_at    TEXT NOT NULL,
  disabled_at   TEXT,
  failing_since TEXT,
  detail        TEXT
) WITHOUT ROWID;

CREATE TABLE webhook_secret(
  webhook    TEXT NOT NULL,
  secret     TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT,
  PRIMARY KEY (webhook, secret)
) WITHOUT ROWID;

CREATE TABLE mail_suspended(
  address TEXT PRIMARY KEY NOT NULL,
  since   TEXT NOT NULL,
  detail  TEXT
) WITHOUT ROWID;

CREATE TABLE delivery(
  delivery_id INTEGER PRIMARY KEY,
  notice_id   INTEGER NOT NULL REFERENCES notice,
  account_id  INTEGER NOT NULL,
  channel     TEXT NOT NULL,
  recipient   TEXT NOT NULL,
  status      TEXT NOT NULL DEFAULT 'waiting',
  in_turn     INTEGER NOT NULL DEFAULT 1,
  attempts    INTEGER NOT NULL DEFAULT 0,
  next_at     TEXT,
  since       TEXT,
  done_at     TEXT,
  detail      TEXT,
  subject     TEXT,
  body        TEXT,
  earlier     TEXT
);

CREATE UNIQUE INDEX delivery_notice ON delivery(notice_id, channel);

CREATE INDEX delivery_status ON delivery(status);

CREATE INDEX delivery_due ON delivery(channel, coalesce(next_at, '')) WHERE status = 'waiting' AND in_turn = 1;

CREATE INDEX delivery_order ON delivery(channel, account_id, notice_id) WHERE status = 'waiting';

CREATE TRIGGER notice_run_refuse_insert BEFORE INSERT ON notice_run BEGIN
  SELECT saldo_refuse('append_only', 'notice_run has one row');
END;

CREATE TRIGGER notice_run_refuse_delete BEFORE DELETE ON notice_run BEGIN
  SELECT saldo_refuse('append_only', 'notice_run has one row');
END;

CREATE TRIGGER notice_clock_note_run BEFORE UPDATE OF at ON notice_clock BEGIN
  UPDATE notice_run SET after_notice_id = (SELECT coalesce(max(notice_id), 0) FROM notice);
END;

CREATE TRIGGER webhook_refuse_invalid_insert BEFORE INSERT ON webhook BEGIN
  SELECT saldo_check('webhook', NEW.name, NEW.url, NEW.kinds, NEW.created_at, NEW.disabled_at, NEW.failing_since,
                     NEW.detail);
  SELECT saldo_refuse('invalid', 'email is the channel of e-mails; a webhook has another name')
  WHERE NEW.name = 'email';
  SELECT saldo_refuse('invalid', 'kinds is not a JSON array of kinds of notices, of which there are: '
                                 || (SELECT group_concat(kind, ' ') FROM notice_kind))
  WHERE saldo_are_notice_kinds(NEW.kinds) = 0;
  SELECT saldo_refuse('conflict', 'there is a webhook ' || NEW.name || ' already; UPDATE changes it')
  WHERE EXISTS (SELECT 1 FROM webhook WHERE name = NEW.name);
  -- The server keeps a thread for each, so that a slow one holds up no other.
  SELECT saldo_refuse('out_of_range', 'there are 16 webhooks already; that is the most')
  WHERE (SELECT count(*) FROM webhook) >= 16;
END;

CREATE TRIGGER webhook_refuse_invalid_update BEFORE UPDATE ON webhook BEGIN
  SELECT saldo_check('webhook', NEW.name, NEW.url, NEW.kinds, NEW.created_at, NEW.disabled_at, NEW.failing_since,
                     NEW.detail);
  SELECT saldo_refuse('invalid', 'kinds is not a JSON array of kinds of notices, of which there are: '
                                 || (SELECT group_concat(kind, ' ') FROM notice_kind))
  WHERE saldo_are_notice_kinds(NEW.kinds) = 0;
  SELECT saldo_refuse('conflict', 'a webhook stays ' || OLD.name || '; insert another one')
  WHERE NEW.name <> OLD.name;
END;

CREATE TRIGGER webhook_end_deliveries AFTER DELETE ON webhook BEGIN
  DELETE FROM webhook_secret WHERE webhook = OLD.name;
  UPDATE delivery SET status = 'moot', next_at = NULL, detail = 'the webhook was deleted'
  WHERE channel = OLD.name AND status = 'waiting';
END;

CREATE TRIGGER webhook_secret_refuse_invalid_insert BEFORE INSERT ON webhook_secret BEGIN
  SELECT saldo_check('webhook_secret', NEW.webhook, NEW.secret, NEW.created_at, NEW.expires_at);
  SELECT saldo_refuse('not_found', 'there is no webhook ' || NEW.webhook)
  WHERE NOT EXISTS (SELECT 1 FROM webhook WHERE name = NEW.webhook);
END;

CREATE TRIGGER webhook_secret_refuse_invalid_update BEFORE UPDATE ON webhook_secret BEGIN
  SELECT saldo_check('webhook_secret', NEW.webhook, NEW.secret, NEW.created_at, NEW.expires_at);
END;

CREATE TRIGGER mail_suspended_refuse_invalid_insert BEFORE INSERT ON mail_suspended BEGIN
  SELECT saldo_check('mail_suspended', NEW.address, NEW.since, NEW.detail);
END;

CREATE TRIGGER mail_suspended_refuse_invalid_update BEFORE UPDATE ON mail_suspended BEGIN
  SELECT saldo_check('mail_suspended', NEW.address, NEW.since, NEW.detail);
END;

CREATE TRIGGER account_resume_mail AFTER UPDATE OF admin_email ON account
WHEN NEW.admin_email IS NOT OLD.admin_email BEGIN
  DELETE FROM mail_suspended WHERE address IN (OLD.admin_email, NEW.admin_email);
END;

CREATE TRIGGER notice_post_deliveries AFTER INSERT ON notice BEGIN
  INSERT INTO delivery(notice_id, account_id, channel, recipient)
  SELECT NEW.notice_id, NEW.account_id, 'email', a.admin_email
  FROM account AS a JOIN notice_kind AS k ON k.kind = NEW.kind
  WHERE a.account_id = NEW.account_id AND a.admin_email IS NOT NULL AND k.by_email = 1
    -- Who gets documents by post gets invoices alone by e-mail.
    AND (NEW.kind <> 'document' OR a.document_delivery = 'email'
         OR EXISTS (SELECT 1 FROM document WHERE document_id = NEW.reference AND kind = 'invoice'));
  INSERT INTO delivery(notice_id, account_id, channel, recipient)
  SELECT NEW.notice_id, NEW.account_id, name, url
  FROM webhook
  WHERE disabled_at IS NULL AND (kinds IS NULL OR NEW.kind IN (SELECT value FROM json_each(kinds)))
  ORDER BY name;
END;

CREATE TRIGGER delivery_refuse_invalid_insert BEFORE INSERT ON delivery BEGIN
  SELECT saldo_check('delivery', NEW.account_id, NEW.channel, NEW.recipient, NEW.status, NEW.in_turn, NEW.attempts,
                     NEW.next_at, NEW.since, NEW.done_at, NEW.detail, NEW.subject, NEW.body, NEW.earlier);
  SELECT saldo_refuse('append_only', 'nothing came of a new delivery earlier') WHERE NEW.earlier IS NOT NULL;
  SELECT saldo_refuse('conflict', 'there is a delivery ' || NEW.delivery_id || ' already')
  WHERE EXISTS (SELECT 1 FROM delivery WHERE delivery_id = NEW.delivery_id);
  SELECT saldo_refuse('conflict', 'notice ' || NEW.notice_id || ' has its delivery by ' || NEW.channel || ' already')
  WHERE EXISTS (SELECT 1 FROM delivery WHERE notice_id = NEW.notice_id AND channel = NEW.channel);
  SELECT saldo_refuse('not_found', 'account ' || NEW.account_id || ' has no notice ' || NEW.notice_id)
  WHERE NOT EXISTS (SELECT 1 FROM notice WHERE notice_id = NEW.notice_id AND account_id = NEW.account_id);
END;

CREATE TRIGGER delivery_refuse_invalid_id AFTER INSERT ON delivery BEGIN
  SELECT saldo_check_id('delivery_id', NEW.delivery_id);
END;

CREATE TRIGGER delivery_wait_for_turn AFTER INSERT ON delivery
WHEN NEW.status = 'waiting'
     AND EXISTS (SELECT 1 FROM delivery WHERE status = 'waiting' AND channel = NEW.channel
                 AND account_id = NEW.account_id AND notice_id < NEW.notice_id) BEGIN
  UPDATE delivery SET in_turn = 0 WHERE delivery_id = NEW.delivery_id;
END;

CREATE TRIGGER delivery_refuse_invalid_update BEFORE UPDATE ON delivery BEGIN
  SELECT saldo_check('delivery', NEW.account_id, NEW.channel, NEW.recipient, NEW.status, NEW.in_turn, NEW.attempts,
                     NEW.next_at, NEW.since, NEW.done_at, NEW.detail, NEW.subject, NEW.body, NEW.earlier);
  SELECT saldo_refuse('append_only', 'a delivery stays that of its notice on its channel')
  WHERE (NEW.delivery_id, NEW.notice_id, NEW.account_id, NEW.channel)
        IS NOT (OLD.delivery_id, OLD.notice_id, OLD.account_id, OLD.channel);
END;

CREATE TRIGGER delivery_refuse_forgetting BEFORE UPDATE OF earlier ON delivery
WHEN CASE WHEN json_valid(NEW.earlier)
          THEN json_array_length(NEW.earlier) <= coalesce(json_array_length(OLD.earlier), 0) ELSE 1 END BEGIN
  SELECT saldo_refuse('append_only', 'what came of a delivery earlier stays: a JSON array that grows');
END;

CREATE TRIGGER delivery_refuse_delete BEFORE DELETE ON delivery BEGIN
  SELECT saldo_refuse('append_only', 'deliveries are never deleted');
END;

CREATE TRIGGER delivery_give_turn AFTER UPDATE OF status ON delivery
WHEN OLD.status = 'waiting' AND NEW.status <> 'waiting' BEGIN
  UPDATE delivery SET in_turn = 1
  WHERE delivery_id = (SELECT delivery_id FROM delivery
                       WHERE status = 'waiting' AND channel = NEW.channel AND account_id = NEW.account_id
                       ORDER BY notice_id LIMIT 1);
END;

CREATE TRIGGER delivery_keep_earlier AFTER UPDATE OF status, recipient ON delivery
WHEN NEW.status = 'waiting' AND (OLD.status <> 'waiting' OR OLD.attempts > 0 AND NEW.recipient <> OLD.recipient) BEGIN
  UPDATE delivery
  SET earlier = json_insert(coalesce(earlier, '[]'), '$[#]',
                            json_array(OLD.recipient, OLD.status, OLD.done_at, OLD.detail))
  WHERE delivery_id = NEW.delivery_id;
END;

CREATE TRIGGER delivery_take_turn AFTER UPDATE OF status ON delivery
WHEN OLD.status <> 'waiting' AND NEW.status = 'waiting' BEGIN
  UPDATE delivery SET in_turn = 0
  WHERE status = 'waiting' AND channel = NEW.channel AND account_id = NEW.account_id;
  UPDATE delivery SET in_turn = 1
  WHERE delivery_id = (SELECT delivery_id FROM delivery
                       WHERE status = 'waiting' AND channel = NEW.channel AND account_id = NEW.account_id
                       ORDER BY notice_id LIMIT 1);
END;
