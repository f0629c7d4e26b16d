"""E-mails through a relay, which is aiosmtpd's and answers as a test tells it to.

Each test brings the next attempt forward, as an operator may, in place of waiting for it.

Seen to fail: what the relay says to QUIT taken for its answer; another address suspended than the refused one; what an
e-mail says not asked again; an attempt that is not given back while e-mail pauses.
"""

import datetime
import os
import threading
import unittest

from mail_server import Relay, certificate
from notices import AT_ONCE, SENDER, NoticesCase, later
from server import NOW, Server, alter, noon, wait_for


class MailCase(NoticesCase):
    def relay(self, **options):
        relay = Relay(**options)
        self.addCleanup(relay.stop)
        return relay

    def sending(self, relay, *flags):
        """A server that sends through the relay, in books where nothing has been posted yet; its operator's client."""
        server = self.fresh("--test-clock", "--smtp", relay.url, *(() if relay.tls else ("--smtp-plain",)),
                            "--mail-from", SENDER, *AT_ONCE, *flags)
        client = self.client(server, "operator")
        self.clock(NOW, client)
        return client

    def took(self, relay, count):
        self.assertTrue(wait_for(lambda: len(relay.mails) >= count, seconds=60), relay.steps)
        return relay.mails


class Sent(MailCase):
    def test_what_arrives_is_what_was_said(self):
        relay = self.relay()
        client = self.sending(relay)
        name = "ООО «Рога & Копыта» <b>\"😀\"</b> " + "и сыновья " * 30
        self.paid(client, name=name, amount=199000, at=later(1))
        [delivery] = self.settled(client, "sent")
        [mail] = self.took(relay, 1)
        self.assertEqual(("billing@vendor.example", ["anna@romashka.example"]), (mail.sender, mail.recipients))
        self.assertEqual(SENDER, str(mail.message["From"]))
        self.assertEqual("anna@romashka.example", str(mail.message["To"]))
        self.assertEqual(delivery["subject"], mail.subject)
        self.assertEqual(delivery["body"], mail.part("plain").rstrip("\n"))
        self.assertIn("&lt;b&gt;&quot;😀&quot;&lt;/b&gt;", mail.part("html"))
        self.assertNotIn("<b>", mail.part("html"))
        self.assertEqual("auto-generated", mail.message["Auto-Submitted"])
        self.assertEqual(f"<notice-{delivery['notice_id']}.email@vendor.example>", mail.id)
        self.assertEqual("multipart/alternative", mail.message.get_content_type())
        self.assertEqual([], [line for line in mail.bytes.split(b"\r\n") if len(line) > 998])
        self.assertTrue(all(byte < 128 for byte in mail.bytes))
        self.assertEqual((1, "250 2.0.0 OK: taken"), (delivery["attempts"], delivery["detail"]))
        self.assertIsNotNone(mail.message["Date"])

    def test_names_and_addresses_begin_no_header(self):
        relay = self.relay()
        client = self.sending(relay)
        for name in ("a\r\nBcc: eve@example.org", "a\nX: y", "a\r\n\r\nbody", "x" * 10000, "<script>alert(1)</script>"):
            self.paid(client, name=name, at=later(1))
        for mail in self.took(relay, 5):
            self.assertEqual(["anna@romashka.example"], mail.recipients)
            self.assertEqual({"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
                              "Mime-Version"}, set(mail.message.keys()))
            self.assertNotIn("<script>", mail.part("html"))
        self.settled(client, "sent", 5)
        addresses = ("anna@a.example\r\nRCPT TO:<eve@example.org>", "a@b.example, c@d.example", "<a@b.example>",
                     "anna", "", "a@" + "b" * 300, "a b@c.example")
        for address in addresses:
            self.paid(client, admin_email=address, at=later(2))
        for delivery in self.settled(client, "failed", len(addresses)):
            self.assertIn("not one address", delivery["detail"])
        self.assertEqual(5, relay.count("body"))

    def test_an_account_s_go_in_order_and_a_slow_one_holds_up_no_other(self):
        relay = self.relay()
        release = threading.Event()
        self.addCleanup(release.set)
        relay.answers["rcpt"] = lambda envelope: release if envelope.rcpt_tos == ["slow@romashka.example"] else None
        client = self.sending(relay)
        for _ in range(12):
            self.paid(client, admin_email="slow@romashka.example", at=later(1))
        self.assertTrue(wait_for(lambda: relay.count("rcpt") == 12, seconds=60), relay.steps)
        order = self.paid(client, count=5, at=later(2))
        self.settled(client, "sent", 5, account_id=order)
        self.assertEqual([], [mail for mail in relay.mails if mail.to.startswith("slow")])
        notices = [each["notice_id"] for each in self.deliveries(client, account_id=order)]
        self.assertEqual([f"<notice-{notice}.email@vendor.example>" for notice in sorted(notices)],
                         [mail.id for mail in relay.mails])
        release.set()
        self.settled(client, "sent", 17)

    def test_redirect_and_capture(self):
        relay = self.relay()
        client = self.sending(relay, "--mail-redirect", "trial@vendor.example")
        self.paid(client, at=later(1))
        self.assertEqual(["trial@vendor.example"], self.took(relay, 1)[0].recipients)
        # What is refused there is refused to no account.
        relay.answers["rcpt"] = "550 5.1.1 nobody"
        self.paid(client, count=2, at=later(2))
        failed = self.settled(client, "failed", 2)
        self.assertEqual([(1, "550 5.1.1 nobody")] * 2, [(each["attempts"], each["detail"]) for each in failed])
        relay.answers = {}
        self.paid(client, at=later(3))
        self.settled(client, "sent", 2)
        server = self.fresh("--test-clock", "--mail-capture")
        client = self.client(server, "operator")
        self.clock(NOW, client)
        self.paid(client, count=2, at=later(1))
        for delivery in self.settled(client, "captured", 2):
            self.assertEqual((0, "anna@romashka.example"), (delivery["attempts"], delivery["recipient"]))
            self.assertTrue(delivery["subject"] and delivery["body"])

    def test_without_a_relay_they_wait(self):
        client = self.client(self.fresh(), "operator")
        self.clock(NOW, client)
        self.paid(client, at=later(1))
        self.assertEqual(["waiting"], [each["status"] for each in self.deliveries(client)])
        self.refused(client.post("/v1/mail/test", {"to": "anna@romashka.example"}), 409, "conflict", "--smtp")

    def test_a_test_mail(self):
        relay = self.relay()
        client = self.sending(relay)
        answer = client.post("/v1/mail/test", {"to": "anna@romashka.example"}).expect(200).json
        self.assertEqual((1, "250 2.0.0 OK: taken"), (answer["sent"], answer["detail"]))
        self.assertEqual("anna@romashka.example", relay.mails[0].to)
        before = len(relay.steps)
        self.refused(client.post("/v1/mail/test", {"to": "anna@romashka.example"}, key="a"), 400, "malformed",
                     "Idempotency-Key", "again")
        self.assertEqual(before, len(relay.steps))
        relay.answers["rcpt"] = "550 5.1.1 nobody"
        answer = client.post("/v1/mail/test", {"to": "anna@romashka.example"}).expect(200).json
        self.assertEqual((0, "550 5.1.1 nobody"), (answer["sent"], answer["detail"]))
        self.refused(client.post("/v1/mail/test", {"to": "a@b\r\nx"}), 422, "invalid", "to")


