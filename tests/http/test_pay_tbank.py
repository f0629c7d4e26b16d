"""Payments and refunds by T-Bank, with the tokens that it makes.

https://developer.tbank.ru/eacq/intro/developer/notification, https://developer.tbank.ru/eacq/intro/developer/token

Seen to fail: tokens of SQLite's numbers in the place of those that were sent; refunds that are told apart by payment
alone; orders that are the account's number alone.
"""

import contextlib
import hashlib
import http.client
import json
import pathlib
import tempfile
import threading
import unittest

from paying import AnyRefunds, AnySystem, PayCase, speaks
from pay_services import TBank, tbank_token
from server import Books, Server, peek, saldod

# The examples of the documentation: of Init, and of a notification.
INIT = {"TerminalKey": "MerchantTerminalKey", "Amount": 19200, "OrderId": "21090",
        "Description": "Подарочная карта на 1000 рублей"}
INIT_TOKEN = "0024a00af7c350a3a67ca168ce06502aa72772456662e38696d48b56ee9c97d9"
NOTIFICATION = {"TerminalKey": "1321054611234DEMO", "OrderId": "201709", "Success": True, "Status": "AUTHORIZED",
                "PaymentId": 8742591, "ErrorCode": "0", "Amount": 9855, "CardId": 322264, "Pan": "430000******0777",
                "ExpDate": "1122", "RebillId": 101709}
NOTIFICATION_TOKEN = "b906d28e76c6428e37b25fcf86c0adc52c63d503013fdd632e300593d165766b"


class TBankCase(PayCase):
    channels = {"tbank": speaks("tbank", "bank_card"), "tbank_sbp": speaks("tbank", "sbp"),
                "published": speaks("tbank", "bank_card"), "bare": speaks("tbank", "bank_card")}

    @classmethod
    def setUpClass(cls):
        cls.bank = TBank()
        cls.addClassCleanup(cls.bank.stop)
        super().setUpClass()

    @classmethod
    def secrets_of_channels(cls):
        return {"tbank": cls.bank.secrets, "tbank_sbp": cls.bank.secrets,
                "published": {"terminal_key": "MerchantTerminalKey", "password": "usaf8fw8fsw21g"}, "bare": {}}

    def tell(self, body, channel="tbank", **options):
        return self.send(f"/pay/tbank/{channel}", body, headers={"Content-Type": "application/json"}, **options)

    def taken(self, answer):
        return answer.status == 200 and answer.text == "OK"


