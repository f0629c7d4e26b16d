"""Requests that no honest client sends, over raw sockets: each is refused, changes nothing, takes a bounded amount of
memory, and leaves the others served. What the HTTP library promises is asked of the server itself; the rest, of the
server behind nginx with the configuration that ships with it."""

import contextlib
import http.client
import re
import socket
import sqlite3
import threading
import unittest

from server import NOW, Answer, Proxy, ServerCase, Witness, problem_form, wait_for

MIB = 1 << 20
BODY_BYTES_MAX = MIB
LINE_BYTES_MAX = 8192

# What a patient client waits for an answer; nothing here is a measurement.
PATIENCE_SECONDS = 30
# How long another client may wait while the server is under attack.
PROMPT_SECONDS = 5

DELETE = "DELETE /v1/calendar/2026-11-04 HTTP/1.1\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


class Raw:
    """A connection that sends what it is told to, and reads answers strictly."""

    def __init__(self, server, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.connect(("127.0.0.1", server.port))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *parts):
        """Sends it all, or as much as the server takes before it closes; whether that was all."""
        try:
            for part in parts:
                self.socket.sendall(to_bytes(part))
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def end(self):
        """Sends no more, but still reads."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, method="GET"):
        """The next answer, of the right form."""
        line = self.file.readline(1000)
        if not line:
            raise ConnectionResetError("closed without an answer")
        match = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [\x20-\x7e]+\r\n", line)
        if not match:
            raise AssertionError(f"no status line of HTTP/1.1: {line!r}")
        status, headers = int(match.group(1)), http.client.parse_headers(self.file)
        body = b""
        if status >= 200 and status != 204 and method != "HEAD":
            body = self.file.read(int(headers["Content-Length"]))
        answer = Answer(status, headers, body, f"{method} …")
        problem = problem_form(answer) if status >= 400 else None
        if problem:
            raise AssertionError(f"{answer}\n{problem}")
        return answer

    def is_closed(self):
        """Waits for the end; True if nothing comes before it."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


class HostileCase(ServerCase):
    """A server, and after each test and case of a table: others are served, promptly and all the while, and nothing was
    written."""

    # What one such class may make the server take beyond what it needs anyway.
    memory = 64 * MIB
    flags = ("--test-clock", "--io-timeout", "2s", "--keep-alive", "15s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.admin.post("/v1/accounts", {"name": "Ромашка"}).expect(201).json["account_id"]
        cls.admin.put(f"/v1/accounts/{cls.account}/headcount", {"employees": 5}).expect(201)
        cls.watch = sqlite3.connect(f"file:{cls.server.database}?mode=ro", uri=True)
        cls.addClassCleanup(cls.watch.close)
        # What the page's search has taken in is written, too.
        if not wait_for(lambda: not cls.watch.execute("SELECT 1 FROM search_queue WHERE account_id > 0").fetchone()):
            raise AssertionError("the search takes nothing in")
        cls.memory_before = cls.server.memory()
        # The sanitizers release freed memory late, and map terabytes.
        cls.memory_bound = cls.memory + (512 * MIB if cls.server.memory("VmPeak") > 1 << 40 else 0)

    def setUp(self):
        self.version = self.data_version()
        self.witness = Witness(self.server.client("crm"), f"/v1/accounts/{self.account}/access").__enter__()

    def tearDown(self):
        self.witness.__exit__(None)
        self.assertLess(self.witness.slowest, PROMPT_SECONDS)
        self.still_well()
        for line in self.server.log().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning) [\x20-\x7e]*$")
            self.assertNotIn(self.server.tokens["admin"], line)

    def data_version(self):
        """Changes with each commit of another connection."""
        return self.watch.execute("PRAGMA data_version").fetchone()[0]

    def still_well(self):
        self.assertIsNone(self.server.process.poll(), self.server.log()[-2000:])
        self.crm.get(f"/v1/accounts/{self.account}/access").expect(200)
        self.assertLess(self.server.memory() - self.memory_before, self.memory_bound)
        self.assertEqual(self.version, self.data_version(), "something was written")

    def written(self):
        """What was written until now was meant to be."""
        self.version = self.data_version()

    def head(self, method, target, more="", *, role="admin", version="HTTP/1.1"):
        """Request line and headers but for the empty line; more: header lines."""
        line = to_bytes(method) + b" " + to_bytes(target) + b" " + to_bytes(version) + b"\r\n"
        sent = f"Host: saldo\r\nAuthorization: Bearer {self.server.tokens[role]}\r\nSaldo-Now: {NOW}\r\n"
        return line + sent.encode() + to_bytes(more)

    def request(self, method, target, body=b"", more="", **options):
        body = to_bytes(body)
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        return self.head(method, target, length + to_bytes(more), **options) + b"\r\n" + body

    def chunked(self, chunks):
        return self.head("POST", "/v1/accounts", CHUNKED) + b"\r\n" + to_bytes(chunks)

    def raw(self, server=None, **options):
        raw = Raw(server or self.server, **options)
        self.addCleanup(raw.close)
        return raw

    @contextlib.contextmanager
    def case(self, name):
        with self.subTest(name):
            yield
            self.still_well()

    def check(self, name, request, status, code=None, *, stays_open=None, end=False, method="GET"):
        """Sends it on a connection of its own; the one answer. stays_open: whether the next request is answered too."""
        with self.case(name), Raw(self.server) as raw:
            raw.send(request)
            if end:
                raw.end()
            answer = raw.answer(method)
            self.assertEqual((status, code), (answer.status, answer.code if answer.body else None), answer)
            if stays_open:
                raw.send(self.request("GET", f"/v1/accounts/{self.account}"))
                again = raw.answer()
                self.assertEqual((200, self.account), (again.status, again.json.get("account_id")), again)
            elif stays_open is False:
                self.assertEqual("close", answer.headers["Connection"])
                self.assertTrue(raw.is_closed(), "the connection stays open")
            return answer


