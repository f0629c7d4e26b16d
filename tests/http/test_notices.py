"""Notices by HTTP: the clock, the feed, the banner, what a top-up costs, and what the operator may change.

Seen to fail: a banner without the warnings.
"""

import datetime
import threading
import time
import unittest

from notices import NoticesCase, later
from server import NOW, TODAY, Server, daily_fee, day_plus, noon, saldod, wait_for


class Clock(NoticesCase):
    def test_the_first_run_posts_nothing_and_the_next_what_is_new(self):
        client = self.client(self.fresh(), "operator")
        account_id = self.company(client, admin_email="anna@romashka.example")
        self.assertIsNone(client.get("/v1/notice-clock").json["at"])
        self.assertEqual([], self.clock(NOW, client))
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 100, "method": "sbp"}).expect(201)
        [notice] = self.clock(later(1), client)
        self.assertEqual((account_id, "payment", later(1), 100), (notice["account_id"], notice["kind"], notice["at"],
                                                                  notice["amount"]))
        self.assertEqual([], self.clock(later(1), client))
        self.assertEqual({"at": later(1)}, client.get("/v1/notice-clock").json)
        self.refused(client.post("/v1/notice-clock", {"at": NOW}), 409, "conflict", later(1))
        self.refused(client.post("/v1/notice-clock", {"at": later(10)}, now=NOW), 422, "out_of_range", "at")
        self.assertEqual([notice], client.get("/v1/notices").json)

    def test_before_the_opening(self):
        client = self.client(self.fresh(), "operator")
        self.refused(client.post("/v1/notice-clock", {"at": "2026-10-31T20:59:59Z"}), 409, "conflict")
        self.assertIsNone(client.get("/v1/notice-clock").json["at"])

    def test_the_server_moves_it_by_itself(self):
        opening = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)).date().isoformat()
        server = self.fresh("--notice-every", "200ms", opening=opening)
        client = self.client(server, "operator")
        self.assertTrue(wait_for(lambda: client.get("/v1/notice-clock").json["at"]))
        account_id = self.company(client)
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 100, "method": "sbp"}).expect(201)
        [notice] = client.get("/v1/notices?wait=60").expect(200).json
        self.assertEqual("payment", notice["kind"])
        self.assertEqual(1, server.metric("saldo_notices_total"))

    def test_a_clock_that_is_ahead_is_told(self):
        server = self.fresh()
        self.client(server, "operator").post("/v1/notice-clock", now="9000-01-01T00:00:00Z").expect(200)
        server.stop()
        with Server(server.database, tokens=server.tokens) as another:
            health = self.client(another, None).get("/healthz").expect(503)
        self.assertIn("9000-01-01T00:00:00Z", health.json["detail"])


