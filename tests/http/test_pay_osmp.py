"""Kiosks by the protocol of OSMP: the published samples, every code of the protocol, repetition and order.

Seen to fail: a repeated `pay` judged by the account's status of today; a cancel of a payment that has not come
answered by a fatal code; a payment with another sum, or to another account, taken for a repetition; a receipt made
again at each repetition; an hour that is read as two digits always; a channel's limit that is not looked at.
"""

import concurrent.futures
import signal
import unittest
import urllib.parse

from payments import PASSWORD, USER, Payer, PaymentsCase
from server import NOW, TODAY, Server, noon, peek, wait_for

PATH = "/pay/osmp/qiwi"


class Osmp(PaymentsCase):
    channels = {"qiwi": {"protocol": "osmp", "method": "qiwi"},
                "svyaznoy": {"protocol": "osmp", "method": "svyaznoy"},
                "euroset": {"protocol": "osmp", "method": "euroset", "min_amount": 1000, "max_amount": 5000}}
    secrets = {name: {"user": USER, "password": PASSWORD} for name in ("qiwi", "svyaznoy", "euroset", "nowhere")}

    def setUp(self):
        self.kiosk = self.payer(PATH)
        self.account = self.company()
        self.txn_id = f"{self.account}00"

    def ask(self, command, kiosk=None, **fields):
        return (kiosk or self.kiosk).ask(command=command, **fields)

    def pay(self, kiosk=None, **fields):
        return self.ask("pay", kiosk, **({"txn_id": self.txn_id, "txn_date": "20261102115959", "account": self.account,
                                          "sum": "10.45"} | fields))

    def result(self, answer, code, status=200):
        self.assertEqual((status, str(code)), (answer.status, answer.fields.get("result")), answer)
        self.assertEqual("application/xml", answer.headers["Content-Type"], answer)
        return answer.fields

    def test_the_published_samples(self):
        number = self.company(account_id=957835959)
        answer = self.kiosk.request(query="command=check&txn_id=1234567&account=0957835959&sum=10.45")
        self.assertEqual({"osmp_txn_id": "1234567", "result": "0", "comment": "OK"}, self.result(answer, 0))
        self.assertEqual([], self.payments(number))
        answer = self.kiosk.request(
            query="command=pay&txn_id=1234567&txn_date=20050815120133&account=0957835959&sum=10.45")
        fields = self.result(answer, 0)
        self.assertEqual(["osmp_txn_id", "prv_txn", "sum", "result", "comment"], list(fields))
        self.assertEqual(("1234567", "10.45", "OK"),
                         tuple(fields[name] for name in ("osmp_txn_id", "sum", "comment")))
        self.assertRegex(fields["prv_txn"], r"^\d+$")
        self.assertEqual([("qiwi", "qiwi:1234567", 1045)], self.payments(number))
        # Moscow was four hours ahead of UTC that summer.
        self.assertEqual([["2005-08-15T08:01:33Z", NOW, TODAY, "channel qiwi"]], self.sql(
            "SELECT received_at, credited_at, day, recorded_by FROM payment WHERE account_id = ?", number))

    def test_a_post_with_a_form_is_the_same(self):
        answer = self.kiosk.request("POST", body={"command": "pay", "txn_id": self.txn_id, "account": self.account,
                                                  "sum": "10"})
        self.assertEqual("10.00", self.result(answer, 0)["sum"])
        again = self.kiosk.request("POST", query={"command": "pay", "txn_id": self.txn_id},
                                   body={"account": self.account, "sum": "10.00"})
        self.assertEqual(answer.body, again.body)
        self.assertEqual([("qiwi", f"qiwi:{self.txn_id}", 1000)], self.payments(self.account))

    def test_a_repeated_pay_is_answered_as_the_first_time(self):
        first = self.pay()
        self.result(first, 0)
        with self.subTest("later, from another connection, and written otherwise"):
            for fields in ({}, {"sum": "10,45"}, {"account": f"000{self.account}"}, {"txn_date": "20261103115959"},
                           {"surplus": "x"}):
                again = self.pay(self.payer(PATH, now=noon("2026-11-02")), **fields)
                self.assertEqual((first.status, first.body), (again.status, again.body))
        with self.subTest("whatever has become of the account and the channel"):
            self.admin.post(f"/v1/accounts/{self.account}/activate", {}).expect(201)
            self.admin.post(f"/v1/accounts/{self.account}/close", {}).expect(200)
            self.operator.put("/v1/channels/qiwi", {**self.channels["qiwi"], "disabled": 1}).expect(200)
            try:
                self.assertEqual(first.body, self.pay().body)
                self.result(self.ask("status", txn_id=self.txn_id), 0)
            finally:
                self.operator.put("/v1/channels/qiwi", {**self.channels["qiwi"], "disabled": 0}).expect(200)
        self.assertEqual([("qiwi", f"qiwi:{self.txn_id}", 1045)], self.payments(self.account))

    def test_the_same_identifier_for_something_else(self):
        other = self.company()
        first = self.pay()
        before = self.server.metric("saldo_pay_conflicts_total")
        for fields in ({"sum": "10.46"}, {"sum": "1045"}, {"account": other}, {"account": "none"},
                       {"account": "99999999"}):
            with self.subTest(fields):
                answer = self.pay(**fields)
                self.result(answer, 300)
                self.assertNotIn("prv_txn", answer.fields)
        self.assertEqual(before + 5, self.server.metric("saldo_pay_conflicts_total"))
        self.assertTrue(wait_for(lambda: self.server.log().count(f"txn_id {self.txn_id} came again") == 5))
        self.assertEqual(([("qiwi", f"qiwi:{self.txn_id}", 1045)], []),
                         (self.payments(self.account), self.payments(other)))
        self.assertEqual(first.body, self.pay().body)

    def test_an_identifier_counts_by_channel(self):
        other = self.payer("/pay/osmp/svyaznoy")
        one, two = self.result(self.pay(), 0), self.result(self.pay(other), 0)
        self.assertNotEqual(one["prv_txn"], two["prv_txn"])
        self.assertEqual([("qiwi", f"qiwi:{self.txn_id}", 1045), ("svyaznoy", f"svyaznoy:{self.txn_id}", 1045)],
                         self.payments(self.account))
        # Nor is another channel's payment told, or cancelled.
        self.result(self.ask("status", self.payer("/pay/osmp/euroset"), prv_txn=one["prv_txn"]), 300)
        self.result(self.ask("cancel", other, prv_txn=one["prv_txn"]), 1)
        self.assertEqual([], self.adjustments(self.account))

    def test_sums(self):
        for sent, amount in (("10", 1000), ("10.5", 1050), ("10,45", 1045), ("0.01", 1),
                             ("9999999999999", 10**15 - 100),
                             ("0010", 1000), ("10.450", None), ("1e3", None), ("-1", None), (" 1", None), ("1 ", None),
                             ("10000000000000", None), ("", None), (".5", None), ("1.", None), ("1.2.3", None),
                             ("0x10", None), ("١", None), ("NaN", None), ("1,", None), ("1.5\0", None)):
            with self.subTest(sent):
                account = self.company()
                for command in ("check", "pay"):
                    answer = self.ask(command, txn_id=f"7{account}", account=account, sum=sent)
                    self.result(answer, 300 if amount is None else 0)
                self.assertEqual([] if amount is None else [("qiwi", f"qiwi:7{account}", amount)],
                                 self.payments(account))
        with self.subTest("too small for any channel"):
            self.result(self.pay(sum="0"), 241)
        with self.subTest("a check without a sum"):
            self.result(self.ask("check", txn_id=self.txn_id, account=self.account), 0)
            self.result(self.ask("pay", txn_id=self.txn_id, account=self.account), 300)

    def test_accounts(self):
        paused, closed = self.customer(), self.customer()
        self.admin.post(f"/v1/accounts/{paused}/pause", {}).expect(200)
        self.admin.post(f"/v1/accounts/{closed}/close", {}).expect(200)
        cases = ((self.account, 0), (f"00{self.account}", 0), (paused, 0), (closed, 79), (99999999, 5),
                 (0, 5), ("9" * 16, 5), ("9" * 30, 5), ("", 4), (f" {self.account}", 4), ("12a", 4), ("-1", 4),
                 ("1.0", 4), ("1e3", 4), ("١", 4), ("%", 4))
        before = self.count("receipt")
        for number, (account, code) in enumerate(cases):
            with self.subTest(account):
                for command in ("check", "pay"):
                    self.result(self.ask(command, txn_id=f"5{self.account}{number:02}", account=account, sum="1"), code)
        self.assertEqual((2, 1, 0), tuple(len(self.payments(each)) for each in (self.account, paused, closed)))
        self.assertEqual(before + 3, self.count("receipt"))

    def test_the_limits_and_the_end_of_a_channel(self):
        euroset = self.payer("/pay/osmp/euroset")
        for number, (sent, code) in enumerate((("9.99", 241), ("10", 0), ("50", 0), ("50.01", 242))):
            for command in ("check", "pay"):
                with self.subTest(sum=sent, command=command):
                    self.result(self.ask(command, euroset, txn_id=f"6{self.account}{number}", account=self.account,
                                         sum=sent), code)
        self.operator.put("/v1/channels/euroset", {**self.channels["euroset"], "disabled": 1}).expect(200)
        try:
            for command in ("check", "pay"):
                self.result(self.ask(command, euroset, txn_id="66", account=self.account, sum="20"), 7)
        finally:
            self.operator.put("/v1/channels/euroset", {**self.channels["euroset"], "disabled": 0}).expect(200)

    def test_malformed_requests(self):
        for fields in ({}, {"command": "Pay"}, {"command": "refund"}, {"command": ""}, {"command": "pay", "txn_id": ""},
                       {"command": "pay", "txn_id": "1" * 21}, {"command": "pay", "txn_id": "12a"},
                       {"command": "pay", "txn_id": " 1"}, {"command": "check", "txn_id": "<b>"},
                       {"command": "pay", "txn_id": "-5"}):
            with self.subTest(fields):
                self.result(self.kiosk.ask(**{"account": self.account, "sum": "1"} | fields), 300)
        with self.subTest("what is sent back is not markup"):
            answer = self.kiosk.ask(command="check", txn_id="<a>&'\"", account=self.account)
            self.assertEqual("<a>&'\"", self.result(answer, 300)["osmp_txn_id"])
        self.assertEqual([], self.payments(self.account))

    def test_dates_never_refuse_money(self):
        for number, (sent, received_at) in enumerate((
                ("20261102115959", "2026-11-02T08:59:59Z"), ("2026110215959", "2026-11-01T22:59:59Z"),
                ("20261102130000", NOW), ("20991231235959", NOW), ("20260230120000", NOW), ("", NOW), ("x", NOW),
                ("20261102246060", NOW), ("-0261102115959", NOW), ("00000000000000", NOW), (None, NOW))):
            with self.subTest(sent):
                fields = {} if sent is None else {"txn_date": sent}
                self.result(self.ask("pay", txn_id=f"{self.account}{number:02}", account=self.account, sum="1",
                                     **fields), 0)
                self.assertEqual([[received_at, NOW]], self.sql(
                    "SELECT received_at, credited_at FROM payment WHERE external_id = ?",
                    f"qiwi:{self.account}{number:02}"))

    def test_dates_are_those_of_moscow(self):
        server = self.fresh(*self.flags)
        operator = self.client(server, "operator")
        operator.put("/v1/policy", {"valid_from": operator.get("/v1/policy").json["valid_from"],
                                    "time_zone": "Asia/Yekaterinburg"}).expect(200)
        self.make_channels(operator)
        account = self.company(self.client(server, "admin"))
        kiosk = self.payer("/pay/osmp/qiwi", server)
        self.result(kiosk.ask(command="pay", txn_id="1", txn_date="20261102115959", account=account, sum="1"), 0)
        self.assertEqual([["2026-11-02T08:59:59Z"]], self.sql("SELECT received_at FROM receipt",
                                                              client=self.client(server, "admin")))

    def test_long_identifiers_are_text(self):
        for txn_id in ("9" * 20, "0" * 19 + "1", "00000000000000000001", "1" + "0" * 19):
            with self.subTest(txn_id):
                fields = self.result(self.pay(txn_id=txn_id), 0)
                self.assertEqual(txn_id, fields["osmp_txn_id"])
        self.assertEqual({"9" * 20, "0" * 19 + "1", "1" + "0" * 19},
                         {external_id.removeprefix("qiwi:") for _, external_id, _ in self.payments(self.account)})

    def test_status(self):
        paid = self.result(self.pay(), 0)
        for fields in ({"txn_id": self.txn_id}, {"prv_txn": paid["prv_txn"]},
                       {"txn_id": self.txn_id, "prv_txn": paid["prv_txn"]}):
            with self.subTest(fields):
                self.assertEqual(paid, self.result(self.ask("status", **fields), 0))
        for fields in ({"txn_id": "404"}, {"prv_txn": "999999"}, {"prv_txn": "1e0"}, {"prv_txn": f" {paid['prv_txn']}"},
                       {"prv_txn": ""}, {}):
            with self.subTest(fields):
                self.result(self.ask("status", **fields), 300)

    def test_cancel(self):
        paid = self.result(self.pay(), 0)
        first = self.ask("cancel", txn_id=self.txn_id)
        self.assertEqual(paid, self.result(first, 0))
        self.assertEqual([("chargeback", f"qiwi:{self.txn_id}:cancel", -1045)], self.adjustments(self.account))
        for fields in ({"txn_id": self.txn_id}, {"prv_txn": paid["prv_txn"]}):
            with self.subTest("again", **fields):
                again = self.ask("cancel", **fields)
                self.assertEqual((first.status, first.body), (again.status, again.body))
        self.assertEqual(1, len(self.adjustments(self.account)))
        self.assertEqual([[0]], self.sql("SELECT balance FROM account_balance WHERE account_id = ?", self.account))
        with self.subTest("a payment that was cancelled, sent again"):
            self.assertEqual(paid, self.result(self.pay(), 0))
            self.assertEqual(1, len(self.payments(self.account)))

    def test_a_cancel_that_overtakes_its_payment_comes_again(self):
        self.result(self.ask("cancel", txn_id=self.txn_id), 1)
        self.assertEqual([], self.adjustments(self.account))
        self.result(self.pay(), 0)
        self.result(self.ask("cancel", txn_id=self.txn_id), 0)
        self.assertEqual([("chargeback", f"qiwi:{self.txn_id}:cancel", -1045)], self.adjustments(self.account))

    def test_a_cancel_gives_back_what_is_left(self):
        self.result(self.pay(), 0)
        [[payment_id]] = self.sql("SELECT payment_id FROM payment WHERE account_id = ?", self.account)
        self.admin.post(f"/v1/accounts/{self.account}/adjustments",
                        {"amount": -1000, "kind": "refund", "payment_id": payment_id}).expect(201)
        first = self.ask("cancel", txn_id=self.txn_id)
        self.result(first, 0)
        self.assertEqual(first.body, self.ask("cancel", txn_id=self.txn_id).body)
        self.assertEqual([("refund", None, -1000), ("chargeback", f"qiwi:{self.txn_id}:cancel", -45)],
                         self.adjustments(self.account))
        self.assertTrue(wait_for(lambda: f"txn_id {self.txn_id} is cancelled, but part" in self.server.log()))

    def test_wrong_users_and_passwords(self):
        before = self.count("receipt")
        for name, options in (("none", {"user": None}), ("password", {"password": PASSWORD + "x"}),
                              ("part of the password", {"password": PASSWORD[:-1]}), ("no password", {"password": ""}),
                              ("user", {"user": "root"}), ("no user", {"user": ""}),
                              ("all in the user", {"user": f"{USER}:{PASSWORD}", "password": ""})):
            with self.subTest(name):
                answer = self.pay(self.payer(PATH, **options))
                self.result(answer, 1, 401)
                self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Basic realm="))
                self.assertEqual(self.txn_id, answer.fields["osmp_txn_id"])
        for value in ("Basic", "Basic ", "Basic !!!", "Bearer " + self.server.tokens["admin"], "basic" + "A" * 5000,
                      "\xff"):
            with self.subTest(value[:20]):
                kiosk = self.payer(PATH)
                kiosk.authorization = value
                self.result(self.pay(kiosk), 1, 401)
        with self.subTest("a scheme is of any case"):
            kiosk = self.payer(PATH)
            kiosk.authorization = kiosk.authorization.replace("Basic", "bAsIc")
            self.result(self.ask("check", kiosk, txn_id="1", account=self.account), 0)
        self.assertEqual(before, self.count("receipt"))

    def test_channels_that_are_not_there(self):
        with self.subTest("no secrets"):
            self.result(self.pay(self.payer("/pay/osmp/nothing")), 1, 401)
        with self.subTest("secrets of no channel"):
            self.result(self.pay(self.payer("/pay/osmp/nowhere")), 1, 404)
        with self.subTest("another protocol"):
            self.write_secrets({**self.secrets, "sberbank": self.secrets["qiwi"]})
            self.operator.put("/v1/channels/sberbank", {"protocol": "eps", "method": "bank_card"}).expect(200, 201)
            self.server.process.send_signal(signal.SIGHUP)
            sberbank = self.payer("/pay/osmp/sberbank")
            self.assertTrue(wait_for(lambda: self.pay(sberbank).status == 404))
            self.result(self.pay(sberbank), 1, 404)
        with self.subTest("a HEAD does not pay"):
            answer = self.kiosk.request("HEAD", query=f"command=pay&txn_id={self.txn_id}&account={self.account}&sum=1")
            self.assertEqual((405, b""), (answer.status, answer.body))
        with self.subTest("another method"):
            answer = self.kiosk.request("PUT", query="command=check", body="")
            self.result(answer, 1, 405)
            self.assertEqual("GET, POST", answer.headers["Allow"])
        self.assertEqual([], self.payments(self.account))

    def test_at_once(self):
        """The same payment from many connections: one receipt, and one answer."""
        kiosks = [self.payer(PATH) for _ in range(12)]
        with concurrent.futures.ThreadPoolExecutor(len(kiosks)) as pool:
            bodies = {answer.body for answer in pool.map(self.pay, kiosks)}
        self.assertEqual(1, len(bodies), bodies)
        self.assertEqual([("qiwi", f"qiwi:{self.txn_id}", 1045)], self.payments(self.account))


