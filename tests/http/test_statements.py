"""Statements of banks over HTTP and from the shell: each incoming document becomes a receipt once, whichever files
overlap and in whatever order, and finds its account by M1 to M3.

Seen to fail, the product broken on purpose: the check for a receipt that is there left out; documents that were not
booked taken in; M3 asked of what the same statement brought; the limit of other bodies for statements; the second look
for a receipt, in the write, left out; SQLite's memory for 20 pages of each temporary table (77 page faults a
document)."""

import datetime
import itertools
import os
import random
import threading
import time
import unittest

from server import NOW, ServerCase, saldod

OWN = "40702810100000000001"
SECOND = "40702810200000000002"
PAYER = "40702810900000000009"
TEXT = {"Content-Type": "text/plain"}


def document(number, day, amount="700.00", purpose="Оплата", payer_account=PAYER, tax_id="7709999999", own=OWN,
             booked="ДатаПоступило", payer="ООО «Ромашка»"):
    lines = ["СекцияДокумент=Платежное поручение", f"Номер={number}", f"Дата={day}", f"Сумма={amount}",
             f"ПлательщикСчет={payer_account}", f"Плательщик1={payer}", f"ПлательщикИНН={tax_id}",
             f"ПолучательСчет={own}", "Получатель1=ООО Сальдо", f"НазначениеПлатежа={purpose}", "КонецДокумента"]
    if booked == "ДатаСписано":
        lines[4], lines[7] = f"ПлательщикСчет={own}", f"ПолучательСчет={payer_account}"
    return lines[:4] + ([f"{booked}={day}"] if booked else []) + lines[4:]


def statement(*documents, accounts=(OWN,), encoding="utf-8"):
    lines = ["1CClientBankExchange", "ВерсияФормата=1.03", "Кодировка=Windows",
             *(f"РасчСчет={account}" for account in accounts)]
    for each in documents:
        lines += each
    return ("\r\n".join([*lines, "КонецФайла"]) + "\r\n").encode(encoding)


class StatementsCase(ServerCase):
    def books(self, *flags):
        """A server of the test's own with two companies; the cashier, and their accounts."""
        server = self.fresh("--test-clock", *flags)
        admin = self.client(server, "admin", now=NOW)
        one = self.company(admin, tax_id="7701234567", contract="№ 15/26 от 01.02.2026")
        two = self.company(admin, tax_id="7707654321")
        return server, self.client(server, "cashier", now=NOW), one, two

    @staticmethod
    def take_in(client, content, **query):
        return client.post("/v1/bank-statements", content, headers=TEXT, query=query or None).expect(200).json

    @staticmethod
    def receipts(client):
        """By external_id: all but what depends on the order in which they came."""
        rows = [each for page in client.pages("/v1/receipts") for each in page]
        return {each["external_id"]: (each["amount"], each["received_at"], each["payer"], each["purpose"],
                                      each["status"], [part["account_id"] for part in each["payments"]])
                for each in rows}

    def audited(self, server):
        analyst = self.client(server, "analyst")
        self.assertEqual([], analyst.get("/v1/reports/audit_receipt").expect(200).json)