class Feed(NoticesCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock(cls(), NOW)

    def posted(self, count, at):
        account_id = self.company()
        for _ in range(count):
            self.admin.post(f"/v1/accounts/{account_id}/payments", {"amount": 100, "method": "sbp"}).expect(201)
        self.assertEqual(count, len(self.clock(at)))
        return account_id

    def last(self):
        return (self.sql("SELECT max(notice_id) FROM notice")[0][0]) or 0

    def test_pages_and_kinds(self):
        before = self.last()
        account_id = self.posted(5, later(1))
        pages = self.crm.pages(f"/v1/notices?after={before}&limit=2")
        self.assertEqual([2, 2, 1], [len(page) for page in pages])
        ids = [notice["notice_id"] for page in pages for notice in page]
        self.assertEqual(sorted(ids), ids)
        self.assertEqual(5, len(self.crm.get(f"/v1/notices?after={before}&kind=payment").json))
        self.assertEqual([], self.crm.get(f"/v1/notices?after={before}&kind=grace").json)
        self.refused(self.crm.get("/v1/notices?kind=happy"), 404, "not_found", "happy")
        newest_first = [notice["notice_id"] for page in self.crm.pages(f"/v1/accounts/{account_id}/notices?limit=2")
                        for notice in page]
        self.assertEqual(ids[::-1], newest_first)
        for notice in pages[0]:
            self.assertTrue(notice["subject"] and notice["body"], notice)

    def test_wait_ends_with_the_first_notice(self):
        after = self.last()
        found = []
        client = self.client(self.server, "crm", timeout=90)
        waiting = threading.Thread(target=lambda: found.append(client.get(f"/v1/notices?after={after}&wait=60").json))
        start = time.monotonic()
        waiting.start()
        self.posted(1, later(2))
        waiting.join(60)
        self.assertEqual(1, len(found[0]))
        self.assertLess(time.monotonic() - start, 50)

    def test_wait_of_a_row_that_is_there_and_of_none(self):
        self.posted(1, later(3))
        start = time.monotonic()
        self.assertEqual(1, len(self.crm.get("/v1/notices?limit=1&wait=60").json))
        self.assertLess(time.monotonic() - start, 30)
        self.assertEqual([], self.crm.get(f"/v1/notices?after={self.last()}&wait=1").json)
        self.assertGreaterEqual(time.monotonic() - start, 1)
        for wrong in ("-1", "61", "x", "", "1.5"):
            self.refused(self.crm.get(f"/v1/notices?wait={wrong}"), 422, "invalid", "wait")

    def test_a_quarter_of_the_connections_wait_at_once_and_the_end_wakes_them(self):
        server = self.fresh("--test-clock", "--max-connections", "12")
        answers = []

        def wait(client):
            # While the one below has a place, the third of these is answered at once, and asks again.
            waited = 0
            while waited < 5 and server.process.poll() is None:
                start = time.monotonic()
                try:
                    answer = client.get("/v1/notices?wait=60").json
                except OSError:
                    break
                waited = time.monotonic() - start
            answers.append(answer)

        clients = [self.client(server, "crm", timeout=90) for _ in range(3)]
        waiting = [threading.Thread(target=wait, args=(client,)) for client in clients]
        for thread in waiting:
            thread.start()
        # Whoever comes when three wait is answered at once.
        other = self.client(server, "crm", timeout=90)

        def is_answered_at_once():
            start = time.monotonic()
            other.get("/v1/notices?wait=3").expect(200)
            return time.monotonic() - start < 2.5

        self.assertTrue(wait_for(is_answered_at_once, seconds=30))
        self.assertEqual([], answers)
        start = time.monotonic()
        self.assertEqual(0, server.stop())
        for thread in waiting:
            thread.join(60)
        self.assertEqual([[], [], []], answers)
        self.assertLess(time.monotonic() - start, 45)


class Banner(NoticesCase):
    def banner(self, account_id, at):
        return self.crm.get(f"/v1/accounts/{account_id}/banner", now=at).expect(200).json

    def test_a_company_that_pays_late(self):
        account_id = self.company(trial_ends_on="2026-11-06")
        self.assertEqual((None, None, None, None), tuple(self.banner(account_id, NOW)[name] for name in (
            "kind", "severity", "subject", "body")))
        self.assertEqual("trial_ending", self.banner(account_id, noon("2026-11-05"))["kind"])
        self.assertEqual("trial_ended", self.banner(account_id, noon("2026-11-09"))["kind"])
        customer = self.customer(name="Ромашка & Co")
        # 14,000 kopecks pay two days of 6,633, and so last until Wednesday, a holiday.
        self.admin.post(f"/v1/accounts/{customer}/payments", {"amount": 14000, "method": "sbp"}).expect(201)
        low = self.banner(customer, NOW)
        self.assertEqual(("low_balance", "warning", "2026-11-02T09:00:00Z"), (low["kind"], low["severity"], low["at"]))
        self.assertTrue(low["subject"] and low["body"])
        restricted = self.banner(customer, noon("2026-11-05"))
        self.assertEqual(("restricted", "error"), (restricted["kind"], restricted["severity"]))
        self.assertEqual(1, restricted["promise_allowed"])
        self.assertGreater(restricted["top_up"], 0)
        self.admin.post(f"/v1/accounts/{customer}/payments", {"amount": 10**7, "method": "sbp"},
                        now=noon("2026-11-05")).expect(201)
        self.assertIsNone(self.banner(customer, noon("2026-11-05"))["kind"])
        self.admin.put(f"/v1/accounts/{customer}/terms", {"held": 1}, now=noon("2026-11-06")).expect(201)
        self.assertEqual("held", self.banner(customer, noon("2026-11-06"))["kind"])

    def test_grace_on_a_weekend(self):
        customer = self.customer()
        # Five days, to Friday.
        self.admin.post(f"/v1/accounts/{customer}/payments", {"amount": 33165, "method": "sbp"}).expect(201)
        self.assertEqual("grace", self.banner(customer, noon("2026-11-08"))["kind"])
        self.assertEqual("restricted", self.banner(customer, noon("2026-11-09"))["kind"])

    def test_nobody(self):
        self.refused(self.crm.get("/v1/accounts/4711/banner"), 404, "not_found", 4711)


class TopUp(NoticesCase):
    def test_it_is_the_least_payment_that_lasts(self):
        account_id = self.customer(employees=5)
        asked = self.crm.get(f"/v1/accounts/{account_id}/top-up").expect(200).json
        self.assertEqual({"account_id": account_id, "at": NOW, "until": "2026-12-31", "employees": 5},
                         {name: asked[name] for name in ("account_id", "at", "until", "employees")})
        self.assertEqual((daily_fee(199000, TODAY),) * 2, (asked["day_cost"], asked["day_cost_then"]))
        more = self.crm.get(f"/v1/accounts/{account_id}/top-up?until=2026-11-30&employees=8").expect(200).json
        self.assertEqual((8, daily_fee(199000, TODAY), daily_fee(349000, TODAY)),
                         (more["employees"], more["day_cost"], more["day_cost_then"]))
        soon = self.crm.get(f"/v1/accounts/{account_id}/top-up?until=2026-11-13").expect(200).json["top_up"]
        payments = f"/v1/accounts/{account_id}/payments"
        self.admin.post(payments, {"amount": soon - 1, "method": "sbp"}).expect(201)
        until = self.crm.get(f"/v1/accounts/{account_id}/access").json["lasts_until"]
        self.assertEqual("2026-11-12", until)
        self.admin.post(payments, {"amount": 1, "method": "sbp"}).expect(201)
        until = self.crm.get(f"/v1/accounts/{account_id}/access").json["lasts_until"]
        self.assertEqual("2026-11-13", until)
        self.assertEqual(0, self.crm.get(f"/v1/accounts/{account_id}/top-up?until=2026-11-13").json["top_up"])
        self.refused(self.crm.get(f"/v1/accounts/{account_id}/top-up?until=2026-11-01"), 422, "invalid", "until")
        self.refused(self.crm.get(f"/v1/accounts/{account_id}/top-up?until={day_plus('2026-11-02', 3651)}"), 422,
                     "out_of_range", "until")
        trial = self.company()
        self.assertIsNone(self.crm.get(f"/v1/accounts/{trial}/top-up").json["top_up"])


class WhatIsPosted(NoticesCase):
    """Deliveries come with their notice; here nothing sends them."""

    def test_by_email_and_webhooks(self):
        client = self.client(self.fresh(), "operator")
        self.assertEqual(1, client.get("/v1/notice-kinds/payment").json["by_email"])
        self.clock(NOW, client)
        client.put("/v1/webhooks/all", {"url": "https://crm.example/a"}).expect(201)
        client.put("/v1/webhooks/grace", {"url": "https://crm.example/g", "kinds": ["grace"]}).expect(201)
        first = self.paid(client, at=later(1))
        found = self.deliveries(client, account_id=first)
        self.assertEqual({("email", "anna@romashka.example"), ("all", "https://crm.example/a")},
                         {(each["channel"], each["recipient"]) for each in found})
        self.paid(client, at=later(2), admin_email=None)
        self.assertEqual(2, len(self.deliveries(client, channel="all")))
        self.assertEqual(1, len(self.deliveries(client, channel="email")))
        client.put("/v1/notice-kinds/payment", {"by_email": 0}).expect(200)
        third = self.paid(client, at=later(3))
        self.assertEqual(["all"], [each["channel"] for each in self.deliveries(client, account_id=third)])
        client.delete("/v1/webhooks/all").expect(204)
        self.assertEqual({"moot"}, {each["status"] for each in self.deliveries(client, channel="all")})
        fourth = self.paid(client, at=later(4))
        self.assertEqual([], self.deliveries(client, account_id=fourth))
        self.assertEqual(1, len(self.deliveries(client, status="waiting")))
        self.refused(client.get("/v1/deliveries?status=lost"), 422, "invalid", "lost")
        for query in ("", "&status=moot", "&channel=email", f"&account_id={first}"):
            whole = self.deliveries(client, **dict(each.split("=") for each in query[1:].split("&") if each))
            pages = client.pages(f"/v1/deliveries?limit=1{query}")
            self.assertEqual(whole, [delivery for page in pages for delivery in page])

    def test_a_dry_run_leaves_nothing(self):
        client = self.client(self.fresh(), "operator")
        self.clock(NOW, client)
        account_id = self.company(client, admin_email="anna@romashka.example")
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "sbp"}).expect(201)
        self.assertEqual(1, len(client.post("/v1/notice-clock?dry_run=true", {"at": later(1)}, now=later(1)).json))
        self.assertEqual([], client.get("/v1/notices").json)
        self.assertEqual([], self.deliveries(client))

    def test_the_order_of_an_account(self):
        server = self.fresh()
        client = self.client(server, "operator")
        self.clock(NOW, client)
        account_id = self.paid(client, count=3, at=later(1))
        turns = self.client(server, "admin").post("/v1/sql", {
            "sql": "SELECT in_turn FROM delivery WHERE account_id = ? ORDER BY notice_id", "params": [account_id]}).json
        self.assertEqual([[1], [0], [0]], turns["rows"])


