-- For each table of facts whose rows can be replaced: what is replaced or deleted goes to `superseded`. {table}, {row} and
-- so on are filled in at the installation.
--
-- INSERT OR REPLACE deletes the old row without a trigger, and a BEFORE trigger cannot know whether the row will be
-- replaced, ignored or updated by an upsert. So the BEFORE trigger holds the old row, and the AFTER trigger, which only
-- runs when the new row did go in, keeps it.

CREATE TRIGGER {table}_hold_insert BEFORE INSERT ON {table} BEGIN
  SELECT saldo_replacing((SELECT {row} FROM {table} WHERE {is NEW}));
END;

CREATE TRIGGER {table}_keep_insert AFTER INSERT ON {table} WHEN saldo_replaced() IS NOT NULL BEGIN
  INSERT INTO superseded(table_name, key, row_json, recorded_at, recorded_by, day)
  SELECT '{table}', {NEW key}, saldo_replaced(), NEW.recorded_at, NEW.recorded_by, open_day FROM books;
END;

CREATE TRIGGER {table}_hold_update BEFORE UPDATE ON {table} BEGIN
  SELECT saldo_replacing((SELECT {row} FROM {table} WHERE {is NEW} AND {is not OLD}));
END;

CREATE TRIGGER {table}_keep_update AFTER UPDATE ON {table} BEGIN
  INSERT INTO superseded(table_name, key, row_json, recorded_at, recorded_by, day)
  SELECT '{table}', {OLD key}, {OLD row}, NEW.recorded_at, NEW.recorded_by, open_day FROM books;
  INSERT INTO superseded(table_name, key, row_json, recorded_at, recorded_by, day)
  SELECT '{table}', {NEW key}, saldo_replaced(), NEW.recorded_at, NEW.recorded_by, open_day FROM books
  WHERE saldo_replaced() IS NOT NULL;
END;

-- Under recursive_triggers a replaced row comes by here, and is not to be kept twice.
CREATE TRIGGER {table}_keep_delete AFTER DELETE ON {table} BEGIN
  INSERT INTO superseded(table_name, key, row_json, day) SELECT '{table}', {OLD key}, {OLD row}, open_day FROM books;
  SELECT saldo_replacing(NULL);
END;
