-- What is sent of the notices, to whom, and what came of it. A delivery is posted with its notice, in the same
-- transaction; the server takes one when it is due, attempts it and settles it (sql/delivery/).

-- One row: the last notice before the last run, so that it can be told which notices that one posted.
CREATE TABLE notice_run(
  after_notice_id INTEGER NOT NULL
);
INSERT INTO notice_run(after_notice_id) VALUES (0);

-- Who gets notices by HTTP. `kinds` is a JSON array; null: all. `failing_since`: since when no attempt has succeeded.
CREATE TABLE webhook(
  name          TEXT PRIMARY KEY NOT NULL,
  url           TEXT NOT NULL,
  kinds         TEXT,
  created_at    TEXT NOT NULL,
  disabled_at   TEXT,
  failing_since TEXT,
  detail        TEXT
) WITHOUT ROWID;

-- What attempts are signed with: the newest, and during a rotation the one before it, until it expires. Analysts cannot
-- read this table; a backup holds it.
CREATE TABLE webhook_secret(
  webhook    TEXT NOT NULL,
  secret     TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT,
  PRIMARY KEY (webhook, secret)
) WITHOUT ROWID;

-- Addresses that the relay refused. Nothing is sent there until the account's address changes or an operator retries.
CREATE TABLE mail_suspended(
  address TEXT PRIMARY KEY NOT NULL,
  since   TEXT NOT NULL,
  detail  TEXT
) WITHOUT ROWID;

-- `channel` is 'email' or the name of a webhook. The deliveries of one account on one channel go in the order of
-- notice_id: in_turn is 1 for the first of those that wait, which alone can be due. `next_at`: no attempt before that
-- instant; null: at once. `since`: the first attempt. `subject` and `body` are what the first attempt sent, null before
-- it; the body for a webhook is the JSON itself. `recipient` is where the last attempt went, or the first one will.
-- `earlier` is what came of it before it was to be sent again, or to go elsewhere: null, or a JSON array of
-- [recipient, status, done_at, detail].
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
-- Both hold only what waits, the first only what can be due: however many wait, the next one is at its front.
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

-- webhook -------------------------------------------------------------------------------------------------------------

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

-- mail_suspended ------------------------------------------------------------------------------------------------------

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

-- delivery ------------------------------------------------------------------------------------------------------------

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

-- One that is done gives its turn to the next; one that waits again takes the turn back from those after it.
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