class Operator(NoticesCase):
    def test_kinds(self):
        kinds = {each["kind"]: (each["severity"], each["by_email"]) for each in self.operator.get(
            "/v1/notice-kinds").json}
        self.assertEqual(("error", 1), kinds["restricted"])
        self.assertEqual(("info", 0), kinds["paused"])
        changed = self.operator.put("/v1/notice-kinds/paused", {"by_email": 1}).expect(200).json
        self.assertEqual(("paused", 1), (changed["kind"], changed["by_email"]))
        self.refused(self.operator.put("/v1/notice-kinds/happy", {"by_email": 1}), 404, "not_found")
        self.refused(self.operator.get("/v1/notice-kinds/happy"), 404, "not_found")

    def test_templates(self):
        client = self.client(self.fresh(), "operator")
        self.assertEqual({"ru", "en"}, {each["language"] for each in client.get("/v1/notice-templates").json})
        path = "/v1/notice-templates/payment/ru"
        self.refused(client.put(path, {"subject": "{colour}", "body": "x"}), 422, "invalid", "{colour}", "{name}")
        self.refused(client.put(path, {"subject": "a\r\nBcc: b@c", "body": "x"}), 422, "invalid", "subject")
        self.refused(client.put("/v1/notice-templates/payment/fr", {"subject": "x", "body": "x"}), 404, "not_found")
        client.put(path, {"subject": "Пришло {amount}", "body": "{name}: {{name}} {}"}).expect(200)
        self.clock(NOW, client)
        self.paid(client, amount=123456, name="{debt} {name}", at=later(1))
        [notice] = client.get("/v1/notices").json
        self.assertEqual("{debt} {name}: {{debt} {name}} {}", notice["body"])
        self.assertIn("1 234,56", notice["subject"].replace("\u00a0", " ").replace("\u202f", " "))


