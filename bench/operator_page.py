#!/usr/bin/python3
"""operator_page.py SALDOD EXTENSION [ACCOUNTS [DAYS [FOUND_AMONG [RUNS]]]]: how long the operator's pages take.

Makes books of ACCOUNTS accounts (100,000) with DAYS closed days (365), on each of which 2 % pay, one in 50 accounts
gets a document each month, ten receipts a day wait or are matched, and one in ten accounts is told of what happens.
Asks a server for each of its pages RUNS times (5), signed in, one after another; a page may take 100 ms, by the median,
and send 100 KB. Then makes books of FOUND_AMONG accounts (1,000,000), waits until the search has its index, and
searches by parts of names in any case, and by the beginning of a word; that may take 50 ms. Each page must have what it
is asked for; the median and the longest time of each are told, from the request to the last byte. Fails where a bar was
missed."""

import atexit
import datetime
import html
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

PAGE_MS, SEARCH_MS, PAGE_BYTES = 100, 50, 100_000
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
        INSERT INTO account(account_id, name, registered_on, tax_id, external_id, admin_email, documents)
            WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {accounts})
            SELECT i, name_of(i), '{OPENING}', printf('77%08d', i), 'crm-' || i, iif(i % 10, NULL, i || '@a.example'),
                   iif(i % 50, 'never', 'always') FROM n;
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
        INSERT INTO issuer(valid_from, name, tax_id, bank_name, bic, bank_account) VALUES
            ('{OPENING}', 'ООО «Вендор»', '7700000000', 'АО «Банк»', '044525000', '40702810000000000001');
        INSERT INTO tax_rate(service_id, valid_from, basis_points) SELECT service_id, '{OPENING}', 2200 FROM service;
        UPDATE notice_clock SET at = '{OPENING}T10:00:00Z';
        COMMIT;""")
    day = OPENING
    for number in range(DAYS):
        connection.execute(
            f"INSERT INTO payment(account_id, amount, method, credited_at)"
            f" SELECT account_id, 50000, 'bank_transfer', ?1 || 'T09:00:00Z' FROM account"
            f" WHERE account_id % 50 = {number % 50} AND account_id % 33", (str(day),))
        connection.execute(
            "INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, purpose, recorded_at)"
            " SELECT 'bank', ?1 || '-' || value, 50000, ?1, iif(value < 9, value, 'нет'), 'ООО «Плательщик»', 'Оплата',"
            " ?1 || 'T09:30:00Z' FROM json_each('[1,2,3,4,5,6,7,8,9,10]')", (str(day),))
        connection.execute("INSERT INTO day_close(day, closed_at) VALUES (?1, day_end(?1))", (str(day),))
        connection.execute("UPDATE notice_clock SET at = day_end(?1)", (str(day),))
        day += datetime.timedelta(days=1)
        if day.day == 1:
            last = day - datetime.timedelta(days=1)
            connection.execute("INSERT INTO document_run(month, issued_on) VALUES (?, ?)", (str(last)[:7], str(last)))
    connection.close()


class Server:
    """A server with its clock at noon of the open day, and a browser that is signed in."""

    def __init__(self, database):
        token = subprocess.run([SALDOD, "token", "create", "--database", database, "--role", "admin", "--name", "Olga"],
                               capture_output=True, text=True, check=True).stdout.strip()
        self.process = subprocess.Popen([SALDOD, "serve", "--database", database, "--listen", "127.0.0.1:0",
                                         "--demo-clock"], stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline().strip()).group(1))
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        self.cookie = ""
        body = urllib.parse.urlencode({"token": token})
        answer, _ = self.ask("POST", "/sign-in", body, {"Content-Type": "application/x-www-form-urlencoded",
                                                        "Sec-Fetch-Site": "same-origin"})
        self.cookie = (answer.headers.get("Set-Cookie") or fail("cannot sign in")).split(";")[0]

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, {"Accept": "text/html", "Cookie": self.cookie,
                                                     **(headers or {})})
        answer = self.connection.getresponse()
        return answer, answer.read().decode()

    def get(self, path, expected):
        """Milliseconds and bytes."""
        start = time.monotonic()
        answer, text = self.ask("GET", path)
        took = 1000 * (time.monotonic() - start)
        if answer.status != 200 or expected not in text:
            fail(f"{path} is answered by {answer.status}, without {expected}")
        return took, len(text.encode())

    def tell(self, path, expected, bar):
        """Whether the bars are met."""
        times, sizes = zip(*(self.get(path, expected) for _ in range(RUNS)))
        median, path = statistics.median(times), urllib.parse.unquote_plus(path)
        is_met = median <= bar and max(sizes) <= PAGE_BYTES
        print(f"{median:8.1f} {max(times):8.1f} {max(sizes):8}  {path}{'' if is_met else '  MISSED'}", flush=True)
        return is_met

    def preview(self, page, writes, fields):
        """What a form is answered with: milliseconds."""
        _, text = self.ask("GET", page)
        forms = [form for form in re.findall("<form.*?</form>", text, re.S) if html.escape(writes) in form]
        sent = dict(re.findall(r'<input[^>]* name="([^"]*)"[^>]* value="([^"]*)"', forms[0]))
        sent = {html.unescape(name): html.unescape(value) for name, value in sent.items()} | fields
        sent["_money"] = [name for name in sent if name.endswith(("_fee", "amount"))]
        start = time.monotonic()
        answer, text = self.ask("POST", "/do", urllib.parse.urlencode(sent, doseq=True), {
            "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"})
        took = 1000 * (time.monotonic() - start)
        if answer.status != 200 or 'name="_key"' not in text:
            fail(f"{writes} is answered by {answer.status}: {text}")
        return took

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=600) != 0:
            fail("the server did not stop as it should")


def ask_pages(database):
    print("  median  longest ms    bytes")
    server = Server(database)
    # Today's figures are computed by the server itself, soon after its start.
    deadline = time.monotonic() + 120
    while server.get("/", "Сегодня, ")[0] > PAGE_MS and time.monotonic() < deadline:
        time.sleep(1)
    met = []
    some = ACCOUNTS // 2
    # In a few days nothing of this happens.
    some_rows = "<td" if DAYS > 31 else ""
    for path, expected in (
            ("/", "Сегодня, "), ("/companies", name_of(1)), ("/companies?state=restricted", "Ограничена"),
            ("/companies?state=held", "Ничего не нашлось"), (f"/companies/{some}", name_of(some)),
            (f"/companies/{some}/ledger", "<td"), (f"/companies/{some}/actions", "Платёж"),
            (f"/companies/{some}/documents", "Счёт"), ("/receipts", "Выписка банка"),
            ("/debtors", "Самые большие"), ("/debtors?by=age", "<td"),
            ("/documents", "Выставить"), ("/documents/months/2026-01", some_rows),
            (f"/companies/{some}/notices", some_rows), ("/receipts?status=matched", "<td"),
            ("/notices?status=waiting", some_rows), ("/prices", "Все цены"), ("/revenue", "Доход в месяц"),
            ("/prices/crm", "Черновик"), ("/days", "Закрытые дни"),
            ("/notices", "Уведомления"), ("/notices/templates", "Шаблоны"), ("/notices/webhooks", "Вебхуки"),
            ("/access", "Кто что записал")):
        met.append(server.tell(path, expected, PAGE_MS))
    for page, writes, fields in (
            (f"/companies/{some}/actions", f"POST /v1/accounts/{some}/payments", {"amount": "1", "method": "sbp"}),
            ("/prices/crm?price_list=standard", "POST /v1/tariffs", {"tiers.0.monthly_fee": "2500"})):
        times = [server.preview(page, writes, fields) for _ in range(RUNS)]
        print(f"{statistics.median(times):8.1f} {max(times):8.1f}           the preview of {writes}", flush=True)
    server.stop()
    return all(met)


def search(database):
    start = time.monotonic()
    server = Server(database)
    last = urllib.parse.quote(name_of(FOUND_AMONG)[5:-1])
    while name_of(FOUND_AMONG) not in server.ask("GET", f"/companies?q={last}")[1]:
        time.sleep(0.2)
    print(f"the index of {FOUND_AMONG} accounts was made in {time.monotonic() - start:.0f} s\n"
          "  median  longest ms    bytes")
    met = []
    some = FOUND_AMONG // 2
    shows_some, shows_any, shows_none = f'href="/companies/{some}"', 'href="/companies/', "Ничего не нашлось"
    for query, expected in (
            (name_of(some), shows_some), (name_of(some)[5:-1].upper(), shows_some), (f"77{some:08}", shows_some),
            (f"crm-{some}", shows_some), (str(some), shows_some), ("СТРОЙМЕБ", shows_any), ("торг", shows_any),
            ("ооо", shows_any), ("ЭКО", shows_any), ("се", shows_any), ("Н", shows_any), ("такой нет", shows_none)):
        met.append(server.tell("/companies?" + urllib.parse.urlencode({"q": query}), expected, SEARCH_MS))
    server.stop()
    return all(met)


def main():
    with tempfile.TemporaryDirectory(prefix="saldo-bench-") as temporary:
        database = pathlib.Path(temporary) / "year.db"
        make_year(database)
        print(f"{ACCOUNTS} accounts, {DAYS} closed days, {os.path.getsize(database) / 1e6:.0f} MB")
        met = [ask_pages(database)]
        for file in pathlib.Path(temporary).iterdir():
            file.unlink()
        database = pathlib.Path(temporary) / "many.db"
        make_books(database, FOUND_AMONG).close()
        met.append(search(database))
    # Small books are for trying this program, on machines that do other work.
    if ACCOUNTS >= 100_000 and not all(met):
        fail("a bar was missed")


if __name__ == "__main__":
    main()
