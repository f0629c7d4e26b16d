"""Files that speak the protocols of payment systems: their heads and parts, the functions they have, secrets, networks,
and what a payment system that nobody has heard of needs to be connected: one file in --routes.

Seen to fail: the sentence of the JSON parser, which quotes the secrets, in the log; a file that calls secret() behind
`-- write`; problem details for a body that is too large; a redirect that is followed; the address of a client believed
from anybody's X-Forwarded-For; a core file left allowed; a SIGHUP in the middle of requests that stops the server; a
field whose name cannot be decoded; questions that wait without number; an empty secret; `gives: text` read as a
field called gives; a POST with a channel, which only reads, sent to the writer, where nothing is secret; a row that is
not there answered as not found, not as a wrong signature.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import unittest
import urllib.parse

from payments import PASSWORD, USER, PaymentsCase
from receiver import Receiver
from server import ROOT, START_SECONDS, Proxy, ServerCase, saldod, wait_for

KEY = "k3y-of-the-toll-gate"

# The ninth: signed notifications in JSON, answered in windows-1251.
TOLLGATE = """-- POST /pay/tollgate/{channel}
-- An invented system: notifications in JSON, signed by a header.
-- role: none
-- answer: one
-- gives: text
-- auth: signature
-- protocol: tollgate
-- charset: windows-1251

WITH sent AS MATERIALIZED (SELECT iif(json_valid(:body), :body, '{}') AS note)
SELECT note ->> '$.id' AS id, note ->> '$.account' AS account, minor_units(note ->> '$.sum') AS amount,
       CASE
         WHEN note ->> '$.kind' = 'hello' THEN 'Привет, ' || coalesce(header('x-who'), 'кто-то') || ' √'
         WHEN minor_units(note ->> '$.sum') IS NULL OR coalesce(note ->> '$.id', '') = '' THEN 'WRONG'
       END AS document
FROM sent
WHERE same(header('X-Toll'), hmac_sha256(secret('key'), :body));

-- write
INSERT INTO receipt(source, external_id, amount, received_at, account_text, recorded_at, recorded_by)
SELECT :channel, :id, :amount, NULL, :account, :now, :who
WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE source = :channel AND external_id = :id);

SELECT 'ПРИНЯТО ' || status AS document FROM receipt WHERE source = :channel AND external_id = :id;
"""

# One that is asked again about what it says, and has nothing to say of failures.
ASKED = """-- GET, POST /pay/asked/{channel}
-- An invented system: what it says is asked for again.
-- role: none
-- answer: one
-- gives: json
-- auth: ask
-- protocol: asked
-- channel: text!

SELECT CASE WHEN json_extract(iif(json_valid(:body), :body, '{}'), '$.skip') IS NULL
         THEN secret('api') || '/payments/' || percent_encode((SELECT value FROM form_field(:query) WHERE name = 'id'))
       END AS url,
       (SELECT value FROM form_field(:query) WHERE name = 'method') AS method,
       json_object('Authorization', 'Basic ' || base64('shop:' || secret('key')), 'X-Empty', 'no') AS headers,
       (SELECT value FROM form_field(:query) WHERE name = 'body') AS body,
       iif(:query = '', json_object('empty', 1), NULL) AS document;
-- ask
SELECT json_object('status', :asked_status, 'asked', :asked, 'method', :asked IS NULL) AS document,
       iif(:asked_status = 500, 500, 200) AS http_status,
       :asked_status = 409 AS "conflict", 'asked' || char(10) || 'two' AS warning;
"""

# What the file itself makes of its failures.
FAILING = """-- GET, POST /pay/failing/{channel}
-- A system with a form of its own for failures.
-- role: none
-- answer: one
-- gives: html
-- auth: basic
-- protocol: failing

SELECT saldo_refuse(value, 'so it is') FROM form_field(:query) WHERE name = 'refuse';
SELECT json_extract(value, '$.x') FROM form_field(:query) WHERE name = 'json';
SELECT nullif(value, 'none') AS value, 0.5 AS real FROM form_field(:query) WHERE name = 'real';
SELECT 'fine' AS document WHERE NOT EXISTS (SELECT 1 FROM form_field(:query) WHERE name = 'nothing');

-- failure
SELECT '<b>' || :failure || ' ' || :status || ' ' || xml(substr(:query, 1, 20)) || ' ' || length(:body) || '</b>'
       AS document;
"""

REAL = FAILING.split("SELECT saldo_refuse")[0].replace("failing", "real") + """
SELECT 0.5 AS half, NULL AS document;
-- write
SELECT :half AS document;
"""

FUNCTIONS = """-- POST /pay/functions/{channel}
-- What functions say, for a test.
-- role: none
-- answer: one
-- gives: json
-- auth: signature
-- protocol: functions

