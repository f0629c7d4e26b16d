#!/usr/bin/python3
"""Three nodes that follow one log in an etcd of three members, on loopback; where it makes no difference, of one.

SALDO_CLUSTER_KILLS: how often Killed kills (3)."""

import base64
import calendar
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))

from etcd import (OTHER_CLOCK_SECONDS, Cluster, Etcd, Node, dump, encode_put, first_difference,  # noqa: E402
                  make_other, other_surroundings, tamper)
import load  # noqa: E402
import server  # noqa: E402
from server import must, peek, saldod, wait_for  # noqa: E402
import test_repetition  # noqa: E402

KILLS = int(os.environ.get("SALDO_CLUSTER_KILLS", "3"))


class ClusterCase(unittest.TestCase):
    maxDiff = None

    def cluster(self, **options):
        cluster = Cluster(**options)
        self.addCleanup(cluster.close)
        return cluster

    def expect_problem(self, node, *parts, seconds=60):
        def told():
            problem = node.problem()
            return problem is not None and all(part in problem for part in parts)
        self.assertTrue(wait_for(told, seconds), (parts, node.problem()))

    def expect_seconds(self, node, pattern, least):
        """It tells for how long by now."""
        def told():
            found = re.search(pattern, node.problem() or "")
            return found is not None and int(found.group(1)) >= least
        self.assertTrue(wait_for(told, 60), (pattern, node.problem()))

    def expect_same(self, cluster):
        """Stops all nodes when they have applied the same, and compares their files."""
        cluster.hold()
        for node in cluster.nodes:
            node.stop()
        files = [dump(node.database) for node in cluster.nodes]
        for other in files[1:]:
            self.assertIsNone(first_difference(files[0], other))
        return files[0]

    def write(self, node, path, body, key):
        """As a client does who must not lose it: until it is answered."""
        with node.client("admin") as client:
            self.assertTrue(wait_for(lambda: client.post(path, body, key=key).status != 503, 60), node.problem())
            return client.post(path, body, key=key)

    def routes_of_another_build(self, cluster):
        """A server that is started with them is of another build than one without."""
        routes = cluster.folder / "routes"
        routes.mkdir()
        (routes / "ping.sql").write_text(
            "-- GET /v1/ping\n-- Ping.\n-- role: none\n-- answer: one\n\nSELECT 1 AS pong;\n")
        return routes

    def account(self, node):
        return self.write(node, "/v1/accounts", {"name": "Ромашка"}, os.urandom(8).hex()).expect(201).json["account_id"]

    def pay(self, node, number, account=1):
        return self.write(node, f"/v1/accounts/{account}/payments",
                          {"amount": 100, "method": "bank_card", "external_id": f"p{number}"}, f"k{number}")


class Everyday(ClusterCase):
    def test_what_one_takes_all_have(self):
        cluster = self.cluster()
        first, second, third = cluster.nodes
        self.account(first)
        paid = self.pay(second, 1).expect(201)
        position = paid.headers["Saldo-Position"]
        with third.client("admin") as client:
            listed = client.get("/v1/accounts/1/payments", headers={"Saldo-Position": position}).expect(200)
            self.assertEqual([paid.json], listed.json)
            # The same key, the same answer, whoever is asked.
            self.assertEqual(paid.body, self.pay(third, 1).expect(201).body)
            # What cannot be yet.
            far = client.get("/v1/accounts/1", headers={"Saldo-Position": "1000000"})
            self.assertEqual((503, "overloaded"), (far.status, far.code))
            client.get("/v1/accounts/1", headers={"Saldo-Position": "x"}).expect(400)
            number = third.number()
            # Neither of these is in the log.
            client.post("/v1/accounts/1/payments", {"amount": 0.5}).expect(422)
            client.post("/v1/accounts/1/payments?dry_run=true", {"amount": 5, "method": "bank_card"}).expect(201)
            client.post("/v1/accounts/1/payments", b"{").expect(400)
            self.assertEqual(number, third.number())
            made = client.put("/v1/webhooks/w", {"url": "https://example.org/"}).expect(201).json
            self.assertTrue(made["secret"].startswith("whsec_"))
        token = must("token", "create", "--database", second.database, *second.log_flags, "--role", "crm", "--name",
                     "new").strip()
        self.assertIn("already", saldod("token", "create", "--database", third.database, *third.log_flags, "--role",
                                        "crm", "--name", "new").stderr)
        with first.client("admin") as one, third.client("admin") as other:
            made = one.post("/v1/tokens", {"name": "made", "role": "crm"}, key="made").expect(201).json
            again = other.post("/v1/tokens", {"name": "made", "role": "crm"}, key="made").expect(201).json
        self.assertEqual({**made, "token": None}, again)
        # By what is in the log nobody else gets it.
        entries = [entry for entry in cluster.etcd.entries() if entry.get("target") == "/v1/tokens"]
        self.assertEqual(hashlib.sha256(made["token"].encode()).hexdigest(), entries[0]["new_token_hash"])
        for entry in entries:
            self.assertNotIn(made["token"], json.dumps(entry))
            self.assertNotIn("random", entry)
        cluster.expect_together()
        for node in cluster.nodes:
            with node.server.client("admin") as client:
                for client.token in token, made["token"]:
                    client.get("/v1/accounts/1").expect(200)
        must("token", "revoke", "--database", first.database, *first.log_flags, "--name", "new")
        # Days that ended are closed by whoever comes first.
        for node in cluster.nodes:
            node.stop()
        for node in cluster.nodes:
            node.start("--close-after", "1s")
        cluster.expect_well()
        with first.client("admin") as client:
            self.assertTrue(wait_for(lambda: client.get("/healthz").json["overdue_days"] == 0, 120))
        books = self.expect_same(cluster)
        self.assertEqual(1, len(books["payment"]))
        self.assertEqual(["new"], [row[0] for row in books["token"] if row[4] is not None])
        self.assertEqual({"n0", "n1", "n2"}, {row[0] for row in books["log_node"]})

    def test_a_file_of_the_log_is_not_written_past_it(self):
        cluster = self.cluster(members=1, nodes=1)
        node = cluster.nodes[0]
        self.assertIn("follows a log already", saldod("log", "init", "--database", node.database,
                                                      *node.log_flags).stderr)
        node.stop()
        for command in (("serve", "--listen", "127.0.0.1:0"), ("close", "--through", "2026-11-01"),
                        ("token", "create", "--role", "crm", "--name", "x"), ("token", "revoke", "--name", "crm"),
                        ("import", __file__), ("install", "--opening", "2026-11-01")):
            with self.subTest(command):
                done = saldod(*command, "--database", node.database)
                self.assertEqual(2, done.returncode)
                self.assertIn("follows a log", done.stderr)
        must("log", "leave", "--database", node.database, *node.log_flags)
        must("token", "create", "--database", node.database, "--role", "crm", "--name", "x")
        self.assertIn("follows no log", saldod("serve", "--database", node.database, "--listen", "127.0.0.1:0",
                                               *node.log_flags).stderr)
        self.assertIn("there is a log already", saldod("log", "init", "--database", node.database, *node.log_flags)
                      .stderr)

    def test_flags_that_do_not_fit(self):
        for flags, told in ((("--log", "http://h:1", "--node", "a"), "such as etcd://"),
                            (("--log", "etcd://h:2379,", "--node", "a"), "such as etcd://"),
                            (("--log", "etcd://h:2379", "--node", "A"), "is not a node's name"),
                            (("--log", "etcd://192.0.2.1:2379", "--node", "a"), "--log-ca"),
                            (("--log", "etcd://127.0.0.1:1"), "--node")):
            with self.subTest(flags):
                done = saldod("log", "init", "--database", "none.db", *flags)
                self.assertEqual(2, done.returncode)
                self.assertIn(told, done.stderr)


