#!/usr/bin/python3
"""Tests of the HTTP server once more, with a log: each file follows one in an etcd of its own, and when its server
stops, a twin of the file, of other pages, with tables that were analysed, under another clock and in another time zone
and language, applies the log, and must have the same rows.

  replayed.py FILE…     such as test_routes.py test_repetition.py

Some tests do what no node may, and fail here for that: they write to the file past the server, go back in time (by a
log time only goes on), or start it with routes that differ from those of its last start."""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "http"))

import etcd  # noqa: E402
import server  # noqa: E402

PLAIN = server.Server
LOGS = {}


def is_ready(health):
    return not any(told in health.get("detail", "") for told in ("catches up", "waits for"))


class Followed:
    """A log, and the file's twin."""

    def __init__(self, database):
        self.etcd = etcd.Etcd(1)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-twin-"))
        self.twin = self.folder / "twin.db"
        backup = self.folder / "backup"
        if server.peek(database, "SELECT 1 FROM sqlite_schema WHERE name = 'log_state'"):
            server.must("log", "leave", "--database", database)  # a copy of another test's file
        server.must("log", "init", "--database", database, *self.etcd.log_flags, "--node", "a")
        server.must("backup", "--database", database, backup)
        server.must("log", "join", "--database", self.twin, *self.etcd.log_flags, "--node", "b", backup)
        etcd.make_other(self.twin)

    def apply(self, database, node, routes):
        """All that is in the log."""
        newest = int(self.etcd.get()["version"])
        with PLAIN(database, *self.etcd.log_flags, "--node", node, "--test-clock", "--spread", "100h",
                   *routes) as follower, server.Client(follower, None, checked=False) as client:
            def there():
                health = client.get("/healthz").json
                return health["log"]["number"] >= newest and is_ready(health)
            if not server.wait_for(there, 60):
                raise AssertionError(f"{node}: {client.get('/healthz').json}; {follower.log()[-2000:]}")
            detail = client.get("/healthz").json.get("detail", "")
            if "differ" in detail:
                raise AssertionError(f"{node}: {detail}")

    def compare(self, database, routes):
        with etcd.other_surroundings():
            self.apply(self.twin, "b", routes)
        # What it had sent when it was stopped, and its twin's mark.
        self.apply(database, "a", routes)
        with etcd.other_surroundings():
            self.apply(self.twin, "b", routes)
        # Their last marks are not in both.
        files = [{name: rows for name, rows in etcd.dump(each).items() if not name.startswith("log_")}
                 for each in (database, self.twin)]
        difference = etcd.first_difference(*files)
        if difference:
            raise AssertionError(f"the twin differs: {difference}")

    def close(self):
        self.etcd.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class FollowingServer(PLAIN):
    count = 0

    def __init__(self, database, *flags, tokens=None):
        self.path = pathlib.Path(database).resolve()
        if self.path not in LOGS:
            LOGS[self.path] = Followed(self.path)
        self.routes = [text for flag, value in zip(flags, flags[1:]) if flag == "--routes" for text in (flag, value)]
        super().__init__(database, *flags, *LOGS[self.path].etcd.log_flags, "--node", "a", "--spread", "0ms",
                         tokens=tokens)
        with server.Client(self, None, checked=False) as client:
            if not server.wait_for(lambda: is_ready(client.get("/healthz").json), 60):
                raise AssertionError(self.log())

    def stop(self, seconds=server.STOP_SECONDS):
        if self.process.poll() is not None:
            return super().stop(seconds)
        status = super().stop(seconds)
        FollowingServer.count += 1
        LOGS[self.path].compare(self.path, self.routes)
        return status


def make_books(self, opening, make=server.Books.__init__):
    """Those that are copied follow no log."""
    server.Server = PLAIN
    try:
        make(self, opening)
    finally:
        server.Server = FollowingServer


def without_log(content):
    return lambda *which: {name: rows for name, rows in content(*which).items() if not name.startswith("log_")}


def main():
    server.Server = FollowingServer
    server.Books.__init__ = make_books
    found = [unittest.defaultTestLoader.discover(str(HERE.parent / "http"), pattern=pattern)
             for pattern in sys.argv[1:]]
    # What tests compare files by: without what a log adds.
    for module in list(sys.modules.values()):
        if getattr(module, "content", None) and module.__name__.startswith("test_"):
            module.content = without_log(module.content)
    result = unittest.TextTestRunner(verbosity=1).run(unittest.TestSuite(found))
    print(f"{FollowingServer.count} times applied twice", file=sys.stderr)
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    if not shutil.which("etcd"):
        sys.exit("replayed.py: etcd is not here; .ci/install tests installs it")
    os.chdir(HERE.parent / "http")
    main()
