"""Starting a payment by YooKassa and T-Bank, whose services are stand-ins, and paying it or not.

Seen to fail: a key of chance for YooKassa; answers with another sum; one order of T-Bank for all; no fiscal receipt, or
one without an address; any text taken for a URL.
"""

import base64
import hashlib
import hmac
import json
import re
import unittest
import urllib.parse

from paying import PayCase, speaks
from pay_services import TBank, YooKassa, tbank_token
from server import NOW, TODAY

RECEIPT = {"vat_code": 12, "tax_system_code": 1}
# Another system's, as an operator drops it into the folder of --routes: its address is signed, and nobody is asked.
OWN = """-- POST /v1/accounts/{account_id}/checkouts
-- Start a payment by a payment system: the address to send the payer to.
-- role: crm
-- answer: one
-- protocol: tollgate
-- account_id: integer!
-- channel: text! One that takes payments this way
-- amount: integer! In minor units, within the channel's limits
-- return_url: text! Where the payer comes back to, of https or http

SELECT 'https://toll.example/' || :account_id || '/' || :amount || '/'
       || hmac_sha256(secret('key'), :account_id || ':' || :amount) || '?back=' || percent_encode(:return_url) AS url;

-- write

SELECT :url AS url;
"""
RETURN_URL = "https://crm.example/paid?invoice=1&a=%D0%B1"