class TBankPayments(AnySystem, AnyRefunds, TBankCase):
    channel = "tbank"
    twin = "tbank_sbp"

    def pay(self, external_id, account, amount, channel="tbank", **options):
        told = self.bank.notification("CONFIRMED", amount, str(account), int(external_id))
        return self.tell(told, channel, **options)

    def refund(self, external_id, _refund_id, amount, total):
        del total
        return self.tell(self.bank.notification("PARTIAL_REFUNDED", amount, "1", int(external_id)))

    def test_published_tokens(self):
        self.assertEqual(INIT_TOKEN, tbank_token(INIT, "usaf8fw8fsw21g"))
        self.yes(self.tell(json.dumps({**INIT, "Token": INIT_TOKEN}).encode(), "published"))
        with self.nothing_changes():
            self.no(self.tell(json.dumps({**INIT, "Amount": 19201, "Token": INIT_TOKEN}).encode(), "published"))
            signed = {**NOTIFICATION, "Token": NOTIFICATION_TOKEN}
            self.yes(self.tell(json.dumps(signed).encode()))
            self.yes(self.tell(json.dumps({**signed, "DATA": {"more": 1}, "List": [1], "None": None}).encode()))
            for name, value in NOTIFICATION.items():
                self.no(self.tell(json.dumps({**signed, name: f"{value}0"}).encode()))
                self.no(self.tell(json.dumps({each: signed[each] for each in signed if each != name}).encode()))

    def test_numbers_count_as_they_stand(self):
        account, number = self.company_in("active"), int(self.next_id())
        text = f'"Amount":1000,"Rate":10.50,"Large":12345678901234567890123,"Exp":1e3,"Neg":-0,"Yes":true,"No":false,' \
               f'"Text":"a\\"\\u0451\\n","OrderId":"{account}","PaymentId":{number},"Status":"CONFIRMED",' \
               f'"Success":true,"TerminalKey":"{self.bank.terminal_key}"'
        values = {"Amount": "1000", "Rate": "10.50", "Large": "12345678901234567890123", "Exp": "1e3", "Neg": "-0",
                  "Yes": "true", "No": "false", "Text": 'a"ё\n', "OrderId": str(account), "PaymentId": str(number),
                  "Status": "CONFIRMED", "Success": "true", "TerminalKey": self.bank.terminal_key,
                  "Password": self.bank.password}
        token = hashlib.sha256("".join(values[name] for name in sorted(values)).encode()).hexdigest()
        self.yes(self.tell(f'{{"Token":"{token}",{text}}}'.encode()))
        self.assertEqual([1000], self.amounts(account))

    def test_signatures(self):
        account, number = self.company_in("active"), int(self.next_id())
        with self.nothing_changes():
            for altered in ({"Token": ""}, {"Token": None}, {"Token": "x"}, {"Token": 7}, {"Token": ["x"]},
                            {"TerminalKey": "another"}, {"TerminalKey": None}):
                answer = self.no(self.tell(self.bank.notification("CONFIRMED", 100, str(account), number, **altered)))
                self.assertEqual(403, answer.status)
            old = json.loads(self.bank.notification("CONFIRMED", 100, str(account), number))
            old["Token"] = tbank_token(old, "an old password")
            self.no(self.tell(json.dumps(old).encode()))
            # What is called Password in it is not the password.
            forged = {**old, "Password": "mine"}
            forged["Token"] = tbank_token({name: forged[name] for name in forged if name != "Password"}, "mine")
            self.no(self.tell(json.dumps(forged).encode()))
            for body in (b"", b"{", b"[]", b"null", b"7", b'""', b"\xff", b"{}", b"[" * 5000, b"a=b"):
                self.no(self.tell(body))
            self.no(self.pay(str(number), account, 100, channel="bare"))
        self.yes(self.pay(str(number), account, 100))

    def test_statuses(self):
        account = self.company_in("active")
        with self.nothing_changes():
            for status in ("NEW", "FORM_SHOWED", "AUTHORIZED", "REVERSED", "PARTIAL_REVERSED", "REJECTED", "CANCELED",
                           "DEADLINE_EXPIRED", "REFUNDING", "ASYNC_REFUNDING", "UNKNOWN", ""):
                self.yes(self.tell(self.bank.notification(status, 100, str(account), int(self.next_id()))))
            self.yes(self.tell(self.bank.notification("CONFIRMED", 100, str(account), int(self.next_id()),
                                                      Success=False)))
            self.no(self.tell(self.bank.notification("REFUNDED", 100, str(account), int(self.next_id()))))
        number = self.next_id()
        self.yes(self.pay(number, account, 1000))
        self.yes(self.tell(self.bank.notification("AUTHORIZED", 1000, str(account), int(number))))
        self.yes(self.refund(number, "", 300, 300))
        for _ in range(2):
            self.yes(self.tell(self.bank.notification("REFUNDED", 700, str(account), int(number))))
        self.assertEqual([-300, -700], self.returned(account))
        # A part that was overtaken by the rest: nothing is left of it.
        self.yes(self.refund(number, "", 200, 1200))
        self.assertEqual([-300, -700], self.returned(account))
        self.logged(number, "PARTIAL_REFUNDED:200", "were left")
        self.assertEqual([("tbank:" + number + ":PARTIAL_REFUNDED:300",), ("tbank:" + number + ":REFUNDED",)],
                         self.rows("SELECT external_id FROM adjustment WHERE account_id = ? "
                                   "ORDER BY adjustment_id", account))

    def test_refunded_in_full(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 1000))
        self.yes(self.tell(self.bank.notification("REFUNDED", 1000, str(account), int(number))))
        self.assertEqual([-1000], self.returned(account))
        pending = self.next_id()
        self.yes(self.pay(pending, 987654321, 1000))
        self.yes(self.tell(self.bank.notification("REFUNDED", 1000, "987654321", int(pending))))
        self.assertEqual(("ignored", 1000, 0), self.receipt("tbank", pending))

    def test_order_numbers(self):
        account = self.company_in("active")
        for order in (str(account), f"{account}-1", f"{account}-a-b", f"0{account}-"):
            self.yes(self.pay(self.next_id(), order, 100))
        self.assertEqual([100] * 4, self.amounts(account))
        for order in (f"-{account}", f"x{account}", f"{account}x", f"{account}_1", ""):
            number = self.next_id()
            self.yes(self.pay(number, order, 100))
            self.assertEqual(("pending", 100, 0), self.receipt("tbank", number))

    def test_payment_ids(self):
        account = self.company_in("active")
        for number in ("12345678901234567890", "9007199254740993", "text-7"):
            body = self.bank.notification("CONFIRMED", 100, str(account), number)
            raw = body.replace(f'"{number}"'.encode(), number.encode()) if number.isdecimal() else body
            self.yes(self.tell(raw))
            self.assertEqual(("matched", 100, 1), self.receipt("tbank", number))
        with self.nothing_changes():
            for number in ("", None):
                self.no(self.tell(self.bank.notification("CONFIRMED", 100, str(account), number)))

    def test_sums(self):
        with self.nothing_changes():
            for amount in (0, -1, 10.5, "100", 1e3, 10**15 + 1, 10**19, True, None):
                self.no(self.tell(self.bank.notification("CONFIRMED", amount, str(self.company_in("active")),
                                                         int(self.next_id()))))
        account = self.company_in("active")
        self.yes(self.pay(self.next_id(), account, 10**13))
        self.assertEqual([10**13], self.amounts(account))

    def test_channels_are_apart(self):
        account, number = self.company_in("active"), self.next_id()
        self.yes(self.pay(number, account, 100))
        self.yes(self.pay(number, account, 200, channel="tbank_sbp"))
        self.assertEqual([("bank_card", f"tbank:{number}", 100), ("sbp", f"tbank_sbp:{number}", 200)],
                         self.payments(account))