class Etcds(ClusterCase):
    def test_tls_and_a_user(self):
        etcd = Etcd(1, tls=True)
        self.addCleanup(etcd.close)
        etcd.demand_user()
        cluster = self.cluster(nodes=2, etcd=etcd)
        self.account(cluster.nodes[0])
        self.pay(cluster.nodes[1], 1).expect(201)
        (etcd.folder / "wrong").write_text("root:wrong\n")
        for flag, value, told in (("--log-user", etcd.folder / "wrong", "authentication failed"),
                                  ("--log-ca", "/etc/ssl/certs/ca-certificates.crt", "certificate")):
            with self.subTest(flag):
                flags = list(map(str, cluster.nodes[0].log_flags))
                flags[flags.index(flag) + 1] = str(value)
                done = saldod("log", "status", "--database", cluster.nodes[0].database, *flags)
                self.assertEqual(2, done.returncode, done.stdout)
                self.assertIn(told, done.stderr)

    def test_users_that_change(self):
        with tempfile.TemporaryDirectory() as folder:
            key, public = f"{folder}/jwt.key", f"{folder}/jwt.pub"
            for command in (("genrsa", "-out", key, "2048"), ("rsa", "-in", key, "-pubout", "-out", public)):
                subprocess.run(["openssl", *command], check=True, capture_output=True)
            etcd = Etcd(1, tls=True, flags=("--auth-token",
                                            f"jwt,pub-key={public},priv-key={key},sign-method=RS256,ttl=10m"))
        self.addCleanup(etcd.close)
        etcd.demand_user()
        cluster = self.cluster(nodes=1, etcd=etcd, flags=(*Node.FLAGS, "--stale-after", "5s"))
        node = cluster.nodes[0]
        self.account(node)
        # Tokens from before are worth nothing from now on.
        token = etcd.ask("/v3/auth/authenticate", {"name": "root", "password": "secret"})["token"]
        self.assertIsNotNone(etcd.ask("/v3/auth/user/add", {"name": "other", "password": "x"}, token=token))
        self.account(node)
        cluster.expect_well()
        # Whoever names no user is told so.
        node.stop()
        with unittest.mock.patch.object(Etcd, "log_flags", etcd.log_flags[:-2]):
            node.start()
        self.expect_problem(node, "the log has been out of reach for", "user name is empty")
        with node.client("admin") as client:
            self.assertIn("nothing was done", client.post("/v1/accounts", {"name": "x"}).expect(503).text)

    def test_a_node_that_alone_may_not_write(self):
        etcd = Etcd(1, tls=True)
        self.addCleanup(etcd.close)
        key = base64.b64encode(b"saldo/log").decode()
        for path, question in (("role/add", {"name": "reader"}),
                               ("role/grant", {"name": "reader", "perm": {"permType": "READ", "key": key}}),
                               ("user/add", {"name": "reader", "password": "secret"}),
                               ("user/grant", {"user": "reader", "role": "reader"})):
            self.assertIsNotNone(etcd.ask(f"/v3/auth/{path}", question), path)
        etcd.demand_user()
        (etcd.folder / "reader").write_text("reader:secret\n")
        cluster = self.cluster(nodes=2, etcd=etcd, flags=(*Node.FLAGS, "--stale-after", "5s"))
        first, second = cluster.nodes
        second.stop()
        with unittest.mock.patch.object(Etcd, "log_flags", (*etcd.log_flags[:-1], etcd.folder / "reader")):
            second.start()

        def is_told():
            self.account(first)
            return "has taken nothing of this node for" in (second.problem() or "")
        self.assertTrue(wait_for(is_told, 60), second.problem())
        self.assertEqual(503, second.health().status)
        self.assertIn("permission denied", second.problem())
        self.assertTrue(first.is_well())
        # What is read there is as good as before.
        position = self.account(first) and first.number()
        with second.client("admin") as client:
            client.get("/v1/accounts", headers={"Saldo-Position": str(position)}).expect(200)

    def test_a_quota_that_is_reached(self):
        etcd = Etcd(1, flags=("--quota-backend-bytes", str(16 << 20)))
        self.addCleanup(etcd.close)
        cluster = self.cluster(nodes=1, etcd=etcd, flags=(*Node.FLAGS, "--stale-after", "5s"))
        node = cluster.nodes[0]
        self.account(node)
        etcd.fill()
        with node.client("admin", timeout=60) as client:
            self.assertEqual(503, client.post("/v1/accounts", {"name": "x"}, key="x").status)
            self.expect_problem(node, "has taken nothing for", "database space exceeded")
            start = time.monotonic()
            self.assertIn("nothing was done", client.post("/v1/accounts", {"name": "x"}, key="x").expect(503).text)
            self.assertLess(time.monotonic() - start, 5)  # the first one waits for 10 s and longer
            # What is read is as good as before, and no balancer is to leave, for however long.
            self.expect_seconds(node, r"has taken nothing for (\d+) s", 7)
            client.get("/v1/accounts/1").expect(200)
            client.get("/healthz").expect(200)
            # By itself it goes on.
            etcd.make_room()
            cluster.expect_well()
            client.post("/v1/accounts", {"name": "x"}, key="x").expect(201)
        self.assertEqual(2, peek(node.database, "SELECT count(*) FROM account")[0][0])

    def test_without_a_majority(self):
        cluster = self.cluster(nodes=1, flags=(*Node.FLAGS, "--stale-after", "5s"))
        node = cluster.nodes[0]
        self.account(node)
        for member in (0, 1):
            cluster.etcd.kill(member)
        # Reads go on; a write is refused, and once it is clear that there is no majority at once.
        with node.client("admin", timeout=60) as client:
            client.get("/v1/accounts/1").expect(200)
            refused = client.post("/v1/accounts", {"name": "Lost"}, key="lost")
            self.assertEqual(503, refused.status)
            # Behind what the node tells of itself it may wait until it is sent no more.
            self.assertRegex(refused.text,
                             "not done, and will not be; ask again|ask again with the same Idempotency-Key")
            self.expect_problem(node, "the log has been out of reach for")
            refused = client.post("/v1/accounts", {"name": "Lost"}, key="lost")
            self.assertIn("nothing was done", refused.text)
            client.get("/v1/accounts/1").expect(200)
            for member in (0, 1):
                cluster.etcd.start(member)
            cluster.expect_well()
            client.post("/v1/accounts", {"name": "Lost"}, key="lost").expect(201)
            # Whether or not the first one came in, in the end.
            self.assertEqual(2, len(client.get("/v1/accounts").expect(200).json))


