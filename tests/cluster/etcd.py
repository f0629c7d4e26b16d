"""An etcd of several members on loopback, and nodes of saldod that follow a log in it."""

import base64
import json
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "http"))

from server import Books, Server, must, wait_for  # noqa: E402

KEY = "saldo/log"
START_SECONDS = 60


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Etcd:
    """Members 0, 1, …, each a process that can be killed, frozen and started again."""

    def __init__(self, members=3, token="saldo"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-etcd-"))
        ports = free_ports(2 * members)
        self.clients, self.peers = ports[:members], ports[members:]
        self.token = token
        self.processes = [None] * members
        for member in range(members):
            self.start(member)
        if not wait_for(self.is_ready, START_SECONDS):
            raise AssertionError(f"etcd does not start: {self.log(0)}")

    @property
    def url(self):
        return "etcd://" + ",".join(f"127.0.0.1:{port}" for port in self.clients)

    def start(self, member):
        name = f"m{member}"
        cluster = ",".join(f"m{i}=http://127.0.0.1:{port}" for i, port in enumerate(self.peers))
        client, peer = self.clients[member], self.peers[member]
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[member] = subprocess.Popen(
                ["etcd", "--name", name, "--data-dir", self.folder / name,
                 "--listen-client-urls", f"http://127.0.0.1:{client}",
                 "--advertise-client-urls", f"http://127.0.0.1:{client}",
                 "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                 "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                 "--initial-cluster", cluster, "--initial-cluster-token", self.token],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self, member):
        return (self.folder / f"m{member}.log").read_text(errors="replace")[-2000:]

    def send(self, member, what):
        self.processes[member].send_signal(what)

    def kill(self, member):
        self.processes[member].kill()
        self.processes[member].wait()

    def ask(self, path, question, member=None, timeout=5):
        """The gateway's answer of a member, or of the first that answers; None: none does."""
        for port in self.clients if member is None else [self.clients[member]]:
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(question).encode(),
                                             {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=timeout) as answer:
                    return json.load(answer)
            except (OSError, urllib.error.URLError):
                continue
        return None

    def is_ready(self):
        return self.ask("/v3/kv/range", {"key": base64.b64encode(b"x").decode()}, timeout=1) is not None

    def get(self):
        """The log's newest put as etcd has it."""
        return self.ask("/v3/kv/range", {"key": base64.b64encode(KEY.encode()).decode()})["kvs"][0]

    def put(self, text):
        key = base64.b64encode(KEY.encode()).decode()
        return self.ask("/v3/kv/put", {"key": key, "value": base64.b64encode(text).decode()})

    def delete(self):
        return self.ask("/v3/kv/deleterange", {"key": base64.b64encode(KEY.encode()).decode()})

    def compact(self, revision):
        return self.ask("/v3/kv/compaction", {"revision": str(revision)})

    def close(self):
        for process in self.processes:
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
        return ("--log", self.etcd.url, "--node", self.name)

    def start(self, *flags):
        self.server = Server(self.database, *self.log_flags, *self.flags, *flags, tokens=self.tokens)
        return self

    def client(self, role=None, **options):
        return self.server.client(role, **options)

    def health(self):
        with self.client(checked=False) as client:
            return client.get("/healthz")

    def is_well(self):
        return self.health().status == 200

    def problem(self):
        answer = self.health()
        return answer.json.get("detail") if answer.status != 200 else None

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

    def __init__(self, members=3, nodes=3, flags=Node.FLAGS, start=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-cluster-"))
        self.etcd = Etcd(members)
        self.nodes = []
        first = self.folder / "n0.db"
        tokens = Books.copy(first)
        must("log", "init", "--database", first, "--log", self.etcd.url, "--node", "n0")
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
        for node in self.nodes:
            if node.server is not None:
                node.server.process.send_signal(signal.SIGCONT)
                node.kill()
        self.etcd.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def dump(database):
    """All rows of all tables, in the order of their rowids or keys."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        names = [name for name, in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' ORDER BY name")]
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
