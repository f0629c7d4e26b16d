"""Webhooks by the Standard Webhooks specification: signatures, order, repetition, and where they may go.

Seen to fail: 410 taken for any failure; secrets that never expire; `failing_since` that begins anew with each failure;
a short `Retry-After` that is heeded; a retry of what is under way; an outcome given up after 20 tries; a stop that
takes again and again what it has ended; a message without a signature.
"""

import base64
import hashlib
import hmac
import sqlite3
import threading
import time
import unittest

from notices import NoticesCase, later
from receiver import Receiver
from server import NOW, alter, wait_for
from test_mail import wait_between


def signature(secret, request):
    """By the specification, on its own."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    content = b".".join((request["headers"]["webhook-id"].encode(), request["headers"]["webhook-timestamp"].encode(),
                         request["body"]))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def waiting_figures(server):
    """What /metrics says of the deliveries that wait."""
    with server.client() as client:
        lines = client.get("/metrics").expect(200).text.splitlines()
    return "\n".join(line for line in lines
                     if line.startswith(("saldo_waiting_deliveries{", "saldo_oldest_delivery_seconds{")))


class WebhookCase(NoticesCase):
    def receiver(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        return receiver

    def sending(self, *flags):
        client = self.client(self.fresh("--test-clock", *(flags or ("--webhook-allow-private",))), "operator")
        self.clock(NOW, client)
        return client

    def got(self, receiver, count):
        self.assertTrue(wait_for(lambda: len(receiver.got) >= count, seconds=60), receiver.got)
        return receiver.got


class Signatures(WebhookCase):
    def test_what_arrives(self):
        receiver, client = self.receiver(), self.sending()
        made = client.put("/v1/webhooks/crm", {"url": f"{receiver.url}/notices?a=b", "kinds": ["payment", "grace"]})
        made = made.expect(201).json
        self.assertEqual(["payment", "grace"], made["kinds"])
        self.assertRegex(made["secret"], r"^whsec_[A-Za-z0-9+/]{43}=$")
        before = time.time()
        self.paid(client, name="Ромашка \"😀\"", amount=123, at=later(1))
        [request] = self.got(receiver, 1)
        [notice] = client.get("/v1/notices").json
        self.assertEqual("/notices?a=b", request["path"])
        self.assertEqual("application/json", request["headers"]["Content-Type"])
        self.assertEqual(f"notice_{notice['notice_id']}", request["headers"]["webhook-id"])
        self.assertAlmostEqual(before, int(request["headers"]["webhook-timestamp"]), delta=60)
        self.assertEqual(signature(made["secret"], request), request["headers"]["webhook-signature"])
        self.assertEqual({"type": "notice.payment", "timestamp": later(1), "data": notice}, request["json"])
        [delivery] = self.settled(client, "sent", channel="crm")
        self.assertEqual((1, "HTTP 204"), (delivery["attempts"], delivery["detail"]))
        for answer in (client.get("/v1/webhooks/crm"), client.get("/v1/webhooks"), client.get("/v1/deliveries"),
                       client.put("/v1/webhooks/crm", {"url": receiver.url})):
            self.assertNotIn(made["secret"], answer.expect(200).text)
        self.assertNotIn(made["secret"], client.server.log())

    def test_rotation(self):
        receiver, client = self.receiver(), self.sending()
        first = client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201).json["secret"]
        rotated = client.post("/v1/webhooks/crm/rotate", {}, now=later(1)).expect(201, 200).json
        second = rotated["secret"]
        self.assertNotEqual(first, second)
        self.assertEqual("2026-11-03T09:01:00Z", rotated["previous_expires_at"])
        self.paid(client, at=later(2))
        request = self.got(receiver, 1)[0]
        self.assertEqual(f"{signature(second, request)} {signature(first, request)}",
                         request["headers"]["webhook-signature"])
        # The first one has expired then.
        self.paid(client, at="2026-11-03T09:01:00Z")
        request = self.got(receiver, 2)[1]
        self.assertEqual(signature(second, request), request["headers"]["webhook-signature"])
        third = client.post("/v1/webhooks/crm/rotate", {}, now="2026-11-03T10:00:00Z").json["secret"]
        self.paid(client, at="2026-11-03T10:01:00Z")
        request = self.got(receiver, 3)[2]
        self.assertEqual(f"{signature(third, request)} {signature(second, request)}",
                         request["headers"]["webhook-signature"])
        self.refused(client.post("/v1/webhooks/nobody/rotate", {}), 404, "not_found", "nobody")

    def test_a_test(self):
        receiver, client = self.receiver(), self.sending()
        secret = client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201).json["secret"]
        answer = client.post("/v1/webhooks/crm/test", {}).expect(200).json
        self.assertEqual({"name": "crm", "sent": 1, "status": 204, "detail": "HTTP 204"}, answer)
        [request] = receiver.got
        self.assertEqual("notice.test", request["json"]["type"])
        self.assertEqual(signature(secret, request), request["headers"]["webhook-signature"])
        receiver.stop()
        answer = client.post("/v1/webhooks/crm/test", {}).expect(200).json
        self.assertEqual((0, None), (answer["sent"], answer["status"]))
        self.refused(client.post("/v1/webhooks/nobody/test", {}), 404, "not_found", "nobody")
        before = len(receiver.got)
        self.refused(client.post("/v1/webhooks/crm/test", {}, key="a"), 400, "malformed", "Idempotency-Key", "again")
        self.assertEqual(before, len(receiver.got))


class Attempts(WebhookCase):
    def hooked(self, answer=None):
        receiver, client = self.receiver(), self.sending()
        if answer:
            receiver.answer = answer
        client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201)
        return receiver, client

    def test_again_with_the_same_body_and_then_in_order(self):
        receiver, client = self.hooked(lambda _request: (500, {}))
        account_id = self.paid(client, count=3, at=later(1))
        delivery = self.attempted(client, channel="crm")
        self.assertEqual("HTTP 500", delivery["detail"])
        self.assertAlmostEqual(5, wait_between(delivery["since"], delivery["next_at"]), delta=5)
        other = self.paid(client, at=later(2))
        self.assertTrue(wait_for(lambda: any(request["json"]["data"]["account_id"] == other
                                             for request in receiver.got), seconds=60))
        receiver.answer = lambda _request: (200, {})
        for delivery in self.deliveries(client, status="waiting", channel="crm"):
            self.again(client, delivery).expect(200)
        self.settled(client, "sent", 4, channel="crm")
        of_account = [request for request in receiver.got if request["json"]["data"]["account_id"] == account_id]
        ids = [request["headers"]["webhook-id"] for request in of_account]
        self.assertEqual(sorted(ids, key=lambda each: int(each.split("_")[1])), ids)
        self.assertEqual(3, len(set(ids)))
        first = [request["body"] for request in of_account if request["headers"]["webhook-id"] == ids[0]]
        self.assertEqual(1, len(set(first)))

    def test_ten_attempts_then_the_account_s_next(self):
        receiver, client = self.hooked(lambda request: (500 if request["json"]["data"]["amount"] == 1 else 200, {}))
        account_id = self.company(client)
        for amount in (1, 2):
            client.post(f"/v1/accounts/{account_id}/payments", {"amount": amount, "method": "sbp"}).expect(201)
        self.clock(later(1), client)
        for attempt in range(1, 10):
            self.attempted(client, attempt)
            alter(client.server.database, "UPDATE delivery SET next_at = NULL, detail = NULL WHERE status = 'waiting' "
                  "AND in_turn = 1")
        [failed] = self.settled(client, "failed")
        self.assertEqual(10, failed["attempts"])
        self.settled(client, "sent")
        self.assertEqual(11, len(receiver.got))

    def test_gone(self):
        receiver, client = self.hooked(lambda _request: (410, {}))
        self.paid(client, count=2, at=later(1))
        self.settled(client, "failed")
        webhook = client.get("/v1/webhooks/crm").json
        self.assertIsNotNone(webhook["disabled_at"])
        self.assertEqual("HTTP 410", webhook["detail"])
        self.paid(client, at=later(2))
        self.assertEqual(2, len(self.deliveries(client, channel="crm")))
        # The other one waits for an operator, and is no backlog.
        self.assertEqual(1, len(self.deliveries(client, channel="crm", status="waiting")))
        self.assertNotIn('channel="crm"', waiting_figures(client.server))
        receiver.answer = lambda _request: (200, {})
        enabled = client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(200).json
        self.assertEqual((None, None, None), (enabled["disabled_at"], enabled["detail"], enabled["secret"]))
        self.settled(client, "sent", channel="crm")
        self.assertEqual(2, len(receiver.got))

    def test_retry_after(self):
        for status in (429, 503):
            receiver, client = self.hooked(lambda _request, status=status: (status, {"Retry-After": "1200"}))
            self.paid(client, at=later(1))
            delivery = self.attempted(client, channel="crm")
            self.assertAlmostEqual(1200, wait_between(delivery["since"], delivery["next_at"]), delta=30)
            # One that asks for less than the schedule has is not attempted sooner for that.
            receiver.answer = lambda _request, status=status: (status, {"Retry-After": "1"})
            alter(client.server.database, "UPDATE delivery SET next_at = NULL, detail = NULL, "
                  "since = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')")
            delivery = self.attempted(client, 2, channel="crm")
            self.assertAlmostEqual(300, wait_between(delivery["since"], delivery["next_at"]), delta=30)

    def test_one_under_way_is_not_attempted_again(self):
        release = threading.Event()
        self.addCleanup(release.set)
        receiver, client = self.hooked(lambda _request: (release.wait(60) and 204 or 204, {}))
        self.paid(client, at=later(1))
        self.got(receiver, 1)
        [delivery] = self.deliveries(client, channel="crm")
        self.refused(self.again(client, delivery), 409, "conflict", delivery["next_at"])
        release.set()
        [delivery] = self.settled(client, "sent", channel="crm")
        self.assertEqual((1, 1), (delivery["attempts"], len(receiver.got)))

    def test_a_stop_ends_what_is_under_way_once(self):
        release = threading.Event()
        self.addCleanup(release.set)
        receiver, client = self.hooked(lambda _request: (release.wait(60) and 204 or 204, {}))
        self.paid(client, at=later(1))
        self.got(receiver, 1)
        self.assertEqual(0, client.server.stop())
        rows = sqlite3.connect(client.server.database).execute(
            "SELECT status, attempts, next_at IS NOT NULL FROM delivery WHERE channel = 'crm'").fetchall()
        self.assertEqual([("waiting", 1, 1)], rows)
        self.assertEqual(1, len(receiver.got))

    def test_what_came_of_it_is_kept_until_it_can_be_written(self):
        """Another program holds the database for longer than a server would rather wait."""
        release = threading.Event()
        self.addCleanup(release.set)
        receiver = self.receiver()
        receiver.answer = lambda _request: (release.wait(60) and 204 or 204, {})
        client = self.sending("--webhook-allow-private", "--busy-timeout", "50ms")
        client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201)
        self.paid(client, at=later(1))
        self.got(receiver, 1)
        other = sqlite3.connect(client.server.database, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        release.set()
        self.assertTrue(wait_for(lambda: client.server.log().count("settling delivery") > 25, seconds=120))
        other.execute("ROLLBACK")
        [delivery] = self.settled(client, "sent", channel="crm")
        self.assertEqual((1, 1), (delivery["attempts"], len(receiver.got)))

    def test_a_webhook_without_a_valid_secret(self):
        receiver, client = self.hooked()
        alter(client.server.database, "DELETE FROM webhook_secret")
        self.paid(client, at=later(1))
        delivery = self.attempted(client, channel="crm")
        self.assertIn("rotate", delivery["detail"])
        self.assertEqual(("waiting", 1), (delivery["status"], delivery["attempts"]))
        answer = client.post("/v1/webhooks/crm/test", {}).expect(200).json
        self.assertEqual((0, None), (answer["sent"], answer["status"]))
        self.assertIn("rotate", answer["detail"])
        self.assertEqual([], receiver.got)
        secret = client.post("/v1/webhooks/crm/rotate", {}).expect(200).json["secret"]
        self.again(client, delivery).expect(200)
        self.settled(client, "sent", channel="crm")
        self.assertEqual(signature(secret, receiver.got[0]), receiver.got[0]["headers"]["webhook-signature"])

    def test_redirects_are_not_followed(self):
        other = self.receiver()
        receiver, client = self.hooked(lambda _request: (307, {"Location": other.url}))
        self.paid(client, at=later(1))
        delivery = self.attempted(client, channel="crm")
        self.assertEqual("HTTP 307; redirects are not followed", delivery["detail"])
        self.assertEqual((1, 0), (len(receiver.got), len(other.got)))

    def test_a_slow_one_holds_up_no_other(self):
        release = threading.Event()
        self.addCleanup(release.set)
        slow, client = self.hooked(lambda _request: (release.wait(60) and 200 or 200, {}))
        fast = self.receiver()
        client.put("/v1/webhooks/fast", {"url": fast.url}).expect(201)
        self.paid(client, count=3, at=later(1))
        self.settled(client, "sent", 3, channel="fast")
        self.assertEqual([], self.deliveries(client, channel="crm", status="sent"))
        # After 15 s it counts as not answered.
        delivery = self.attempted(client, channel="crm")
        self.assertEqual(("waiting", 1), (delivery["status"], delivery["attempts"]))
        self.assertEqual(1, len(slow.got))

    def test_without_a_success_for_75_hours(self):
        receiver, client = self.hooked(lambda _request: (500, {}))
        self.paid(client, at=later(1))
        self.attempted(client, channel="crm")
        self.assertIsNotNone(client.get("/v1/webhooks/crm").json["failing_since"])
        alter(client.server.database, "UPDATE webhook SET failing_since = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', "
              "'-74 hours')")
        since = client.get("/v1/webhooks/crm").json["failing_since"]
        self.again(client, self.deliveries(client, channel="crm")[0]).expect(200)
        self.attempted(client, 2, channel="crm")
        webhook = client.get("/v1/webhooks/crm").json
        self.assertEqual((since, None), (webhook["failing_since"], webhook["disabled_at"]))
        alter(client.server.database, "UPDATE webhook SET failing_since = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', "
              "'-75 hours')")
        self.again(client, self.deliveries(client, channel="crm")[0]).expect(200)
        self.assertTrue(wait_for(lambda: client.get("/v1/webhooks/crm").json["disabled_at"], seconds=60))
        self.assertEqual(3, len(receiver.got))


class WhereTo(WebhookCase):
    def test_not_to_this_machine(self):
        receiver = self.receiver()
        client = self.sending("--mail-capture")
        self.refused(client.put("/v1/webhooks/crm", {"url": receiver.url}), 422, "invalid", "https")
        port = receiver.server.server_port
        for name, url in (("loopback", f"https://127.0.0.1:{port}"), ("by-name", f"https://localhost:{port}"),
                          ("ipv6", f"https://[::1]:{port}"), ("mapped", f"https://[::ffff:127.0.0.1]:{port}"),
                          ("number", f"https://2130706433:{port}"), ("private", "https://10.1.2.3")):
            client.put(f"/v1/webhooks/{name}", {"url": url}).expect(201)
            answer = client.post(f"/v1/webhooks/{name}/test", {}).expect(200).json
            self.assertEqual((0, None), (answer["sent"], answer["status"]), url)
            self.assertIn("private network", answer["detail"])
        self.assertEqual([], receiver.got)

    def test_what_a_webhook_can_be(self):
        client = self.sending()
        for url in ("", "crm.example", "ftp://crm.example", "https://", "https://a b", "https://ä.example", "http:///x",
                    "https://a\r\nX: y", "https://" + "a" * 3000, "https://user:password@a.example/", "https://@",
                    "https://@a.example", "https://:443", "https://a.example:0", "https://a.example:65536",
                    "https://a.example:", "https://a.example:x", "https://[::1", "https://[::1]x", "https://[]",
                    "https://?a", "https://#a"):
            with self.subTest(url=url[:40]):
                self.refused(client.put("/v1/webhooks/crm", {"url": url}), 422, "invalid", "url")
        for url in ("https://a.example:65535/x@y:z", "https://[2001:db8::1]:443?a", "https://a.example#:0"):
            client.put("/v1/webhooks/crm", {"url": url}).expect(200, 201)
        client.delete("/v1/webhooks/crm").expect(204)
        for kinds in (["happy"], {"grace": 1}, [1], [None], [["grace"]]):
            with self.subTest(kinds=kinds):
                self.refused(client.put("/v1/webhooks/crm", {"url": "https://a.example", "kinds": kinds}), 422,
                             "invalid", "kinds", "restricted")
        for name in ("email", "Crm", "a%20b"):
            self.refused(client.put(f"/v1/webhooks/{name}", {"url": "https://a.example"}), 422, "invalid")
        for number in range(16):
            client.put(f"/v1/webhooks/w{number}", {"url": "https://a.example"}).expect(201)
        self.refused(client.put("/v1/webhooks/w16", {"url": "https://a.example"}), 422, "out_of_range", 16)
        client.delete("/v1/webhooks/w0").expect(204)
        self.refused(client.delete("/v1/webhooks/w0"), 404, "not_found")
        self.refused(client.get("/v1/webhooks/w0"), 404, "not_found")


if __name__ == "__main__":
    unittest.main()