class Alone(ClusterCase):
    """Puts made by hand."""

    def setUp(self):
        super().setUp()
        self.one = self.cluster(members=1, nodes=1)
        self.node = self.one.nodes[0]
        self.assertTrue(wait_for(lambda: peek(self.node.database, "SELECT build FROM log_state")[0][0]))
        self.build = peek(self.node.database, "SELECT build FROM log_state")[0][0]

    def put(self, *entries, node="x", build=None, **more):
        return self.one.etcd.put(encode_put(node, build or self.build, entries, **more))

    def move_the_log_on(self):
        """By an entry that is dated in a minute."""
        in_a_minute = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
                       for name, seconds in (("at", 60), ("by", 90))}
        self.put(("request", {"token": "admin", "method": "POST", "target": "/v1/accounts",
                              "body": '{"name": "By hand"}', "gives": "json", **in_a_minute}))

    def hear(self, until, **clocks):
        """Nodes of these names tell what time it is by their clocks, which are off by so many milliseconds; again and
        again, as a put that is read late tells nothing."""
        def told():
            for name, off in clocks.items():
                self.put(("mark", {}), node=name, clock=round(time.time() * 1000) + off)
            return wait_for(until, 1)
        self.assertTrue(wait_for(told, 60), self.node.problem())

    def test_a_clock_that_is_off(self):
        def is_told(part):
            return lambda: part in (self.node.problem() or "")
        for off, told in ((5000, "s behind"), (-5000, "s ahead of")):
            self.hear(is_told(told), x=off, y=off)
            with self.node.client("admin") as client:
                self.assertIn(told, client.post("/v1/accounts", {"name": "x"}).expect(503).text)
            self.assertGreater(abs(self.node.server.metric("saldo_log_clock_offset_seconds")), 4)
            self.node.stop()
            self.node.start()
            self.one.expect_well()
        # What such a node tells of itself dates nothing.
        number = self.put(("mark", {"at": "2036-01-01T00:00:00Z", "by": "2036-01-01T00:00:10Z"}))
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        self.assertLess(peek(self.node.database, "SELECT log_time FROM log_state")[0][0], "2036")
        # Of two that differ neither knows which is right.
        self.hear(is_told("s behind"), x=5000)
        # A third one does.
        self.hear(self.node.is_well, y=0)
        self.account(self.node)

    def test_a_clock_that_is_off_while_it_has_much_to_do(self):
        number = self.put(("mark", {}))
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        self.one.expect_well()
        with self.node.client("admin") as client:
            def refused():
                until = time.monotonic() + 3  # for so long its own puts come all the time
                while time.monotonic() < until:
                    answer = client.post("/v1/accounts", {"name": "x"})
                    if answer.status == 503:
                        return answer.text
                self.put(("mark", {}), node="x", clock=round(time.time() * 1000) + 5000)
                return None
            self.assertIn("s behind", wait_for(refused, 60) or "")

    def test_what_is_read_late_tells_of_no_clock(self):
        self.node.server.process.send_signal(signal.SIGSTOP)
        for other in ("x", "y"):
            number = self.put(("mark", {}), node=other)
        time.sleep(4)  # so late
        self.node.server.process.send_signal(signal.SIGCONT)
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        # Nor does it go on by its own clock at once: the next ones may tell.
        with self.node.client("admin") as client:
            self.assertIn("waits for another one", client.post("/v1/accounts", {"name": "x"}).expect(503).text)
        self.assertNotIn("this machine's clock", self.node.problem() or "")
        self.one.expect_well()
        self.account(self.node)
        self.assertLess(abs(self.node.server.metric("saldo_log_clock_offset_seconds")), 2)

    def test_what_is_applied_for_ever(self):
        self.node.stop()
        self.node.start("--stale-after", "5s", "--busy-timeout", "100s")
        self.one.expect_well()
        held = sqlite3.connect(self.node.database, timeout=30, isolation_level=None)
        self.addCleanup(held.close)
        held.execute("BEGIN IMMEDIATE")
        self.put(("mark", {}))
        self.expect_seconds(self.node, r"has been applying what follows put \d+ of the log for (\d+) s", 7)
        self.assertEqual(503, self.node.health().status)
        with self.node.client("admin") as client:
            client.get("/v1/accounts").expect(200)
        held.execute("ROLLBACK")
        self.one.expect_well()
        self.assertEqual(200, self.node.health().status)

    def test_a_command_where_the_clock_is_behind(self):
        # What comes in before it moves the log's time past the one until which it counts.
        self.node.server.process.send_signal(signal.SIGSTOP)
        self.move_the_log_on()
        with other_surroundings(-90):
            command = subprocess.Popen(
                [server.SALDOD, "token", "create", "--database", self.node.database, *self.node.log_flags, "--role",
                 "crm", "--name", "new"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(command.kill)
            # Not only what the node had sent before.
            self.assertTrue(wait_for(lambda: any(entry["kind"] == "token.create" for entry in self.one.etcd.entries())))
            self.node.server.process.send_signal(signal.SIGCONT)
            told = command.communicate(timeout=60)[1]
        self.assertEqual(2, command.returncode)
        self.assertRegex(told, r"it was not done, as it came too late: the log's time is \S+Z, this machine's clock is")
        times = [calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) for text in re.findall(r"\S+Z", told)]
        self.assertGreater(times[0] - times[1], 60)

    def test_one_leaves_whatever_its_clock_says(self):
        other = Node(self.one.etcd, "n1", self.one.folder, self.node.tokens)
        must("log", "join", "--database", other.database, *other.log_flags, self.one.folder / "first.backup")
        self.addCleanup(other.stop)
        other.start()

        def is_named():
            return ("n1",) in peek(self.node.database, "SELECT node FROM log_node")
        self.assertTrue(wait_for(is_named))
        other.stop()
        self.move_the_log_on()
        with other_surroundings(-90):
            must("log", "leave", "--database", other.database, *other.log_flags)
        number = int(self.one.etcd.get()["version"])
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        self.assertFalse(is_named())
        self.one.expect_well()
        self.account(self.node)

    def test_an_entry_that_came_before_or_too_late_counts_not(self):
        target = {"token": "admin", "method": "POST", "target": "/v1/accounts", "body": '{"name": "By hand"}',
                  "gives": "json"}
        late = {**target, "by": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 20))}
        number = self.put(("request", {**target, "id": "a" * 32}), ("request", {**target, "id": "a" * 32}),
                          ("request", {**late, "id": "b" * 32}), ("nonsense", {}),
                          ("request", {**target, "id": "c" * 32, "by": "2026-01-01T00:00:00Z"}))
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        statuses = dict(peek(self.node.database, "SELECT id, status FROM log_entry"))
        self.assertEqual((201, 0), (statuses["a" * 32], statuses["b" * 32]))
        # What could not count any more for long need not be known, once whoever waits for it was told.
        self.assertEqual(0, statuses["c" * 32])
        for _ in range(513):
            number = self.put(("mark", {}))
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        self.assertNotIn("c" * 32, [row[0] for row in peek(self.node.database, "SELECT id FROM log_entry")])
        self.assertEqual(1, peek(self.node.database, "SELECT count(*) FROM account")[0][0])

    def test_an_entry_of_another_build_is_not_applied(self):
        account = ("request", {"token": "admin", "method": "POST", "target": "/v1/accounts",
                               "body": '{"name": "By hand"}', "gives": "json"})
        # All have gone on with this build: what another one sends is passed over, by everybody.
        number = self.put(account, build="another")
        self.assertTrue(wait_for(lambda: self.node.number() >= number))
        self.assertIsNone(self.node.problem())
        # So is what was sent before its node knew of the seal; whoever comes first behind that has the build.
        must("log", "seal", "--database", self.node.database, *self.node.log_flags)
        self.put(account)
        seal = peek(self.node.database, "SELECT seal FROM log_state")[0][0]
        number = self.put(account, build="another", seen={"number": seal, "chain": "", "day": "", "digest": ""})
        self.expect_problem(self.node, "is of another build: another")
        self.assertEqual(number - 1, self.node.number())
        self.assertEqual([(0,), ("",)], [*peek(self.node.database, "SELECT count(*) FROM account"),
                                         *peek(self.node.database, "SELECT build FROM log_state")])


