"""Transfers to a wallet of YooMoney, signed as it does.

https://yoomoney.ru/docs/wallet/using-api/notification-p2p-incoming

Seen to fail: sha1_hash that decides beside a sign; a transfer not accepted yet that is credited; dollars taken for
roubles; another account under the same identifier that is answered as a repetition.
"""

import hashlib
import hmac
import unittest
import urllib.parse

from paying import SUMS, AnySystem, PayCase, speaks

SECRET = "01234567890ABCDEF01234567890"

# The example of the documentation, with its sha1_hash.
PUBLISHED = {"notification_type": "p2p-incoming", "operation_id": "1234567", "amount": "300.00", "currency": "643",
             "datetime": "2011-07-01T09:00:00.000+04:00", "sender": "41001XXXXXXXX", "codepro": "false",
             "label": "YM.label.12345", "sha1_hash": "a2ee4a9195f4a90e893cff4f62eeba0b662321f9"}


def sha1_hash(fields, secret=SECRET):
    text = "&".join(secret if name is None else fields[name] for name in
                    ("notification_type", "operation_id", "amount", "currency", "datetime", "sender", "codepro", None,
                     "label"))
    return hashlib.sha1(text.encode()).hexdigest()


def sign(fields, secret=SECRET):
    text = "&".join(f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(value, safe='')}"
                    for name, value in sorted(fields.items()) if name != "sign")
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def transfer(operation_id, account, amount, **altered):
    return {"notification_type": "card-incoming", "operation_id": operation_id, "amount": amount,
            "withdraw_amount": "999.99", "currency": "643", "datetime": "2026-11-02T08:58:01Z", "sender": "",
            "codepro": "false", "label": str(account), "unaccepted": "false", **altered}


class YooMoney(AnySystem, PayCase):
    channel = "wallet"
    twin = "wallet_twin"
    channels = {"wallet": speaks("yoomoney", "e_money"), "wallet_twin": speaks("yoomoney", "e_money")}

    @classmethod
    def secrets_of_channels(cls):
        return {"wallet": {"secret": SECRET}, "wallet_twin": {"secret": SECRET}}

    def tell(self, fields, channel="wallet", **options):
        return self.send(f"/pay/yoomoney/{channel}", fields, **options)

    def pay(self, external_id, account, amount, channel="wallet", **options):
        fields = transfer(external_id, account, f"{amount // 100}.{amount % 100:02}")
        return self.tell({**fields, "sign": sign(fields)}, channel, **options)

    def taken(self, answer):
        return answer.status == 200

    def test_the_published_example(self):
        with self.nothing_changes():
            for name, value in PUBLISHED.items():
                self.no(self.tell({**PUBLISHED, name: value[:-1] + chr(ord(value[-1]) ^ 1)}))
                if name != "sha1_hash":
                    self.no(self.tell({each: text for each, text in PUBLISHED.items() if each != name}))
        self.yes(self.tell(PUBLISHED))
        self.assertEqual(
            [("pending", 30000, "2011-07-01T05:00:00Z", "YM.label.12345", "41001XXXXXXXX")],
            self.rows("SELECT status, amount, received_at, account_text, payer FROM receipt "
                      "WHERE source = 'wallet' AND external_id = '1234567'"))

    def test_sign_decides(self):
        account = self.company_in("active")
        fields = transfer(self.next_id(), account, "10.00", lastname="Ёлкин", address="a b+c&d=e*f~g-h._i/j?k%20",
                          empty="")
        right = {"sign": sign(fields), "sha1_hash": sha1_hash(fields)}
        with self.nothing_changes():
            for wrong in ({**right, "sign": ""}, {**right, "sign": "x"}, {**right, "sign": right["sign"][:-1]},
                          {**right, "sign": sign(fields, "an old secret")}, {"sign": right["sha1_hash"]},
                          {"sha1_hash": sha1_hash(fields, "an old secret")}, {"sha1_hash": ""}, {}):
                self.assertEqual(403, self.no(self.tell({**fields, **wrong})).status)
            # Over other bytes: one more field, one less, another order of the same letters.
            self.no(self.tell({**fields, **right, "more": ""}))
            self.no(self.tell({**{name: fields[name] for name in fields if name != "empty"}, **right}))
            self.no(self.tell({**fields, **right, "amount": "1000.0"}))
        # sha1_hash is one field of those that sign is of.
        signed = {**fields, "sha1_hash": "wrong"}
        self.yes(self.tell({**signed, "sign": sign(signed).upper()}))
        self.assertEqual(1000, self.amounts(account)[0])

    def test_sums(self):
        for text, kopecks in SUMS.items():
            account, number = self.company_in("active"), self.next_id()
            fields = transfer(number, account, text)
            with self.subTest(text):
                answer = self.tell({**fields, "sign": sign(fields)})
                self.assertEqual(kopecks is not None, self.taken(answer), answer)
                self.assertEqual([kopecks] if kopecks else [], self.amounts(account))
                if kopecks is None:
                    self.logged(number, "amount")

    def test_not_accepted_yet(self):
        account, number = self.company_in("active"), self.next_id()
        fields = transfer(number, account, "50.00", unaccepted="true", codepro="true")
        for _ in range(2):
            self.yes(self.tell({**fields, "sign": sign(fields)}))
        self.assertEqual(("pending", 5000, 0), self.receipt("wallet", number))
        self.assertIn("accepted", self.rows("SELECT reason FROM receipt WHERE external_id = ?", number)[0][0])

    def test_what_is_no_money_of_the_books(self):
        with self.nothing_changes():
            fields = transfer("test-notification", "", "700.00", test_notification="true")
            self.yes(self.tell({**fields, "sign": sign(fields)}))
            fields = transfer(self.next_id(), self.company_in("active"), "10.00", currency="840")
            self.no(self.tell({**fields, "sign": sign(fields)}))
            fields = transfer("", self.company_in("active"), "10.00")
            self.no(self.tell({**fields, "sign": sign(fields)}))
            for body in (b"", b"\xff", b"%", b"a=%ff&b=%00", b"{}", b"&&&===", b"operation_id"):
                self.no(self.send("/pay/yoomoney/wallet", body))
        self.logged("the currency is not that of the books")


if __name__ == "__main__":
    unittest.main()
