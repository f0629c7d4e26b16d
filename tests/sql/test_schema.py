#!/usr/bin/python3
"""What saldo_install creates is sql/installed.sql, which one can read and diff; the shell reads sql/ as it stands.

After a change in sql/: test_schema.py --write, and look at the difference.

Seen to fail: a trigger renamed in triggers.sql alone; a shorthand that the shell does not know; a column left out of
one saldo_check.
"""

import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SQL = ROOT / "sql"
EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
SCHEMA = ("tables.sql", "triggers.sql", "receipts.sql", "documents.sql", "books_version.sql", "history.sql",
          "views.sql", "audits.sql", "server.sql", "notices.sql", "deliveries.sql")
ROWS = ("reference.sql", "notice_templates.sql",
        *(f"calendar/{path.name}" for path in sorted((SQL / "calendar").glob("*.sql"))))
OBJECTS = "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
HEAD = """\
-- What saldo_install creates, statement by statement, as sqlite_schema holds it. Made of the other files, where the
-- comments are, by tests/sql/test_schema.py --write; a test compares.
"""
# Not checked: computed, or a number that SQLite may choose (saldo_check_id); or all of it Saldo's own (superseded,
# day_close, notice_clock) or the server's (stored_answer).
UNCHECKED = {"account": {"account_id"}, "payment": {"payment_id", "day"}, "adjustment": {"adjustment_id", "day"},
             "promised_payment": {"promise_id", "expires_at"}, "usage_event": {"charged_on"},
             "delivery": {"delivery_id", "notice_id"}, "receipt": {"receipt_id", "received_at"},
             "document_run": {"run_id", "documents"}, "invoice": {"document_id", "number"},
             "reconciliation": {"document_id", "number"}, "document_correction": {"document_id", "correction_number"}}
VIEWS = {"receipt_match", "receipt_return", "invoice", "reconciliation", "document_correction"}
CHECKED_IN_PART = {"superseded", "day_close", "stored_answer", "notice_clock"}


def installed():
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    connection.execute("SELECT saldo_install('2026-11-01', 'none')")
    return connection


def text(connection):
    return HEAD + "".join(f"\n{sql}\n" for sql, in connection.execute(OBJECTS))


class Schema(unittest.TestCase):
    maxDiff = None

    def test_what_is_installed_can_be_read(self):
        self.assertEqual((SQL / "installed.sql").read_text(encoding="utf-8"), text(installed()))

    def test_the_shell_reads_the_files_as_they_stand(self):
        script = [f".load {EXTENSION}"] + [f".read {SQL / name}" for name in SCHEMA]
        done = subprocess.run(["sqlite3", "-batch", "-bail", ":memory:"], check=False, capture_output=True, text=True,
                              input="\n".join([*script, ".mode list", OBJECTS + ";",
                                               *(f".read {SQL / name}" for name in ROWS)]))
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        objects = [sql for sql, in installed().execute(OBJECTS)]
        self.assertEqual("\n".join(objects) + "\n", done.stdout)

    def test_the_shell_reads_what_is_installed(self):
        done = subprocess.run(["sqlite3", "-batch", "-bail", ":memory:"], check=False, capture_output=True, text=True,
                              input=f".load {EXTENSION}\n.read {SQL / 'installed.sql'}\n"
                                    "SELECT count(*) FROM sqlite_schema;")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        count, = installed().execute("SELECT count(*) FROM sqlite_schema").fetchone()
        self.assertEqual(count, int(done.stdout))

    def test_every_column_is_checked_alike_in_insert_and_update(self):
        connection = installed()
        checks = {}
        for name, table, sql in connection.execute(
                "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'"):
            for checked, arguments in re.findall(r"saldo_check\('(\w+)'((?:,\s*NEW\.\w+)+)\)", sql):
                self.assertEqual(table, checked, name)
                checks.setdefault(table, {})[name] = re.findall(r"NEW\.(\w+)", arguments)
        self.assertGreater(len(checks), 15)
        for table, triggers in checks.items():
            with self.subTest(table):
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                if table in CHECKED_IN_PART:
                    self.assertEqual(1, len(triggers))
                    continue
                expected = [column for column in columns if column not in UNCHECKED.get(table, set())]
                if table in VIEWS:
                    self.assertEqual([expected], list(triggers.values()))
                    continue
                names = {f"{table}_refuse_invalid_insert"}
                present = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
                if f"{table}_refuse_update" not in present:
                    names.add(f"{table}_refuse_invalid_update")
                self.assertEqual({name: expected for name in names}, triggers)

    def test_every_replaceable_row_has_a_history(self):
        """What is not append-only, and no more; what is sent or came in has its own columns for what came of it."""
        connection = installed()
        triggers = {name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
        tables = {name.split("_refuse_invalid_update")[0] for name in triggers
                  if name.endswith("_refuse_invalid_update")}
        tables -= {"token", "notice_kind", "notice_template", "webhook", "webhook_secret", "mail_suspended", "delivery",
                   "receipt"}
        self.assertEqual({f"{table}_archive_after_update" for table in tables},
                         {name for name in triggers if name.endswith("_archive_after_update")})
        tables -= {"account"}
        for end in ("hold_before_insert", "archive_after_insert", "hold_before_update", "archive_delete"):
            self.assertLessEqual({f"{table}_{end}" for table in tables}, triggers)

    def test_lines_are_short(self):
        for path in (SQL / name for name in SCHEMA + ROWS):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                self.assertLessEqual(len(line), 120, f"{path}:{number}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        (SQL / "installed.sql").write_text(text(installed()), encoding="utf-8")
    else:
        unittest.main()
