"""Payments and refunds by YooKassa: notifications that anybody can send, and the service that is asked, by a stand-in.

https://yookassa.ru/developers/using-api/webhooks, https://yookassa.ru/developers/api#get_payment

Seen to fail: a sum out of the notification; another payment than the one asked for; trials that are credited;
identifiers of any form in the address of the service; one payment credited on two channels of a shop.
"""

import json
import unittest
import urllib.parse

from paying import SUMS, AnyRefunds, AnySystem, PayCase, speaks
from pay_services import YooKassa
from server import NOW


class YooKassaCase(PayCase):
    channels = {"yookassa": speaks("yookassa", "bank_card"), "yookassa_test": speaks("yookassa", "e_money"),
                "yookassa_bare": speaks("yookassa", "bank_card"), "yookassa_wrong": speaks("yookassa", "bank_card"),
                "yookassa_nowhere": speaks("yookassa", "bank_card")}

    @classmethod
    def setUpClass(cls):
        cls.service, cls.stranger = YooKassa(), YooKassa()
        cls.addClassCleanup(cls.service.stop)
        cls.addClassCleanup(cls.stranger.stop)
        super().setUpClass()

    @classmethod
    def secrets_of_channels(cls):
        return {"yookassa": cls.service.secrets, "yookassa_test": {**cls.service.secrets, "allow_test": True},
                "yookassa_bare": {"api": cls.service.url},
                "yookassa_wrong": {**cls.service.secrets, "secret_key": "live_x"},
                "yookassa_nowhere": {**cls.service.secrets, "api": "http://example.com"}}

    def setUp(self):
        super().setUp()
        self.service.behave = None
        self.service.requests.clear()

    def tell(self, body, channel="yookassa", **options):
        return self.send(f"/pay/yookassa/{channel}", body, headers={"Content-Type": "application/json"}, **options)

    def payment(self, account, amount, **more):
        return self.service.payment(f"{amount // 100}.{amount % 100:02}", {"account": str(account)}, **more)

    def paid(self, account, amount, channel="yookassa", event=None, **more):
        """A payment that is told of: the answer and its id."""
        payment = self.payment(account, amount, **more)
        return self.tell(self.service.notification(payment, event), channel), payment["id"]

    def taken(self, answer):
        return answer.status == 200


