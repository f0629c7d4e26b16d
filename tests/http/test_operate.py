"""Operating the server: the commands and their errors, tokens, the closing job, stopping, locks, TLS, routes of one's
own, the log, the figures, and that all of it is documented."""

import contextlib
import datetime
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from server import (NOW, ROLES, ROOT, SALDOD, SMS_UNIT_FEE, Books, Server, ServerCase, create_token, day_end, day_plus,
                    make_older, must, noon, peek, saldod, wait_for)

COMMANDS = ("install", "serve", "close", "verify", "token create", "token list", "token revoke", "backup")
FAILED = 2
# A start that is to fail, and does not, is given up after this.
START_SECONDS = 10
FOUND = 1


def moscow_today():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=3)).date().isoformat()


# Books that were opened some days ago, so that there are days to close by the real clock.
MISSED = 5
PAST = day_plus(moscow_today(), -MISSED)


def days_between(first, last):
    """The days from the first up to, but without, the last."""
    days = []
    while first < last:
        days.append(first)
        first = day_plus(first, 1)
    return days


@contextlib.contextmanager
def behind_the_back(database):
    """The file as somebody without the extension has it."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def holding(database):
    """Holds the write lock, as a shell would; the value releases it."""
    with behind_the_back(database) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield lambda: connection.execute("ROLLBACK")
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def dump(database):
    with behind_the_back(database) as connection:
        return "\n".join(connection.iterdump())


def in_threads(*works):
    """Starts them; the value waits for all and gives what they returned, or raises what one raised."""
    results = [None] * len(works)

    def run(index, work):
        try:
            results[index] = work()
        except BaseException as error:  # pylint: disable=broad-except
            results[index] = error

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(works)]
    for thread in threads:
        thread.start()

    def finish(seconds=60):
        for thread in threads:
            thread.join(seconds)
            if thread.is_alive():
                raise AssertionError("a thread does not end")
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results
    return finish


def pay_from(server, account_id, identifier):
    """A payment of 300 from a connection of its own; the answer."""
    client = server.client("cashier")
    try:
        return client.post(f"/v1/accounts/{account_id}/payments",
                           {"amount": 300, "method": "sbp", "external_id": identifier})
    finally:
        client.close()


def wait_for_index(server):
    """Until the index of names has taken in what was registered, which it does by a write of its own."""
    wait_for(lambda: peek(server.database, "SELECT count(*) FROM search_queue WHERE account_id > 0") == [(0,)])


def until_one_waits(server, write):
    """Writes beside each other, in threads, until one of them waits for another that the database holds up; as
    in_threads. Those that arrive together are taken together, so it may take more than two."""
    server.document  # asked for before the server stops, or all of its writes wait
    finishes = []

    def one_waits():
        return server.metric("saldo_waiting_writes") >= 1

    # One that waits for a moment may only not be taken up yet.
    while len(finishes) < 2 or not wait_for(lambda: one_waits() and not time.sleep(0.2) and one_waits(), 0.5):
        if len(finishes) == 20:
            raise AssertionError("no write waits")
        finishes.append(in_threads(lambda identifier=chr(ord("a") + len(finishes)): write(identifier)))
    return lambda: [result for finish in finishes for result in finish()]


class FolderCase(unittest.TestCase):
    """Tests of commands, each in a folder of its own."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="saldo-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.database = self.folder / "saldo.db"

    def fails(self, *arguments, says=()):
        """The command leaves with 2, having said why on standard error, in few words and without a stack."""
        try:
            done = saldod(*arguments, timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self.fail("it neither fails nor ends")
        self.assertEqual((FAILED, ""), (done.returncode, done.stdout), done)
        for each in says if isinstance(says, tuple) else (says,):
            self.assertIn(str(each), done.stderr)
        self.assertLessEqual(done.stderr.count("\n"), 2, done.stderr)
        self.assertNotRegex(done.stderr, r"terminate called|what\(\)|#0 ")
        return done.stderr

    def start_fails(self, *flags, database=None, says=()):
        return self.fails("serve", "--database", database or self.database, "--listen", "127.0.0.1:0", *flags,
                          says=says)


class Install(FolderCase):
    def install(self, *arguments):
        return must("install", "--database", self.database, "--opening", "2026-11-01", *arguments)

    def test_it_opens_books_with_the_russian_calendar(self):
        self.assertEqual(f"Books opened in {self.database}\n", self.install())
        self.assertEqual([("2026-11-01",)], peek(self.database, "SELECT valid_from FROM policy"))
        self.assertEqual([(0,)], peek(self.database, "SELECT working FROM calendar_exception WHERE day = '2026-11-04'"))

    def test_country_none_is_a_bare_working_week(self):
        self.install("--country", "none")
        self.assertEqual([(0,)], peek(self.database, "SELECT count(*) FROM calendar_exception"))

    def test_again_with_the_same_day_changes_nothing(self):
        self.install()
        create_token(self.database, "crm", "a")
        before = dump(self.database)
        self.assertEqual(f"The books in {self.database} are up to date\n", self.install())
        self.assertEqual(before, dump(self.database))

    def test_it_upgrades_what_is_older(self):
        self.install()
        before = dump(self.database)
        make_older(self.database)
        self.assertNotEqual(before, dump(self.database))
        self.install()
        self.assertEqual(sorted(before.splitlines()), sorted(dump(self.database).splitlines()))

    def test_a_database_that_holds_something_else_stays_as_it_is(self):
        with behind_the_back(self.database) as connection:
            connection.execute("CREATE TABLE t(x)")
        junk = self.folder / "junk.db"
        junk.write_bytes(b"This is no database. " * 500)
        for file, says in ((self.database, "holds something else"), (junk, "not a database")):
            with self.subTest(says):
                before = file.read_bytes()
                self.fails("install", "--database", file, "--opening", "2026-11-01", says=says)
                self.assertEqual(before, file.read_bytes())
        self.assertEqual({self.database, junk}, set(self.folder.iterdir()))

    def test_other_books_are_not_opened_over_these(self):
        self.install()
        before = dump(self.database)
        self.fails("install", "--database", self.database, "--opening", "2026-11-02", says=("conflict", "2026-11-01"))
        self.assertEqual(before, dump(self.database))

    def test_what_fails_leaves_no_file(self):
        for arguments, says in ((("--opening", "2026-02-30"), "2026-02-30"),
                                (("--opening", "tomorrow"), "tomorrow"),
                                (("--opening", "2026-11-01", "--country", "xx"), "xx"),
                                ((), "--opening")):
            with self.subTest(arguments):
                self.fails("install", "--database", self.database, *arguments, says=says)
                self.assertEqual([], list(self.folder.iterdir()))
        self.fails("install", "--database", self.folder / "none" / "saldo.db", "--opening", "2026-11-01", says="none")


class ClosedBooks(FolderCase):
    """Two customers since PAST, with money and usage; three of the days are closed."""

    closed_through = day_plus(PAST, 2)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory(prefix="saldo-")
        cls.addClassCleanup(folder.cleanup)
        cls.books = pathlib.Path(folder.name) / "books.db"
        cls.tokens = make_past_books(cls.books)
        cls.closed = saldod("close", "--database", cls.books, "--through", cls.closed_through)

    def setUp(self):
        super().setUp()
        for suffix in ("", "-wal"):
            if os.path.exists(f"{self.books}{suffix}"):
                shutil.copyfile(f"{self.books}{suffix}", f"{self.database}{suffix}")

    def digests(self):
        return peek(self.database, "SELECT day, digest FROM day_close ORDER BY day")


def make_past_books(database, unpriced=False, paid=500000):
    """Books opened on PAST with two customers, all days open; their tokens."""
    tokens = Books.copy(database, PAST)
    with Server(database, "--test-clock", tokens=tokens) as server:
        admin = server.client("admin", now=noon(PAST))
        for name in ("Ромашка", "Василёк"):
            account_id = admin.post("/v1/accounts", {"name": name}).expect(201).json["account_id"]
            of_account = f"/v1/accounts/{account_id}"
            admin.put(f"{of_account}/headcount", {"employees": 5}).expect(201)
            admin.put(f"{of_account}/subscriptions/crm", {}).expect(201)
            admin.post(f"{of_account}/activate", {}).expect(201)
            admin.post(f"{of_account}/payments", {"amount": paid, "method": "sbp"}).expect(201)
        if unpriced:
            admin.put("/v1/services/pbx", {"name": "PBX", "kind": "recurring"}).expect(201)
            admin.put(f"{of_account}/subscriptions/pbx", {"quantity": 3}).expect(201)
        admin.close()
    return tokens


class Close(ClosedBooks):
    def test_it_closes_several_days_in_order_and_tells_each(self):
        days = days_between(PAST, day_plus(self.closed_through, 1))
        self.assertEqual((0, ""), (self.closed.returncode, self.closed.stderr))
        self.assertEqual([f"{day} closed: 2 charges of 2 accounts, digest {digest}" for day, digest in self.digests()],
                         self.closed.stdout.splitlines())
        self.assertEqual(days, [day for day, _ in self.digests()])

    def test_what_is_closed_already_is_left(self):
        before = self.digests()
        self.assertEqual(f"there is no ended day to close up to {PAST}\n",
                         must("close", "--database", self.database, "--through", PAST))
        self.assertEqual(before, self.digests())

    def test_a_day_that_has_not_ended_stays_open(self):
        told = must("close", "--database", self.database, "--through", "2999-12-31").splitlines()
        closed = self.digests()
        open_day = day_plus(closed[-1][0], 1)
        self.assertGreaterEqual(open_day, day_plus(PAST, MISSED))
        self.assertEqual(f"{open_day} has not ended: it ends at {day_end(open_day)}", told[-1])
        self.assertEqual(len(closed) - 3, len(told) - 1)

    def test_through_takes_a_day(self):
        for text in ("2026-02-30", "yesterday", ""):
            with self.subTest(text):
                self.fails("close", "--database", self.database, "--through", text, says="--through")
        self.fails("close", "--database", self.database, says="--through")


class Verify(ClosedBooks):
    def verify(self, *arguments):
        done = saldod("verify", "--database", self.database, *arguments)
        self.assertEqual("", done.stderr)
        return done.returncode, done.stdout

    def found(self, *arguments):
        """The names of the checks that found something, one a line that told so."""
        status, told = self.verify(*arguments)
        self.assertEqual(FOUND, status, told)
        self.assertNotIn("in order", told)
        return [line.split(":")[0] for line in told.splitlines()]

    def anchor(self, lines):
        file = self.folder / "anchor"
        file.write_text("".join(f"{day} {digest}\n" for day, digest in lines), encoding="ascii")
        return "--anchor", file

    def test_sound_books(self):
        self.assertEqual((0, "integrity and all audits are in order\n"), self.verify())

    def test_a_trigger_taken_away(self):
        with behind_the_back(self.database) as connection:
            connection.execute("DROP TRIGGER payment_refuse_update")
        self.assertEqual((FOUND, "audit_schema: name = payment_refuse_update, problem = trigger is missing\n"),
                         self.verify())

    def test_one_kopeck_with_all_triggers_in_place(self):
        with behind_the_back(self.database) as connection:
            triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' "
                                          "AND tbl_name = 'payment'").fetchall()
            for name, _ in triggers:
                connection.execute(f'DROP TRIGGER "{name}"')
            changed = connection.execute("UPDATE payment SET amount = amount + 1 WHERE payment_id = 2").rowcount
            self.assertEqual(1, changed)
            for _, sql in triggers:
                connection.execute(sql)
        self.assertEqual(["audit_balance", "audit_computed", "audit_digest"], self.found())
        self.assertIn(f"audit_digest: day = {PAST}, stored = {self.digests()[0][1]}, computed = ", self.verify()[1])

    def test_audits_taken_away(self):
        with behind_the_back(self.database) as connection:
            names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view' AND name LIKE 'audit%'")
            for (name,) in names.fetchall():
                connection.execute(f"DROP VIEW {name}")
        self.assertEqual(["audit_schema"], self.found())

    def test_a_page_that_the_disk_lost(self):
        with behind_the_back(self.database) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (size,), = connection.execute("PRAGMA page_size")
            (root,), = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'charge'")
        with open(self.database, "r+b") as file:
            file.seek((root - 1) * size)
            file.write(bytes(size))
        done = saldod("verify", "--database", self.database)
        self.assertEqual(FOUND, done.returncode, done)
        self.assertIn("integrity_check: ", done.stdout)

    def test_an_anchor_that_matches(self):
        well = (0, "integrity, all audits and the anchored digests are in order\n")
        self.assertEqual(well, self.verify(*self.anchor(self.digests())))
        self.assertEqual(well, self.verify(*self.anchor(self.digests()[1:2])), "not every day need be anchored")

    def test_an_anchor_that_differs(self):
        lines = self.digests()
        lines[1] = (lines[1][0], "0" * 64)
        self.assertEqual(["anchor"], self.found(*self.anchor(lines)))
        self.assertIn(lines[1][0], self.verify(*self.anchor(lines))[1])

    def test_an_anchored_day_that_is_not_closed(self):
        missing = day_plus(self.closed_through, 1)
        arguments = self.anchor([*self.digests(), (missing, "0" * 64)])
        self.assertEqual(["anchor"], self.found(*arguments))
        self.assertIn(missing, self.verify(*arguments)[1])

    def test_a_chain_recomputed_behind_the_back_is_found_by_its_anchor_alone(self):
        arguments = self.anchor(self.digests())
        # As if somebody had made the books anew, with a kopeck less: sound, but not those that were anchored.
        make_past_books(self.folder / "other.db", paid=499999)
        must("close", "--database", self.folder / "other.db", "--through", self.closed_through)
        self.database = self.folder / "other.db"
        self.assertEqual(0, self.verify()[0])
        self.assertEqual(["anchor"] * 3, self.found(*arguments))

    def test_an_anchor_that_is_none(self):
        file = self.folder / "anchor"
        self.fails("verify", "--database", self.database, "--anchor", file, says=file)
        for line in ("digest", f"{PAST} 123", f"2026-02-30 {'0' * 64}", f"{PAST} {'0' * 64} more"):
            with self.subTest(line):
                file.write_text(f"{PAST} {'0' * 64}\n{line}\n", encoding="ascii")
                self.fails("verify", "--database", self.database, "--anchor", file, says=f"{file}:2:")


