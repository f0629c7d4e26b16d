#!/usr/bin/python3
"""statement_import.py SALDOD [DOCUMENTS [RUNS]]: a bank's statement taken in by HTTP, and what waits for it meanwhile.

RUNS times (3), in turns, a statement of DOCUMENTS (100,000), three in four of which name an account, is posted to a
server with 100 accounts, and taken in by `saldod import`, which has the books for itself. Each receipt must be there
once, and as many matched as name an account. Printed are seconds, seconds of the processor and their ratio, the
server's memory beside the statement, and of the payments that another connection makes one after another meanwhile the
longest wait, from the first try to 201: one that the server refuses with 503 is sent again after a tenth of a
second."""

import os
import pathlib
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time

if len(sys.argv) < 2:
    sys.exit(__doc__)
os.environ["SALDOD"] = os.path.abspath(sys.argv[1])
DOCUMENTS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "http"))

from server import Books, Server, must, peek  # noqa: E402
from test_statements import TEXT, document, statement  # noqa: E402

ACCOUNTS = 100


def make_statement(accounts):
    return statement(*(
        document(number, "01.11.2026", f"{number + 1}.00",
                 "за услуги" if number % 4 == 3 else f"Пополнение ЛС {accounts[number % ACCOUNTS]}",
                 payer_account=f"40702810{number:012}", tax_id=f"77{number:08}")
        for number in range(DOCUMENTS)))


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class Payments:
    """Another client's, until it is stopped."""

    def __init__(self, client, account_id):
        self.waits, self.refusals, self.going_on = [], 0, True
        self.thread = threading.Thread(target=self._pay, args=(client, account_id), daemon=True)
        self.thread.start()

    def _pay(self, client, account_id):
        while self.going_on:
            begun = time.monotonic()
            while (answer := client.post(f"/v1/accounts/{account_id}/payments",
                                         {"amount": 100, "method": "sbp"})).status == 503:
                self.refusals += 1
                time.sleep(0.1)
            answer.expect(201)
            self.waits.append(time.monotonic() - begun)
            time.sleep(0.01)

    def stop(self):
        self.going_on = False
        self.thread.join()


def check(database):
    found = peek(database, "SELECT status, count(*), count(DISTINCT external_id) FROM receipt GROUP BY status")
    pending = DOCUMENTS // 4
    if sorted(found) != [("matched", DOCUMENTS - pending, DOCUMENTS - pending), ("pending", pending, pending)]:
        sys.exit(f"statement_import.py: the receipts are {found}")


def by_http(database, tokens, content, account_id):
    patient = {"checked": False, "timeout": 3600}
    with (Server(database, "--test-clock", tokens=tokens) as server, server.client("cashier", **patient) as client,
          server.client("cashier", **patient) as other):
        payments = Payments(other, account_id)
        before, memory, begun = processor_seconds(server), server.memory("VmRSS"), time.monotonic()
        client.post("/v1/bank-statements", content, headers=TEXT).expect(200)
        took, used = time.monotonic() - begun, processor_seconds(server) - before
        payments.stop()
        return took, used, (server.memory() - memory - len(content)) / 2**20, max(payments.waits), payments.refusals


def by_command(database, file):
    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime
    before, begun = used(), time.monotonic()
    must("import", file, "--database", database, timeout=3600)
    return time.monotonic() - begun, used() - before


def main():
    http, command = [], []
    with tempfile.TemporaryDirectory(prefix="saldo-bench-") as folder:
        books, database, file = (pathlib.Path(folder) / name for name in ("books.db", "run.db", "statement.txt"))
        tokens = Books.copy(books)
        with Server(books, "--test-clock", tokens=tokens) as server, server.client("crm", checked=False) as client:
            accounts = [client.post("/v1/accounts", {"name": "a"}).expect(201).json["account_id"]
                        for _ in range(ACCOUNTS)]
        content = make_statement(accounts)
        file.write_bytes(content)
        for _ in range(RUNS):
            for run in (lambda: http.append(by_http(database, tokens, content, accounts[0])),
                        lambda: command.append(by_command(database, file))):
                shutil.copyfile(books, database)
                run()
                check(database)
    print(f"{DOCUMENTS} documents, {len(content) / 2**20:.1f} MiB")

    def line(name, figures, unit):
        print(f"{name}: {statistics.median(figures):.2f} {unit} ({min(figures):.2f} to {max(figures):.2f})")

    line("by HTTP", [each[0] for each in http], "s")
    line("by HTTP, of the processor", [each[1] for each in http], "s")
    line("saldod import", [each[0] for each in command], "s")
    line("saldod import, of the processor", [each[1] for each in command], "s")
    line("ratio of the processor's", [ours[1] / theirs[1] for ours, theirs in zip(http, command)], "")
    line("memory beside the statement", [each[2] for each in http], "MiB")
    line("the longest wait of a payment meanwhile", [each[3] for each in http], "s")
    line("refused meanwhile, and sent again", [each[4] for each in http], "payments")


if __name__ == "__main__":
    main()
