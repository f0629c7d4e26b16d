-- The rules of entry: what a row must be, what must exist, and that closed days stay as they are (3.1, R8, R11).
--
-- Everything is refused by a function of the extension, not by CHECK, NOT NULL or RAISE, so that OR IGNORE and OR REPLACE
-- meet the same rules and the message says what would be accepted. `INSERT OR UPDATE` and PRIOR are shorthands, see
-- extension/schema.cpp.

-- The first day is the valid_from of the first policy; before any day is closed, last_closed_day and closed_until are NULL.
CREATE VIEW books(opening_day, last_closed_day, closed_until, open_day) AS
SELECT p.valid_from, d.day, d.ends_at, coalesce(date(d.day, '+1 day'), p.valid_from)
FROM policy AS p LEFT JOIN day_close AS d ON d.day = (SELECT max(day) FROM day_close WHERE digest IS NOT NULL)
WHERE p.valid_from = (SELECT min(valid_from) FROM policy);

-- policy --------------------------------------------------------------------------------------------------------------

CREATE TRIGGER policy_check BEFORE INSERT OR UPDATE ON policy BEGIN
  SELECT saldo_check('valid_from', 'day', NEW.valid_from),
         saldo_check('rules', 'integer', NEW.rules, 1, 1),
         saldo_check('time_zone', 'zone', NEW.time_zone),
         saldo_check('currency', 'currency', NEW.currency),
         saldo_check('working_week', 'week', NEW.working_week),
         saldo_check('restricted_days_charged', 'integer?', NEW.restricted_days_charged, 0),
         saldo_check('grace_working_days', 'integer', NEW.grace_working_days, 0),
         saldo_check('promised_payment_max_days', 'integer', NEW.promised_payment_max_days, 0),
         saldo_check('low_balance_warning_days', 'integer', NEW.low_balance_warning_days, 0),
         saldo_check('language', 'ru|en', NEW.language),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_open(NEW.valid_from, open_day, 'a policy can take effect') FROM books;
  SELECT saldo_refuse('conflict', 'time zone and currency are the same in all versions of the policy: '
                                  || time_zone || ', ' || currency)
  FROM policy WHERE valid_from <> NEW.valid_from AND (time_zone <> NEW.time_zone OR currency <> NEW.currency);
  SELECT saldo_refuse('conflict', 'time zone and currency are fixed from the first money, usage or close: '
                                  || time_zone || ', ' || currency)
  FROM policy
  WHERE (time_zone <> NEW.time_zone OR currency <> NEW.currency)
    AND (EXISTS (SELECT 1 FROM payment) OR EXISTS (SELECT 1 FROM adjustment) OR EXISTS (SELECT 1 FROM usage_event)
         OR EXISTS (SELECT 1 FROM day_close));
END;

CREATE TRIGGER policy_first_update BEFORE UPDATE OF valid_from ON policy
WHEN OLD.valid_from = (SELECT opening_day FROM books) AND NEW.valid_from IS NOT OLD.valid_from BEGIN
  SELECT saldo_refuse('conflict', 'the first policy opens the books, on ' || OLD.valid_from || '; it stays there');
END;

CREATE TRIGGER policy_first_delete BEFORE DELETE ON policy WHEN OLD.valid_from = (SELECT opening_day FROM books) BEGIN
  SELECT saldo_refuse('conflict', 'the first policy opens the books, on ' || OLD.valid_from || '; it stays');
END;

CREATE TRIGGER policy_closed BEFORE UPDATE OR DELETE ON policy BEGIN
  SELECT saldo_open(OLD.valid_from, open_day, 'a policy can take effect') FROM books;
END;

-- calendar_exception --------------------------------------------------------------------------------------------------

CREATE TRIGGER calendar_exception_check BEFORE INSERT OR UPDATE ON calendar_exception BEGIN
  SELECT saldo_check('day', 'day', NEW.day),
         saldo_check('working', 'integer', NEW.working, 0, 1),
         saldo_check('name', 'text?', NEW.name),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_open(NEW.day, open_day, 'the calendar can change') FROM books;
END;

CREATE TRIGGER calendar_exception_closed BEFORE UPDATE OR DELETE ON calendar_exception BEGIN
  SELECT saldo_open(OLD.day, open_day, 'the calendar can change') FROM books;
END;

-- service -------------------------------------------------------------------------------------------------------------

