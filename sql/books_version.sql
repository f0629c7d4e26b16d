-- Every change of what the extension holds in memory gives books_version another value: a hash of the value before and
-- of the change. The triggers come before the change, so that whatever is read of the changed row finds the new value.
-- A change that is then ignored (OR IGNORE) leaves a value that no other books have.

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

-- A day counts as closed once it has its digest.
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
