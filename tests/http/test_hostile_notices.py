"""What strangers put into names, addresses, templates, flags and URLs, and what hostile receivers of webhooks do.

Seen to fail: an address written into RCPT as it is; redirects followed; a receiver's Retry-After of years heeded; a
slow answer waited for as long as it comes; a relay's URL with a line end in it, or a port of 99999; a receiver without
HTTP taken for a URL that is not of https.
"""

import email.utils
import pathlib
import socket
import subprocess
import threading
import time
import unittest

from notices import AT_ONCE, later
from server import SALDOD, Books, wait_for
from test_mail import MailCase, wait_between
from test_webhooks import WebhookCase

FIELDS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "MIME-Version"}
INJECTIONS = ("a\r\nBcc: eve@evil.example", "a\nBcc: eve@evil.example", "a\rBcc: eve@evil.example",
              "a\r\n\r\n<b>another body</b>", "a\r\n.\r\nMAIL FROM:<eve@evil.example>", "a\u2028Bcc: eve@evil.example",
              "a\u0085Bcc: eve@evil.example", "=?UTF-8?Q?a=0D=0ABcc:_eve@evil.example?=", "\"; Bcc: eve@evil.example",
              "a\x0b\x0cBcc: eve@evil.example", "\ufeffa\x1b[31m", "x" * 10000, "ж" * 10000, "<b>a</b>&amp;\"'")


