#!/usr/bin/python3
"""feed_wait.py SALDOD [CLIENTS [RUNS]]: the feed's `wait`, with many clients at once.

CLIENTS (200) connections ask for the next notice and wait; then a payment is recorded and the clock of the notices is
moved. Printed is how long it takes from the answer to that until the last of them has the notice, and how long the same
connections take to get the same notice by asking for it once it is there: RUNS times (20), in turns. Then how many
payments a second one connection makes while they wait, against none waiting. Each answer is compared with the notice
posted."""

import json
import os
import pathlib
import selectors
import socket
import statistics
import sys
import tempfile
import time

if len(sys.argv) < 2:
    sys.exit(__doc__)
os.environ["SALDOD"] = os.path.abspath(sys.argv[1])
CLIENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "http"))

from notices import later  # noqa: E402
from server import NOW, Books, Server, peek  # noqa: E402

PAYMENTS = 200


class Crowd:
    """Connections that ask all at once."""

    def __init__(self, server):
        self.head = f"Host: saldo\r\nAuthorization: Bearer {server.tokens['crm']}\r\nSaldo-Now: {NOW}\r\n\r\n"
        self.sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CLIENTS)]

    def ask(self, target):
        for each in self.sockets:
            each.sendall(f"GET {target} HTTP/1.1\r\n{self.head}".encode())

    def answers(self):
        """The notices of each answer, once all have come."""
        got = {each: b"" for each in self.sockets}
        with selectors.DefaultSelector() as selector:
            for each in self.sockets:
                selector.register(each, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(120)
                if not ready:
                    sys.exit("feed_wait.py: an answer did not come within two minutes")
                for key, _ in ready:
                    part = key.fileobj.recv(1 << 16)
                    got[key.fileobj] += part
                    if not part or body_of(got[key.fileobj]) is not None:
                        selector.unregister(key.fileobj)
        return [json.loads(body_of(text) or b"[]") for text in got.values()]


def body_of(text):
    """None: it has not all come."""
    head, end, body = text.partition(b"\r\n\r\n")
    if not end:
        return None
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return body if len(body) == int(fields[b"content-length"]) else None


def payments_a_second(client, account_id):
    begun = time.monotonic()
    for _ in range(PAYMENTS):
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 100, "method": "sbp"}).expect(201)
    return PAYMENTS / (time.monotonic() - begun)


def main():
    told, asked, alone, beside = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="saldo-bench-") as folder:
        database = pathlib.Path(folder) / "feed.db"
        tokens = Books.copy(database)
        with (Server(database, "--test-clock", "--max-connections", 4 * CLIENTS + 40, "--keep-alive", "60s",
                     tokens=tokens) as server, server.client("operator", now=NOW, checked=False) as client):
            client.post("/v1/notice-clock").expect(200)
            account_id = client.post("/v1/accounts", {"name": "a"}).expect(201).json["account_id"]
            crowd, last = Crowd(server), 0
            for run in range(1, RUNS + 1):
                crowd.ask(f"/v1/notices?after={last}&wait=60")
                payments_a_second(client, account_id)  # by then all of them wait
                rate = payments_a_second(client, account_id)
                posted = client.post("/v1/notice-clock", now=later(run)).expect(200).json
                begun = time.monotonic()
                answers = crowd.answers()
                told.append(time.monotonic() - begun)
                beside.append(rate)
                if len(posted) != 2 * PAYMENTS or any(each[0] != posted[0] for each in answers):
                    sys.exit("feed_wait.py: not all were told of the notices that were posted")
                begun = time.monotonic()
                crowd.ask(f"/v1/notices?after={last}")
                if crowd.answers() != answers:
                    sys.exit("feed_wait.py: who asks once gets other notices")
                asked.append(time.monotonic() - begun)
                alone.append(payments_a_second(client, account_id))
                client.post("/v1/notice-clock", now=later(run)).expect(200)
                [(last,)] = peek(database, "SELECT max(notice_id) FROM notice")
            for each in crowd.sockets:
                each.close()

    def line(name, figures, unit):
        print(f"{name}: {statistics.median(figures):.0f} {unit} ({min(figures):.0f} to {max(figures):.0f})")

    line(f"{CLIENTS} waiting, until the last one is told", [each * 1000 for each in told], "ms")
    line(f"{CLIENTS} asking once for the same", [each * 1000 for each in asked], "ms")
    ratios = [ours / theirs for ours, theirs in zip(told, asked)]
    print(f"ratio: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    ratios = [ours / theirs for ours, theirs in zip(beside, alone)]
    line("payments while they wait", beside, "a second")
    print(f"against none waiting: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
