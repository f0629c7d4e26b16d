"""An etcd of several members on loopback, and nodes of saldod that follow a log in it."""

import atexit
import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))

from server import OPENING, ROOT, Books, Server, bound, must, wait_for  # noqa: E402

EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
KEY = "saldo/log"
START_SECONDS = 60
# What etcd takes by default makes members of a busy machine hold elections without need.
PACE = ("--heartbeat-interval", "150", "--election-timeout", "1500")
PACE_ALONE = ("--heartbeat-interval", "10", "--election-timeout", "100")
# Of those who apply the same once more: farther than any time that a request tells.
OTHER_CLOCK_SECONDS = 400 * 86400

# Whoever ends a test has it clear away what it has begun.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def fetch(request, timeout, context):
    with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
        return json.load(answer)


def make_certificates(folder, hosts):
    """An authority, and a certificate of this machine that both etcd and its clients show."""
    def openssl(*arguments):
        subprocess.run([*bound(), "openssl", *map(str, arguments)], check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout",
            folder / "ca.key", "-out", folder / "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=", "-keyout", folder / "node.key", "-out",
            folder / "node.csr")
    (folder / "extensions").write_text(
        "subjectAltName=" + ",".join(f"IP:{host}" for host in hosts) + "\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("x509", "-req", "-days", "2", "-in", folder / "node.csr", "-CA", folder / "ca.pem", "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-extfile", folder / "extensions", "-out", folder / "node.pem")


def encode_put(node, build, entries, clock=None, seen=None):
    """A put as a node makes it; entries as (kind, fields)."""
    instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10))
    put = {"v": 1, "id": os.urandom(16).hex(), "node": node, "build": build,
           "seen": seen or {"number": 0, "chain": "", "day": "", "digest": ""},
           "clock": round(time.time() * 1000) if clock is None else clock,
           "entries": [{"id": os.urandom(16).hex(), "kind": kind, "at": instant, "by": later, **fields}
                       for kind, fields in entries]}
    text = json.dumps(put, ensure_ascii=False, separators=(",", ":"))
    return (text[:-1] + f',"sum":"{hashlib.sha256(text.encode()).hexdigest()}"}}').encode()