class TokenCommands(FolderCase):
    def setUp(self):
        super().setUp()
        must("install", "--database", self.database, "--opening", "2026-11-01")

    def listed(self):
        return [line.split("\t") for line in must("token", "list", "--database", self.database).splitlines()]

    def test_a_token_is_printed_once_and_only_its_hash_stored(self):
        tokens = {role: create_token(self.database, role, f"the {role}") for role in ROLES}
        self.assertEqual(len(ROLES), len(set(tokens.values())))
        stored = peek(self.database, "SELECT role, hash FROM token")
        hashes = {role: hashlib.sha256(token.encode()).hexdigest() for role, token in tokens.items()}
        self.assertEqual(hashes, dict(stored))
        for file in self.folder.iterdir():
            for token in tokens.values():
                self.assertNotIn(token.encode(), file.read_bytes(), file)
        listing = must("token", "list", "--database", self.database)
        for secret in (*tokens.values(), *(digest for _, digest in stored)):
            self.assertNotIn(secret, listing)

    def test_list_tells_names_roles_and_what_is_revoked(self):
        for name, role in (("b", "crm"), ("a", "analyst")):
            create_token(self.database, role, name)
        self.assertEqual("a is revoked\n", must("token", "revoke", "--database", self.database, "--name", "a"))
        instant = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        self.assertEqual([["a", "analyst"], ["b", "crm"]], [row[:2] for row in self.listed()])
        for row, state in zip(self.listed(), (f"revoked {instant}", "valid")):
            self.assertRegex(row[2], f"^{instant}$")
            self.assertRegex(row[3], f"^{state}$")

    def test_a_name_is_given_once_for_good(self):
        create_token(self.database, "crm", "a")
        before = self.listed()
        self.fails("token", "create", "--database", self.database, "--role", "admin", "--name", "a", says="conflict")
        self.assertEqual(before, self.listed())
        must("token", "revoke", "--database", self.database, "--name", "a")
        self.fails("token", "create", "--database", self.database, "--role", "crm", "--name", "a", says="conflict")

    def test_roles_and_names_that_are_none(self):
        # A name stands in a line of the list and of the log.
        for role, name, says in (("boss", "a", "boss"), ("", "a", "--role"), ("crm", "", "name"),
                                 ("crm", "a\nb", "name"), ("crm", "a\tb", "name"), ("crm", "a\x1b[2J", "name")):
            with self.subTest(role=role, name=name):
                self.fails("token", "create", "--database", self.database, "--role", role, "--name", name, says=says)
        self.assertEqual([], self.listed())

    def test_only_a_valid_token_is_revoked(self):
        create_token(self.database, "crm", "a")
        must("token", "revoke", "--database", self.database, "--name", "a")
        before = self.listed()
        for name in ("a", "nobody"):
            self.fails("token", "revoke", "--database", self.database, "--name", name, says=name)
        self.assertEqual(before, self.listed())


class Usage(FolderCase):
    def test_help_of_every_command(self):
        for command in ("", "token", *COMMANDS):
            with self.subTest(command):
                told = must(*command.split(), "--help")
                self.assertIn("Usage: saldod", told)
                if command in COMMANDS:
                    self.assertIn("--database", told)
        self.assertEqual([], [each for each in COMMANDS if each.split()[0] not in must("--help")])

    def test_what_is_not_understood_is_named_and_nothing_done(self):
        database = ("--database", self.database)
        whole = {"install": ("--opening", "2026-11-01"), "close": ("--through", "2026-11-01"),
                 "backup": (self.folder / "copy",), "token revoke": ("--name", "a"),
                 "token create": ("--role", "crm", "--name", "a")}
        cases = [((*command.split(), *database, *whole.get(command, ()), "--frob"), "--frob") for command in COMMANDS]
        cases += [((*command.split(),), "--database") for command in COMMANDS]
        cases += [((), "subcommand"), (("frob",), "There is no command frob"), (("token",), "subcommand"),
                  (("token", "frob"), "There is no command frob"), (("backup", *database), "file")]
        for arguments, says in cases:
            with self.subTest(arguments):
                self.fails(*arguments, says=says)
        self.assertEqual([], list(self.folder.iterdir()))

    def test_flags_of_serve_take_what_they_say(self):
        must("install", "--database", self.database, "--opening", "2026-11-01")
        for flag in ("--close-after", "--io-timeout", "--keep-alive", "--busy-timeout", "--route-timeout",
                     "--sql-timeout"):
            for value in ("5", "5d", "-5s", "s", "", "1.5h", "99999999999h"):
                with self.subTest(flag, value=value):
                    self.start_fails(f"{flag}={value}", says=flag)
        for flag, value in (("--max-connections", "0"), ("--readers", "0"), ("--readers", "many"), ("--sql-rows", "0"),
                            ("--sql-memory", "-1"), ("--max-body", "1M"), ("--max-waiting", "x"),
                            ("--log-level", "loud")):
            with self.subTest(flag, value=value):
                self.start_fails(f"{flag}={value}", says=flag)

    def test_version(self):
        self.assertRegex(must("--version"), r"^\d+\.\d+\.\d+\n$")