class Checkouts(PayCase):
    channels = {"yookassa": speaks("yookassa", "bank_card"), "tbank": speaks("tbank", "sbp"),
                "yookassa_fiscal": speaks("yookassa", "bank_card"), "tbank_fiscal": speaks("tbank", "bank_card"),
                "bare": speaks("yookassa", "bank_card"), "wallet": speaks("yoomoney", "e_money"),
                "small": speaks("yookassa", "bank_card"), "toll": speaks("tollgate", "bank_card")}
    files = {"toll_checkout.sql": OWN}

    @classmethod
    def setUpClass(cls):
        cls.yookassa, cls.tbank = YooKassa(), TBank()
        cls.fiscal, cls.fiscal_tbank = YooKassa(receipts=True), TBank(receipts=True)
        for service in (cls.yookassa, cls.tbank, cls.fiscal, cls.fiscal_tbank):
            cls.addClassCleanup(service.stop)
        super().setUpClass()
        cls.operator.put("/v1/channels/small", {"protocol": "yookassa", "method": "bank_card", "min_amount": 1000,
                                                "max_amount": 5000}).expect(200)

    @classmethod
    def secrets_of_channels(cls):
        return {"yookassa": cls.yookassa.secrets, "tbank": cls.tbank.secrets, "small": cls.yookassa.secrets,
                "yookassa_fiscal": {**cls.fiscal.secrets, "receipt": RECEIPT},
                "tbank_fiscal": {**cls.fiscal_tbank.secrets, "receipt": RECEIPT}, "wallet": {"secret": "x"},
                "toll": {"key": "k"}}

    def setUp(self):
        super().setUp()
        for service in (self.yookassa, self.tbank, self.fiscal, self.fiscal_tbank):
            service.behave = None
            service.requests.clear()

    def checkout(self, account, channel="yookassa", amount=12345, client=None, key=None, query=None, **altered):
        body = {"channel": channel, "amount": amount, "return_url": RETURN_URL, **altered}
        return (client or self.crm).post(f"/v1/accounts/{account}/checkouts", body, key=key, query=query)

    def made_for(self, account):
        return [each for each in self.yookassa.payments.values() if each["metadata"]["account"] == str(account)]

    def test_yookassa(self):
        account = self.company_in("active")
        with self.nothing_changes():
            answer = self.checkout(account).expect(200)
            [payment] = self.made_for(account)
            self.assertEqual({"url": payment["confirmation"]["confirmation_url"]}, answer.json)
            self.assertEqual(
                ({"value": "123.45", "currency": "RUB"}, RETURN_URL, f"Пополнение лицевого счёта № {account}"),
                (payment["amount"], payment["confirmation"]["return_url"], payment["description"]))
            # Nobody has paid: what says so is not believed.
            told = self.yookassa.notification(payment, "payment.succeeded", status="succeeded", paid=True)
            self.assertEqual(503, self.send("/pay/yookassa/yookassa", told).status)
        told = self.yookassa.pay(payment["id"])
        self.assertEqual(200, self.send("/pay/yookassa/yookassa", told).status)
        self.assertEqual([("bank_card", f"yookassa:{payment['id']}", 12345)], self.payments(account))
        refund = self.yookassa.refund(payment["id"], "23.45")
        self.assertEqual(200, self.send("/pay/yookassa/yookassa", self.yookassa.notification(refund)).status)
        self.assertEqual([-2345], self.returned(account))

    def test_tbank(self):
        account = self.company_in("active")
        with self.nothing_changes():
            answer = self.checkout(account, "tbank").expect(200)
        [payment_id] = [number for number, each in self.tbank.payments.items()
                        if each["OrderId"].startswith(f"{account}-")]
        asked = self.tbank.payments[payment_id]
        self.assertEqual({"url": f"https://securepay.tinkoff.ru/new/{payment_id}"}, answer.json)
        self.assertEqual((12345, RETURN_URL, RETURN_URL, f"Пополнение лицевого счёта № {account}"),
                         (asked["Amount"], asked["SuccessURL"], asked["FailURL"], asked["Description"]))
        self.assertRegex(asked["OrderId"], rf"^{account}-[0-9a-f]{{19}}$")
        told = self.tbank.paid(payment_id)
        self.assertEqual("OK", self.send("/pay/tbank/tbank", told).text)
        self.assertEqual([("sbp", f"tbank:{payment_id}", 12345)], self.payments(account))

    def test_a_system_of_the_operators_own(self):
        account = self.company_in("active")
        signature = hmac.new(b"k", f"{account}:12345".encode(), hashlib.sha256).hexdigest()
        self.assertEqual({"url": f"https://toll.example/{account}/12345/{signature}?back="
                                 + urllib.parse.quote(RETURN_URL, safe="")},
                         self.checkout(account, "toll").expect(200).json)
        self.assertEqual([], self.yookassa.requests)
        self.refused(self.checkout(account, "wallet"), 422, "invalid", "tollgate", "tbank", "yookassa")

    def test_each_time_another(self):
        account = self.company_in("active")
        for channel in ("yookassa", "tbank"):
            self.assertNotEqual(self.checkout(account, channel).json, self.checkout(account, channel).json)

    def test_under_one_key(self):
        account = self.company_in("active")
        first = self.checkout(account, key="k1").expect(200)
        self.assertEqual(1, len(self.yookassa.requests))
        self.assertEqual(first.json, self.checkout(account, key="k1").expect(200).json)
        self.refused(self.checkout(account, key="k1", amount=1), 422, "invalid")
        self.assertEqual(1, len(self.yookassa.requests))
        self.assertNotEqual(first.json, self.checkout(account, key="k2").expect(200).json)
        # The service made it, and its answer was lost: the same payment, not another.
        self.yookassa.behave = "cut"
        self.refused(self.checkout(account, key="k3"), 503, "overloaded")
        self.yookassa.behave = None
        self.yookassa.requests.clear()
        again = self.checkout(account, key="k3").expect(200).json
        [request] = self.yookassa.requests
        self.assertIn(request.headers["Idempotence-Key"], self.yookassa.keys)
        made = self.made_for(account)
        self.assertEqual(3, len(made))
        self.assertEqual({"url": made[-1]["confirmation"]["confirmation_url"]}, again)

    def test_a_service_that_fails(self):
        account = self.company_in("active")
        for channel, service in (("yookassa", self.yookassa), ("tbank", self.tbank)):
            with self.nothing_changes():
                for behave in ("garbage", "empty", "redirect", "huge", "cut", 401, 500):
                    service.behave = behave
                    answer = self.checkout(account, channel)
                    self.refused(answer, 503, "overloaded")
                    self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d*$")
                service.down()
                self.refused(self.checkout(account, channel), 503, "overloaded")
                service.up()
                service.behave = None
                self.checkout(account, channel).expect(200)

    def test_a_service_that_lies(self):
        account = self.company_in("active")
        lies = {"yookassa": [{"id": "1", "status": "pending", "amount": {"value": "1.00", "currency": "RUB"},
                              "confirmation": {"confirmation_url": "https://yoomoney.ru/x"}},
                             {"id": "1", "status": "pending", "amount": {"value": "123.45", "currency": "RUB"}},
                             {"id": "1", "status": "pending", "amount": {"value": "123.45", "currency": "RUB"},
                              "confirmation": {"confirmation_url": "javascript:alert(1)"}}, [], "x", None, 7],
                "tbank": [{"Success": False, "ErrorCode": "7", "Amount": 12345, "PaymentURL": "https://x.example"},
                          {"Success": True, "Amount": 12344, "PaymentURL": "https://x.example"},
                          {"Success": True, "Amount": 12345},
                          {"Success": True, "Amount": 12345, "PaymentURL": "ftp://x"}]}
        for channel, service in (("yookassa", self.yookassa), ("tbank", self.tbank)):
            for lie in lies[channel]:
                service.answer = lambda _request, lie=lie: (200, lie)
                try:
                    self.refused(self.checkout(account, channel), 503, "overloaded")
                finally:
                    del service.answer

    def test_what_is_refused(self):
        account, closed = self.company_in("active"), self.company_in("closed")
        for answer, status, code, named in (
                (self.checkout(987654321), 404, "not_found", 987654321),
                (self.checkout(closed), 409, "conflict", "closed"),
                (self.checkout(account, "nobody"), 404, "not_found", "nobody"),
                (self.checkout(account, "wallet"), 422, "invalid", "yookassa"),
                (self.checkout(account, "bare"), 409, "conflict", "secrets"),
                (self.checkout(account, amount=0), 422, "out_of_range", "from 1 "),
                (self.checkout(account, amount=-5), 422, "out_of_range", "from 1 "),
                (self.checkout(account, amount=10**15 + 1), 422, "out_of_range", 10**15),
                (self.checkout(account, "small", 999), 422, "out_of_range", "from 1000 to 5000"),
                (self.checkout(account, "small", 5001), 422, "out_of_range", "from 1000 to 5000"),
                (self.checkout(account, amount="x"), 422, "invalid", "amount"),
                (self.checkout(account, "yookassa_fiscal"), 409, "conflict", "admin_email")):
            self.refused(answer, status, code, named)
        for url in ("", "crm.example", "/paid", "ftp://x.example/", "javascript:alert(1)", "https://", "https:///x",
                    "https://a b", "https://пример.рф/", "https://x.example/\n", "https://x.example/" + "x" * 2048,
                    " https://x.example"):
            self.refused(self.checkout(account, return_url=url), 422, "invalid", "return_url")
        for each in ({"channel": None}, {"return_url": None}):
            self.refused(self.checkout(account, **each), 422, "invalid", *each)
        self.refused(self.checkout(account, client=self.cashier), 403, "forbidden")
        self.refused(self.checkout(account, client=self.nobody), 401, "unauthorized")
        self.operator.put("/v1/channels/small", {"protocol": "yookassa", "method": "bank_card",
                                                 "disabled": 1}).expect(200)
        self.refused(self.checkout(account, "small", 2000), 409, "conflict", "disabled")
        self.operator.put("/v1/channels/small", {"protocol": "yookassa", "method": "bank_card", "min_amount": 1000,
                                                 "max_amount": 5000, "disabled": 0}).expect(200)
        self.assertEqual([], self.yookassa.requests)
        for amount in (1000, 5000):
            self.checkout(account, "small", amount).expect(200)
        self.checkout(account, client=self.operator).expect(200)
        self.checkout(account, return_url="http://localhost:3000").expect(200)

    def test_fiscal_receipts(self):
        account = self.company_in("active")
        self.crm.patch(f"/v1/accounts/{account}", {"admin_email": "anna@romashka.example"}).expect(200)
        self.checkout(account, "yookassa_fiscal").expect(200)
        receipt = json.loads(self.fiscal.requests[-1].body)["receipt"]
        self.assertEqual({"email": "anna@romashka.example"}, receipt["customer"])
        [item] = receipt["items"]
        self.assertEqual((12, 1, "123.45"), (item["vat_code"], receipt["tax_system_code"], item["amount"]["value"]))
        self.checkout(account, "tbank_fiscal").expect(200)
        asked = json.loads(self.fiscal_tbank.requests[-1].body)
        self.assertEqual(("vat122", "osn"), (asked["Receipt"]["Items"][0]["Tax"], asked["Receipt"]["Taxation"]))
        self.assertEqual(tbank_token(asked, TBank.password), asked["Token"])
        self.checkout(account, "yookassa").expect(200)
        self.assertNotIn("receipt", json.loads(self.yookassa.requests[-1].body))

    def test_no_secret_is_told(self):
        account = self.company_in("active")
        told = []
        for channel, service in (("yookassa", self.yookassa), ("tbank", self.tbank)):
            for behave in (None, "garbage", 500):
                service.behave = behave
                told.append(self.checkout(account, channel).text)
        told += [self.server.log(), self.nobody.get("/metrics").text]
        basic = base64.b64encode(f"{YooKassa.shop_id}:{YooKassa.secret_key}".encode()).decode()
        for secret in (YooKassa.secret_key, basic, TBank.password):
            for text in told:
                self.assertFalse(re.search(re.escape(secret), text))
            for suffix in ("", "-wal"):
                with open(f"{self.server.database}{suffix}", "rb") as file:
                    self.assertNotIn(secret.encode(), file.read())

    def test_a_dry_run_asks_nobody(self):
        for channel, service in (("yookassa", self.yookassa), ("tbank", self.tbank)):
            answer = self.checkout(self.company_in("active"), channel, query={"dry_run": "true"})
            self.refused(answer, 422, "invalid", "dry_run")
            self.assertEqual([], service.requests)

    def test_in_english(self):
        server = self.fresh(*self.flags)
        operator = self.client(server, "operator", now=NOW)
        operator.put("/v1/channels/yookassa", {"protocol": "yookassa", "method": "bank_card"}).expect(200, 201)
        operator.put("/v1/policy", {"valid_from": TODAY, "language": "en"}).expect(200, 201)
        account = self.company(operator)
        self.checkout(account, client=operator).expect(200)
        self.assertEqual(f"Top-up of account {account}", json.loads(self.yookassa.requests[-1].body)["description"])


if __name__ == "__main__":
    unittest.main()
