"""Small random books for the generated queries: a file, and the temp tables beside it.

The books open in 2150, so that "now", which access_state answers for when it is asked for neither a day nor an instant,
lies before the opening and has no rows: the answer to every query is then the same whenever the tests run.
"""

import datetime
import os
import sqlite3

OPENING_YEAR = 2150
TABLES = ("daily_charge", "access_state", "working_calendar")
SECOND_BEFORE_ITS_END = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', day_end(?), '-1 second')"
MARGIN_DAYS = 31  # the copies reach this many days beyond the last day that a query names: a month from the open day


def plus_days(day, days):
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days)).isoformat()


class Book:
    """What the query generator knows about one book. `setup` makes the temp tables in any connection to `path`."""

    def __init__(self, random, path, extension):
        self.path = path
        self.opening = plus_days(f"{OPENING_YEAR}-01-01", random.randrange(0, 90))
        self.closed = random.randrange(0, 9)  # days
        self.open_day = plus_days(self.opening, self.closed)
        self.first_day = plus_days(self.opening, -3)
        self.last_day = plus_days(self.open_day, random.randrange(8, 25))
        self.days = self._range(self.first_day, self.last_day)
        self.accounts = sorted(random.sample([1, 2, 3, 5, 7, 8, 11, 12], random.randrange(2, 6)))
        self.services = ["crm", "db", "sms"]
        self._write(random, extension)

    @staticmethod
    def _range(first, last):
        count = (datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)).days + 1
        return [plus_days(first, i) for i in range(count)]

    def _write(self, random, extension):
        if os.path.exists(self.path):
            os.remove(self.path)
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute("PRAGMA synchronous = OFF")
        db.enable_load_extension(True)
        db.load_extension(extension)
        db.execute("BEGIN")
        db.execute("SELECT saldo_install(?, ?)", (self.opening, random.choice(["none", "ru"])))

        def may_be_refused(sql, *values):
            # Random facts break rules (a promise without arrears, for one); the books are then without them.
            try:
                db.execute(sql, values)
            except sqlite3.Error as error:
                if ": " not in str(error):
                    raise

        may_be_refused(
            "UPDATE policy SET time_zone = ?, restricted_days_charged = ?, grace_working_days = ?",
            random.choice(["Europe/Moscow", "Europe/Berlin", "America/New_York", "UTC"]),
            random.choice([None, None, 0, 2]),
            random.choice([0, 0, 1]),
        )
        for service, kind in (("crm", "recurring"), ("db", "recurring"), ("sms", "usage")):
            db.execute("INSERT INTO service(service_id, name, kind) VALUES (?, ?, ?)", (service, service, kind))
        for day in [self.opening, random.choice(self.days)]:
            for service in self.services:
                for tier in (0, random.randrange(1, 6)):
                    may_be_refused(
                        "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee)"
                        " VALUES ('standard', ?, ?, ?, ?, ?)",
                        service,
                        day,
                        tier,
                        0 if service == "sms" else random.randrange(0, 9) * 300,
                        random.choice([0, 30, 70]),
                    )
        for _ in range(3):
            may_be_refused(
                "INSERT INTO calendar_exception(day, working, name) VALUES (?, ?, ?)",
                random.choice(self.days),
                random.randrange(2),
                random.choice([None, "a holiday", "moved"]),
            )
        for account in self.accounts:
            db.execute(
                "INSERT INTO account(account_id, name, registered_on, trial_ends_on) VALUES (?, ?, ?, ?)",
                (
                    account,
                    f"company {account}",
                    plus_days(self.opening, random.choice([-2, 0, 0, 0, self.closed])),
                    random.choice([None, self.open_day]),
                ),
            )
        for i in range(self.closed + 1):
            self._facts_of(random, plus_days(self.opening, i), i == self.closed, may_be_refused)
            if i < self.closed:
                day = plus_days(self.opening, i)
                db.execute("INSERT INTO day_close(day, closed_at) VALUES (?, day_end(?))", (day, day))
        assert db.execute("SELECT open_day FROM books").fetchone()[0] == self.open_day
        self.instants = sorted(
            {
                *(
                    f"{random.choice(self.days)}T{random.choice(['00:00:00', '09:00:00', '12:30:00', '23:59:59'])}Z"
                    for _ in range(4)
                ),
                *(row[0] for row in db.execute("SELECT credited_at FROM payment ORDER BY 1 LIMIT 3")),
                *(db.execute("SELECT day_end(?)", (random.choice(self.days),)).fetchone()[0] for _ in range(2)),
                # The very instants that days are seen at: asked for both as a day and as an instant, they are one row.
                *(db.execute(SECOND_BEFORE_ITS_END, (random.choice(self.days),)).fetchone()[0] for _ in range(3)),
            }
        )
        db.execute("COMMIT")
        self.columns = {
            table: db.execute(f"SELECT name, type FROM pragma_table_xinfo('{table}') WHERE hidden = 0").fetchall()
            for table in TABLES
        }
        copied_days = self._range(plus_days(self.first_day, -MARGIN_DAYS), plus_days(self.last_day, MARGIN_DAYS))
        self.seen_at = {day: db.execute(SECOND_BEFORE_ITS_END, (day,)).fetchone()[0] for day in copied_days}
        # Views of the analysts' own: they are flattened into the query that reads them.
        for table in TABLES:
            db.execute(f"CREATE VIEW all_{table} AS SELECT * FROM {table}")
        db.close()
        self.setup = self._setup(random)

    def _facts_of(self, random, day, is_last, execute):
        ahead = (
            self.days[self.days.index(day):] if is_last else [day, day, day, plus_days(day, random.randrange(1, 9))]
        )
        for account in self.accounts:
            chance = random.random
            first = day == self.opening
            for _ in range(2 if is_last else 1):
                on = random.choice(ahead)
                if first or chance() < 0.15:
                    execute(
                        "INSERT INTO account_terms(account_id, valid_from, status, credit_limit, held)"
                        " VALUES (?, ?, ?, ?, ?)",
                        account,
                        on,
                        random.choice(["active"] * 6 + ["paused", "closed"]),
                        random.choice([0, 0, 100, None]),
                        random.choice([0, 0, 0, 0, 1]),
                    )
                if first or chance() < 0.2:
                    execute(
                        "INSERT INTO headcount(account_id, day, employees) VALUES (?, ?, ?)",
                        account,
                        on,
                        random.randrange(9),
                    )
                if first or chance() < 0.2:
                    execute(
                        "INSERT INTO subscription(account_id, service_id, started_on, ended_on, quantity)"
                        " VALUES (?, ?, ?, ?, ?)",
                        account,
                        random.choice(["crm", "db"]),
                        on,
                        random.choice([None, None, plus_days(on, 5)]),
                        random.choice([None, None, 2]),
                    )
            instant = f"{day}T{random.choice(['06:00:00', '12:00:00', '20:59:59'])}Z"
            if chance() < 0.3:
                execute(
                    "INSERT INTO payment(account_id, amount, method, external_id, received_at, credited_at)"
                    " VALUES (?, ?, 'sbp', ?, ?, ?)",
                    account,
                    random.choice([100, 300, 1000]),
                    f"{account}/{day}",
                    instant,
                    instant,
                )
            if chance() < 0.1:
                execute(
                    "INSERT INTO adjustment(account_id, amount, kind, effective_at, reason)"
                    " VALUES (?, ?, 'correction', ?, 'r')",
                    account,
                    random.choice([-200, 150]),
                    instant,
                )
            if chance() < 0.3:
                execute(
                    "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity)"
                    " VALUES (?, ?, 'sms', ?, ?)",
                    f"{account}/{day}",
                    account,
                    instant,
                    random.randrange(1, 8),
                )
            if chance() < 0.2:
                execute("INSERT INTO promised_payment(account_id, granted_at, days) VALUES (?, ?, 1)", account, instant)

    def _setup(self, random):
        """Plain temp tables to join with, and the copies: whatever the tables answer when asked for one day or instant
        at a time, which is the question that the rest of the tests prove right.

        A row of access_copy says in the last digit of its rowid what selects it: 0 a day, 1 an instant, 2 either.
        """

        def quoted(values):
            return ", ".join(f"('{value}')" for value in values)

        def numbers(values):
            return ", ".join(f"({value})" for value in values)

        def some(values, most):
            return random.sample(values, min(len(values), random.randrange(1, most + 1)))

        pairs = [
            (random.choice(self.accounts + [99]), random.choice(self.days), random.choice(self.instants))
            for _ in range(5)
        ]
        statements = [
            f"CREATE TEMP TABLE mine(id INTEGER); INSERT INTO mine VALUES {numbers(some(self.accounts, 3))}",
            f"CREATE TEMP TABLE yours(id); INSERT INTO yours VALUES {numbers(some(self.accounts + [99], 3))}, (NULL)",
            f"CREATE TEMP TABLE typed(id TEXT);  "
            f"INSERT INTO typed VALUES {quoted(some(self.accounts, 3))}, ('7x'), ('7.0')",
            f"CREATE TEMP TABLE days(day TEXT, account_id INTEGER); INSERT INTO days SELECT column1, {self.accounts[0]}"
            f" FROM (VALUES {quoted(sorted(some(self.days, 5)))})",
            f"CREATE TEMP TABLE moments(at TEXT); INSERT INTO moments VALUES {quoted(some(self.instants, 4))}",
            "CREATE TEMP TABLE pairs(account_id INTEGER, day TEXT, at TEXT); INSERT INTO pairs VALUES "
            + ", ".join(f"({a}, '{d}', '{i}')" for a, d, i in pairs),
        ]
        for table in TABLES:
            statements.append(f"CREATE TEMP VIEW my_{table} AS SELECT * FROM {table}")
        for table, columns in self.columns.items():
            statements.append(
                f"CREATE TEMP TABLE {table}_copy({', '.join(f'{name} {kind}' for name, kind in columns)})"
            )
        for day in self.seen_at:
            for table in ("daily_charge", "working_calendar"):
                statements.append(f"INSERT INTO {table}_copy SELECT * FROM {table} WHERE day = '{day}'")
        selected = {f"day = '{day}'": 2 if at in self.instants else 0 for day, at in self.seen_at.items()}
        selected |= {f"at = '{at}'": 1 for at in self.instants if at not in self.seen_at.values()}
        names = ", ".join(name for name, _ in self.columns["access_state"])
        for i, (condition, kind) in enumerate(selected.items()):
            statements.append(
                f"INSERT INTO access_state_copy(rowid, {names}) "
                f" SELECT {i} * 1000 + account_id * 10 + {kind}, {names}"
                f" FROM access_state WHERE {condition}"
            )
        return statements