class Start(FolderCase):
    """A start that cannot be says why, and leaves with 2."""

    def setUp(self):
        super().setUp()
        self.tokens = Books.copy(self.database)

    def test_files_that_are_no_books(self):
        other, junk, older, newer = (self.folder / f"{name}.db" for name in ("other", "junk", "older", "newer"))
        with behind_the_back(other) as connection:
            connection.execute("CREATE TABLE t(x)")
        junk.write_bytes(b"This is no database. " * 500)
        for file in (older, newer):
            Books.copy(file)
        make_older(older)
        with behind_the_back(newer) as connection:
            connection.execute("PRAGMA user_version = 99")
        for file, says in ((self.folder / "missing.db", "saldod install"), (other, "no books of Saldo"),
                           (junk, "not a database"), (older, "older version"), (newer, "newer version"),
                           (self.folder, "cannot open")):
            for command in (("serve", "--listen", "127.0.0.1:0"), ("verify",), ("token", "list"),
                            ("close", "--through", "2026-11-01")):
                with self.subTest(file=file.name, command=command[0]):
                    self.fails(*command, "--database", file, says=(file, says))
        self.assertFalse((self.folder / "missing.db").exists())

    def test_a_file_that_cannot_be_written(self):
        # Root writes whatever the mode says.
        nobody = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        program = shutil.copy(SALDOD, self.folder / "saldod")  # where nobody can get at it, too
        with behind_the_back(self.database) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for name, mode in (("a folder that cannot be written", 0o555), ("a folder that can", 0o777)):
            folder = self.folder / str(mode)
            folder.mkdir()
            database = folder / "saldo.db"
            shutil.copyfile(self.database, database)
            database.chmod(0o444)
            self.folder.chmod(0o755)
            folder.chmod(mode)
            for command in (["serve", "--listen", "127.0.0.1:0"], ["token", "create", "--role", "crm", "--name", "a"]):
                with self.subTest(name, command=command[0]):
                    try:
                        done = subprocess.run([program, *command, "--database", str(database)], capture_output=True,
                                              text=True, timeout=START_SECONDS, check=False, **nobody)
                    except subprocess.TimeoutExpired:
                        self.fail("it starts, though it cannot write")
                    self.assertEqual((FAILED, ""), (done.returncode, done.stdout))
                    self.assertRegex(done.stderr, "read-?only")

    def test_a_file_that_is_locked(self):
        """It is there, and no new one is to be made."""
        with behind_the_back(self.database) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            told = self.start_fails("--busy-timeout", "100ms", says=("cannot open", self.database, "locked"))
            self.assertNotIn("install", told)

    def test_addresses(self):
        for listen in ("8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:http", ":8080",
                       ""):
            with self.subTest(listen):
                self.fails("serve", "--database", self.database, f"--listen={listen}", says="--listen")
        self.fails("serve", "--database", self.database, "--listen", "192.0.2.1:8080", says="192.0.2.1:8080")

    def test_a_port_in_use(self):
        with Server(self.database, "--test-clock", tokens=self.tokens) as server:
            listen = f"127.0.0.1:{server.port}"
            self.fails("serve", "--database", self.database, "--listen", listen, says=("cannot listen", listen))
            with server.client("crm") as client:
                client.get("/v1/accounts").expect(200)

    def test_the_first_line_tells_where_it_listens(self):
        with Server(self.database, tokens=self.tokens) as server:
            self.assertEqual(f"saldod {must('--version').strip()} listens on {server.url}\n", server.line)
            self.assertNotEqual(0, server.port)


class Backup(ServerCase):
    def test_a_copy_is_consistent_while_writes_go_on(self):
        server = self.fresh()
        accounts = [self.customer(self.client(server, "admin")) for _ in range(3)]
        acknowledged, stop = [], threading.Event()

        def pay(number):
            client = server.client("cashier")
            while not stop.is_set():
                identifier = f"{number}-{len(acknowledged)}"
                client.post(f"/v1/accounts/{accounts[number]}/payments",
                            {"amount": 100, "method": "sbp", "external_id": identifier}).expect(201)
                acknowledged.append(identifier)
            client.close()

        finish = in_threads(*(lambda number=number: pay(number) for number in range(3)))
        try:
            for round_ in range(3):
                wait_for(lambda: len(acknowledged) > 40 * (round_ + 1))
                before = set(acknowledged)
                copy = server.database.with_name(f"copy{round_}.db")
                self.assertEqual(f"copied to {copy}\n", must("backup", "--database", server.database, copy))
                copied = {row[0] for row in peek(copy, "SELECT external_id FROM payment")}
                self.assertLessEqual(before, copied)
                self.assertEqual("integrity and all audits are in order\n", must("verify", "--database", copy))
                balances = peek(copy, "SELECT sum(balance) FROM account_balance")
                self.assertEqual([(100 * len(copied),)], balances)
        finally:
            stop.set()
        finish()
        # The copy can be served, with the tokens that it holds.
        with Server(copy, "--test-clock", tokens=server.tokens) as restored, restored.client("cashier") as cashier:
            again = cashier.get("/v1/payments", query={"external_id": acknowledged[0]}).expect(200)
            self.assertEqual(1, len(again.json))

    def test_it_never_overwrites(self):
        taken = self.folder / "taken"
        taken.write_bytes(b"precious")
        for file, says in ((taken, "is there already"), (self.folder, "is there already"),
                           (self.folder / "none" / "copy.db", "cannot")):
            with self.subTest(file=file.name):
                done = saldod("backup", "--database", self.server.database, file)
                self.assertEqual((FAILED, ""), (done.returncode, done.stdout))
                self.assertIn(says, done.stderr)
                self.assertIn(str(file), done.stderr)
        self.assertEqual(b"precious", taken.read_bytes())


class Tokens(ServerCase):
    def test_a_token_made_while_the_server_runs_works_at_once(self):
        self.server.tokens["late"] = create_token(self.server.database, "crm", "late")
        self.client(self.server, "late").get("/v1/accounts").expect(200)

    def test_what_a_token_writes_bears_its_name(self):
        self.server.tokens["named"] = create_token(self.server.database, "admin", "Анна, касса 1")
        client = self.client(self.server, "named")
        account_id = self.customer(client)
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 5, "method": "sbp"}).expect(201)
        for table in ("account", "headcount", "subscription", "account_terms", "payment"):
            with self.subTest(table):
                self.assertEqual([["Анна, касса 1", NOW]], self.sql(
                    f"SELECT recorded_by, recorded_at FROM {table} WHERE account_id = ?", account_id))

    def test_revoked_under_load_it_gets_401_from_then_on(self):
        server = self.fresh()
        account_id = self.customer(self.client(server, "admin"))
        server.tokens["leaver"] = create_token(server.database, "admin", "leaver")
        seen, stop = [], threading.Event()  # (asked, answered, status)

        def ask(number):
            client = server.client("leaver")
            while not stop.is_set():
                asked = time.monotonic()
                if number % 2:
                    answer = client.get(f"/v1/accounts/{account_id}/access")
                else:
                    answer = client.post(f"/v1/accounts/{account_id}/payments?dry_run=true",
                                         {"amount": 1, "method": "sbp"})
                if answer.status >= 400:
                    self.refused(answer, 401, "unauthorized")
                seen.append((asked, time.monotonic(), answer.status))
            client.close()

        finish = in_threads(*(lambda number=number: ask(number) for number in range(6)))
        try:
            wait_for(lambda: len(seen) > 100 and {status for _, _, status in seen} == {200, 201})
            begun = time.monotonic()
            must("token", "revoke", "--database", server.database, "--name", "leaver")
            ended = time.monotonic()
            count = len(seen)
            wait_for(lambda: len(seen) > count + 100)
        finally:
            stop.set()
        finish()
        self.assertEqual({200, 201}, {status for _, answered, status in seen if answered < begun})
        self.assertEqual({401}, {status for asked, _, status in seen if asked > ended})
        self.assertEqual({200, 201, 401}, {status for _, _, status in seen})
        # Once one was refused, none that was asked later is answered.
        refused = min(answered for _, answered, status in seen if status == 401)
        self.assertEqual({401}, {status for asked, _, status in seen if asked > refused})
        # The connection that was refused can be used with another token, and others never noticed.
        self.client(server, "crm").get("/v1/accounts").expect(200)