class Clocks(ClusterCase):
    """A node whose clock is a day ahead from its start on dates nothing."""

    DAY = 86400

    def expect_today(self, cluster):
        cluster.expect_together()
        tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.DAY / 2))
        for node in cluster.nodes:
            self.assertLess(peek(node.database, "SELECT log_time FROM log_state")[0][0], tomorrow)

    def expect_refused(self, node, told):
        self.expect_problem(node, told)
        with node.client("admin") as client:
            refused = client.post("/v1/accounts", {"name": "x"}).expect(503).text
        self.assertIn(told, refused)
        self.assertIn("nothing was done", refused)

    def test_a_node_that_starts_a_day_ahead(self):
        cluster = self.cluster(members=1)
        first, second, third = cluster.nodes
        self.account(first)
        cluster.expect_together()
        third.stop()
        for node in (first, second):
            node.server.process.send_signal(signal.SIGSTOP)
        with other_surroundings(self.DAY) as set_clock:
            third.start()
            # It waits for those who could tell it.
            self.expect_refused(third, "waits for another one to tell what time it is")
            for node in (first, second):
                node.server.process.send_signal(signal.SIGCONT)
            self.expect_refused(third, "s ahead of")
            # What a command does there is dated no later either.
            must("token", "create", "--database", third.database, *third.log_flags, "--role", "crm", "--name", "new")
            cluster.expect_well((first, second))
            self.account(first)
            self.expect_today(cluster)
            set_clock(0)
            cluster.expect_well((third,))
            self.account(third)
            # A clock that jumps is known at once, before anybody tells.
            set_clock(self.DAY)
            with third.client("admin") as client:
                self.assertIn("s ahead of", client.post("/v1/accounts", {"name": "x"}).expect(503).text)
            self.expect_today(cluster)

    def test_which_build_goes_on_behind_a_seal(self):
        cluster = self.cluster(members=1, nodes=2)
        first, second = cluster.nodes
        self.account(first)
        cluster.expect_together()
        routes = self.routes_of_another_build(cluster)
        must("log", "seal", "--database", first.database, *first.log_flags)
        for node in cluster.nodes:
            self.expect_problem(node, "sealed")
        second.stop()
        with other_surroundings(self.DAY) as set_clock:
            second.start("--routes", routes)
            # Those of the old build tell it what time it is, and it decides nothing before it knows.
            self.expect_refused(second, "s ahead of")
            self.expect_problem(first, "sealed")
            set_clock(0)
            cluster.expect_well((second,))
        self.expect_problem(first, "is of another build")
        self.account(second)
        first.stop()
        first.start("--routes", routes)
        cluster.expect_well()
        self.expect_today(cluster)

    def test_of_two_neither_knows_which_is_right(self):
        cluster = self.cluster(members=1, nodes=2)
        first, second = cluster.nodes
        self.account(first)
        cluster.expect_together()
        second.stop()
        with other_surroundings(self.DAY) as set_clock:
            second.start()
            self.expect_refused(second, "s ahead of")
            self.expect_refused(first, "s behind")
            self.expect_today(cluster)
            set_clock(0)
            cluster.expect_well(seconds=120)
        self.account(second)