class YooKassaPayments(AnySystem, AnyRefunds, YooKassaCase):
    channel = "yookassa"
    twin = "yookassa_test"

    def pay(self, external_id, account, amount, channel="yookassa", **options):
        payment = self.service.payments.get(external_id)
        if payment is None or payment["amount"]["value"] != f"{amount // 100}.{amount % 100:02}" \
                or payment["metadata"]["account"] != str(account):
            payment = self.payment(account, amount)
            del self.service.payments[payment["id"]]
            payment["id"] = external_id
            self.service.payments[external_id] = payment
        return self.tell(self.service.notification(payment), channel, **options)

    def refund(self, external_id, refund_id, amount, total):
        del total
        if refund_id not in self.service.refunds:
            made = self.service.refund(external_id, f"{amount // 100}.{amount % 100:02}")
            self.service.refunds[refund_id] = {**self.service.refunds.pop(made["id"]), "id": refund_id}
        return self.tell(self.service.notification(self.service.refunds[refund_id]))

    def test_what_is_recorded(self):
        account = self.company_in("active")
        answer, number = self.paid(account, 200, description="Пополнение № 1")
        self.yes(answer)
        [request] = self.service.requests
        self.assertEqual(("GET", f"/v3/payments/{number}", b""), (request.method, request.path, request.body))
        self.assertEqual(
            [(200, "bank_card", f"yookassa:{number}", "2026-11-02T08:59:30Z", NOW, "Bank card *4444",
              "Пополнение № 1")],
            self.rows("SELECT amount, method, external_id, received_at, credited_at, payer, purpose FROM payment "
                      "WHERE account_id = ?", account))
        [(raw,)] = self.rows("SELECT raw FROM receipt WHERE external_id = ?", number)
        self.assertEqual(self.service.payments[number], json.loads(raw))

    def test_all_facts_are_those_of_the_service(self):
        account, other = self.company_in("active"), self.company_in("active")
        payment = self.payment(account, 1000)
        told = self.service.notification(payment, amount={"value": "9999.00", "currency": "RUB"}, paid=True,
                                         metadata={"account": str(other)})
        self.yes(self.tell(told))
        self.assertEqual(([1000], []), (self.amounts(account), self.payments(other)))

    def test_a_payment_is_of_the_channel_that_started_it(self):
        account = self.company_in("active")
        for channel in ("yookassa", "yookassa_test"):
            payment = self.service.payment("10.00", {"account": str(account), "channel": channel})
            told = self.service.notification(payment)
            with self.nothing_changes():
                for other in {"yookassa", "yookassa_test"} - {channel}:
                    self.assertEqual(422, self.no(self.tell(told, other)).status)
            self.yes(self.tell(told, channel))
        self.assertEqual([1000, 1000], self.amounts(account))
        self.logged("it was started on another channel")

    def test_what_the_service_does_not_confirm(self):
        account = self.company_in("active")
        with self.nothing_changes():
            for status, paid in (("pending", False), ("waiting_for_capture", True), ("canceled", False),
                                 ("succeeded", False)):
                payment = self.payment(account, 1000, status=status, paid=paid)
                told = self.service.notification(payment, "payment.succeeded", status="succeeded", paid=True)
                answer = self.tell(told)
                self.assertEqual(200 if status == "canceled" else 503, answer.status, status)
            forged = self.stranger.payment("1000.00", {"account": str(account)})
            self.assertEqual(404, self.tell(self.stranger.notification(forged)).status)
            # A refund that is called a payment, and the other way round.
            refund = self.service.refund(self.payment(account, 1000)["id"], "1.00")
            self.no(self.tell(self.service.notification(refund, "payment.succeeded")))
            self.no(self.tell(self.service.notification(self.payment(account, 1000), "refund.succeeded")))
            # Another payment than the one that was asked for.
            payment = self.payment(account, 1000)
            self.service.payments["7"] = payment
            self.assertEqual(503, self.tell(self.service.notification(payment, id="7")).status)
            self.no(self.paid(account, 1000, currency="USD")[0])
            self.no(self.paid(account, 1000, channel="yookassa_wrong")[0])
            self.no(self.paid(account, 1000, channel="yookassa_bare")[0])
            self.no(self.paid(account, 1000, channel="yookassa_nowhere")[0])
        self.logged("does not confirm it")

    def test_a_service_that_fails(self):
        account = self.company_in("active")
        payment = self.payment(account, 1000)
        told = self.service.notification(payment)
        self.service.elsewhere = f"{self.stranger.url}/v3/payments/{payment['id']}"
        self.stranger.payments[payment["id"]] = payment
        self.stranger.requests.clear()
        with self.nothing_changes():
            for behave in ("garbage", "empty", "redirect", "huge", "cut", "slow", 401, 429, 500, 503):
                self.service.behave = behave
                self.assertEqual(503, self.no(self.tell(told)).status, behave)
            self.service.behave = None
            self.service.down()
            self.assertEqual(503, self.no(self.tell(told)).status)
            self.service.up()
        self.assertEqual([], self.stranger.requests)
        self.yes(self.tell(told))
        self.assertEqual([1000], self.amounts(account))

    def test_what_is_not_asked_for(self):
        with self.nothing_changes():
            for number in ("", "../refunds/1", "a/b", "a?b=c", "a%2Fb", "é", "x" * 65, "a\n", None, 7.5, ["x"],
                           {"y": 1}):
                body = json.dumps({"event": "payment.succeeded", "object": {"id": number}}).encode()
                self.assertEqual(400, self.no(self.tell(body)).status, number)
            for body in (b"", b"{", b"[]", b"null", b"7", b'""', b"\xff", b"{}", b"[" * 5000,
                         b"event=payment.succeeded", b'{"event": "payment.succeeded"}',
                         b'{"event": "payment.succeeded", "object": "x"}'):
                self.no(self.tell(body))
            for event in ("payment.waiting_for_capture", "payment.canceled", "payout.succeeded", "deal.closed"):
                self.yes(self.tell(json.dumps({"event": event, "object": {"id": "1"}}).encode()))
        self.assertEqual([], self.service.requests)

    def test_trials(self):
        account = self.company_in("active")
        with self.nothing_changes():
            self.yes(self.paid(account, 1000, test=True)[0])
        self.yes(self.paid(account, 1000, channel="yookassa_test", test=True)[0])
        self.assertEqual([("e_money", 1000)], [(method, amount) for method, _, amount in self.payments(account)])

    def test_sums(self):
        for text, kopecks in SUMS.items():
            account = self.company_in("active")
            payment = self.service.payment(text, {"account": str(account)})
            with self.subTest(text):
                self.assertEqual(kopecks is not None, self.taken(self.tell(self.service.notification(payment))))
                self.assertEqual([kopecks] if kopecks else [], self.amounts(account))
        for amount in (None, {}, {"value": 10, "currency": "RUB"}, {"value": "10.00"}, "10.00"):
            payment = self.payment(self.company_in("active"), 1000)
            payment["amount"] = amount
            with self.nothing_changes():
                self.no(self.tell(self.service.notification(payment)))

    def test_accounts(self):
        account = self.company_in("active")
        payment = self.service.payment("1.00", {"account": account})
        self.yes(self.tell(self.service.notification(payment)))
        self.assertEqual([100], self.amounts(account))
        for metadata in ({}, {"account": None}, {"account": [account]}, {"account": {"x": 1}}, {"order": str(account)}):
            payment = self.service.payment("1.00", metadata)
            self.yes(self.tell(self.service.notification(payment)))
            self.assertEqual(("pending", 100, 0), self.receipt("yookassa", payment["id"]), metadata)

    def test_refunds_are_asked_for(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 1000))
        refund = self.service.refund(number, "4.00")
        told = self.service.notification(refund, amount={"value": "10.00", "currency": "RUB"})
        with self.nothing_changes():
            for status in ("pending", "canceled"):
                refund["status"] = status
                self.assertEqual(status == "canceled", self.taken(self.tell(told)))
            refund["status"], refund["amount"]["currency"] = "succeeded", "USD"
            self.no(self.tell(told))
        refund["amount"]["currency"] = "RUB"
        self.yes(self.tell(told))
        self.assertEqual([(-400, f"yookassa:{refund['id']}")], self.rows(
            "SELECT amount, external_id FROM adjustment WHERE account_id = ?", account))
        self.assertEqual(f"/v3/refunds/{refund['id']}", urllib.parse.unquote(self.service.requests[-1].path))


if __name__ == "__main__":
    unittest.main()