WITH given(a, b, c) AS (SELECT :body ->> '$.a', :body ->> '$.b', :body ->> '$.c')
SELECT json_object(
  'sha1', sha1(a), 'sha256', sha256(a), 'sha512', sha512(a), 'md5', md5(a), 'base64', base64(a),
  'hex', hex(from_hex(a)), 'percent', percent_encode(a), 'xml', xml(a), 'hmac', hmac_sha256(a, b), 'same', same(a, b),
  'verified', rsa_verify(coalesce(c, 'sha256'), secret('public'), a, from_hex(b)),
  'signed', lower(hex(rsa_sign(coalesce(c, 'sha256'), secret('private'), a))),
  'certified', rsa_verify('sha512', secret('certificate'), a, rsa_sign('sha512', secret('private'), a)),
  'secrets', json_array(secret('text'), secret('flag'), secret('number'), secret('object'), secret('none'),
                        secret('from'))
) AS document FROM given;
"""


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


# All payment systems, each with a channel of its own.
SYSTEMS = sorted(path.stem for path in (ROOT / "sql" / "http" / "pay").glob("*.sql"))


class Pay(PaymentsCase):
    files = {"tollgate.sql": TOLLGATE, "asked.sql": ASKED, "failing.sql": FAILING, "functions.sql": FUNCTIONS,
             "real.sql": REAL}
    channels = {"toll": {"protocol": "tollgate", "method": "e_money"}, "asked": {"protocol": "asked", "method": "sbp"},
                "failing": {"protocol": "failing", "method": "sbp"}, "real": {"protocol": "real", "method": "sbp"},
                "functions": {"protocol": "functions", "method": "sbp"},
                **{f"any-{name}": {"protocol": name, "method": "sbp"} for name in SYSTEMS}}

    @classmethod
    def setUpClass(cls):
        cls.service = Receiver(lambda _: (200, {}, b"{}"))
        cls.addClassCleanup(cls.service.stop)
        private = openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        cls.keys = {"private": private.decode(), "public": openssl("pkey", "-pubout", data=private).decode(),
                    "certificate": openssl("req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=a", "-days", "9",
                                           data=private).decode()}
        cls.secrets = {"toll": {"key": KEY}, "asked": {"key": "abc:", "api": cls.service.url},
                       "failing": {"user": USER, "password": PASSWORD}, "real": {"user": USER, "password": PASSWORD},
                       "functions": {**cls.keys, "text": "тайна", "flag": True, "number": 7,
                                     "object": {"vat_code": 1, "list": [1]}, "none": None, "from": ["127.0.0.0/8"]},
                       **{f"any-{name}": {"user": USER, "password": PASSWORD, "secret": KEY, "token": KEY,
                                          "password2": KEY, "terminal_key": "1", "shop_id": "1", "secret_key": "1",
                                          "api": cls.service.url} for name in SYSTEMS}}
        super().setUpClass()

    def notify(self, note, key=KEY, sign=None, channel="toll", headers=(), payer=None):
        body = note if isinstance(note, bytes) else json.dumps(note, ensure_ascii=False).encode()
        signed = {} if key is None else {"X-Toll": hmac.new(key.encode(), sign or body, hashlib.sha256).hexdigest()}
        payer = payer or self.payer(f"/pay/tollgate/{channel}", user=None)
        return payer.request("POST", body=body, headers=signed | dict(headers) | {"Content-Type": "application/json"})

    def test_a_system_of_ones_own(self):
        account = self.company()
        note = {"id": f"t{account}", "account": str(account), "sum": "12.30"}
        for _ in range(2):
            answer = self.notify(note)
            self.assertEqual((200, "text/plain; charset=windows-1251", "ПРИНЯТО matched"),
                             (answer.status, answer.headers["Content-Type"], answer.body.decode("cp1251")))
        self.assertEqual([("e_money", f"toll:t{account}", 1230)], self.payments(account))
        with self.subTest("what was paid for nobody waits"):
            self.assertEqual("ПРИНЯТО pending",
                             self.notify({**note, "id": "t0", "account": "none"}).body.decode("cp1251"))
        with self.subTest("what is not written"):
            self.assertEqual("Привет, Анна ?".encode("cp1251"), self.notify(
                {"kind": "hello"}, headers={"X-Who": "Анна".encode()}).body)
            self.assertEqual(b"WRONG", self.notify({**note, "id": "t1", "sum": "1e3"}).body)

    def test_signatures(self):
        account = self.company()
        note = {"id": f"s{account}", "account": str(account), "sum": "1"}
        before = self.count("receipt")
        for name, options in (("none", {"key": None}), ("wrong", {"key": KEY + "x"}),
                              ("over other bytes", {"sign": b"{}"}),
                              ("empty", {"headers": {"X-Toll": ""}}),
                              ("of a channel without secrets", {"channel": "none"}),
                              ("of another protocol", {"channel": "failing"})):
            with self.subTest(name):
                answer = self.notify(note, **options)
                self.assertEqual((404 if "of " == name[:3] else 401, b""), (answer.status, answer.body), answer)
        self.assertEqual(before, self.count("receipt"))

    def test_functions(self):
        def ask(**given):
            answer = self.payer("/pay/functions/functions", user=None).request(
                "POST", body=json.dumps(given, ensure_ascii=False).encode())
            self.assertEqual(200, answer.status, answer)
            return json.loads(answer.body)

        for text in ("", "abc", "Подарочная карта", "a&b=<'\">\u0001", "x" * 100000):
            with self.subTest(text[:20]):
                got, data = ask(a=text, b="ключ"), text.encode()
                for name in ("sha1", "sha256", "sha512", "md5"):
                    self.assertEqual(hashlib.new(name, data).hexdigest(), got[name])
                self.assertEqual(base64.b64encode(data).decode(), got["base64"])
                self.assertEqual(urllib.parse.quote(text, safe="-._~"), got["percent"])
                self.assertEqual(hmac.new(data, "ключ".encode(), hashlib.sha256).hexdigest(), got["hmac"])
                self.assertEqual(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                                 .replace('"', "&quot;").replace("'", "&apos;").replace("\u0001", "\ufffd"), got["xml"])
        for text, bytes_hex in (("00ff", "00FF"), ("DEADbeef", "DEADBEEF"), ("abc", None), ("zz", None), ("", "")):
            with self.subTest(hex=text):
                self.assertEqual(bytes_hex, ask(a=text)["hex"] if bytes_hex is not None else ask(a=text)["hex"] or None)
        for a, b, same in (("x", "x", 1), ("x", "y", 0), ("x", "xx", 0), ("", "", 1), (None, None, 0), ("x", None, 0)):
            self.assertEqual(same, ask(a=a, b=b)["same"], (a, b))
        for name in ("sha1", "sha256", "sha512"):
            with self.subTest(name):
                signed = ask(a="Сумма;1;", c=name)
                key = self.private / "key.pem"
                key.write_text(self.keys["private"], encoding="ascii")
                expected = openssl("dgst", f"-{name}", "-sign", str(key), data="Сумма;1;".encode()).hex()
                self.assertEqual((expected, 1), (signed["signed"], signed["certified"]))
                self.assertEqual(1, ask(a="Сумма;1;", b=expected, c=name)["verified"])
                for wrong in (expected[:-2] + ("00" if expected[-2:] != "00" else "01"), expected[:-2], "00", "", "no"):
                    self.assertEqual(0, ask(a="Сумма;1;", b=wrong, c=name)["verified"])
                self.assertEqual(0, ask(a="Сумма;2;", b=expected, c=name)["verified"])
        self.assertEqual(["тайна", 1, 7, '{"list":[1],"vat_code":1}', None, None], ask(a="")["secrets"])

    def test_functions_of_text_are_for_analysts_too(self):
        self.assertEqual([["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "YWJj"]],
                         self.sql("SELECT sha256('abc'), base64('abc')"))
        self.assertEqual([["a", "1", 1], ["b", " 2", 2], ["c", "", 3], [None, "x", 4], ["d", None, 5], ["e", None, 6]],
                         self.sql("SELECT name, value, position FROM form_field('a=1&&b=+2&c&%=x&d=%ff&e=%00') "
                                  "ORDER BY position"))
        self.assertEqual([], self.sql("SELECT * FROM form_field(NULL)"))
        self.assertEqual([[1, "2"]], self.sql(
            "SELECT s.x, f.value FROM (SELECT 1 AS x, 'a=2&b=3' AS text) AS s "
            "JOIN form_field(s.text) AS f ON f.name = 'a'"))
        for sql in ("SELECT secret('key')", "SELECT header('Host')", "SELECT hmac_sha256('a', 'b')",
                    "SELECT same(1, 1)",
                    "SELECT rsa_sign('sha1', '', '')", "SELECT rsa_verify('sha1', '', '', '')"):
            self.refused(self.analyst.post("/v1/sql", {"sql": sql}), 422, "invalid", "no such function")
        self.refused(self.analyst.post("/v1/sql", {"sql": "SELECT * FROM form_field"}), 422, "invalid",
                     "form_field(:body)")

    def asked(self, query="id=7", **options):
        return self.payer("/pay/asked/asked", user=None).request("POST", query=query, **options)

    def test_asking(self):
        self.service.got.clear()
        self.service.answer = lambda _: (200, {}, '{"сумма": 1}'.encode())
        answer = self.asked("id=a/b&unknown=1")
        self.assertEqual((200, {"status": 200, "asked": '{"сумма": 1}', "method": 0}),
                         (answer.status, json.loads(answer.body)), answer)
        [got] = self.service.got
        self.assertEqual(("GET", "/payments/a%2Fb", b""), (got["method"], got["path"], got["body"]))
        self.assertEqual("Basic " + base64.b64encode(b"shop:abc:").decode(), got["headers"]["Authorization"])
        self.assertEqual("no", got["headers"]["X-Empty"])
        self.assertTrue(wait_for(lambda: "channel asked: asked two" in self.server.log()))
        with self.subTest("with a body"):
            self.asked("id=1&body=%D1%8F")
            self.assertEqual(("POST", "я".encode()), (self.service.got[-1]["method"], self.service.got[-1]["body"]))
            self.asked("id=1&body=x&method=PUT")
            self.assertEqual("PUT", self.service.got[-1]["method"])
        with self.subTest("nothing"):
            count = len(self.service.got)
            self.assertEqual({"status": None, "asked": None, "method": 1},
                             json.loads(self.asked(body='{"skip": 1}').body))
            self.assertEqual({"empty": 1}, json.loads(self.asked("").body))
            self.assertEqual(count, len(self.service.got))
        for status in (404, 500, 302, 409):
            with self.subTest(status):
                self.service.answer = lambda _, s=status: (s, {"Location": self.service.url + "/else"}, b"<html>")
                before, count = self.server.metric("saldo_pay_conflicts_total"), len(self.service.got)
                answer = self.asked()
                self.assertEqual((500 if status == 500 else 200, status),
                                 (answer.status, json.loads(answer.body)["status"]))
                self.assertEqual(count + 1, len(self.service.got))
                self.assertEqual(before + (status == 409), self.server.metric("saldo_pay_conflicts_total"))

    def test_whoever_does_not_answer(self):
        def gone(handler_answer):
            self.service.answer = handler_answer
            answer = self.asked()
            self.assertEqual((503, b"", "5"), (answer.status, answer.body, answer.headers["Retry-After"]), answer)
            self.assertEqual(None, answer.headers["Content-Type"])

        with self.subTest("too much"):
            gone(lambda _: (200, {}, b"x" * ((1 << 20) + 1)))
            self.service.answer = lambda _: (200, {}, b"x" * (1 << 20))
            self.assertEqual(200, self.asked().status)
        with self.subTest("cut off"):
            gone(lambda _: (200, {"Content-Length": "10", "Connection": "close"}, b"x"))
        with self.subTest("silent"):
            release = threading.Event()
            self.addCleanup(release.set)
            gone(lambda _: (release.wait(60), (200, {}, b""))[1])
            release.set()
        with self.subTest("not there"):
            with socket.socket() as closed:
                closed.bind(("127.0.0.1", 0))
                url = f"http://127.0.0.1:{closed.getsockname()[1]}"
                self.with_api(url)
                gone(None)
        with self.subTest("in the clear, elsewhere"):
            for url in ("http://192.0.2.1", "http://example.com", "ftp://127.0.0.1", "file:///etc/passwd", "nonsense",
                        "http://127.0.0.1.example.com"):
                self.with_api(url)
                self.assertEqual((500, b""), ((answer := self.asked()).status, answer.body), url)
            self.assertIn("the url to ask is not of https", self.server.log())
        self.with_api(self.service.url)
        self.service.answer = lambda _: (200, {}, b"")
        self.assertEqual(200, self.asked().status)

    def with_api(self, url):
        """The secrets with another service, read by the server."""
        self.write_secrets({**self.secrets, "asked": {"key": "abc:", "api": url}})
        read = self.server.log().count("was read again")
        self.server.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: self.server.log().count("was read again") > read))

    def test_four_ask_at_once(self):
        inside, most, lock, release = [0], [0], threading.Lock(), threading.Event()

        def answer(_request):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            release.wait(30)
            with lock:
                inside[0] -= 1
            return 200, {}, b""

        self.service.answer = answer
        payers = [self.payer("/pay/asked/asked", user=None) for _ in range(6)]
        answers = []
        threads = [threading.Thread(target=lambda p=payer: answers.append(p.request("POST", query="id=1")), daemon=True)
                   for payer in payers]
        for thread in threads:
            thread.start()
        self.assertTrue(wait_for(lambda: inside[0] == 4))
        # Nobody's connection to the database is held meanwhile.
        self.crm.get("/v1/accounts").expect(200)
        self.assertEqual(4, inside[0])
        release.set()
        for thread in threads:
            thread.join(60)
        self.assertEqual(([200] * 6, 4), ([each.status for each in answers], most[0]))

    def test_sixteen_wait_and_others_come_again(self):
        release, answers, lock = threading.Event(), [], threading.Lock()
        self.addCleanup(release.set)
        self.service.answer = lambda _: (release.wait(60), (200, {}, b""))[1]

        def ask(payer):
            answer = payer.request("POST", query="id=1")
            with lock:
                answers.append(answer)

        payers = [self.payer("/pay/asked/asked", user=None) for _ in range(23)]
        threads = [threading.Thread(target=ask, args=(payer,), daemon=True) for payer in payers]
        for thread in threads:
            thread.start()
        # Of 23, three are neither asking nor waiting; nobody else has an answer yet, unless it took 10 seconds.
        self.assertTrue(wait_for(lambda: len(answers) >= 3))
        self.assertEqual({(503, b"", "5")}, {(each.status, each.body, each.headers["Retry-After"])
                                             for each in answers})
        release.set()
        for thread in threads:
            thread.join(60)
        self.assertEqual([200] * 20, [each.status for each in answers[3:]])

    def failing(self, query="", **options):
        return self.payer("/pay/failing/failing", **options).request(query=query)

    def test_failures_in_the_form_of_the_file(self):
        answer = self.failing()
        self.assertEqual((200, b"fine", "text/html; charset=utf-8"),
                         (answer.status, answer.body, answer.headers["Content-Type"]))
        for query, status, code in (("refuse=overloaded", 503, "overloaded"), ("refuse=conflict", 409, "conflict"),
                                    ("refuse=invalid", 422, "invalid"), ("refuse=unauthorized", 401, "unauthorized"),
                                    ("refuse=internal", 422, "invalid"), ("json={", 500, "internal"),
                                    ("nothing=1", 401, "unauthorized")):
            with self.subTest(query):
                answer = self.failing(query)
                self.assertEqual((status, f"<b>{code} {status} {query[:20]} 0</b>".encode()),
                                 (answer.status, answer.body), answer)
                self.assertEqual("5" if status == 503 else None, answer.headers["Retry-After"])
                self.assertEqual(status == 401, "WWW-Authenticate" in answer.headers)
        with self.subTest("a row that does not go on"):
            answer = self.payer("/pay/real/real").request()
            self.assertEqual((500, b""), (answer.status, answer.body))

    def test_refusals_of_the_transport(self):
        payer = self.payer("/pay/failing/failing")
        for name, options, status in (
                ("too large", {"method": "POST", "body": b"x" * ((1 << 20) + 1)}, 413),
                ("encoded", {"method": "POST", "body": b"x", "headers": {"Content-Encoding": "gzip"}}, 415),
                ("in parts", {"method": "POST", "body": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 415),
                ("another method", {"method": "DELETE"}, 405),
                ("no method", {"method": "BREW"}, 400),
                ("a clock", {"headers": {"Saldo-Now": "now"}}, 400)):
            with self.subTest(name):
                answer = payer.request(**options)
                self.assertEqual(status, answer.status, answer)
                self.assertRegex(answer.body, rb"^<b>\w+ %d " % status)
                self.assertEqual("text/html; charset=utf-8", answer.headers["Content-Type"])

    def test_hostile_requests(self):
        """Whatever comes: an answer in the protocol's form, and none of it is the server's failure."""
        paths = {"tollgate": "/pay/tollgate/toll", "failing": "/pay/failing/failing",
                 **{name: f"/pay/{name}/any-{name}" for name in SYSTEMS}}
        garbage = ("%", "%%%", "%zz=%zz", "%zz=1&a=2", "a=%00", "%00", "=", "&&&&", "==&=", "a" * 7000,
                   "a=" + "%41" * 2000,
                   "%ff=%fe", "txn_id=%FF%FE", "sum=%D0", "%7f", "a=1&" * 1500, "name=%F0%9F%92%A9", "[]=1", "a[b]=2",
                   "'",
                   "\"", "/**/", ";", "a;b", "?", "??", "#", "a=1&a=2", "account=%C0%AF", "--+write",
                   "%0a--%20write%0a")
        for name, path in paths.items():
            payer = self.payer(path)
            for query in garbage:
                for options in ({"query": query}, {"method": "POST", "body": query},
                                {"method": "POST", "body": query.encode("utf-16")},
                                {"method": "POST", "query": query, "body": b"\xff\x00" * 500}):
                    with self.subTest(name, **options):
                        answer = payer.request(**options)
                        self.assertIn(answer.status, (200, 400, 401, 403, 404, 405, 414), answer)
                        self.assertNotIn("problem", answer.headers["Content-Type"] or "")
            for target in (path + "/", path + "/more", path.rsplit("/", 1)[0] + "/%00", path.rsplit("/", 1)[0] + "/%ff",
                           path.rsplit("/", 1)[0] + "/" + "x" * 5000, path.rsplit("/", 1)[0] + "/%0aERROR",
                           path.rsplit("/", 1)[0] + "/..%2f"):
                with self.subTest(name, target=target[:60]):
                    self.assertIn(payer.request("POST", path=target).status, (400, 401, 404), target)
        self.assertNotIn("\nERROR", self.server.log())
        self.assertEqual([], self.sql("SELECT * FROM receipt WHERE recorded_at IS NULL"))

    def test_the_openapi_document(self):
        document = self.server.document.json
        for path, methods in (("/pay/osmp/{channel}", {"get", "post"}), ("/pay/tollgate/{channel}", {"post"})):
            self.assertEqual(methods, set(document["paths"][path]))
            for operation in document["paths"][path].values():
                self.assertEqual(["channel"], [each["name"] for each in operation["parameters"] if "name" in each])
        self.assertEqual([{"channel": []}], document["paths"]["/pay/osmp/{channel}"]["get"]["security"])
        self.assertEqual([], document["paths"]["/pay/tollgate/{channel}"]["post"]["security"])

    def test_the_server_knows_no_payment_system(self):
        """All of a system is its file."""
        names = [path.stem for path in (ROOT / "sql" / "http" / "pay").glob("*.sql")] + [
            "qiwi", "svyaznoy", "euroset", "sberbank", "tinkoff", "prv_txn", "yandex"]
        self.assertIn("osmp", names)
        pattern = re.compile(r"\b(" + "|".join(names) + r")\b", re.IGNORECASE)
        for folder in ("server", "extension"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix in (".cpp", ".h"):
                    self.assertEqual([], pattern.findall(path.read_text(encoding="utf-8")), path)


# The head of a payment system's file, in 7 lines; the eighth is the first of what follows.
HEAD = """-- GET, POST /pay/own/{channel}
-- Own.
-- role: none
-- answer: one
-- gives: text
-- auth: basic
-- protocol: own
"""
ASK_HEAD = "-- POST /v1/own\n-- Own.\n-- role: crm\n-- answer: one\n"

WRONG_FILES = {
    "no such method": (HEAD.replace("GET, POST", "GET, BREW") + "SELECT 1 AS document;\n", 1, "BREW"),
    "a method twice": (HEAD.replace("GET, POST", "GET, GET") + "SELECT 1 AS document;\n", 1, "twice"),
    "several methods of another route": (ASK_HEAD.replace("POST", "GET, POST") + "SELECT 1 AS x;\n", 1,
                                         "several methods"),
    "no channel in the path": (HEAD.replace("{channel}", "x") + "SELECT 1 AS document;\n", 1, "{channel}"),
    "a role": (HEAD.replace("none", "crm") + "SELECT 1 AS document;\n", 1, "role: none"),
    "many rows": (HEAD.replace("answer: one", "answer: few") + "SELECT 1 AS document;\n", 4, "answer"),
    "no protocol": (HEAD.replace("-- protocol: own\n", "") + "SELECT 1 AS document;\n", 1, "protocol: NAME"),
    "a protocol that is no name": (HEAD.replace("own\n", "O-1\n") + "SELECT 1 AS document;\n", 7, "protocol"),
    "an unknown auth": (HEAD.replace("basic", "digest") + "SELECT 1 AS document;\n", 6, "digest"),
    "an unknown charset": (HEAD + "-- charset: koi8-r\nSELECT 1 AS document;\n", 8, "koi8-r"),
    "a charset of another route": (ASK_HEAD + "-- charset: windows-1251\nSELECT 1 AS x;\n", 1, "charset"),
    "no format": (HEAD.replace("-- gives: text\n", "") + "SELECT 1 AS document;\n", 1, "gives"),
    "two formats": (HEAD.replace("gives: text", "gives: text, xml") + "SELECT 1 AS document;\n", 1, "gives"),
    "a PDF": (HEAD.replace("gives: text", "gives: pdf") + "SELECT 1 AS document;\n", 1, "gives"),
    "fields": (HEAD + "-- sum: text\nSELECT :sum AS document;\n", 8, "form_field"),
    "takes": (HEAD.replace("GET, ", "") + "-- takes: form\nSELECT 1 AS document;\n", 1, "takes"),
    "no document": (HEAD + "SELECT 1 AS x;\n", 1, "document"),
    "parts in another order": (HEAD + "SELECT 1 AS url;\n-- write\nSELECT 1 AS document;\n-- ask\n", 11,
                               "in this order"),
    "a part twice": (HEAD + "SELECT 1 AS x;\n-- write\nSELECT 1 AS document;\n-- write\nSELECT 1 AS document;\n", 11,
                     "once"),
    "nothing before the write": (HEAD + "-- write\nSELECT 1 AS document;\n", 1, "before `-- write`"),
    "nothing behind the write": (HEAD + "SELECT 1 AS x;\n-- write\n", 1, "no statement"),
    "no row for the write": (HEAD + "SELECT 1 AS http_status;\n-- write\nSELECT 1 AS document;\n", 1, "returns a row"),
    "a write before the write": (HEAD + "DELETE FROM account;\nSELECT 1 AS x;\n-- write\nSELECT 1 AS document;\n", 8,
                                 "only reads"),
    "a write behind the question": (HEAD + "SELECT NULL AS url;\n-- ask\nDELETE FROM account;\nSELECT 1 AS document;\n",
                                    10,
                                    "`-- write`"),
    "a question without its url": (HEAD + "SELECT 1 AS body;\n-- ask\nSELECT 1 AS document;\n", 1, "url"),
    "a question with more": (HEAD + "SELECT 1 AS url, 2 AS cookie;\n-- ask\nSELECT 1 AS document;\n", 1, "cookie"),
    "an answer before the question": (HEAD + "SELECT :asked AS url;\n-- ask\nSELECT 1 AS document;\n", 8, ":asked"),
    "an answer without a question": (HEAD + "SELECT :asked AS document;\n", 8, ":asked"),
    "the query behind the write": (HEAD + "SELECT 1 AS x;\n-- write\nSELECT :query AS document;\n", 10, ":query"),
    "the body behind the write": (HEAD + "SELECT 1 AS x;\n-- write\nSELECT :body AS document;\n", 10, ":body"),
    "chance behind the write": (HEAD + "SELECT 1 AS x;\n-- write\nSELECT :random AS document;\n", 10, ":random"),
    "a secret behind the write": (HEAD + "SELECT 1 AS x;\n-- write\nSELECT\n secret('a') AS document;\n", 10,
                                  "secret()"),
    "a header behind the write": (HEAD + "SELECT 1 AS x;\n-- write\nSELECT Header('a') AS document;\n", 10, "header()"),
    "a signature in a write": (HEAD + "DELETE FROM account;\nSELECT hmac_sha256('a', 'b') AS document;\n", 1,
                               "hmac_sha256()"),
    "a secret of another route": (ASK_HEAD + "SELECT secret('a') AS x;\n", 5, "secret()"),
    "a secret without a channel": (ASK_HEAD + "SELECT secret('a') AS x;\n-- write\nSELECT :x AS y;\n", 5,
                                   "channel: text!"),
    "a signature that nobody verifies": (HEAD.replace("basic", "signature") +
                                         "SELECT hmac_sha256('a', :body) = header('x') AS x;\n-- write\n"
                                         "SELECT 1 AS document;\n",
                                         1, "same() or rsa_verify()"),
    "a signature verified too late": (HEAD.replace("basic", "signature") +
                                      "SELECT 1 AS x;\n-- write\nSELECT same(1, 1) AS document;\n", 10, "same()"),
    "asks nobody": (HEAD.replace("basic", "ask") + "SELECT 1 AS document;\n", 1, "-- ask"),
    "failures of another route": (ASK_HEAD + "SELECT 1 AS x;\n-- failure\nSELECT 1 AS document;\n", 6, "-- failure"),
    "a failure without a document": (HEAD + "SELECT 1 AS document;\n-- failure\nSELECT 1 AS x;\n", 1, "-- failure"),
    "a failure that reads": (HEAD + "SELECT 1 AS document;\n-- failure\nSELECT name AS document FROM account;\n", 10,
                             "no such table"),
    "a failure with the clock": (HEAD + "SELECT 1 AS document;\n-- failure\nSELECT :now AS document;\n", 10, ":now"),
    "a question without a channel": (ASK_HEAD + "SELECT 1 AS url;\n-- ask\nSELECT 1 AS x;\n", 1, "channel: text!"),
    "a protocol without a channel": (ASK_HEAD + "-- protocol: own\nSELECT 1 AS x;\n", 1, "channel: text!"),
    "a PRAGMA": (ASK_HEAD + "PRAGMA user_version;\n", 5, "PRAGMA"),
    "auth where there is none": (HEAD.replace("GET, POST /pay/own/", "PUT /v1/channels/") + "SELECT 1 AS document;\n",
                                 1,
                                 "auth"),
}


class Files(ServerCase):
    """Files that are refused at the start, with the line; and several of one path."""

    def start_with(self, *texts):
        folder = self.folder / "routes"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for number, text in enumerate(texts):
            (folder / f"own{number}.sql").write_text(text, encoding="utf-8")
        return folder

    def test_wrong_files(self):
        for name, (text, line, sentence) in WRONG_FILES.items():
            with self.subTest(name):
                folder = self.start_with(text)
                done = saldod("serve", "--database", self.server.database, "--listen", "127.0.0.1:0", "--routes",
                              folder,
                              timeout=START_SECONDS)
                self.assertEqual((2, ""), (done.returncode, done.stdout), done)
                self.assertTrue(done.stderr.startswith(f"saldod: {folder}/own0.sql:{line}: "), done.stderr)
                self.assertIn(sentence, done.stderr)

    def test_several_of_one_path(self):
        """A route of ours with a channel: the file that speaks its protocol."""
        one = ASK_HEAD + ("-- protocol: first\n-- channel: text!\n-- amount: integer!\n"
                          "SELECT 'of the first ' || :amount AS x, secret('word') AS word, header('x-own') AS own;\n")
        two = ASK_HEAD + ("-- protocol: second\n-- channel: text!\n-- amount: integer!\n"
                          "SELECT NULL AS url;\n-- ask\nSELECT :amount + 1 AS more, secret('word') AS word;\n-- write\n"
                          "INSERT INTO account(name, registered_on, recorded_at) VALUES (:word, :today, :now);\n"
                          "SELECT account_id, :more + :amount AS x, :channel AS channel FROM account\n"
                          "WHERE account_id = last_insert_rowid();\n").replace("-- answer: one", "-- answer: one")
        with self.subTest("that do not go together"):
            for other in (two, one, one.replace("first", "third").replace("amount", "sum")):
                done = saldod("serve", "--database", self.server.database, "--listen", "127.0.0.1:0", "--routes",
                              self.start_with(one, other), timeout=START_SECONDS)
                self.assertEqual(2, done.returncode, done)
                self.assertIn("own1.sql:1: POST /v1/own ", done.stderr)
        secrets = self.folder / "secrets.json"
        secrets.touch(mode=0o600)
        secrets.write_text(json.dumps({"channels": {name: {"word": "of " + name} for name in ("a", "b")}}),
                           encoding="utf-8")
        first, second = one, one.replace("first", "second").replace("of the second", "of the other")
        server = self.fresh("--test-clock", "--routes", self.start_with(first, second), "--secrets", secrets)
        operator, crm = self.client(server, "operator"), self.client(server, "crm", checked=False)
        for name, protocol in (("a", "first"), ("b", "second"), ("c", "third")):
            operator.put(f"/v1/channels/{name}", {"protocol": protocol, "method": "sbp"}).expect(200, 201)
        answer = crm.post("/v1/own", {"channel": "a", "amount": 5}, headers={"X-Own": "yes"}).expect(200)
        self.assertEqual({"x": "of the first 5", "word": "of a", "own": "yes"}, answer.json)
        self.refused(crm.post("/v1/own", {"channel": "d", "amount": 5}), 404, "not_found", "d")
        self.refused(crm.post("/v1/own", {"channel": "c", "amount": 5}), 422, "invalid", "third", "first, second")
        self.refused(crm.post("/v1/own", {"amount": 5}), 422, "invalid", "channel")

    def test_a_write_of_ours_that_asks(self):
        """Its answer under an Idempotency-Key is given before anything is asked again."""
        service = Receiver(lambda _: (200, {}, b"{}"))
        self.addCleanup(service.stop)
        service.answer = lambda _: (200, {}, str(len(service.got)).encode())
        text = ASK_HEAD + ("-- channel: text!\n-- amount: integer!\n"
                           "SELECT secret('api') || '/' || :amount AS url;\n-- ask\n"
                           "SELECT 'no ' || :asked AS name;\n-- write\n"
                           "INSERT INTO account(name, registered_on, recorded_at) VALUES (:name, :today, :now);\n"
                           "SELECT name, :amount AS amount, 201 AS http_status FROM account\n"
                           "WHERE account_id = last_insert_rowid();\n")
        secrets = self.folder / "asking.json"
        secrets.touch(mode=0o600)
        secrets.write_text(json.dumps({"channels": {"a": {"api": service.url}}}), encoding="utf-8")
        server = self.fresh("--test-clock", "--routes", self.start_with(text), "--secrets", secrets)
        crm = self.client(server, "crm", checked=False)
        for _ in range(2):
            answer = crm.post("/v1/own", {"channel": "a", "amount": 5}, key="k").expect(201)
            self.assertEqual({"name": "no 1", "amount": 5}, answer.json)
        self.assertEqual(["/5"], [each["path"] for each in service.got])
        self.refused(crm.post("/v1/own", {"channel": "a", "amount": 6}, key="k"), 422, "invalid", "another")
        self.refused(crm.post("/v1/own?dry_run=true", {"channel": "a", "amount": 6}), 422, "invalid", "dry_run")
        service.stop()
        answer = crm.post("/v1/own", {"channel": "a", "amount": 7})
        self.refused(answer, 503, "overloaded", "does not answer")
        self.assertIn("Retry-After", answer.headers)
        self.assertEqual(1, self.count("account", self.client(server, "admin")))


class SecretsFile(PaymentsCase):
    channels = {"qiwi": {"protocol": "osmp", "method": "qiwi"}}
    secrets = {"qiwi": {"user": USER, "password": "first-password"}}

    def check(self, password, server=None):
        payer = self.payer("/pay/osmp/qiwi", server, password=password)
        return payer.ask(command="check", txn_id="1", account="1").status

    def refused_at_the_start(self, sentence):
        done = saldod("serve", "--database", self.server.database, "--listen", "127.0.0.1:0", "--secrets",
                      self.secrets_file, timeout=START_SECONDS)
        self.assertEqual((2, ""), (done.returncode, done.stdout), done)
        self.assertIn(sentence, done.stderr)
        self.assertNotIn("password", done.stderr)

    def test_files_that_are_refused(self):
        self.addCleanup(lambda: self.write_secrets(self.secrets))
        for mode in (0o640, 0o604, 0o660, 0o610, 0o601, 0o644):
            with self.subTest(oct(mode)):
                self.write_secrets(self.secrets, mode)
                self.refused_at_the_start("its mode is to be 0600")
        self.write_secrets(self.secrets, 0o400)
        for text, sentence in (("", "is not JSON"), ('{"channels": {"qiwi": {"password": "the-password', "is not JSON"),
                               ("[]", "is not of the form"), ('{"qiwi": {"password": "x"}}', "is not of the form"),
                               ('{"channels": []}', "is not of the form"),
                               ('{"channels": {}, "more": 1}', "of the form"),
                               ('{"channels": {"qiwi": "the-password"}}', "the channel qiwi is not an object"),
                               ('{"channels": {"qiwi": {"from": "10.0.0.0/8"}}}', "`from` of the channel qiwi"),
                               ('{"channels": {"qiwi": {"from": ["10.0.0.1/8"]}}}', "`from` of the channel qiwi"),
                               ('{"channels": {"qiwi": {"from": ["x"]}}}', "`from` of the channel qiwi"),
                               ('{"channels": {"qiwi": {"from": [1]}}}', "`from` of the channel qiwi"),
                               ('{"channels": {"qiwi": {"from": []}}}', "`from` of the channel qiwi"),
                               ('{"channels": {"qiwi": {"limit": 0.5}}}', "`limit` of the channel qiwi"),
                               ('{"channels": {"qiwi": {"secret": ""}}}', "`secret` of the channel qiwi is empty"),
                               ('{"channels": {"qiwi": {"key2": ""}}}', "`key2` of the channel qiwi is empty"),
                               ('{"channels": {"qiwi": {"user": 7}}}', "`user` of the channel qiwi is not a text"),
                               ("\xff", "is not JSON"), ("x" * (2 << 20), "1 MiB")):
            with self.subTest(text[:40]):
                self.write_secrets(None, text=text)
                self.refused_at_the_start(sentence)

    def test_read_again_while_requests_run(self):
        server = self.fresh(*self.flags)
        self.make_channels(self.client(server, "operator"))
        stop, statuses, failures = threading.Event(), set(), []

        def go_on():
            payer = self.payer("/pay/osmp/qiwi", server, password="first-password")
            other = self.payer("/pay/osmp/qiwi", server, password="second-password")
            try:
                while not stop.is_set():
                    for each in (payer, other):
                        statuses.add(each.ask(command="check", txn_id="1", account="1").status)
            except Exception as failure:  # of whatever kind: the test's thread tells it
                failures.append(failure)

        threads = [threading.Thread(target=go_on, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for number in range(20):
                now = ("second-password", "first-password")[number % 2]
                self.write_secrets({"qiwi": {"user": USER, "password": now}})
                server.process.send_signal(signal.SIGHUP)
                self.assertTrue(wait_for(lambda p=now: self.check(p, server) == 200))
                self.assertEqual(401, self.check(("first-password", "second-password")[number % 2], server))
            with self.subTest("a broken file changes nothing"):
                for broken in ({"text": '{"channels": {"qiwi": {"password": "third-password"'}, {"mode": 0o644}):
                    self.write_secrets({"qiwi": {"user": USER, "password": "third-password"}}, **broken)
                    before = server.log().count("the secrets stay as they were")
                    server.process.send_signal(signal.SIGHUP)
                    self.assertTrue(wait_for(lambda b=before: server.log().count("stay as they were") > b))
                    self.assertEqual((200, 401), (self.check("first-password", server),
                                                  self.check("third-password", server)))
            os.unlink(self.secrets_file)
            server.process.send_signal(signal.SIGHUP)
            self.assertTrue(wait_for(lambda: "cannot be read" in server.log()))
            self.assertEqual(200, self.check("first-password", server))
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
            self.write_secrets(self.secrets)
        self.assertEqual(([], {200, 401}), (failures, statuses))
        for secret in ("first-password", "second-password", "third-password"):
            self.assertNotIn(secret, server.log())

    def test_sighup_without_secrets(self):
        server = self.fresh()
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(wait_for(lambda: "there is no --secrets" in server.log()))
        self.client(server, "crm").get("/v1/accounts").expect(200)

    def test_they_are_nowhere_else(self):
        secret = "a-very-secret-word-42"
        self.write_secrets({"qiwi": {"user": USER, "password": secret}})
        self.addCleanup(lambda: self.write_secrets(self.secrets))
        server = self.fresh(*self.flags, "--log-level", "debug")
        self.make_channels(self.client(server, "operator"))
        account = self.company(self.client(server, "admin"))
        kiosk = self.payer("/pay/osmp/qiwi", server, password=secret)
        bodies = []
        for fields in ({"command": "check", "account": account}, {"command": "pay", "account": account, "sum": "1"},
                       {"command": "pay", "account": account, "sum": "2"}, {"command": "cancel"}, {"command": "x"}):
            bodies.append(kiosk.ask(**{"txn_id": "5"} | fields).body)
        bodies.append(self.payer("/pay/osmp/qiwi", server, password=secret + "x").ask(command="check").body)
        with self.client(server, None, checked=False) as nobody:
            bodies += [nobody.get(path).body for path in ("/metrics", "/openapi.json", "/healthz")]
        bodies.append(self.client(server, "admin").post("/v1/sql", {"sql": "SELECT * FROM receipt"}).body)
        for body in bodies:
            self.assertNotIn(secret.encode(), body)
        self.assertNotIn(secret, server.log())
        for path in pathlib.Path(server.database).parent.iterdir():
            self.assertNotIn(secret.encode(), path.read_bytes(), path)
        self.assertNotIn(secret, pathlib.Path(f"/proc/{server.process.pid}/cmdline").read_text(encoding="utf-8"))
        with self.subTest("no core is written"):
            limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text(encoding="ascii")
            self.assertRegex(limits, r"Max core file size +0 +0 ")


class Networks(PaymentsCase):
    channels = {name: {"protocol": "osmp", "method": "qiwi"} for name in ("here", "there", "six")}
    secrets = {"here": {"user": USER, "password": PASSWORD, "from": ["127.0.0.0/8"]},
               "there": {"user": USER, "password": PASSWORD, "from": ["192.0.2.0/24", "198.51.100.7"]},
               "six": {"user": USER, "password": PASSWORD, "from": ["2001:db8::/32"]}}

    def status(self, channel, forwarded=None, server=None):
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        answer = self.payer(f"/pay/osmp/{channel}", server).request(query="command=check&txn_id=1&account=1",
                                                                    headers=headers)
        self.assertEqual(answer.status != 200, answer.fields["result"] == "1", answer)
        return answer.status

    def test_nobody_is_believed(self):
        self.assertEqual((200, 403), (self.status("here"), self.status("there")))
        self.assertEqual((200, 403), (self.status("here", "192.0.2.5"), self.status("there", "192.0.2.5")))

    def test_trusted_proxies(self):
        server = self.fresh(*self.flags, "--trusted-proxy", "127.0.0.1,10.0.0.0/8", "--trusted-proxy", "::1")
        self.make_channels(self.client(server, "operator"))
        for channel, forwarded, status in (
                ("there", "192.0.2.5", 200), ("there", "192.0.2.255", 200), ("there", "198.51.100.7", 200),
                ("there", "198.51.100.8", 403), ("there", "192.0.3.1", 403), ("there", None, 403), ("here", None, 200),
                ("here", "192.0.2.5", 403), ("there", "8.8.8.8, 192.0.2.5", 200), ("there", "192.0.2.5, 8.8.8.8", 403),
                ("there", "192.0.2.5, 10.1.2.3", 200), ("there", "192.0.2.5,10.1.2.3 ,127.0.0.1", 200),
                ("there", "192.0.2.5, 127.0.0.2", 403), ("there", "nonsense", 403),
                ("there", "192.0.2.5, nonsense", 403),
                ("there", "::ffff:192.0.2.5", 200), ("six", "2001:db8::5", 200), ("six", "2001:db9::5", 403),
                ("there", "192.0.2.5, ::1", 200), ("there", "", 403), ("there", ",", 403)):
            with self.subTest(channel, forwarded=forwarded):
                self.assertEqual(status, self.status(channel, forwarded, server))

    def test_wrong_flags(self):
        for value in ("10.0.0.1/8", "x", "10.0.0.0/33", "::/129", "10.0.0.0/", "/8", "1.2.3", "10.0.0.0/8 "):
            with self.subTest(value):
                done = saldod("serve", "--database", self.server.database, "--trusted-proxy", value)
                self.assertEqual(2, done.returncode)
                self.assertIn("--trusted-proxy", done.stderr)


class BehindNginx(PaymentsCase):
    """As strangers reach it: by the configuration that ships with the server."""

    channels = {name: {"protocol": "osmp", "method": "qiwi"} for name in ("here", "there")}
    secrets = {"here": {"user": USER, "password": PASSWORD, "from": ["127.0.0.1"]},
               "there": {"user": USER, "password": PASSWORD, "from": ["192.0.2.0/24"]}}

    @classmethod
    def pay_flags(cls):
        return (*super().pay_flags(), "--trusted-proxy", "127.0.0.1")

    def behind(self, **options):
        proxy = Proxy(self.server, **options)
        self.addCleanup(proxy.stop)
        return proxy

    def kiosk(self, proxy, channel="here"):
        payer = self.payer(f"/pay/osmp/{channel}")
        payer.connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
        return payer

    def test_the_address_is_the_clients(self):
        proxy = self.behind()
        account = self.company()
        for channel, status in (("here", 200), ("there", 403)):
            for headers in ({}, {"X-Forwarded-For": "192.0.2.7"}, {"X-Forwarded-For": "127.0.0.1"}):
                with self.subTest(channel, headers=headers):
                    answer = self.kiosk(proxy, channel).request(
                        query=f"command=check&txn_id=1&account={account}&sum=1", headers=headers)
                    self.assertEqual(status, answer.status, answer)
                    self.assertIn("result", answer.fields)

    def test_registries_may_be_large(self):
        proxy = self.behind()
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
        self.addCleanup(connection.close)
        token = self.server.tokens["cashier"]
        for path, status in (("/v1/channels/here/registry", 422), ("/v1/channels/here", 413),
                             ("/v1/channels/here/registry/more", 413)):
            connection.request("POST", path, b"x" * (3 << 20),
                               {"Content-Type": "text/plain", "Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            response.read()
            connection.close()
            self.assertEqual(status, response.status, path)

    def test_a_crowd_of_kiosks_is_served_and_a_flood_is_not(self):
        proxy = self.behind(stranger=True)
        kiosks = [self.kiosk(proxy) for _ in range(15)]
        # More than other strangers may ask at once: what was kept back during an outage.
        statuses = [kiosk.ask(command="check", txn_id="1", account="1").status for _ in range(9) for kiosk in kiosks]
        self.assertEqual({200}, set(statuses))

        def flood():
            return next((answer for answer in (kiosks[0].ask(command="check", txn_id="1", account="1")
                                               for _ in range(3000)) if answer.status != 200), None)

        refused = flood()
        if refused is not None:  # a machine too slow to be a flood
            self.assertEqual((429, b"", "1"), (refused.status, refused.body, refused.headers["Retry-After"]))

    def test_a_server_that_is_gone(self):
        """Not problem details: the status says that it comes again."""
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            proxy = self.behind(replace=((f"server 127.0.0.1:{self.server.port};",
                                          f"server 127.0.0.1:{nobody.getsockname()[1]};"),))
            answer = self.kiosk(proxy).ask(command="check", txn_id="1", account="1")
            self.assertEqual((502, b"", "1"), (answer.status, answer.body, answer.headers["Retry-After"]))


if __name__ == "__main__":
    unittest.main()