class Import(StatementsCase):
    def test_each_income_becomes_a_receipt_and_finds_its_account(self):
        server, cashier, one, two = self.books()
        content = statement(
            document(1, "01.11.2026", "100", f"Пополнение ЛС {one}. НДС не облагается"),
            document(2, "31.10.2026", "200.50", "по договору №15/26 от 1.2.26г."),
            document(3, "02.11.2026", "300,00", "за услуги", tax_id="7707654321"),
            document(4, "02.11.2026", purpose=f"ЛС {two}", tax_id="7701234567"),
            document(5, "02.11.2026", purpose="оплата по счёту № 3 от 01.02.2026"),
            document(6, "02.11.2026", purpose="за услуги"),
            document(7, "02.11.2026", purpose=f"ЛС {one}", booked=None),
            document(8, "02.11.2026", purpose=f"ЛС {one}", booked="ДатаСписано"))
        done = self.take_in(cashier, content)
        receipts = done.pop("receipts")
        self.assertEqual({"documents": 8, "incoming": 6, "amount": 10000 + 20050 + 30000 + 3 * 70000, "recorded": 6,
                          "repeated": 0, "matched": 3, "pending": 3, "orders": 1, "other_currency": 0,
                          "unclear": 0, "warnings": done["warnings"]}, done)
        self.assertEqual(
            [("matched", one, f"M1: account {one}"),
             ("matched", one, f"M1: contract 15/26 of 2026-02-01, account {one}"),
             ("matched", two, "M2: tax_id 7707654321"),
             ("pending", None, f"M1: account {two}; M2: tax_id 7701234567 is that of account {one}"),
             ("pending", None, "M1: invoice 3 of 2026-02-01 is not there"),
             ("pending", None, "no rule finds an account")],
            [(each["status"], each["account_id"], each["reason"]) for each in receipts])
        payment, = (each for each in cashier.get(f"/v1/accounts/{two}/payments").expect(200).json)
        self.assertEqual(
            {"amount": 30000, "method": "bank_transfer", "external_id": f"bank:{receipts[2]['external_id']}",
             "received_at": "2026-11-01T21:00:00Z", "credited_at": NOW, "payer": "ООО «Ромашка»",
             "purpose": "за услуги", "recorded_by": "cashier"},
            {name: payment[name] for name in ("amount", "method", "external_id", "received_at", "credited_at", "payer",
                                              "purpose", "recorded_by")})
        self.audited(server)

    def test_booked_later_than_the_request_is_the_request_s(self):
        _, cashier, one, _ = self.books()
        done = self.take_in(cashier, statement(document(1, "15.12.2026", purpose=f"ЛС {one}")))
        self.assertEqual([NOW], [each["received_at"] for each in done["receipts"]])

    def test_the_same_file_twice(self):
        server, cashier, one, _ = self.books()
        content = statement(document(1, "01.11.2026", purpose=f"ЛС {one}"), document(2, "01.11.2026"),
                            document(2, "01.11.2026"))
        first = self.take_in(cashier, content)
        self.assertEqual((3, 0), (first["recorded"], first["repeated"]))
        before = self.receipts(cashier)
        self.assertEqual(3, len(before))
        again = self.take_in(cashier, content)
        self.assertEqual((0, 3, []), (again["recorded"], again["repeated"], again["receipts"]))
        self.assertEqual(before, self.receipts(cashier))
        self.audited(server)

    def test_overlapping_periods_in_any_order(self):
        """The same receipts, by files of one period or several, in UTF-8, windows-1251 or cp866."""
        days = [(datetime.date(2026, 10, 25) + datetime.timedelta(days=each)).strftime("%d.%m.%Y") for each in range(6)]
        documents = [(day, document(number % 2, day, f"{100 + number // 2}", own=OWN if number % 3 else SECOND,
                                    payer="Ромашка"))
                     for day in days for number in range(4)]
        documents += [(days[2], document(9, days[2], payer="Ромашка"))] * 2

        def of(begin, end, encoding):
            within = days[begin:end]
            return statement(*(each for day, each in documents if day in within), accounts=(OWN, SECOND),
                             encoding=encoding)

        files = [of(0, 3, "cp1251"), of(2, 5, "utf-8"), of(1, 6, "cp866")]
        _, cashier, _, _ = self.books()
        self.take_in(cashier, of(0, 6, "utf-8"))
        whole = self.receipts(cashier)
        self.assertEqual(len(documents), len(whole))
        for order in itertools.permutations(files):
            server, cashier, _, _ = self.books()
            for content in order:
                self.take_in(cashier, content)
            self.assertEqual(whole, self.receipts(cashier))
            server.stop()

    def test_two_at_once(self):
        """Both read the file while neither has written; each document counts once all the same."""
        server, cashier, one, _ = self.books()
        content = statement(*(document(each, "01.11.2026", purpose=f"ЛС {one}") for each in range(300)))
        clients = [cashier, *(self.client(server, "cashier", now=NOW) for _ in range(3))]
        done = []
        threads = [threading.Thread(target=lambda each=each: done.append(self.take_in(each, content)), daemon=True)
                   for each in clients]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual([300] * 4, [each["recorded"] + each["repeated"] for each in done])
        self.assertEqual(300, sum(each["recorded"] for each in done))
        self.assertEqual(300, len(self.receipts(cashier)))
        self.audited(server)

    def test_one_own_account_of_several(self):
        _, cashier, _, _ = self.books()
        content = statement(document(1, "01.11.2026"), document(2, "01.11.2026", own=SECOND), accounts=(OWN, SECOND))
        self.assertEqual(1, self.take_in(cashier, content, account=SECOND)["recorded"])
        done = self.take_in(cashier, content)
        self.assertEqual((1, 1), (done["recorded"], done["repeated"]))
        answer = cashier.post("/v1/bank-statements", content, headers=TEXT, query={"account": PAYER})
        self.refused(answer, 404, "not_found", PAYER)

    def test_a_preview_leaves_nothing(self):
        _, cashier, one, _ = self.books()
        content = statement(*(document(each, "01.11.2026", purpose=f"ЛС {one}") for each in range(5)))
        preview = self.take_in(cashier, content, dry_run="true", show=2)
        self.assertEqual(5, preview["recorded"])
        self.assertEqual(["matched"] * 2, [each["status"] for each in preview["receipts"]])
        self.assertEqual({}, self.receipts(cashier))
        self.assertEqual(preview, self.take_in(cashier, content, show=2))

    def test_by_the_payer_s_account_only_what_was_matched_before(self):
        _, cashier, one, two = self.books()
        first = statement(document(1, "01.11.2026", purpose=f"ЛС {one}"), document(2, "01.11.2026"))
        done = self.take_in(cashier, first)
        self.assertEqual(["matched", "pending"], [each["status"] for each in done["receipts"]])
        # In the same second, but after it.
        done = self.take_in(cashier, statement(document(3, "01.11.2026")))
        self.assertEqual([("matched", one, f"M3: payer_account {PAYER}")],
                         [(each["status"], each["account_id"], each["reason"]) for each in done["receipts"]])
        # What an operator matches counts, too, and then two accounts are in doubt.
        pending = cashier.get("/v1/receipts", query={"status": "pending"}).expect(200).json
        cashier.post(f"/v1/receipts/{pending[0]['receipt_id']}/match", {"account_id": two}).expect(200)
        done = self.take_in(cashier, statement(document(4, "01.11.2026")))
        self.assertEqual(["pending"], [each["status"] for each in done["receipts"]])
        self.assertIn(f"{one}, {two}", done["receipts"][0]["reason"])

    def test_what_we_pay_ourselves_is_nobody_s(self):
        """A reversal, a transfer between accounts of ours, and money from our tax id wait for an operator."""
        server, cashier, one, _ = self.books()
        ours = "payer_account {} is one of ours"
        back = document(1, "01.11.2026", "-500", f"ЛС {one}", booked="ДатаСписано")
        mine = document(3, "01.11.2026", purpose=f"ЛС {one}", tax_id="7701234567", payer_account="40702810700000000007")
        taxed = document(4, "01.11.2026", purpose=f"ЛС {one}")
        taxed.insert(-1, "ПолучательИНН=7701234567")
        done = self.take_in(cashier, statement(
            back, document(2, "01.11.2026", purpose=f"ЛС {one}", payer_account=SECOND), mine, taxed,
            document(5, "01.11.2026", own=SECOND), accounts=(OWN, SECOND)))
        self.assertEqual([("pending", 50000, "the sum is negative: it goes the other way"),
                          ("pending", 70000, ours.format(SECOND)),
                          ("pending", 70000, "payer_tax_id 7701234567 is ours"),
                          ("matched", 70000, f"M1: account {one}"),
                          ("pending", 70000, "no rule finds an account")],
                         [(each["status"], each["amount"], each["reason"]) for each in done["receipts"]])
        self.assertEqual(["document 1, amount 50000: the sum is negative: it goes the other way"], done["warnings"])
        # An operator matches one of them: still no rule learns from it.
        for each in done["receipts"][:2]:
            cashier.post(f"/v1/receipts/{each['receipt_id']}/match", {"account_id": one}).expect(200)
        done = self.take_in(cashier, statement(document(6, "02.11.2026", purpose="перевод", payer_account=SECOND)))
        self.assertEqual([("pending", ours.format(SECOND))],
                         [(each["status"], each["reason"]) for each in done["receipts"]])
        self.audited(server)

    def test_money_to_an_account_that_the_file_does_not_list(self):
        _, cashier, one, _ = self.books()
        foreign = document(7, "01.11.2026", purpose=f"ЛС {one}", own="40702810000000000077")
        unbooked = document(8, "01.11.2026", "12.30", own="40702810000000000077", booked=None)
        sentence = "neither account is the statement's; the date booked tells the direction"
        for accounts in ((OWN,), (OWN, SECOND)):
            done = self.take_in(cashier, statement(foreign, unbooked, accounts=accounts), dry_run="true")
            self.assertEqual([("pending", sentence)],
                             [(each["status"], each["reason"]) for each in done["receipts"]])
            self.assertEqual((2, 1, 1), (done["documents"], done["incoming"], done["unclear"]))
            self.assertEqual([f"document 7, amount 70000: {sentence}", "document 8, amount 1230: neither account is the"
                              " statement's; the direction is not known"], done["warnings"])

    def test_equal_documents_one_of_which_is_split(self):
        server, cashier, one, two = self.books()
        same = document(2, "01.11.2026", "10.00")
        done = self.take_in(cashier, statement(same, same))
        first, second = (each["receipt_id"] for each in done["receipts"])
        parts = [{"account_id": one, "amount": 400}, {"account_id": two, "amount": 600}]
        cashier.post(f"/v1/receipts/{first}/match", {"parts": parts}).expect(200)
        cashier.post(f"/v1/receipts/{second}/match", {"account_id": one}).expect(200)
        self.audited(server)

    def test_money_of_another_currency_is_left_out(self):
        _, cashier, _, _ = self.books()
        dollars = "40702840100000000001"
        done = self.take_in(cashier, statement(document(1, "01.11.2026", own=dollars), document(2, "01.11.2026"),
                                               accounts=(OWN, dollars)))
        self.assertEqual((1, 1, 1), (done["incoming"], done["recorded"], done["other_currency"]))

    def test_camt_of_any_media_type(self):
        server, cashier, one, _ = self.books()
        content = f"""<?xml version="1.0" encoding="UTF-8"?>
            <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
            <Acct><Id><Othr><Id>{OWN}</Id></Othr></Id><Ccy>RUB</Ccy></Acct>
            <Ntry><Amt Ccy="RUB">15.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
            <BookgDt><Dt>2026-11-01</Dt></BookgDt><AcctSvcrRef>1</AcctSvcrRef><NtryDtls><TxDtls>
            <RmtInf><Ustrd>account {one}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
            </Stmt></BkToCstmrStmt></Document>""".encode()
        answer = cashier.post("/v1/bank-statements", content, headers={"Content-Type": "application/xml"})
        done = answer.expect(200).json
        self.assertEqual((1, 1), (done["recorded"], done["matched"]))
        self.audited(server)
        # A reversal of what went out.
        back = content.replace(b"<Sts>", b"<RvslInd>true</RvslInd><Sts>").replace(b"Ref>1<", b"Ref>2<")
        done = self.take_in(cashier, back)
        self.assertEqual([("pending", "reverses an earlier entry")],
                         [(each["status"], each["reason"]) for each in done["receipts"]])
        self.refused(cashier.post("/v1/bank-statements", content.replace(b"RUB", b""), headers=TEXT), 422, "invalid",
                     "Ccy")

    def test_refused(self):
        _, cashier, _, _ = self.books()
        whole = statement(document(1, "01.11.2026"), document(2, "01.11.2026"))
        for content in (b"", b"hello", whole[:-30], whole.replace("Сумма=700.00".encode(), "Сумма=много".encode(), 1)):
            with self.subTest(content[-40:]):
                self.refused(cashier.post("/v1/bank-statements", content, headers=TEXT), 422, "invalid")
        self.assertEqual({}, self.receipts(cashier))
        server = self.server
        self.refused(self.client(server, "crm").post("/v1/bank-statements", whole, headers=TEXT), 403, "forbidden")
        self.refused(self.nobody.post("/v1/bank-statements", whole, headers=TEXT), 401, "unauthorized")
        self.refused(self.cashier.post("/v1/bank-statements", whole, headers=TEXT, query={"x": 1}), 422, "invalid", "x")

    def test_a_statement_may_be_larger_than_other_bodies(self):
        """Of a cashier; others meet the limit of other bodies."""
        server, cashier, one, _ = self.books("--max-body", "2000", "--max-statement", "100000")
        documents = [document(each, "01.11.2026", purpose=f"ЛС {one}") for each in range(100)]
        content = statement(*documents)
        self.assertTrue(2000 < len(content) < 100_000)
        self.assertEqual(100, self.take_in(cashier, content)["recorded"])
        payment = {"amount": 1, "method": "sbp", "purpose": "x" * 3000}
        for client, target, body, limit in (
                (cashier, "/v1/bank-statements", statement(*documents * 4), 100000),
                (self.client(server, "crm"), "/v1/bank-statements", content, 2000),
                (self.client(server, None), "/v1/bank-statements", content, 2000),
                (cashier, f"/v1/accounts/{one}/payments", payment, 2000)):
            self.refused(client.post(target, body), 413, "too_large", limit)