class Closing(ServerCase):
    """The closing job, by the real clock. The server of the class has the test clock, and so has none."""

    opening = PAST
    flags = ("--test-clock", "--close-after", "1s")

    def past(self, *flags, unpriced=False, hold=None):
        """A server with days to catch up."""
        folder = tempfile.TemporaryDirectory(prefix="saldo-")
        self.addCleanup(folder.cleanup)
        database = pathlib.Path(folder.name) / "saldo.db"
        self.tokens = make_past_books(database, unpriced)
        if hold:
            hold(database)
        return self.another(database, *flags)

    def another(self, database, *flags):
        server = Server(database, *flags, tokens=self.tokens)
        self.addCleanup(server.__exit__, None)
        return server

    def health(self, server):
        return self.client(server, None, checked=False).get("/healthz")

    def caught_up(self, server):
        """Waits until all ended days are closed, in order, each once; the days."""
        self.assertTrue(wait_for(lambda: self.health(server).json.get("open_day") == moscow_today(), 30), server.log())
        days = [row[0] for row in peek(server.database, "SELECT day FROM day_close ORDER BY day")]
        self.assertEqual(days_between(PAST, day_plus(days[-1], 1)), days)
        self.assertGreaterEqual(len(days), MISSED)
        return days

    def test_missed_days_are_closed_in_order_and_shown(self):
        anchor = self.folder / "anchor"
        # What no tariff prices is a finding of the audit, and does not stop a day from closing.
        server = self.past("--close-after", "1s", "--anchor", anchor, unpriced=True)
        days = self.caught_up(server)
        # Where the time is the tests' to set nothing is closed, though that server is older and days are missed there.
        self.assertEqual([(0,)], peek(self.server.database, "SELECT count(*) FROM day_close"))

        digests = peek(server.database, "SELECT day, digest FROM day_close ORDER BY day")
        text = "".join(f"{day} {digest}\n" for day, digest in digests)
        self.assertTrue(wait_for(lambda: anchor.exists() and anchor.read_text(encoding="ascii") == text))
        self.assertTrue(wait_for(lambda: server.metric("saldo_days_closed_total") == len(days)))
        self.assertEqual((0, 0), (server.metric("saldo_day_close_failures_total"), server.metric("saldo_overdue_days")))
        self.assertGreater(server.metric("saldo_day_close_seconds_total"), 0)
        health = self.health(server).expect(200).json
        self.assertEqual(("ok", days[-1], 0), (health["status"], health["last_closed_day"], health["overdue_days"]))
        self.assertEqual(days, re.findall(r"info closed (\S+) in", server.log()))
        self.assertEqual([], peek(server.database, "SELECT day FROM day_close WHERE closed_at < ends_at"))
        found = saldod("verify", "--database", server.database, "--anchor", anchor)
        self.assertEqual((FOUND, {"audit_unpriced"}),
                         (found.returncode, {line.split(":")[0] for line in found.stdout.splitlines()}))

    def test_an_anchor_is_gone_on_with_where_it_ends(self):
        anchor = self.folder / "continued"
        server = self.past("--close-after", "6h")
        must("close", "--database", server.database, "--through", day_plus(PAST, 1))
        first = peek(server.database, "SELECT day, digest FROM day_close ORDER BY day LIMIT 1")[0]
        anchor.write_text(" ".join(first) + "\n", encoding="ascii")
        self.assertEqual(0, server.stop())
        server = self.another(server.database, "--close-after", "1s", "--anchor", anchor)
        days = self.caught_up(server)
        self.assertTrue(wait_for(lambda: len(anchor.read_text(encoding="ascii").splitlines()) >= len(days)))
        self.assertEqual(days, [line.split()[0] for line in anchor.read_text(encoding="ascii").splitlines()])
        must("verify", "--database", server.database, "--anchor", anchor)

    def test_until_then_the_days_stay_open(self):
        """--close-after counts from the server's start as well, so that what was queued finds its day open."""
        patient = self.past()
        other = self.past("--close-after", "1s")
        self.caught_up(other)
        health = self.health(patient).expect(200).json
        self.assertEqual(("ok", PAST, None), (health["status"], health["open_day"], health["last_closed_day"]))
        event = {"usage_id": "queued", "account_id": 1, "service_id": "sms", "quantity": 3, "occurred_at": noon(PAST)}
        answer = self.client(patient, "crm").post("/v1/usage", {"events": [event]}).expect(201)
        self.assertEqual(PAST, answer.json[0]["charged_on"])
        # Access does not wait for the closing job.
        open_, closed = (self.client(server, "crm").get("/v1/accounts/1/access").expect(200).json["balance"]
                         for server in (patient, other))
        self.assertEqual(closed - 3 * SMS_UNIT_FEE, open_)

    def test_two_servers_on_one_file(self):
        anchor = self.folder / "shared"
        flags = ("--close-after", "1s", "--anchor", anchor)
        one = self.past(*flags)
        two = self.another(one.database, *flags)
        days = self.caught_up(one)

        def closed():
            return one.metric("saldo_days_closed_total") + two.metric("saldo_days_closed_total")
        self.assertTrue(wait_for(lambda: closed() >= len(days)))
        self.assertEqual(len(days), closed())
        self.assertTrue(wait_for(lambda: len(anchor.read_text(encoding="ascii").splitlines()) >= len(days)))
        self.assertEqual(days, [line.split()[0] for line in anchor.read_text(encoding="ascii").splitlines()])
        account_id = self.company(self.client(one, "crm"))
        self.client(two, "crm").get(f"/v1/accounts/{account_id}").expect(200)
        account_id = self.company(self.client(two, "crm"))
        self.client(one, "crm").get(f"/v1/accounts/{account_id}").expect(200)
        # A key is known on both.
        for server in (one, two):
            answer = self.client(server, "crm").post("/v1/accounts", {"name": "Once"}, key="k").expect(201)
            self.assertEqual(account_id + 1, answer.json["account_id"])
        must("verify", "--database", one.database, "--anchor", anchor)

    def test_a_held_database_shows_and_the_days_are_closed_after_it(self):
        with contextlib.ExitStack() as stack:
            held = []
            server = self.past("--close-after", "1s", "--busy-timeout", "200ms",
                               hold=lambda database: held.append(stack.enter_context(holding(database))))
            self.assertTrue(wait_for(lambda: server.metric("saldo_day_close_failures_total") >= 2, 30))
            self.assertRegex(server.log(), r"error closing a day failed, and is tried again: \S+")
            self.assertGreaterEqual(server.metric("saldo_overdue_days"), MISSED - 1)
            self.assertEqual(0, server.metric("saldo_days_closed_total"))
            health = self.health(server).expect(503)
            self.assertRegex(health.headers["Retry-After"], r"^[1-9]\d*$")
            self.assertEqual((PAST, None), (health.json["open_day"], health.json["last_closed_day"]))
            self.client(server, "crm").get("/v1/accounts").expect(200)
            held[0]()
            self.caught_up(server)
        self.assertTrue(wait_for(lambda: self.health(server).status == 200))
        self.assertEqual("ok", self.health(server).json["status"])
        must("verify", "--database", server.database)

    def test_a_failing_healthz_is_a_documented_answer(self):
        server = self.past("--close-after", "1s", "--anchor", self.folder / "none" / "digests")
        self.assertTrue(wait_for(lambda: self.health(server).status == 503, 30))
        # A checked client holds it against /openapi.json and RFC 9457.
        self.client(server, None).get("/healthz").expect(503)

    def test_an_anchor_that_cannot_be_written_shows_and_the_days_are_closed(self):
        anchor = self.folder / "later" / "digests"
        server = self.past("--close-after", "1s", "--anchor", anchor)
        days = self.caught_up(server)
        self.assertTrue(wait_for(lambda: server.metric("saldo_day_close_failures_total") >= 1))
        self.assertIn(str(anchor), server.log())
        self.assertTrue(wait_for(lambda: self.health(server).status == 503))
        anchor.parent.mkdir()
        self.assertTrue(wait_for(lambda: self.health(server).status == 200))
        self.assertEqual(days, [line.split()[0] for line in anchor.read_text(encoding="ascii").splitlines()])


class Stopping(ServerCase):
    def test_what_is_under_way_is_finished(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                server = self.fresh(name=number.name)
                with server.client("admin") as admin:
                    account_id = self.customer(admin)
                with holding(server.database) as release:
                    finish = until_one_waits(server, lambda identifier: pay_from(server, account_id, identifier))
                    server.process.send_signal(number)
                    self.assertTrue(wait_for(lambda: "stopping" in server.log()))
                    release()
                answers = [answer.expect(201).json for answer in finish()]
                self.assertEqual(0, server.process.wait(30))
                self.assertEqual([(row["external_id"], 300) for row in answers],
                                 peek(server.database, "SELECT external_id, amount FROM payment ORDER BY 1"))
                with self.assertRaises(ConnectionRefusedError):
                    self.client(server, None, checked=False).get("/healthz")

    def test_idle_connections_do_not_hold_it_up(self):
        """A server with idle connections stops at the latest when --keep-alive has closed them."""
        server = self.fresh("--test-clock", "--keep-alive", "2s")
        clients = [self.client(server, "crm") for _ in range(30)]
        for client in clients:
            client.get("/v1/accounts").expect(200)
        self.assertGreaterEqual(server.metric("saldo_http_connections"), 30)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.process.wait(30))
        self.assertLess(time.monotonic() - begun, 10)

    def test_what_was_acknowledged_is_there_after_a_restart(self):
        server = self.fresh()
        client = self.client(server, "admin")
        account_id = self.customer(client)
        body = {"amount": 700, "method": "sbp", "external_id": "a"}
        paid = client.post(f"/v1/accounts/{account_id}/payments", body, key="k").expect(201)
        self.assertEqual(0, server.stop())
        with Server(server.database, "--test-clock", tokens=server.tokens) as again:
            client = again.client("admin")
            self.assertEqual(paid.json, client.post(f"/v1/accounts/{account_id}/payments", body).expect(200).json)
            answered = client.post(f"/v1/accounts/{account_id}/payments", body, key="k").expect(201)
            self.assertEqual(paid.body, answered.body)


class Held(ServerCase):
    """A shell holds the write lock."""

    def test_writes_wait_and_succeed_and_reads_go_on(self):
        server = self.fresh("--test-clock", "--busy-timeout", "5m")
        account_id = self.customer(self.client(server, "admin"))
        with holding(server.database) as release:
            finish = until_one_waits(server, lambda identifier: pay_from(server, account_id, identifier))
            for _ in range(20):
                access = self.client(server, "crm").get(f"/v1/accounts/{account_id}/access").expect(200).json
                self.assertEqual(0, access["balance"])
            self.client(server, None).get("/healthz").expect(200)
            release()
        statuses = [answer.status for answer in finish()]
        self.assertEqual([201] * len(statuses), statuses)
        self.assertEqual([(len(statuses),)], peek(server.database, "SELECT count(*) FROM payment"))

    def test_beyond_busy_timeout_it_is_503_and_nothing_of_it_done(self):
        server = self.fresh("--test-clock", "--busy-timeout", "300ms")
        account_id = self.customer(self.client(server, "admin"))
        with holding(server.database):
            begun = time.monotonic()
            answers = in_threads(*(lambda each=each: pay_from(server, account_id, each) for each in "abc"))()
            for answer in answers:
                self.refused(answer, 503, "overloaded")
                self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d*$")
            self.assertGreaterEqual(time.monotonic() - begun, 0.3)
            dry = self.client(server, "cashier").post(f"/v1/accounts/{account_id}/payments?dry_run=true",
                                                      {"amount": 1, "method": "sbp"})
            self.refused(dry, 503, "overloaded")
            self.client(server, "crm").get("/v1/accounts").expect(200)
        self.assertEqual([(0,)], peek(server.database, "SELECT count(*) FROM payment"))
        self.assertEqual(201, pay_from(server, account_id, "a").status)

    def test_more_writes_than_may_wait(self):
        before = self.fresh()
        account_id = self.customer(self.client(before, "admin"))
        before.stop()
        server = Server(before.database, "--test-clock", "--busy-timeout", "5m", "--max-waiting", "1",
                        tokens=before.tokens)
        self.addCleanup(server.__exit__, None)
        wait_for_index(server)
        with holding(server.database) as release:
            finish = until_one_waits(server, lambda identifier: pay_from(server, account_id, identifier))
            for identifier in ("x", "y"):
                self.refused(pay_from(server, account_id, identifier), 503, "overloaded", "wait")
            release()
            statuses = [answer.status for answer in finish()]
        self.assertEqual(statuses.count(201), peek(server.database, "SELECT count(*) FROM payment")[0][0])
        self.assertGreaterEqual(statuses.count(201), 2)
        self.assertLessEqual(set(statuses), {201, 503})


