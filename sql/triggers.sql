-- The rules of entry: what a row must be, what must exist, and that closed days stay as they are (3.1, R8, R11, R12).
--
-- Everything is refused by a function of the extension, not by CHECK, NOT NULL or RAISE, so that OR IGNORE and OR
-- REPLACE meet the same rules and the message says what would be accepted:
--
--   saldo_check(table, value, ...)        each value must be what its column may hold (extension/functions/domains.cpp)
--   saldo_check_id(name, id)              likewise, of a number that SQLite may have chosen
--   saldo_open(day, open_day, sentence)   the day, or instant, must not lie before the open one
--   saldo_refuse(code, sentence)          always an error; the WHERE after it says when
--   saldo_await(table, key)               before a row is written that saldo_add_… then adds to running totals, and
--                                         refuses where such a total would exceed its limit
--   saldo_promise_end(granted_at, days)   when a promise expires; null: after the year 9999
--
-- A trigger is for one event, so the rules of an INSERT are repeated for the UPDATE, where the old row must be of an
-- open day as well. Triggers of one event run in no particular order.

-- policy --------------------------------------------------------------------------------------------------------------

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

-- calendar_exception --------------------------------------------------------------------------------------------------

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

-- service -------------------------------------------------------------------------------------------------------------

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

-- tariff --------------------------------------------------------------------------------------------------------------

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

-- account -------------------------------------------------------------------------------------------------------------

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

-- account_terms -------------------------------------------------------------------------------------------------------

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

-- headcount -----------------------------------------------------------------------------------------------------------

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

-- subscription --------------------------------------------------------------------------------------------------------

-- A subscription that began in a closed day may still get, change or lose an ended_on on or after the open day (R11).
-- An upsert runs this trigger before that of the UPDATE, so both have the same rule: the new row may differ from the
-- one in the table in ended_on alone. An empty period overlaps nothing. Of periods that do not overlap each other, the
-- last that starts before the new one ends is the only one that needs looking at.

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

-- usage_event ---------------------------------------------------------------------------------------------------------

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

-- The one UPDATE that an append-only table takes is the trigger above, which fills in the computed column.
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

-- payment_method ------------------------------------------------------------------------------------------------------

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

-- payment -------------------------------------------------------------------------------------------------------------

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

-- adjustment_kind -----------------------------------------------------------------------------------------------------

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

-- adjustment ----------------------------------------------------------------------------------------------------------

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

-- promised_payment ----------------------------------------------------------------------------------------------------

-- R8, by the facts as they are when the promise is recorded. A promise recorded before may have been granted after this
-- one, in the same run of arrears.
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

-- Posting -------------------------------------------------------------------------------------------------------------

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

-- The day's row stands without its digest until all is posted: that marks the posting (and for `books` the day is still
-- open). saldo_post writes the charges, the balances, the day's totals and last the digest, which seals the day.
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

-- Posting replaces rows, which deletes them under recursive_triggers; saldo_posted lets posting alone pass.
CREATE TRIGGER balance_refuse_delete BEFORE DELETE ON balance BEGIN
  SELECT saldo_posted('balance');
END;
