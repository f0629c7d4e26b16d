#!/usr/bin/python3
"""test_raced.py [--seconds N] [--seed S]: everything that saldod does at once, under the thread sanitizer.

SALDOD is a server built with -DSALDO_SANITIZE_THREAD=ON. Readers, writers, analysts, clients that break off or are too
many, backups and day closes by request run beside the closing job, which catches up years; SIGTERM comes in the middle
of it. Any report of the sanitizer, an answer of 500, or an exit status but 0 fails. There are rounds of six seconds,
every other through TLS, each on fresh books, until N seconds are over: 12 with every run of the tests.

The server and the extension are compiled for the sanitizer, libsqlite3 and httplib are Debian's. Of those it sees the
locks, and memcpy() and its like, not their own reads and writes: SQLite's mutexes can hide a race of ours, but make
none up. thread.supp says what else is not told, and why.

Seen to fail, a lock_guard taken out of the product:
  Metrics::count_request: 6 reports, _Rb_tree and the strings of its keys, while the books were made
  Readers::give_back: 3 reports, Database::set_deadline and the vector of the idle, and a SEGV of it
  Writer::finish: a report, the state of a Job that Writer::write waits for
And on its own account: a rollback that the time limit interrupted, after which a reader answered 500 to everybody.
"""

import argparse
import datetime
import http.client
import os
import pathlib
import random
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "http"))

from server import SALDOD, Books, Client, Server, must, noon, saldod  # noqa: E402
from test_hostile import Raw  # noqa: E402

OPENING = (datetime.date.today() - datetime.timedelta(days=1500)).isoformat()
ROUND_SECONDS = 6
PATIENCE_SECONDS = 90
ACCOUNTS = 20
# Little room, so that refusals, and writes that give up waiting, are met as well.
FLAGS = ("--close-after", "1s", "--max-connections", "32", "--max-waiting", "8", "--route-timeout", "500ms",
         "--readers", "3",
         "--sql-timeout", "200ms", "--io-timeout", "2s", "--keep-alive", "1s", "--log-level", "debug")
REPORT = re.compile(r"WARNING: ThreadSanitizer.*?^=+$", re.MULTILINE | re.DOTALL)


def fail(text):
    print(f"FAILED: {text}", file=sys.stderr, flush=True)
    for server in list(Server.running):
        server.process.kill()
    os._exit(1)


def make_books(database):
    tokens = Books.copy(database, OPENING)
    with Server(database, "--test-clock", tokens=tokens) as server, server.client("admin", now=noon(OPENING)) as admin:
        for number in range(1, ACCOUNTS + 1):
            admin.post("/v1/accounts", {"name": f"Company {number}"}).expect(201)
            admin.put(f"/v1/accounts/{number}/headcount", {"employees": number}).expect(201)
            admin.put(f"/v1/accounts/{number}/subscriptions/crm", {}).expect(201)
            admin.post(f"/v1/accounts/{number}/activate", {}).expect(201)
    return tokens


def make_certificate(folder):
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key