class Doubled(ClusterCase):
    def test_two_programs_with_one_file(self):
        cluster = self.cluster(members=1, nodes=1)
        node = cluster.nodes[0]
        refused = saldod("serve", "--database", node.database, "--listen", "127.0.0.1:0", *node.log_flags)
        self.assertEqual(2, refused.returncode)
        self.assertIn("another server follows the log with", refused.stderr)
        self.account(node)
        tamper(node.database, "UPDATE log_state SET number = number + 1")
        with node.client("admin") as client:
            client.post("/v1/accounts", {"name": "x"}).expect(503)
            self.expect_problem(node, "another program has changed where in the log this file is")
            self.assertIn("nothing was done", client.post("/v1/accounts", {"name": "x"}).expect(503).text)
        self.assertEqual(1, peek(node.database, "SELECT count(*) FROM account")[0][0])

    def test_two_nodes_of_one_name(self):
        cluster = self.cluster(members=1, nodes=2, start=False)
        first, second = cluster.nodes
        second.name = first.name
        for node in cluster.nodes:
            node.start()

        def is_noticed():
            # Any write of either tells.
            for node in cluster.nodes:
                node.ask("POST", "/v1/accounts", {"name": "x"})
            return all("has the name n0, too" in (node.problem() or "") for node in cluster.nodes)
        self.assertTrue(wait_for(is_noticed, 120), [node.problem() for node in cluster.nodes])
        with first.client("admin") as client:
            self.assertIn("two nodes have the same name", client.post("/v1/accounts", {"name": "x"}).expect(503).text)
        for node in cluster.nodes:
            node.stop()
        second.name = "n1"
        for node in cluster.nodes:
            node.start()
        cluster.expect_well()
        self.account(second)
        self.expect_same(cluster)