class FromTheShell(StatementsCase):
    def test_files_are_taken_in_as_over_http(self):
        server, cashier, one, _ = self.books()
        paths = []
        second = document(2, "01.11.2026")
        for number, content in enumerate((statement(document(1, "01.11.2026", purpose=f"ЛС {one}"), second),
                                          statement(second, document(3, "02.11.2026")))):
            path = server.database.with_name(f"{number}.txt")
            path.write_bytes(content)
            paths.append(path)
        done = saldod("import", *paths, "--database", server.database, "--dry-run")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual({}, self.receipts(cashier))
        self.assertIn("2 documents, 2 received: 2 new (1 matched, 1 pending), 0 there already", done.stdout)
        # By M3, from what the first of them matched.
        self.assertIn("2 documents, 2 received: 1 new (1 matched, 0 pending), 1 there already", done.stdout)
        self.assertIn("dry run", done.stdout)
        done = saldod("import", *paths, "--database", server.database)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("1 new (1 matched, 0 pending), 1 there already", done.stdout)
        self.assertEqual(3, len(self.receipts(cashier)))
        row = cashier.get("/v1/receipts").expect(200).json[0]
        self.assertEqual("saldod import", row["recorded_by"])
        self.audited(server)
        # Of files one of which is broken, those before it are taken in.
        paths[1].write_bytes(b"hello")
        third = server.database.with_name("3.txt")
        third.write_bytes(statement(document(4, "02.11.2026")))
        done = saldod("import", third, paths[1], "--database", server.database)
        self.assertEqual(2, done.returncode)
        self.assertIn(f"{paths[1]}: invalid", done.stderr)
        self.assertEqual(4, len(self.receipts(cashier)))
        done = saldod("import", server.database.with_name("none.txt"), "--database", server.database)
        self.assertEqual(2, done.returncode)
        self.assertIn("cannot read", done.stderr)