class Refused(MailCase):
    def test_for_now_at_each_step(self):
        relay = self.relay()
        client = self.sending(relay)
        self.paid(client, at=later(1))
        [delivery] = self.settled(client, "sent")
        attempts = {}
        for step in ("greet", "mail", "rcpt", "data", "body"):
            for code in (421, 451):
                with self.subTest(step=step, code=code):
                    relay.answers = {step: f"{code} 4.0.0 come later"}
                    account_id = self.paid(client, at=later(len(attempts) + 2))
                    delivery = self.attempted(client, account_id=account_id)
                    self.assertEqual(("waiting", 1), (delivery["status"], delivery["attempts"]))
                    attempts[account_id] = delivery["notice_id"]
        relay.answers = {}
        for account_id in attempts:
            self.again(client, self.deliveries(client, account_id=account_id)[0]).expect(200)
        self.settled(client, "sent", 11)
        sent = [mail.id for mail in relay.mails]
        self.assertEqual(sorted(set(sent)), sorted(sent))

    def test_the_waits_between_attempts(self):
        relay = self.relay()
        relay.answers["rcpt"] = "451 4.0.0 come later"
        client = self.sending(relay)
        self.paid(client, at=later(1))
        for attempt, minutes in enumerate((1, 5, 15, 60, 180, 180), 1):
            delivery = self.attempted(client, attempt)
            waited = wait_between(delivery["since"], delivery["next_at"])
            if attempt == 1:
                self.assertAlmostEqual(minutes * 60, waited, delta=30)
            self.assertEqual(attempt, delivery["attempts"])
            # As if the first attempt had been that long ago; then the next one is made.
            alter(client.server.database, "UPDATE delivery SET next_at = NULL, detail = NULL")
        self.attempted(client, 7)
        alter(client.server.database, "UPDATE delivery SET next_at = NULL, detail = NULL, "
              "since = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-4 days')")
        [delivery] = self.settled(client, "failed")
        self.assertEqual("451 4.0.0 come later", delivery["detail"])

    def test_the_address_for_good(self):
        relay = self.relay()
        relay.answers["rcpt"] = "550 5.1.1 nobody here"
        client = self.sending(relay)
        account_id = self.paid(client, count=2, at=later(1))
        failed = self.settled(client, "failed", 2)
        self.assertEqual("550 5.1.1 nobody here", failed[0]["detail"])
        self.assertIn("550 5.1.1 nobody here", failed[1]["detail"])
        self.assertEqual((1, 0), (failed[0]["attempts"], failed[1]["attempts"]))
        self.assertEqual(1, relay.count("rcpt"))
        # Until the operator retries, which goes for the address, or it changes.
        relay.answers = {}
        self.again(client, failed[1]).expect(200)
        self.again(client, failed[0]).expect(200)
        self.settled(client, "sent", 2)
        relay.answers["rcpt"] = "550 5.1.1 nobody here"
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "sbp"}).expect(201)
        self.clock(later(2), client)
        self.settled(client, "failed", 1)
        relay.answers = {}
        client.patch(f"/v1/accounts/{account_id}", {"admin_email": "boris@romashka.example"}).expect(200)
        client.patch(f"/v1/accounts/{account_id}", {"admin_email": "anna@romashka.example"}).expect(200)
        client.post(f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "sbp"}).expect(201)
        self.clock(later(3), client)
        sent = self.settled(client, "sent", 3)
        self.refused(self.again(client, sent[0]), 409, "conflict", "sent")

    def test_the_mail_for_good(self):
        for step in ("data", "body"):
            relay = self.relay()
            relay.answers[step] = "554 5.7.1 this is spam"
            client = self.sending(relay)
            account_id = self.paid(client, at=later(1))
            [delivery] = self.settled(client, "failed")
            self.assertEqual((1, "554 5.7.1 this is spam"), (delivery["attempts"], delivery["detail"]))
            relay.answers = {}
            client.post(f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "sbp"}).expect(201)
            self.clock(later(2), client)
            self.settled(client, "sent")

    def test_gone_after_the_dot(self):
        relay = self.relay()
        relay.answers["body"] = "drop"
        client = self.sending(relay)
        self.paid(client, at=later(1))
        delivery = self.attempted(client)
        self.assertEqual(("waiting", 1), (delivery["status"], delivery["attempts"]))
        relay.answers = {}
        self.again(client, delivery).expect(200)
        self.settled(client, "sent")
        first, second = self.took(relay, 2)
        self.assertEqual((first.id, first.subject, first.part("plain"), str(first.message["Date"])),
                         (second.id, second.subject, second.part("plain"), str(second.message["Date"])))

    def test_a_kept_connection_that_is_gone_costs_no_attempt(self):
        for answer in ("421 4.3.2 one mail a connection", "drop"):
            relay = self.relay()
            relay.answers["mail"] = lambda envelope, answer=answer: answer if envelope.mails_before else None
            client = self.sending(relay)
            self.paid(client, count=8, at=later(1))
            self.assertEqual([1] * 8, [each["attempts"] for each in self.settled(client, "sent", 8)])

    def test_the_relay_is_not_there(self):
        relay = Relay()
        port = relay.port
        client = self.sending(relay)
        relay.stop()
        self.paid(client, at=later(1))
        delivery = self.attempted(client)
        self.assertEqual("waiting", delivery["status"])
        relay = self.relay(port=port)
        self.again(client, delivery).expect(200)
        self.settled(client, "sent")

    def test_our_own_configuration_pauses_all(self):
        relay = self.relay(user="billing", password="right")
        password = self.folder / "password"
        password.write_text("wrong-secret\n", encoding="utf-8")
        flags = ("--smtp-user", "billing", "--smtp-password-file", str(password))
        client = self.sending(relay, *flags)
        self.paid(client, count=2, at=later(1))
        self.paid(client, at=later(2))
        paused = wait_for(lambda: client.get("/healthz").expect(200).json["mail_paused"], seconds=60)
        self.assertIn("535", paused)
        self.assertEqual(1, client.server.metric("saldo_mail_paused"))
        # The attempts under way when it was found out are given back.
        self.assertTrue(wait_for(lambda: {each["attempts"] for each in self.deliveries(client)} == {0}, seconds=60))
        self.assertEqual({"waiting"}, {each["status"] for each in self.deliveries(client)})
        self.assertEqual(0, relay.count("body"))
        self.assertLessEqual(relay.count("auth"), 4)
        self.assertNotIn("wrong-secret", client.server.log() + str(self.deliveries(client)) + paused)
        # Mended, all of them go.
        password.write_text("right\n", encoding="utf-8")
        database, tokens = client.server.database, client.server.tokens
        client.server.stop()
        server = Server(database, "--test-clock", "--smtp", relay.url, "--smtp-plain", "--mail-from", SENDER, *AT_ONCE,
                        *flags, tokens=tokens)
        self.addCleanup(server.__exit__, None)
        client = self.client(server, "operator")
        for delivery in self.deliveries(client):
            self.again(client, delivery).expect(200, 409)  # 409: it is sent already
        self.settled(client, "sent", 3)
        self.assertIsNone(client.get("/healthz").json["mail_paused"])

    def test_a_sender_that_is_refused(self):
        relay = self.relay()
        relay.answers["mail"] = "550 5.7.1 not your domain"
        client = self.sending(relay)
        self.paid(client, at=later(1))
        self.assertEqual("550 5.7.1 not your domain",
                         wait_for(lambda: client.get("/healthz").json["mail_paused"], seconds=60))
        self.assertTrue(wait_for(lambda: self.deliveries(client)[0]["attempts"] == 0))
        relay.answers = {}
        self.assertEqual(1, client.post("/v1/mail/test", {"to": "anna@romashka.example"}).json["sent"])
        self.assertIsNone(client.get("/healthz").json["mail_paused"])
        self.again(client, self.deliveries(client)[0]).expect(200)
        self.settled(client, "sent")