class Twice(ClusterCase):
    """Each route that writes, applied again under another clock, in another time zone and language, to a file of
    another page size whose tables were analysed: the same rows. replayed.py does the same with other tests' writes."""

    def test_the_same_rows(self):
        cluster = self.cluster(members=1, nodes=2, start=False, flags=("--spread", "200ms", "--test-clock"))
        first, second = cluster.nodes
        first.start()
        cluster.expect_well((first,))
        with first.client("admin", checked=False) as client:
            for method, _, target, body, status in test_repetition.WRITES:
                client.request(method, target, body, key=f"{method}-{target}").expect(status)
            secret = client.put("/v1/webhooks/w", {"url": "https://example.org/"}).expect(201).json["secret"]
            client.post("/v1/webhooks/w/rotate").expect(200)
            client.request("DELETE", "/v1/webhooks/w").expect(204)
            client.put("/v1/webhooks/v", {"url": "https://example.org/"}).expect(201)
            client.post("/v1/accounts/99/payments", {"amount": 1, "method": "sbp"}).expect(404)
            # A notice to several, which is a row for each.
            client.put("/v1/webhooks/u", {"url": "https://example.org/"}).expect(201)
            client.post("/v1/accounts/1/payments", {"amount": 9, "method": "sbp"}).expect(201)
            client.now = server.noon("2026-11-03")
            client.post("/v1/notice-clock").expect(200)
        self.assertTrue(secret)
        make_other(second.database)
        with other_surroundings():
            second.start()
        cluster.expect_well((second,))
        there = time.gmtime(time.time() + OTHER_CLOCK_SECONDS)
        self.assertIn(time.strftime("%Y-%m", there), second.server.log())
        books = self.expect_same(cluster)
        self.assertGreater(len(books["stored_answer"]), 25)
        self.assertNotEqual([], books["day_close"])
        self.assertEqual({"u", "v"}, {row[3] for row in books["delivery"]} - {"email"})

    def test_routes_that_write_by_chance_are_refused(self):
        cluster = self.cluster(members=1, nodes=1, start=False)
        node = cluster.nodes[0]
        routes = cluster.folder / "routes"
        routes.mkdir()
        head = "-- POST /v1/own\n-- Own.\n-- role: admin\n-- answer: none\n\n"
        for sql, told in (("UPDATE account SET tax_id = random()", "random()"),
                          ("UPDATE account SET tax_id = datetime('now')", "'now'"),
                          ("UPDATE account SET tax_id = CURRENT_DATE", "current_date"),
                          ("UPDATE account SET tax_id = datetime(:now, 'localtime')", "'localtime'"),
                          ("UPDATE account SET tax_id = total_changes()", "total_changes()"),
                          ("INSERT INTO account(name) SELECT name FROM service", "ORDER BY")):
            with self.subTest(sql):
                (routes / "own.sql").write_text(head + sql + ";\n")
                done = saldod("serve", "--database", node.database, "--listen", "127.0.0.1:0", *node.log_flags,
                              "--routes", routes)
                self.assertEqual(2, done.returncode)
                self.assertIn(told, done.stderr)


