"""Documents over HTTP, in the mail and from the shell: issued, listed, and printed as PDF, HTML and XML.

What is in them is tested by tests/sql/test_documents.py and d1_runs.test to d6_words.test. The PDFs are read back by
pdftotext and zbarimg, the XML is held against the tax service's scheme where that is found."""

import csv
import io
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import unittest

from mail_server import Relay
from notices import AT_ONCE, SENDER
from server import NOW, OPENING, ROOT, SALDOD, Server, ServerCase, daily_fee, day_end, day_plus, saldod, wait_for

SCHEME = pathlib.Path(os.environ.get("SALDO_UPD_SCHEME", ROOT.parent / "shared" / "upd" / "upd503.xsd"))

ISSUER = {"valid_from": OPENING, "name": "Вендор", "legal_name": "ООО «Вендор»", "tax_id": "7700000000",
          "kpp": "770001001", "address": "101000, Москва, Мясницкая, 1", "bank_name": "АО «Банк»", "bic": "044525000",
          "bank_account": "40702810000000000001", "corr_account": "30101810000000000000",
          "director": "Орлова М. И.", "accountant": "Громов С. П."}
POSTED = {"name": "Ромашка", "legal_name": "ООО «Ромашка & <сыновья>»", "tax_id": "7701234567", "kpp": "770101001",
          "postal_address": "190000, Санкт-Петербург, Невский, 2", "contract": "№ 15 от 01.02.2026",
          "signatory": "Иванов И. И.", "documents": "always"}
MAILED = {"name": "Лютик", "legal_name": "Петров Пётр Петрович", "tax_id": "770123456789", "documents": "always",
          "postal_address": "620000, Екатеринбург, Ленина, 3", "document_delivery": "email",
          "admin_email": "petrov@lyutik.example"}
LAST = "2026-12-31"
JANUARY = "2027-01-05T09:00:00Z"


def tool(*arguments, given=b""):
    done = subprocess.run([str(each) for each in arguments], input=given, capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.returncode}: {done.stderr!r}")
    return done.stdout


def text_of(pdf):
    """The text of a PDF, its blanks of any kind made one space."""
    return " ".join(tool("pdftotext", "-layout", "-", "-", given=pdf).decode().split())


def qr_of(pdf):
    """What the QR codes on its pages say."""
    with tempfile.TemporaryDirectory() as folder:
        tool("pdftoppm", "-r", "200", "-png", "-", f"{folder}/page", given=pdf)
        codes = []
        for page in sorted(pathlib.Path(folder).iterdir()):
            found = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", "-Sbinary", page],
                                   capture_output=True, timeout=120, check=False)
            codes += [found.stdout] if found.returncode == 0 else []
    return codes


def file_name(document):
    return f"{document['kind']}-{document['number']}-{document['issued_on']}"


class DocumentsCase(ServerCase):
    @staticmethod
    def prepare(admin):
        """Who issues, at which rates."""
        admin.put("/v1/issuer", ISSUER).expect(201)
        admin.put(f"/v1/services/crm/tax-rates/{OPENING}", {"basis_points": 2200}).expect(201)
        admin.put(f"/v1/services/sms/tax-rates/{OPENING}", {"basis_points": None}).expect(201)

    @staticmethod
    def close(admin, first, last):
        day = first
        while day <= last:
            admin.post(f"/v1/days/{day}/close", now=day_end(day)).expect(201)
            day = day_plus(day, 1)

    def issued(self, client, month, **body):
        last = {"2026-11": "2026-11-30", "2026-12": "2026-12-31"}[month]
        return client.post("/v1/document-runs", {"month": month, "issued_on": last, **body}, now=JANUARY)