CREATE TRIGGER service_check BEFORE INSERT OR UPDATE ON service BEGIN
  SELECT saldo_check('service_id', 'identifier', NEW.service_id),
         saldo_check('name', 'name', NEW.name),
         saldo_check('kind', 'recurring|usage', NEW.kind),
         saldo_check('unit', 'text?', NEW.unit),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('conflict', service_id || ' is in use as a ' || kind || ' service; that stays')
  FROM service AS s
  WHERE service_id = NEW.service_id AND kind <> NEW.kind
    AND (EXISTS (SELECT 1 FROM tariff AS t WHERE t.service_id = s.service_id)
         OR EXISTS (SELECT 1 FROM subscription AS u WHERE u.service_id = s.service_id)
         OR EXISTS (SELECT 1 FROM usage_event AS e WHERE e.service_id = s.service_id));
END;

CREATE TRIGGER service_key BEFORE UPDATE OF service_id ON service WHEN NEW.service_id IS NOT OLD.service_id BEGIN
  SELECT saldo_refuse('conflict', 'a service keeps its service_id; insert another one');
END;

CREATE TRIGGER service_used BEFORE DELETE ON service
WHEN EXISTS (SELECT 1 FROM tariff WHERE service_id = OLD.service_id)
  OR EXISTS (SELECT 1 FROM subscription WHERE service_id = OLD.service_id)
  OR EXISTS (SELECT 1 FROM usage_event WHERE service_id = OLD.service_id)
  OR EXISTS (SELECT 1 FROM adjustment WHERE service_id = OLD.service_id) BEGIN
  SELECT saldo_refuse('conflict', OLD.service_id || ' is in use and stays');
END;

-- tariff --------------------------------------------------------------------------------------------------------------

CREATE TRIGGER tariff_check BEFORE INSERT OR UPDATE ON tariff BEGIN
  SELECT saldo_check('price_list', 'identifier', NEW.price_list),
         saldo_check('service_id', 'text', NEW.service_id),
         saldo_check('valid_from', 'day', NEW.valid_from),
         saldo_check('min_quantity', 'integer', NEW.min_quantity, 0, 1000000000),
         saldo_check('monthly_fee', 'integer', NEW.monthly_fee, 0, 1000000000000),
         saldo_check('unit_fee', 'integer', NEW.unit_fee, 0, 1000000),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_open(NEW.valid_from, open_day, 'a price can take effect') FROM books;
END;

CREATE TRIGGER tariff_closed BEFORE UPDATE OR DELETE ON tariff BEGIN
  SELECT saldo_open(OLD.valid_from, open_day, 'a price can take effect') FROM books;
END;

-- account -------------------------------------------------------------------------------------------------------------

CREATE TRIGGER account_check BEFORE INSERT OR UPDATE ON account BEGIN
  SELECT saldo_check('external_id', 'text?', NEW.external_id),
         saldo_check('name', 'name', NEW.name),
         saldo_check('admin_email', 'text?', NEW.admin_email),
         saldo_check('registered_on', 'day', NEW.registered_on),
         saldo_check('trial_ends_on', 'day?', NEW.trial_ends_on),
         saldo_check('customer_since', 'day?', NEW.customer_since),
         saldo_check('legal_name', 'text?', NEW.legal_name),
         saldo_check('tax_id', 'text?', NEW.tax_id),
         saldo_check('postal_address', 'text?', NEW.postal_address),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
END;

-- Triggers of one event run in no particular order, so that these check the day they compare themselves.
CREATE TRIGGER account_new BEFORE INSERT ON account BEGIN
  SELECT saldo_check('registered_on', 'day', NEW.registered_on);
  SELECT saldo_refuse('conflict', 'there is an account ' || NEW.account_id || ' already; UPDATE changes it')
  WHERE EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('conflict', 'external_id ' || NEW.external_id || ' is account ' || account_id || ' already')
  FROM account WHERE external_id = NEW.external_id;
  SELECT saldo_open(NEW.registered_on, open_day, 'an account can be registered')
  FROM books WHERE last_closed_day IS NOT NULL;
END;

