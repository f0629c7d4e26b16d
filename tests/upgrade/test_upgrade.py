#!/usr/bin/python3
"""Books of every released version of the schema open, are upgraded, and are as they were.

VERSION.db.gz holds books that this version's own code made and closed days of (`test_upgrade.py --make`, with the code
of today, when a version is new). Each is upgraded by saldo_install, verified, compared with itself, and goes on. An
upgrade that is interrupted leaves the file as it was. The newest one's schema is today's: whoever changes sql/ after a
release sees this fail, raises kSchemaVersion, says in upgrade() what becomes of the tables, and adds a file of the new
version. (tests/sql/upgrade.test has the refusals: another opening day, a newer version.)

Seen to fail: a trigger changed in sql/triggers.sql, without a new version: ('payment_refuse_update', 'trigger is not
as installed').
"""

import gzip
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
SALDOD = os.environ.get("SALDOD", str(ROOT / "build" / "saldod"))
OPENING = "2026-03-02"
# Of tables and views that any version has.
PLAIN = (
    "SELECT * FROM day_close ORDER BY day", "SELECT * FROM charge ORDER BY day, account_id, service_id",
    "SELECT * FROM balance ORDER BY 1", "SELECT * FROM ledger ORDER BY 1, 2, 3",
    "SELECT * FROM monthly_statement ORDER BY 1, 2",
    "SELECT * FROM superseded ORDER BY 1")
QUESTIONS = PLAIN + (
    "SELECT * FROM daily_charge WHERE day <= '2026-04-30' ORDER BY account_id, day, service_id",
    "SELECT account_id, day, state, balance, arrears_since FROM access_state"
    " WHERE day BETWEEN '2026-03-02' AND '2026-04-30'"
    " ORDER BY 1, 2")


def extended(path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    return connection


def books_of_today(path):
    """The small books of tests/support/closed_books.h, and their closed days."""
    text = (ROOT / "tests" / "support" / "closed_books.h").read_text(encoding="utf-8")
    first, later = re.findall(r'R"sql\((.*?)\)sql"', text, re.DOTALL)
    connection = extended(path)
    connection.execute("PRAGMA page_size = 1024")
    connection.executescript(first)
    for day in range(2, 12):
        connection.execute("INSERT INTO day_close(day, closed_at) SELECT ?1, day_end(?1)", (f"2026-03-{day:02}",))
    connection.executescript(later)
    connection.execute("VACUUM")
    connection.close()


def content(path):
    """The file but for its change counter, which a commit of nothing raises (bytes 24 to 27, repeated in 92 to 95)."""
    data = path.read_bytes()
    return data[:24] + data[28:92] + data[96:]


def answers(connection):
    return {sql: connection.execute(sql).fetchall() for sql in QUESTIONS}


class Upgraded(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="saldo-upgrade-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.files = sorted(HERE.glob("*.db.gz"), key=lambda each: int(each.name.split(".")[0]))
        self.assertTrue(self.files)

    def unpack(self, file):
        path = self.folder / file.name.removesuffix(".gz")
        path.write_bytes(gzip.decompress(file.read_bytes()))
        return path

    def open(self, path):
        connection = extended(path)
        self.addCleanup(connection.close)
        return connection

    def test_each_version(self):
        """And the newest as if it were older: its triggers and views are made anew."""
        for file, older in [(each, False) for each in self.files] + [(self.files[-1], True)]:
            with self.subTest(file.name, older=older):
                path = self.unpack(file)
                connection = self.open(path)
                if older:
                    connection.executescript("PRAGMA user_version = 0; DROP TRIGGER payment_refuse_update;"
                                             " DROP VIEW debtor")
                before = [connection.execute(sql).fetchall() for sql in PLAIN]
                self.assertGreater(len(before[1]), 20)
                connection.execute("SELECT saldo_install(?)", (OPENING,))
                self.assertEqual(before, [connection.execute(sql).fetchall() for sql in PLAIN])
                self.assertEqual([], connection.execute("SELECT * FROM audit WHERE violations <> 0").fetchall())
                after = answers(connection)
                connection.execute("SELECT saldo_install(?)", (OPENING,))
                self.assertEqual(after, answers(connection))
                connection.execute("INSERT INTO day_close(day, closed_at)"
                                   " SELECT open_day, day_end(open_day) FROM books")
                connection.close()
                done = subprocess.run([SALDOD, "verify", "--database", path], capture_output=True, text=True,
                                      check=False)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_an_upgrade_that_is_interrupted(self):
        """At each of many steps."""
        path = self.unpack(self.files[-1])
        with extended(path) as connection:
            connection.execute("PRAGMA user_version = 0")
        connection.close()
        before = content(path)
        interrupted = 0
        for steps in range(1, 400, 23):
            connection = self.open(path)
            left = [steps]

            def interrupt(left=left):
                left[0] -= 1
                return left[0] < 0
            connection.set_progress_handler(interrupt, 200)
            try:
                connection.execute("SELECT saldo_install(?)", (OPENING,))
            except sqlite3.OperationalError as error:
                self.assertIn("interrupted", str(error))
                interrupted += 1
            else:
                break
            finally:
                connection.close()
            self.assertEqual(before, content(path))
        self.assertGreater(interrupted, 2)

    def test_the_newest_is_of_today(self):
        connection = self.open(self.unpack(self.files[-1]))
        version = int(self.files[-1].name.split(".")[0])
        self.assertEqual([(version,)], connection.execute("PRAGMA user_version").fetchall())
        self.assertEqual([], connection.execute("SELECT * FROM audit_schema").fetchall())


def make():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "books.db"
        books_of_today(path)
        with sqlite3.connect(path) as connection:
            version, = connection.execute("PRAGMA user_version").fetchone()
        (HERE / f"{version}.db.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        print(f"made {version}.db.gz")


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        make()
    else:
        unittest.main()
