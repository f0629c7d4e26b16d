"""Payments by Robokassa, as it tells them to the ResultURL.

https://docs.robokassa.ru/pay-interface (ResultURL)

Seen to fail: fields of the shop that are not signed; sums with six digits that are refused; trials that are credited; a
signature in capital letters that is refused.
"""

import hashlib
import unittest
import urllib.parse

from paying import SUMS, AnySystem, PayCase, speaks

PASSWORD2 = "Пароль №2 & co"


def result(inv_id, account, out_sum, algorithm="sha256", password=PASSWORD2, **more):
    """The fields of a request to the ResultURL."""
    shop = {"Shp_account": str(account), **{name: more[name] for name in more if name.lower().startswith("shp_")}}
    text = ":".join((out_sum, inv_id, password, *(f"{name}={shop[name]}" for name in sorted(shop))))
    return {"OutSum": out_sum, "InvId": inv_id, "Fee": "1.23", "EMail": "anna@romashka.example",
            "PaymentMethod": "BankCard", "IncCurrLabel": "BankCardPSR", **shop, **more,
            "SignatureValue": hashlib.new(algorithm, text.encode()).hexdigest()}


class Robokassa(AnySystem, PayCase):
    channel = "robo"
    twin = "robo_twin"
    channels = {"robo": speaks("robokassa", "bank_card"), "robo_md5": speaks("robokassa", "bank_card"),
                "robo_test": speaks("robokassa", "bank_card"), "robo_sha512": speaks("robokassa", "bank_card"),
                "robo_twin": speaks("robokassa", "bank_card"),
                "robo_odd": speaks("robokassa", "bank_card"), "robo_bare": speaks("robokassa", "bank_card")}

    @classmethod
    def secrets_of_channels(cls):
        return {"robo": {"password2": PASSWORD2, "hash": "SHA256"}, "robo_md5": {"password2": PASSWORD2},
                "robo_twin": {"password2": PASSWORD2, "hash": "SHA256"},
                "robo_sha512": {"password2": PASSWORD2, "hash": "sha512"},
                "robo_test": {"password2": "test", "hash": "sha1", "allow_test": True},
                "robo_odd": {"password2": PASSWORD2, "hash": "crc32"}, "robo_bare": {"hash": "md5"}}

    def tell(self, fields, channel="robo", method="POST", **options):
        target = f"/pay/robokassa/{channel}"
        if method == "GET":
            return self.send(f"{target}?{urllib.parse.urlencode(fields)}", method="GET", **options)
        return self.send(target, fields, **options)

    def pay(self, external_id, account, amount, channel="robo", **options):
        return self.tell(result(external_id, account, f"{amount // 100}.{amount % 100:02}0000"), channel, **options)

    def taken(self, answer):
        return answer.status == 200 and answer.text.startswith("OK")

    def test_the_answer(self):
        account, number = self.company_in("active"), self.next_id()
        answer = self.yes(self.tell(result(number, account, "10.000000")))
        self.assertEqual((200, f"OK{number}", "text/plain"),
                         (answer.status, answer.text, answer.headers["Content-Type"].split(";")[0]))
        self.assertEqual([("anna@romashka.example",)], self.rows("SELECT payer FROM payment WHERE account_id = ?",
                                                                 account))

    def test_hashes_and_methods(self):
        for channel, algorithm in (("robo", "sha256"), ("robo_md5", "md5"), ("robo_sha512", "sha512")):
            for method in ("GET", "POST"):
                for case in (str.lower, str.upper):
                    account, number = self.company_in("active"), self.next_id()
                    fields = result(number, account, "0.01", algorithm)
                    fields["SignatureValue"] = case(fields["SignatureValue"])
                    self.yes(self.tell(fields, channel, method))
                    self.assertEqual([1], self.amounts(account))
        with self.nothing_changes():
            self.no(self.tell(result(self.next_id(), 1, "1.00", "md5"), "robo"))
            self.no(self.tell(result(self.next_id(), 1, "1.00", "md5"), "robo_odd"))
            self.no(self.tell(result(self.next_id(), 1, "1.00", "md5", ""), "robo_bare"))

    def test_signatures(self):
        account = self.company_in("active")
        fields = result(self.next_id(), account, "25.500000", Shp_b="2", Shp_A="1", shp_c="Ёж & ёж=")
        with self.nothing_changes():
            for altered in ({"OutSum": "25.50"}, {"OutSum": "255.00000"}, {"InvId": self.next_id()},
                            {"Shp_account": str(account + 1)}, {"Shp_b": "3"}, {"Shp_d": ""},
                            {"SignatureValue": ""}, {"SignatureValue": fields["SignatureValue"][:-1]}):
                self.assertEqual(403, self.no(self.tell({**fields, **altered})).status)
            for left_out in ("SignatureValue", "Shp_A", "OutSum", "InvId"):
                self.no(self.tell({name: fields[name] for name in fields if name != left_out}))
            self.no(self.tell(result(self.next_id(), account, "25.50", password="an old one")))
            for body in (b"", b"\xff", b"%", b"OutSum=1&InvId=%00&SignatureValue=x", b"{}"):
                self.no(self.send("/pay/robokassa/robo", body))
        self.yes(self.tell(fields))

    def test_sums(self):
        # Zeros behind the kopecks are no other sum.
        for text, kopecks in {**SUMS, "10.450": 1045, "10.": 1000, "10.455": None, "7.000000": 700,
                              "0.000001": None}.items():
            account, number = self.company_in("active"), self.next_id()
            with self.subTest(text):
                answer = self.tell(result(number, account, text))
                self.assertEqual(kopecks is not None, self.taken(answer), answer)
                self.assertEqual([kopecks] if kopecks else [], self.amounts(account))

    def test_numbers(self):
        with self.nothing_changes():
            for number in ("", "x", "1.0", "-1", "1" * 21):
                self.no(self.tell(result(number, self.company_in("active"), "1.00")))

    def test_trials(self):
        account, number = self.company_in("active"), self.next_id()
        with self.nothing_changes():
            self.yes(self.tell(result(number, account, "1.00", IsTest="1")))
        self.yes(self.tell(result(number, account, "1.00", "sha1", "test", IsTest="1"), "robo_test"))
        self.assertEqual([100], self.amounts(account))


if __name__ == "__main__":
    unittest.main()
