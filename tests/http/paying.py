"""What the tests of payment systems share: a server with channels and their secrets, what its books say, and what holds
for every system, whichever way it speaks."""

import contextlib
import urllib.parse

from payments import PaymentsCase
from server import NOW, peek, wait_for

# Sums as texts, and the kopecks that they are; None: refused.
SUMS = {"10": 1000, "10.5": 1050, "10.45": 1045, "10,45": 1045, "10.450": None, "1e3": None, "-1": None, " 1": None,
        "1 ": None, "+1": None, "": None, "0": None, "0.00": None, "0x10": None, "10.": None, ".5": None,
        "1000000000000.00": 100000000000000, "10000000000000": None, "9" * 40: None, "NaN": None, "１０": None}


def speaks(protocol, method):
    return {"protocol": protocol, "method": method}


class PayCase(PaymentsCase):
    """secrets_of_channels() gives the secrets of each, when the stand-ins of services are there."""

    @classmethod
    def secrets_of_channels(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.secrets = cls.secrets_of_channels()
        super().setUpClass()
        cls.sender = cls.server.client(None, now=cls.now, checked=False)
        cls.addClassCleanup(cls.sender.close)

    def tearDown(self):
        """Whatever a test did, all audits are empty."""
        audits = self.admin.get("/v1/reports/audit").expect(200).json
        self.assertEqual([], [each for each in audits if each["violations"]])
        super().tearDown()

    def send(self, target, body=b"", method="POST", now=NOW, headers=None):
        """A payment system's request; a body of dict is sent as a form."""
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body).encode()
        return self.sender.request(method, target, body, now=now, headers={
            "Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def company_in(self, status):
        """An account in a status of R1."""
        account_id = self.company(self.admin)
        if status != "trial":
            self.admin.post(f"/v1/accounts/{account_id}/activate", {}).expect(200, 201)
        if status in ("paused", "closed"):
            self.admin.post(f"/v1/accounts/{account_id}/{status[:5].removesuffix('d')}", {}).expect(200, 201)
        return account_id

    def rows(self, sql, *params):
        return peek(self.server.database, sql, *params)

    def receipt(self, channel, external_id):
        """The status and amount of a receipt, and how many payments it became; None: there is none."""
        found = self.rows("SELECT status, amount, (SELECT count(*) FROM receipt_payment AS p "
                          "WHERE p.receipt_id = r.receipt_id) FROM receipt AS r WHERE source = ? AND external_id = ?",
                          channel, str(external_id))
        return found[0] if found else None

    def amounts(self, account_id):
        """What was credited to an account."""
        return [amount for *_, amount in self.payments(account_id)]

    def returned(self, account_id):
        """What went back of an account's payments."""
        found = self.adjustments(account_id)
        self.assertLessEqual({kind for kind, *_ in found}, {"refund"})
        return [amount for *_, amount in found]

    def everything(self):
        return [self.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
                for table in ("receipt", "receipt_payment", "payment", "adjustment")]

    @contextlib.contextmanager
    def nothing_changes(self):
        before = self.everything()
        yield
        self.assertEqual(before, self.everything())

    def logged(self, *words):
        """The log has a warning with all of these words."""
        def found():
            return [line for line in self.server.log().splitlines() if all(str(word) in line for word in words)]
        self.assertTrue(wait_for(found), (words, self.server.log()[-2000:]))


class AnySystem:
    """What holds for every payment system. A class of its tests says how it speaks: `channel`; pay(external_id,
    account, amount) sends the notification of a payment of so many kopecks; taken(answer) is what the protocol says;
    `twin` is a channel of the same shop."""

    channel, twin, number = None, None, 500100

    @classmethod
    def next_id(cls):
        """An identifier that no payment has had."""
        AnySystem.number += 1
        return str(AnySystem.number)

    def method(self):
        return self.channels[self.channel]["method"]

    def yes(self, answer):
        self.assertTrue(self.taken(answer), answer)
        return answer

    def no(self, answer):
        self.assertFalse(self.taken(answer), answer)
        return answer

    def test_paid_and_told_again(self):
        account, number = self.company_in("active"), self.next_id()
        first = self.yes(self.pay(number, account, 12345))
        self.assertEqual([(self.method(), f"{self.channel}:{number}", 12345)], self.payments(account))
        self.assertEqual(("matched", 12345, 1), self.receipt(self.channel, number))
        with self.nothing_changes():
            for later in (NOW, "2026-11-03T09:00:00Z"):
                again = self.pay(number, account, 12345, now=later)
                self.assertEqual((first.status, first.body), (again.status, again.body))
        self.assertEqual([[self.channel, f"channel {self.channel}"]], self.sql(
            "SELECT r.source, p.recorded_by FROM receipt AS r JOIN receipt_payment USING (receipt_id) "
            "JOIN payment AS p USING (payment_id) WHERE r.source = ? AND r.external_id = ?", self.channel, number))

    def test_another_sum_or_account_under_the_same_number(self):
        account, other, number = self.company_in("active"), self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 1000))
        before = self.server.metric("saldo_pay_conflicts_total")
        with self.nothing_changes():
            self.no(self.pay(number, account, 1001))
            self.no(self.pay(number, other, 1000))
        self.logged(number, "another account or sum")
        self.assertEqual(before + 2, self.server.metric("saldo_pay_conflicts_total"))
        self.yes(self.pay(number, account, 1000))

    def test_whoever_pays_is_credited_and_nothing_is_lost(self):
        for status in ("trial", "active", "paused"):
            account, number = self.company_in(status), self.next_id()
            self.yes(self.pay(number, account, 500))
            self.assertEqual([500], self.amounts(account), status)
        closed = self.company_in("closed")
        for account in (closed, 987654321, "0", "-1", "x", "9" * 30, "1e1", "Ромашка & Ко", "' OR 1=1 --"):
            number = self.next_id()
            with self.subTest(account):
                self.yes(self.pay(number, account, 777))
                self.assertEqual(("pending", 777, 0), self.receipt(self.channel, number))
        self.assertEqual([], self.payments(closed))
        number, account = self.next_id(), self.company_in("active")
        self.yes(self.pay(number, f"000{account}", 100))
        self.assertEqual([100], self.amounts(account))

    def test_a_pending_one_is_told_again_after_it_was_matched(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, 987654321, 400))
        receipt_id = self.rows("SELECT receipt_id FROM receipt WHERE source = ? AND external_id = ?", self.channel,
                               number)[0][0]
        self.cashier.post(f"/v1/receipts/{receipt_id}/match", {"account_id": account}).expect(200, 201)
        with self.nothing_changes():
            self.yes(self.pay(number, 987654321, 400))
        self.assertEqual([400], self.amounts(account))

    def test_a_payment_counts_on_one_channel_of_a_shop(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 1000))
        for _ in range(2):
            self.yes(self.pay(number, account, 1000, channel=self.twin))
        self.assertEqual([1000], self.amounts(account))
        self.assertEqual(("pending", 1000, 0), self.receipt(self.twin, number))
        self.assertEqual([(f"channel {self.channel} has the same payment",)], self.rows(
            "SELECT reason FROM receipt WHERE source = ? AND external_id = ?", self.twin, number))

    def test_no_signature_is_kept(self):
        self.yes(self.pay(self.next_id(), self.company_in("active"), 1000))
        for (raw,) in self.rows("SELECT raw FROM receipt WHERE source = ?", self.channel):
            self.assertNotRegex(raw, "(?i)signature|token|checksum|sign=|sha1_hash")

    def test_no_such_channel(self):
        with self.nothing_changes():
            for channel in ("nobody", "kiosk", "bank"):
                self.no(self.pay(self.next_id(), self.company_in("active"), 100, channel=channel))