class Mails(MailCase):
    def check_harmless(self, mails, count):
        """Each of them has the fields it should have, once, and one recipient."""
        self.assertEqual(count, len(mails))
        for mail in mails:
            names = mail.message.keys()
            self.assertEqual(FIELDS, {{"Mime-Version": "MIME-Version"}.get(name, name) for name in names}, mail.bytes)
            self.assertEqual(len(FIELDS), len(names))
            self.assertEqual((1, "billing@vendor.example"), (len(mail.recipients), mail.sender))
            self.assertEqual(["text/plain", "text/html"],
                             [part.get_content_type() for part in mail.message.iter_parts()])
            for line in mail.bytes.split(b"\r\n"):
                self.assertLessEqual(len(line), 998)
                self.assertNotRegex(line, b"[\r\n\0]")
            # A reader that knows less of e-mail than Python's finds no other field either.
            head = mail.bytes.split(b"\r\n\r\n")[0]
            self.assertEqual([], [line for line in head.split(b"\r\n") if line.lower().startswith(b"bcc")])

    def test_names_and_templates(self):
        relay = self.relay()
        client = self.sending(relay)
        lines = {"subject": "{name}\r\nBcc: eve@evil.example", "body": "{name}"}
        self.refused(client.put("/v1/notice-templates/payment/ru", lines), 422, "invalid", "subject")
        client.put("/v1/notice-templates/payment/ru",
                   {"subject": "{name}: {amount} Bcc: eve@evil.example",
                    "body": "{name}\n{{name}} {{{amount}}} {} {a b} {name\nBcc: {name}"}).expect(200)
        for name in INJECTIONS:
            self.paid(client, name=name, at=later(1))
        self.refused(client.post("/v1/accounts", {"name": "a\0b"}), 422, "invalid", "name", "NUL")
        sent = self.settled(client, "sent", len(INJECTIONS))
        self.check_harmless(self.took(relay, len(INJECTIONS)), len(INJECTIONS))
        by_id = {mail.id: mail for mail in relay.mails}
        for delivery in sent:
            mail = by_id[f"<notice-{delivery['notice_id']}.email@vendor.example>"]
            self.assertNotIn("<b>", mail.part("html"))
            self.assertEqual(delivery["body"], mail.part("plain").rstrip("\n"))

    def test_placeholders(self):
        relay = self.relay()
        client = self.sending(relay)

        def put(subject, body):
            return client.put("/v1/notice-templates/payment/ru", {"subject": subject, "body": body})
        for text in ("{nobody}", "{name} {Name1_x}", "{{nobody}}", "{name{nobody}}", "{account_id}{secret}"):
            with self.subTest(text):
                self.refused(put(text, "a"), 422, "invalid", "{", "{pay_url}")
                self.refused(put("a", text), 422, "invalid", "{", "{pay_url}")
        put("{{name}}", "{name} {{{name}}} {amount").expect(200)
        # What a value holds is not a template.
        self.paid(client, name="{amount} {{balance}} {nobody} {name}", at=later(1))
        [mail] = self.took(relay, 1)
        self.assertEqual("{{amount} {{balance}} {nobody} {name}}", mail.subject)
        self.assertEqual("{amount} {{balance}} {nobody} {name} {{{amount} {{balance}} {nobody} {name}}} {amount\n",
                         mail.part("plain"))

    def test_addresses(self):
        relay = self.relay()
        client = self.sending(relay)
        wrong = ("anna@a.example\r\nRCPT TO:<eve@evil.example>", "anna@a.example>\r\nDATA\r\n", "<anna@a.example>",
                 "anna@a.example, eve@evil.example", "anna@a.example;eve@evil.example",
                 "anna@a.example eve@evil.example",
                 "anna@a.example> SIZE=1 <", "Anna <anna@a.example>", "anna@[127.0.0.1]",
                 "|sh@a.example\n", "a" * 10000 + "@a.example", "anna@" + "a" * 10000, "@", "@a.example", "anna@", "\t",
                 "anna@a.example\u0085X: y")
        for address in wrong:
            self.paid(client, admin_email=address, at=later(1))
        self.refused(client.post("/v1/accounts", {"name": "a", "admin_email": "anna@a.example\0"}), 422, "invalid",
                     "admin_email", "NUL")
        self.assertTrue(wait_for(lambda: not self.deliveries(client, status="waiting"), seconds=60))
        self.assertEqual(len(wrong), len(self.deliveries(client, status="failed")))
        for delivery in self.deliveries(client, status="failed"):
            self.assertIn("not one address", delivery["detail"])
        right = ("-oQ/tmp@a.example", "a+b=c@a.example", "анна@пример.рф", "o'brien@a.example", "x" * 64 + "@a.example")
        for address in right:
            self.paid(client, admin_email=address, at=later(2))
        self.settled(client, "sent", len(right))
        self.check_harmless(self.took(relay, len(right)), len(right))
        self.assertEqual(len(right), relay.count("rcpt"))
        for address in wrong:
            self.refused(client.post("/v1/mail/test", {"to": address}), 422, "invalid", "to")

    def test_flags(self):
        folder = pathlib.Path(self.folder)
        database = folder / "flags.db"
        Books.copy(database)
        for flag, value in (("--mail-from", "Vendor\r\nBcc: eve@evil.example <billing@vendor.example>"),
                            ("--mail-from", "billing@vendor.example\r\nBcc: eve@evil.example"),
                            ("--mail-from", "Vendor <billing@vendor.example> <eve@evil.example>"),
                            ("--mail-from", "Vendor"), ("--mail-from", "a@b, c@d"), ("--mail-from", ""),
                            ("--mail-redirect", "anna@a.example\r\nBcc: eve@evil.example"),
                            ("--mail-redirect", "a@b, c@d"), ("--mail-redirect", "Anna <anna@a.example>"),
                            ("--mail-redirect", ""), ("--smtp", "smtp://a\r\nRSET"), ("--smtp", "http://a"),
                            ("--smtp", "smtp://user:password@a:25"), ("--smtp", "smtp://a/path"), ("--smtp", "a:25"),
                            ("--smtp", "smtp://"), ("--smtp", "smtp://a:99999"), ("--mail-hours", "20-09"),
                            ("--mail-rate", "-1")):
            with self.subTest(flag=flag, value=value):
                flags = {"--smtp": "smtp://localhost:1", "--mail-from": "a@b.example", flag: value}
                done = subprocess.run([SALDOD, "serve", "--database", str(database), "--listen", "127.0.0.1:0",
                                       *(each for pair in flags.items() for each in pair)],
                                      capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL)
                self.assertNotEqual(0, done.returncode)
                self.assertEqual("", done.stdout)
                self.assertIn(flag, done.stderr)
        relay = self.relay()
        name = 'Ven"dor\\, [b], (Ltd); =?UTF-8?Q?x?='
        server = self.fresh("--test-clock", "--smtp", relay.url, "--smtp-plain", "--mail-from",
                            f'"{name}" <billing@vendor.example>', *AT_ONCE)
        client = self.client(server, "operator")
        client.post("/v1/mail/test", {"to": "anna@a.example"}).expect(200)
        self.check_harmless(self.took(relay, 1), 1)
        self.assertEqual([(name, "billing@vendor.example")],
                         [(each.display_name, each.addr_spec) for each in relay.mails[0].message["From"].addresses])

    def test_what_a_relay_says(self):
        """It is told in one short line, whatever it is."""
        relay = self.relay()
        client = self.sending(relay)
        for answer in ("451 <script>alert(1)</script>\x1b[31m\x00\x07 " + "x" * 400, "451-a\r\n451-b\r\n451 c",
                       "451 \u0436\u0436"):
            relay.answers["rcpt"] = answer
            account_id = self.paid(client, at=later(1))
            delivery = self.attempted(client, account_id=account_id)
            self.assertEqual("waiting", delivery["status"])
            self.assertLessEqual(len(delivery["detail"]), 300)
            self.assertNotRegex(delivery["detail"], "[\x00-\x1f\x7f]")
            self.assertEqual(1, client.server.log().count(f"delivery {delivery['delivery_id']} by email"))
        self.assertNotRegex(client.server.log(), "[\x00-\x09\x0b-\x1f\x7f]")