class Tls(ServerCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="saldo-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.certificates = pathlib.Path(folder.name)
        cls.certificate, cls.key = cls.make("own")
        cls.flags = ("--test-clock", "--tls-cert", cls.certificate, "--tls-key", cls.key)
        # All clients of this process trust it, and nothing else.
        before = os.environ.get("SSL_CERT_FILE")
        cls.addClassCleanup(lambda: os.environ.pop("SSL_CERT_FILE") if before is None
                            else os.environ.__setitem__("SSL_CERT_FILE", before))
        os.environ["SSL_CERT_FILE"] = str(cls.certificate)
        super().setUpClass()

    @classmethod
    def make(cls, name):
        certificate, key = cls.certificates / f"{name}.pem", cls.certificates / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return certificate, key

    def context(self, lowest, highest):
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = lowest, highest
        return context

    def test_it_serves(self):
        self.assertEqual("https", self.server.scheme)
        account_id = self.customer()
        self.assertEqual("active", self.crm.get(f"/v1/accounts/{account_id}/access").expect(200).json["state"])
        rows = ", ".join(["(replace(hex(zeroblob(150000)), '0', 'ж'))"] * 10)
        big = self.admin.post("/v1/sql", {"sql": f"VALUES {rows}"}).expect(200)
        self.assertEqual([300000] * 10, [len(text) for [text] in big.json["rows"]])
        self.refused(self.nobody.get("/v1/accounts"), 401, "unauthorized")

    def test_versions(self):
        version = ssl.TLSVersion
        for each in (version.TLSv1_2, version.TLSv1_3):
            with self.subTest(each.name):
                client = self.client(self.server, "crm", context=self.context(each, each))
                client.get("/v1/accounts").expect(200)
                self.assertEqual(each.name.replace("_", "."), client.connection.sock.version())
        for each in (version.TLSv1, version.TLSv1_1):
            with self.subTest(each.name), self.assertRaises(ssl.SSLError) as raised:
                self.client(self.server, "crm", checked=False, context=self.context(each, each)).get("/v1/accounts")
            # The server refused it, not the client.
            self.assertEqual("TLSV1_ALERT_PROTOCOL_VERSION", raised.exception.reason)

    def test_a_plain_client_gets_no_answer_and_the_others_theirs(self):
        with socket.create_connection(("127.0.0.1", self.server.port), 30) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            got = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := plain.recv(4096):
                    got += piece
        self.assertNotIn(b"HTTP/1.", got)
        self.nobody.get("/healthz").expect(200)

    def test_a_client_that_does_not_shake_hands_holds_up_nobody(self):
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.server.port), 30))
            self.client(self.server, "crm").get("/v1/accounts").expect(200)

    def test_files_that_do_not_serve(self):
        _, other_key = self.make("other")
        junk = self.certificates / "junk"
        junk.write_text("no PEM\n", encoding="ascii")
        missing = self.certificates / "missing"
        for name, flags in (("missing certificate", ("--tls-cert", missing, "--tls-key", self.key)),
                            ("missing key", ("--tls-cert", self.certificate, "--tls-key", missing)),
                            ("no certificate", ("--tls-cert", junk, "--tls-key", self.key)),
                            ("no key", ("--tls-cert", self.certificate, "--tls-key", junk)),
                            ("another's key", ("--tls-cert", self.certificate, "--tls-key", other_key)),
                            ("swapped", ("--tls-cert", self.key, "--tls-key", self.certificate)),
                            ("a folder", ("--tls-cert", self.certificates, "--tls-key", self.key)),
                            ("certificate alone", ("--tls-cert", self.certificate)),
                            ("key alone", ("--tls-key", self.key))):
            with self.subTest(name):
                done = saldod("serve", "--database", self.server.database, "--listen", "127.0.0.1:0", *flags,
                              timeout=START_SECONDS)
                self.assertEqual((FAILED, ""), (done.returncode, done.stdout), done)
                self.assertRegex(done.stderr, "--tls-(cert|key)")


# A head, in four lines; the fifth is the first of what follows.
HEAD = "-- GET /v1/own\n-- Own.\n-- role: crm\n-- answer: many\n"
POST = HEAD.replace("GET", "POST")

# What is wrong: the file, its line (1 when it is about the whole file), a part of the sentence.
WRONG_FILES = {
    "empty": ("", 1, "method and path"),
    "no head": ("SELECT 1;\n", 1, "method and path"),
    "unknown method": (HEAD.replace("GET", "FETCH") + "SELECT 1;\n", 1, "FETCH"),
    "no path": (HEAD.replace(" /v1/own", "") + "SELECT 1;\n", 1, "path"),
    "path without /": (HEAD.replace("/v1/own", "v1/own") + "SELECT 1;\n", 1, "path"),
    "open brace": (HEAD.replace("/own", "/{own") + "SELECT 1;\n", 1, "{own"),
    "query in the path": (HEAD.replace("/own", "/own?a=1") + "SELECT 1;\n", 1, "own?a=1"),
    "empty part": (HEAD.replace("/own", "//own") + "SELECT 1;\n", 1, "part of a path"),
    "no description": ("-- GET /v1/own\nSELECT 1;\n", 2, "description"),
    "no role": ("-- GET /v1/own\n-- Own.\n-- answer: one\nSELECT 1;\n", 3, "role"),
    "unknown role": (HEAD.replace("crm", "boss") + "SELECT 1;\n", 3, "boss"),
    "a new token that is recorded": (
        POST + "\nINSERT INTO account(name, registered_on) VALUES (:new_token, :today);\nSELECT 1 AS x;\n", 6,
        ":new_token_hash"),
    "a new token that is told again": (HEAD + "\nSELECT :new_token AS x;\n", 6, ":secret"),
    "no answer": ("-- GET /v1/own\n-- Own.\n-- role: crm\n\nSELECT 1;\n", 4, "answer"),
    "unknown answer": (HEAD.replace("many", "few") + "SELECT 1;\n", 4, "few"),
    "no parameter": (HEAD + "-- this is a comment\nSELECT 1;\n", 5, "name: type"),
    "unknown type": (HEAD + "-- x: number\nSELECT :x;\n", 5, "number"),
    "no name": (HEAD + "-- X-1: integer\nSELECT 1;\n", 5, "X-1"),
    "the server's own": (HEAD + "-- now: instant\nSELECT :now;\n", 5, "now"),
    "a presence as a parameter": (HEAD + "-- given_x: flag\nSELECT :given_x;\n", 5, "given_x"),
    "presence of what is not declared": (HEAD + "SELECT :given_x;\n", 5, ":given_x"),
    "takes an unknown format": (POST + "-- takes: pdf\nSELECT 1;\n", 5, "pdf"),
    "gives an unknown format": (HEAD + "-- gives: json, doc\nSELECT 1;\n", 5, "doc"),
    "gives a form": (HEAD + "-- gives: form\nSELECT 1;\n", 5, "form"),
    "a document of no column": (HEAD.replace("many", "one") + "-- gives: xml\nSELECT 1 AS x;\n", 1, "document"),
    "a document that is not given": (HEAD.replace("many", "one") + "SELECT 1 AS document;\n", 1, "document"),
    "many documents": (HEAD + "-- gives: xml\nSELECT 1 AS document;\n", 1, "one row"),
    "calls the server": (HEAD + "-- calls: sql\n", 5, "calls"),
    "calls what there is not": (HEAD + "-- calls: nothing\n", 5, "calls"),
    "calls, and has a statement": (HEAD + "-- calls: health\nSELECT 1;\n", 5, "calls"),
    "a GET takes JSON": (HEAD + "-- takes: json\nSELECT 1;\n", 5, "a GET has no body"),
    "a GET takes a form": (HEAD + "-- takes: form\nSELECT 1;\n", 5, "a GET has no body"),
    "the body of a GET": (HEAD + "SELECT :body;\n", 5, "a GET has no body"),
    "gives twice": (HEAD + "-- gives: json\n-- gives: csv\nSELECT 1;\n", 6, "twice"),
    "takes twice": (POST + "-- takes: json\n-- takes: json\nSELECT 1;\n", 6, "twice"),
    "a format twice": (HEAD + "-- gives: json, csv, json\nSELECT 1;\n", 5, "json twice"),
    "gives no answer": (POST.replace("many", "none") + "-- gives: csv\nDELETE FROM calendar_exception;\n", 5, "none"),
    "a placeholder's ending": (HEAD.replace("/own", "/{own}?x") + "SELECT 1;\n", 1, "{own}?x"),
    "declared twice": (HEAD + "-- x: integer\n-- x: text\nSELECT :x;\n", 6, "x"),
    "field of no list": (HEAD + "-- x[].y: integer\nSELECT 1;\n", 5, "x"),
    "field of what is no list": (HEAD + "-- x: text\n-- x[].y: integer\nSELECT :x;\n", 6, "x"),
    "undeclared parameter": (HEAD + "\nSELECT\n  :x;\n", 6, ":x"),
    "undeclared in the second statement": (HEAD + "\nSELECT 1;\n\nSELECT :x;\n", 8, ":x"),
    "unused parameter": (HEAD + "-- x: integer\n-- y: integer\nSELECT :x;\n", 6, "y"),
    "undeclared in the path": (HEAD.replace("/own", "/{own}") + "SELECT 1;\n", 1, "own"),
    "unnamed parameter": (HEAD + "SELECT ?;\n", 5, "?"),
    "other sort of parameter": (HEAD + "-- x: integer\nSELECT @x;\n", 6, "@x"),
    "bad SQL": (HEAD + "\nSELECT 1\nFORM account;\n", 7, "account"),
    "no such table": (HEAD + "\nSELECT 1 FROM acount;\n", 6, "acount"),
    "no such column": (HEAD + "\nSELECT account_id,\n  nam\nFROM account;\n", 7, "nam"),
    "incomplete SQL": (HEAD + "\nSELECT (1;\n", 6, "syntax"),
    "a GET that writes": (HEAD + "\nSELECT 1;\nDELETE FROM account;\n", 7, "only reads"),
    "no statement": (HEAD, 1, "no statement"),
    "nothing to answer": (HEAD.replace("GET", "POST") + "\nDELETE FROM account;\n", 1, "returns rows"),
    "limit of one row": (HEAD.replace("many", "one") + "\nSELECT 1 LIMIT :limit;\n", 6, ":limit"),
    "paged without a cursor": (HEAD + "\nSELECT 1 LIMIT :limit;\n", 1, "after"),
    "facts of rows": (HEAD + "-- facts: books\nSELECT 1 AS x;\n", 1, "facts is for a page"),
    "facts of a document": (HEAD.replace("many", "one") + "-- gives: html\n-- facts: books\nSELECT '' AS document;\n",
                            1, "facts is for a page"),
    "facts of HTML that names no component": (HEAD + "-- gives: html\n-- facts: form\nSELECT 1 AS x;\n", 1,
                                              "facts is for a page"),
    "a route there is": (HEAD.replace("/v1/own", "/v1/accounts/{id}") + "-- id: integer\nSELECT :id;\n", 1, "accounts"),
    "the server's own path": (HEAD.replace("/v1/own", "/healthz") + "SELECT 1;\n", 1, "/healthz"),
    "the path of SQL": (HEAD.replace("GET /v1/own", "POST /v1/sql") + "SELECT 1;\n", 1, "/v1/sql"),
    "NUL": (HEAD + "SELECT 1;\n\0\n", 6, "holds a NUL character"),
    "not UTF-8": (HEAD.encode().replace(b"Own.", b"\xff\xfe.") + b"SELECT 1;\n", 2, "is not UTF-8"),
}


