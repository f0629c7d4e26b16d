"""Payments and refunds by the acquiring of Sberbank, signed as its gateway does, and the gateway itself by a stand-in.

https://securepayments.sberbank.ru/wiki/doku.php/integration:api:callback:start

Seen to fail: orders that are not paid yet, or are another one, and are credited; totals of refunds that are taken for
refunds; RSA with SHA-256; a reversal that is forgotten before its deposit.
"""

import pathlib
import subprocess
import tempfile
import unittest
import urllib.parse
import uuid

from paying import AnyRefunds, AnySystem, PayCase, speaks
from pay_services import Sber, sber_checksum, sber_signed

# The example of the documentation.
PUBLISHED = {"amount": "123456", "mdOrder": "3ff6962a-7dcc-4283-ab50-a6d7dd3386fe", "operation": "deposited",
             "orderNumber": "10747", "status": "1"}
PUBLISHED_CHECKSUM = "51C892147225ABE87798CB02979D70EF46D0AE79B5AA3B28B1C260BE286C50A9"


def callback(md_order, operation="deposited", order_number="1", **more):
    """The fields of a callback, but for checksum; those of None are left out."""
    fields = {"mdOrder": md_order, "orderNumber": str(order_number), "operation": operation, "status": "1", **more}
    return {name: str(value) for name, value in fields.items() if value is not None}


class SberCase(PayCase):
    channels = {"sber": speaks("sber", "bank_card"), "sber_rsa": speaks("sber", "bank_card"),
                "sber_alone": speaks("sber", "bank_card"), "sber_twin": speaks("sber", "sbp"),
                "sber_bare": speaks("sber", "bank_card")}

    @classmethod
    def setUpClass(cls):
        cls.gateway = Sber()
        cls.addClassCleanup(cls.gateway.stop)
        folder = tempfile.TemporaryDirectory(prefix="saldo-rsa-")
        cls.addClassCleanup(folder.cleanup)
        cls.key, certificate = pathlib.Path(folder.name) / "key.pem", pathlib.Path(folder.name) / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gateway", "-keyout",
                        cls.key, "-out", certificate], check=True, capture_output=True)
        cls.certificate = certificate.read_text(encoding="ascii")
        super().setUpClass()

    @classmethod
    def secrets_of_channels(cls):
        return {"sber": cls.gateway.secrets, "sber_twin": cls.gateway.secrets,
                "sber_alone": {"token": Sber.token}, "sber_bare": {},
                "sber_rsa": {"certificate": cls.certificate, "user": Sber.user, "password": Sber.password,
                             "api": cls.gateway.url}}

    def tell(self, fields, channel="sber", method="GET", checksum=None, **options):
        sent = {**fields, "checksum": checksum if checksum is not None else sber_checksum(fields, Sber.token)}
        target = f"/pay/sber/{channel}"
        if method == "GET":
            return self.send(f"{target}?{urllib.parse.urlencode(sent)}", method="GET", **options)
        return self.send(target, sent, **options)

    def taken(self, answer):
        return answer.status == 200


