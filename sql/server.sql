-- What the HTTP server stores: who may ask, and the answers that it repeats.

-- The token itself is not stored, only its SHA-256 in hexadecimal.
CREATE TABLE token(
  name       TEXT PRIMARY KEY NOT NULL,
  role       TEXT NOT NULL,
  hash       TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  revoked_at TEXT
) WITHOUT ROWID;

-- The answer to the first request with each Idempotency-Key. `target` is the path with its query, `request_hash` the
-- SHA-256 of the body in hexadecimal.
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

-- The accounts whose words have changed since the server's search index was told; it takes them off. Of account 0,
-- which there is not, `mark` is what the index that took the last ones off has as well: another's index is of other
-- books, or of another state of them.
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