CREATE TRIGGER account_change BEFORE UPDATE ON account BEGIN
  SELECT saldo_check('registered_on', 'day', NEW.registered_on);
  SELECT saldo_refuse('conflict', 'an account keeps its account_id') WHERE NEW.account_id IS NOT OLD.account_id;
  SELECT saldo_refuse('conflict', 'external_id ' || NEW.external_id || ' is account ' || account_id || ' already')
  FROM account WHERE external_id = NEW.external_id AND account_id <> OLD.account_id;
  SELECT saldo_open(min(OLD.registered_on, NEW.registered_on), open_day, 'a registration can change')
  FROM books WHERE last_closed_day IS NOT NULL AND NEW.registered_on <> OLD.registered_on;
  SELECT saldo_refuse('out_of_range', 'registered_on is ' || NEW.registered_on || ', after the first terms of the account, '
                                      || min(valid_from))
  FROM account_terms WHERE account_id = OLD.account_id HAVING min(valid_from) < NEW.registered_on;
END;

CREATE TRIGGER account_facts AFTER UPDATE OF registered_on, trial_ends_on ON account BEGIN
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER account_number AFTER INSERT ON account BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id, 1, 9007199254740992);
END;

CREATE TRIGGER account_kept BEFORE DELETE ON account BEGIN
  SELECT saldo_refuse('append_only', 'accounts are never deleted; terms with status closed end one');
END;

-- account_terms -------------------------------------------------------------------------------------------------------