class Killed(TBankCase):
    """Answers that are lost as the server dies after its commits: the bank sends again, and all counts once."""

    def test_lost_answers(self):
        folder = tempfile.TemporaryDirectory(prefix="saldo-")
        self.addCleanup(folder.cleanup)
        database = pathlib.Path(folder.name) / "killed.db"
        tokens = Books.copy(database)
        flags = self.flags[self.flags.index("--secrets"):]
        with Server(database, *flags, tokens=tokens) as server, server.client("operator") as operator:
            operator.put("/v1/channels/tbank", {"protocol": "tbank", "method": "bank_card"}).expect(200, 201)
            account = self.company(operator)
        told = [(number, self.bank.notification("CONFIRMED", 100 + number, str(account), number))
                for number in range(1, 121)]
        killed = 0
        while told:
            server, answered, gone = Server(database, *flags, tokens=tokens), set(), threading.Event()

            def send(part, server=server, answered=answered, gone=gone):
                with contextlib.suppress(OSError, http.client.HTTPException), \
                        server.client(None, checked=False) as client:
                    for number, body in part:
                        for _ in range(2):
                            answer = client.post("/pay/tbank/tbank", body)
                        if answer.text == "OK":
                            answered.add(number)
                        if len(answered) >= 25:
                            gone.set()

            senders = [threading.Thread(target=send, args=(told[first::4],), daemon=True) for first in range(4)]
            for sender in senders:
                sender.start()
            while not gone.wait(0.01) and any(sender.is_alive() for sender in senders):
                pass
            server.kill()
            killed += 1
            for sender in senders:
                sender.join(30)
            committed = {number for number, in peek(database, "SELECT CAST(external_id AS INTEGER) FROM receipt")}
            self.assertLessEqual(answered, committed)
            told = [each for each in told if each[0] not in answered]
        self.assertEqual([(100 + number, f"tbank:{number}") for number in range(1, 121)], peek(
            database, "SELECT amount, external_id FROM payment ORDER BY amount"))
        self.assertGreaterEqual(killed, 4)
        done = saldod("verify", "--database", database)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