class Lost(PaymentsCase):
    """Answers that are lost after the commit: the server is killed when the payment is on the disk, and the kiosk,
    which has no answer, sends it again."""

    channels = {"qiwi": {"protocol": "osmp", "method": "qiwi"}}
    secrets = {"qiwi": {"user": USER, "password": PASSWORD}}

    def restarted(self, server=None):
        """A server on the books of one that was killed, or on new ones."""
        if server is None:
            server = self.start(self.folder / "lost.db", *self.flags)
        else:
            server = Server(server.database, *self.flags, tokens=server.tokens)
        self.addCleanup(lambda: server.kill() if server in Server.running else None)
        return server

    def test_counted_once(self):
        server = self.restarted()
        with server.client("admin") as admin:
            account = self.company(admin)
            self.make_channels(admin)
        for command, table in (("pay", "receipt"), ("cancel", "adjustment")):
            with self.subTest(command):
                fields = {"command": command, "txn_id": "777", "account": account, "sum": "5"}
                with Payer(server, PATH) as kiosk:
                    # Nobody reads the answer.
                    kiosk.connection.request("GET", f"{PATH}?{urllib.parse.urlencode(fields)}", headers={
                        "Authorization": kiosk.authorization, "Saldo-Now": NOW})
                    self.assertTrue(wait_for(lambda t=table: self.rows(server, t) == 1))
                    server.kill()
                server = self.restarted(server)
                with Payer(server, PATH) as kiosk:
                    first, second = kiosk.ask(**fields), kiosk.ask(**fields)
                self.assertEqual("0", first.fields["result"])
                self.assertEqual(first.body, second.body)
                self.assertEqual(1, self.rows(server, table))
        self.assertEqual([("qiwi", "qiwi:777", 500)], self.payments(account, self.client(server, "admin")))

    @staticmethod
    def rows(server, table):
        return peek(server.database, f"SELECT count(*) FROM {table}")[0][0]


if __name__ == "__main__":
    unittest.main()
