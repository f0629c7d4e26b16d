"""Payment systems as they speak to the server: raw requests, without a token, and their answers."""

import base64
import http.client
import json
import os
import pathlib
import tempfile
import urllib.parse
import xml.etree.ElementTree

from server import NOW, ServerCase, sent

USER, PASSWORD = "kiosk", "s3cret: with a colon"


class PayAnswer:
    def __init__(self, status, headers, body, request):
        self.status, self.headers, self.body, self.request = status, headers, body, request

    @property
    def fields(self):
        """The elements of a document of XML, by name; it has one level."""
        root = xml.etree.ElementTree.fromstring(self.body)
        return {each.tag: each.text or "" for each in root}

    def __repr__(self):
        return f"{self.request}: {self.status} {self.body[:600]!r}"


class Payer:
    """A connection of a payment system to one channel: `path` is that of its protocol, as in /pay/osmp."""

    def __init__(self, server, path, user=USER, password=PASSWORD, now=NOW, timeout=30):
        self.path, self.now, self.test_clock = path, now, server.test_clock
        self.authorization = None
        if user is not None:
            self.authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def request(self, method="GET", query="", body=None, headers=(), now=None, path=None):
        """query and body as they are sent; a dict is encoded as a form."""
        if isinstance(query, dict):
            query = urllib.parse.urlencode(query)
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body)
        fields = {"Authorization": self.authorization} if self.authorization else {}
        if self.test_clock:
            fields["Saldo-Now"] = now or self.now
        if body is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        fields.update(headers)
        target = (path or self.path) + ("?" + query if query else "")
        try:
            response = sent(self.connection, method, target, body.encode() if isinstance(body, str) else body, fields)
            answer = PayAnswer(response.status, response.headers, response.read(), f"{method} {target}")
        except BaseException:
            self.connection.close()
            raise
        if response.headers.get("Connection") == "close":
            self.connection.close()
        return answer

    def ask(self, **fields):
        return self.request(query=fields)


class PaymentsCase(ServerCase):
    """A server with channels (cls.channels, as PUT /v1/channels takes them), their secrets (cls.secrets) and files of
    an operator's own (cls.files, by name). None of its answers may have the form of problem details."""

    channels = {}
    secrets = {}
    files = {}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="saldo-pay-")
        cls.addClassCleanup(folder.cleanup)
        cls.private = pathlib.Path(folder.name)
        cls.secrets_file = cls.private / "secrets.json"
        cls.write_secrets(cls.secrets)
        cls.flags = (*ServerCase.flags, *cls.pay_flags())
        super().setUpClass()
        cls.make_channels(cls.operator)

    @classmethod
    def pay_flags(cls):
        flags = ("--secrets", cls.secrets_file)
        if cls.files:
            routes = cls.private / "routes"
            routes.mkdir(exist_ok=True)
            for name, text in cls.files.items():
                (routes / name).write_text(text, encoding="utf-8")
            flags += ("--routes", routes)
        return flags

    @classmethod
    def write_secrets(cls, channels, mode=0o600, text=None):
        """In the place of the file at once, as an editor does it."""
        part = cls.secrets_file.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps({"channels": channels}) if text is None else text, encoding="utf-8")
        part.chmod(mode)
        os.replace(part, cls.secrets_file)

    @classmethod
    def make_channels(cls, operator):
        for name, fields in cls.channels.items():
            operator.put(f"/v1/channels/{name}", fields).expect(200, 201)

    def payer(self, path, server=None, **options):
        payer = Payer(server or self.server, path, **options)
        self.addCleanup(payer.close)
        return payer

    def payments(self, account_id, client=None):
        """What was credited to an account: (method, external_id, amount), in their order."""
        return [tuple(row) for row in self.sql(
            "SELECT method, external_id, amount FROM payment WHERE account_id = ? ORDER BY payment_id", account_id,
            client=client)]

    def adjustments(self, account_id, client=None):
        return [tuple(row) for row in self.sql(
            "SELECT kind, external_id, amount FROM adjustment WHERE account_id = ? ORDER BY adjustment_id", account_id,
            client=client)]