class Routes(ServerCase):
    """Routes of an operator's own."""

    opening = PAST
    now = noon(PAST)

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="saldo-routes-")
        cls.addClassCleanup(folder.cleanup)
        routes = pathlib.Path(folder.name)
        # The README's example, as it stands there.
        example, = re.findall(r"^```sql\n(-- GET /v1/reports/late_payers\n.*?)^```", readme(), re.MULTILINE | re.DOTALL)
        (routes / "late_payers.sql").write_text(example, encoding="utf-8")
        (routes / "notes.txt").write_text("not a route", encoding="utf-8")
        (routes / "more").mkdir()
        (routes / "more" / "registrations.sql").write_text(
            "-- POST /v1/own/{external_id}/{day}\n-- Register twice: one of ours.\n-- role: operator\n-- answer: one\n"
            "-- external_id: text!\n-- day: day! Registered on\n-- names: list! Their names\n-- names[].name: text!\n\n"
            "-- Comments; may follow.\n"
            "INSERT INTO account(name, external_id, registered_on, recorded_at, recorded_by)\n"
            "SELECT value ->> 'name', :external_id || '-' || key, :day, :now, :who FROM json_each(:names);\n"
            "SELECT saldo_refuse('conflict', 'too many') WHERE json_array_length(:names) > 2;\n"
            "SELECT count(*) AS registered, min(recorded_by) AS who, 201 AS http_status FROM account\n"
            "WHERE external_id GLOB :external_id || '-*';\n", encoding="utf-8")
        (routes / "odd.sql").write_text(
            "-- GET /v1/own/a\"b\\c\n-- An odd path.\n-- role: crm\n-- answer: one\nSELECT 1 AS x;\n", encoding="utf-8")
        # As editors of others save them.
        (routes / "windows.sql").write_bytes(
            b"\xef\xbb\xbf-- GET /v1/own/windows\r\n-- Of another editor.\r\n-- role: crm\r\n-- answer: many\r\n-- "
            b"x: integer\r\n\r\n"
            b"-- A comment.\r\nSELECT :x AS x,\r\n  2 AS y;\r\n")
        for hidden in (".windows.sql", "._windows.sql", ".hidden/own.sql"):
            (routes / hidden).parent.mkdir(exist_ok=True)
            (routes / hidden).write_bytes(b"\x00\x05\x16\x07 no route")
        (routes / "document.sql").write_text(
            "-- GET /v1/own/documents/{id}\n-- A document.\n-- role: crm\n-- answer: one\n-- gives: json, xml, "
            "html, pdf\n"
            "-- id: integer!\n\n"
            "SELECT :id AS id, CASE :format WHEN 'pdf' THEN x'25504446ff00' ELSE '<' || :format || '/>' END AS "
            "document,\n"
            "  iif(:id = 9, 404, 200) AS http_status WHERE :id < 10;\n", encoding="utf-8")
        (routes / "document_pdf.sql").write_text(
            "-- GET /v1/own/documents/{id}.pdf\n-- Its PDF.\n-- role: crm\n-- answer: one\n-- gives: pdf\n-- id: "
            "integer!\n\n"
            "SELECT CAST(:id AS BLOB) AS document;\n", encoding="utf-8")
        (routes / "form.sql").write_text(
            "-- POST /v1/own/form\n-- A callback.\n-- role: none\n-- answer: one\n-- takes: form\n-- gives: text\n\n"
            "SELECT 400 AS http_status WHERE :body = '';\nSELECT 'got ' || :body AS document;\n", encoding="utf-8")
        status = "-- status: integer A status\n-- text: text What is none\n\n"
        (routes / "status_get.sql").write_text(
            "-- GET /v1/own/status\n-- Any status.\n-- role: operator\n-- answer: one\n" + status
            + "SELECT 'x' AS x, coalesce(:status, :text) AS http_status;\n", encoding="utf-8")
        (routes / "status_post.sql").write_text(
            "-- POST /v1/own/status\n-- A write of any status.\n-- role: operator\n-- answer: one\n" + status
            + "INSERT INTO account(name, registered_on, recorded_at, recorded_by)\n"
            "VALUES ('status', :today, :now, :who);\n"
            "SELECT count(*) AS accounts, coalesce(:status, :text) AS http_status\n"
            "FROM account WHERE name = 'status';\n", encoding="utf-8")
        (routes / "status_delete.sql").write_text(
            "-- DELETE /v1/own/status\n-- A status without an answer.\n-- role: operator\n-- answer: none\n" + status
            + "SELECT coalesce(:status, :text) AS http_status;\n", encoding="utf-8")
        (routes / "refuse.sql").write_text(
            "-- POST /v1/own/refusal\n-- Refuse.\n-- role: crm\n-- answer: one\n-- code: text!\n\n"
            "SELECT saldo_refuse(:code, 'that is so');\nSELECT 1 AS x;\n", encoding="utf-8")
        cls.flags = ("--test-clock", "--routes", routes)
        super().setUpClass()

    def unchecked(self, role="operator"):
        """A client whose answers need not be documented ones; each one is answered in the same connection."""
        client = self.server.client(role, now=self.now, checked=False)
        self.addCleanup(client.close)
        return client

    def accounts_of_status(self):
        return self.sql("SELECT count(*) FROM account WHERE name = 'status'")[0][0]

    def test_a_status_of_ones_own(self):
        client = self.unchecked()
        before = self.accounts_of_status()
        path = "/v1/own/status"
        for method, query, body in (("GET", "?status={}", None), ("POST", "", "status"),
                                    ("DELETE", "?status={}", None)):
            for status in (-1, 0, 42, 100, 199, 600, 99999, 1 << 32 | 200):
                with self.subTest(method=method, status=status):
                    answer = client.request(method, path + query.format(status), body and {body: status})
                    self.refused(answer, 500, "internal", "http_status")
        for answer in (client.get(path), client.get(path + "?text=abc"), client.get(path + "?text=200"),
                       client.post(path, {}), client.post(path, {"text": "201"})):
            self.refused(answer, 500, "internal", "http_status")
        self.assertEqual(before, self.accounts_of_status())
        self.assertIn("error POST /v1/own/status: internal: http_status", self.server.log())

    def test_answers_without_a_body(self):
        """What follows in the connection is the next answer."""
        client = self.unchecked()
        path = "/v1/own/status"
        for status in (204, 205, 304):
            for method in ("GET", "DELETE"):
                with self.subTest(method=method, status=status):
                    answer = client.request(method, f"{path}?status={status}").expect(status)
                    self.assertEqual((b"", None), (answer.body, answer.headers.get("Content-Type")))
                    self.assertEqual([{"x": 7, "y": 2}], client.get("/v1/own/windows?x=7").expect(200).json)
        client.post(path, {"status": 204}).expect(204)
        self.assertEqual([{"x": 7, "y": 2}], client.get("/v1/own/windows?x=7").expect(200).json)
        for status in (200, 404, 409, 599):
            with self.subTest(answer="none", status=status):
                answer = client.delete(f"{path}?status={status}").expect(status)
                self.assertEqual((b"", None), (answer.body, answer.headers.get("Connection")))

    def test_a_write_that_answers_no_success_is_undone(self):
        client = self.unchecked()
        before = self.accounts_of_status()
        for status in (300, 303, 400, 409, 503):
            for key in (None, "status"):
                with self.subTest(status=status, key=key):
                    answer = client.post("/v1/own/status", {"status": status}, key=key).expect(status)
                    self.assertEqual({"accounts": before + 1}, answer.json)
                    self.assertEqual(before, self.accounts_of_status())
        # Under its key it is judged anew, and done once.
        for _ in range(2):
            answer = client.post("/v1/own/status", {"status": 202}, key="status").expect(202)
            self.assertEqual({"accounts": before + 1}, answer.json)
        self.assertEqual(before + 1, self.accounts_of_status())

    def test_every_refusal_has_its_status(self):
        client = self.unchecked("crm")
        codes = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", readme(), re.MULTILINE))
        self.assertLessEqual({"malformed", "unauthorized", "forbidden", "conflict", "internal"}, set(codes))
        for code, status in codes.items():
            with self.subTest(code):
                answer = client.post("/v1/own/refusal", {"code": code})
                # The server's own failures are not for SQL to claim, but for one that may be somebody else's.
                if int(status) < 500 or code == "overloaded":
                    self.refused(answer, int(status), code, "that is so")
                else:
                    self.refused(answer, 422, "invalid", code, "that is so")

    def test_files_of_another_editor(self):
        self.assertEqual([{"x": 7, "y": 2}], self.crm.get("/v1/own/windows?x=7").expect(200).json)

    def test_documents(self):
        path = "/v1/own/documents/7"
        for accept, media_type, body in (
                (None, "application/json", b'{"id":7}'), ("application/xml", "application/xml", b"<xml/>"),
                ("text/*", "text/html; charset=utf-8", b"<html/>"), ("application/pdf", "application/pdf",
                                                                     b"%PDF\xff\0"),
                ("application/pdf;q=0.5, text/html;q=0.6", "text/html; charset=utf-8", b"<html/>")):
            with self.subTest(accept=accept):
                answer = self.crm.get(path, accept=accept).expect(200)
                self.assertEqual((media_type, body), (answer.headers["Content-Type"], answer.body))
        self.refused(self.crm.get(path, accept="text/csv"), 406, "not_acceptable", "application/pdf")
        self.refused(self.crm.get("/v1/own/documents/10", accept="application/pdf"), 404, "not_found")
        # A document with a status of its own; its 404 is not a documented problem, so the client is not to check it.
        with self.server.client("crm", checked=False) as client:
            self.assertEqual((404, b"<xml/>"), (lambda each: (each.status, each.body))(
                client.get("/v1/own/documents/9", accept="application/xml")))
        answer = self.crm.get(path + ".pdf").expect(200)
        self.assertEqual(("application/pdf", b"7"), (answer.headers["Content-Type"], answer.body))
        self.refused(self.crm.get("/v1/own/documents/x.pdf"), 422, "invalid", "id")
        self.refused(self.crm.get("/v1/own/documents/.pdf"), 422, "invalid", "id")
        paths = self.server.document.json["paths"]
        self.assertEqual({"application/json", "application/xml", "text/html", "application/pdf"},
                         set(paths["/v1/own/documents/{id}"]["get"]["responses"]["200"]["content"]))

    def test_a_body_as_it_came(self):
        form = {"Content-Type": "application/x-www-form-urlencoded; charset=windows-1251"}
        with self.server.client(None) as stranger:
            answer = stranger.post("/v1/own/form", b"a=1&a=%FF&b=+", headers=form).expect(200)
            self.assertEqual(("text/plain; charset=utf-8", "got a=1&a=%FF&b=+"),
                             (answer.headers["Content-Type"], answer.text))
            self.refused(stranger.post("/v1/own/form", {"a": 1}), 415, "unsupported_media_type",
                         "x-www-form-urlencoded")
        with self.server.client(None, checked=False) as stranger:
            stranger.post("/v1/own/form", b"x" * 10_000, headers=form).expect(200)
            stranger.post("/v1/own/form", headers=form).expect(400)

    def test_the_readmes_example_works(self):
        late = [self.customer() for _ in range(3)]
        path = "/v1/reports/late_payers"
        self.refused(self.analyst.get(path), 422, "invalid", "since")
        later = noon(day_plus(PAST, 2))
        pages = self.analyst.pages(path, query={"since": day_plus(PAST, 1), "limit": 2}, now=later)
        self.assertEqual([(account_id, day_end(PAST)) for account_id in late],
                         [(row["account_id"], row["arrears_since"]) for page in pages for row in page])
        self.assertEqual([], self.analyst.get(path, query={"since": PAST}, now=later).expect(200).json)
        for role in ("crm", "cashier", "operator"):
            self.refused(getattr(self, role).get(path, query={"since": PAST}), 403, "forbidden", "analyst")
        self.admin.get(path, query={"since": PAST}).expect(200)
        self.refused(self.nobody.get(path, query={"since": PAST}), 401, "unauthorized")

    def test_one_that_writes_has_all_that_writes_have(self):
        path = f"/v1/own/reg/{PAST}"
        body = {"names": [{"name": "А"}, {"name": "Б"}]}
        self.refused(self.crm.post(path, body), 403, "forbidden", "operator")
        self.assertEqual({"registered": 2, "who": "operator"},
                         self.operator.post(path + "?dry_run=true", body).expect(201).json)
        self.assertEqual(0, self.sql("SELECT count(*) FROM account WHERE external_id GLOB 'reg-*'")[0][0])
        for _ in range(2):
            answer = self.operator.post(path, body, key="own").expect(201)
            self.assertEqual({"registered": 2, "who": "operator"}, answer.json)
        # A refusal undoes what the statements before it did.
        self.refused(self.operator.post(f"/v1/own/three/{PAST}", {"names": body["names"] + [{"name": "В"}]}),
                     409, "conflict", "too many")
        self.assertEqual(0, self.sql("SELECT count(*) FROM account WHERE external_id GLOB 'three-*'")[0][0])
        wrong = self.operator.post("/v1/own/x/2026-02-30", {"names": [{}]})
        self.refused(wrong, 422, "invalid", "day", "names[0].name")
        answer = self.operator.get(path)
        self.refused(answer, 405, "method_not_allowed")
        self.assertEqual("POST", answer.headers["Allow"])

    def test_they_are_in_the_document(self):
        paths = self.server.document.json["paths"]
        operation = paths["/v1/own/{external_id}/{day}"]["post"]
        self.assertIn("Register twice: one of ours", operation["summary"] + operation.get("description", ""))
        self.assertEqual(["operator"], operation["tags"])
        self.assertLessEqual({"external_id", "day"}, {each.get("name") for each in operation["parameters"]})
        self.assertIn("/v1/reports/late_payers", paths)

    def test_labels_of_metrics_are_escaped(self):
        self.assertEqual({"x": 1}, self.crm.get('/v1/own/a%22b%5Cc').expect(200).json)
        text = self.nobody.get("/metrics").expect(200).text
        self.assertIn(r'saldo_http_requests_total{method="GET",route="/v1/own/a\"b\\c",status="200"} 1' + "\n", text)
        read_metrics(self, text)