class AnyRefunds:
    """What holds for refunds, whichever way they are told: refund(external_id, refund_id, amount, total) sends one of
    `amount`, which makes `total` with those before."""

    def test_before_its_payment_it_comes_again(self):
        account, number, refund = self.company_in("active"), self.next_id(), self.next_id()
        with self.nothing_changes():
            self.no(self.refund(number, refund, 300, 300))
        self.yes(self.pay(number, account, 1000))
        self.yes(self.refund(number, refund, 300, 300))
        with self.nothing_changes():
            self.yes(self.refund(number, refund, 300, 300))
            self.yes(self.pay(number, account, 1000))
        self.assertEqual([-300], self.returned(account))

    def test_in_parts(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 1000))
        self.yes(self.refund(number, self.next_id(), 300, 300))
        self.yes(self.refund(number, self.next_id(), 200, 500))
        self.assertEqual([-300, -200], self.returned(account))
        self.yes(self.refund(number, self.next_id(), 500, 1000))
        self.assertEqual([-300, -200, -500], self.returned(account))

    def test_more_than_is_left(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 1000))
        [payment] = self.rows("SELECT payment_id FROM payment WHERE account_id = ?", account)[0]
        self.cashier.post(f"/v1/accounts/{account}/adjustments",
                          {"amount": -900, "kind": "refund", "payment_id": payment}).expect(201)
        self.yes(self.refund(number, self.next_id(), 1100, 1100))
        self.assertEqual([-900, -100], self.returned(account))
        self.logged("were left of the payment")

    def test_of_a_pending_one(self):
        number = self.next_id()
        self.yes(self.pay(number, 987654321, 1000))
        with self.nothing_changes():
            self.no(self.refund(number, self.next_id(), 300, 300))
        refund = self.next_id()
        for _ in range(2):
            self.yes(self.refund(number, refund, 1000, 1000))
            self.assertEqual(("ignored", 1000, 0), self.receipt(self.channel, number))
        self.assertEqual([("refunded",)], self.rows("SELECT reason FROM receipt WHERE source = ? AND external_id = ?",
                                                    self.channel, number))

    def test_of_one_that_was_split(self):
        first, second, number = self.company_in("active"), self.company_in("active"), self.next_id()
        self.yes(self.pay(number, 987654321, 1000))
        receipt_id = self.rows("SELECT receipt_id FROM receipt WHERE source = ? AND external_id = ?", self.channel,
                               number)[0][0]
        self.cashier.post(f"/v1/receipts/{receipt_id}/match", {"parts": [
            {"account_id": second, "amount": 400}, {"account_id": first, "amount": 600}]}).expect(200, 201)
        refund = self.next_id()
        self.yes(self.refund(number, refund, 700, 700))
        with self.nothing_changes():
            self.yes(self.refund(number, refund, 700, 700))
        self.assertEqual(([-400], [-300]), (self.returned(second), self.returned(first)))
        self.yes(self.refund(number, self.next_id(), 300, 1000))
        self.assertEqual(([-400], [-300, -300]), (self.returned(second), self.returned(first)))
