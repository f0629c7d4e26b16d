-- What is replaced or deleted while its day is open goes to `superseded`, from every table of facts whose rows may be.
--
-- INSERT OR REPLACE deletes the old row without a trigger, and a BEFORE trigger cannot know whether the row will go in,
-- be ignored or become the UPDATE of an upsert. So there are two steps, by the row's key:
--
--   saldo_hold(table, key [, key])         before the row is written: remembers the rows with these keys as they are
--   saldo_archive(recorded_at, recorded_by) after it was written: puts them into `superseded`
--   saldo_archive_deleted(table, key)      puts the row with this key there at once

-- policy --------------------------------------------------------------------------------------------------------------

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

-- calendar_exception --------------------------------------------------------------------------------------------------

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

-- service -------------------------------------------------------------------------------------------------------------

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

-- tariff --------------------------------------------------------------------------------------------------------------

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

-- account -------------------------------------------------------------------------------------------------------------

CREATE TRIGGER account_hold_before_update BEFORE UPDATE ON account BEGIN
  SELECT saldo_hold('account', OLD.account_id);
END;

CREATE TRIGGER account_archive_after_update AFTER UPDATE ON account BEGIN
  SELECT saldo_archive(NEW.recorded_at, NEW.recorded_by);
END;

-- account_terms -------------------------------------------------------------------------------------------------------

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

-- headcount -----------------------------------------------------------------------------------------------------------

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

-- subscription --------------------------------------------------------------------------------------------------------

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

-- payment_method ------------------------------------------------------------------------------------------------------

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

-- adjustment_kind -----------------------------------------------------------------------------------------------------

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

-- channel -------------------------------------------------------------------------------------------------------------

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

-- issuer --------------------------------------------------------------------------------------------------------------

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

-- tax_rate ------------------------------------------------------------------------------------------------------------

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

-- superseded ----------------------------------------------------------------------------------------------------------

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
