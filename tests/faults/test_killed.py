#!/usr/bin/python3
"""test_killed.py [--kills N] [--seed S]: nothing acknowledged is lost when saldod is killed.

Payments, adjustments, usage, promises and headcounts are written over several connections, each write with an
Idempotency-Key, while day after day is closed. SIGKILL ends the server at random moments, in starts and in closings
too; it is started again on the same file, and what was not answered is sent again, word for word. In the end every
write is there exactly once, each day is closed whole, and `saldod verify` and extension/digest.py find nothing. Then
the `sqlite3` shell and `saldod close` are killed in the middle of closing. `--kills 300` is the long run; the tests
do 30.

SIGKILL leaves to the system what was written, so that a missing fsync does not show here: see io_test.cpp.

Each was seen to fail, the product broken on purpose:
  Writer::try_commit answers before it commits: 89 payments expected, 83 found
  the answer is stored in a commit of its own: a closed day is `conflict` when its closing is sent again
  find_answer is not called: a payment is `conflict` when it is sent again
"""

import argparse
import http.client
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "http"))

from server import SALDOD, Books, Client, Server, day_plus, must, noon, peek, saldod  # noqa: E402

EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT.parent / "build" / "saldo.so"))
OPENING = "2015-01-01"  # long ago, for `saldod close` closes days that have ended
ACCOUNTS = 6000     # enough for a closing to last
PROMISERS = 1000    # the last of them, in arrears from the start, are promised for
WRITERS = 6
EVENTS = 20         # of usage in one request

HISTORY = f"""
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT {ACCOUNTS})
INSERT INTO account(account_id, name, registered_on) SELECT x, 'Company ' || x, '{OPENING}' FROM n;
INSERT INTO account_terms(account_id, valid_from, status) SELECT account_id, registered_on, 'active' FROM account;
INSERT INTO subscription(account_id, service_id, started_on)
SELECT account_id, 'crm', registered_on FROM account WHERE account_id <= {ACCOUNTS - PROMISERS};
INSERT INTO headcount(account_id, day, employees) SELECT account_id, registered_on, 100 FROM account;
INSERT INTO adjustment(account_id, amount, kind, effective_at)
SELECT account_id, iif(account_id <= {ACCOUNTS - PROMISERS}, 100000000, -1), 'correction',
       '{OPENING}T08:00:00Z' FROM account;
"""


def extended(path):
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    return connection


def fail(text):
    print(f"FAILED: {text}", file=sys.stderr, flush=True)
    for server in list(Server.running):
        server.process.kill()
    os._exit(1)


class Write:
    """A request that is sent until it is answered."""

    def __init__(self, role, method, target, body, day, key):
        self.role, self.method, self.target, self.body, self.day, self.key = role, method, target, body, day, key
        self.sent = 0
        self.found = None    # the answer stored in the file, when the server that was asked gave none
        self.answer = None


