#!/usr/bin/python3
"""document_pdf.py SALDOD EXTENSION [DOCUMENTS [RUNS]]: a month's documents as PDF.

Makes books of DOCUMENTS accounts (10,000) that all want an act of one month, half of them by post, and issues the acts.
RUNS times (3) `saldod documents` prints them into a new folder: a PDF of each, post.pdf and the registry. Its time and
its greatest memory are told; of every hundredth act the number must be in the text that pdftotext reads, each must be
in the registry, and post.pdf have a page of each that is posted."""

import csv
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

if len(sys.argv) < 3:
    sys.exit(__doc__)
SALDOD, EXTENSION = map(os.path.abspath, sys.argv[1:3])
DOCUMENTS = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
RUNS = int(sys.argv[4]) if len(sys.argv) > 4 else 3


def make_books(database):
    connection = sqlite3.connect(database, isolation_level=None)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    connection.executescript(f"""
        PRAGMA synchronous = OFF;
        SELECT saldo_install('2026-11-01');
        BEGIN;
        INSERT INTO service(service_id, name, kind) VALUES ('crm', 'Доступ к CRM', 'recurring'),
                                                           ('telephony', 'Виртуальная АТС', 'recurring');
        INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee)
            VALUES ('standard', 'crm', '2026-11-01', 1, 199000), ('standard', 'telephony', '2026-11-01', 1, 50000);
        INSERT INTO issuer(valid_from, name, legal_name, tax_id, kpp, address, director)
            VALUES ('2026-11-01', 'Вендор', 'ООО «Вендор»', '7700000000', '770001001', 'Москва', 'Орлова М. И.');
        INSERT INTO tax_rate(service_id, valid_from, basis_points)
            VALUES ('crm', '2026-11-01', 2200), ('telephony', '2026-11-01', 2200);
        INSERT INTO account(account_id, name, registered_on, legal_name, tax_id, postal_address, documents,
                            document_delivery)
            WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {DOCUMENTS})
            SELECT i, 'Компания ' || i, '2026-11-01', 'ООО «Компания ' || i || '»', printf('77%08d', i),
                   '190000, Санкт-Петербург, Невский проспект, ' || i, 'always', iif(i % 2, 'post', 'email') FROM n;
        INSERT INTO account_terms(account_id, valid_from, status)
            SELECT account_id, '2026-11-01', 'active' FROM account;
        INSERT INTO headcount(account_id, day, employees) SELECT account_id, '2026-11-01', 5 FROM account;
        INSERT INTO subscription(account_id, service_id, started_on)
            SELECT account_id, service_id, '2026-11-01' FROM account, service;
        COMMIT;""")
    for day in range(1, 31):
        connection.execute("INSERT INTO day_close(day, closed_at) VALUES (?1, day_end(?1))", (f"2026-11-{day:02}",))
    connection.execute("INSERT INTO document_run(month, issued_on) VALUES ('2026-11', '2026-11-30')")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def text_of(pdf):
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout


def check(folder):
    with open(folder / "registry.csv", encoding="utf-8", newline="") as registry:
        rows = list(csv.DictReader(registry))
    if [int(row["number"]) for row in rows] != list(range(1, DOCUMENTS + 1)):
        sys.exit("document_pdf.py: not each document is in the registry once")
    for row in rows[::100]:
        if f"№ {row['number']} " not in " ".join(text_of(folder / row["file"]).split()) + " ":
            sys.exit(f"document_pdf.py: {row['file']} does not say its number")
    pages = text_of(folder / "post.pdf").count("\f")
    if pages < sum(row["document_delivery"] == "post" for row in rows):
        sys.exit(f"document_pdf.py: post.pdf has {pages} pages")
    return sum((folder / row["file"]).stat().st_size for row in rows) / DOCUMENTS


def main():
    with tempfile.TemporaryDirectory(prefix="saldo-bench-") as temporary:
        database = pathlib.Path(temporary) / "books.db"
        make_books(database)
        seconds, memory, size = [], [], 0
        for number in range(RUNS):
            out = pathlib.Path(temporary) / f"out-{number}"
            begun = time.monotonic()
            process = subprocess.Popen([SALDOD, "documents", "--month", "2026-11", "--database", database, "--out",
                                        out], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            if status != 0:
                sys.exit(f"document_pdf.py: saldod documents ended with {status}")
            seconds.append(time.monotonic() - begun)
            memory.append(usage.ru_maxrss / 1024)
            size = check(out)
        print(f"{DOCUMENTS} acts, and post.pdf of half of them: {statistics.median(seconds):.1f} s "
              f"({min(seconds):.1f} to {max(seconds):.1f}), {statistics.median(seconds) / DOCUMENTS * 1000:.2f} ms and "
              f"{size / 1024:.1f} KiB each; at most {max(memory):.0f} MiB")


if __name__ == "__main__":
    main()
