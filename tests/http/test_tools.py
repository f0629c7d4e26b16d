"""Books pass from one of our tools to another, in every order: the sqlite3 shell in each journal mode, the server, and
the commands of saldod. After each step the books hold what was written, and no audit finds anything."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from server import ROOT, Server, create_token, day_end, day_plus, must, saldod

EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
BOOKS = ROOT / "tests" / "clients" / "books.sql"
OPENING, CLOSED = "2026-04-28", "2026-05-01"  # of those books
NOBODY = 65534
COMMAND_SECONDS_MAX = 120


def run(*command, text=None, **options):
    done = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, encoding="utf-8",
                          timeout=COMMAND_SECONDS_MAX, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def shell(database, script, *flags):
    return run("sqlite3", "-batch", "-bail", *flags, "-cmd", f".load {EXTENSION}", database, text=script)


class Books:
    """A file, and what it is to hold."""

    charges = {}  # of each day, as the first tool that closed it posted them

    def __init__(self, case, database):
        self.case, self.database = case, database
        self.paid, self.closed = 100_000, CLOSED
        self.payments = 0

    def take(self, amount):
        self.payments += 1
        self.paid += amount

    def check(self):
        """The books are as told, by a shell that only reads."""
        read = shell(self.database, """.mode json
            SELECT (SELECT sum(amount) FROM payment WHERE account_id = 1) AS paid,
                (SELECT max(day) FROM day_close) AS closed,
                (SELECT count(*) FROM access_state WHERE day = (SELECT open_day FROM books)) AS accounts;
            SELECT * FROM charge ORDER BY day, account_id, service_id;
            SELECT * FROM audit WHERE violations <> 0;
            SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok';""", "-readonly")
        state, charges, *found = [json.loads(rows) for rows in read.replace("]\n[", "]\0[").split("\0")]
        self.case.assertEqual([{"paid": self.paid, "closed": self.closed, "accounts": 4}], state)
        self.case.assertEqual([], found)
        for day, rows in itertools.groupby(charges, lambda row: row["day"]):
            rows = list(rows)
            self.case.assertEqual(self.charges.setdefault(day, rows), rows)

    def journal_mode(self):
        return run("sqlite3", "-batch", self.database, "PRAGMA journal_mode").strip()

    def pay_and_close(self, *pragmas):
        """A payment and the next day's close, by the shell."""
        day = day_plus(self.closed, 1)
        shell(self.database, f"""{"".join(f"PRAGMA {pragma};" for pragma in pragmas)}
            INSERT INTO payment(account_id, amount, method, external_id, credited_at)
            VALUES (1, 7, 'sbp', 'shell-{self.payments}', '{day}T09:00:00Z');
            INSERT INTO day_close(day, closed_at) VALUES ('{day}', '{day_end(day)}');""")
        self.take(7)
        self.closed = day

    # The tools.

    def shell_as_it_is(self):
        before = self.journal_mode()
        self.pay_and_close()
        self.case.assertEqual(before, self.journal_mode())

    def shell_delete(self):
        self.pay_and_close("journal_mode = DELETE")

    def shell_persist(self):
        self.pay_and_close("journal_mode = PERSIST")

    def shell_wal(self):
        self.pay_and_close("journal_mode = WAL")

    def shell_vacuum(self):
        shell(self.database, "VACUUM;")

    def shell_readonly(self):
        self.check()

    def serve(self):
        day = day_plus(self.closed, 1)
        tokens = {"operator": create_token(self.database, "operator", f"operator-{self.payments}")}
        with (Server(self.database, "--test-clock", tokens=tokens) as server,
              server.client("operator", now=f"{day}T10:00:00Z") as operator):
            self.case.assertEqual("ok", operator.get("/healthz").expect(200).json["status"])
            operator.post("/v1/accounts/1/payments", {"amount": 5, "method": "sbp",
                                                      "external_id": f"http-{self.payments}"}).expect(201)
            self.take(5)
            self.check()  # while the server holds them
            operator.get("/v1/accounts/1/access").expect(200)
            operator.now = day_end(day)
            operator.post(f"/v1/days/{day}/close", {}).expect(201)
            self.closed = day
        self.case.assertEqual("wal", self.journal_mode())

    def backup_while_served(self):
        with Server(self.database, "--test-clock"):
            self.backup()

    def close(self):
        day = day_plus(self.closed, 1)
        must("close", "--database", self.database, "--through", day)
        self.closed = day

    def backup(self):
        """What follows is done with the copy."""
        copy = self.database.with_name(f"copy of {self.database.name}")
        must("backup", "--database", self.database, copy)
        self.database = copy

    def install_again(self):
        must("install", "--database", self.database, "--opening", OPENING)

    def token(self):
        create_token(self.database, "crm", f"crm-{self.payments}")
        self.case.assertIn(f"crm-{self.payments}\tcrm\t", must("token", "list", "--database", self.database))
        must("token", "revoke", "--database", self.database, "--name", f"crm-{self.payments}")
        self.payments += 1

    def verify(self):
        must("verify", "--database", self.database)

    def digest(self):
        run(sys.executable, ROOT / "extension" / "digest.py", self.database)