CREATE TRIGGER account_terms_check BEFORE INSERT OR UPDATE ON account_terms BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('valid_from', 'day', NEW.valid_from),
         saldo_check('status', 'active|paused|closed', NEW.status),
         saldo_check('credit_limit', 'integer?', NEW.credit_limit, 0),
         saldo_check('held', 'integer', NEW.held, 0, 1),
         saldo_check('reason', 'text?', NEW.reason),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(NEW.valid_from, open_day, 'terms can take effect') FROM books;
  SELECT saldo_refuse('out_of_range', 'valid_from is ' || NEW.valid_from || '; terms start no earlier than the registration, '
                                      || registered_on)
  FROM account WHERE account_id = NEW.account_id AND registered_on > NEW.valid_from;
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER account_terms_closed BEFORE UPDATE OR DELETE ON account_terms BEGIN
  SELECT saldo_open(OLD.valid_from, open_day, 'terms can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id = OLD.account_id;
END;

-- headcount -----------------------------------------------------------------------------------------------------------

CREATE TRIGGER headcount_check BEFORE INSERT OR UPDATE ON headcount BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('day', 'day', NEW.day),
         saldo_check('employees', 'integer', NEW.employees, 0, 1000000000),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(NEW.day, open_day, 'a headcount can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id = NEW.account_id;
END;

CREATE TRIGGER headcount_closed BEFORE UPDATE OR DELETE ON headcount BEGIN
  SELECT saldo_open(OLD.day, open_day, 'a headcount can take effect') FROM books;
  DELETE FROM facts_in_force WHERE account_id = OLD.account_id;
END;

-- subscription --------------------------------------------------------------------------------------------------------

-- One that began in a closed day may still get, change or lose an ended_on on or after the open day (R11): the row in the
-- table, before the event, must be the same but for that. An empty period overlaps nothing.
CREATE TRIGGER subscription_check BEFORE INSERT OR UPDATE ON subscription BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('service_id', 'text', NEW.service_id),
         saldo_check('started_on', 'day', NEW.started_on),
         saldo_check('ended_on', 'day?', NEW.ended_on),
         saldo_check('quantity', 'integer?', NEW.quantity, 0, 1000000000),
         saldo_check('price_list', 'identifier', NEW.price_list),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no service ' || NEW.service_id)
  WHERE NOT EXISTS (SELECT 1 FROM service WHERE service_id = NEW.service_id);
  SELECT saldo_refuse('out_of_range', 'ended_on is ' || NEW.ended_on || ', before started_on ' || NEW.started_on)
  WHERE NEW.ended_on < NEW.started_on;
  DELETE FROM facts_in_force WHERE account_id IN (PRIOR.account_id, NEW.account_id);
  SELECT saldo_open(NEW.started_on, open_day, 'a subscription can start') FROM books
  WHERE NOT EXISTS (
    SELECT 1 FROM subscription AS s
    WHERE s.account_id = NEW.account_id AND s.service_id = NEW.service_id AND s.started_on = NEW.started_on
      AND s.quantity IS NEW.quantity AND s.price_list = NEW.price_list
      AND (s.ended_on IS NULL OR s.ended_on >= open_day));
  SELECT saldo_open(NEW.ended_on, open_day, 'a subscription can end') FROM books WHERE NEW.ended_on IS NOT NULL;
  SELECT saldo_refuse('conflict', NEW.service_id || ' overlaps the subscription from ' || s.started_on || ' to '
                                  || coalesce(s.ended_on, 'now on'))
  FROM subscription AS s
  WHERE s.account_id = NEW.account_id AND s.service_id = NEW.service_id
    AND s.started_on <> NEW.started_on
    AND (s.account_id, s.service_id, s.started_on) <> (PRIOR.account_id, PRIOR.service_id, PRIOR.started_on)
    AND s.started_on < coalesce(NEW.ended_on, '9999-99') AND NEW.started_on < coalesce(s.ended_on, '9999-99')
    AND s.started_on IS NOT s.ended_on AND NEW.started_on IS NOT NEW.ended_on;
END;

CREATE TRIGGER subscription_repeated BEFORE INSERT ON subscription
WHEN EXISTS (SELECT 1 FROM subscription
             WHERE account_id = NEW.account_id AND service_id = NEW.service_id AND started_on = NEW.started_on
               AND ended_on IS NEW.ended_on) BEGIN
  SELECT saldo_open(NEW.started_on, open_day, 'a subscription can start') FROM books;
END;

CREATE TRIGGER subscription_key BEFORE UPDATE ON subscription
WHEN (NEW.account_id, NEW.service_id, NEW.started_on) <> (OLD.account_id, OLD.service_id, OLD.started_on) BEGIN
  SELECT saldo_open(OLD.started_on, open_day, 'a subscription can start') FROM books;
END;

CREATE TRIGGER subscription_closed BEFORE DELETE ON subscription BEGIN
  SELECT saldo_open(OLD.started_on, open_day, 'a subscription can end') FROM books;
  DELETE FROM facts_in_force WHERE account_id = OLD.account_id;
END;

-- usage_event ---------------------------------------------------------------------------------------------------------

CREATE TRIGGER usage_event_check BEFORE INSERT ON usage_event BEGIN
  SELECT saldo_check('usage_id', 'name', NEW.usage_id),
         saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('service_id', 'text', NEW.service_id),
         saldo_check('occurred_at', 'instant', NEW.occurred_at),
         saldo_check('quantity', 'integer', NEW.quantity, 1, 1000000000),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
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
  FROM books WHERE NEW.charged_on <> max(billing_day(NEW.occurred_at), open_day);
  SELECT saldo_refuse('out_of_range', 'quantity is ' || NEW.quantity || '; with ' || sum(quantity)
                                      || ' already an account''s usage of one service in one day exceeds 1000000000')
  FROM usage_event
  WHERE account_id = NEW.account_id AND service_id = NEW.service_id
    AND charged_on = (SELECT max(billing_day(NEW.occurred_at), open_day) FROM books)
  HAVING sum(quantity) > 1000000000 - NEW.quantity;
END;

CREATE TRIGGER usage_event_computed AFTER INSERT ON usage_event WHEN NEW.charged_on IS NULL BEGIN
  UPDATE usage_event SET charged_on = (SELECT max(billing_day(NEW.occurred_at), open_day) FROM books)
  WHERE usage_id = NEW.usage_id;
END;

-- Of the append-only tables the computed column alone is filled in, once, by the trigger above.
CREATE TRIGGER usage_event_fixed BEFORE UPDATE ON usage_event
WHEN OLD.charged_on IS NOT NULL OR NEW.charged_on IS NOT (SELECT max(billing_day(OLD.occurred_at), open_day) FROM books)
  OR (NEW.usage_id, NEW.account_id, NEW.service_id, NEW.occurred_at, NEW.quantity, NEW.recorded_at, NEW.recorded_by)
     IS NOT (OLD.usage_id, OLD.account_id, OLD.service_id, OLD.occurred_at, OLD.quantity, OLD.recorded_at, OLD.recorded_by) BEGIN
  SELECT saldo_refuse('append_only', 'usage is never changed; an adjustment mends a mistake');
END;

CREATE TRIGGER usage_event_kept BEFORE DELETE ON usage_event BEGIN
  SELECT saldo_refuse('append_only', 'usage is never deleted; an adjustment mends a mistake');
END;

-- payment_method ------------------------------------------------------------------------------------------------------

CREATE TRIGGER payment_method_check BEFORE INSERT OR UPDATE ON payment_method BEGIN
  SELECT saldo_check('method', 'identifier', NEW.method),
         saldo_check('name', 'name', NEW.name),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
END;

CREATE TRIGGER payment_method_key BEFORE UPDATE OF method ON payment_method WHEN NEW.method IS NOT OLD.method BEGIN
  SELECT saldo_refuse('conflict', 'a payment method keeps its name in the tables; insert another one');
END;

CREATE TRIGGER payment_method_used BEFORE DELETE ON payment_method
WHEN EXISTS (SELECT 1 FROM payment WHERE method = OLD.method) BEGIN
  SELECT saldo_refuse('conflict', OLD.method || ' is in use and stays');
END;

-- payment -------------------------------------------------------------------------------------------------------------

CREATE TRIGGER payment_check BEFORE INSERT ON payment BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('amount', 'integer', NEW.amount, 1, 1000000000000000),
         saldo_check('method', 'text', NEW.method),
         saldo_check('external_id', 'name?', NEW.external_id),
         saldo_check('received_at', 'instant?', NEW.received_at),
         saldo_check('credited_at', 'instant', NEW.credited_at),
         saldo_check('payer', 'text?', NEW.payer),
         saldo_check('purpose', 'text?', NEW.purpose),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'payment ' || NEW.payment_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM payment WHERE payment_id = NEW.payment_id);
  SELECT saldo_refuse('conflict', 'the payment ' || external_id || ' by ' || method || ' is recorded already')
  FROM payment WHERE method = NEW.method AND external_id = NEW.external_id;
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_refuse('not_found', 'there is no payment method ' || NEW.method)
  WHERE NOT EXISTS (SELECT 1 FROM payment_method WHERE method = NEW.method);
  SELECT saldo_open(NEW.credited_at, coalesce(closed_until, day_start(opening_day)), 'money can be credited') FROM books;
  SELECT saldo_refuse('out_of_range', 'amount is ' || NEW.amount || '; with it the balance of account ' || NEW.account_id
                                      || ' would leave -10^18 to 10^18')
  FROM account_balance WHERE account_id = NEW.account_id AND abs(balance + NEW.amount) > 1000000000000000000;
  SELECT saldo_refuse('invalid', 'day is ' || NEW.day || '; it is computed: ' || billing_day(NEW.credited_at))
  WHERE NEW.day <> billing_day(NEW.credited_at);
END;

CREATE TRIGGER payment_computed AFTER INSERT ON payment BEGIN
  SELECT saldo_check('payment_id', 'integer', NEW.payment_id, 1, 9007199254740992);
  UPDATE payment SET day = billing_day(NEW.credited_at) WHERE payment_id = NEW.payment_id AND day IS NULL;
END;

CREATE TRIGGER payment_fixed BEFORE UPDATE ON payment
WHEN OLD.day IS NOT NULL OR NEW.day IS NOT billing_day(OLD.credited_at)
  OR (NEW.payment_id, NEW.account_id, NEW.amount, NEW.method, NEW.external_id, NEW.received_at, NEW.credited_at, NEW.payer, NEW.purpose, NEW.recorded_at, NEW.recorded_by)
     IS NOT (OLD.payment_id, OLD.account_id, OLD.amount, OLD.method, OLD.external_id, OLD.received_at, OLD.credited_at, OLD.payer, OLD.purpose, OLD.recorded_at, OLD.recorded_by) BEGIN
  SELECT saldo_refuse('append_only', 'payments are never changed; an adjustment mends a mistake');
END;

CREATE TRIGGER payment_kept BEFORE DELETE ON payment BEGIN
  SELECT saldo_refuse('append_only', 'payments are never deleted; an adjustment mends a mistake');
END;

-- adjustment_kind -----------------------------------------------------------------------------------------------------

CREATE TRIGGER adjustment_kind_check BEFORE INSERT OR UPDATE ON adjustment_kind BEGIN
  SELECT saldo_check('kind', 'identifier', NEW.kind),
         saldo_check('name', 'name', NEW.name),
         saldo_check('sign', 'integer', NEW.sign, -1, 1),
         saldo_check('revenue', 'integer', NEW.revenue, 0, 1),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('conflict', kind || ' is in use; its sign and revenue stay')
  FROM adjustment_kind AS k
  WHERE kind = NEW.kind AND (sign <> NEW.sign OR revenue <> NEW.revenue)
    AND EXISTS (SELECT 1 FROM adjustment AS a WHERE a.kind = k.kind);
END;

CREATE TRIGGER adjustment_kind_key BEFORE UPDATE OF kind ON adjustment_kind WHEN NEW.kind IS NOT OLD.kind BEGIN
  SELECT saldo_refuse('conflict', 'a kind of adjustment keeps its name in the tables; insert another one');
END;

CREATE TRIGGER adjustment_kind_used BEFORE DELETE ON adjustment_kind
WHEN EXISTS (SELECT 1 FROM adjustment WHERE kind = OLD.kind) BEGIN
  SELECT saldo_refuse('conflict', OLD.kind || ' is in use and stays');
END;

-- adjustment ----------------------------------------------------------------------------------------------------------

CREATE TRIGGER adjustment_check BEFORE INSERT ON adjustment BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('amount', 'integer', NEW.amount, -1000000000000000, 1000000000000000),
         saldo_check('kind', 'text', NEW.kind),
         saldo_check('effective_at', 'instant', NEW.effective_at),
         saldo_check('external_id', 'name?', NEW.external_id),
         saldo_check('reason', 'text?', NEW.reason),
         saldo_check('payment_id', 'integer?', NEW.payment_id),
         saldo_check('service_id', 'text?', NEW.service_id),
         saldo_check('for_day', 'day?', NEW.for_day),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
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
  -- A debt moved in keeps its age.
  SELECT saldo_open(NEW.effective_at, coalesce(closed_until, day_start(opening_day)), 'an adjustment can take effect')
  FROM books WHERE NOT (NEW.kind = 'opening_balance' AND last_closed_day IS NULL);
  SELECT saldo_refuse('out_of_range', 'amount is ' || NEW.amount || '; with it the balance of account ' || NEW.account_id
                                      || ' would leave -10^18 to 10^18')
  FROM account_balance WHERE account_id = NEW.account_id AND abs(balance + NEW.amount) > 1000000000000000000;
  SELECT saldo_refuse('invalid', 'day is ' || NEW.day || '; it is computed: ' || billing_day(NEW.effective_at))
  WHERE NEW.day <> billing_day(NEW.effective_at);
END;

CREATE TRIGGER adjustment_computed AFTER INSERT ON adjustment BEGIN
  SELECT saldo_check('adjustment_id', 'integer', NEW.adjustment_id, 1, 9007199254740992);
  UPDATE adjustment SET day = billing_day(NEW.effective_at) WHERE adjustment_id = NEW.adjustment_id AND day IS NULL;
END;

CREATE TRIGGER adjustment_fixed BEFORE UPDATE ON adjustment
WHEN OLD.day IS NOT NULL OR NEW.day IS NOT billing_day(OLD.effective_at)
  OR (NEW.adjustment_id, NEW.account_id, NEW.amount, NEW.kind, NEW.effective_at, NEW.external_id, NEW.reason, NEW.payment_id, NEW.service_id, NEW.for_day, NEW.recorded_at, NEW.recorded_by)
     IS NOT (OLD.adjustment_id, OLD.account_id, OLD.amount, OLD.kind, OLD.effective_at, OLD.external_id, OLD.reason, OLD.payment_id, OLD.service_id, OLD.for_day, OLD.recorded_at, OLD.recorded_by) BEGIN
  SELECT saldo_refuse('append_only', 'adjustments are never changed; another one mends a mistake');
END;

CREATE TRIGGER adjustment_kept BEFORE DELETE ON adjustment BEGIN
  SELECT saldo_refuse('append_only', 'adjustments are never deleted; another one mends a mistake');
END;

-- promised_payment ----------------------------------------------------------------------------------------------------

-- R8, by the facts of the moment. A promise granted later but recorded earlier may belong to the same run of arrears.
CREATE TRIGGER promised_payment_check BEFORE INSERT ON promised_payment BEGIN
  SELECT saldo_check('account_id', 'integer', NEW.account_id),
         saldo_check('granted_at', 'instant', NEW.granted_at),
         saldo_check('days', 'integer', NEW.days),
         saldo_check('recorded_at', 'instant?', NEW.recorded_at),
         saldo_check('recorded_by', 'text?', NEW.recorded_by);
  SELECT saldo_refuse('conflict', 'promise ' || NEW.promise_id || ' is recorded already')
  WHERE EXISTS (SELECT 1 FROM promised_payment WHERE promise_id = NEW.promise_id);
  SELECT saldo_refuse('not_found', 'there is no account ' || NEW.account_id)
  WHERE NOT EXISTS (SELECT 1 FROM account WHERE account_id = NEW.account_id);
  SELECT saldo_open(NEW.granted_at, coalesce(closed_until, day_start(opening_day)), 'a payment can be promised') FROM books;
  SELECT saldo_refuse('promise_refused', 'days is ' || NEW.days || '; a payment can be promised for 1 to '
                                         || promised_payment_max_days || ' days')
  FROM (SELECT promised_payment_max_days FROM policy WHERE valid_from <= billing_day(NEW.granted_at)
        ORDER BY valid_from DESC LIMIT 1)
  WHERE NEW.days NOT BETWEEN 1 AND promised_payment_max_days;
  SELECT saldo_refuse('out_of_range', 'days is ' || NEW.days || '; the promise would expire after the year 9999')
  WHERE strftime('%Y-%m-%dT%H:%M:%SZ', NEW.granted_at, '+' || NEW.days || ' days') IS NULL;
  SELECT saldo_refuse('invalid', 'expires_at is ' || NEW.expires_at || '; it is computed: granted_at and ' || NEW.days || ' days')
  WHERE NEW.expires_at <> strftime('%Y-%m-%dT%H:%M:%SZ', NEW.granted_at, '+' || NEW.days || ' days');
  SELECT saldo_refuse('promise_refused',
                      'a promise takes an active account in arrears, and a run of arrears takes one; at ' || NEW.granted_at
                      || ' account ' || NEW.account_id || ' is '
                      || coalesce((SELECT s.state || iif(s.arrears_since IS NULL, ' and owes nothing',
                                                         ' and has had its promise or is not to have one')
                                   FROM access_state AS s
                                   WHERE s.account_id = NEW.account_id AND s.at = NEW.granted_at),
                                  'not registered'))
  WHERE NOT EXISTS (SELECT 1 FROM access_state AS s
                    WHERE s.account_id = NEW.account_id AND s.at = NEW.granted_at AND s.promise_allowed = 1);
  SELECT saldo_refuse('promise_refused', 'this run of arrears has its promise, granted at ' || p.granted_at)
  FROM promised_payment AS p
  JOIN access_state AS later ON later.account_id = p.account_id AND later.at = p.granted_at
  JOIN access_state AS this ON this.account_id = p.account_id AND this.at = NEW.granted_at
  WHERE p.account_id = NEW.account_id AND p.granted_at > NEW.granted_at AND later.arrears_since = this.arrears_since;
END;

CREATE TRIGGER promised_payment_computed AFTER INSERT ON promised_payment BEGIN
  SELECT saldo_check('promise_id', 'integer', NEW.promise_id, 1, 9007199254740992);
  UPDATE promised_payment
  SET expires_at = strftime('%Y-%m-%dT%H:%M:%SZ', NEW.granted_at, '+' || NEW.days || ' days')
  WHERE promise_id = NEW.promise_id AND expires_at IS NULL;
END;

CREATE TRIGGER promised_payment_fixed BEFORE UPDATE ON promised_payment
WHEN OLD.expires_at IS NOT NULL OR NEW.expires_at IS NOT strftime('%Y-%m-%dT%H:%M:%SZ', OLD.granted_at, '+' || OLD.days || ' days')
  OR (NEW.promise_id, NEW.account_id, NEW.granted_at, NEW.days, NEW.recorded_at, NEW.recorded_by)
     IS NOT (OLD.promise_id, OLD.account_id, OLD.granted_at, OLD.days, OLD.recorded_at, OLD.recorded_by) BEGIN
  SELECT saldo_refuse('append_only', 'promises are never changed');
END;

CREATE TRIGGER promised_payment_kept BEFORE DELETE ON promised_payment BEGIN
  SELECT saldo_refuse('append_only', 'promises are never deleted');
END;

-- superseded ----------------------------------------------------------------------------------------------------------

CREATE TRIGGER superseded_new BEFORE INSERT ON superseded BEGIN
  SELECT saldo_refuse('conflict', 'superseded row ' || NEW.superseded_id || ' stands already')
  WHERE EXISTS (SELECT 1 FROM superseded WHERE superseded_id = NEW.superseded_id);
END;

CREATE TRIGGER superseded_open BEFORE INSERT ON superseded BEGIN
  SELECT saldo_check('day', 'day', NEW.day);
  SELECT saldo_open(NEW.day, open_day, 'a row can be superseded') FROM books;
END;

CREATE TRIGGER superseded_number AFTER INSERT ON superseded BEGIN
  SELECT saldo_check('superseded_id', 'integer', NEW.superseded_id, 1, 9007199254740992);
END;

CREATE TRIGGER superseded_kept BEFORE UPDATE OR DELETE ON superseded BEGIN
  SELECT saldo_refuse('append_only', 'what was superseded is kept as it was');
END;

-- The server ----------------------------------------------------------------------------------------------------------

CREATE TRIGGER token_check BEFORE INSERT OR UPDATE ON token BEGIN
  SELECT saldo_check('name', 'name', NEW.name),
         saldo_check('role', 'crm|cashier|operator|analyst|admin', NEW.role),
         saldo_check('hash', 'name', NEW.hash),
         saldo_check('created_at', 'instant', NEW.created_at),
         saldo_check('revoked_at', 'instant?', NEW.revoked_at);
END;

CREATE TRIGGER token_new BEFORE INSERT ON token BEGIN
  SELECT saldo_refuse('conflict', 'there is a token ' || NEW.name || ' already; a name is given once')
  WHERE EXISTS (SELECT 1 FROM token WHERE name = NEW.name);
END;

CREATE TRIGGER token_kept BEFORE DELETE ON token BEGIN
  SELECT saldo_refuse('append_only', 'tokens are revoked, not deleted');
END;

CREATE TRIGGER kept_answer_new BEFORE INSERT ON kept_answer BEGIN
  SELECT saldo_check('kept_at', 'instant', NEW.kept_at);
  SELECT saldo_refuse('conflict', 'this key has its answer already')
  WHERE EXISTS (SELECT 1 FROM kept_answer
                WHERE token = NEW.token AND method = NEW.method AND target = NEW.target AND key = NEW.key);
END;

CREATE TRIGGER kept_answer_kept BEFORE UPDATE OR DELETE ON kept_answer BEGIN
  SELECT saldo_refuse('append_only', 'answers are kept for good');
END;

-- Posting -------------------------------------------------------------------------------------------------------------

CREATE TRIGGER day_close_check BEFORE INSERT ON day_close BEGIN
  SELECT saldo_check('day', 'day', NEW.day),
         saldo_check('closed_at', 'instant', NEW.closed_at);
  SELECT saldo_refuse('conflict', NEW.day || ' is closed already') WHERE EXISTS (SELECT 1 FROM day_close WHERE day = NEW.day);
  SELECT saldo_open(NEW.day, open_day, 'days can be closed') FROM books;
  SELECT saldo_refuse('conflict', 'days close in order; the next one to close is ' || open_day)
  FROM books WHERE NEW.day <> open_day;
  SELECT saldo_refuse('day_not_ended', NEW.day || ' ends at ' || day_end(NEW.day) || ', after closed_at ' || NEW.closed_at)
  WHERE NEW.closed_at < day_end(NEW.day);
  SELECT saldo_refuse('invalid', 'ends_at is ' || NEW.ends_at || '; it is computed: ' || day_end(NEW.day))
  WHERE NEW.ends_at <> day_end(NEW.day);
  SELECT saldo_refuse('invalid', 'accounts, charges, charged and digest are computed; leave them out')
  WHERE coalesce(NEW.accounts, NEW.charges, NEW.charged, NEW.digest) IS NOT NULL;
END;

-- The day's row stands without its digest until all is posted: that marks the posting (and for `books` the day is still
-- open). saldo_post writes the charges, the balances, the day's totals and last the digest, which seals the day.
CREATE TRIGGER day_close_post AFTER INSERT ON day_close BEGIN
  UPDATE day_close SET ends_at = day_end(NEW.day) WHERE day = NEW.day;
  SELECT saldo_post(NEW.day);
END;

CREATE TRIGGER day_close_fixed BEFORE UPDATE ON day_close
WHEN OLD.digest IS NOT NULL OR NEW.day <> OLD.day OR NEW.closed_at <> OLD.closed_at BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER day_close_kept BEFORE DELETE ON day_close BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER charge_kept BEFORE UPDATE OR DELETE ON charge BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

CREATE TRIGGER charge_total_kept BEFORE UPDATE OR DELETE ON charge_total BEGIN
  SELECT saldo_refuse('append_only', 'a closed day never changes; an adjustment mends a mistake');
END;

-- Posting replaces rows, which deletes them under recursive_triggers.
CREATE TRIGGER balance_kept BEFORE DELETE ON balance BEGIN
  SELECT saldo_posted();
END;