class World:
    """The server, killed and started again, and those who write to it."""

    def __init__(self, database, tokens, seed):
        self.database, self.tokens, self.seed = database, tokens, seed
        self.turn = threading.Condition()
        self.server = None
        self.stopping = False
        self.today = OPENING
        self.days = {}       # of the writes under way, by writer
        self.closing = None  # since when a day is being closed
        self.in_flight = 0
        self.writes = []     # all of them
        self.promisers = iter(range(ACCOUNTS - PROMISERS + 1, ACCOUNTS + 1))
        self.threads = [threading.Thread(target=self.guarded, args=(self.write_all, number), daemon=True)
                        for number in range(WRITERS)]
        self.threads.append(threading.Thread(target=self.guarded, args=(self.close_days,), daemon=True))

    @staticmethod
    def guarded(work, *arguments):
        try:
            work(*arguments)
        except BaseException as error:  # pylint: disable=broad-except
            fail(f"{work.__name__}{arguments}: {error!r}")

    def send(self, write, clients):
        """Until it is answered, whoever serves."""
        with self.turn:
            self.writes.append(write)
        while write.answer is None:
            with self.turn:
                self.turn.wait_for(lambda: self.server is not None)
                server = self.server
                self.in_flight += 1
            if write.sent and write.found is None:
                rows = peek(self.database, "SELECT status, body FROM stored_answer WHERE key = ?", write.key)
                write.found = rows[0] if rows else None
            if clients.get("server") is not server:
                clients.clear()
                clients["server"] = server
            try:
                write.sent += 1
                client = clients.setdefault(write.role, Client(server, self.tokens[write.role], checked=False))
                answer = client.request(write.method, write.target, write.body, now=noon(write.day), key=write.key)
            except (OSError, http.client.HTTPException):
                clients.pop(write.role, None)
                time.sleep(0.002)
            else:
                if answer.status == 503:
                    continue
                if answer.status not in (200, 201):
                    raise AssertionError(f"{write.key}: {answer}")
                if write.found is not None and write.found != (answer.status, answer.text):
                    raise AssertionError(f"{write.key}: stored is {write.found}, answered {answer}")
                write.answer = answer
            finally:
                with self.turn:
                    self.in_flight -= 1

    def write_all(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        clients, count = {}, 0
        while not self.stopping:
            count += 1
            key = f"{number}-{count}"
            account = number + 1 + WRITERS * rng.randrange((ACCOUNTS - PROMISERS) // WRITERS)
            path = f"/v1/accounts/{account}"
            with self.turn:
                day = self.days[number] = self.today
            kind = rng.choices(("payment", "adjustment", "usage", "promise", "headcount"), (8, 3, 3, 1, 3))[0]
            if kind == "promise":
                with self.turn:
                    account = next(self.promisers, None)
                kind = kind if account else "payment"
            if kind == "payment":
                write = Write("cashier", "POST", f"{path}/payments",
                              {"amount": rng.randint(1, 10**6), "method": "sbp", "external_id": key}, day, key)
            elif kind == "adjustment":
                write = Write("cashier", "POST", f"{path}/adjustments",
                              {"amount": rng.randint(-1000, 1000) or 1, "kind": "correction", "reason": key}, day, key)
            elif kind == "usage":
                write = Write("crm", "POST", "/v1/usage",
                              {"events": [{"usage_id": f"{key}-{n}", "account_id": account, "service_id": "sms",
                                           "quantity": rng.randint(1, 9)} for n in range(EVENTS)]}, day, key)
            elif kind == "promise":
                write = Write("crm", "POST", f"/v1/accounts/{account}/promised-payments", {"days": rng.randint(1, 3)},
                              day, key)
            else:
                write = Write("crm", "PUT", f"{path}/headcount", {"day": day, "employees": rng.randint(1, 9)}, day, key)
            self.send(write, clients)
            with self.turn:
                del self.days[number]
                self.turn.notify_all()

    def close_days(self):
        clients = {}
        while not self.stopping:
            with self.turn:
                day, self.today = self.today, day_plus(self.today, 1)
                self.turn.wait_for(lambda: all(each > day for each in self.days.values()))
                self.closing = time.monotonic()
            self.send(Write("operator", "POST", f"/v1/days/{day}/close", {}, day_plus(day, 1), f"close-{day}"), clients)
            with self.turn:
                self.closing = None

    # The killer's side.

    def start(self):
        server = Server(self.database, "--test-clock", "--log-level", "warning", tokens=self.tokens)
        with self.turn:
            self.server = server
            self.turn.notify_all()

    def kill(self):
        """What was going on."""
        with self.turn:
            server, self.server = self.server, None
            under_way, closing = self.in_flight, self.closing is not None
        server.kill()
        return under_way, closing

    def run(self, kills):
        rng = random.Random(f"{self.seed}/kills")
        told = {"kills": kills, "in a start": 0, "in a closing": 0, "with writes under way": 0}
        for thread in self.threads:
            thread.start()
        for number in range(kills):
            if sys.stderr.isatty():
                print(f"\r{number}/{kills}", end="", file=sys.stderr, flush=True)
            if rng.random() < 0.15:
                # One that says nothing yet may still recover the file.
                process = subprocess.Popen([SALDOD, "serve", "--database", str(self.database), "--listen",
                                            "127.0.0.1:0", "--test-clock"],
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0, 0.06))
                process.kill()
                process.communicate()
                told["in a start"] += 1
                continue
            self.start()
            if rng.random() < 0.4:
                deadline = time.monotonic() + 2
                while self.closing is None and time.monotonic() < deadline:
                    time.sleep(0.0005)
                time.sleep(rng.uniform(0, 0.06))
            else:
                time.sleep(rng.uniform(0, 0.5))
            under_way, closing = self.kill()
            told["in a closing"] += closing
            told["with writes under way"] += under_way > closing
        self.start()
        self.stopping = True
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                fail("a write is not answered within a minute")
        if self.server.stop() != 0:
            fail("the last server did not stop cleanly")
        again = [write for write in self.writes if write.sent > 1]
        told.update({"writes": len(self.writes), "days closed": sum(write.role == "operator" for write in self.writes),
                     "sent again": len(again),
                     "committed though not answered": sum(write.found is not None for write in again)})
        return told


def expect(what, expected, found):
    if expected != found:
        missing, more = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
        fail(f"{what}: {len(expected)} expected, {len(found)} found; missing {missing[:3]}, more {more[:3]}")


def check_file(database):
    done = saldod("verify", "--database", database, timeout=600)
    if done.returncode != 0:
        fail(f"saldod verify: {done.stdout}{done.stderr}")
    done = subprocess.run([sys.executable, str(ROOT.parent / "extension" / "digest.py"), str(database)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"digest.py: {done.stdout}{done.stderr}")
    expect("charges by day", peek(database, "SELECT day, charges FROM day_close WHERE charges > 0 ORDER BY day"),
           peek(database, "SELECT day, count(*) FROM charge GROUP BY day ORDER BY day"))
    expect("days without a digest", [], peek(database, "SELECT day FROM day_close WHERE digest IS NULL"))


def check_writes(world):
    """Each is there once, with what was sent and as it was answered."""
    database, writes = world.database, {}
    for write in world.writes:
        writes.setdefault(write.target.rsplit("/", 1)[1], []).append(write)

    def account(write):
        return int(write.target.split("/")[3])

    expect("payments",
           sorted((w.key, account(w), w.body["amount"], w.answer.json["payment_id"]) for w in writes["payments"]),
           peek(database, "SELECT external_id, account_id, amount, payment_id FROM payment ORDER BY 1"))
    expect("adjustments",
           sorted((w.key, account(w), w.body["amount"], w.answer.json["adjustment_id"]) for w in writes["adjustments"]),
           peek(database,
                "SELECT reason, account_id, amount, adjustment_id FROM adjustment WHERE reason IS NOT NULL ORDER BY 1"))
    expect("usage",
           sorted((e["usage_id"], e["account_id"], e["quantity"], w.day)
                  for w in writes["usage"] for e in w.body["events"]),
           peek(database, "SELECT usage_id, account_id, quantity, charged_on FROM usage_event ORDER BY 1"))
    expect("promises",
           sorted((account(w), w.body["days"], w.answer.json["promise_id"]) for w in writes["promised-payments"]),
           peek(database, "SELECT account_id, days, promise_id FROM promised_payment ORDER BY 1"))
    last = {(account(w), w.body["day"]): w.body["employees"] for w in writes["headcount"]}
    expect("headcounts", sorted((*key, employees) for key, employees in last.items()),
           peek(database,
                "SELECT account_id, day, employees FROM headcount WHERE recorded_by IS NOT NULL ORDER BY 1, 2"))
    closed = [w.answer.json for w in writes["close"]]
    expect("days", sorted((c["day"], c["charges"], c["charged"], c["digest"]) for c in closed),
           peek(database, "SELECT day, charges, charged, digest FROM day_close ORDER BY day"))
    expect("stored answers", sorted((w.key, w.answer.status, w.answer.text) for w in world.writes),
           peek(database, "SELECT key, status, body FROM stored_answer ORDER BY key"))


def make_books(database):
    tokens = Books.copy(database, OPENING)
    connection = extended(database)
    connection.executescript(f"BEGIN;{HISTORY}COMMIT;")
    connection.close()
    return tokens


def kill_servers(folder, kills, seed):
    database = folder / "served.db"
    world = World(database, make_books(database), seed)
    told = world.run(kills)
    check_file(database)
    check_writes(world)
    print("saldod serve:", ", ".join(f"{value} {name}" for name, value in told.items()), flush=True)


def kill_closers(folder, kills, seed):
    """The shell and `saldod close`, in turns."""
    rng = random.Random(f"{seed}/closers")
    database = folder / "closed.db"
    make_books(database)
    through = day_plus(OPENING, 3650)
    sql = "INSERT INTO day_close(day, closed_at) SELECT open_day, day_end(open_day) FROM books;\n"
    told = {"kills": kills, "in a closing": 0, "days closed": 0}
    closed = 0
    for number in range(kills):
        before = peek(database, "SELECT count(*) FROM day_close")[0][0]
        if number % 2:
            command = [SALDOD, "close", "--database", str(database), "--through", through]
        else:
            command = ["sqlite3", str(database), "-cmd", f".load {EXTENSION}", sql * 100]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as process:
            # A day takes some 60 ms, here.
            time.sleep(rng.uniform(0.02, 0.3))
            under_way = process.poll() is None
            process.send_signal(signal.SIGKILL)
            error = process.stderr.read().decode()
        if process.returncode != -signal.SIGKILL:
            fail(f"{command[0]}: {process.returncode}: {error}")
        after = peek(database, "SELECT count(*) FROM day_close WHERE digest IS NOT NULL")[0][0]
        if after < max(before, closed):
            fail(f"{before} days were closed before, {after} are afterwards")
        closed = after
        halves = peek(database,
                      "SELECT day, charges FROM day_close EXCEPT SELECT day, count(*) FROM charge GROUP BY day")
        expect("days closed by half", [], halves)
        told["in a closing"] += under_way
    check_file(database)
    must("close", "--database", database, "--through", day_plus(OPENING, closed + 1))
    check_file(database)
    told["days closed"] = peek(database, "SELECT count(*) FROM day_close")[0][0]
    print("sqlite3 and saldod close:", ", ".join(f"{value} {name}" for name, value in told.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Kills saldod and the shell, and looks for what is lost.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", default=str(random.randrange(10**9)))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="saldo-killed-") as folder:
        kill_servers(pathlib.Path(folder), options.kills, options.seed)
        kill_closers(pathlib.Path(folder), max(options.kills // 5, 6), options.seed)


if __name__ == "__main__":
    main()
