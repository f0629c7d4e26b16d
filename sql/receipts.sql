-- Money in: what came from payment systems and banks, and what became of it.
--
-- `receipt` takes what came in, once for each (source, external_id), by a plain INSERT. If its account_text is the
-- number of an account that is not closed on the day of recorded_at, its payment is made in the same statement and it
-- is `matched`; else it is `pending`, with the reason, and nothing is lost. What the sender said is left to the writer:
--
--   INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, payer_tax_id, payer_account,
--                       purpose, raw, recorded_at, recorded_by) VALUES (...)
--
--   source        a channel, or 'bank'; external_id: the sender's identifier there
--   amount        minor units, from 1 to 10^15
--   received_at   when the payer paid: any RFC 3339 time; a day or a time without an offset is the billing time zone's.
--                 What is missing, cannot be read or lies after recorded_at becomes recorded_at
--   account_text  the account as the sender wrote it; account_number() says what number that is
--   recorded_at   when it counts: the payment's credited_at. It is required, as nothing here reads a clock
--   status        left out, or 'pending' to leave the receipt to an operator although the account is known
--   reason        why; of what is matched at once, by which rule ('account_text' when left out)
--
-- Its errors are `invalid` and `out_of_range` for values that a column may not hold, `not_found` where there is no such
-- channel, `conflict` where the receipt is there already. The limits of a channel, and whether it is disabled, are
-- for a protocol to ask before money moves; what was paid is taken.
--
-- `receipt_match` matches a pending receipt, by one INSERT. parts is JSON, [{"account_id": 15, "amount": 10000}]; the
-- amounts sum to the receipt's. The payments have credited_at = recorded_at, and the external_id SOURCE:EXTERNAL_ID,
-- of several with #1, #2, … behind it; where a payment of another receipt has one of these, ##1, ##2, … instead, also
-- of one. `conflict`: the receipt is not pending any more.
--
--   INSERT INTO receipt_match(receipt_id, parts, reason, recorded_at, recorded_by) VALUES (...)
--
-- `receipt_return` takes money back, by one INSERT: kind is refund or chargeback, amount positive, null: all that is
-- left, return_id the sender's identifier of this return. The adjustments have effective_at = recorded_at and the
-- external_id SOURCE:RETURN_ID, of a receipt with several payments with the payment's #1, #2, … behind it; they take
-- from these in the order of payment_id, each up to what R12 leaves of it. A return that is there already changes
-- nothing. A pending receipt of which all goes back becomes ignored; of which a part would: `conflict`. What really
-- went back can be read there.
--
--   INSERT INTO receipt_return(source, external_id, return_id, kind, amount, recorded_at, recorded_by) VALUES (...)
--
-- A pending receipt may also become ignored, for a reason:
--
--   UPDATE receipt SET status = 'ignored', reason = ... WHERE receipt_id = ...
--
-- Both matched and ignored are final. What was ignored by mistake is recorded as a payment by hand; what was matched
-- wrongly is mended by two adjustments of kind transfer.

-- Ways in which payment systems reach us: any method can speak any protocol. The amounts are what a payment may be;
-- null: no limit.
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

-- Where receipts come from, and the method of their payments.
CREATE VIEW receipt_source(source, method) AS
SELECT channel_id, method FROM channel
UNION ALL
SELECT 'bank', 'bank_transfer';

-- Of each channel, the payments that stand on another one of its protocol: a payment system may tell two channels with
-- the same secrets of one payment.
CREATE VIEW receipt_twin(source, external_id, amount, account_text, twin) AS
SELECT c.channel_id, r.external_id, r.amount, r.account_text, other.channel_id
FROM channel AS c CROSS JOIN channel AS other ON other.protocol = c.protocol AND other.channel_id <> c.channel_id
CROSS JOIN receipt AS r ON r.source = other.channel_id;

-- Payments that no receipt has become, with an external_id that one of this receipt's would have.
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

-- The payments that a receipt became, in their order: JSON, [{"payment_id": 7, "account_id": 15, "amount": 10000}].
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

-- channel -------------------------------------------------------------------------------------------------------------

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

-- receipt -------------------------------------------------------------------------------------------------------------

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

-- One whose account is right has no reason yet after the first step, and gets it with its payment.
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

-- receipt_payment -----------------------------------------------------------------------------------------------------

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

-- receipt_match, receipt_return ---------------------------------------------------------------------------------------

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