class Flags(NoticesCase):
    """A wrong one stops the start, and says what would be accepted."""

    def test_wrong_ones(self):
        database = self.folder / "flags.db"
        self.start(database).stop()
        password = self.folder / "empty"
        password.write_text("", encoding="utf-8")
        relay = ("--smtp", "smtp://localhost:25")
        sender = ("--mail-from", "billing@vendor.example")
        for flags, named in (
                (("--smtp", "localhost:25", *sender), "smtp://"),
                (("--smtp", "http://localhost:25", *sender), "smtp://"),
                (("--smtp", "smtp://", *sender), "smtp://"),
                (("--smtp", "smtp://user:password@localhost", *sender), "--smtp-user"),
                (("--smtp", "smtp://host:99999", *sender), "smtp://mail.example.org:587"),
                (("--smtp", "smtp://host:0", *sender), "smtp://mail.example.org:587"),
                (("--smtp", "smtp://host:", *sender), "smtp://mail.example.org:587"),
                (relay, "--mail-from"),
                ((*relay, "--mail-from", "Vendor"), "billing@example.org"),
                ((*relay, "--mail-from", "Vendor\r\nBcc: x <a@b>"), "billing@example.org"),
                (("--smtp-plain",), "--smtp"),
                (("--smtp", "smtps://localhost:465", "--smtp-plain", *sender), "smtp://"),
                ((*relay, *sender, "--smtp-user", "x"), "--smtp-password-file"),
                ((*relay, *sender, "--smtp-user", "x", "--smtp-password-file", str(self.folder / "none")), "none"),
                ((*relay, *sender, "--smtp-user", "x", "--smtp-password-file", str(password)), "first line"),
                (("--mail-hours", "9-20"), "00-24"),
                (("--mail-hours", "20-09"), "00-24"),
                (("--mail-rate", "-1"), "1000000"),
                (("--mail-redirect", "anna"), "anna@example.org"),
                (("--mail-redirect", "anna@example.org"), "--smtp URL or --mail-capture"),
                (sender, "--smtp URL or --mail-capture"),
                (("--mail-hours", "00-24"), "--smtp URL or --mail-capture"),
                (("--mail-rate", "1"), "--smtp URL or --mail-capture"),
                (("--smtp-user", "x", "--smtp-password-file", str(password)), "--smtp"),
                (("--smtp-password-file", str(password)), "--smtp"),
                *((("--smtp", f"smtp://{host}:25", "--smtp-plain", *sender), "smtp://localhost:25")
                  for host in ("mail.example.org", "10.0.0.1", "[2001:db8::1]", "localhost.example.org")),
                (("--test-clock", "--notice-every", "10s"), "--test-clock"),
                ((*relay, *sender, "--mail-capture"), "--mail-capture"),
                (("--notice-every", "60"), "10s")):
            with self.subTest(flags=flags):
                done = saldod("serve", "--database", database, "--listen", "127.0.0.1:0", *flags)
                self.assertNotEqual(0, done.returncode)
                self.assertIn(named, done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
