"""What the tests of the HTTP server share: books to start from, a running server, and its clients.

The binary is SALDOD, or build/saldod. Every answer a Client gets is held against /openapi.json on the way: the
status is documented for that operation, the body has the documented shape, and a problem answer has the form of RFC
9457, tells no SQL and is never an internal error."""

import atexit
import contextlib
import csv
import datetime
import http.client
import io
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import weakref

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SALDOD = os.path.abspath(os.environ.get("SALDOD", ROOT / "build" / "saldod"))
ROLES = ("crm", "cashier", "operator", "analyst", "admin")

# A Sunday. The Monday after is the instant of most requests, noon in Moscow; Wednesday 2026-11-04 is a holiday.
OPENING = "2026-11-01"
NOW = "2026-11-02T09:00:00Z"
TODAY = "2026-11-02"

# Prices of the books: CRM by headcount, SMS by the piece.
CRM_TIERS = [{"min_quantity": 1, "monthly_fee": 199000}, {"min_quantity": 6, "monthly_fee": 349000}]
SMS_UNIT_FEE = 250

START_SECONDS = 30
STOP_SECONDS = 60
# A server that stops waits for idle connections as long; the default of `serve` would make most of a test's time.
KEEP_ALIVE = "4s"


def bound():
    """What a command begins with that is to end when this program does, whatever ends it. The system ends such a
    command with the thread that started it: so from another thread than the first, nothing."""
    return ("setpriv", "--pdeathsig", "KILL") if threading.current_thread() is threading.main_thread() else ()