class Bare:
    """A receiver that speaks no HTTP but what a test lets it say: `answer` gets the connection."""

    def __init__(self, answer):
        self.asked, self.answer = 0, answer
        self.over = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection:
            try:
                connection.recv(65536)
                self.answer(connection, self.over)
            except OSError:
                pass

    def stop(self):
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(30)


class Receivers(WebhookCase):
    def bare(self, answer):
        receiver = Bare(answer)
        self.addCleanup(receiver.stop)
        return receiver

    def test_retry_after(self):
        """In seconds and as a date; nonsense, the past and years are not waited for."""
        receiver, client = self.receiver(), self.sending()
        client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201)
        for status in (429, 503):
            for header, seconds in (
                    (lambda: "1200", 1200), (lambda: email.utils.formatdate(time.time() + 1200, usegmt=True), 1200),
                    (lambda: "0", 5), (lambda: "-7", 5), (lambda: "soon", 5), (lambda: "", 5),
                    (lambda: email.utils.formatdate(time.time() - 10**6, usegmt=True), 5),
                    (lambda: str(10**9), 86400), (lambda: str(10**30), None),
                    (lambda: "Fri, 31 Dec 9999 23:59:59 GMT", 86400)):
                with self.subTest(status=status, header=header()):
                    receiver.answer = lambda _request, header=header: (status, {"Retry-After": header()})
                    account_id = self.paid(client, at=later(1))
                    delivery = self.attempted(client, account_id=account_id, channel="crm")
                    self.assertEqual(("waiting", f"HTTP {status}"), (delivery["status"], delivery["detail"]))
                    waits = wait_between(delivery["since"], delivery["next_at"])
                    if seconds is None:
                        self.assertTrue(5 <= waits <= 86400 + 5, waits)
                    else:
                        self.assertAlmostEqual(seconds, waits, delta=30 if seconds > 5 else 4)
        # Nobody else's is heeded.
        receiver.answer = lambda _request: (500, {"Retry-After": "1200"})
        account_id = self.paid(client, at=later(1))
        delivery = self.attempted(client, account_id=account_id, channel="crm")
        self.assertAlmostEqual(5, wait_between(delivery["since"], delivery["next_at"]), delta=4)

    def test_redirects_of_every_kind(self):
        receiver, other, client = self.receiver(), self.receiver(), self.sending()
        client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201)
        places = (other.url, "/here", "file:///etc/passwd", "gopher://127.0.0.1:25/", "", "//" + other.url[7:])
        for status in (300, 301, 302, 303, 304, 305, 307, 308):
            for place in places if status == 302 else places[:1]:
                receiver.answer = lambda _request: (status, {"Location": place})
                answer = client.post("/v1/webhooks/crm/test", {}).expect(200).json
                self.assertEqual((0, status), (answer["sent"], answer["status"]))
                self.assertIn("redirects are not followed", answer["detail"])
        self.assertEqual([], other.got)
        self.assertEqual(len(places) + 7, len(receiver.got))

    def test_those_that_speak_no_http(self):
        def say(text):
            return lambda connection, _over: connection.sendall(text)
        client = self.sending()
        for answer in (say(b""), say(b"220 mail.example ESMTP\r\n"), say(b"\0" * 1000), say(b"HTTP/1.1 200"),
                       say(b"HTTP/1.1 999999 OK\r\n\r\n"), say(b"HTTP/1.1 204 No\r\nA: " + b"x" * 2**20),
                       say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), say(b"<html>hello</html>"),
                       say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")):
            receiver = self.bare(answer)
            client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(200, 201)
            answer = client.post("/v1/webhooks/crm/test", {}).expect(200).json
            self.assertEqual(0, answer["sent"], answer)
            self.assertNotRegex(answer["detail"], "[\x00-\x1f\x7f]")
            self.assertNotIn("https", answer["detail"])

    def test_an_answer_without_end(self):
        """What counts is the status; the rest is not waited for, nor kept."""
        def flood(connection, over):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not over.is_set():
                connection.sendall(b"x" * 65536)
        receiver, client = self.bare(flood), self.sending()
        client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201)
        self.assertEqual(1, client.post("/v1/webhooks/crm/test", {}).expect(200).json["sent"])

    def test_the_time_limit_holds_for_those_that_trickle(self):
        def trickle(connection, over):
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10000:
                connection.sendall(bytes([byte]))
                if over.wait(0.5):
                    return
        receiver, client = self.bare(trickle), self.sending()
        client.put("/v1/webhooks/crm", {"url": receiver.url}).expect(201)
        self.paid(client, at=later(1))
        delivery = self.attempted(client, channel="crm")
        self.assertEqual(("waiting", 1, 1), (delivery["status"], delivery["attempts"], receiver.asked))
        self.assertIn("timed out", delivery["detail"])