class Round:
    """A server, and all that happens to it."""

    # Who asks, and how many of them.
    CROWD = {"access": 3, "lists": 2, "analyst": 3, "metrics": 2, "pay": 5, "usage": 2, "promise": 2, "change": 2,
             "same": 3,
             "close": 1, "break_off": 3, "pipeline": 1, "crowd": 1}

    def __init__(self, database, tokens, seed, context, flags):
        self.seed, self.context = seed, context
        self.server = Server(database, *FLAGS, *flags, tokens=tokens)
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.statuses = {}
        self.threads = [threading.Thread(target=self.repeat, args=(name, number), daemon=True)
                        for name, count in self.CROWD.items() for number in range(count)]
        self.threads.append(threading.Thread(target=self.back_up, args=(database,), daemon=True))

    def client(self, role):
        return Client(self.server, self.server.tokens[role] if role else None, checked=False, context=self.context,
                      timeout=20)

    def repeat(self, name, number):
        rng = random.Random(f"{self.seed}/{name}/{number}")
        client = None
        while not self.over.is_set():
            client = client or self.client("analyst" if name == "analyst" else "admin")
            try:
                answer = getattr(self, name)(client, rng)
            except (OSError, http.client.HTTPException):
                # Refused among too many, or the server stops.
                client.close()
                client = None
                time.sleep(0.01)
                continue
            except BaseException as error:  # pylint: disable=broad-except
                fail(f"{name}: {error!r}")
            if answer and answer.status >= 500 and answer.status != 503:
                errors = [line for line in self.server.log().splitlines() if " error " in line]
                fail("\n".join([f"{name}: {answer}", *errors[-5:]]))
            with self.lock:
                status = answer.status if answer else 0
                self.statuses[name, status] = self.statuses.get((name, status), 0) + 1
            if rng.random() < 0.1:
                client.close()
                client = None
        if client:
            client.close()

    def path(self, rng, rest):
        return f"/v1/accounts/{rng.randint(1, ACCOUNTS)}/{rest}"

    def access(self, client, rng):
        return client.get(self.path(rng, "access"))

    def lists(self, client, rng):
        target = rng.choice((self.path(rng, "ledger"), self.path(rng, "charges?from=2026-01-01&to=2026-01-31"),
                             "/v1/days",
                             "/v1/access?state=active", "/v1/reports/account_balance", "/v1/no-such-path"))
        return client.get(target, accept=rng.choice((None, "text/csv")))

    def analyst(self, client, rng):
        sql = rng.choice(("SELECT count(*) FROM ledger", "SELECT * FROM revenue_by_day LIMIT 100",
                          "SELECT * FROM nothing",
                          "SELECT state, count(*) FROM access_state GROUP BY 1", "DELETE FROM payment",
                          "SELECT count(*) FROM charge a, charge b, charge c"))
        return client.post("/v1/sql", {"sql": sql})

    def metrics(self, client, rng):
        return client.get(rng.choice(("/metrics", "/healthz", "/openapi.json")))

    def pay(self, client, rng):
        amount = rng.choice((1, 10**6, 10**6, 0, "much"))
        return client.post(self.path(rng, "payments") + rng.choice(("", "?dry_run=true")),
                           {"amount": amount, "method": "sbp"},
                           key=f"pay-{rng.getrandbits(64)}")

    def usage(self, client, rng):
        return client.post("/v1/usage",
                           {"events": [{"usage_id": f"{rng.getrandbits(64)}", "service_id": "sms", "quantity": 1,
                                        "account_id": rng.randint(1, ACCOUNTS + 1)} for _ in range(3)]})

    def promise(self, client, rng):
        return client.post(self.path(rng, "promised-payments"), {"days": rng.randint(1, 3)})

    def change(self, client, rng):
        if rng.random() < 0.5:
            return client.put(self.path(rng, "terms"), {"credit_limit": rng.randint(0, 10**6)})
        return client.put(self.path(rng, "headcount"), {"employees": rng.randint(0, 20)})

    def same(self, client, rng):
        """Several at once under one key."""
        key = f"same-{int(time.monotonic() * 20)}"
        return client.post("/v1/accounts/1/adjustments", {"amount": 7, "kind": "correction"}, key=key)

    def close(self, client, rng):
        time.sleep(0.05)
        days = client.get("/healthz").json
        return client.post(f"/v1/days/{days['open_day']}/close", {}) if "open_day" in days else None

    # Clients that break off in the middle of their requests.

    def raw(self):
        return Raw(self.server, receive_buffer=4096)

    def break_off(self, _, rng):
        text = ("POST /v1/accounts/1/payments HTTP/1.1\r\nHost: a\r\n"
                f"Authorization: Bearer {self.server.tokens['admin']}\r\nContent-Length: 34\r\n\r\n"
                '{"amount": 100, "method": "sbp"}  ')
        with self.raw() as raw:
            raw.send(text[:rng.randint(0, len(text))])
            if rng.random() < 0.3:
                raw.end()
                raw.is_closed()
        return None

    def pipeline(self, _, rng):
        with self.raw() as raw:
            raw.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
            time.sleep(rng.uniform(0, 0.3))
        return None

    def crowd(self, *_):
        """More than there is room for."""
        raws = [self.raw() for _ in range(20)]
        time.sleep(0.1)
        for raw in raws:
            raw.close()
        time.sleep(0.4)
        return None

    def back_up(self, database):
        copy = database.with_suffix(".copy")
        while not self.over.is_set():
            done = saldod("backup", "--database", database, copy)
            if done.returncode != 0 or "ThreadSanitizer" in done.stderr:
                fail(f"backup: {done.returncode}: {done.stderr}")
            copy.unlink()
            with self.lock:
                self.statuses["backup", 0] = self.statuses.get(("backup", 0), 0) + 1

    def missing(self):
        """The names of the clients that have had no answer but errors of the server so far."""
        with self.lock:
            return set(self.CROWD) - {name for name, status in self.statuses if status < 500}

    def run(self, seconds):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        # A slow machine is given time to let everybody have a turn.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.missing() and time.monotonic() < deadline:
            time.sleep(0.2)
        begun = time.monotonic()
        status = self.server.stop()
        took = time.monotonic() - begun
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        log = self.server.log()
        for report in REPORT.findall(log)[:3]:
            print(report, file=sys.stderr)
        if status != 0 or "ThreadSanitizer" in log:
            reports = log.count("WARNING: ThreadSanitizer")
            fail(f"the server left with {status}; {reports} reports; the log ends with\n{log[-2000:]}")
        closed = len(re.findall(r" info closed \d{4}-", log))
        return took, closed


def main():
    parser = argparse.ArgumentParser(description="Everything at once, under the thread sanitizer.")
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--seed", default=str(random.randrange(10**9)))
    options = parser.parse_args()
    if b"__tsan_func_entry" not in pathlib.Path(SALDOD).read_bytes():
        fail(f"{SALDOD} is not built with -DSALDO_SANITIZE_THREAD=ON")
    print(f"seed {options.seed}", flush=True)
    os.environ["TSAN_OPTIONS"] = f"suppressions={ROOT / 'faults' / 'thread.supp'}"
    with tempfile.TemporaryDirectory(prefix="saldo-raced-") as name:
        folder = pathlib.Path(name)
        certificate, key = make_certificate(folder)
        context = ssl.create_default_context(cafile=certificate)
        books = folder / "books.db"
        tokens = make_books(books)
        deadline, number = time.monotonic() + options.seconds, 0
        while time.monotonic() < deadline:
            number += 1
            database = folder / f"{number}.db"
            must("backup", "--database", books, database)
            tls = number % 2 == 0
            flags = ("--anchor", folder / f"{number}.anchor",
                     *(("--tls-cert", certificate, "--tls-key", key) if tls else ()))
            one = Round(database, tokens, f"{options.seed}/{number}", context if tls else None, flags)
            took, closed = one.run(min(ROUND_SECONDS, max(1, deadline - time.monotonic())))
            served = " ".join(f"{name}:{status or 'done'}={count}"
                              for (name, status), count in sorted(one.statuses.items()))
            print(f"round {number}{' (TLS)' if tls else ''}: {closed} days closed, stopped in {took:.1f} s, {served}",
                  flush=True)
            if closed == 0 or one.missing():
                fail(f"round {number} met too little: {closed} days closed, nothing of {one.missing()}")


if __name__ == "__main__":
    main()