class Encrypted(MailCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority, cls.context = certificate(cls.folder)
        os.environ["SSL_CERT_FILE"] = cls.authority
        cls.addClassCleanup(os.environ.pop, "SSL_CERT_FILE")

    def test_starttls_and_auth(self):
        password = self.folder / "right"
        password.write_text("päss word\n", encoding="utf-8")
        relay = self.relay(tls=self.context, user="billing", password="päss word")
        client = self.sending(relay, "--smtp-user", "billing", "--smtp-password-file", str(password))
        self.paid(client, count=2, at=later(1))
        self.settled(client, "sent", 2)
        self.assertIn(relay.count("auth"), (1, 2))  # once a connection

    def test_starttls_withheld(self):
        relay = self.relay()
        server = self.fresh("--test-clock", "--smtp", relay.url, "--mail-from", SENDER, *AT_ONCE)
        client = self.client(server, "operator")
        self.clock(NOW, client)
        self.paid(client, at=later(1))
        delivery = self.attempted(client)
        self.assertEqual("waiting", delivery["status"])
        self.assertEqual(0, relay.count("mail"))

    def test_a_certificate_of_somebody_else(self):
        relay = self.relay(tls=self.context)
        folder = self.folder / "other"
        folder.mkdir(exist_ok=True)
        os.environ["SSL_CERT_FILE"] = certificate(folder)[0]
        try:
            client = self.sending(relay)
        finally:
            os.environ["SSL_CERT_FILE"] = self.authority
        self.paid(client, at=later(1))
        delivery = self.attempted(client)
        self.assertIn("certificate", delivery["detail"])
        self.assertEqual([], relay.mails)


class Moot(MailCase):
    """What it says is asked again before it is sent, at the instant of notice_clock."""

    def shut_out(self, client, **company):
        """A customer whose employees cannot work from Tuesday on."""
        return self.customer(client, **{"admin_email": "anna@romashka.example", **company})

    def test_a_state_that_is_over(self):
        server = self.fresh()
        client = self.client(server, "operator")
        self.clock(NOW, client)
        paid, not_paid = self.shut_out(client), self.shut_out(client)
        self.clock(noon("2026-11-03"), client)
        client.post(f"/v1/accounts/{paid}/payments", {"amount": 10**6, "method": "sbp"},
                    now=noon("2026-11-03")).expect(201)
        self.clock("2026-11-03T09:05:00Z", client)
        database, tokens = server.database, server.tokens
        server.stop()
        relay = self.relay()
        server = Server(database, "--test-clock", "--smtp", relay.url, "--smtp-plain", "--mail-from", SENDER, *AT_ONCE,
                        tokens=tokens)
        self.addCleanup(server.__exit__, None)
        client = self.client(server, "operator")
        self.settled(client, "sent", 3)
        kinds = [(each["account_id"], each["kind"], each["status"]) for each in self.deliveries(client)]
        self.assertIn((paid, "restricted", "moot"), kinds)
        self.assertIn((paid, "payment", "sent"), kinds)
        self.assertIn((paid, "active", "sent"), kinds)
        self.assertIn((not_paid, "restricted", "sent"), kinds)
        self.assertEqual(3, len(relay.mails))

    def test_a_warning_and_a_reminder(self):
        server = self.fresh()
        client = self.client(server, "operator")
        self.clock(NOW, client)
        warned = self.shut_out(client)
        client.post(f"/v1/accounts/{warned}/payments", {"amount": 20000, "method": "sbp"}).expect(201)
        reminded = self.shut_out(client)
        self.clock(later(1), client)
        for day in ("2026-11-03", "2026-11-09", "2026-11-17"):
            self.clock(noon(day), client)
        client.post(f"/v1/accounts/{reminded}/payments", {"amount": 10**7, "method": "sbp"},
                    now=noon("2026-11-17")).expect(201)
        database, tokens = server.database, server.tokens
        server.stop()
        relay = self.relay()
        server = Server(database, "--test-clock", "--smtp", relay.url, "--smtp-plain", "--mail-from", SENDER, *AT_ONCE,
                        tokens=tokens)
        self.addCleanup(server.__exit__, None)
        client = self.client(server, "operator")
        self.assertTrue(wait_for(lambda: not self.deliveries(client, status="waiting"), seconds=60))
        status = {(each["account_id"], each["kind"]): each["status"] for each in self.deliveries(client)}
        self.assertEqual("moot", status[warned, "low_balance"])
        self.assertEqual("moot", status[reminded, "restricted"])
        self.assertEqual("moot", status[reminded, "reminder"])
        self.assertEqual("sent", status[warned, "reminder"])
        self.assertEqual("sent", status[warned, "payment"])

    def test_too_old(self):
        """Setting up the relay starts no storm; this clock is the real one."""
        opening = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=20)).date().isoformat()
        server = self.fresh(opening=opening)
        client = self.client(server, "operator")

        def day(days):
            instant = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
            return instant.strftime("%Y-%m-%dT%H:%M:%SZ")

        self.clock(day(10), client)
        account_id = self.company(client, admin_email="anna@romashka.example", registered_on=opening)
        for days in (5, 3):
            client.post(f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "sbp"},
                        now=day(days)).expect(201)
            self.clock(day(days), client)
        database, tokens = server.database, server.tokens
        server.stop()
        relay = self.relay()
        server = Server(database, "--smtp", relay.url, "--smtp-plain", "--mail-from", SENDER, *AT_ONCE, tokens=tokens)
        self.addCleanup(server.__exit__, None)
        client = self.client(server, "operator")
        self.settled(client, "sent")
        self.assertEqual([("moot", "too old: no relay took it within 4 days"), ("sent", "250 2.0.0 OK: taken")],
                         [(each["status"], each["detail"]) for each in self.deliveries(client)])


def wait_between(earlier, afterwards):
    first, second = (datetime.datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (earlier, afterwards))
    return (second - first).total_seconds()


if __name__ == "__main__":
    unittest.main()