class Framing(HostileCase):
    """Where a request ends, as the server itself sees it."""

    def test_body_cut_off(self):
        whole = b'{"name": "never registered"}'
        heads = (("length", b"Content-Length: 100\r\n\r\n" + whole), ("chunk", f"{CHUNKED}\r\n64\r\n".encode() + whole),
                 ("chunks", f"{CHUNKED}\r\n".encode() + b"%x\r\n" % len(whole) + whole + b"\r\n"),
                 ("last chunk", f"{CHUNKED}\r\n".encode() + b"%x\r\n" % len(whole) + whole + b"\r\n0\r\n"),
                 ("nothing", b"Content-Length: 100\r\n\r\n"), ("chunk size", f"{CHUNKED}\r\n1".encode()))
        for name, rest in heads:
            # The HTTP library does not answer a client that has closed its half of the connection.
            with self.case(f"{name}, half closed"), Raw(self.server) as raw:
                raw.send(self.head("POST", "/v1/accounts"), rest)
                raw.end()
                self.assertTrue(raw.is_closed(), "an answer to half a request")
            with self.case(f"{name}, closed"), Raw(self.server) as raw:
                raw.send(self.head("POST", "/v1/accounts"), rest)

    def test_a_body_that_stops(self):
        """It is waited for between two bytes, and no longer."""
        self.check("length",
                   self.request("POST", "/v1/accounts", '{"name": "never"', "").replace(b"Length: 16", b"Length: 17"),
                   400, "malformed", stays_open=False)

    def test_head_cut_off(self):
        whole = self.request("GET", "/v1/accounts")
        for end in (1, 3, 20, len(whole) // 2, len(whole) - 1):
            with self.case(end), Raw(self.server) as raw:
                raw.send(whole[:end])
                raw.end()
                self.assertTrue(raw.is_closed(), "an answer to half a request")

    def test_too_large_bodies(self):
        self.check("with a length", self.request("POST", "/v1/accounts", b" " * (3 * MIB)), 413, "too_large")
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        self.check("in chunks", self.chunked(piece * 16 + b"1\r\n \r\n0\r\n\r\n"), 413, "too_large")
        for length in (BODY_BYTES_MAX + 1, 10**12, 2**63, 2**64 - 1):
            self.check(f"asked for: {length}",
                       self.head("POST", "/v1/accounts", f"Expect: 100-continue\r\nContent-Length: {length}\r\n")
                       + b"\r\n", 413, "too_large", stays_open=False)
            self.check(f"announced: {length}",
                       self.head("POST", "/v1/accounts", f"Content-Length: {length}\r\n") + b"\r\n", 413,
                       "too_large", stays_open=False)

    def test_a_body_of_exactly_the_limit_is_read(self):
        body = b'{"nothing": 1}'.ljust(BODY_BYTES_MAX)
        self.check("with a length", self.request("POST", "/v1/accounts", body), 422, "invalid", stays_open=True)
        chunks = b"%x\r\n" % BODY_BYTES_MAX + body + b"\r\n0\r\n\r\n"
        self.check("in one chunk", self.chunked(chunks), 422, "invalid", stays_open=True)

    def test_chunks(self):
        for chunks in ("g\r\n", "-1\r\n", "\r\n{}\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\n", "FFFFFFFFFFFFFFFFF\r\n"):
            self.check(repr(chunks), self.chunked(chunks), 400, "malformed", stays_open=False)
        for chunks in ("2\r\n{}\r\n0\r\n\r\n", "002\r\n{}\r\n000\r\n\r\n", "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"):
            self.check(repr(chunks), self.chunked(chunks), 422, "invalid", stays_open=True)

    def test_content_length_and_transfer_encoding(self):
        body = "2\r\n{}\r\n0\r\n\r\n"
        for headers in ("Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 12\r\n",
                        "Content-Length: 2, 2\r\n", "Content-Length: -1\r\n", "Content-Length: +2\r\n",
                        "Content-Length: 0x2\r\n", "Content-Length: 2.0\r\n", "Content-Length: 2 2\r\n",
                        "Content-Length: two\r\n",
                        "Content-Length: ٢\r\n", f"{CHUNKED}Content-Length: 2\r\n", f"Content-Length: 2\r\n{CHUNKED}",
                        f"{CHUNKED}{CHUNKED}", "Transfer-Encoding: chunked, chunked\r\n",
                        "Transfer-Encoding: gzip, chunked\r\n",
                        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: xchunked\r\n"):
            self.check(repr(headers), self.head("POST", "/v1/accounts", headers) + b"\r\n" + body.encode(), 400,
                       "malformed",
                       stays_open=False)
        for headers in ("TRANSFER-ENCODING: CHUNKED\r\n", "Transfer-Encoding:chunked\r\n",
                        "Transfer-Encoding: \t chunked \t\r\n"):
            self.check(repr(headers), self.head("POST", "/v1/accounts", headers) + b"\r\n" + body.encode(), 422,
                       "invalid",
                       stays_open=True)
        # Without Content-Length and Transfer-Encoding there is no body, and the server does not wait for one.
        self.check("neither", self.head("POST", "/v1/accounts") + b"\r\n", 422, "invalid", stays_open=True)

    def test_a_body_smuggles_no_request(self):
        """What a request carries is its body, whatever it is; where the library reads none, the connection ends."""
        smuggled = f"{DELETE}Authorization: Bearer {self.server.tokens['admin']}\r\nSaldo-Now: {NOW}\r\n\r\n"
        chunks = f"{len(smuggled):x}\r\n{smuggled}\r\n0\r\n\r\n"
        self.admin.put("/v1/calendar/2026-11-05", {"working": 0}).expect(200, 201)
        self.written()
        for method in ("GET", "OPTIONS"):
            for target in ("/v1/accounts", "/v1/nothing", "/healthz"):
                for name, request in (("length", self.request(method, target, smuggled)),
                                      ("chunks", self.head(method, target, CHUNKED) + b"\r\n" + chunks.encode())):
                    self.check(f"{method} {target}, {name}", request, 400, "malformed", stays_open=False)
        self.check("DELETE in chunks", self.head("DELETE", "/v1/accounts", CHUNKED) + b"\r\n" + chunks.encode(), 400,
                   "malformed",
                   stays_open=False)
        self.check("POST", self.request("POST", "/v1/accounts", smuggled), 400, "malformed", stays_open=True)
        self.check("no token",
                   f"POST /v1/accounts HTTP/1.1\r\nHost: a\r\nContent-Length: {len(smuggled)}\r\n\r\n{smuggled}", 401,
                   "unauthorized", stays_open=True)

    def test_expect_100_continue(self):
        head = self.head("POST", "/v1/accounts", "Expect: 100-continue\r\nContent-Length: 2\r\n") + b"\r\n"
        with self.case("asked for"), Raw(self.server) as raw:
            raw.send(head)
            self.assertEqual(100, raw.answer().status)
            raw.send("{}")
            self.assertEqual((422, "invalid"), ((answer := raw.answer()).status, answer.code))
            raw.send(self.request("GET", "/healthz"))
            self.assertEqual(200, raw.answer().status)
        with self.case("never sent"), Raw(self.server) as raw:
            raw.send(head)
            self.assertEqual(100, raw.answer().status)
            self.assertEqual((400, "malformed"), ((answer := raw.answer()).status, answer.code))

    def test_errors_leave_the_connection_in_use(self):
        for name, request, status, code in (
                ("401", "GET /v1/accounts HTTP/1.1\r\nHost: a\r\n\r\n", 401, "unauthorized"),
                ("403", self.request("GET", "/v1/days", role="crm"), 403, "forbidden"),
                ("404", self.request("GET", "/v1/nothing"), 404, "not_found"),
                ("405", self.request("DELETE", "/v1/accounts"), 405, "method_not_allowed"),
                ("400", self.request("POST", "/v1/accounts", "{"), 400, "malformed"),
                ("422", self.request("POST", "/v1/accounts", "{}"), 422, "invalid"),
                ("header", self.request("GET", "/v1/accounts", more=f"Saldo-Now: {NOW}\r\n"), 400, "malformed")):
            self.check(name, request, status, code, stays_open=True)


class Heads(HostileCase):
    """Request lines and headers, as the server itself sees them."""

    def test_limits_are_what_is_documented(self):
        def line(size):
            return "GET /healthz?".ljust(size - len(" HTTP/1.1\r\n"), "a") + " HTTP/1.1\r\nHost: saldo\r\n\r\n"

        self.check("the longest request line", line(LINE_BYTES_MAX), 422, "invalid", stays_open=True)
        self.check("one byte more", line(LINE_BYTES_MAX + 1), 414, "uri_too_long", stays_open=False)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            self.check(f"a long path, {method}", self.request(method, "/" + "a" * 8000, "{}"), 404, "not_found",
                       stays_open=True)
            self.check(f"a path with a line feed, {method}", self.request(method, "/a%0Ab", "{}"), 404, "not_found",
                       stays_open=True)
        self.check("a longer header than the library reads",
                   self.head("GET", "/healthz", "A: " + "b" * 16_000 + "\r\n") + b"\r\n", 400,
                   "malformed", stays_open=False)

    def test_malformed_heads(self):
        for name, request in (
                ("no version", b"GET /healthz\r\nHost: a\r\n\r\n"), ("no target", b"GET HTTP/1.1\r\nHost: a\r\n\r\n"),
                ("only a word", b"GET\r\nHost: a\r\n\r\n"), ("tabs", b"GET\t/healthz\tHTTP/1.1\r\nHost: a\r\n\r\n"),
                ("four words", b"GET /healthz x HTTP/1.1\r\nHost: a\r\n\r\n"), ("method no token",
                                                                                self.request("GE(T", "/healthz")),
                ("bare LF", b"GET /v1/accounts HTTP/1.1\nHost: saldo\n\n"),
                *((version, self.request("GET", "/healthz", version=version))
                  for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/11", "http/1.1", "HTTP/1.1x", "ICY/1.1")),
                ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
                ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), ("SMTP", b"EHLO there\r\n\r\n"), ("nonsense",
                                                                                           bytes(range(256)) * 4)):
            self.check(name, request, 400, "malformed", stays_open=False)

    def test_headers_that_are_not_ours_may_hold_what_they_like(self):
        for header in (b"A: \xff\xfe", "A: имя".encode(), b"A:", b"A:b", b"A: \t b \t ", b"A: %00%ff%",
                       b"!#$%&'*+-.^_`|~: b",
                       b"Upgrade: h2c", b"Expect: 200-ok",
                       b"Transfer-Encodin: chunked", b"X-HTTP-Method-Override: DELETE", b"Content-Type: \xff"):
            self.check(header, self.head("GET", f"/v1/accounts/{self.account}", header + b"\r\n") + b"\r\n", 200,
                       stays_open=True)

    def test_answers_come_whole(self):
        """Neither compressed nor in parts, whatever the library could do."""
        target = f"/v1/accounts/{self.account}"
        whole = self.crm.get(target).expect(200)
        for headers in ({"Range": "bytes=0-0"}, {"Range": "bytes=5-"}, {"Range": "bytes=0-1,5-6"},
                        {"Range": "bytes=900000-"},
                        {"Accept-Encoding": "gzip, deflate, br"}, {"Accept-Encoding": "br", "Range": "bytes=1-2"}):
            for accept in ("application/json", "text/csv"):
                with self.subTest(headers, accept=accept):
                    answer = self.crm.get(target, accept=accept, headers=headers).expect(200)
                    plain = self.crm.get(target, accept=accept).expect(200)
                    self.assertEqual((plain.body, plain.headers["Content-Type"], None),
                                     (answer.body, answer.headers["Content-Type"], answer.headers["Content-Encoding"]))
            refused = self.crm.get("/v1/nothing", headers=headers).expect(404)
            self.assertEqual("not_found", refused.code)
        self.assertEqual(whole.body, self.crm.get(target).expect(200).body)

    def test_headers_that_are_ours(self):
        target = f"/v1/accounts/{self.account}"
        for name in ("Saldo-Now", "Idempotency-Key"):
            for value in (b"\xff", "имя".encode(), b"a b", b"a" * 300):
                request = (b"PATCH %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s: %s\r\n"
                           b"Content-Length: 2\r\n\r\n{}" % (
                               target.encode(), self.server.tokens["crm"].encode(), name.encode(), value))
                self.check(f"{name}: {value}", request, 400, "malformed", stays_open=True)
        twice = "Idempotency-Key: a\r\nIdempotency-Key: a\r\n"
        self.check("two keys", self.request("PATCH", target, "{}", twice), 400, "malformed", stays_open=True)

    def test_authorization(self):
        token = self.server.tokens["admin"].encode()
        for value in (b"", b"Bearer", b"Bearer ", token, b"Basic " + token, b"Basic YWRtaW46YWRtaW4=",
                      b"Token " + token,
                      b"Bearer " + token[:-1], b"Bearer " + token + b"0", b"Bearer " + token.upper(),
                      b"Bearer " + token * 2,
                      b"Bearer %s, Bearer %s" % (token, token), b'Bearer "' + token + b'"', b"Bearer %" + token,
                      b"Bearer \xff",
                      b"Bearer " + b"a" * 8000, b"Bearer ' OR 1=1 --", b"Bearer %", b"Bearer NULL"):
            answer = self.check(value,
                                b"GET /v1/accounts HTTP/1.1\r\nHost: a\r\nAuthorization: " + value + b"\r\n\r\n", 401,
                                "unauthorized", stays_open=True)
            if answer:
                self.assertNotIn(token, answer.body)
        one = b"Authorization: Bearer %s\r\n" % token
        self.check("two", b"GET /v1/accounts HTTP/1.1\r\nHost: a\r\n" + one * 2 + b"\r\n", 400, "malformed",
                   stays_open=True)
        self.check("two, one wrong",
                   b"GET /v1/accounts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\n" + one + b"\r\n", 400,
                   "malformed", stays_open=True)
        self.check("in the query", f"GET /v1/accounts?access_token={token.decode()} HTTP/1.1\r\nHost: a\r\n\r\n", 401,
                   "unauthorized", stays_open=True)

    def test_methods(self):
        # Unknown methods are refused before they are counted, and so make no new entries in the metrics.
        for method in ("PROPFIND", "get", "A" * 200):
            self.check(method, self.request(method, "/v1/accounts"), 400, "malformed", stays_open=False)
        for method in ("OPTIONS", "TRACE", "CONNECT", "DELETE", "PUT", "PATCH"):
            answer = self.check(method, self.request(method, "/v1/accounts"), 405, "method_not_allowed",
                                stays_open=True)
            if answer:
                self.assertEqual("GET, POST", answer.headers["Allow"])
                self.assertNotIn(self.server.tokens["admin"].encode(), answer.body)
        for target in ("/v1/accounts", "/healthz", "/metrics", "/openapi.json", f"/v1/accounts/{self.account}"):
            answer = self.check(f"HEAD {target}", self.request("HEAD", target), 200, method="HEAD", stays_open=True)
            if answer:
                self.assertGreater(int(answer.headers["Content-Length"]), 0)
        self.check("HEAD of nothing", self.request("HEAD", "/v1/nothing"), 404, method="HEAD", stays_open=True)
        self.check("OPTIONS *", self.request("OPTIONS", "*"), 404, "not_found", stays_open=True)

    def test_connection_header_and_http_1_0(self):
        target = f"/v1/accounts/{self.account}"
        for name, more, version, stays_open in (
                ("close", "Connection: close\r\n", "HTTP/1.1", False), ("1.0", "", "HTTP/1.0", False),
                ("keep-alive", "Connection: keep-alive\r\n", "HTTP/1.1", True), ("nothing", "", "HTTP/1.1", True)):
            with self.case(name), Raw(self.server) as raw:
                raw.send(self.request("GET", target, more=more, version=version))
                self.assertEqual(200, raw.answer().status)
                if stays_open:
                    raw.send(self.request("GET", target))
                    self.assertEqual(200, raw.answer().status)
                    raw.end()
                self.assertTrue(raw.is_closed())


class Targets(HostileCase):
    """Paths and queries."""

    def test_paths_that_are_none(self):
        account = f"/v1/accounts/{self.account}"
        for target in ("//", "/v1", "/v1/", "/v1//accounts", "//v1/accounts", "/v1/accounts/", f"{account}/",
                       "/v1/accounts//access",
                       "/v1/./accounts", "/v1/x/../accounts", "/v1/%2e%2e/v1/accounts", "/v1/%2E/accounts",
                       "/v1%2Faccounts",
                       f"/v1/accounts%2F{self.account}", "/v1/accounts;a=b", "/V1/accounts", "/v1/Accounts",
                       "/v1/accounts%20",
                       "/v1\\accounts", "/..", "/../../../../etc/passwd", "/v1/services/", "/v1/services/..%2f",
                       "/sql/http",
                       "/healthz/", "//healthz", "/healthz/.", "/metrics%20", "/" + "a/" * 4000, "/" + "a" * 8000,
                       "/v1/reports/token", "/v1/reports/", "/v1/reports/../sql", "/v1/sql/",
                       f"{account}/access/access"):
            self.check(target[:80], self.request("GET", target), 404, "not_found", stays_open=True)
        body = '{"name": "never", "kind": "recurring"}'
        for target in ("/v1/services/", "/v1/services//", "/v1/services/a/b", "/v1//services/a"):
            self.check(f"PUT {target}", self.request("PUT", target, body), 404, "not_found", stays_open=True)

    def test_targets_that_are_none(self):
        """A target begins with a slash; what comes before one is not skipped."""
        for target in ("v1/accounts", "xv1/accounts", "?name=a", ".", "%2Fv1/accounts", "\\v1/accounts",
                       "@v1/accounts"):
            with self.case(target), Raw(self.server) as raw:
                raw.send(self.request("GET", target))
                self.assertIn((answer := raw.answer()).status, (400, 404), answer)

    def test_the_same_paths_otherwise_written(self):
        for target in ("/v1/%61ccounts", "/%761/accounts", f"/v1/accounts/{self.account}",
                       f"/v1/accounts/%3{self.account}",
                       f"/v1/accounts/0{self.account}", "/v1/accounts?", "/v1/accounts?&&", "/v1/accounts?name=&",
                       "http://saldo/v1/accounts", "/v1/accounts?name=%D0%A0+%d0%a0"):
            self.check(target, self.request("GET", target), 200, stays_open=True)

    def test_bytes_that_are_no_text(self):
        account = f"/v1/accounts/{self.account}"
        for target in (b"/v1/\xff", b"/v1/accounts/\xff", b"/v1/accounts?name=\xff", b"/v1/accounts?\xff=a", b"/v1/%ff",
                       b"/v1/accounts?name=%ff", b"/v1/accounts?%ff", b"/v1/accounts?name=%c0%af",
                       b"/v1/accounts?name=%ed%a0%80",
                       b"/v1/accounts?name=%f4%90%80%80", b"/v1/accounts?name=%d0", b"/v1/accounts%00",
                       b"/v1/accounts/1%00",
                       b"/v1/accounts?name=%00", b"/v1/accounts?name=a%00b", b"/v1/accounts?na%00me=a",
                       b"/v1/accounts/%",
                       b"/v1/accounts/%1", b"/v1/accounts/%zz", b"/v1/accounts/%+1", b"/v1/accounts/%-1",
                       b"/v1/accounts?name=%",
                       b"/v1/accounts?name=%4", b"/v1/accounts?name=%u0041", b"/v1/accounts?%",
                       account.encode() + b"%"):
            self.check(target, self.request("GET", target), 400, "malformed", stays_open=True)
        # Raw UTF-8 in a query is not what RFC 3986 has, but there is no doubt what it means.
        self.check("raw UTF-8", self.request("GET", "/v1/accounts?name=Ромашка"), 200, stays_open=True)

    def test_integers(self):
        for text in (str(2**63), str(-2**63 - 1), "9" * 1000, "5.0", "1e0", "+5", "%2B5", "%205", "5%20", "0x5",
                     "%D9%A5", "five"):
            self.check(text[:80], self.request("GET", f"/v1/accounts/{text}"), 422, "invalid", stays_open=True)
            self.check(f"limit={text[:80]}", self.request("GET", f"/v1/accounts?limit={text}"), 422, "invalid",
                       stays_open=True)
        for text in (str(2**63 - 1), str(-2**63), "-0", "0"):
            self.check(text, self.request("GET", f"/v1/accounts/{text}"), 404, "not_found", stays_open=True)
        for text in ("", "0", "-0", "-1", "10001", str(2**63 - 1)):
            self.check(f"limit={text}", self.request("GET", f"/v1/accounts?limit={text}"), 422, "invalid",
                       stays_open=True)

    def test_repeated_and_unknown_parameters(self):
        account = f"/v1/accounts/{self.account}"
        for target in ("/v1/accounts?name=a&name=b", "/v1/accounts?name=a&name=a", "/v1/accounts?name=a&n%61me=a",
                       "/v1/accounts?limit=1&limit=2", "/v1/accounts?after=1&after=1", "/v1/accounts?account_id=1",
                       f"{account}?account_id=2", "/v1/accounts?=a", "/v1/accounts?name", "/v1/accounts?NAME=a",
                       "/v1/accounts?dry_run=true", "/v1/accounts?who=admin", "/v1/accounts?now=2026-11-02T09:00:00Z",
                       "/v1/accounts?body=1", "/v1/accounts?" + "&".join(f"a{i}=1" for i in range(1000))):
            if target == "/v1/accounts?name":  # a name without a value is an empty text
                self.check(target, self.request("GET", target), 200, stays_open=True)
                continue
            self.check(target[:80], self.request("GET", target), 422, "invalid", stays_open=True)
        for target in (f"{account}?dry_run=true&dry_run=true", f"{account}?dry_run=false&dry_run=true",
                       f"{account}?dry_run=1",
                       f"{account}?dry_run=", f"{account}?dry_run=TRUE", f"{account}?name=a"):
            self.check(target, self.request("PATCH", target, '{"name": "never"}'), 422, "invalid", stays_open=True)


class Bodies(HostileCase):
    """JSON, and what is none."""

    def refuse(self, bodies, status, code, target="/v1/accounts", method="POST"):
        for body in bodies:
            self.check(repr(body[:80]), self.request(method, target, body), status, code, stays_open=True)

    def test_no_json(self):
        self.refuse((b"{", b"}", b"nil", b"{}{}", b'{"name": "a"} x', b'{"name": "a",}', b"{'name': 'a'}", b"{name: 1}",
                     b'{"name": "a" /* c */}', b'{"name": "a\nb"}', b'{"name": "\\x41"}', b'{"name": NaN}',
                     b'{"name": Infinity}',
                     b'{"name": -Infinity}', b'{"name": 05}', b'{"name": +5}', b'{"name": .5}', b'{"name": 5.}',
                     b'{"name": 0x5}',
                     b'{"name": 1e}', b'{"name": True}', b'{"name"}', b'{"name": "a"', b'"', b"name=a", b"<a/>", b"\0",
                     b"\x1f\x8b\x08\0"),
                    400, "malformed")

    def test_not_utf_8(self):
        self.refuse((b'{"name": "\xff"}', b'{"name": "\xc0\xaf"}', b'{"name": "\xed\xa0\x80"}',
                     b'{"name": "\xf4\x90\x80\x80"}',
                     b'{"name": "\xd0"}', b'{"\xff": 1}', '{"name": "a"}'.encode("utf-16"),
                     '{"name": "a"}'.encode("utf-16-le"),
                     '{"name": "Ромашка"}'.encode("cp1251"), b'{"name": "\\ud800"}', b'{"name": "\\udc00"}',
                     b'{"name": "\\ud800\\ud800"}', b'{"name": "\\ud800a"}', b'{"\\udfff": 1}'), 400, "malformed")

    def test_nul(self):
        self.refuse((b'{"name": "a\0b"}', b'{"name": "a"}\0', b'{"name": "a"}\0{', b'\0{"name": "a"}',
                     b'{"name"\0: "a"}',
                     b'{"name": "a"\0}'), 400, "malformed")
        self.refuse((b'{"name": "a\\u0000b"}', b'{"name": "\\u0000"}', b'{"name": "a", "external_id": "\\u0000"}'),
                    422, "invalid")
        answer = self.check("key", self.request("POST", "/v1/accounts", b'{"name": "a", "na\\u0000me": "b"}'), 422,
                            "invalid")
        self.assertEqual([{"name": "na\0me", "detail": "is not known here"}], answer.json["errors"])
        self.assertIn("is not known here", answer.json["detail"])

    def test_nested_deeply(self):
        depth = 10_000
        self.refuse((b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth,
                     b'{"name":' + b"[" * depth + b"]" * depth + b"}",
                     b"[" * depth, b'{"a":' * depth, b'[{"a":' * depth, b"[" * (BODY_BYTES_MAX - 1),
                     b'{"":' * (BODY_BYTES_MAX // 5),
                     b'{"tiers": [' + b"[" * depth + b"]" * depth + b"]}"), 400, "malformed")
        self.refuse((b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",), 400, "malformed", "/v1/sql")

    def test_repeated_keys(self):
        self.refuse((b'{"name": "a", "name": "b"}', b'{"name": "a", "name": "a"}', b'{"name": "a", "n\\u0061me": "b"}',
                     b'{"name": "a", "x": {"b": 1, "b": 2}}', b'{"x": [{"b": 1}, {"b": 1, "b": 1}], "name": "a"}',
                     b'{"": 1, "": 2}'), 400, "malformed")
        self.refuse((b'{"service_id": "sms", "valid_from": "2026-12-01", "tiers": [{"min_quantity": 1, "unit_fee": '
                     b'1, "unit_fee": 2}]}',),
                    400, "malformed", "/v1/tariffs")

    def test_no_object(self):
        self.refuse((b"[]", b"null", b'"name"', b"1", b"true", b"[{}]", b'[{"name": "a"}]', b" null "), 422, "invalid")
        self.refuse((b"[]", b"null"), 422, "invalid", "/v1/sql")

    def test_wrong_types(self):
        self.refuse((b'{"name": 1}', b'{"name": true}', b'{"name": {}}', b'{"name": []}', b'{"name": ["a"]}',
                     b'{"name": null}', b"{}",
                     b'{"Name": "a"}', b'{"name": "a", "who": "b"}', b'{"name": "a", "now": "b"}',
                     b'{"name": "a", "": 1}', b'{"name": "a", "http_status": 200}',
                     b'{"name": "a", "registered_on": "2026-02-30"}',
                     b'{"' + b"k" * 1_000_000 + b'": 1}',
                     b"{" + b",".join(b'"k%d":1' % i for i in range(50_000)) + b"}"),
                    422, "invalid")

    def test_numbers(self):
        """Integers of 64 bits, and nothing that could be taken for one."""
        target = f"/v1/accounts/{self.account}/headcount"
        for number, status, code in (
                (str(2**63), 422, "invalid"), (str(-2**63 - 1), 422, "invalid"), (str(2**64), 422, "invalid"),
                (str(2**64 + 5), 422, "invalid"), (str(2**63 - 1), 422, "out_of_range"), (str(-2**63), 422,
                                                                                          "out_of_range"),
                ("-1", 422, "out_of_range"), ("5.0", 422, "invalid"), ("5e0", 422, "invalid"), ("5.5", 422, "invalid"),
                ("-0.0", 422, "invalid"), ("1e-400", 422, "invalid"), ("1e400", 422, "invalid"), ("-1e400", 422,
                                                                                                  "invalid"),
                ("1" * 400, 422, "invalid"), ("5" + "0" * 100_000, 422, "invalid"), ("0." + "0" * 100_000 + "1", 422,
                                                                                     "invalid"),
                ('"5"', 422, "invalid"), ("true", 422, "invalid"), ("null", 422, "invalid"), ("[5]", 422,
                                                                                              "invalid"), ("{}", 422,
                                                                                                           "invalid")):
            self.check(number[:80], self.request("PUT", target, '{"employees": %s}' % number), status, code,
                       stays_open=True)

    def test_what_is_odd_but_right(self):
        """The sign of zero means nothing, nor does a byte order mark."""
        target = f"/v1/accounts/{self.account}/headcount"
        for body in (b'{"employees": -0}', b'\xef\xbb\xbf{"employees": 0}', b' \t\r\n{"employees": 0} \t\r\n',
                     b'{"employees": 0, "day": null}', b'{"\\u0065mployees": 0}'):
            with self.subTest(body), Raw(self.server) as raw:
                raw.send(self.request("PUT", target, body))
                self.assertEqual((200, 0), ((answer := raw.answer()).status, answer.json.get("employees")), answer)
        self.written()
        self.crm.put(f"/v1/accounts/{self.account}/headcount", {"employees": 5}).expect(200)
        self.written()


class BehindNginx(HostileCase):
    """What a stranger can do to the wire is met by the proxy: it refuses as the server's problems do, or closes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = Proxy(cls.server)
        cls.addClassCleanup(cls.proxy.stop)

    def refuse(self, name, request, statuses=(400,), end=True):
        """Not one answer of success, and the connection ends."""
        with self.case(name), Raw(self.proxy) as raw:
            raw.send(request)
            if end:
                with contextlib.suppress(OSError):
                    raw.end()
            seen = []
            try:
                while True:
                    seen.append(raw.answer().status)
            except (ConnectionResetError, AssertionError):
                pass
            self.assertLessEqual(set(seen), set(statuses), seen)

    def test_an_honest_request(self):
        for request, status in ((self.request("GET", f"/v1/accounts/{self.account}"), 200),
                                (self.request("GET", "/v1/nothing"), 404),
                                (self.request("POST", "/v1/accounts", b'{"nothing": 1}'.ljust(BODY_BYTES_MAX)), 422),
                                (self.chunked("2\r\n{}\r\n0\r\n\r\n"),
                                 422), (self.chunked("2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n"), 422),
                                (self.head("POST", "/v1/accounts", "Content-Length: 0\r\n") + b"\r\n", 422)):
            with self.case(request[:60]), Raw(self.proxy) as raw:
                for _ in range(3):
                    raw.send(request)
                    self.assertEqual(status, raw.answer().status)

    def test_pipelined_requests_are_answered_in_their_order(self):
        with self.case("pipelined"), Raw(self.proxy) as raw:
            count = 100
            requests = b"".join(self.request("GET", f"/v1/accounts/{self.account}") + self.request("GET",
                                                                                                   f"/v1/nothing/{i}")
                                + self.request("POST", "/v1/accounts", "{") for i in range(count))
            sender = threading.Thread(target=raw.send, args=(requests,))
            sender.start()
            for i in range(count):
                self.assertEqual((200, 404, 400), (raw.answer().status, raw.answer().status, raw.answer().status), i)
            sender.join()

    def test_floods(self):
        line = "GET /healthz HTTP/1.1\r\nHost: saldo\r\n"
        for name, request, status in (
                ("100,000 headers", line + "A: b\r\n" * 100_000 + "\r\n", 431), ("a header without end",
                                                                                 line + "A: " + "b" * (8 * MIB), 431),
                ("a name without end", line + "b" * (8 * MIB), 431), ("many long headers",
                                                                      line + ("A: " + "b" * 4000 + "\r\n") * 9, 431),
                ("a request line without end", "GET /" + "a" * (8 * MIB), 414), ("a query without end",
                                                                                 "GET /healthz?" + "a=b&" * (2 * MIB),
                                                                                 414),
                ("a method without end", "A" * (8 * MIB), 414), ("a token of 100 kB",
                                                                 line + f"Authorization: Bearer {'a' * 100_000}\r\n"
                                                                        f"\r\n", 431)):
            self.refuse(name, request, (status,))

    def test_too_large_bodies(self):
        for length in (BODY_BYTES_MAX + 1, 10**12):
            for more in ("", "Expect: 100-continue\r\n"):
                with self.case(f"{length} {more}"), Raw(self.proxy) as raw:
                    raw.send(self.head("POST", "/v1/accounts", f"{more}Content-Length: {length}\r\n") + b"\r\n")
                    answer = raw.answer()
                    self.assertEqual((413, "too_large"), (answer.status, answer.code), answer)
        piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        self.refuse("chunks without end", self.chunked(piece * 160), (413,))

    def test_chunks(self):
        for chunks in ("\r\n{}\r\n0\r\n\r\n", "g\r\n", "-1\r\n", "+2\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n",
                       "2,3\r\n{}\r\n0\r\n\r\n", "2.0\r\n{}\r\n0\r\n\r\n",
                       "2\r\n{}x\r\n0\r\n\r\n", "1\r\n{}\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n",
                       "10000000000000002\r\n{}\r\n0\r\n\r\n"):
            self.refuse(repr(chunks), self.chunked(chunks), (400, 413))

    def test_content_length_and_transfer_encoding(self):
        body = "2\r\n{}\r\n0\r\n\r\n"
        for headers in ("Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 12\r\n",
                        "Content-Length: 2, 2\r\n",
                        "Content-Length: -1\r\n", "Content-Length: +2\r\n", "Content-Length: 0x2\r\n",
                        "Content-Length: two\r\n",
                        f"Content-Length: {2**64}\r\n", f"{CHUNKED}Content-Length: 2\r\n",
                        f"Content-Length: 2\r\n{CHUNKED}",
                        f"{CHUNKED}{CHUNKED}", "Transfer-Encoding: chunked, chunked\r\n",
                        "Transfer-Encoding: gzip, chunked\r\n",
                        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: xchunked\r\n",
                        "Transfer-Encoding : chunked\r\n"):
            # 422: that the account has no name, whatever the rest of it is. What follows is no request.
            self.refuse(repr(headers), self.head("POST", "/v1/accounts", headers) + b"\r\n" + body.encode(),
                        (400, 413, 422, 501))

    def test_a_body_smuggles_no_request(self):
        smuggled = f"{DELETE}Host: a\r\nAuthorization: Bearer {self.server.tokens['admin']}\r\nSaldo-Now: {NOW}\r\n\r\n"
        chunks = f"{len(smuggled):x}\r\n{smuggled}\r\n0\r\n\r\n"
        self.admin.put("/v1/calendar/2026-11-05", {"working": 0}).expect(200, 201)
        self.written()
        for method in ("GET", "HEAD", "OPTIONS", "DELETE"):
            for name, request in (("length", self.request(method, "/v1/accounts", smuggled)),
                                  ("chunks", self.head(method, "/v1/accounts", CHUNKED) + b"\r\n" + chunks.encode())):
                with self.case(f"{method}, {name}"), Raw(self.proxy) as raw:
                    raw.send(request)
                    # That of a DELETE is read: the path has no such method.
                    self.assertEqual(405 if method == "DELETE" else 400, raw.answer(method).status)
                    # Whoever comes next over the proxy's connections to the server gets an answer of its own.
                    for _ in range(4):
                        with Raw(self.proxy) as other:
                            other.send(self.request("GET", f"/v1/accounts/{self.account}"))
                            answer = other.answer()
                            self.assertEqual((200, self.account), (answer.status, answer.json.get("account_id")))

    def test_malformed_heads(self):
        def header(line):
            return self.head("GET", "/v1/accounts", to_bytes(line) + b"\r\n") + b"\r\n"

        for name, request in (
                ("NUL in a value", header("A: \0")), ("NUL in a name", header("A\0: b")),
                ("NUL in the path", self.request("GET", "/v1/acc\0ounts")),
                ("NUL at first", b"\0" * 100 + b"\r\n\r\n"), ("no Host", b"GET /healthz HTTP/1.1\r\n\r\n"),
                ("two Hosts", b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
                ("method no token", self.request("GE(T", "/healthz")),
                ("TLS", b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(range(32)) + b"\0\0\4\x13\1\x13\2\1\0"),
                ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"), ("nonsense", bytes(range(256)) * 4)):
            self.refuse(name, request)


if __name__ == "__main__":
    unittest.main()
