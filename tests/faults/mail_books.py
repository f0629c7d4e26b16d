"""Books for the tests of the sender: made by SQL, with as many accounts as wanted, by the real clock."""

import collections
import datetime
import os
import pathlib
import re
import sqlite3
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "http"))

from mail_server import Relay  # noqa: E402
from server import Books  # noqa: E402

EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT.parent / "build" / "saldo.so"))
FLAGS = ("--mail-from", "billing@vendor.example", "--mail-hours", "00-24", "--mail-rate", "0", "--log-level", "error")


def ago(**span):
    instant = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**span)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def extended(path):
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    return connection


def new_books(database, days, sql):
    """Books opened so many days ago, with what the statements put in, which have the opening as :opening; the tokens
    by role."""
    opening = ago(days=days)[:10]
    tokens = Books.copy(database, opening)
    connection = extended(database)
    with connection:
        connection.execute("BEGIN")
        for statement in sql:
            connection.execute(statement, {"opening": opening} if ":opening" in statement else {})
    connection.close()
    return tokens


def payments_to_tell(count):
    """Accounts that have just paid, and are told so by an e-mail each."""
    return (f"UPDATE notice_clock SET at = '{ago(days=1)}'",
            f"""WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT {count})
                INSERT INTO account(account_id, name, registered_on, admin_email)
                SELECT x, 'Компания ' || x, :opening, 'a' || x || '@company.example' FROM n""",
            f"""INSERT INTO payment(account_id, amount, method, received_at, credited_at)
                SELECT account_id, 100, 'sbp', '{ago(minutes=1)}', '{ago(minutes=1)}' FROM account""",
            f"UPDATE notice_clock SET at = '{ago()}'")


class Tally(collections.Counter):
    """In place of the mails that a relay keeps: how many of each notice_id."""

    @staticmethod
    def notice_id(mail_bytes):
        return int(re.search(rb"^Message-ID: <notice-(\d+)\.email@", mail_bytes, re.MULTILINE).group(1))

    def append(self, mail):
        self[self.notice_id(mail.bytes)] += 1


def new_relay(**options):
    relay = Relay(**options)
    relay.mails = Tally()
    return relay