WRITERS = ("shell_as_it_is", "shell_delete", "shell_persist", "shell_wal", "shell_vacuum", "serve", "close", "backup",
           "backup_while_served", "install_again", "token")
READERS = ("shell_readonly", "verify", "digest")


class Tools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.makers = {"the shell": cls.folder / "shell.db", "saldod install": cls.folder / "install.db"}
        must("install", "--database", cls.makers["saldod install"], "--opening", OPENING)
        for made in cls.makers.values():
            shell(made, BOOKS.read_text(encoding="utf-8"))

    def walk(self, maker, *tools):
        with self.subTest(" → ".join((maker, *tools))), tempfile.TemporaryDirectory(dir=self.folder) as folder:
            books = Books(self, pathlib.Path(folder) / "books.db")
            shutil.copyfile(self.makers[maker], books.database)
            for tool in tools:
                getattr(books, tool)()
                books.check()

    def test_from_each_tool_to_each(self):
        """From each writer to itself, to each later one and back, and then to the readers."""
        for i, tool in enumerate(WRITERS):
            others = itertools.chain.from_iterable((other, tool) for other in WRITERS[i + 1:])
            self.walk("the shell", tool, tool, *others, *READERS)

    def test_books_opened_by_saldod(self):
        for tool in WRITERS + READERS:
            self.walk("saldod install", tool)

    def test_verify_beside_a_shell_that_writes(self):
        for mode in ("DELETE", "WAL"):
            with self.subTest(mode):
                database = self.folder / f"{mode}.db"
                shutil.copyfile(self.makers["the shell"], database)
                payments = "".join(f"INSERT INTO payment(account_id, amount, method, external_id, credited_at) "
                                   f"VALUES (1, 7, 'sbp', 'w{i}', '2026-05-02T09:00:00Z');\n" for i in range(300))
                with subprocess.Popen(["sqlite3", "-batch", "-bail", "-cmd", f".load {EXTENSION}", str(database)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
                    writer.stdin.write(f"PRAGMA busy_timeout = 60000; PRAGMA journal_mode = {mode};\n{payments}")
                    writer.stdin.close()
                    self.assertIn("in order", must("verify", "--database", database))
                    self.assertEqual(0, writer.wait(COMMAND_SECONDS_MAX))

    def test_a_backup_can_be_read_where_nothing_can_be_written(self):
        books = Books(self, self.folder / "served.db")
        shutil.copyfile(self.makers["the shell"], books.database)
        books.serve()
        books.backup()
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "copy.db"
            shutil.copyfile(books.database, copy)
            copy.chmod(0o444)
            pathlib.Path(folder).chmod(0o555)
            as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
            program = shutil.copy(saldod.__globals__["SALDOD"], self.folder / "saldod")
            self.folder.chmod(0o755)
            self.assertIn("in order", run(program, "verify", "--database", copy, **as_nobody))
            self.assertEqual(f"{books.paid}\n", run("sqlite3", "-readonly", copy, "SELECT sum(amount) FROM payment "
                                                    "WHERE account_id = 1", **as_nobody))
            pathlib.Path(folder).chmod(0o755)


if __name__ == "__main__":
    unittest.main()
