"""Receipts over HTTP: what waits is listed, matched, split or ignored; channels; a payment system's registry.

Seen to fail, the product broken on purpose: a match without the check that the receipt is pending (two operators at
once); parts that need not sum to the amount; a registry's day from midnight UTC."""

import pathlib
import sqlite3
import tempfile
import threading
import unittest

from server import NOW, ServerCase, noon

TEXT = {"Content-Type": "text/plain"}


# A payment system's file writes a receipt like this; the tests choose each of its columns.
PUT_RECEIPT = """-- POST /v1/test-receipts
-- Put a receipt as a payment system's file does
-- role: operator
-- answer: one
-- source: text!
-- external_id: text!
-- amount: integer!
-- received_at: instant
-- account_text: text
-- payer: text
-- purpose: text
-- raw: text

INSERT INTO receipt(source, external_id, amount, received_at, account_text, payer, purpose, raw, recorded_at,
                    recorded_by)
VALUES (:source, :external_id, :amount, :received_at, :account_text, :payer, :purpose, :raw, :now, 'channel');

SELECT receipt_id FROM receipt WHERE source = :source AND external_id = :external_id;
"""


def put_receipt(operator, **fields):
    """Its receipt_id."""
    return operator.post("/v1/test-receipts", fields).expect(200).json["receipt_id"]


class ReceiptsCase(ServerCase):
    @classmethod
    def setUpClass(cls):
        routes = tempfile.TemporaryDirectory(prefix="saldo-routes-")
        cls.addClassCleanup(routes.cleanup)
        (pathlib.Path(routes.name) / "put_receipt.sql").write_text(PUT_RECEIPT, encoding="utf-8")
        cls.flags = ("--test-clock", "--routes", routes.name)
        super().setUpClass()
        cls.operator.put("/v1/channels/qiwi", {"protocol": "osmp", "method": "qiwi"}).expect(201)
        cls.one, cls.two = (cls.admin.post("/v1/accounts", {"name": name}).expect(201).json["account_id"]
                            for name in ("Один", "Два"))
        cls.next_id = 0

    def receipt(self, **fields):
        type(self).next_id += 1
        return put_receipt(self.operator, **{"source": "qiwi", "external_id": f"t{type(self).next_id}",
                                             "amount": 1000, **fields})

    def audited(self):
        self.assertEqual([], self.admin.get("/v1/reports/audit_receipt").expect(200).json)


class Channels(ReceiptsCase):
    def test_opened_changed_and_listed(self):
        row = {"channel_id": "euroset", "protocol": "osmp", "method": "euroset", "min_amount": None, "max_amount": None,
               "disabled": 0, "recorded_at": NOW, "recorded_by": "operator"}
        answer = self.operator.put("/v1/channels/euroset", {"protocol": "osmp", "method": "euroset"})
        self.assertEqual((201, row), (answer.status, answer.json))
        row |= {"min_amount": 100, "max_amount": 1500000, "disabled": 1}
        answer = self.operator.put("/v1/channels/euroset", {"protocol": "osmp", "method": "euroset", "min_amount": 100,
                                                            "max_amount": 1500000, "disabled": 1})
        self.assertEqual((200, row), (answer.status, answer.json))
        self.assertEqual(row, self.operator.get("/v1/channels/euroset").expect(200).json)
        self.assertEqual(["euroset", "qiwi"],
                         [each["channel_id"] for each in self.operator.get("/v1/channels").expect(200).json])
        rows = self.operator.get("/v1/channels", accept="text/csv").expect(200).csv
        self.assertEqual("euroset", rows[0]["channel_id"])
        self.refused(self.cashier.get("/v1/channels"), 403, "forbidden")

    def test_refused(self):
        body = {"protocol": "osmp", "method": "sbp"}
        for name, body, status, code in (("bank", body, 422, "invalid"), ("Big", body, 422, "invalid"),
                                         ("x", body | {"method": "barter"}, 404, "not_found"),
                                         ("x", {"protocol": "osmp"}, 422, "invalid"),
                                         ("x", body | {"min_amount": 0}, 422, "out_of_range"),
                                         ("x", body | {"min_amount": 9, "max_amount": 8}, 422, "out_of_range")):
            with self.subTest(name=name, body=body):
                self.refused(self.operator.put(f"/v1/channels/{name}", body), status, code)
        self.refused(self.operator.get("/v1/channels/none"), 404, "not_found")


