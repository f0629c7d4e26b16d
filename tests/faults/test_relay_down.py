#!/usr/bin/python3
"""test_relay_down.py [--mails N] [--waiting N] [--seed S]: a relay that refuses much, and one that is down for an hour.

First N mails (--mails, 10,000) go to a relay (aiosmtpd) that puts off 30 % of them, at any step, and is gone after the
dot of one in a hundred: all of them arrive, none twice but of the latter. Then N mails (--waiting, 100,000) wait while
the relay is down, for an hour: what waits is brought forward as often as the clock would have done it. Nothing is lost,
and another client gets its answers as from a server beside it that sends nothing: printed is the ratio of the medians,
which must not pass 1.5 where there are 100,000. When the relay is there again, all arrive.

The tests do 300 of each. Seen to fail: a connection lost taken for a refusal: a mail is `failed`.
"""

import argparse
import pathlib
import random
import statistics
import sys
import tempfile
import time

from mail_books import FLAGS, ago, new_books, new_relay, payments_to_tell
from server import Server, alter, peek, wait_for

PATIENCE = 3600
# When a mail is tried again in the first hour: after 1, 5, 15 and 60 minutes.
ATTEMPTS_IN_AN_HOUR = 4
ASKED = 2000


def fail(text):
    print(f"FAILED: {text}", file=sys.stderr, flush=True)
    for server in list(Server.running):
        server.process.kill()
    sys.exit(1)


def waiting(database):
    return peek(database, "SELECT count(*) FROM delivery WHERE status = 'waiting'")[0][0]


def bring_forward(database):
    """What was put off is due. What is under way is left alone: of that nothing is known yet."""
    alter(database, "UPDATE delivery SET next_at = NULL WHERE status = 'waiting' AND detail IS NOT NULL "
          "AND next_at IS NOT NULL")


def is_idle(database):
    """Whether nothing is due, nor under way."""
    return not peek(database, "SELECT 1 FROM delivery WHERE status = 'waiting' AND (next_at IS NULL OR detail IS NULL) "
                    "LIMIT 1")


def send_all(database):
    def done():
        if not waiting(database):
            return True
        if is_idle(database):
            bring_forward(database)
        return False
    if not wait_for(done, PATIENCE, every=0.2):
        fail(f"{waiting(database)} mails still wait")


def check_all_arrived(database, relay, lost):
    """Once each, but for those whose connection was lost after the dot."""
    rows = peek(database, "SELECT notice_id, status, attempts FROM delivery")
    for notice_id, status, attempts in rows:
        came = relay.mails[notice_id]
        if status != "sent" or came != 1 + lost.get(notice_id, 0) or came > attempts:
            fail(f"notice {notice_id} is {status}, has arrived {came} times in {attempts} attempts, and was lost after "
                 f"the dot {lost.get(notice_id, 0)} times")
    if len(relay.mails) != len(rows):
        fail(f"{len(rows)} mails were to be sent, {len(relay.mails)} arrived")


def refusals(folder, mails, rng):
    database = folder / "refusals.db"
    tokens = new_books(database, 10, payments_to_tell(mails))
    relay = new_relay()
    lost, refused = {}, {}

    def answers(step, share):
        def answer(_envelope):
            if rng.random() >= share:
                return None
            refused[step] = refused.get(step, 0) + 1
            return "451 4.3.0 come later"
        return answer

    def after_the_dot(envelope):
        if rng.random() < 0.01:
            notice_id = relay.mails.notice_id(envelope.original_content)
            lost[notice_id] = lost.get(notice_id, 0) + 1
            return "drop"
        return answers("body", 0.09)(envelope)

    # Of a hundred, 30 are put off.
    relay.answers = {step: answers(step, 0.08) for step in ("mail", "rcpt", "data")}
    relay.answers["body"] = after_the_dot
    begun = time.monotonic()
    with Server(database, "--smtp", relay.url, "--smtp-plain", *FLAGS, tokens=tokens):
        send_all(database)
    took = time.monotonic() - begun
    relay.stop()
    check_all_arrived(database, relay, lost)
    attempts = peek(database, "SELECT sum(attempts) FROM delivery")[0][0]
    put_off = sum(refused.values())
    if attempts != mails + put_off + sum(lost.values()):
        fail(f"{attempts} attempts of {mails} mails, {put_off} refusals, {sum(lost.values())} lost")
    print(f"{mails} mails, {attempts} attempts, {put_off} put off ({100 * put_off / attempts:.0f} %), "
          f"{sum(lost.values())} lost after the dot, all of them arrived, in {took:.0f} s", flush=True)


def ratio_of_access(server, beside, accounts, rng):
    """The median of the access route here against that there, asked in turns."""
    took = {server: [], beside: []}
    with server.client("crm", checked=False) as here, beside.client("crm", checked=False) as there:
        for _ in range(ASKED):
            target = f"/v1/accounts/{rng.randint(1, accounts)}/access"
            for client in (here, there):
                begun = time.perf_counter()
                client.get(target).expect(200)
                took[client.server].append(time.perf_counter() - begun)
    return statistics.median(took[server]) / statistics.median(took[beside])


def outage(folder, mails, rng):
    database, other = folder / "outage.db", folder / "beside.db"
    tokens = new_books(database, 10, payments_to_tell(mails))
    beside_tokens = new_books(other, 10, payments_to_tell(mails))
    relay = new_relay()
    port = relay.port
    relay.stop()
    flags = ("--smtp", relay.url, "--smtp-plain", *FLAGS)
    with Server(other, "--log-level", "error", tokens=beside_tokens) as beside:
        with Server(database, *flags, tokens=tokens) as server:
            tried = 0
            # While no connection is made, one mail after the other is tried, not all of them.
            for _ in range(ATTEMPTS_IN_AN_HOUR):
                if not wait_for(lambda: peek(database, "SELECT sum(attempts) FROM delivery")[0][0] > tried, 60):
                    fail(f"nothing was attempted after {tried} attempts")
                tried = peek(database, "SELECT sum(attempts) FROM delivery")[0][0]
                bring_forward(database)
            ratio = ratio_of_access(server, beside, mails, rng)
            if waiting(database) != mails:
                fail(f"{mails} mails were to wait, {waiting(database)} do")
    # As after an hour in which each of them had its turn.
    alter(database, f"UPDATE delivery SET attempts = {ATTEMPTS_IN_AN_HOUR}, since = '{ago(hours=1)}', next_at = NULL, "
          "detail = 'no connection'")
    relay = new_relay(port=port)
    begun = time.monotonic()
    with Server(database, *flags, tokens=tokens):
        send_all(database)
    took = time.monotonic() - begun
    relay.stop()
    check_all_arrived(database, relay, {})
    print(f"{mails} mails waited for the relay; beside them access took {ratio:.2f} times what it takes without; then "
          f"all of them arrived, in {took:.0f} s", flush=True)
    if mails >= 100_000 and ratio > 1.5:
        fail("access is slower beside a relay that is down")


def main():
    parser = argparse.ArgumentParser(description="A relay that refuses much, and one that is down.")
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--seed", default=str(random.randrange(10**9)))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="saldo-relay-") as folder:
        refusals(pathlib.Path(folder), options.mails, rng)
        outage(pathlib.Path(folder), options.waiting, rng)


if __name__ == "__main__":
    main()
