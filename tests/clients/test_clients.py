#!/usr/bin/python3
"""Clients nobody here wrote load the extension, make the same books and get the same answers: the sqlite3 shell and
Python's sqlite3 module. (better_sqlite3.test.mjs: Node's better-sqlite3.) The extension is SALDO_EXTENSION, or
build/saldo.so.

Python must have been built with loadable extensions, as Debian's /usr/bin/python3 is."""

import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
EXTENSION = os.environ.get("SALDO_EXTENSION", str(HERE.parent.parent / "build" / "saldo.so"))
BOOKS = HERE / "books.sql"
QUESTIONS = json.loads((HERE / "questions.json").read_text(encoding="utf-8"))


class ShellError(Exception):
    pass


class Shell:
    """The sqlite3 shell, a process for every script."""

    def __init__(self, database):
        self.database = database

    def script(self, sql):
        done = subprocess.run(
            ["sqlite3", "-batch", "-bail", "-json", "-cmd", f".load {EXTENSION}", self.database],
            input=sql, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode != 0 or done.stderr:
            raise ShellError(done.stderr)
        return done.stdout

    def rows(self, sql):
        text = self.script(sql)
        return [list(row.values()) for row in json.loads(text)] if text.strip() else []

    def error_of(self, sql):
        try:
            self.script(sql)
        except ShellError as error:
            # "Runtime error near line 1: day_closed: …"
            return str(error).split(": ", 1)[1]
        return None

    def close(self):
        pass


class Python:
    """The sqlite3 module of Python's standard library."""

    def __init__(self, database):
        self.connection = sqlite3.connect(database, isolation_level=None)
        self.connection.enable_load_extension(True)
        self.connection.load_extension(EXTENSION)
        self.connection.enable_load_extension(False)

    def script(self, sql):
        self.connection.executescript(sql)

    def rows(self, sql):
        return [list(row) for row in self.connection.execute(sql)]

    def error_of(self, sql):
        try:
            self.connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            return str(error)
        return None

    def close(self):
        self.connection.close()


class Clients(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def books(self, client_class):
        database = str(self.folder / f"{client_class.__name__}.db")
        client = client_class(database)
        self.addCleanup(client.close)
        client.script(BOOKS.read_text(encoding="utf-8"))
        return database, client

    def check_answers(self, client):
        for question in QUESTIONS:
            with self.subTest(question["sql"]):
                if "error" in question:
                    error = client.error_of(question["sql"])
                    self.assertTrue((error or "").startswith(question["error"]), error)
                else:
                    self.assertEqual(question["rows"], client.rows(question["sql"]))

    def check_digests_without_extension(self, database):
        done = subprocess.run([sys.executable, str(HERE.parent.parent / "extension" / "digest.py"), database],
                              capture_output=True, text=True, encoding="utf-8", check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))

    def test_shell(self):
        database, client = self.books(Shell)
        self.check_answers(client)
        self.check_digests_without_extension(database)

    def test_python(self):
        database, client = self.books(Python)
        self.check_answers(client)
        self.check_digests_without_extension(database)

    def test_same_digests(self):
        digests = "SELECT day, digest FROM day_close ORDER BY day"
        shell, python = (self.books(client)[1].rows(digests) for client in (Shell, Python))
        self.assertEqual(4, len(shell))
        self.assertEqual(shell, python)

    def test_each_reads_what_the_other_wrote(self):
        for writer, reader in ((Shell, Python), (Python, Shell)):
            client = reader(self.books(writer)[0])
            self.addCleanup(client.close)
            self.check_answers(client)

    def test_without_the_extension(self):
        database, _ = self.books(Python)
        bare = sqlite3.connect(database, isolation_level=None)
        self.addCleanup(bare.close)
        self.assertEqual([("ok",)], bare.execute("PRAGMA integrity_check").fetchall())
        self.assertEqual(-11533, bare.execute("SELECT balance FROM account_balance WHERE account_id = 4").fetchone()[0])
        self.assertEqual(11, bare.execute("SELECT count(*) FROM ledger WHERE kind = 'charge' AND service_id = 'crm'"
                                          " AND day <> '2026-05-01' OR kind = 'payment'").fetchone()[0])
        for table in ("headcount", "payment", "charge", "day_close", "account"):
            with self.subTest(table), self.assertRaises(sqlite3.OperationalError):
                bare.execute(f"INSERT INTO {table} SELECT * FROM {table}")

    def test_digest_py_finds_an_alteration(self):
        database, client = self.books(Python)
        client.close()
        bare = sqlite3.connect(database, isolation_level=None)
        for (trigger,) in bare.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'"
                                       " AND tbl_name = 'payment'").fetchall():
            bare.execute(f'DROP TRIGGER "{trigger}"')
        bare.execute("UPDATE payment SET amount = amount + 1 WHERE payment_id = 2")
        bare.close()
        done = subprocess.run([sys.executable, str(HERE.parent.parent / "extension" / "digest.py"), database],
                              capture_output=True, text=True, encoding="utf-8", check=False)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, "^2026-04-29: stored .*\n$")

    def test_digest_py_reads_only_what_is_there(self):
        with tempfile.TemporaryDirectory(prefix="saldo-digest-") as folder:
            folder = pathlib.Path(folder)
            (folder / "empty.db").touch()
            (folder / "text").write_text("no database", encoding="utf-8")
            sentence = r"\A\S+ holds no books that can be read: .*\n\Z"
            for argument, code, out, error in (
                    ("missing?mode=rwc&.db", 1, r"\A\Z", sentence), ("empty.db", 1, r"\A\Z", sentence),
                    ("text", 1, r"\A\Z", sentence), ("--help", 0, r"\Ausage: ", r"\A\Z"),
                    (None, 2, r"\A\Z", r"\Ausage: ")):
                with self.subTest(argument):
                    done = subprocess.run([sys.executable, str(HERE.parent.parent / "extension" / "digest.py"),
                                           *([argument] if argument else [])],
                                          cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
                    self.assertEqual(code, done.returncode, done)
                    self.assertRegex(done.stdout, out)
                    self.assertRegex(done.stderr, error)
            self.assertEqual({"empty.db", "text"}, {path.name for path in folder.iterdir()})
            self.assertEqual(0, (folder / "empty.db").stat().st_size)


if __name__ == "__main__":
    unittest.main()