class SberPayments(AnySystem, SberCase):
    """Callbacks that come with sums."""

    channel = "sber"
    twin = "sber_twin"

    def pay(self, external_id, account, amount, channel="sber", **options):
        return self.tell(callback(external_id, order_number=account, amount=amount), channel, **options)

    def test_the_published_example(self):
        self.assertEqual(PUBLISHED_CHECKSUM, sber_checksum(PUBLISHED, Sber.token))
        with self.nothing_changes():
            for name, value in PUBLISHED.items():
                self.no(self.tell({**PUBLISHED, name: f"{value}0"}, checksum=PUBLISHED_CHECKSUM))
                self.no(self.tell({each: PUBLISHED[each] for each in PUBLISHED if each != name},
                                  checksum=PUBLISHED_CHECKSUM))
            for wrong in ("", "x", PUBLISHED_CHECKSUM[:-1], sber_checksum(PUBLISHED, "an old token")):
                self.assertEqual(403, self.no(self.tell(PUBLISHED, checksum=wrong)).status)
            self.no(self.tell(PUBLISHED, "sber_bare", checksum=sber_checksum(PUBLISHED, "")))
            self.no(self.send(f"/pay/sber/sber?{urllib.parse.urlencode(PUBLISHED)}", method="GET"))
        self.yes(self.tell(PUBLISHED, checksum=PUBLISHED_CHECKSUM))
        self.yes(self.tell({**PUBLISHED, "sign_alias": "SHA-256 with RSA"}, method="POST", checksum=PUBLISHED_CHECKSUM))
        self.assertEqual(("pending", 123456, 0), self.receipt("sber", PUBLISHED["mdOrder"]))
        self.assertEqual([], self.gateway.requests)

    def test_rsa(self):
        account, md_order = self.company_in("active"), str(uuid.uuid4())
        fields = callback(md_order, order_number=account, amount=4200)
        signature = subprocess.run(["openssl", "dgst", "-sha512", "-sign", self.key], input=sber_signed(fields),
                                   check=True, capture_output=True).stdout.hex()
        other = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=sber_signed(fields), check=True,
                               capture_output=True).stdout.hex()
        with self.nothing_changes():
            for wrong in ("", "00", signature[:-2] + "00", other, sber_checksum(fields, Sber.token), "Ёж"):
                self.no(self.tell(fields, "sber_rsa", checksum=wrong))
            self.no(self.tell({**fields, "amount": "4201"}, "sber_rsa", checksum=signature))
        # Whatever the gateway calls its algorithm.
        for alias in ("SHA-256 with RSA", "SHA-512 with RSA", ""):
            self.yes(self.tell({**fields, "sign_alias": alias}, "sber_rsa", checksum=signature.upper()))
        self.assertEqual([4200], self.amounts(account))

    def test_operations(self):
        account = self.company_in("active")
        with self.nothing_changes():
            for operation in ("approved", "declinedByTimeout", "declinedCardpresent", "bindingCreated", ""):
                self.yes(self.tell(callback(str(uuid.uuid4()), operation, account, amount=100)))
            self.yes(self.tell(callback(str(uuid.uuid4()), "reversed", account)))
            for status in ("0", "", None, "2"):
                self.yes(self.tell(callback(str(uuid.uuid4()), "deposited", account, amount=100, status=status)))
            for md_order in ("", None, "x" * 65):
                self.no(self.tell(callback(md_order, "deposited", account, amount=100)))
        md_order = str(uuid.uuid4())
        self.yes(self.pay(md_order, account, 1000))
        for _ in range(2):
            self.yes(self.tell(callback(md_order, "reversed", account, amount=1000)))
        self.assertEqual([-1000], self.returned(account))

    def test_reversed_before_it_is_deposited(self):
        account, md_order = self.company_in("active"), str(uuid.uuid4())
        for _ in range(2):
            self.yes(self.tell(callback(md_order, "reversed", account, amount=1000)))
            self.assertEqual(("ignored", 1000, 0), self.receipt("sber", md_order))
        with self.nothing_changes():
            self.yes(self.pay(md_order, account, 1000))
            self.yes(self.tell(callback(md_order, "reversed", account, amount=1000)))
            for amount in ("x", "0", "-1", "1000000000000001", "9" * 30):
                self.yes(self.tell(callback(str(uuid.uuid4()), "reversed", account, amount=amount)))
        self.assertEqual([], self.payments(account))

    def test_sums(self):
        with self.nothing_changes():
            for text in ("0", "10.5", "10,45", "1e3", "-1", " 1", "", "9" * 17, "9" * 40, "1000000000000001"):
                self.no(self.pay(self.next_id(), self.company_in("active"), text))
            self.no(self.tell(callback(self.next_id(), order_number=self.company_in("active"), amount=100,
                                       currency=840)))
        account = self.company_in("active")
        self.yes(self.tell(callback(self.next_id(), order_number=f"{account}-7", amount=10, currency=643)))
        self.assertEqual([10], self.amounts(account))

    def test_refunds_where_nobody_can_be_asked(self):
        account, md_order = self.company_in("active"), self.next_id()
        refund = callback(md_order, "refunded", account, amount=300)
        with self.nothing_changes():
            self.no(self.tell(refund, "sber_alone"))
        self.yes(self.pay(md_order, account, 1000, channel="sber_alone"))
        for _ in range(2):
            self.yes(self.tell(refund, "sber_alone"))
        self.yes(self.tell(callback(md_order, "refunded", account, amount=800), "sber_alone"))
        self.assertEqual([-300, -700], self.returned(account))
        self.logged(md_order, "were left of the payment")


