#!/usr/bin/python3
"""Three nodes by one log against one node alone, in one run on one machine, by wrk.

  cluster_http.py [SECONDS [CATCH_UP]]

In turns, each for SECONDS (3): durable payments at a node alone and at three nodes, sent by 1, 8 and 64 kept-alive
connections (at three nodes spread over them), and reads (`/access`) by 64; then how long no payment is acknowledged
when the member of etcd that leads is killed; then how long a node takes that was away for CATCH_UP payments (20,000),
and by how much that is faster than they came. What was acknowledged must be in all files, and nothing else.

The three nodes and the three members of etcd share the machine: each payment is put on the disk three times by etcd and
three times by SQLite, and its computing is done three times, so that the ratios here are the least there is."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
sys.path.insert(0, str(ROOT / "tests" / "http"))

from etcd import Cluster  # noqa: E402
from server import Books, Server, peek, wait_for  # noqa: E402

ACCOUNTS = 100

PAYMENTS = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("POST", "/v1/accounts/" .. (1 + n %% %(accounts)d) .. "/payments",
    {["Authorization"] = "Bearer %(token)s", ["Content-Type"] = "application/json"},
    string.format('{"amount":100,"method":"bank_card","external_id":"%(name)s-%%d"}', n))
end
"""
READS = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/v1/accounts/" .. (1 + n %% %(accounts)d) .. "/access",
    {["Authorization"] = "Bearer %(token)s"})
end
"""
DONE = """
done = function(summary)
  local errors = summary.errors
  io.write(string.format('\\nRESULT {"requests": %%d, "seconds": %%f, "errors": %%d}\\n', summary.requests,
    summary.duration / 1e6, errors.status + errors.read + errors.write + errors.timeout + errors.connect))
end
"""


class Load:
    """wrk at several servers at once."""

    turn = 0

    def __init__(self, script, servers, token, connections, seconds):
        self.processes = []
        each = [connections // len(servers) + (i < connections % len(servers)) for i in range(len(servers))]
        for server, count in zip(servers, each):
            if count == 0:
                continue
            Load.turn += 1
            text = (script + DONE) % {"accounts": ACCOUNTS, "token": token, "name": f"b{Load.turn}"}
            with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False) as file:
                file.write(text)
            self.processes.append((subprocess.Popen(
                ["wrk", "-t1", f"-c{count}", f"-d{seconds}s", "--timeout", "30s", "-s", file.name, server.url],
                stdout=subprocess.PIPE, text=True), file.name))

    def rate(self):
        """Answers a second; fails for one that is no success."""
        total = 0
        for process, file in self.processes:
            told = process.communicate()[0]
            os.unlink(file)
            result = json.loads(told.split("RESULT ")[1])
            if result["errors"]:
                sys.exit(f"not all were answered with success: {told}")
            total += result["requests"] / result["seconds"]
        return total


def prepare(client):
    for _ in range(ACCOUNTS):
        client.post("/v1/accounts", {"name": "Bench"}).expect(201)


def failover(cluster, token):
    """Seconds without an acknowledged payment, when the leader of etcd is killed."""
    stop, gaps, last = threading.Event(), [], [time.monotonic()]
    lock = threading.Lock()

    def pay(node, number):
        count = 0
        with node.client("admin", timeout=30, checked=False) as client:
            while not stop.is_set():
                count += 1
                name = f"f{number}-{count}"
                while client.post("/v1/accounts/1/payments", {"amount": 1, "method": "sbp", "external_id": name},
                                  key=name).status != 201:
                    time.sleep(0.01)
                with lock:
                    now = time.monotonic()
                    gaps.append(now - last[0])
                    last[0] = now

    threads = [threading.Thread(target=pay, args=(node, i), daemon=True) for i, node in enumerate(cluster.nodes)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    usual = max(gaps)
    leaders = [member for member in range(3)
               if (status := cluster.etcd.ask("/v3/maintenance/status", {}, member)) and
               status["leader"] == status["header"]["member_id"]]
    gaps.clear()
    cluster.etcd.kill(leaders[0])
    time.sleep(6)
    stop.set()
    for thread in threads:
        thread.join()
    cluster.etcd.start(leaders[0])
    return max(gaps), usual


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    catch_up = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    cluster = Cluster()
    folder = tempfile.TemporaryDirectory(prefix="saldo-bench-")
    alone_file = pathlib.Path(folder.name) / "alone.db"
    tokens = Books.copy(alone_file)
    alone = Server(alone_file, tokens=tokens)
    try:
        nodes = [node.server for node in cluster.nodes]
        token = tokens["admin"]
        for server in (alone, nodes[0]):
            with server.client("admin") as client:
                prepare(client)
        cluster.expect_together()
        for name, script, connections in (("payments", PAYMENTS, 1), ("payments", PAYMENTS, 8),
                                          ("payments", PAYMENTS, 64), ("reads", READS, 64)):
            one = Load(script, [alone], token, connections, seconds).rate()
            three = Load(script, nodes, token, connections, seconds).rate()
            print(f"{name} by {connections} connections: alone {one:,.0f} a second, three nodes {three:,.0f}: "
                  f"{three / one:.2f}", flush=True)
        gap, usual = failover(cluster, token)
        print(f"the leader of etcd killed: {gap:.1f} s without a payment (before, {usual:.2f} s at most)", flush=True)
        cluster.expect_well()
        away = cluster.nodes[2]
        away.stop()
        missed, start = 0, time.monotonic()
        while missed < catch_up:
            missed += round(Load(PAYMENTS, nodes[:2], token, 64, seconds).rate() * seconds)
        came = time.monotonic() - start
        start = time.monotonic()
        away.start()
        if not wait_for(lambda: away.is_well() and away.number() >= cluster.nodes[0].number(), 600):
            sys.exit("the node does not catch up")
        took = time.monotonic() - start
        print(f"{missed:,} payments missed: caught up in {took:.1f} s; they came in {came:.1f} s: {came / took:.1f} "
              "times as fast")
        cluster.hold()
        counts = {peek(node.database, "SELECT count(*), sum(amount) FROM payment")[0] for node in cluster.nodes}
        if len(counts) != 1:
            sys.exit(f"the files differ: {counts}")
    finally:
        alone.process.send_signal(signal.SIGKILL)
        alone.process.wait()
        cluster.close()
        folder.cleanup()


if __name__ == "__main__":
    main()