class Etcd:
    """Members 0, 1, …, each a process that can be killed, frozen and started again."""

    def __init__(self, members=3, token="saldo", tls=False, hosts=None, flags=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-etcd-"))
        self.tls = tls
        self.hosts = hosts or ["127.0.0.1"] * members
        if tls:
            make_certificates(self.folder, sorted({"127.0.0.1", *self.hosts}))
        ports = free_ports(2 * members)
        self.clients, self.peers = ports[:members], ports[members:]
        self.token, self.flags = token, flags
        self.processes = [None] * members
        atexit.register(self.close)
        for member in range(members):
            self.start(member)
        if not wait_for(self.is_ready, START_SECONDS):
            raise AssertionError(f"etcd does not start: {self.log(0)}")

    @property
    def url(self):
        return "etcd://" + ",".join(f"{host}:{port}" for host, port in zip(self.hosts, self.clients))

    def prefix(self, member):
        """What a member is run by."""
        return ()

    def inside(self, ask):
        """Asks something where the members are reached."""
        return ask()

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def tls_flags(self):
        """Those of etcd."""
        if not self.tls:
            return ()
        return ("--cert-file", self.folder / "node.pem", "--key-file", self.folder / "node.key",
                "--trusted-ca-file", self.folder / "ca.pem", "--client-cert-auth")

    @property
    def log_flags(self):
        """Those of saldod."""
        if not self.tls:
            return ("--log", self.url)
        return ("--log", self.url, "--log-ca", self.folder / "ca.pem", "--log-cert", self.folder / "node.pem",
                "--log-key", self.folder / "node.key", "--log-user", self.folder / "user")

    def start(self, member):
        name = f"m{member}"
        cluster = ",".join(f"m{i}=http://{self.hosts[i]}:{port}" for i, port in enumerate(self.peers))
        host, client, peer = self.hosts[member], self.clients[member], self.peers[member]
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[member] = subprocess.Popen(
                [*bound(), *self.prefix(member), "etcd", "--name", name,
                 *(PACE if len(self.clients) > 1 else PACE_ALONE), "--data-dir", self.folder / name,
                 "--listen-client-urls", f"{self.scheme}://{host}:{client}",
                 "--advertise-client-urls", f"{self.scheme}://{host}:{client}", *self.tls_flags,
                 "--listen-peer-urls", f"http://{host}:{peer}",
                 "--initial-advertise-peer-urls", f"http://{host}:{peer}",
                 "--initial-cluster", cluster, "--initial-cluster-token", self.token, *self.flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self, member):
        return (self.folder / f"m{member}.log").read_text(errors="replace")[-2000:]

    def send(self, member, what):
        self.processes[member].send_signal(what)

    def kill(self, member):
        self.processes[member].kill()
        self.processes[member].wait()

    def ask(self, path, question, member=None, timeout=5, token=""):
        """The gateway's answer of a member, or of the first that answers; None: none does."""
        context = None
        if self.tls:
            context = ssl.create_default_context(cafile=self.folder / "ca.pem")
            context.load_cert_chain(self.folder / "node.pem", self.folder / "node.key")
        for each in range(len(self.clients)) if member is None else [member]:
            url = f"{self.scheme}://{self.hosts[each]}:{self.clients[each]}{path}"
            headers = {"Content-Type": "application/json", **({"Authorization": token} if token else {})}
            request = urllib.request.Request(url, json.dumps(question).encode(), headers)
            try:
                return self.inside(lambda: fetch(request, timeout, context))
            except (OSError, urllib.error.URLError):
                continue
        return None

    def is_ready(self):
        return self.ask("/v3/kv/range", {"key": base64.b64encode(b"x").decode()}, timeout=1) is not None

    def demand_user(self):
        """From now on etcd asks who it is."""
        (self.folder / "user").write_text("root:secret\n")
        for path, question in (("user/add", {"name": "root", "password": "secret"}),
                               ("role/add", {"name": "root"}),
                               ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
            if self.ask(f"/v3/auth/{path}", question) is None:
                raise AssertionError(f"etcd refuses {path}")

    def leader(self):
        """The number of the member that leads; None: none does."""
        for member in range(len(self.clients)):
            status = self.ask("/v3/maintenance/status", {}, member, timeout=1)
            if status and status.get("leader") == status["header"]["member_id"]:
                return member
        return None

    def get(self):
        """The log's newest put as etcd has it."""
        return self.ask("/v3/kv/range", {"key": base64.b64encode(KEY.encode()).decode()})["kvs"][0]

    def entries(self):
        """All in the log that etcd still has."""
        newest = self.get()
        for revision in range(int(newest["create_revision"]), int(newest["mod_revision"]) + 1):
            there = self.ask("/v3/kv/range", {"key": newest["key"], "revision": str(revision)})["kvs"][0]
            yield from json.loads(base64.b64decode(there["value"]))["entries"]

    def fill(self):
        """Puts something else, until the quota is reached."""
        megabyte = base64.b64encode(os.urandom(1 << 20)).decode()
        while self.ask("/v3/kv/put", {"key": base64.b64encode(b"more").decode(), "value": megabyte}) is not None:
            pass

    def make_room(self):
        """As the README says."""
        revision = self.ask("/v3/maintenance/status", {})["header"]["revision"]
        alarms = self.ask("/v3/maintenance/alarm", {"action": "GET"})["alarms"]
        for path, question in (("kv/compaction", {"revision": revision, "physical": True}),
                               ("maintenance/defragment", {}),
                               *(("maintenance/alarm", {"action": "DEACTIVATE", **each}) for each in alarms)):
            if self.ask(f"/v3/{path}", question, timeout=60) is None:
                raise AssertionError(f"etcd refuses {path}")

    def put(self, text):
        """The put's number in the log."""
        key = base64.b64encode(KEY.encode()).decode()
        done = self.ask("/v3/kv/put", {"key": key, "value": base64.b64encode(text).decode(), "prev_kv": True})
        return int(done["prev_kv"]["version"]) + 1

    def delete(self):
        return self.ask("/v3/kv/deleterange", {"key": base64.b64encode(KEY.encode()).decode()})

    def compact(self, revision):
        return self.ask("/v3/kv/compaction", {"revision": str(revision)})

    def close(self):
        atexit.unregister(self.close)
        for process in filter(None, self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Node:
    """A file that follows the log, and the server on it, if it runs."""

    FLAGS = ("--spread", "200ms", "--notice-every", "10m")

    def __init__(self, etcd, name, folder, tokens, flags=FLAGS):
        self.etcd, self.name, self.tokens, self.flags = etcd, name, tokens, flags
        self.database = pathlib.Path(folder) / f"{name}.db"
        self.server = None

    @property
    def log_flags(self):
        return (*self.etcd.log_flags, "--node", self.name)

    def start(self, *flags):
        self.server = Server(self.database, *self.log_flags, *self.flags, *flags, tokens=self.tokens)
        return self

    def client(self, role=None, **options):
        return self.server.client(role, **options)

    def ask(self, method, path, body=None, key=None):
        """The answer; None: the node is not there, or does not answer."""
        server = self.server
        if server is None:
            return None
        try:
            with server.client("admin", checked=False, timeout=25) as client:
                return client.request(method, path, body, key=key)
        except (OSError, http.client.HTTPException):
            return None

    def health(self):
        with self.client(checked=False) as client:
            return client.get("/healthz")

    def is_well(self):
        return self.problem() is None

    def problem(self):
        """What it says is wrong, with writes alone or with all."""
        answer = self.health()
        return (answer.json["log"] if answer.status == 200 else answer.json).get("detail")

    def number(self):
        return self.health().json["log"]["number"]

    def kill(self):
        self.server.kill()
        self.server = None

    def stop(self):
        if self.server is not None:
            status = self.server.stop()
            self.server = None
            if status != 0:
                raise AssertionError(f"{self.name} left with {status}")


class Cluster:
    """Three nodes with the books of the other tests, all well."""

    def __init__(self, members=3, nodes=3, flags=Node.FLAGS, start=True, etcd=None, opening=OPENING):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-cluster-"))
        self.etcd = etcd or Etcd(members)
        self.nodes = []
        atexit.register(self.close)
        first = self.folder / "n0.db"
        tokens = Books.copy(first, opening)
        must("log", "init", "--database", first, *self.etcd.log_flags, "--node", "n0")
        self.nodes = [Node(self.etcd, f"n{i}", self.folder, tokens, flags) for i in range(nodes)]
        backup = self.folder / "first.backup"
        must("backup", "--database", first, backup)
        for node in self.nodes[1:]:
            must("log", "join", "--database", node.database, *node.log_flags, backup)
        if start:
            for node in self.nodes:
                node.start()
            self.expect_well()

    def expect_well(self, nodes=None, seconds=60):
        for node in nodes or self.nodes:
            if not wait_for(node.is_well, seconds):
                raise AssertionError(f"{node.name}: {node.problem()}; {node.server.log()[-3000:]}")

    def expect_together(self, seconds=60):
        """Until all have applied the same."""
        running = [node for node in self.nodes if node.server is not None]
        if not wait_for(lambda: len({node.number() for node in running}) == 1, seconds):
            raise AssertionError({node.name: node.number() for node in running})

    def hold(self):
        """Freezes etcd at a moment when all have applied the same: what nodes tell each other goes on for ever."""
        for _ in range(100):
            self.expect_together()
            for member in range(len(self.etcd.processes)):
                self.etcd.send(member, signal.SIGSTOP)
            time.sleep(0.3)  # what is on its way arrives
            if len({node.number() for node in self.nodes if node.server is not None}) == 1:
                return
            for member in range(len(self.etcd.processes)):
                self.etcd.send(member, signal.SIGCONT)
        raise AssertionError("the nodes do not come together")

    def close(self):
        atexit.unregister(self.close)
        for node in self.nodes:
            if node.server is not None:
                node.server.process.send_signal(signal.SIGCONT)
                node.kill()
        self.etcd.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_other(database):
    """Other pages, and tables that were analysed: SQLite may choose other plans for the same."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    for sql in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 1024", "VACUUM", "ANALYZE"):
        connection.execute(sql)
    if connection.execute("PRAGMA page_size").fetchone() != (1024,):
        raise AssertionError("the pages are as they were")
    connection.close()


@contextlib.contextmanager
def other_surroundings(seconds=OTHER_CLOCK_SECONDS):
    """What is started meanwhile has another clock, time zone and language. The value sets that clock once more."""
    with tempfile.TemporaryDirectory(prefix="saldo-clock-") as folder:
        library, shift = pathlib.Path(folder) / "other_surroundings.so", pathlib.Path(folder) / "shift"
        shift.write_text(f"{seconds:<16}")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE / "other_surroundings.c"], check=True)
        before = dict(os.environ)
        os.environ.update(TZ="Asia/Tokyo", LC_ALL="C", LD_PRELOAD=str(library),
                          SALDO_CLOCK_SHIFT=str(shift))
        try:
            yield lambda other: shift.write_text(f"{other:<16}")
        finally:
            os.environ.clear()
            os.environ.update(before)


def dump(database):
    """All rows of all tables, in the order of their rowids or keys; but of what each node's search has yet to do."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        names = [name for name, in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' AND "
            "name <> 'search_queue' ORDER BY name")]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    finally:
        connection.close()


def first_difference(one, other):
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            for left, right in zip(one.get(name, ()), other.get(name, ())):
                if left != right:
                    return name, left, right
            return name, len(one.get(name, ())), len(other.get(name, ()))
    return None


def tamper(database, sql):
    """Changes something past the checks of the schema, whichever functions they call."""
    connection = sqlite3.connect(database, timeout=30, isolation_level=None)
    try:
        while True:
            try:
                connection.execute(sql)
                return
            except sqlite3.OperationalError as error:
                missing = re.fullmatch(r"no such function: (\w+)", str(error))
                if not missing:
                    raise
                connection.create_function(missing.group(1), -1, lambda *_: None)
    finally:
        connection.close()