class SberAsked(AnySystem, AnyRefunds, SberCase):
    """Callbacks without sums: the gateway is asked."""

    channel = "sber"
    twin = "sber_twin"

    def setUp(self):
        super().setUp()
        self.gateway.behave = None
        self.gateway.requests.clear()

    def order(self, md_order, account, amount, **more):
        made = self.gateway.order(str(account), amount, **more)
        order = self.gateway.orders[md_order] = self.gateway.orders.pop(made)
        order["attributes"][0]["value"] = md_order
        return order

    def pay(self, external_id, account, amount, channel="sber", **options):
        before = self.gateway.orders.get(external_id)
        if before is None or before["amount"] != amount or before["orderNumber"] != str(account):
            self.order(external_id, account, amount)
        return self.tell(callback(external_id, order_number=account), channel, **options)

    def refund(self, external_id, _refund_id, _amount, total):
        if external_id in self.gateway.orders:
            order = self.gateway.orders[external_id]
            order["orderStatus"], order["paymentAmountInfo"]["refundedAmount"] = 4, total
        else:
            self.order(external_id, 1, 10**6, refunded=total)
        return self.tell(callback(external_id, "refunded", self.gateway.orders[external_id]["orderNumber"]))

    def test_what_is_asked(self):
        account, md_order = self.company_in("active"), self.next_id()
        self.yes(self.pay(md_order, account, 1000))
        [request] = self.gateway.requests
        self.assertEqual(("POST", "/payment/rest/getOrderStatusExtended.do"), (request.method, request.path))
        self.assertEqual({"userName": Sber.user, "password": Sber.password, "orderId": md_order},
                         dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True)))
        self.gateway.requests.clear()
        with self.nothing_changes():
            self.no(self.tell(callback(md_order), checksum="x"))
            self.yes(self.tell(callback(md_order, "approved")))
        self.assertEqual([], self.gateway.requests)

    def test_of_two_stages(self):
        account, md_order = self.company_in("active"), self.next_id()
        self.order(md_order, account, 1000, deposited=800)
        self.yes(self.tell(callback(md_order, order_number=account)))
        self.assertEqual([800], self.amounts(account))

    def test_what_the_gateway_does_not_confirm(self):
        account = self.company_in("active")
        with self.nothing_changes():
            for altered in ({"status": 0}, {"status": 1}, {"status": 3}, {"status": 6}, {"currency": "840"},
                            {"deposited": 0}):
                md_order = self.next_id()
                self.order(md_order, account, 1000, **altered)
                self.no(self.tell(callback(md_order, order_number=account)))
            md_order = self.next_id()
            self.order(md_order, f"{account}-1", 1000)
            self.no(self.tell(callback(md_order, order_number=account)))
            self.assertEqual(404, self.no(self.tell(callback(self.next_id(), order_number=account))).status)
            self.order(md_order, account, 1000)
            for behave in ("garbage", "empty", "redirect", "huge", "cut", 401, 404, 500):
                self.gateway.behave = behave
                answer = self.no(self.tell(callback(md_order, order_number=account)))
                self.assertEqual(503, answer.status, behave)
            self.gateway.behave = None
            self.gateway.down()
            self.assertEqual(503, self.no(self.tell(callback(md_order, order_number=account))).status)
            self.gateway.up()
        self.yes(self.tell(callback(md_order, order_number=account)))
        self.assertEqual([1000], self.amounts(account))

    def test_equal_parts(self):
        account, md_order = self.company_in("active"), self.next_id()
        self.yes(self.pay(md_order, account, 1000))
        for total in (250, 500, 500, 750):
            self.yes(self.refund(md_order, "", 250, total))
        self.assertEqual([-250] * 3, self.returned(account))

    def test_paid_and_refunded_before_the_first_callback(self):
        account, md_order = self.company_in("active"), self.next_id()
        self.order(md_order, account, 1000, deposited=700, refunded=300)
        self.yes(self.tell(callback(md_order, order_number=account)))
        self.yes(self.tell(callback(md_order, "refunded", account)))
        self.assertEqual(([1000], [-300]), (self.amounts(account), self.returned(account)))
        # Of two stages: 800 of 1000 were deposited.
        account, md_order = self.company_in("active"), self.next_id()
        self.order(md_order, account, 1000, deposited=500, refunded=300)
        self.yes(self.tell(callback(md_order, order_number=account)))
        self.assertEqual([800], self.amounts(account))


if __name__ == "__main__":
    unittest.main()
