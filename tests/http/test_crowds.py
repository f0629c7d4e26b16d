"""Slow clients and many clients, over raw sockets: whoever is quick does not notice, and nothing is left of those that
went. Crowds of strangers come through nginx, with the configuration that ships with the server; to the server itself
come those that the HTTP library bounds: by the time between two bytes, and by the number of connections."""

import collections
import contextlib
import json
import os
import resource
import sqlite3
import ssl
import subprocess
import threading
import time
import unittest
from unittest import mock

from server import SALDOD, Proxy, wait_for
from test_hostile import MIB, PATIENCE_SECONDS, PROMPT_SECONDS, HostileCase, Raw


class Crowds(HostileCase):
    """Slow clients and many clients: whoever is quick does not notice."""

    slow = 80
    memory = 128 * MIB

    @contextlib.contextmanager
    def others_served(self, server=None):
        """Meanwhile another client asks, pays and is answered promptly."""
        server = server or self.server
        stop, failures, served = threading.Event(), [], 0
        crm = self.client(server, "crm", timeout=PATIENCE_SECONDS)
        admin = self.client(server, "admin", timeout=PATIENCE_SECONDS)
        account = admin.post("/v1/accounts", {"name": "Served"}).expect(201).json["account_id"]

        def ask():
            nonlocal served
            try:
                while not stop.is_set():
                    start = time.monotonic()
                    crm.get(f"/v1/accounts/{account}/access").expect(200)
                    admin.post(f"/v1/accounts/{account}/payments", {"amount": 1, "method": "bank_card"}).expect(201)
                    with server.client(None) as one_more:
                        one_more.get("/healthz").expect(200)
                    if time.monotonic() - start > PROMPT_SECONDS:
                        raise AssertionError(f"served only after {time.monotonic() - start:.1f} s")
                    served += 1
            except Exception as error:  # of another thread: shown by the one that tests
                failures.append(error)

        asker = threading.Thread(target=ask)
        asker.start()
        try:
            yield lambda: served
        finally:
            # The attack is on; whoever is served now is served in spite of it.
            seen = served
            done = wait_for(lambda: failures or served >= seen + 3, PATIENCE_SECONDS)
            stop.set()
            asker.join()
            self.written()
        if failures:
            raise failures[0]
        self.assertTrue(done, "the others are not served")

    def crowd(self, server, count=None, **options):
        return [self.raw(server, **options) for _ in range(count or self.slow)]

    def descriptors(self, server):
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    def sockets(self, server):
        """How many there are: the one that listens, and those of connections."""
        files = f"/proc/{server.process.pid}/fd"
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            return sum(os.readlink(f"{files}/{name}").startswith("socket:") for name in os.listdir(files))
        return 0

    def all_gone(self, server, before):
        """What the connections took was given back."""
        self.assertTrue(wait_for(lambda: server.metric("saldo_http_connections") <= 1, PATIENCE_SECONDS),
                        "connections stay open")
        self.assertTrue(wait_for(lambda: self.descriptors(server) <= before, PATIENCE_SECONDS), "descriptors stay open")

    def drip(self, crowd, text, seconds):
        """A byte of the text at a time, to each, for as long."""
        end = time.monotonic() + seconds
        for byte in text.encode():
            if time.monotonic() > end:
                return
            for raw in crowd:
                raw.send(bytes([byte]))
            time.sleep(0.02)

    def proxy(self, server, **options):
        """nginx in front of the server, less patient than as it ships."""
        proxy = Proxy(server,
                      replace=(*((f"{name}_timeout 10s", f"{name}_timeout 2s")
                                 for name in ("client_header", "client_body")),
                               ("  send_timeout 10s", "  send_timeout 2s")), **options)
        self.addCleanup(proxy.stop)
        return proxy

    def test_slow_senders(self):
        """Of a head, a body, chunks, or nothing at all: none of it reaches the server, and the proxy ends it."""
        server = self.fresh("--test-clock", "--max-connections", "20")
        proxy = self.proxy(server)
        token = f"Authorization: Bearer {server.tokens['admin']}\r\n"
        post = f"POST /v1/accounts HTTP/1.1\r\nHost: a\r\n{token}"
        self.client(server, "crm").get("/v1/accounts").expect(200)
        for name, begun, rest in (("head", "", "GET /healthz HTTP/1.1\r\nX: " + "a" * 1000),
                                  ("body", f"{post}Content-Length: 1000\r\n\r\n", "{" * 1000),
                                  ("chunks", f"{post}Transfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n" * 1000),
                                  ("silence", "", "")):
            with self.subTest(name):
                crowd = self.crowd(proxy)
                for raw in crowd:
                    raw.send(begun)
                with self.others_served(server):
                    self.drip(crowd, rest, 1)
                    self.assertLess(server.metric("saldo_http_connections"), 20)
                for raw in crowd:
                    # 408, or the connection ends without a word.
                    while piece := self.received(raw):
                        self.assertNotIn(b"HTTP/1.1 2", piece)
                    raw.close()

    def test_slow_readers(self):
        """They ask for much and take nothing: their answers wait in the proxy, and not for ever."""
        server = self.fresh("--test-clock")
        proxy = self.proxy(server)
        self.client(server, "crm").get("/v1/accounts").expect(200)
        memory = server.memory()
        crowd = self.crowd(proxy, receive_buffer=4096)
        for raw in crowd:
            raw.send("GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
        with self.others_served(server):
            pass
        self.assertTrue(wait_for(lambda: server.metric("saldo_http_connections") <= 40, PATIENCE_SECONDS),
                        "connections stay open")
        self.assertLess(server.memory() - memory, self.memory + self.slow * MIB + self.memory_bound - 64 * MIB)

    def test_strangers_are_counted(self):
        """Beyond its share of connections an address is told 429; the CRM's addresses are not counted."""
        server = self.fresh("--test-clock")
        for stranger in (True, False):
            with self.subTest(stranger=stranger):
                proxy = self.proxy(server, stranger=stranger)
                # nginx counts a connection from its first request on, while it serves that.
                crowd = self.crowd(proxy, 60)
                for raw in crowd:
                    raw.send("POST /v1/accounts HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
                others = self.crowd(proxy, 20)
                statuses = []
                for raw in others:
                    raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                    statuses.append(raw.answer().status)
                self.assertEqual({429} if stranger else {200}, set(statuses))

    def test_who_falls_silent(self):
        """The server waits between two bytes for --io-timeout, and for each such client holds a sleeping thread."""
        server = self.fresh("--test-clock", "--io-timeout", "1500ms", "--keep-alive", "1s")
        token = f"Authorization: Bearer {server.tokens['admin']}\r\n"
        post = f"POST /v1/accounts HTTP/1.1\r\nHost: a\r\n{token}"
        self.client(server, "crm").get("/v1/accounts").expect(200)
        before = self.descriptors(server) + 2
        for name, begun in (("head", "GET /healthz HTTP/1.1\r\nX: a"),
                            ("body", f"{post}Content-Length: 1000\r\n\r\n{{"),
                            ("chunks", f"{post}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"), ("nothing", "")):
            with self.subTest(name):
                crowd = self.crowd(server)
                for raw in crowd:
                    raw.send(begun)
                with self.others_served(server):
                    pass
                for raw in crowd:
                    if begun:
                        answer = raw.answer()
                        self.assertEqual((400, "malformed"), (answer.status, answer.code), answer)
                    self.assertTrue(raw.is_closed())
                    raw.close()
                self.all_gone(server, before)

    def test_who_takes_no_answer(self):
        server = self.fresh("--test-clock", "--io-timeout", "1500ms", "--keep-alive", "1s")
        self.client(server, "crm").get("/v1/accounts").expect(200)
        before = self.descriptors(server) + 2
        crowd = self.crowd(server, receive_buffer=4096)
        for raw in crowd:
            raw.send(self.post_sql(server, "SELECT hex(zeroblob(499000)) FROM working_calendar "
                                           "WHERE day BETWEEN '2026-01-01' AND '2026-01-05'"))
        with self.others_served(server):
            pass
        self.all_gone(server, before)

    def test_more_than_max_connections(self):
        """The others wait for their turn; the connection of whoever is served meanwhile is closed after the answer."""
        server = self.fresh("--test-clock", "--max-connections", "4", "--keep-alive", "5m", "--io-timeout", "1m")
        crowd = self.crowd(server, 60)
        # Whoever is served while nobody waits yet would keep a turn of the four for five minutes.
        self.assertTrue(wait_for(lambda: self.sockets(server) > len(crowd), PATIENCE_SECONDS))
        for raw in crowd:
            self.asked(raw, server)
        answers = [raw.answer() for raw in crowd]
        self.assertEqual({200}, {answer.status for answer in answers})
        closed = [answer.headers["Connection"] == "close" for answer in answers]
        self.assertGreaterEqual(sum(closed), 56)

    def asked(self, raw, server):
        """Sends a request that a client of the crm would."""
        raw.send(f"GET /v1/accounts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.tokens['crm']}\r\n\r\n")
        return raw

    @unittest.skipIf(os.environ.get("SALDO_SANITIZED"), "the sanitizers map terabytes, and end when they cannot")
    def test_no_room_for_more_threads(self):
        """Who is connected is served, and the others as these leave."""
        with mock.patch.dict(os.environ, MALLOC_ARENA_MAX="1"):
            # One connection to the database, which has read its schema before memory becomes scarce.
            server = self.fresh("--test-clock", "--keep-alive", "5m", "--readers", "1")
        with Raw(server) as first:
            self.assertEqual(200, self.asked(first, server).answer().status)
            stack = resource.getrlimit(resource.RLIMIT_STACK)[0]
            # What the server does by itself after its start takes memory, too.
            sizes = collections.deque(maxlen=20)
            self.assertTrue(wait_for(lambda: sizes.append(server.memory("VmSize"))
                                     or len(sizes) == 20 and len(set(sizes)) == 1))
            # Address space for the stacks of five more threads, and most of one for everything else.
            most = server.memory("VmSize") + 5 * (stack + 4096) + stack * 7 // 8
            resource.prlimit(server.process.pid, resource.RLIMIT_AS, (most, most))
            crowd = [self.asked(raw, server) for raw in self.crowd(server, 40)]
            self.assertTrue(wait_for(lambda: "one more thread" in server.log()))
            self.assertEqual(200, self.asked(first, server).answer().status)
            while crowd:
                raw = crowd.pop(0)
                self.assertEqual(200, raw.answer().status)
                raw.close()

    def test_descriptors_for_all(self):
        """The server reserves descriptors for all connections when it starts, or refuses to start."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, limits[1]))
        try:
            server = self.fresh("--test-clock")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        crowd = self.crowd(server, 200)
        for raw in crowd:
            self.asked(raw, server)
        for raw in crowd:
            self.assertEqual(200, raw.answer().status)
        done = subprocess.run(["prlimit", "--nofile=100:100", SALDOD, "serve", "--database", server.database,
                               "--listen", "127.0.0.1:0"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((2, ""), (done.returncode, done.stdout))
        self.assertIn("--max-connections", done.stderr)

    def test_header_floods_of_many(self):
        flood = b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100_000
        crowd = self.crowd(self.proxy(self.server), 20)
        senders = [threading.Thread(target=raw.send, args=(flood,)) for raw in crowd]
        with self.others_served():
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join(PATIENCE_SECONDS)
        for raw in crowd:
            while piece := self.received(raw):
                self.assertNotIn(b"HTTP/1.1 2", piece)

    def test_sigterm_among_slow_clients(self):
        """It waits for what is under way up to --io-timeout, and for those who are idle up to --keep-alive."""
        server = self.fresh("--test-clock", "--io-timeout", "2s", "--keep-alive", "2s")
        idle, slow = self.crowd(server, 30), self.crowd(server, 30)
        for raw in idle:
            raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(200, raw.answer().status)
        for raw in slow:
            raw.send("GET /healthz HTTP/1.1\r\n")
        self.assertEqual(0, server.stop())

    def test_sigterm_among_those_who_never_end(self):
        """A byte now and then would hold it up for ever: they are left, and what was begun is finished all the same."""
        server = self.fresh("--test-clock", "--io-timeout", "5m", "--keep-alive", "5m")
        crowd = self.crowd(server, 5)
        for raw in crowd:
            raw.send("GET /healthz HTTP/1.1\r\n")
        account = self.client(server, "admin").post("/v1/accounts", {"name": "Served"}).expect(201).json["account_id"]
        self.assertEqual(0, server.stop(60))
        self.assertIn("connections left", server.log())
        with sqlite3.connect(f"file:{server.database}?mode=ro", uri=True) as books:
            self.assertEqual([(1,)],
                             books.execute("SELECT count(*) FROM account WHERE account_id = ?", [account]).fetchall())

    def test_sigterm_at_once(self):
        """The signal may arrive before the server has begun to accept connections, and is not forgotten then."""
        for _ in range(20):
            server = self.fresh()
            self.assertEqual(0, server.stop())
            self.assertNotIn("connections left", server.log())

    def post_sql(self, server, sql):
        body = json.dumps({"sql": sql})
        return (f"POST /v1/sql HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.tokens['analyst']}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}")

    def test_sigterm_within_a_large_answer(self):
        """Who takes it, however slowly, gets all of it."""
        server = self.fresh("--test-clock", "--io-timeout", "5s", "--keep-alive", "1s", "--sql-timeout", "60s")
        with Raw(server) as raw:
            raw.send(self.post_sql(server, "SELECT hex(zeroblob(499000)) FROM working_calendar "
                                           "WHERE day BETWEEN '2026-01-01' AND '2026-02-10'"))

            taken = [raw.socket.recv(1000)]

            def take():
                while piece := self.received(raw):
                    taken.append(piece)
                    time.sleep(0.005)
            taker = threading.Thread(target=take)
            taker.start()
            self.assertEqual(0, server.stop())
            taker.join()
            answer = b"".join(taken)
            answer = json.loads(answer.partition(b"\r\n\r\n")[2])
            self.assertEqual(41, len(answer.get("rows", [])), str(answer)[:400])

    def test_tls(self):
        """Whoever does not shake hands, or speaks plainly, is let go, and holds up nobody."""
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        server = self.fresh("--test-clock", "--io-timeout", "1500ms", "--keep-alive", "1s", "--tls-cert", certificate,
                            "--tls-key", key)
        context = ssl.create_default_context(cafile=certificate)
        plain, silent, half = self.crowd(server, 20), self.crowd(server, 30), self.crowd(server, 30)
        for raw in plain:
            raw.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        for raw in half:
            raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        client = self.client(server, "crm", context=context, checked=False)
        for _ in range(20):
            client.get("/v1/accounts").expect(200)
        for raw in (*plain, *silent, *half):
            while piece := self.received(raw):
                self.assertNotIn(b"HTTP", piece)
        client.get("/v1/accounts").expect(200)

    @staticmethod
    def received(raw):
        try:
            return raw.socket.recv(65536)
        except ConnectionResetError:
            return b""


if __name__ == "__main__":
    unittest.main()