def saldod(*arguments, timeout=60):
    """Runs a command to its end: .returncode, .stdout, .stderr."""
    return subprocess.run([*bound(), SALDOD, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, timeout=timeout, check=False)


def must(*arguments, timeout=60):
    """The standard output of a command that is to succeed."""
    done = saldod(*arguments, timeout=timeout)
    if done.returncode != 0:
        raise AssertionError(f"saldod {' '.join(map(str, arguments))}: {done.returncode}: {done.stderr}")
    return done.stdout


def create_token(database, role, name):
    """A new token; `token create` prints it, a line, and nothing else."""
    text = must("token", "create", "--database", database, "--role", role, "--name", name)
    if not re.fullmatch(r"\S{20,}\n", text):
        raise AssertionError(f"token create prints the token and nothing else: {len(text)} characters")
    return text.strip()


def day_plus(day, days):
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()


def noon(day):
    """Noon in Moscow."""
    return f"{day}T09:00:00Z"


def day_end(day):
    """The midnight in Moscow that ends the day."""
    return f"{day}T21:00:00Z"


def daily_fee(monthly_price, day):
    """What a day costs by R4, computed here independently of the product."""
    n = (datetime.date.fromisoformat(day) - datetime.date(1970, 1, 1)).days % 30
    return monthly_price * (n + 1) // 30 - monthly_price * n // 30


class Books:
    """A database with a token of every role (the names are the roles) and a catalogue; made once, then copied."""

    made = {}

    def __init__(self, opening):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-books-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.database = folder / "books.db"
        must("install", "--database", self.database, "--opening", opening)
        self.tokens = {role: create_token(self.database, role, role) for role in ROLES}
        with (Server(self.database, "--test-clock", tokens=self.tokens) as server,
              server.client("operator", now=noon(opening)) as operator):
            operator.put("/v1/services/crm", {"name": "CRM", "kind": "recurring", "unit": "employee"}).expect(201)
            operator.put("/v1/services/sms", {"name": "SMS", "kind": "usage"}).expect(201)
            for service, tiers in (("crm", CRM_TIERS), ("sms", [{"min_quantity": 1, "unit_fee": SMS_UNIT_FEE}])):
                operator.post("/v1/tariffs", {"service_id": service, "valid_from": opening, "tiers": tiers}).expect(201)

    @classmethod
    def copy(cls, target, opening=OPENING):
        """Copies them to a file; the tokens by role."""
        if opening not in cls.made:
            cls.made[opening] = cls(opening)
        books = cls.made[opening]
        for suffix in ("", "-wal"):
            if os.path.exists(f"{books.database}{suffix}"):
                shutil.copyfile(f"{books.database}{suffix}", f"{target}{suffix}")
        return dict(books.tokens)


class Server:
    """A running `saldod serve` on a port the system gives. Its log goes to DATABASE.log."""

    started = 0
    running = set()
    documents = {}  # of a server that has routes of its own, and, by None, of all others
    lock = threading.RLock()

    def __init__(self, database, *flags, tokens=None):
        Server.started += 1
        self.database = pathlib.Path(database)
        self.tokens = tokens or {}
        self.test_clock = "--test-clock" in flags
        if "--keep-alive" not in flags:
            flags += ("--keep-alive", KEEP_ALIVE)
        patience = dict(zip(flags, flags[1:]))["--keep-alive"]
        self.keep_alive = int(patience[:-1]) * {"s": 1, "m": 60}[patience[-1]]
        self.log_path = self.database.with_suffix(f".{Server.started}.log")
        self.unexpected = []
        self.clients = weakref.WeakSet()
        self._described = self if "--routes" in flags else None
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*bound(), SALDOD, "serve", "--database", str(database), "--listen", "127.0.0.1:0",
                 *map(str, flags)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        Server.running.add(self)
        self.line = self._first_line()
        match = re.fullmatch(r"saldod \S+ listens on (https?)://127\.0\.0\.1:(\d+)\n", self.line)
        if not match:
            self.kill()
            raise AssertionError(f"the server says {self.line!r}; its log:\n{self.log()}")
        self.scheme, self.port = match.group(1), int(match.group(2))
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"

    def _first_line(self):
        text, deadline = b"", time.monotonic() + START_SECONDS
        while not text.endswith(b"\n") and select.select([self.process.stdout], [], [], deadline - time.monotonic())[0]:
            got = os.read(self.process.stdout.fileno(), 4096)
            if not got:
                break
            text += got
        return text.decode()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        status = self.stop()
        if kind is None and status != 0:
            raise AssertionError(f"stopped by SIGTERM, the server left with {status}; its log:\n{self.log()}")

    def stop(self, seconds=STOP_SECONDS):
        """SIGTERM, then its exit status. Clients that are not asking hang up, or the server would wait for them."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        with Server.lock:
            clients = list(self.clients)
        for client in clients:
            client.hang_up()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop in {seconds} s; its log:\n{self.log()}") from None
        self.process.stdout.close()
        Server.running.discard(self)
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        Server.running.discard(self)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def memory(self, field="VmHWM"):
        """Bytes, by /proc: VmHWM is the most it ever had."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE).group(1)) * 1024

    def page_faults(self):
        """How often it has touched memory that the system had to give it first."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return int(fields[7])

    def client(self, role=None, **options):
        """A client with the role's token; without a role, without a token."""
        return Client(self, self.tokens[role] if role else None, **options)

    @property
    def document(self):
        """/openapi.json, which tells of the routes alone: asked for once."""
        with Server.lock:
            if self._described not in Server.documents:
                with Client(self, None, checked=False) as plain:
                    Server.documents[self._described] = Document(plain.get("/openapi.json").expect(200).json)
            return Server.documents[self._described]

    def metric(self, name):
        """The sum of a metric's samples."""
        with Client(self, None, checked=False) as client:
            text = client.get("/metrics").expect(200).text
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        if not found:
            raise AssertionError(f"/metrics has no {name}")
        return sum(map(float, found))


class Proxy:
    """nginx in front of a server, by the configuration that ships with it, but without TLS and on a free port.

    stranger: whether this machine's clients are counted as the configuration counts strangers. replace: texts of the
    configuration, and what stands there instead."""

    def __init__(self, server, stranger=False, replace=()):
        self.process = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-nginx-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        conf = (ROOT / "server" / "deploy" / "nginx.conf").read_text(encoding="utf-8")
        for old, new in (("  listen 443 ssl;\n", f"  listen 127.0.0.1:{self.port};\n"),
                         ("  listen [::]:443 ssl;\n", ""),
                         ("server 127.0.0.1:8080;", f"server 127.0.0.1:{server.port};"),
                         *((("127.0.0.1/32 0;", "127.0.0.1/32 1;"),) if stranger else ()), *replace):
            if old not in conf:
                raise AssertionError(f"the proxy's configuration lacks {old!r}")
            conf = conf.replace(old, new)
        conf = re.sub(r"^  ssl_.*\n", "", conf, flags=re.MULTILINE)
        temporary = "".join(f"  {name}_temp_path {self.folder}/{name};\n"
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(
            f"{'user root;' if os.geteuid() == 0 else ''}\ndaemon off;\npid {self.folder}/pid;\nworker_processes "
            f"1;\nerror_log {self.folder}/error.log;\n"
            f"events {{ worker_connections 4096; }}\nhttp {{\n  access_log off;\n{temporary}{conf}}}\n",
            encoding="utf-8")
        self.process = subprocess.Popen(["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if not wait_for(self._listens, START_SECONDS):
            self.stop()
            raise AssertionError(f"nginx does not serve: {self.process.stderr.read().decode()}")

    def _listens(self):
        if self.process.poll() is not None:
            return True
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(STOP_SECONDS)
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Answer:
    def __init__(self, status, headers, body, request):
        self.status, self.headers, self.body, self.request = status, headers, body, request

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The code of a problem; None of another answer."""
        return self.json["code"] if self.status >= 400 else None

    @property
    def csv(self):
        """The rows as dictionaries; an empty field is ''."""
        return list(csv.DictReader(io.StringIO(self.text, newline="")))

    @property
    def next(self):
        """The target of Link rel="next", or None."""
        link = self.headers.get("Link")
        if link is None:
            return None
        match = re.fullmatch(r'<([^>]+)>; rel="next"', link)
        if not match:
            raise AssertionError(f"{self.request}: Link is {link!r}")
        return match.group(1)

    def expect(self, *statuses):
        if self.status not in statuses:
            raise AssertionError(f"{self.request}: {self.status}, not {statuses}: {self.body[:600]!r}")
        return self

    def __repr__(self):
        return f"{self.request}: {self.status} {self.body[:600]!r}"


def sent(connection, *request):
    """The response to a request. To a body that is too large it comes before all of that is sent."""
    try:
        connection.request(*request)
    except (BrokenPipeError, ConnectionResetError):
        if connection.sock is None:
            raise
    return connection.getresponse()


class Client:
    """One connection, kept alive; for one thread. `now` goes into Saldo-Now where the server has the test clock."""

    def __init__(self, server, token, now=NOW, checked=True, context=None, timeout=30):
        self.server, self.token, self.now, self.checked = server, token, now, checked
        self.used = time.monotonic()
        self.asking = threading.Lock()
        with Server.lock:
            server.clients.add(self)
        if server.scheme == "https":
            self.connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=timeout, context=context)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)

    def close(self):
        self.connection.close()

    def hang_up(self):
        """From another thread, perhaps: closes the connection if no request is under way."""
        if self.asking.acquire(blocking=False):
            self.close()
            self.asking.release()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def request(self, method, target, body=None, *, query=None, now=None, key=None, accept=None, headers=None):
        """The answer; a body of dict or list is sent as JSON, bytes as they are."""
        if query:
            target += "?" + urllib.parse.urlencode(query)
        fields = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.server.test_clock:
            fields["Saldo-Now"] = now or self.now
        if key is not None:
            fields["Idempotency-Key"] = key
        if accept is not None:
            fields["Accept"] = accept
        if body is not None:
            fields["Content-Type"] = "application/json"
            if not isinstance(body, bytes):
                body = json.dumps(body, ensure_ascii=False).encode()
        fields.update(headers or {})
        with self.asking:
            answer = self._ask(method, target, body, fields)
        if self.checked:
            problem = self.server.document.problem_with(method, target, answer)
            if problem:
                raise AssertionError(f"{answer}\n{problem}")
        return answer

    def _ask(self, method, target, body, headers):
        # The server closes a connection that is idle for a while; whoever waits longer opens another.
        if time.monotonic() - self.used > self.server.keep_alive / 2:
            self.connection.close()
        response = sent(self.connection, method, target, body, headers)
        answer = Answer(response.status, response.headers, response.read(), f"{method} {target}")
        self.used = time.monotonic()
        return answer

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def post(self, target, body=None, **options):
        return self.request("POST", target, body, **options)

    def put(self, target, body=None, **options):
        return self.request("PUT", target, body, **options)

    def patch(self, target, body=None, **options):
        return self.request("PATCH", target, body, **options)

    def delete(self, target, body=None, **options):
        return self.request("DELETE", target, body, **options)

    def pages(self, target, **options):
        """All pages of a list, by Link, to the end."""
        found = []
        while target is not None:
            answer = self.get(target, **options).expect(200)
            options.pop("query", None)
            found.append(answer.json)
            target = answer.next
            if len(found) > 1000:
                raise AssertionError(f"{answer.request}: the pages do not end")
        return found


class Witness:
    """Another client, who goes on asking while something happens: `slowest` is the longest it waited, in seconds."""

    def __init__(self, client, target):
        self.client, self.target = client, target
        self.slowest, self.asked, self.failure = 0.0, 0, None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._ask)

    def _ask(self):
        try:
            with self.client:
                while not self.done.is_set() or not self.asked:
                    start = time.monotonic()
                    self.client.get(self.target).expect(200)
                    self.slowest, self.asked = max(self.slowest, time.monotonic() - start), self.asked + 1
                    self.done.wait(0.02)
        except Exception as failure:  # of whatever kind: the test's thread tells it
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.done.set()
        self.thread.join()
        if self.failure and kind is None:
            raise AssertionError(f"another client was not served: {self.failure!r}") from self.failure


class Document:
    """The OpenAPI document: what it says of an answer. Knows as much of JSON Schema as the document uses."""

    def __init__(self, document):
        self.json = document
        # Under /pay/ payment systems speak protocols of their own, by tests of their own (test_pay*.py).
        self.routes = {(method.upper(), path) for path, item in document["paths"].items() for method in item
                       if method in ("get", "put", "post", "delete", "patch") and not path.startswith("/pay/")}
        # Literal segments win over parameters.
        self.paths = [(re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))), item)
                      for path, item in sorted(document["paths"].items(), key=lambda each: each[0].count("{"))]

    def resolve(self, node):
        while "$ref" in node:
            target = self.json
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operation(self, method, path):
        for pattern, item in self.paths:
            if pattern.fullmatch(path):
                return item.get(method.lower())
        return None

    def problem_with(self, method, target, answer):
        """What is wrong with an answer, in words, or None."""
        if answer.status >= 400:
            problem = problem_form(answer)
            if problem:
                return problem
        operation = self.operation(method, urllib.parse.urlsplit(target).path)
        if operation is None:
            return None
        documented = operation["responses"].get(str(answer.status))
        if documented is None:
            return f"{answer.status} is not documented for {operation['operationId']}"
        content = self.resolve(documented).get("content", {})
        if not content:
            return None if not answer.body else "a body where none is documented"
        media = (answer.headers.get("Content-Type") or "").split(";")[0]
        if media not in content:
            return f"Content-Type {media!r} is not documented"
        if media.endswith("json"):
            return self.mismatch(content[media].get("schema", {}), answer.json, "$")
        return None

    def mismatch(self, schema, value, where):
        """Where a value departs from its schema, or None."""
        schema = self.resolve(schema)
        types = schema.get("type")
        types = [types] if isinstance(types, str) else types
        if types and not any(is_of_type(value, each) for each in types):
            return f"{where} is {value!r}, documented as {types}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{where} is {value!r}, not one of {schema['enum']}"
        if isinstance(value, dict):
            missing = [name for name in schema.get("required", ()) if name not in value]
            if missing:
                return f"{where} lacks {missing}"
            properties = schema.get("properties", {})
            # A column that the document does not know is not documented.
            if properties and schema.get("additionalProperties") is not True:
                more = [name for name in value if name not in properties]
                if more:
                    return f"{where} has undocumented {more}"
            found = (self.mismatch(properties[name], each, f"{where}.{name}")
                     for name, each in value.items() if name in properties)
        elif isinstance(value, list) and "items" in schema:
            found = (self.mismatch(schema["items"], each, f"{where}[{index}]") for index, each in enumerate(value))
        else:
            return None
        return next(filter(None, found), None)


def is_of_type(value, name):
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    kinds = {"null": type(None), "boolean": bool, "integer": int, "number": (int, float), "string": str, "array": list,
             "object": dict}
    return isinstance(value, kinds[name])


def problem_form(answer):
    """What is wrong with the form of a problem answer (RFC 9457), in words, or None."""
    if answer.headers.get("Content-Type") != "application/problem+json":
        return f"a problem of Content-Type {answer.headers.get('Content-Type')!r}"
    if not answer.body:
        return None if answer.request.startswith("HEAD ") else "a problem without a body"
    problem = answer.json
    for name, kind in (("type", str), ("title", str), ("status", int), ("code", str), ("detail", str)):
        if not isinstance(problem.get(name), kind) or problem[name] == "":
            return f"a problem whose {name} is {problem.get(name)!r}"
    if problem["status"] != answer.status:
        return "status and body differ"
    if answer.status == 500:
        return "an internal error"
    if answer.status == 503 and not re.fullmatch(r"[1-9]\d*", answer.headers.get("Retry-After", "")):
        return "503 without Retry-After"
    if answer.status == 401 and not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
        return "401 without WWW-Authenticate"
    if re.search(r"\bSELECT\b.*\bFROM\b|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bUPDATE\b.*\bSET\b|\bDELETE\s+FROM\b|#0 "
                 r"|\.cpp\b"
                 r"|0x[0-9a-f]{6}", answer.text):
        return "a problem that tells SQL or a stack"
    for each in problem.get("errors", ()):
        if set(each) != {"name", "detail"}:
            return f"an entry of errors is {each!r}"
    return None


class ServerCase(unittest.TestCase):
    """Tests on one server for the class, with a client of each role: cls.crm, …, and cls.nobody, without a token.

    It is stopped by SIGTERM at the end, and has to leave with 0."""

    flags = ("--test-clock",)
    opening = OPENING
    now = NOW
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="saldo-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.server = cls.start(cls.folder / "saldo.db", *cls.flags)
        cls.addClassCleanup(cls.server.__exit__, None)
        for role in ROLES:
            setattr(cls, role, cls.server.client(role, now=cls.now))
        cls.nobody = cls.server.client(None, now=cls.now)
        for client in (*(getattr(cls, role) for role in ROLES), cls.nobody):
            cls.addClassCleanup(client.close)

    @classmethod
    def start(cls, database, *flags, opening=None):
        """A server on a fresh copy of the books."""
        tokens = Books.copy(database, opening or cls.opening)
        return Server(database, *flags, tokens=tokens)

    def fresh(self, *flags, opening=None, name="own"):
        """A server of the test's own, on books of its own, stopped when the test ends."""
        folder = tempfile.TemporaryDirectory(prefix="saldo-")
        self.addCleanup(folder.cleanup)
        server = self.start(pathlib.Path(folder.name) / f"{name}.db", *(flags or ("--test-clock",)), opening=opening)
        self.addCleanup(server.__exit__, None)
        return server

    def client(self, server, role, **options):
        client = server.client(role, **options)
        self.addCleanup(client.close)
        return client

    def company(self, client=None, **fields):
        """Registers a company; its account_id."""
        return (client or self.admin).post("/v1/accounts", {"name": "Ромашка", **fields}).expect(201).json["account_id"]

    def customer(self, client=None, employees=5, **fields):
        """A company that is active, with employees and the CRM, from today on."""
        client = client or self.admin
        account_id = self.company(client, **fields)
        client.put(f"/v1/accounts/{account_id}/headcount", {"employees": employees}).expect(201)
        client.put(f"/v1/accounts/{account_id}/subscriptions/crm", {}).expect(201)
        client.post(f"/v1/accounts/{account_id}/activate", {}).expect(201)
        return account_id

    def refused(self, answer, status, code, *named):
        """A problem of that status and code, that names these things."""
        self.assertEqual((status, code), (answer.status, answer.code), answer)
        for each in named:
            self.assertIn(str(each), answer.text, answer)

    def sql(self, sql, *params, client=None):
        """The rows of a query, by /v1/sql."""
        return (client or self.admin).post("/v1/sql", {"sql": sql, "params": list(params)}).expect(200).json["rows"]

    def count(self, table, client=None):
        return self.sql(f"SELECT count(*) FROM {table}", client=client)[0][0]


def make_older(database):
    """As an older version has installed it, of which there is none yet: without what the newest is taken to have
    brought. `saldod install` makes views and triggers anew; what becomes of tables a real upgrade says itself
    (tests/upgrade/)."""
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.executescript("PRAGMA user_version = 0; DROP TRIGGER payment_refuse_update; DROP VIEW debtor")


def peek(database, sql, *params):
    """The rows of a query, asked of the file itself, past the server and without the extension."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return connection.execute(sql, params).fetchall()
    finally:
        connection.close()


def alter(database, sql, *params):
    """Changes something behind the server's back, past the checks of the schema."""
    connection = sqlite3.connect(database, timeout=30, isolation_level=None)
    try:
        for name in ("saldo_check", "saldo_refuse", "saldo_check_id", "saldo_are_notice_kinds"):
            connection.create_function(name, -1, lambda *_: None)
        connection.execute(sql, params)
    finally:
        connection.close()


def wait_for(condition, seconds=15, every=0.05):
    """Until the condition gives something true, and that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(every)