class Large(StatementsCase):
    DOCUMENTS = int(os.environ.get("SALDO_STATEMENT_DOCUMENTS", "5000"))

    def test_many_documents_of_many_payers(self):
        """SALDO_STATEMENT_DOCUMENTS=100000 for the figures: seconds and memory are printed."""
        server, cashier, _, _ = self.books()
        admin = self.client(server, "admin", now=NOW)
        accounts = [self.company(admin, tax_id=f"78{number:08}", contract=f"№ {number}/27 от 01.02.2026")
                    for number in range(100)]
        chance = random.Random(7)
        documents = []
        for number in range(self.DOCUMENTS):
            which = chance.randrange(100)
            purposes = (f"Пополнение ЛС {accounts[which]}", f"по договору № {which}/27", "за услуги", "оплата счета 7")
            purpose = purposes[number % 4]
            documents.append(document(number, "01.11.2026", f"{number + 1}.00", purpose, tax_id=f"78{which:08}",
                                      payer_account=f"40702810{number % 5000:012}"))
        content = statement(*documents)
        cashier.connection.timeout = 600
        cashier.close()
        before, faults = server.memory("VmRSS"), server.page_faults()
        start = time.monotonic()
        shown = self.DOCUMENTS // 2
        done = self.take_in(cashier, content, show=shown)
        took = time.monotonic() - start
        print(f"\n{self.DOCUMENTS} documents, {len(content) / 2**20:.1f} MiB: {took:.1f} s, "
              f"{(server.memory() - before) / 2**20:.0f} MiB more at the most", flush=True)
        # Memory that comes and goes with each row made it fifteen times slower, and more on a busy machine.
        if not os.environ.get("SALDO_SANITIZED"):
            self.assertLess(server.page_faults() - faults, 50 * self.DOCUMENTS)
        quarter = self.DOCUMENTS // 4
        self.assertEqual((self.DOCUMENTS, 3 * quarter, quarter),
                         tuple(done[name] for name in ("recorded", "matched", "pending")))
        # Of several commits, in the order of the file.
        self.assertEqual([100 * each + 100 for each in range(shown)], [each["amount"] for each in done["receipts"]])
        self.assertEqual(list(range(1, shown + 1)), [each["receipt_id"] for each in done["receipts"]])
        start = time.monotonic()
        self.assertEqual(self.DOCUMENTS, self.take_in(cashier, content)["repeated"])
        print(f"again: {time.monotonic() - start:.1f} s", flush=True)
        self.audited(server)


if __name__ == "__main__":
    unittest.main()