class PrivateAddresses(WebhookCase):
    def test_in_every_spelling(self):
        receiver = self.bare_port()
        client = self.sending("--mail-capture")
        port = receiver.getsockname()[1]
        names = ["localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost", socket.gethostname()]
        hosts = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
                 "017700000001", "127.0.0.1.", "127.255.255.254", "0.0.0.0", "0", "0x0", "10.0.0.1", "167772161",
                 "172.16.0.1",
                 "192.168.1.1", "0xC0A80101", "169.254.169.254", "2852039166", "0xa9fea9fe", "100.64.0.1", "198.18.0.1",
                 "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
                 "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fc00::1]",
                 "[fd00:ec2::254]", "[ff02::1]", "[::ffff:0:127.0.0.1]", "%31%32%37.0.0.1", "①②⑦.0.0.1", *names]
        client.put("/v1/webhooks/crm", {"url": "https://vendor.example"}).expect(201)
        for host in hosts:
            with self.subTest(host):
                answer = client.put("/v1/webhooks/crm", {"url": f"https://{host}:{port}/"})
                if answer.status == 422:
                    continue
                answer.expect(200)
                answer = client.post("/v1/webhooks/crm/test", {}).expect(200).json
                self.assertEqual((0, None), (answer["sent"], answer["status"]), answer)
        self.assertEqual([], self.connected)
        # The deliveries are judged like the tests.
        client.put("/v1/webhooks/crm", {"url": f"https://localhost:{port}/"}).expect(200)
        self.paid(client, at=later(1))
        self.assertIn("private network", self.attempted(client, channel="crm")["detail"])
        self.assertEqual([], self.connected)

    def bare_port(self):
        """Of this machine, IPv4 and IPv6; `connected` are those who came."""
        self.connected = []
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        listener.listen()

        def accept():
            while True:
                try:
                    connection, peer = listener.accept()
                except OSError:
                    return
                self.connected.append(peer)
                connection.close()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()

        def stop():
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(30)
        self.addCleanup(stop)
        # It does count those who come.
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])).close()
        self.assertTrue(wait_for(lambda: self.connected))
        self.connected.clear()
        return listener

    def test_urls_that_are_none(self):
        client = self.sending()
        for url in ("https://a.example\r\nX-Evil: 1", "https://a.example/\nGET / HTTP/1.1", "https://a.example/ b",
                    "https://a.example/\0", "https://a.example/\x7f", "https://a.example/\t", "file:///etc/passwd",
                    "gopher://127.0.0.1", "javascript:alert(1)", "https:/a.example", "https:a.example", "//a.example",
                    "https://", "https:///x", "HTTPS", "https://" + "a" * 10000):
            with self.subTest(url[:40]):
                self.refused(client.put("/v1/webhooks/crm", {"url": url}), 422, "invalid", "url")


if __name__ == "__main__":
    unittest.main()