class Receipts(ReceiptsCase):
    def test_listed_by_status_and_source_in_pages(self):
        matched = self.receipt(account_text=str(self.one), payer="Анна", purpose="связь", raw="txn_id=1")
        pending = [self.receipt(), self.receipt(source="bank", amount=7), self.receipt()]
        rows = self.cashier.get("/v1/receipts", query={"status": "pending", "source": "qiwi"}).expect(200).json
        found = [each["receipt_id"] for each in rows]
        self.assertEqual([pending[0], pending[2]], [each for each in found if each in pending])
        rows = self.cashier.get("/v1/receipts", query={"source": "bank", "after": pending[1] - 1}).expect(200).json
        self.assertEqual(pending[1], rows[0]["receipt_id"])
        row = self.cashier.get(f"/v1/receipts/{matched}").expect(200).json
        self.assertEqual(
            {"receipt_id": matched, "source": "qiwi", "external_id": row["external_id"], "amount": 1000,
             "received_at": NOW, "account_text": str(self.one), "payer": "Анна", "payer_tax_id": None,
             "payer_account": None,
             "purpose": "связь", "raw": "txn_id=1", "status": "matched", "reason": "account_text",
             "payments": [{"payment_id": row["payments"][0]["payment_id"], "account_id": self.one, "amount": 1000}],
             "recorded_at": NOW, "recorded_by": "channel"}, row)
        listed = [each for page in self.cashier.pages("/v1/receipts", query={"limit": 2}) for each in page]
        self.assertEqual(sorted(each["receipt_id"] for each in listed), [each["receipt_id"] for each in listed])
        self.assertIn(row, listed)
        self.assertIn(str(matched), [each["receipt_id"] for each in
                                     self.cashier.get("/v1/receipts", accept="text/csv").expect(200).csv])
        self.refused(self.cashier.get("/v1/receipts", query={"status": "paid"}), 422, "invalid", "pending")
        self.refused(self.cashier.get("/v1/receipts/99999"), 404, "not_found")
        self.refused(self.crm.get("/v1/receipts"), 403, "forbidden")

    def test_matched_with_one_account(self):
        receipt = self.receipt()
        later = noon("2026-11-03")
        row = self.cashier.post(f"/v1/receipts/{receipt}/match", {"account_id": self.one}, now=later).expect(200).json
        self.assertEqual(("matched", "operator"), (row["status"], row["reason"]))
        payment, = (each for each in self.cashier.get(f"/v1/accounts/{self.one}/payments", now=later).expect(200).json
                    if each["external_id"] == f"qiwi:{row['external_id']}")
        names = ("amount", "method", "received_at", "credited_at", "recorded_by")
        self.assertEqual((1000, "qiwi", NOW, later, "cashier"), tuple(payment[name] for name in names))
        self.audited()

    def test_split_over_accounts(self):
        receipt = self.receipt()
        parts = [{"account_id": self.one, "amount": 700}, {"account_id": self.two, "amount": 300}]
        row = self.cashier.post(f"/v1/receipts/{receipt}/match", {"parts": parts}).expect(200).json
        self.assertEqual(parts, [{name: each[name] for name in ("account_id", "amount")} for each in row["payments"]])
        self.audited()

    def test_a_match_that_is_refused_does_nothing(self):
        receipt = self.receipt()
        target = f"/v1/receipts/{receipt}/match"
        before = self.cashier.get(f"/v1/receipts/{receipt}").expect(200).json
        part = {"account_id": self.one, "amount": 500}
        for body, status, code in (({}, 422, "invalid"), ({"account_id": self.one, "parts": [part]}, 422, "invalid"),
                                   ({"account_id": 4711}, 404, "not_found"), ({"parts": []}, 422, "invalid"),
                                   ({"parts": [part]}, 422, "out_of_range"),
                                   ({"parts": [part, {"account_id": self.two, "amount": 501}]}, 422, "out_of_range"),
                                   ({"parts": [part, {"account_id": 4711, "amount": 500}]}, 404, "not_found"),
                                   ({"parts": [{"account_id": self.one, "amount": 1500},
                                               {"account_id": self.one, "amount": -500}]}, 422, "out_of_range")):
            with self.subTest(body=body):
                self.refused(self.cashier.post(target, body), status, code)
                self.assertEqual(before, self.cashier.get(f"/v1/receipts/{receipt}").expect(200).json)
        self.refused(self.cashier.post("/v1/receipts/99999/match", {"account_id": self.one}), 404, "not_found")
        self.audited()

    def test_ignored_for_a_reason(self):
        receipt = self.receipt()
        self.refused(self.cashier.post(f"/v1/receipts/{receipt}/ignore", {}), 422, "invalid", "reason")
        self.refused(self.cashier.post(f"/v1/receipts/{receipt}/ignore", {"reason": ""}), 422, "invalid", "reason")
        row = self.cashier.post(f"/v1/receipts/{receipt}/ignore", {"reason": "не наш платёж"}).expect(200).json
        self.assertEqual(("ignored", "не наш платёж", []), (row["status"], row["reason"], row["payments"]))
        for action, body in (("ignore", {"reason": "again"}), ("match", {"account_id": self.one})):
            answer = self.cashier.post(f"/v1/receipts/{receipt}/{action}", body)
            self.refused(answer, 409, "conflict", "ignored already")
        self.refused(self.cashier.post("/v1/receipts/99999/ignore", {"reason": "x"}), 404, "not_found")

    def test_of_two_operators_one_wins(self):
        """And the receipt is credited once."""
        for _ in range(5):
            receipt = self.receipt()
            answers, barrier = [], threading.Barrier(2)

            def match(account_id):
                with self.server.client("cashier") as client:
                    barrier.wait()
                    answers.append(client.post(f"/v1/receipts/{receipt}/match", {"account_id": account_id}))

            threads = [threading.Thread(target=match, args=(each,), daemon=True) for each in (self.one, self.two)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            won, lost = sorted(answers, key=lambda answer: answer.status)
            self.assertEqual(200, won.status, won)
            self.refused(lost, 409, "conflict", "matched already")
            self.assertEqual(won.json, self.cashier.get(f"/v1/receipts/{receipt}").expect(200).json)
        self.audited()

    def test_an_altered_receipt_is_found(self):
        """Whoever goes behind the triggers: the amount, the payer, a payment's sum, a payment gone, one more of it."""
        for sql, found in (
                ("UPDATE receipt SET amount = amount + 1 WHERE receipt_id = {receipt}", "sum to 1000"),
                ("UPDATE receipt SET payer = 'another' WHERE receipt_id = {receipt}", "payer"),
                ("UPDATE receipt SET purpose = NULL WHERE receipt_id = {receipt}", "purpose"),
                ("UPDATE receipt SET received_at = '2026-11-01T09:00:00Z' WHERE receipt_id = {receipt}", "received_at"),
                ("UPDATE receipt SET account_text = {two} WHERE receipt_id = {receipt}", "account"),
                ("UPDATE receipt SET status = 'pending' WHERE receipt_id = {receipt}", "has payment"),
                ("UPDATE receipt SET external_id = 'other' WHERE receipt_id = {receipt}", "external_id"),
                ("UPDATE receipt SET source = 'bank' WHERE receipt_id = {receipt}", "method"),
                ("DELETE FROM receipt WHERE receipt_id = {receipt}", "no such receipt"),
                ("UPDATE payment SET amount = 1 WHERE payment_id = {payment}", "sum to 1"),
                ("UPDATE payment SET account_id = {two} WHERE payment_id = {payment}", "account"),
                ("UPDATE payment SET method = 'sbp' WHERE payment_id = {payment}", "method"),
                ("DELETE FROM payment WHERE payment_id = {payment}", "no payment"),
                ("DELETE FROM receipt_payment WHERE payment_id = {payment}", "sum to 0"),
                ("INSERT INTO payment(account_id, amount, method, external_id, credited_at, day)"
                 " SELECT account_id, amount, method, external_id || '#2', credited_at, day FROM payment"
                 " WHERE payment_id = {payment}", "is not its own")):
            with self.subTest(sql):
                server = self.fresh(*self.flags)
                operator, analyst = (self.client(server, role) for role in ("operator", "analyst"))
                operator.put("/v1/channels/qiwi", {"protocol": "osmp", "method": "qiwi"}).expect(201)
                one, two = (self.company(operator) for _ in range(2))
                receipt = put_receipt(operator, source="qiwi", external_id="1", amount=1000, payer="Анна",
                                      purpose="связь", account_text=str(one))
                payment = operator.get(f"/v1/receipts/{receipt}").expect(200).json["payments"][0]["payment_id"]
                self.assertEqual([], analyst.get("/v1/reports/audit_receipt").expect(200).json)
                connection = sqlite3.connect(server.database, isolation_level=None)
                connection.execute("PRAGMA foreign_keys = OFF")
                for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                    connection.execute(f'DROP TRIGGER "{name}"')
                connection.execute(sql.format(receipt=receipt, payment=payment, two=two))
                connection.close()
                rows = analyst.get("/v1/reports/audit_receipt").expect(200).json
                self.assertTrue(any(found in each["problem"] for each in rows), rows)


class Registry(ReceiptsCase):
    """What is in one and not in the other, or differs; the day is Moscow's."""

    def compare(self, text, **query):
        return self.cashier.post("/v1/channels/qiwi/registry", text.encode(), headers=TEXT,
                                 query=query or None).expect(200).json

    @staticmethod
    def row(txn_id, problem, registry=(None, None), here=(None, None)):
        return {"txn_id": txn_id, "problem": problem, "registry_account_id": registry[0],
                "registry_amount": registry[1], "account_id": here[0], "amount": here[1]}

    def test_compared(self):
        one, two = self.one, self.two
        for external_id, received_at, account_id, amount in (
                ("a1", "2026-10-31T20:59:59Z", one, 100), ("a2", "2026-10-31T21:00:00Z", one, 1045),
                ("a3", "2026-11-01T20:59:59Z", two, 1045), ("a4", "2026-11-01T21:00:00Z", two, 100),
                ("a5", "2026-11-01T12:00:00Z", two, 500), ("a6", "2026-11-01T12:00:00Z", two, 500),
                ("a7", "2026-11-01T12:00:00Z", two, 500), ("a8", "2026-11-01T12:00:00Z", one, 500)):
            self.receipt(external_id=external_id, received_at=received_at, account_text=str(account_id), amount=amount)
        lines = [f"a2\t01.11.2026\t00:00:00\t{one}\t10.45", f"a3\t01.11.2026\t23:59:59\t000{two}\t10,45",
                 f"a5\t01.11.2026\t15:00:00\t{one}\t5", f"a6\t01.11.2026\t15:00:00\t{two}\t5.01",
                 f"b1\t01.11.2026\t15:00:00\t{two}\t7", f"a8\t01.11.2026\t15:00:00\t{one}\t5.00",
                 f"a8\t01.11.2026\t15:00:00\t{one}\t5.00"]
        expected = [self.row("a5", "differs", (one, 500), (two, 500)),
                    self.row("a6", "differs", (two, 501), (two, 500)),
                    self.row("a7", "not in the registry", here=(two, 500)),
                    self.row("a8", "twice in the registry", (one, 500), (one, 500)),
                    self.row("a8", "twice in the registry", (one, 500), (one, 500)),
                    self.row("b1", "not here", (two, 700))]
        for end in ("\r\n", "\n", "\r"):
            for last in ("Total:\t7\t47.91", "Total:\t7\t47.91" + end, ""):
                with self.subTest(end=end, last=last):
                    self.assertEqual(expected, self.compare(end.join([*lines, last])))
        iso = [line.replace("01.11.2026", "2026-11-01") for line in lines]
        self.assertEqual(expected, self.compare("\n".join(iso)))
        self.assertEqual(expected, self.compare("\n".join(line.replace("01.11.2026", "20261101") for line in lines)))
        self.assertEqual([*expected, self.row(None, "the total is of 6 lines", (None, 4791), (None, 4791))],
                         self.compare("\n".join([*lines, "Total:\t6\t47.91"])))
        # Of a day without payments the lines tell none.
        self.assertEqual([], self.compare("Total:\t0\t0"))
        self.assertEqual([self.row("a4", "not in the registry", here=(two, 100))],
                         self.compare("Total:\t0\t0", day="2026-11-02"))

    def test_refused(self):
        for text in ("a1\t01.11.2026\t00:00:00\t1", "a1\t31.02.2026\t00:00:00\t1\t1.00",
                     "a1\t01.11.2026\t00:00:00\t1\t1e3", "\t01.11.2026\t00:00:00\t1\t1.00", "Total:\tmany\t1.00",
                     "Total:\t1", "hello", 'a"1', "a\\n1"):
            with self.subTest(text):
                answer = self.cashier.post("/v1/channels/qiwi/registry", text.encode(), headers=TEXT)
                self.refused(answer, 422, "invalid")
        text = b"a1\t01.11.2026\t00:00:00\t1\t1.00\nhello"
        self.refused(self.cashier.post("/v1/channels/qiwi/registry", text, headers=TEXT), 422, "invalid", "line 2 ")
        self.refused(self.cashier.post("/v1/channels/none/registry", b"", headers=TEXT), 404, "not_found")


if __name__ == "__main__":
    unittest.main()
