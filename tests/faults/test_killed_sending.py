#!/usr/bin/python3
"""test_killed_sending.py [--kills N] [--seed S]: what was sent when saldod is killed while it sends.

Companies are shut out and are reminded of it by e-mail and by a webhook, while others of them pay; SIGKILL ends the
server at random moments, in starts too, and it is started again on the same file. The relay (aiosmtpd) takes its time,
puts off some mails, and is gone after the dot of some. What an attempt under way when the server was killed waits for,
minutes, is passed over. In the end:

  - each notice that is to be sent has its deliveries, each of them settled, and what is sent has arrived;
  - nothing was sent again after it had been settled, and nothing oftener than attempts were counted;
  - no mail that speaks of a debt was rendered after the commit of the payment that ended it; those who did not pay were
    reminded. (Triggers of this test's own write down which of the two came first.)

`--kills 200` is the long run; the tests do 20.

Each was seen to fail, the product broken on purpose:
  an attempt is not counted: a mail that arrived oftener than it was attempted
  an attempt sends its mail twice: likewise
  what a mail says is not asked again: 27 reminders rendered after the payment
"""

import argparse
import base64
import http.client
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

from mail_books import FLAGS, ago, extended, new_books, new_relay
from receiver import Receiver
from server import SALDOD, Client, Server, alter, peek, wait_for

DEBTS = ("grace", "restricted", "reminder")
FULL = 10**8

ORDER = ("CREATE TABLE test_order(number INTEGER PRIMARY KEY, account_id INTEGER, what TEXT, notice_id INTEGER)",
         """CREATE TRIGGER test_order_taken AFTER UPDATE OF attempts ON delivery
            WHEN NEW.attempts > OLD.attempts AND NEW.channel = 'email' BEGIN
              INSERT INTO test_order(account_id, what, notice_id) VALUES (NEW.account_id, 'taken', NEW.notice_id);
            END""",
         """CREATE TRIGGER test_order_paid AFTER INSERT ON payment BEGIN
              INSERT INTO test_order(account_id, what) VALUES (NEW.account_id, 'paid');
            END""")


def fail(text):
    print(f"FAILED: {text}", file=sys.stderr, flush=True)
    for server in list(Server.running):
        server.process.kill()
    sys.exit(1)


def shut_out(accounts):
    """Customers who never paid, restricted for weeks; the last run of the notices was 20 days ago."""
    return (f"UPDATE notice_clock SET at = '{ago(days=39)}'",
            f"""WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT {accounts})
                INSERT INTO account(account_id, name, registered_on, admin_email)
                SELECT x, 'Компания ' || x, :opening, 'a' || x || '@company.example' FROM n""",
            "INSERT INTO headcount(account_id, day, employees) SELECT account_id, registered_on, 5 FROM account",
            """INSERT INTO subscription(account_id, service_id, started_on)
               SELECT account_id, 'crm', registered_on FROM account""",
            """INSERT INTO account_terms(account_id, valid_from, status)
               SELECT account_id, registered_on, 'active' FROM account""",
            f"UPDATE notice_clock SET at = '{ago(days=20)}'")


class Payers:
    """Half of the accounts pay, again and again, whoever serves."""

    def __init__(self, tokens, accounts, seed):
        self.tokens, self.accounts = tokens, accounts
        self.server, self.over = None, threading.Event()
        self.threads = [threading.Thread(target=self._pay, args=(random.Random(f"{seed}/{number}"),), daemon=True)
                        for number in range(2)]
        for thread in self.threads:
            thread.start()

    def _pay(self, rng):
        client = None
        while not self.over.wait(rng.uniform(0, 0.05)):
            server = self.server
            if server is None:
                continue
            if client is None or client.server is not server:
                client = Client(server, self.tokens["cashier"], checked=False)
            account = rng.randrange(0, self.accounts, 2) + 1
            try:
                client.post(f"/v1/accounts/{account}/payments", {"amount": FULL, "method": "sbp"}).expect(201, 503)
            except (OSError, http.client.HTTPException):
                client.close()
                client = None

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