class Year(DocumentsCase):
    """Books whose November has acts, and December UPDs."""

    now = JANUARY

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        admin = cls.server.client("admin", now=NOW)
        cls.addClassCleanup(admin.close)
        cls.prepare(admin)
        case = cls()
        cls.posted, cls.mailed = (case.customer(admin, **fields) for fields in (POSTED, MAILED))
        cls.other = case.customer(admin, name="Без документов", documents="never")
        admin.post("/v1/usage", {"events": [{"usage_id": "u", "account_id": cls.posted, "service_id": "sms",
                                             "quantity": 3}]}).expect(201)
        admin.put("/v1/policy", {"valid_from": "2026-12-01", "document_kind": "upd"}).expect(201)
        admin.post(f"/v1/accounts/{cls.posted}/payments", {"amount": 1000000, "method": "bank_transfer"}).expect(201)
        cls.close(admin, OPENING, LAST)
        cls.runs = [case.issued(admin, month).expect(201).json for month in ("2026-11", "2026-12")]
        cls.acts, cls.upds = (
            {each["account_id"]: each for each in cls.listed(admin, month=month)} for month in ("2026-11", "2026-12"))

    @staticmethod
    def listed(client, **query):
        return client.get("/v1/documents", query=query).expect(200).json

    def fresh_copy(self):
        """The same books, for a server of the test's own."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-"))
        self.addCleanup(shutil.rmtree, folder)
        connection = sqlite3.connect(self.server.database)
        copy = sqlite3.connect(folder / "copy.db")
        connection.backup(copy)
        connection.close()
        copy.close()
        return folder / "copy.db"

    def served(self, database):
        server = Server(database, "--test-clock", tokens=self.server.tokens)
        self.addCleanup(server.__exit__, None)
        return server


class Issued(Year):
    def test_the_runs(self):
        self.assertEqual([("2026-11", "2026-11-30", 2, "admin"), ("2026-12", LAST, 2, "admin")],
                         [(run["month"], run["issued_on"], run["documents"], run["recorded_by"]) for run in self.runs])
        self.assertEqual([("act", 1), ("act", 2), ("upd", 1), ("upd", 2)],
                         [(each["kind"], each["number"]) for each in self.listed(self.operator)][:4])
        crm = sum(daily_fee(199000, f"2026-11-{day:02}") for day in range(2, 31))
        act = self.acts[self.posted]
        self.assertEqual((crm + 750, (crm * 2200 * 2 + 12200) // (2 * 12200)), (act["total"], act["tax"]))
        again = self.issued(self.operator, "2026-12").expect(201).json
        self.assertEqual((0, "operator"), (again["documents"], again["recorded_by"]))

    def test_runs_that_are_refused(self):
        before = self.sql("SELECT count(*), max(run_id) FROM document_run")
        for body, status, code, named in (
                ({"month": "2027-01", "issued_on": "2027-01-31"}, 409, "day_not_ended", "2027-01-31"),
                ({"month": "2026-12", "issued_on": "2026-12-30"}, 409, "conflict", LAST),
                ({"month": "2026-11", "issued_on": "2026-11-29"}, 409, "conflict", "2026-11-30"),
                ({"month": "2026-13", "issued_on": LAST}, 422, "invalid", "month"),
                ({"month": "2026-12", "issued_on": "2026-12-32"}, 422, "invalid", "issued_on"),
                ({"month": "2026-12"}, 422, "invalid", "issued_on")):
            with self.subTest(body=body):
                self.refused(self.operator.post("/v1/document-runs", body), status, code, named)
        self.assertEqual(before, self.sql("SELECT count(*), max(run_id) FROM document_run"))

    def test_listed(self):
        every = self.listed(self.operator, limit=1000)
        ids = [each["document_id"] for each in every]
        self.assertEqual(sorted(ids), ids)
        self.assertNotIn("content", every[0])
        for query in ({"month": "2026-11"}, {"kind": "upd"}, {"account_id": self.posted}, {"account_id": 4711},
                      {"account_id": self.mailed, "month": "2026-12"}, {"account_id": self.posted, "kind": "act"},
                      {"month": "2026-12", "kind": "act"}):
            with self.subTest(query=query):
                self.assertEqual([each for each in every if all(each[name] == value for name, value in query.items())],
                                 [each for page in self.operator.pages("/v1/documents", query={**query, "limit": 1})
                                  for each in page])
        self.refused(self.operator.get("/v1/documents?kind=bill"), 422, "invalid", "reconciliation")
        of_account = [each for page in self.crm.pages(f"/v1/accounts/{self.posted}/documents?limit=1") for each in page]
        self.assertEqual([each for each in reversed(every) if each["account_id"] == self.posted], of_account)
        self.refused(self.crm.get("/v1/accounts/4711/documents"), 404, "not_found", 4711)

    def test_a_document_as_json(self):
        act = self.crm.get(f"/v1/documents/{self.acts[self.posted]['document_id']}").expect(200)
        self.assertEqual("application/json", act.headers["Content-Type"])
        content = act.json.pop("content")
        self.assertEqual(self.acts[self.posted], {name: value for name, value in act.json.items() if name != "content"})
        self.assertEqual(("act", 1, POSTED["legal_name"], ISSUER["legal_name"], "ru"),
                         (content["kind"], content["number"], content["customer"]["legal_name"],
                          content["issuer"]["legal_name"], content["language"]))
        self.assertEqual(["НДС 22 %", "Без НДС"], [line["tax_label"] for line in content["lines"]])
        self.refused(self.crm.get("/v1/documents/4711"), 404, "not_found")

    def test_corrections(self):
        server = self.served(self.fresh_copy())
        operator = self.client(server, "operator", now=JANUARY)
        act = self.acts[self.posted]["document_id"]
        path = f"/v1/documents/{act}/corrections"
        operator.patch(f"/v1/accounts/{self.posted}", {"legal_name": "ООО «Роза»"}).expect(200)
        dry = operator.post(f"{path}?dry_run=true", {}).expect(201).json
        first = operator.post(path, {}).expect(201).json
        self.assertEqual(dry, first)
        self.assertEqual((act, 1, "2027-01-05", 1, "2026-11-30", "ООО «Роза»"),
                         (first["corrects"], first["correction_number"], first["corrected_on"], first["number"],
                          first["issued_on"], first["content"]["customer"]["legal_name"]))
        # Not of a day to come, which would keep those before it from being made.
        self.refused(operator.post(path, {"corrected_on": "2027-01-06"}), 409, "conflict", "2027-01-05")
        second = operator.post(f"/v1/documents/{first['document_id']}/corrections", {"corrected_on": "2027-01-06"},
                               now="2027-01-06T09:00:00Z").expect(201).json
        self.assertEqual((act, 2), (second["corrects"], second["correction_number"]))
        self.refused(operator.post(path, {"corrected_on": "2027-01-05"}), 409, "conflict", "2027-01-06")
        self.refused(operator.post("/v1/documents/4711/corrections", {}), 404, "not_found", 4711)
        invoice = operator.post(f"/v1/accounts/{self.posted}/invoices", {"amount": 1}).expect(201).json
        self.refused(operator.post(f"/v1/documents/{invoice['document_id']}/corrections", {}), 409, "conflict",
                     "invoice")
        pdf = operator.get(f"/v1/documents/{second['document_id']}.pdf").expect(200).body
        self.assertIn("ООО «Роза»", text_of(pdf))
        # The first is as it was.
        old = operator.get(f"/v1/documents/{act}.pdf").expect(200).body
        self.assertIn("ООО «Ромашка", text_of(old))
        self.assertEqual([], self.client(server, "analyst").get("/v1/reports/audit_document").expect(200).json)

    def test_invoices(self):
        path = f"/v1/accounts/{self.posted}/invoices"
        body = {"amount": 5000000}
        first = self.crm.post(path, body, key="invoice").expect(201)
        self.assertEqual(first.json, self.crm.post(path, body, key="invoice").expect(201).json)
        content = first.json["content"]
        self.assertEqual(("invoice", "2027-01-05", 5000000, None, "crm"),
                         tuple(first.json[name] for name in ("kind", "issued_on", "total", "month", "recorded_by")))
        self.assertIn("|Sum=5000000|", content["qr"])
        self.assertIn(f"счёту № {first.json['number']} ", content["purpose"])
        pdf = self.crm.get(f"/v1/documents/{first.json['document_id']}.pdf").expect(200).body
        self.assertEqual([content["qr"].encode()], [code.rstrip(b"\n") for code in qr_of(pdf)])
        for each in (str(first.json["number"]), ISSUER["bic"], ISSUER["bank_account"], "Пятьдесят тысяч рублей"):
            self.assertIn(each, text_of(pdf))
        until = self.crm.post(path, {"until": "2027-03-31", "employees": 8}).expect(201).json
        needed = self.crm.get(f"/v1/accounts/{self.posted}/top-up?until=2027-03-31&employees=8").expect(200).json
        self.assertEqual(needed["top_up"], until["total"])
        self.assertEqual(first.json["number"] + 1, until["number"])
        before = self.count("document")
        for body, status, code in (
                ({}, 422, "invalid"), ({"amount": 1, "until": "2027-03-31"}, 422, "invalid"),
                ({"amount": 1, "employees": 8}, 422, "invalid"), ({"amount": 0}, 422, "out_of_range"),
                ({"amount": 10**15 + 1}, 422, "out_of_range"), ({"until": "2027-01-05"}, 409, "conflict")):
            with self.subTest(body=body):
                self.refused(self.crm.post(path, body), status, code)
        self.refused(self.crm.post("/v1/accounts/4711/invoices", {"amount": 1}), 404, "not_found", 4711)
        self.assertEqual(before, self.count("document"))

    def test_reconciliations(self):
        path = f"/v1/accounts/{self.posted}/reconciliations"
        act = self.operator.post(path, {"from": OPENING, "to": LAST}).expect(201).json
        balance = 1000000 - self.acts[self.posted]["total"] - self.upds[self.posted]["total"]
        self.assertEqual(("reconciliation", balance, None), (act["kind"], act["total"], act["month"]))
        text = text_of(self.crm.get(f"/v1/documents/{act['document_id']}.pdf").expect(200).body)
        self.assertIn("10 000,00", text.replace("\u00a0", " "))
        for body, status, code in (
                ({"from": OPENING, "to": "2027-01-01"}, 409, "day_not_ended"),
                ({"from": LAST, "to": OPENING}, 422, "invalid"), ({"from": OPENING}, 422, "invalid")):
            with self.subTest(body=body):
                self.refused(self.operator.post(path, body), status, code)
        self.refused(self.crm.post(path, {"from": OPENING, "to": LAST}), 403, "forbidden")

    def test_the_audit_is_empty_then_names_a_kopeck_a_gap_and_a_number_twice(self):
        database = self.fresh_copy()
        act = self.acts[self.posted]["document_id"]
        upd = self.upds[self.posted]["document_id"]
        last_upd = self.upds[self.mailed]["document_id"]

        def audit():
            analyst = self.client(self.served(database), "analyst")
            rows = analyst.get("/v1/reports/audit_document").expect(200).json
            analyst.close()
            return {(each["document_id"], each["problem"]) for each in rows}
        self.assertEqual(set(), audit())
        connection = sqlite3.connect(database, isolation_level=None)
        connection.create_function("saldo_posted", -1, lambda *_: 1, deterministic=True)
        connection.execute("DROP TRIGGER document_refuse_update")
        total = self.acts[self.posted]["total"]
        connection.execute("UPDATE document SET total = total + 1, content = json_set(content, '$.total', ?)"
                           " WHERE document_id = ?", (total + 1, act))
        found = audit()
        self.assertIn((act, f"the charges of 2026-11 and its adjustments sum to {total}, its total is {total + 1}"),
                      found)
        self.assertEqual({act}, {document for document, _ in found})
        connection.execute("UPDATE document SET number = 3, content = json_set(content, '$.number', 3)"
                           " WHERE document_id = ?", (last_upd,))
        self.assertIn((last_upd, "there is no upd 2 of 2026"), audit())
        connection.execute("UPDATE document SET number = 1, content = json_set(content, '$.number', 1)"
                           " WHERE document_id = ?", (last_upd,))
        found = audit()
        self.assertLessEqual({(upd, f"document {last_upd} is upd 1 of 2026 too"),
                              (last_upd, f"document {upd} is upd 1 of 2026 too")}, found)
        connection.close()


class Printed(Year):
    def document(self, document_id, accept=None, ending="", status=200):
        return self.crm.get(f"/v1/documents/{document_id}{ending}", accept=accept).expect(status)

    def test_by_accept_and_by_ending(self):
        act, upd = self.acts[self.posted]["document_id"], self.upds[self.posted]["document_id"]
        for kind, document_id, endings in (("act", act, ("html", "pdf")), ("upd", upd, ("html", "pdf", "xml"))):
            for ending in endings:
                media = {"html": "text/html", "pdf": "application/pdf", "xml": "application/xml"}[ending]
                with self.subTest(document_id=document_id, ending=ending):
                    accepted = self.document(document_id, media)
                    ended = self.document(document_id, None, f".{ending}")
                    self.assertEqual(media, accepted.headers["Content-Type"].split(";")[0])
                    self.assertEqual((accepted.headers["Content-Type"], accepted.body),
                                     (ended.headers["Content-Type"], ended.body))
                    named = accepted.headers["Content-Disposition"]
                    self.assertEqual(named, ended.headers["Content-Disposition"])
                    name = {"html": None, "pdf": rf"{kind}-\d+-\d{{4}}-\d\d-\d\d\.pdf",
                            "xml": r"ON_NSCHFDOPPR_[\w-]+\.xml"}[ending]
                    if name is None:
                        self.assertIsNone(named)
                    else:
                        self.assertRegex(named, rf'^inline; filename="{name}"$')
                    # The same bytes each time, from whatever process.
                    self.assertEqual(accepted.body, self.document(document_id, media).body)
                    self.document(document_id, "text/csv", f".{ending}", 406)
        for accept, media in ((None, "application/json"), ("*/*", "application/json"),
                              ("text/html, */*;q=0.8", "text/html"), ("application/json;q=0.5, application/pdf",
                                                                      "application/pdf")):
            with self.subTest(accept=accept):
                self.assertEqual(media, self.document(act, accept).headers["Content-Type"].split(";")[0])

    def test_what_there_is_not(self):
        act = self.acts[self.posted]["document_id"]
        self.refused(self.document(act, "application/xml", "", 406), 406, "not_acceptable", "act")
        self.refused(self.document(act, "text/csv", "", 406), 406, "not_acceptable", "application/pdf")
        self.refused(self.document(act, None, ".xml", 404), 404, "not_found", "act")
        for ending in (".html", ".pdf", ".xml"):
            self.refused(self.document(4711, None, ending, 404), 404, "not_found")
        self.refused(self.document("x", None, ".pdf", 422), 422, "invalid", "document_id")
        self.refused(self.nobody.get(f"/v1/documents/{act}.pdf"), 401, "unauthorized")
        self.refused(self.cashier.get(f"/v1/documents/{act}.pdf"), 403, "forbidden")

    def test_the_pdf_is_of_the_document_asked_for(self):
        for of in (self.acts, self.upds):
            document = self.document(of[self.posted]["document_id"]).json
            content = document["content"]
            text = text_of(self.document(document["document_id"], "application/pdf").body)
            wanted = [ISSUER["legal_name"], ISSUER["tax_id"], ISSUER["kpp"], POSTED["legal_name"], POSTED["tax_id"],
                      POSTED["kpp"], str(document["number"])]
            for each in wanted:
                with self.subTest(kind=document["kind"], wanted=each):
                    self.assertIn(each, text)
            bare = text.replace(" ", "")
            self.assertIn("".join(content["lines"][0]["name"].split())[:12], bare)
            self.assertIn(f"{document['total'] // 100}", re.sub(r"\s", "", text))

    def test_the_html_is_escaped_and_runs_nothing(self):
        for of in (self.acts, self.upds):
            answer = self.document(of[self.posted]["document_id"], "text/html")
            self.assertEqual("nosniff", answer.headers["X-Content-Type-Options"])
            html = answer.text
            self.assertIn("default-src 'none'", html)
            self.assertIn("ООО «Ромашка &amp; &lt;сыновья&gt;»", html)
            self.assertNotIn("<сыновья>", html)
            self.assertNotRegex(html.lower(), r"<script|javascript:| on\w+=|<iframe|https?://(?!www\.w3\.org/)")

    def test_the_xml_is_of_the_tax_service_s_scheme(self):
        if not SCHEME.exists():
            self.skipTest(f"the scheme is not there: {SCHEME}")
        for account_id in (self.posted, self.mailed):
            xml = self.document(self.upds[account_id]["document_id"], "application/xml").body
            self.assertTrue(xml.lower().startswith(b'<?xml version="1.0" encoding="windows-1251"?>'), xml[:80])
            tool("xmllint", "--noout", "--schema", SCHEME, "-", given=xml)
            self.assertIn("Ромашка" if account_id == self.posted else "Петров", xml.decode("windows-1251"))

    def test_a_person_s_name_that_cannot_be_split(self):
        server = self.served(self.fresh_copy())
        operator = self.client(server, "operator", now=JANUARY)
        operator.patch(f"/v1/accounts/{self.mailed}", {"legal_name": "Петров"}).expect(200)
        upd = self.upds[self.mailed]["document_id"]
        again = operator.post(f"/v1/documents/{upd}/corrections", {}).expect(201).json["document_id"]
        for answer in (operator.get(f"/v1/documents/{again}.xml"),
                       operator.get(f"/v1/documents/{again}", accept="application/xml")):
            self.refused(answer, 409, "conflict", "Петров")
        operator.get(f"/v1/documents/{again}.pdf").expect(200)

    def test_the_shell_names_what_a_document_cannot_do_without(self):
        database = self.fresh_copy()
        operator = self.client(self.served(database), "operator", now=JANUARY)
        operator.patch(f"/v1/accounts/{self.posted}", {"tax_id": None}).expect(200)
        operator.patch(f"/v1/accounts/{self.mailed}", {"postal_address": None, "admin_email": None}).expect(200)
        for account_id in (self.posted, self.mailed):
            for of in (self.acts, self.upds):
                operator.post(f"/v1/documents/{of[account_id]['document_id']}/corrections", {}).expect(201)
        no_mail = f"account {self.mailed} has no e-mail address"
        for month, missing in (("2026-11", [no_mail]),
                               ("2026-12", [f"account {self.posted} has no tax_id, which a UPD needs",
                                            f"account {self.mailed} has no postal address", no_mail])):
            out = database.parent / month
            done = saldod("documents", "--month", month, "--database", database, "--out", out)
            self.assertEqual((0, [f"2 documents in {out}, 1 of them in post.pdf", *missing]),
                             (done.returncode, done.stdout.splitlines()), done)

    def test_analysts_do_not_print(self):
        for name in ("document_pdf", "DOCUMENT_HTML", "document_xml", "document_file_name"):
            answer = self.analyst.post("/v1/sql", {"sql": f"SELECT {name}(content) FROM document"})
            self.refused(answer, 422, "invalid", "not authorized")


class Requisites(DocumentsCase):
    def test_the_issuer(self):
        server = self.fresh()
        operator = self.client(server, "operator")
        self.refused(operator.get("/v1/issuer"), 404, "not_found")
        self.refused(operator.put("/v1/issuer", {"valid_from": OPENING, "tax_id": "7700000000"}), 422, "invalid",
                     "name")
        first = operator.put("/v1/issuer", ISSUER).expect(201).json
        self.assertEqual(ISSUER, {name: first[name] for name in ISSUER})
        self.assertEqual(first, operator.put("/v1/issuer", ISSUER, now="2026-11-03T09:00:00Z").expect(200).json)
        later = operator.put("/v1/issuer", {"valid_from": "2026-12-01", "director": "Белова А. А.",
                                            "accountant": None}).expect(201).json
        self.assertEqual({**ISSUER, "valid_from": "2026-12-01", "director": "Белова А. А.", "accountant": None},
                         {name: later[name] for name in ISSUER})
        self.assertEqual(first, operator.get("/v1/issuer").expect(200).json)
        self.assertEqual(later, operator.get("/v1/issuer?day=2026-12-31").expect(200).json)
        self.assertEqual([[first], [later]], operator.pages("/v1/issuers?limit=1"))
        self.refused(operator.put("/v1/issuer", {"valid_from": OPENING, "name": ""}), 422, "invalid", "name")

    def test_tax_rates(self):
        server = self.fresh()
        operator = self.client(server, "operator")
        path = "/v1/services/crm/tax-rates"
        self.assertEqual([], operator.get(path).expect(200).json)
        old = operator.put(f"{path}/{OPENING}", {"basis_points": 2000}).expect(201).json
        new = operator.put(f"{path}/2027-01-01", {"basis_points": 2200}).expect(201).json
        self.assertEqual(("crm", OPENING, 2000), (old["service_id"], old["valid_from"], old["basis_points"]))
        self.assertEqual([old, new], operator.get(path).expect(200).json)
        self.assertIsNone(operator.put(f"{path}/{OPENING}", {"basis_points": None}).expect(200).json["basis_points"])
        # Without tax is said, not left out.
        self.refused(operator.put(f"{path}/{OPENING}", {}), 422, "invalid", "basis_points")
        self.refused(operator.put(f"{path}/{OPENING}", {"basis_points": 10001}), 422, "out_of_range", 10000)
        self.refused(operator.put(f"/v1/services/fax/tax-rates/{OPENING}", {"basis_points": 1}), 404, "not_found",
                     "fax")
        self.refused(operator.get("/v1/services/fax/tax-rates"), 404, "not_found", "fax")

    def test_what_documents_have_used_stays(self):
        server = self.fresh()
        admin = self.client(server, "admin")
        self.customer(admin, documents="always")
        self.close(admin, OPENING, "2026-11-30")
        # Who issues, and at which rate, may be said late.
        self.refused(self.issued(admin, "2026-11"), 404, "not_found", "crm")
        admin.put(f"/v1/services/crm/tax-rates/{OPENING}", {"basis_points": 2200}).expect(201)
        self.refused(self.issued(admin, "2026-11"), 404, "not_found", "issuer")
        admin.put("/v1/issuer", ISSUER).expect(201)
        self.assertEqual(1, self.issued(admin, "2026-11").expect(201).json["documents"])
        for answer in (admin.put("/v1/issuer", {"valid_from": OPENING, "director": "Белова А. А."}),
                       admin.put(f"/v1/services/crm/tax-rates/{OPENING}", {"basis_points": 2000})):
            self.refused(answer, 409, "day_closed", "2026-12-01")


class Mail(DocumentsCase):
    def sending(self):
        relay = Relay()
        self.addCleanup(relay.stop)
        server = self.fresh("--test-clock", "--smtp", relay.url, "--smtp-plain", "--mail-from", SENDER, *AT_ONCE)
        admin = self.client(server, "admin")
        self.prepare(admin)
        # Nothing but documents goes by e-mail.
        for kind in admin.get("/v1/notice-kinds").expect(200).json:
            admin.put(f"/v1/notice-kinds/{kind['kind']}", {"by_email": int(kind["kind"] == "document")}).expect(200)
        admin.post("/v1/notice-clock", {}).expect(200)
        return relay, admin

    def mails(self, relay, count):
        self.assertTrue(wait_for(lambda: len(relay.mails) >= count, seconds=60), relay.steps)
        self.assertEqual(count, len(relay.mails))
        return {mail.to: mail.message for mail in relay.mails}

    def test_what_is_attached_and_to_whom(self):
        relay, admin = self.sending()
        posted = self.customer(admin, **POSTED, admin_email="anna@romashka.example")
        mailed = self.customer(admin, **MAILED)
        self.close(admin, OPENING, "2026-11-30")
        self.issued(admin, "2026-11").expect(201)
        admin.post("/v1/notice-clock", {}, now=JANUARY).expect(200)
        [act] = admin.get(f"/v1/accounts/{mailed}/documents").expect(200).json
        [[_, message]] = self.mails(relay, 1).items()
        self.assertEqual("multipart/mixed", message.get_content_type())
        [attachment] = message.iter_attachments()
        self.assertEqual(("application/pdf", f"{file_name(act)}.pdf"),
                         (attachment.get_content_type(), attachment.get_filename()))
        self.assertEqual(f'attachment; filename="{file_name(act)}.pdf"', str(attachment["Content-Disposition"]))
        self.assertEqual(admin.get(f"/v1/documents/{act['document_id']}.pdf").expect(200).body,
                         attachment.get_content())
        [forms] = [part for part in message.iter_parts() if part.get_content_type() == "multipart/alternative"]
        self.assertEqual(["text/plain", "text/html"], [part.get_content_type() for part in forms.iter_parts()])
        self.assertIn(f"№ {act['number']}", message["Subject"])
        relay.mails.clear()
        # Who gets documents by post gets invoices by e-mail.
        invoice = admin.post(f"/v1/accounts/{posted}/invoices", {"amount": 100}, now=JANUARY).expect(201).json
        admin.post(f"/v1/accounts/{posted}/reconciliations", {"from": OPENING, "to": "2026-11-30"},
                   now=JANUARY).expect(201)
        admin.post("/v1/notice-clock", {}, now=JANUARY).expect(200)
        message = self.mails(relay, 1)["anna@romashka.example"]
        [attachment] = message.iter_attachments()
        self.assertEqual(f"{file_name(invoice)}.pdf", attachment.get_filename())
        self.assertEqual([invoice["content"]["qr"].encode()],
                         [code.rstrip(b"\n") for code in qr_of(attachment.get_content())])


class Command(DocumentsCase):
    """saldod documents."""

    COMPANIES = 80

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        admin = cls.server.client("admin", now=NOW)
        cls.prepare(admin)
        case = cls()
        for number in range(cls.COMPANIES):
            fields = {**(MAILED if number % 4 == 3 else POSTED), "name": f"=Компания {number}",
                      "external_id": str(number)}
            if number == 1:
                fields["postal_address"] = None
            case.customer(admin, **fields)
        cls.close(admin, OPENING, "2026-11-30")
        admin.close()
        cls.database = cls.folder / "saldo.db"

    def out(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="saldo-"))
        self.addCleanup(shutil.rmtree, folder)
        return folder / "out"

    def print(self, out, *flags, month="2026-11", database=None):
        return saldod("documents", "--month", month, "--database", database or self.database, "--out", out, *flags)

    @staticmethod
    def files(folder):
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    def test_1_before_anything_is_issued(self):
        out = self.out()
        # Of an earlier run, of which nothing may be taken for this one's.
        out.mkdir()
        for name in ("post.pdf", "registry.csv"):
            (out / name).write_text("stale", encoding="utf-8")
        done = self.print(out)
        self.assertEqual((0, f"0 documents in {out}, 0 of them in post.pdf\n"), (done.returncode, done.stdout), done)
        self.assertEqual(["registry.csv"], list(self.files(out)))
        self.assertIn("document_id,kind", (out / "registry.csv").read_text(encoding="utf-8"))

    def test_2_issued_and_printed_twice_to_the_same_bytes(self):
        out = self.out()
        done = self.print(out, "--issue")
        self.assertEqual(0, done.returncode, done)
        self.assertEqual(
            [f"issued {self.COMPANIES} documents of 2026-11",
             f"{self.COMPANIES} documents in {out}, {self.COMPANIES * 3 // 4} of them in post.pdf",
             "account 2 has no postal address"], done.stdout.splitlines())
        first = self.files(out)
        again = self.print(out, "--issue")
        self.assertEqual((0, "issued 0 documents of 2026-11"), (again.returncode, again.stdout.splitlines()[0]), again)
        self.assertEqual(first, self.files(out))
        other = self.out()
        self.assertEqual(0, self.print(other).returncode)
        self.assertEqual(first, self.files(other))
        documents = [each for page in self.operator.pages("/v1/documents?month=2026-11") for each in page]
        self.assertEqual({f"{file_name(each)}.pdf" for each in documents} | {"post.pdf", "registry.csv"}, set(first))
        self.assertEqual({(each["recorded_by"], each["issued_on"]) for each in documents},
                         {("saldod documents", "2026-11-30")})
        for each in documents[:3]:
            self.assertEqual(self.crm.get(f"/v1/documents/{each['document_id']}.pdf").expect(200).body,
                             first[f"{file_name(each)}.pdf"])
        registry = list(csv.DictReader(io.StringIO(first["registry.csv"].decode(), newline="")))
        self.assertEqual([[str(each[name]) for name in ("document_id", "number", "account_id", "total", "tax")]
                          for each in documents],
                         [[row[name] for name in ("document_id", "number", "account_id", "total", "tax")]
                          for row in registry])
        self.assertEqual([f"{file_name(each)}.pdf" for each in documents], [row["file"] for row in registry])
        self.assertEqual("'=Компания 0", registry[0]["name"])
        self.check_post(first["post.pdf"], [each for each, row in zip(documents, registry)
                                            if row["document_delivery"] == "post"])

        # What fails leaves neither of the two that say what all is there.
        (out / f"{file_name(documents[-1])}.pdf.part").mkdir()
        failed = self.print(out)
        self.assertEqual(2, failed.returncode, failed)
        self.assertEqual([], [name for name in ("post.pdf", "registry.csv") if (out / name).exists()])

    def check_post(self, pdf, documents):
        """In order, each with its address, and nothing else."""
        pages = tool("pdftotext", "-layout", "-", "-", given=pdf).decode().split("\f")[:-1]
        numbers = [re.search(r"№\s*(\d+)", page).group(1) for page in pages if re.search(r"№\s*(\d+)", page)]
        firsts = [number for index, number in enumerate(numbers) if index == 0 or numbers[index - 1] != number]
        self.assertEqual([str(each["number"]) for each in documents], firsts)
        addressed = [page for page in pages if POSTED["postal_address"].split(",", maxsplit=1)[0] in page]
        self.assertEqual(len(documents) - 1, len(addressed))

    def test_3_killed_in_between(self):
        whole = self.out()
        self.assertEqual(0, self.print(whole, "--issue").returncode)
        expected = self.files(whole)
        killed = 0
        for _ in range(20):
            out = self.out()
            process = subprocess.Popen([SALDOD, "documents", "--month", "2026-11", "--database", self.database,
                                        "--out", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(lambda: process.poll() is not None or list(out.glob("*.pdf")), every=0.001)
            process.send_signal(signal.SIGKILL)
            process.wait()
            if process.returncode != -signal.SIGKILL:
                continue
            killed += 1
            # What has its name is whole, and without the registry nothing says that all is there.
            there = {name: content for name, content in self.files(out).items() if not name.endswith(".part")}
            self.assertEqual({name: expected[name] for name in there}, there)
            if "registry.csv" in there:
                self.assertEqual(expected, there)
            self.assertEqual(0, self.print(out).returncode)
            self.assertEqual(expected, self.files(out))
            if killed == 3:
                break
        self.assertEqual(3, killed)

    def test_4_what_is_wrong_is_told_and_leaves_nothing(self):
        runs = self.count("document_run")
        file = self.folder / "file"
        file.write_text("not a folder", encoding="utf-8")
        for flags, named in (
                (("--month", "2026-13", "--out", self.out()), "2026-13"),
                (("--month", "november", "--out", self.out()), "november"),
                (("--month", "2026-12", "--out", self.out(), "--issue"), "day_not_ended"),
                (("--month", "2026-11", "--out", self.out(), "--issue", "--issued-on", "2026-11-31"), "2026-11-31"),
                (("--month", "2026-11", "--out", self.out(), "--issue", "--issued-on", "2026-11-29"), "2026-11-30"),
                (("--month", "2026-11", "--out", self.out(), "--issued-on", "2026-11-30"), "--issue"),
                (("--month", "2026-11", "--out", file), str(file)),
                (("--month", "2026-11", "--out", file / "below"), str(file)),
                (("--month", "2026-11"), "--out"),
                (("--out", self.out()), "--month")):
            with self.subTest(flags=flags):
                done = saldod("documents", "--database", self.database, *flags)
                self.assertEqual(2, done.returncode, done)
                self.assertIn(named, done.stderr)
        self.assertEqual(runs, self.count("document_run"))
        missing = saldod("documents", "--month", "2026-11", "--database", self.folder / "none.db", "--out", self.out())
        self.assertEqual(2, missing.returncode, missing)
        self.assertIn("saldod install", missing.stderr)


if __name__ == "__main__":
    unittest.main()
