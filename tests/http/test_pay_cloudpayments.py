"""Payments and refunds by CloudPayments, signed as it does.

https://developers.cloudpayments.ru/#uvedomleniya

Seen to fail: money that is only held, or only checked, and is credited; a signature in hexadecimal;
a Check or Fail without a kind that is credited; an unknown kind that is answered 0.
"""

import base64
import hashlib
import hmac
import json
import unittest
import urllib.parse

from paying import SUMS, AnyRefunds, AnySystem, PayCase, speaks

SECRET = "0123456789abcdef0123456789abcdef"


def payment(number, account, amount, **altered):
    fields = {"TransactionId": number, "Amount": amount, "Currency": "RUB", "PaymentAmount": amount,
              "PaymentCurrency": "RUB", "DateTime": "2026-11-02 08:58:01", "CardFirstSix": "411111",
              "CardLastFour": "1111", "CardType": "Visa", "CardExpDate": "05/30", "TestMode": "0",
              "Status": "Completed", "OperationType": "Payment", "GatewayName": "Tinkoff", "InvoiceId": "",
              "AccountId": str(account), "Name": "ANNA", "Email": "anna@romashka.example", "Description": "Счёт & ко",
              "AuthCode": "A1B2C3", **altered}
    return {name: value for name, value in fields.items() if value is not None}


def refund(number, payment_id, amount, **altered):
    return {"TransactionId": number, "PaymentTransactionId": payment_id, "Amount": amount,
            "DateTime": "2026-11-02 08:59:01", "OperationType": "Refund", "InvoiceId": "", "AccountId": "1", **altered}


