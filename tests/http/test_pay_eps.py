"""Sberbank's terminals by EPS, dialect 1: the published samples and every code of the protocol.

Seen to fail: a duplicate answered by CODE 0 again.
"""

import unittest

from payments import PASSWORD, USER, PaymentsCase
from server import NOW, TODAY, wait_for

PATH = "/pay/eps/sberbank"


class Eps(PaymentsCase):
    channels = {"sberbank": {"protocol": "eps", "method": "bank_card"},
                "limited": {"protocol": "eps", "method": "bank_card", "min_amount": 1000, "max_amount": 5000},
                "qiwi": {"protocol": "osmp", "method": "qiwi"}}
    secrets = {name: {"user": USER, "password": PASSWORD} for name in ("sberbank", "limited", "qiwi", "nowhere")}

    def setUp(self):
        self.bank = self.payer(PATH)
        self.account = self.company(name="ООО «Ромашка & К°»")
        self.pay_id = f"{self.account}77"

    def pay(self, bank=None, **fields):
        return (bank or self.bank).ask(**{"ACTION": "payment", "ACCOUNT": self.account, "AMOUNT": "10.45",
                                          "PAY_ID": self.pay_id, "PAY_DATE": "02.11.2026_11:59:33"} | fields)

    def code(self, answer, code, status=200):
        self.assertEqual((status, str(code)), (answer.status, answer.fields.get("CODE")), answer)
        self.assertEqual("application/xml", answer.headers["Content-Type"], answer)
        self.assertTrue(answer.fields["MESSAGE"])
        return answer.fields

    def test_the_published_samples(self):
        fields = self.code(self.bank.ask(ACTION="check", ACCOUNT=self.account), 0)
        self.assertEqual({"CODE", "MESSAGE", "FIO"}, set(fields))
        self.assertEqual("ООО «Ромашка & К°»", fields["FIO"])
        self.assertEqual([], self.payments(self.account))
        answer = self.bank.request(query=f"ACTION=payment&ACCOUNT={self.account}&AMOUNT=10.45&PAY_ID=1&"
                                         "PAY_DATE=15.10.2026_12:01:33")
        fields = self.code(answer, 0)
        self.assertEqual(["CODE", "MESSAGE", "EXT_ID", "REG_DATE", "AMOUNT"], list(fields))
        # Noon in Moscow.
        self.assertEqual(("02.11.2026_12:00:00", "10.45"), (fields["REG_DATE"], fields["AMOUNT"]))
        self.assertRegex(fields["EXT_ID"], r"^\d+$")
        self.assertEqual([("bank_card", "sberbank:1", 1045)], self.payments(self.account))
        self.assertEqual([["2026-10-15T09:01:33Z", NOW, TODAY]], self.sql(
            "SELECT received_at, credited_at, day FROM payment WHERE account_id = ?", self.account))

    def test_a_duplicate(self):
        first = self.code(self.pay(), 0)
        again = self.pay(now_is_later := self.payer(PATH, now="2026-11-02T10:00:00Z"))
        fields = self.code(again, 8)
        for name in ("EXT_ID", "REG_DATE", "AMOUNT"):
            self.assertEqual(first[name], fields[name])
        for sent in ({}, {"AMOUNT": "10,45"}, {"ACCOUNT": f"00{self.account}"}, {"PAY_DATE": "03.11.2026_00:00:00"}):
            with self.subTest(sent):
                self.assertEqual(again.body, self.pay(now_is_later, **sent).body)
        self.assertEqual([("bank_card", f"sberbank:{self.pay_id}", 1045)], self.payments(self.account))

    def test_the_same_identifier_for_something_else(self):
        other = self.company()
        self.code(self.pay(), 0)
        before = self.server.metric("saldo_pay_conflicts_total")
        for sent in ({"AMOUNT": "10.46"}, {"ACCOUNT": other}, {"ACCOUNT": "no"}):
            with self.subTest(sent):
                fields = self.code(self.pay(**sent), 300)
                self.assertNotIn("EXT_ID", fields)
        self.assertEqual(before + 3, self.server.metric("saldo_pay_conflicts_total"))
        self.assertTrue(wait_for(lambda: self.server.log().count(f"PAY_ID {self.pay_id} came again") == 3))
        self.assertEqual((1, 0), (len(self.payments(self.account)), len(self.payments(other))))

    def test_codes(self):
        closed, paused = self.customer(), self.customer()
        self.admin.post(f"/v1/accounts/{closed}/close", {}).expect(200)
        self.admin.post(f"/v1/accounts/{paused}/pause", {}).expect(200)
        limited = self.payer("/pay/eps/limited")
        for sent, code in (({"ACTION": "refund"}, 2), ({"ACTION": ""}, 2), ({"ACTION": "CHECK"}, 2),
                           ({"ACCOUNT": "99999999"}, 3), ({"ACCOUNT": "9" * 40}, 3), ({"ACCOUNT": closed}, 3),
                           ({"ACCOUNT": ""}, 4), ({"ACCOUNT": "12a"}, 4), ({"ACCOUNT": " 1"}, 4),
                           ({"PAY_ID": ""}, 6), ({"PAY_ID": "a" * 65}, 6), ({"PAY_ID": "a b"}, 6),
                           ({"PAY_ID": "№"}, 6)):
            with self.subTest(sent):
                self.code(self.pay(**sent), code)
        for action in ("check", "payment"):
            for sent, code in (("10.450", 9), ("1e3", 9), ("-1", 9), (" 1", 9), ("1" + "0" * 13, 9), ("", 9),
                               ("9.99", 10),
                               ("0", 10), ("50.01", 11), ("50", 0)):
                with self.subTest(action=action, sum=sent):
                    self.code(self.pay(limited, ACTION=action, AMOUNT=sent, PAY_ID=f"l{self.account}"), code)
        with self.subTest("disabled"):
            self.operator.put("/v1/channels/limited", {**self.channels["limited"], "disabled": 1}).expect(200)
            self.code(self.pay(limited, AMOUNT="20", PAY_ID="new"), 300)
            self.code(self.pay(limited, AMOUNT="50", PAY_ID=f"l{self.account}"), 8)
            self.operator.put("/v1/channels/limited", {**self.channels["limited"], "disabled": 0}).expect(200)
        with self.subTest("paused"):
            self.code(self.pay(ACCOUNT=paused), 0)
        self.assertEqual(([], 1), (self.payments(closed), len(self.payments(paused))))

    def test_sums(self):
        for number, (sent, amount, shown) in enumerate((("10", 1000, "10.00"), ("10.5", 1050, "10.50"),
                                                        ("10,45", 1045, "10.45"), ("0.01", 1, "0.01"))):
            with self.subTest(sent):
                fields = self.code(self.pay(AMOUNT=sent, PAY_ID=f"{self.pay_id}-{number}"), 0)
                self.assertEqual(shown, fields["AMOUNT"])
                self.assertEqual(("bank_card", f"sberbank:{self.pay_id}-{number}", amount),
                                 self.payments(self.account)[-1])

    def test_dates_never_refuse_money(self):
        for number, (sent, received_at) in enumerate((
                ("02.11.2026_11:59:33", "2026-11-02T08:59:33Z"), ("02.11.2026_13:00:00", NOW),
                ("31.02.2026_10:00:00", NOW), ("02.11.2026", NOW),
                ("2026-11-02T08:00:00Z", NOW), ("", NOW), ("'", NOW))):
            with self.subTest(sent):
                self.code(self.pay(PAY_DATE=sent, PAY_ID=f"{self.pay_id}.{number}"), 0)
                self.assertEqual([[received_at]], self.sql("SELECT received_at FROM payment WHERE external_id = ?",
                                                           f"sberbank:{self.pay_id}.{number}"))

    def test_wrong_passwords_and_channels(self):
        for path, options, status in ((PATH, {"password": "x"}, 401), (PATH, {"user": None}, 401),
                                      ("/pay/eps/none", {}, 401), ("/pay/eps/nowhere", {}, 404),
                                      ("/pay/eps/qiwi", {}, 404)):
            with self.subTest(path, **options):
                self.code(self.pay(self.payer(path, **options)), 1, status)
        self.assertEqual([], self.payments(self.account))


if __name__ == "__main__":
    unittest.main()
