#!/usr/bin/python3
"""operator_page.py SALDOD EXTENSION [ACCOUNTS [DAYS [FOUND_AMONG [RUNS]]]]: how long the operator's pages take.

Makes books of ACCOUNTS accounts (100,000) with DAYS closed days (365), on each of which 2 % pay, and asks a server for
each of its pages RUNS times (5), signed in, one after another. Then makes books of FOUND_AMONG accounts (1,000,000),
waits until the search has its index, and searches by parts of names in any case, and by the beginning of a word. Each
page must have what it is asked for; the median and the longest time of each are told, from the request to the last
byte."""

import atexit
import datetime
import http.client
import os
import pathlib
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

if len(sys.argv) < 3:
    sys.exit(__doc__)
SALDOD, EXTENSION = map(os.path.abspath, sys.argv[1:3])
ACCOUNTS = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
DAYS = int(sys.argv[4]) if len(sys.argv) > 4 else 365
FOUND_AMONG = int(sys.argv[5]) if len(sys.argv) > 5 else 1_000_000
RUNS = int(sys.argv[6]) if len(sys.argv) > 6 else 5

OPENING = datetime.date(2026, 1, 1)
FIRST = ("Север", "Юг", "Запад", "Восток", "Альфа", "Бета", "Гамма", "Дельта", "Строй", "Транс", "Мега", "Эко", "Нева")
SECOND = ("торг", "сервис", "проект", "дом", "медиа", "снаб", "логистика", "мебель", "ресурс", "групп", "хлеб")


def fail(what):
    sys.exit(f"operator_page.py: {what}")


def name_of(account_id):
    """Thirteen times eleven words, and a number: like names of companies, many have the same parts."""
    first, second = FIRST[account_id % len(FIRST)], SECOND[account_id // len(FIRST) % len(SECOND)]
    return f"ООО «{first}{second}-{account_id}»"


def make_books(database, accounts):
    connection = sqlite3.connect(database, isolation_level=None)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    connection.create_function("name_of", 1, name_of)
    connection.executescript(f"""
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = OFF;
        SELECT saldo_install('{OPENING}');
        BEGIN;
        INSERT INTO service(service_id, name, kind) VALUES ('crm', 'Доступ к CRM', 'recurring'),
                                                           ('telephony', 'Виртуальная АТС', 'recurring');
        INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee)
            VALUES ('standard', 'crm', '{OPENING}', 1, 199000), ('standard', 'crm', '{OPENING}', 11, 349000),
                   ('standard', 'telephony', '{OPENING}', 1, 50000);
        INSERT INTO account(account_id, name, registered_on, tax_id, external_id)
            WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {accounts})
            SELECT i, name_of(i), '{OPENING}', printf('77%08d', i), 'crm-' || i FROM n;
        COMMIT;""")
    return connection


def make_year(database):
    connection = make_books(database, ACCOUNTS)
    connection.executescript(f"""
        BEGIN;
        INSERT INTO account_terms(account_id, valid_from, status)
            SELECT account_id, '{OPENING}', 'active' FROM account;
        INSERT INTO headcount(account_id, day, employees) SELECT account_id, '{OPENING}', 1 + account_id * 7919 % 20
            FROM account;
        INSERT INTO subscription(account_id, service_id, started_on)
            SELECT account_id, 'crm', '{OPENING}' FROM account
            UNION ALL SELECT account_id, 'telephony', '{OPENING}' FROM account WHERE account_id % 5 < 2;
        -- Of a hundred accounts, three have not paid enough.
        INSERT INTO payment(account_id, amount, method, credited_at)
            SELECT account_id, iif(account_id % 33, 10000000, 1000), 'bank_transfer', '{OPENING}T09:00:00Z'
            FROM account;
        COMMIT;""")
    day = OPENING
    for number in range(DAYS):
        connection.execute(
            f"INSERT INTO payment(account_id, amount, method, credited_at)"
            f" SELECT account_id, 50000, 'bank_transfer', ?1 || 'T09:00:00Z' FROM account"
            f" WHERE account_id % 50 = {number % 50} AND account_id % 33", (str(day),))
        connection.execute("INSERT INTO day_close(day, closed_at) VALUES (?1, day_end(?1))", (str(day),))
        day += datetime.timedelta(days=1)
    connection.close()
    return day


class Server:
    """A server with its clock at noon of a day, and a browser that is signed in."""

    def __init__(self, database, day):
        self.now = f"{day}T09:00:00Z"
        token = subprocess.run([SALDOD, "token", "create", "--database", database, "--role", "admin", "--name", "Olga"],
                               capture_output=True, text=True, check=True).stdout.strip()
        self.process = subprocess.Popen([SALDOD, "serve", "--database", database, "--listen", "127.0.0.1:0",
                                         "--test-clock"], stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline().strip()).group(1))
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        self.cookie = ""
        body = urllib.parse.urlencode({"token": token})
        answer, _ = self.ask("POST", "/sign-in", body, {"Content-Type": "application/x-www-form-urlencoded",
                                                        "Sec-Fetch-Site": "same-origin"})
        self.cookie = (answer.headers.get("Set-Cookie") or fail("cannot sign in")).split(";")[0]

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, {"Accept": "text/html", "Saldo-Now": self.now,
                                                     "Cookie": self.cookie, **(headers or {})})
        answer = self.connection.getresponse()
        return answer, answer.read().decode()

    def get(self, path, expected):
        start = time.monotonic()
        answer, text = self.ask("GET", path)
        seconds = time.monotonic() - start
        if answer.status != 200 or expected not in text:
            fail(f"{path} is answered by {answer.status}, without {expected}")
        return seconds

    def tell(self, path, expected):
        times = [1000 * self.get(path, expected) for _ in range(RUNS)]
        print(f"{statistics.median(times):8.1f} {max(times):8.1f}  {urllib.parse.unquote_plus(path)}", flush=True)

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=600) != 0:
            fail("the server did not stop as it should")