class WrongRoutes(FolderCase):
    def setUp(self):
        super().setUp()
        Books.copy(self.database)
        self.routes = self.folder / "routes"
        self.routes.mkdir()

    def test_a_wrong_file_stops_the_start_with_its_name_and_line(self):
        file = self.routes / "own.sql"
        for name, (text, line, says) in WRONG_FILES.items():
            with self.subTest(name):
                file.write_bytes(text if isinstance(text, bytes) else text.encode())
                told = re.fullmatch(rf"saldod: {re.escape(str(file))}:(\d+): (.+)\n",
                                    self.start_fails("--routes", self.routes, says=file))
                self.assertTrue(told)
                self.assertEqual(line, int(told.group(1)), told.group())
                self.assertIn(says, told.group(2))

    def test_the_head_of_these_cases_is_right(self):
        """HEAD with right lines is accepted, so that each of the wrong files is refused for its own mistake."""
        (self.routes / "own.sql").write_text(HEAD + "-- x: integer\n\nSELECT :x AS x;\n", encoding="utf-8")
        tokens = Books.copy(self.database)
        with Server(self.database, "--routes", self.routes, tokens=tokens) as server, server.client("crm") as client:
            self.assertEqual([{"x": 7}], client.get("/v1/own?x=7").expect(200).json)

    def test_what_runs_into_the_time_limit_leaves_nothing_behind(self):
        """No transaction either: the ROLLBACK that ends it must not be interrupted in its turn."""
        (self.routes / "own.sql").write_text(
            HEAD + "\nWITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0;\n",
            encoding="utf-8")
        tokens = Books.copy(self.database)
        with (Server(self.database, "--routes", self.routes, "--route-timeout", "10ms", "--readers", "1",
                     tokens=tokens) as server,
              server.client("crm") as client):
            for _ in range(150):
                self.assertEqual((503, "timed_out"), (lambda each: (each.status, each.code))(client.get("/v1/own")))
            client.get("/v1/accounts").expect(200)

    def test_two_files_of_one_route(self):
        for name in ("a.sql", "b.sql"):
            (self.routes / name).write_text(HEAD + "SELECT 1 AS x;\n", encoding="utf-8")
        self.start_fails("--routes", self.routes, says=(f"{self.routes / 'b.sql'}:1:", str(self.routes / "a.sql"),
                                                        "GET /v1/own"))

    def test_no_such_folder(self):
        missing = self.folder / "missing"
        self.start_fails("--routes", missing, says=("--routes", missing))
        self.start_fails("--routes", self.database, says=("--routes", self.database))


class Log(ServerCase):
    def test_it_never_holds_tokens_amounts_or_what_was_sent(self):
        server = self.fresh("--test-clock", "--log-level", "debug", "--busy-timeout", "100ms", "--sql-timeout", "500ms")
        admin = self.client(server, "admin")
        account_id = self.customer(admin, external_id="secret-customer")
        payments = f"/v1/accounts/{account_id}/payments"
        body = {"amount": 987654321, "method": "sbp", "external_id": "secret-payment", "payer": "secret-payer"}
        admin.post(payments, body, key="secret-key").expect(201)
        self.refused(admin.post(payments, {**body, "amount": 987654322}), 409, "conflict")
        self.refused(admin.post(payments, {**body, "amount": 987654321987654321, "external_id": "secret-big"}),
                     422, "out_of_range")
        self.refused(admin.post(payments, {**body, "secret-field": 987654321}), 422, "invalid")
        self.refused(admin.post(payments, b'{"amount": 987654321, "secret-body'), 400, "malformed")
        self.refused(admin.post(payments, body, key="secret key"), 400, "malformed")
        self.refused(admin.post("/v1/secret-path", body), 404, "not_found")
        self.refused(admin.post("/v1/accounts/secret-id/payments", body), 422, "invalid")
        admin.get("/v1/accounts?name=secret-name").expect(200)
        self.refused(admin.get("/v1/accounts?secret-query=1"), 422, "invalid")
        self.refused(admin.get("/v1/accounts", headers={"Saldo-Now": "secret-now"}), 400, "malformed")
        admin.post("/v1/sql", {"sql": "SELECT 'secret-sql', ?", "params": ["secret-param"]}).expect(200)
        self.refused(admin.post("/v1/sql", {"sql": "SELECT secret-sql"}), 422, "invalid")
        self.refused(admin.post("/v1/sql", {"sql": "WITH RECURSIVE secret_loop(x) AS (SELECT 1 UNION ALL SELECT x FROM "
                                                   "secret_loop) SELECT count(*) FROM secret_loop"}), 503, "timed_out")
        stranger = self.client(server, None)
        for authorization in ("Bearer secret-token", "Basic secret-token", "secret-token"):
            self.refused(stranger.get("/v1/accounts", headers={"Authorization": authorization}), 401, "unauthorized")
        self.refused(self.client(server, "analyst").post(payments, body), 403, "forbidden")
        with holding(server.database):
            self.refused(admin.post(payments, {**body, "external_id": "secret-other"}), 503, "overloaded")
        self.assertEqual(0, server.stop())
        log = server.log()
        for secret in (*server.tokens.values(), "secret", "98765432", "Ромашка", "SELECT", "INSERT"):
            self.assertNotIn(secret, log)
        # These requests were logged, so the secrets were looked for in the right place.
        for status in (201, 400, 403, 409, 422, 503):
            self.assertRegex(log, r"(?m)^\S+Z info POST /v1/accounts/\{account_id\}/payments "
                                  rf"{status} [\d.]+ ms \w+$")
        self.assertRegex(log, r"(?m) info GET - 401 [\d.]+ ms")
        self.assertRegex(log, r"(?m) debug GET /v1/accounts 200 [\d.]+ ms admin$")

    def test_levels(self):
        for level, shown in (("debug", {"GET", "POST", "refused"}), ("info", {"POST", "refused"}), ("warning", set()),
                             ("error", set())):
            with self.subTest(level):
                server = self.fresh("--test-clock", "--log-level", level, name=level)
                client = self.client(server, "crm")
                client.get("/v1/payment-methods").expect(403)
                client.get("/v1/accounts").expect(200)
                client.post("/v1/accounts", {"name": "А"}).expect(201)
                self.assertEqual(0, server.stop())
                log = server.log()
                lines = {"GET": " GET /v1/accounts 200 ", "POST": " POST /v1/accounts 201 ",
                         "refused": " GET /v1/payment-methods 403 "}
                self.assertEqual(shown, {name for name, line in lines.items() if line in log})


def read_metrics(test, text):
    """The samples of the Prometheus text format, held against it: {(name, labels): value}, and {name: (type, help)}."""
    samples, heads, current = {}, {}, None
    label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
    for line in text.removesuffix("\n").split("\n"):
        head = re.fullmatch(r"# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)", line)
        if head:
            kind, current, told = head.groups()
            test.assertNotIn(kind, heads.setdefault(current, {}), f"two {kind} of {current}")
            heads[current][kind] = told
            continue
        sample = re.fullmatch(rf"([a-z_:][a-z0-9_:]*)(?:\{{({label}(?:,{label})*)\}})? (\S+)", line)
        test.assertTrue(sample, f"no line of the text format: {line!r}")
        name, labels, value = sample.groups()
        kind = heads[current]["TYPE"]
        suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        test.assertIn(name, [current + suffix for suffix in suffixes], "a sample is not under its own head")
        test.assertNotIn((name, labels), samples, "a series twice")
        samples[name, labels] = float(value)
    for name, head in heads.items():
        test.assertEqual({"HELP", "TYPE"}, set(head), name)
        test.assertIn(head["TYPE"], ("counter", "gauge", "histogram"))
    test.assertTrue(text.endswith("\n"))
    return samples, {name: (head["TYPE"], head["HELP"]) for name, head in heads.items()}