class PutBack(ClusterCase):
    """Each stops as its rule says, with a sentence, and the remedy works."""

    def test_a_file_put_back_catches_up(self):
        cluster = self.cluster(members=1)
        first, second, third = cluster.nodes
        self.account(first)
        cluster.expect_together()
        third.stop()
        old = third.database.with_suffix(".old")
        shutil.copyfile(third.database, old)
        third.start()
        for number in range(5):
            self.pay(first, number).expect(201)
        cluster.expect_together()
        third.stop()
        for each in third.database.parent.glob("n2.db-*"):
            each.unlink()
        shutil.copyfile(old, third.database)
        third.start()
        cluster.expect_well()
        self.expect_same(cluster)

    def test_another_log(self):
        cluster = self.cluster(members=1, nodes=1)
        node = cluster.nodes[0]
        other = Etcd(1, token="other")
        self.addCleanup(other.close)
        node.stop()
        mine, node.etcd = node.etcd, other
        node.start()
        self.expect_problem(node, "this is another etcd")
        with node.client("admin") as client:
            client.get("/v1/accounts").expect(200)
            refused = client.post("/v1/accounts", {"name": "x"})
            self.assertEqual(503, refused.status)
        self.assertEqual(1, saldod("log", "status", "--database", node.database, *node.log_flags).returncode)
        node.stop()
        node.etcd = mine
        node.start()
        cluster.expect_well()

    def test_a_deleted_key(self):
        cluster = self.cluster(members=1, nodes=2)
        first, second = cluster.nodes
        self.account(first)
        cluster.expect_together()
        second.stop()
        cluster.etcd.delete()
        self.expect_problem(first, "was deleted")
        second.start()
        self.expect_problem(second, "was deleted")
        # The remedy.
        for node in cluster.nodes:
            node.stop()
        must("log", "leave", "--database", first.database)
        must("log", "init", "--database", first.database, *first.log_flags)
        backup = cluster.folder / "again.backup"
        must("backup", "--database", first.database, backup)
        for each in second.database.parent.glob("n1.db*"):
            each.unlink()
        must("log", "join", "--database", second.database, *second.log_flags, backup)
        for node in cluster.nodes:
            node.start()
        cluster.expect_well()
        self.account(second)
        self.expect_same(cluster)

    def test_a_log_put_back(self):
        cluster = self.cluster(members=1, nodes=2)
        first, second = cluster.nodes
        self.account(first)
        cluster.expect_together()
        second.stop()
        etcd, old = cluster.etcd, cluster.folder / "etcd.old"
        etcd.kill(0)
        shutil.copytree(etcd.folder / "m0", old)
        etcd.start(0)
        cluster.expect_well((first,))
        for number in range(3):
            self.pay(first, number).expect(201)
        position = first.number()
        etcd.kill(0)
        shutil.rmtree(etcd.folder / "m0")
        shutil.copytree(old, etcd.folder / "m0")
        etcd.start(0)
        self.expect_problem(first, "the log ends at", "put back")
        # The other, which was not so far, goes on; then what was applied here is not what is there.
        second.start()
        cluster.expect_well((second,))
        for number in range(position):
            self.pay(second, 100 + number).expect(201)
        first.stop()
        first.start()
        self.expect_problem(first, "is not the one that was applied in this file")

    def test_a_file_at_the_end_needs_nothing_from_before(self):
        cluster = self.cluster(members=1, nodes=1)
        node = cluster.nodes[0]
        self.account(node)
        node.stop()
        # Somebody else's, which moves etcd's revision on; then all before is forgotten.
        for _ in range(2):
            moved = cluster.etcd.ask("/v3/kv/put", {"key": "eA==", "value": "eA=="})
        cluster.etcd.compact(moved["header"]["revision"])
        node.start()
        cluster.expect_well()
        self.account(node)

    def test_a_log_that_was_trimmed(self):
        cluster = self.cluster(members=1)
        first, second, third = cluster.nodes
        self.account(first)
        cluster.expect_together()
        third.stop()
        for number in range(5):
            self.pay(first, number).expect(201)
        cluster.expect_together()
        # Not by `trim`, which minds the node that is away.
        must("log", "trim", "--database", first.database, *first.log_flags)
        third.start()
        cluster.expect_well()
        cluster.expect_together()
        third.stop()
        self.pay(first, 5).expect(201)
        cluster.etcd.compact(cluster.etcd.get()["mod_revision"])
        third.start()
        self.expect_problem(third, "not in the log any more", "saldod log join")
        third.stop()
        backup = cluster.folder / "newer.backup"
        must("backup", "--database", first.database, backup)
        for each in third.database.parent.glob("n2.db*"):
            each.unlink()
        # SQLite would take it for a part of the new file.
        left = third.database.with_name("n2.db-wal")
        left.write_bytes(b"frames")
        self.assertIn("n2.db-wal is of the file that was there before",
                      saldod("log", "join", "--database", third.database, *third.log_flags, backup).stderr)
        self.assertEqual([left], list(third.database.parent.glob("n2.db*")))
        left.unlink()
        must("log", "join", "--database", third.database, *third.log_flags, backup)
        third.start()
        cluster.expect_well()
        self.expect_same(cluster)

    def test_a_damaged_put_is_applied_by_nobody(self):
        cluster = self.cluster(nodes=2)
        first, second = cluster.nodes
        self.account(first)
        cluster.expect_together()
        newest = cluster.etcd.get()
        text = bytearray(base64.b64decode(newest["value"]))
        text[len(text) // 2] ^= 1
        cluster.etcd.put(bytes(text))
        for node in cluster.nodes:
            self.expect_problem(node, "damaged")
            self.assertGreater(node.server.metric("saldo_log_rereads_total"), 0)
            self.assertEqual(int(newest["version"]), node.number())
            with node.client("admin") as client:
                self.assertIn("nothing was done", client.post("/v1/accounts", {"name": "x"}).expect(503).text)

    def test_one_leaves_before_it_has_applied_anything(self):
        cluster = self.cluster(members=1, nodes=3, start=False)
        first, second, third = cluster.nodes
        must("log", "leave", "--database", third.database, *third.log_flags)
        for node in (first, second):
            node.start()
        cluster.expect_well((first, second))
        self.account(second)
        cluster.expect_together()


class Alike(ClusterCase):
    def test_a_node_that_was_altered_stops(self):
        cluster = self.cluster(members=1)
        first, second, third = cluster.nodes
        self.account(first)
        cluster.expect_together()
        third.stop()
        tamper(third.database, "UPDATE account SET name = 'Other' WHERE account_id = 1")
        third.start()
        cluster.expect_well()
        for number in range(3):
            self.pay(cluster.nodes[number], number).expect(201)
        with first.client("admin") as client:
            # Its answer has the name, which is another one there.
            client.request("PATCH", "/v1/accounts/1", {"tax_id": "7707083893"}).expect(200)
        for node in cluster.nodes:
            self.account(node) if node.is_well() else None
        self.expect_problem(third, "this node differs from 2 others")
        self.assertEqual(1, third.server.metric("saldo_log_stopped"))
        cluster.expect_well((first, second))
        self.account(second)

    def test_another_build(self):
        cluster = self.cluster(members=1, nodes=2)
        first, second = cluster.nodes
        self.account(first)
        cluster.expect_together()
        routes = self.routes_of_another_build(cluster)
        second.stop()
        refused = saldod("serve", "--database", second.database, "--listen", "127.0.0.1:0", *second.log_flags,
                         "--routes", routes)
        self.assertIn("of another build", refused.stderr)
        # The upgrade: sealed, replaced one after the other.
        second.start()
        cluster.expect_well()
        must("log", "seal", "--database", first.database, *first.log_flags)
        for node in cluster.nodes:
            self.expect_problem(node, "sealed")
            with node.client("admin") as client:
                client.post("/v1/accounts", {"name": "x"}).expect(503)
                client.get("/healthz").expect(200)
                client.get("/v1/accounts/1").expect(200)
        # Whoever has it started again with this build goes on, and so do all.
        second.stop()
        second.start()
        cluster.expect_well()
        self.account(first)
        must("log", "seal", "--database", first.database, *first.log_flags)
        for node in cluster.nodes:
            self.expect_problem(node, "sealed")
        first.stop()
        first.start("--routes", routes)
        cluster.expect_well((first,))
        self.account(first)
        self.expect_problem(second, "of another build")
        second.stop()
        second.start()
        self.expect_problem(second, "of another build")
        second.stop()
        second.start("--routes", routes)
        cluster.expect_well()
        self.account(second)
        self.expect_same(cluster)
        # A route is more than its SQL.
        ping = routes / "ping.sql"
        ping.write_text(ping.read_text().replace("answer: one", "answer: many"))
        refused = saldod("serve", "--database", second.database, "--listen", "127.0.0.1:0", *second.log_flags,
                         "--routes", routes)
        self.assertIn("of another build", refused.stderr)

    def test_another_build_without_a_seal(self):
        cluster = self.cluster(members=1, nodes=2)
        first, second = cluster.nodes
        old = cluster.folder / "old.backup"
        must("backup", "--database", second.database, old)
        self.account(first)
        build = cluster.folder / "saldod"
        shutil.copy(server.SALDOD, build)
        with open(build, "ab") as file:
            file.write(b"another build")

        def are_together():
            return all("0 not applied here yet" in must("log", "status", "--database", node.database, *node.log_flags)
                       for node in cluster.nodes)
        # All stop when they have applied the same.
        while True:
            cluster.expect_together()
            for node in cluster.nodes:
                node.stop()
            if are_together():
                break
            for node in cluster.nodes:
                node.start()
        usual, server.SALDOD = server.SALDOD, str(build)
        self.addCleanup(setattr, server, "SALDOD", usual)
        refused = saldod("serve", "--database", first.database, "--listen", "127.0.0.1:0", *first.log_flags)
        self.assertIn("of another build", refused.stderr)
        self.assertIn("join from a backup", refused.stderr)
        # Its schema is newer, too.
        for node in cluster.nodes:
            server.make_older(node.database)
        for command, told in ((("serve", "--listen", "127.0.0.1:0", *first.log_flags), "`saldod install`"),
                              (("install", "--opening", server.OPENING), "`saldod log seal` comes before")):
            self.assertIn(told, saldod(*command, "--database", first.database).stderr)
        self.assertTrue(are_together())
        for node in cluster.nodes:
            self.assertIn("any build", must("log", "seal", "--database", node.database, *node.log_flags))
            must("install", "--database", node.database, "--opening", server.OPENING)
            self.assertIn("debtor", dict(peek(node.database, "SELECT name, 1 FROM sqlite_schema")))
        self.assertIn("nothing was applied since",
                      saldod("log", "seal", "--database", first.database, *first.log_flags).stderr)
        first.start()
        cluster.expect_well((first,))
        self.account(first)
        second.start()
        cluster.expect_well()
        self.account(second)
        # Whose file is not at the log's end needs its own build, or a newer file.
        late = cluster.folder / "late.db"
        must("log", "join", "--database", late, *second.log_flags, old)
        self.assertRegex(saldod("log", "seal", "--database", late, *second.log_flags).stderr,
                         "is no seal: start the build that made it, saldod .*, or join from a backup")
        self.expect_same(cluster)

    def test_another_time_zone_data(self):
        cluster = self.cluster(members=1, nodes=1)
        node = cluster.nodes[0]
        self.account(node)
        node.stop()
        program = cluster.folder / "saldod.sh"
        program.write_text(
            "#!/bin/sh\nexec unshare --mount sh -c '\n"
            "mount --bind /usr/share/zoneinfo/Asia/Yekaterinburg /usr/share/zoneinfo/Europe/Moscow || exit 77\n"
            f"""exec "$0" "$@"' "{server.SALDOD}" "$@"\n""")
        program.chmod(0o755)
        usual, server.SALDOD = server.SALDOD, str(program)
        self.addCleanup(setattr, server, "SALDOD", usual)
        refused = saldod("serve", "--database", node.database, "--listen", "127.0.0.1:0", *node.log_flags)
        if refused.returncode in (1, 77):
            self.skipTest(f"time zone data cannot be replaced for one program here: {refused.stderr}")
        self.assertIn("of another build", refused.stderr)
        zones = re.findall(r"Europe/Moscow-\w+", refused.stderr)
        self.assertEqual(2, len(set(zones)), refused.stderr)
        server.SALDOD = usual
        node.start()
        cluster.expect_well()


class Killed(ClusterCase):
    """Payments, usage, promises and closings at all nodes, while members of etcd and nodes are killed and frozen: the
    leader, a follower, two of them, a node, two nodes, a machine with both."""

    def test_nothing_is_lost_or_done_twice(self):
        cluster = self.cluster(opening=load.OPENING)
        seed = int(os.environ.get("SALDO_SEED", time.time_ns() % 10**9))
        chance = random.Random(seed)
        clients = load.Load(cluster.nodes, seed)
        kinds = ["leader", "node", "majority", "machine", "two nodes", "follower"]
        done = {}
        for kill in range(KILLS):
            before = clients.count
            self.assertTrue(wait_for(lambda: clients.wrong or clients.count > before + 3, 120),
                            (seed, [node.problem() for node in cluster.nodes]))
            self.assertEqual([], clients.wrong)
            kind, frozen = kinds[kill % len(kinds)], chance.random() < 0.4
            done[kind, frozen] = done.get((kind, frozen), 0) + 1
            leader = cluster.etcd.leader()
            any_two = chance.sample(range(3), 2)
            members = {"leader": [leader], "majority": any_two, "machine": any_two[:1],
                       "follower": [each for each in any_two if each != leader][:1]}.get(kind, [])
            nodes = {"node": any_two[:1], "two nodes": any_two, "machine": any_two[:1]}.get(kind, [])
            members = [member for member in members if member is not None]
            for member in members:
                cluster.etcd.send(member, signal.SIGSTOP) if frozen else cluster.etcd.kill(member)
            for node in nodes:
                cluster.nodes[node].server.process.send_signal(signal.SIGSTOP) if frozen else cluster.nodes[node].kill()
            time.sleep(chance.uniform(0.2, 3))
            for member in members:
                cluster.etcd.send(member, signal.SIGCONT) if frozen else cluster.etcd.start(member)
            for node in nodes:
                if frozen:
                    cluster.nodes[node].server.process.send_signal(signal.SIGCONT)
                else:
                    cluster.nodes[node].start()
        cluster.expect_well(seconds=120)
        clients.finish()
        self.expect_same(cluster)
        clients.expect_all(self, cluster.nodes[0].database)
        must("verify", "--database", cluster.nodes[0].database)
        told = ", ".join(f"{count} {kind}{' frozen' if frozen else ''}" for (kind, frozen), count in done.items())
        print(f"{KILLS} kills ({told}): {clients}", file=sys.stderr)


if __name__ == "__main__":
    if not shutil.which("etcd"):
        sys.exit("test_cluster: etcd is not here; .ci/install tests installs it")
    unittest.main()