def ask_pages(database, day):
    print("  median  longest, ms")
    server = Server(database, day)
    some = ACCOUNTS // 2
    for path, expected in (
            ("/", "Сегодня, "), ("/companies", name_of(1)), ("/companies?state=restricted", "Ограничена"),
            ("/companies?state=held", "Ничего не нашлось"), (f"/companies/{some}", name_of(some)),
            (f"/companies/{some}/ledger", "<td"), (f"/companies/{some}/actions", "Платёж"),
            (f"/companies/{some}/documents", "Счёт"), ("/receipts", "Выписка банка"),
            ("/debtors", "Самые большие"), ("/debtors?by=age", "<td"),
            ("/documents", "Выставить"), ("/prices", "Все цены"),
            ("/revenue", "Доход в месяц"), ("/prices/crm", "Черновик"), ("/days", "Закрытые дни"),
            ("/notices", "Уведомления"), ("/notices/templates", "Шаблоны"), ("/notices/webhooks", "Вебхуки"),
            ("/access", "Кто что записал")):
        server.tell(path, expected)
    server.stop()


def search(database):
    start = time.monotonic()
    server = Server(database, OPENING)
    last = urllib.parse.quote(name_of(FOUND_AMONG)[5:-1])
    while name_of(FOUND_AMONG) not in server.ask("GET", f"/companies?q={last}")[1]:
        time.sleep(0.2)
    print(f"the index of {FOUND_AMONG} accounts was made in {time.monotonic() - start:.0f} s\n  median  longest, ms")
    some = FOUND_AMONG // 2
    shows_some, shows_any, shows_none = f'href="/companies/{some}"', 'href="/companies/', "Ничего не нашлось"
    for query, expected in (
            (name_of(some), shows_some), (name_of(some)[5:-1].upper(), shows_some), (f"77{some:08}", shows_some),
            (f"crm-{some}", shows_some), (str(some), shows_some), ("СТРОЙМЕБ", shows_any), ("торг", shows_any),
            ("ооо", shows_any), ("ЭКО", shows_any), ("се", shows_any), ("Н", shows_any), ("такой нет", shows_none)):
        server.tell("/companies?" + urllib.parse.urlencode({"q": query}), expected)
    server.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="saldo-bench-") as temporary:
        database = pathlib.Path(temporary) / "year.db"
        day = make_year(database)
        print(f"{ACCOUNTS} accounts, {DAYS} closed days, {os.path.getsize(database) / 1e6:.0f} MB")
        ask_pages(database, day)
        for file in pathlib.Path(temporary).iterdir():
            file.unlink()
        database = pathlib.Path(temporary) / "many.db"
        make_books(database, FOUND_AMONG).close()
        search(database)


if __name__ == "__main__":
    main()