class Metrics(ServerCase):
    def figures(self):
        answer = self.nobody.get("/metrics").expect(200)
        self.assertEqual("text/plain; version=0.0.4; charset=utf-8", answer.headers["Content-Type"])
        return read_metrics(self, answer.text)

    def grown(self, work):
        before, _ = self.figures()
        work()
        after, _ = self.figures()
        return {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}

    def test_counters_count_each_request_by_route_and_status(self):
        account_id = self.customer()
        wait_for_index(self.server)
        payments = f"/v1/accounts/{account_id}/payments"

        def work():
            self.cashier.post(payments, {"amount": 5, "method": "sbp", "external_id": "m"}).expect(201)
            self.cashier.post(payments, {"amount": 6, "method": "sbp", "external_id": "m"}).expect(409)
            for _ in range(3):
                self.crm.get(f"/v1/accounts/{account_id}").expect(200)
            self.crm.get("/v1/accounts/999999").expect(404)
            self.nobody.get(f"/v1/accounts/{account_id}").expect(401)
            self.crm.get("/v1/nowhere").expect(404)

        grown = self.grown(work)
        requests = {labels: count for (name, labels), count in grown.items() if name == "saldo_http_requests_total"}
        post = 'method="POST",route="/v1/accounts/{account_id}/payments"'
        get = 'method="GET",route="/v1/accounts/{account_id}"'
        for labels, count in ((f'{post},status="201"', 1), (f'{post},status="409"', 1), (f'{get},status="200"', 3),
                              (f'{get},status="404"', 1), ('method="GET",route="",status="401"', 1),
                              ('method="GET",route="",status="404"', 1)):
            with self.subTest(labels):
                self.assertEqual(count, requests.pop(labels, 0))
        self.assertEqual({'method="GET",route="/metrics",status="200"': 1}, requests)
        self.assertEqual(2, grown["saldo_writes_total", None])
        self.assertEqual(2, grown["saldo_commits_total", None])
        self.assertEqual(2, grown["saldo_http_request_seconds_count", post])
        self.assertGreater(grown["saldo_http_request_seconds_sum", post], 0)

    def test_histograms_add_up(self):
        self.crm.get("/v1/accounts").expect(200)
        samples, _ = self.figures()
        buckets = {}
        for (name, labels), value in samples.items():
            if name == "saldo_http_request_seconds_bucket":
                series, bound = re.fullmatch(r'(.*),le="([^"]*)"', labels).groups()
                buckets.setdefault(series, []).append((float(bound), value))
        self.assertTrue(buckets)
        for series, each in buckets.items():
            with self.subTest(series):
                self.assertEqual(sorted(each), each)
                self.assertEqual(sorted(value for _, value in each), [value for _, value in each])
                self.assertEqual((float("inf"), samples["saldo_http_request_seconds_count", series]), each[-1])
                by_status = sum(value for (name, labels), value in samples.items()
                                if name == "saldo_http_requests_total" and labels.startswith(series + ",status="))
                self.assertEqual(by_status, each[-1][1])

    def test_gauges(self):
        server = self.fresh()
        idle = [self.client(server, None) for _ in range(7)]
        for client in idle:
            client.get("/healthz").expect(200)
        self.assertGreaterEqual(server.metric("saldo_http_connections"), 8)
        for client in idle:
            client.close()
        self.assertTrue(wait_for(lambda: server.metric("saldo_http_connections") <= 2))
        self.assertEqual((0, 0), (server.metric("saldo_waiting_writes"), server.metric("saldo_overdue_days")))

    def test_healthz_tells_the_books(self):
        server = self.fresh()
        client = self.client(server, "operator")
        version = must("--version").strip()
        health = client.get("/healthz").expect(200).json
        self.assertEqual({"status": "ok", "version": version, "open_day": "2026-11-01", "last_closed_day": None,
                          "overdue_days": 0, "mail_paused": None}, health)
        client.post("/v1/days/2026-11-01/close").expect(201)
        health = client.get("/healthz").expect(200).json
        self.assertEqual(("2026-11-02", "2026-11-01"), (health["open_day"], health["last_closed_day"]))


def readme():
    return (ROOT / "server" / "README.md").read_text(encoding="utf-8")


def table(text, head):
    """The rows of the README's table with that head, as lists of cells."""
    found = re.findall(rf"^\| {re.escape(head)} *\|.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    if not found:
        raise AssertionError(f"the README has no table | {head} |")
    return [[cell.strip() for cell in row.strip("| \n").split(" | ")] for row in found[-1].strip().split("\n")]


def code(cell):
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def flags_of(command):
    """{flag: its default, or ''} by --help."""
    told = must(*command.split(), "--help")
    lines = re.findall(r"^ +(?:-h,)?(--[\w-]+)(.*)", told, re.MULTILINE)
    return {flag: "".join(re.findall(r"^ [A-Z].*?=(\S+)", rest)) for flag, rest in lines if flag != "--help"}


class RouteFile:
    """The head of a file under sql/http/."""

    def __init__(self, path):
        lines = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("-- "):
                break
            lines.append(line[3:])
        self.methods, self.path = lines[0].rsplit(" ", 1)
        self.description = lines[1]
        self.role, self.answer = lines[2].removeprefix("role: "), lines[3].removeprefix("answer: ")
        self.parameters = [line.split(": ")[0] for line in lines[4:]
                           if not re.match("(takes|gives|calls|auth|charset): |protocol: (?!text)", line)]


class Documentation(ServerCase):
    """Whatever there is is documented, and whatever is documented is there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        files = [RouteFile(path) for path in sorted((ROOT / "sql" / "http").rglob("*.sql"))]
        cls.payment_systems = [file for file in files if file.path.startswith("/pay/")]
        cls.files = [file for file in files if file not in cls.payment_systems]
        cls.roles = {(file.methods, file.path): file.role for file in cls.files}

    def test_every_route_file_is_in_the_openapi_document(self):
        self.assertGreater(len(self.files), 60)
        self.assertEqual(set(self.roles), self.server.document.routes)
        for file in self.files:
            with self.subTest(f"{file.methods} {file.path}"):
                operation = self.server.document.json["paths"][file.path][file.methods.lower()]
                self.assertIn(file.description.rstrip("."), operation["summary"] + operation.get("description", ""))
                self.assertEqual([file.role], operation["tags"])
                self.assertEqual(set(file.parameters), self.parameters(operation) - {
                    "limit", "dry_run", "Idempotency-Key", "Saldo-Now"})

    def test_every_payment_system_is_in_the_openapi_document_and_the_readme(self):
        self.assertGreaterEqual(len(self.payment_systems), 8)
        paths = self.server.document.json["paths"]
        self.assertEqual({file.path for file in self.payment_systems},
                         {path for path in paths if path.startswith("/pay/")})
        for file in self.payment_systems:
            with self.subTest(file.path):
                self.assertEqual(set(file.methods.lower().split(", ")), set(paths[file.path]))
                for operation in paths[file.path].values():
                    self.assertIn(file.description.rstrip("."), operation["summary"])
                self.assertIn(f"`{file.path.split('/')[2]}`", readme())

    def parameters(self, operation):
        resolve = self.server.document.resolve
        names = {resolve(each)["name"] for each in operation.get("parameters", ())}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for name, schema in resolve(body).get("properties", {}).items():
            names.add(name)
            names.update(f"{name}[].{field}" for field in resolve(schema.get("items", {})).get("properties", {}))
        return names

    def test_operation_ids_are_unique(self):
        ids = [operation["operationId"] for item in self.server.document.json["paths"].values()
               for operation in item.values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_route_is_in_the_readme(self):
        rows = table(readme(), "route")
        documented = {tuple(code(row[0])[0].split(" ")): row[1] for row in rows}
        self.assertEqual(len(rows), len(documented))
        self.assertEqual(self.roles, documented)
        self.assertEqual([], [row for row in rows if len(row) < 3 or not row[2]])

    def test_every_code_is_in_the_readme(self):
        problem = self.server.document.json["components"]["schemas"]["Problem"]
        documented = {code(row[0])[0]: row[1] for row in table(readme(), "code")}
        self.assertEqual(set(problem["properties"]["code"]["enum"]), set(documented))
        for name, status in documented.items():
            self.assertIn(f"`{name}` {status}:", problem["description"])

    def test_every_flag_of_serve_is_in_the_readme(self):
        documented = {}
        for cells in table(readme(), "flag"):
            for flag in code(cells[0]):
                documented[flag.split(" ")[0]] = cells[1]
        flags = flags_of("serve")
        self.assertGreater(len(flags), 15)
        self.assertEqual(flags, documented)

    def test_every_command_and_its_flags_are_in_the_readme(self):
        rows = table(readme(), "command")
        text = "\n".join(" ".join(code(row[0])) + " " + row[1] for row in rows)
        usages = {}
        for row in rows:
            for usage in code(row[0]) + code(row[1]):
                words = re.fullmatch(r"(?:saldod )?((?:token )?[a-z]+)((?: \[?-.*| [A-Z]+)*)", usage)
                if words and words.group(1) in COMMANDS:
                    usages[words.group(1)] = set(re.findall(r"--[\w-]+", usage))
        self.assertEqual(set(COMMANDS), set(usages), text)
        for command in COMMANDS:
            with self.subTest(command):
                self.assertIn(command.split()[-1], must(*command.split()[:-1], "--help"))
                flags = set(flags_of(command)) - {"--database"}
                documented = usages[command] - {"--database"}
                if command == "serve":
                    self.assertLessEqual(documented, flags)
                else:
                    self.assertEqual(flags, documented)

    def test_every_metric_is_in_the_readme(self):
        _, metrics = read_metrics(self, self.nobody.get("/metrics").expect(200).text)
        documented = {code(row[0])[0]: (row[1], row[2]) for row in table(readme(), "metric")}
        self.assertEqual({name: (kind, told.rstrip(".")) for name, (kind, told) in metrics.items()}, documented)


if __name__ == "__main__":
    unittest.main()