def content_hmac(body, secret=SECRET):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class CloudPayments(AnySystem, AnyRefunds, PayCase):
    channel = "cloud"
    twin = "cloud_test"
    channels = {"cloud": speaks("cloudpayments", "bank_card"), "cloud_test": speaks("cloudpayments", "bank_card"),
                "cloud_bare": speaks("cloudpayments", "bank_card")}

    @classmethod
    def secrets_of_channels(cls):
        return {"cloud": {"secret": SECRET}, "cloud_test": {"secret": SECRET, "allow_test": True}, "cloud_bare": {}}

    def tell(self, fields, kind="pay", channel="cloud", form=True, headers=None, **options):
        body = fields
        if not isinstance(body, bytes):
            body = urllib.parse.urlencode(fields).encode() if form else json.dumps(fields).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
                **({"Content-HMAC": content_hmac(body)} if headers is None else headers)}
        query = f"?kind={kind}" if kind else ""
        return self.send(f"/pay/cloudpayments/{channel}{query}", body, headers=sent, **options)

    def pay(self, external_id, account, amount, channel="cloud", **options):
        return self.tell(payment(external_id, account, f"{amount // 100}.{amount % 100:02}"), channel=channel,
                         **options)

    def refund(self, external_id, refund_id, amount, total):
        del total
        return self.tell(refund(refund_id, external_id, f"{amount // 100}.{amount % 100:02}"), "refund")

    def taken(self, answer):
        return answer.status == 200 and answer.json == {"code": 0}

    def code(self, answer):
        self.assertEqual(200, answer.status, answer)
        return answer.json["code"]

    def test_check(self):
        account = self.company_in("active")
        self.operator.put("/v1/channels/cloud_test", {"protocol": "cloudpayments", "method": "bank_card",
                                                      "min_amount": 1000, "max_amount": 5000}).expect(200)
        with self.nothing_changes():
            for status in ("trial", "active", "paused"):
                self.assertEqual(0, self.code(self.tell(payment("1", self.company_in(status), "10.00"), "check")))
            for other in (self.company_in("closed"), 987654321, "", "x", "1.5"):
                self.assertEqual(11, self.code(self.tell(payment("1", other, "10.00"), "check")), other)
            for amount, code in (("9.99", 12), ("10.00", 0), ("50.00", 0), ("50.01", 12)):
                answer = self.tell(payment("1", account, amount), "check", "cloud_test")
                self.assertEqual(code, self.code(answer), amount)
            self.assertEqual(12, self.code(self.tell(payment("1", account, "10.00", Currency="USD"), "check")))
            self.assertEqual(13, self.code(self.tell(payment("1", account, "10.00"), "check", headers={})))
        self.operator.put("/v1/channels/cloud_test", {"protocol": "cloudpayments", "method": "bank_card",
                                                      "disabled": 1}).expect(200)
        with self.nothing_changes():
            self.assertEqual(13, self.code(self.tell(payment("1", account, "10.00"), "check", "cloud_test")))
        self.operator.put("/v1/channels/cloud_test", {"protocol": "cloudpayments", "method": "bank_card",
                                                      "disabled": 0}).expect(200)

    def test_forms_and_json(self):
        for form in (True, False):
            for kind in ("pay", "confirm", None):
                account, number = self.company_in("active"), self.next_id()
                fields = payment(number, account, "10.50")
                if not form:
                    fields.update(TransactionId=int(number), Amount=10.5, AccountId=account, TestMode=False)
                self.yes(self.tell(fields, kind, form=form))
                self.assertEqual([(1050, "2026-11-02T08:58:01Z", "ANNA", "Счёт & ко")], self.rows(
                    "SELECT amount, received_at, payer, purpose FROM payment WHERE account_id = ?", account))
                back = refund(self.next_id(), number, "0.50")
                self.yes(self.tell(back, "refund" if kind else None, form=form))
                self.assertEqual([-50], self.returned(account))
        account = self.company_in("active")
        body = f'{{"TransactionId":{self.next_id()},"Amount":10.450,"Currency":"RUB","AccountId":"{account}"}}'.encode()
        self.yes(self.tell(body, form=False))
        self.assertEqual([1045], self.amounts(account))

    def test_kinds(self):
        account = self.company_in("active")
        for kind in ("Pay", "PAY", "Confirm"):
            self.yes(self.tell(payment(self.next_id(), account, "1.00"), kind))
        self.assertEqual([100] * 3, self.amounts(account))
        with self.nothing_changes():
            for kind in ("payment", "payd", "receipt", "", "kassa"):
                number = self.next_id()
                self.assertEqual(13, self.code(self.tell(payment(number, account, "10.00"), kind or "%20")), kind)
                self.logged(number, "its kind")
            for kind in ("fail", "Fail", "CANCEL", "recurrent"):
                self.yes(self.tell(payment(self.next_id(), account, "10.00"), kind))

    def test_without_a_kind_nothing_but_a_payment_is_one(self):
        account = self.company_in("active")
        fail = {"Status": None, "AuthCode": None, "Reason": "InsufficientFunds", "ReasonCode": "5051"}
        with self.nothing_changes():
            for altered in ({"AuthCode": None, "GatewayName": None}, {"AuthCode": "", "GatewayName": ""},  # Check
                            fail, {**fail, "Status": "Completed", "AuthCode": "A1B2C3"}, {"Status": None}):
                number = self.next_id()
                self.assertEqual(13, self.code(self.tell(payment(number, account, "10.00", **altered), None)), altered)
                self.logged(number, "without a kind")
            self.yes(self.tell(payment(self.next_id(), account, "10.00", Status="Authorized"), None))

    def test_texts_that_are_no_utf8_refuse_no_money(self):
        account, number = self.company_in("active"), self.next_id()
        body = json.dumps({**payment(number, account, "10.00"), "Name": "?", "Description": "a?b"}).encode()
        self.yes(self.tell(body.replace(b'"?"', b'"\xff"').replace(b"a?b", b"a\xd0b"), form=False))
        self.assertEqual([(1000, "\ufffd", "a\ufffdb")], self.rows(
            "SELECT amount, payer, purpose FROM payment WHERE account_id = ?", account))
        [(raw,)] = self.rows("SELECT raw FROM receipt WHERE external_id = ?", number)
        self.assertIn('"\ufffd"', raw)

    def test_books_of_another_currency(self):
        server = self.fresh(*self.flags)
        operator = self.client(server, "operator")
        operator.put("/v1/policy", {"valid_from": operator.get("/v1/policy").json["valid_from"],
                                    "currency": "KZT"}).expect(200)
        self.make_channels(operator)
        account = self.company(self.client(server, "admin"))
        sender, own = self.sender, self.client(server, None, now=self.now, checked=False)
        self.addCleanup(setattr, self, "sender", sender)
        self.sender = own
        number = self.next_id()
        self.no(self.tell(payment(number, account, "10.00")))
        self.yes(self.tell(payment(number, account, "10.00", Currency="KZT", PaymentCurrency="KZT")))
        self.yes(self.tell(refund(self.next_id(), number, "4.00"), "refund"))
        admin = self.client(server, "admin")
        self.assertEqual([("refund", -400)], [(kind, amount) for kind, _, amount in self.adjustments(account, admin)])

    def test_signatures(self):
        account, number = self.company_in("active"), self.next_id()
        fields = payment(number, account, "10.00")
        body = urllib.parse.urlencode(fields).encode()
        with self.nothing_changes():
            for headers in ({}, {"Content-HMAC": ""}, {"Content-HMAC": content_hmac(body).lower()},
                            {"Content-HMAC": content_hmac(body, "an old secret")},
                            {"Content-HMAC": content_hmac(body + b"&")},
                            {"Content-HMAC": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}):
                self.assertEqual(13, self.code(self.no(self.tell(fields, headers=headers))))
            self.no(self.tell(fields, channel="cloud_bare", headers={"Content-HMAC": content_hmac(body, "")}))
            for wrong in (b"", b"{", b"[]", b"null", b"\xff\x00", b"%", b"TransactionId=%00&Amount=1"):
                self.no(self.tell(wrong))
        self.yes(self.tell(fields, headers={"X-Content-HMAC": content_hmac(body)}))
        self.yes(self.tell(fields, headers={"Content-HMAC": content_hmac(body), "X-Content-HMAC": "of the decoded"}))

    def test_sums(self):
        # Zeros behind the kopecks are no other sum.
        for text, kopecks in {**SUMS, "10.450": 1045, "10.": 1000, "10.455": None}.items():
            account, number = self.company_in("active"), self.next_id()
            with self.subTest(text):
                answer = self.tell(payment(number, account, text))
                self.assertEqual(kopecks is not None, self.taken(answer), answer)
                self.assertEqual([kopecks] if kopecks else [], self.amounts(account))

    def test_what_is_no_money_of_the_books(self):
        account = self.company_in("active")
        with self.nothing_changes():
            for kind, fields in (("pay", payment(self.next_id(), account, "10.00", Status="Authorized")),
                                 ("pay", payment(self.next_id(), account, "10.00", TestMode="1")),
                                 ("fail", payment(self.next_id(), account, "10.00", Reason="InsufficientFunds")),
                                 ("cancel", payment(self.next_id(), account, "10.00")),
                                 ("recurrent", {"Id": "sc_1", "AccountId": str(account), "Amount": "10.00"})):
                self.yes(self.tell(fields, kind))
            for altered in ({"Currency": "USD"}, {"TransactionId": None}, {"TransactionId": ""}):
                self.no(self.tell(payment(self.next_id(), account, "10.00") | altered if None not in altered.values()
                                  else payment(None, account, "10.00")))
            self.no(self.tell(refund(self.next_id(), "", "10.00"), "refund"))
        number = self.next_id()
        self.yes(self.tell(payment(number, account, "10.00", Status="Authorized")))
        self.yes(self.tell(payment(number, account, "8.00"), "confirm"))
        self.yes(self.tell(payment(self.next_id(), account, "1.00", TestMode="1"), channel="cloud_test"))
        self.assertEqual([800, 100], self.amounts(account))


if __name__ == "__main__":
    unittest.main()