class World:
    def __init__(self, folder, kills, seed):
        self.rng = random.Random(seed)
        self.database, self.accounts = folder / "killed.db", kills * 8 + 100
        self.receiver = Receiver()
        secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
        self.tokens = new_books(self.database, 40, (
            f"INSERT INTO webhook(name, url, created_at) VALUES ('crm', '{self.receiver.url}', '{ago()}')",
            f"INSERT INTO webhook_secret(webhook, secret, created_at) VALUES ('crm', '{secret}', '{ago()}')",
            *shut_out(self.accounts), *ORDER))
        self.relay = new_relay()
        self.relay.answers = {"rcpt": lambda _: "451 4.2.0 later" if self.rng.random() < 0.05 else None,
                              "body": lambda _: "drop" if self.rng.random() < 0.03 else self.rng.uniform(0, 0.03)}
        self.payers = Payers(self.tokens, self.accounts, seed)
        self.flags = ("--smtp", self.relay.url, "--smtp-plain", *FLAGS, "--notice-every", "100ms",
                      "--webhook-allow-private")
        self.settled = {}  # how often it had arrived when it was first seen settled, by notice and channel

    def arrived(self, notice_id, channel):
        if channel == "email":
            return self.relay.mails[notice_id]
        return self.hooks.get(f"notice_{notice_id}", 0)

    def look(self):
        """What is settled by now; the server is dead."""
        self.hooks = {}
        for request in list(self.receiver.got):
            name = request["headers"]["webhook-id"]
            self.hooks[name] = self.hooks.get(name, 0) + 1
        for notice_id, channel in peek(self.database, "SELECT notice_id, channel FROM delivery "
                                       "WHERE status <> 'waiting'"):
            self.settled.setdefault((notice_id, channel), self.arrived(notice_id, channel))

    def under_way(self):
        return peek(self.database, "SELECT count(*) FROM delivery WHERE status = 'waiting' AND attempts > 0 "
                    "AND detail IS NULL AND next_at IS NOT NULL")[0][0]

    def run(self, kills):
        told = {"kills": kills, "in a start": 0, "with attempts under way": 0}
        for _ in range(kills):
            if self.rng.random() < 0.15:
                process = subprocess.Popen([SALDOD, "serve", "--database", str(self.database), "--listen",
                                            "127.0.0.1:0", *self.flags],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                time.sleep(self.rng.uniform(0, 0.1))
                process.kill()
                process.communicate()
                told["in a start"] += 1
            else:
                server = Server(self.database, *self.flags, tokens=self.tokens)
                self.payers.server = server
                time.sleep(self.rng.uniform(0, 0.6))
                self.payers.server = None
                if server.process.poll() is not None:
                    fail(f"the server left by itself, with {server.process.returncode}: {server.log()}")
                server.kill()
            told["with attempts under way"] += self.under_way() > 0
            self.look()
            alter(self.database, "UPDATE delivery SET next_at = NULL WHERE status = 'waiting'")
        told["settled before the last kill"] = len(self.settled)
        with Server(self.database, *self.flags, tokens=self.tokens) as server:
            self.payers.server = server
            time.sleep(0.5)
            self.payers.stop()
            if not wait_for(lambda: not self.waiting(server), seconds=600, every=0.3):
                fail(f"{self.waiting(server)} deliveries still wait")
        self.look()
        self.relay.stop()
        self.receiver.stop()
        return told

    def waiting(self, server):
        """How many wait. Where all of them were put off, for minutes, they are brought forward."""
        if not peek(server.database, "SELECT 1 FROM delivery WHERE status = 'waiting' AND in_turn = 1 "
                    "AND (next_at IS NULL OR detail IS NULL) LIMIT 1"):
            alter(server.database, "UPDATE delivery SET next_at = NULL WHERE status = 'waiting' AND detail IS NOT NULL")
        posted = peek(server.database, "SELECT count(*) FROM payment AS p WHERE NOT EXISTS "
                      "(SELECT 1 FROM notice WHERE kind = 'payment' AND reference = p.payment_id)")[0][0]
        return posted + peek(server.database, "SELECT count(*) FROM delivery WHERE status = 'waiting'")[0][0]

    def check(self):
        told = {"notices": 0, "mails": sum(self.relay.mails.values()), "posts": sum(self.hooks.values()), "moot": 0,
                "arrived twice": 0}
        missing = peek(self.database, """
            SELECT n.notice_id, c.channel FROM notice AS n JOIN notice_kind AS k ON k.kind = n.kind
            JOIN (SELECT 'email' AS channel UNION ALL SELECT 'crm') AS c ON c.channel = 'crm' OR k.by_email = 1
            EXCEPT SELECT notice_id, channel FROM delivery""")
        if missing:
            fail(f"without a delivery: {missing[:3]}")
        paid = {account for account, in peek(self.database, "SELECT DISTINCT account_id FROM payment")}
        rows = peek(self.database, """SELECT d.notice_id, d.account_id, n.kind, d.channel, d.status, d.attempts,
                                      d.detail FROM delivery AS d JOIN notice AS n ON n.notice_id = d.notice_id""")
        for row in rows:
            notice_id, account, kind, channel, status, attempts, detail = row
            came = self.arrived(notice_id, channel)
            if self.settled[notice_id, channel] != came:
                fail(f"arrived {self.settled[notice_id, channel]} times, and then again, {came} times: {row}")
            if came > attempts:
                fail(f"arrived {came} times: {row}")
            if status == "sent" and came == 0 or status not in ("sent", "moot"):
                fail(f"arrived {came} times: {row}")
            if status == "moot" and kind != "restricted" and account not in paid:
                fail(f"nothing was paid, but: {row}")
            if status == "moot" and detail is None:
                fail(f"moot without a word why: {row}")
            told["moot"] += status == "moot"
            told["arrived twice"] += came > 1
        told["notices"] = len({row[0] for row in rows})
        late = peek(self.database, f"""
            SELECT taken.account_id, n.kind, taken.number, paid.number
            FROM test_order AS taken JOIN notice AS n ON n.notice_id = taken.notice_id
            JOIN test_order AS paid ON paid.account_id = taken.account_id AND paid.what = 'paid'
            WHERE taken.what = 'taken' AND n.kind IN {DEBTS} AND paid.number < taken.number""")
        if late:
            fail(f"{len(late)} mails of a debt rendered after the payment: {late[:3]}")
        told["debts paid before their mail"] = sum(row[2] == "reminder" and row[4] == "moot" for row in rows)
        if not told["debts paid before their mail"]:
            fail("no payment raced a reminder")
        return told


def main():
    parser = argparse.ArgumentParser(description="Kills saldod while it sends, and looks what arrived.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default=str(random.randrange(10**9)))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="saldo-sending-") as folder:
        world = World(pathlib.Path(folder), options.kills, options.seed)
        told = world.run(options.kills)
        told.update(world.check())
        extended(world.database).close()
    print(", ".join(f"{value} {name}" for name, value in told.items()), flush=True)


if __name__ == "__main__":
    main()
