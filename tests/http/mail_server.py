"""A relay for the tests: an SMTP server of aiosmtpd's that answers as a test tells it to."""

import asyncio
import email
import email.policy
import functools
import logging
import ssl
import subprocess
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

# That AUTH goes without TLS is meant, and that clients go away is what some tests are about.
warnings.filterwarnings("ignore", message="Requiring AUTH", module="aiosmtpd")
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Relay:
    """Listens on a port the system gives; `mails` are those it took.

    tls: an SSL context for STARTTLS, which it then demands. user, password: it demands AUTH. answers: by step ('greet',
    'ehlo', 'auth', 'mail', 'rcpt', 'data', 'body') what it answers there: a text, or a function of the envelope that
    gives one; nothing: as usual; 'drop': the connection is cut; a threading.Event: when it is set, as usual; a number:
    so many seconds later, as usual."""

    def __init__(self, tls=None, user=None, password=None, port=0):
        self.answers, self.mails, self.steps = {}, [], []
        self.tls, self.user, self.password = tls, user, password
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        self.ready = threading.Event()
        self.server = None
        self.thread.start()
        self.ready.wait(30)

    def _run(self, port):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(
            self.loop.create_server(functools.partial(Session, self), "127.0.0.1", port))
        self.port = self.server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    @property
    def url(self):
        return f"smtp://localhost:{self.port}"

    def stop(self):
        async def close():
            self.server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            self.loop.stop()
        asyncio.run_coroutine_threadsafe(close(), self.loop)
        self.thread.join(30)

    def count(self, step):
        return self.steps.count(step)

    async def answer(self, step, session, envelope):
        """The answer of a step, or None."""
        self.steps.append(step)
        found = self.answers.get(step)
        if callable(found):
            found = found(envelope)
        if isinstance(found, threading.Event):
            while not found.is_set():
                await asyncio.sleep(0.02)
            return None
        if isinstance(found, (int, float)):
            await asyncio.sleep(found)
            return None
        if found == "drop":
            session.transport.abort()
            return "421 4.3.2 gone"
        return found


class Mail:
    """A mail as it was taken."""

    def __init__(self, envelope):
        self.sender, self.recipients, self.bytes = envelope.mail_from, envelope.rcpt_tos, envelope.original_content

    @functools.cached_property
    def message(self):
        return email.message_from_bytes(self.bytes, policy=email.policy.default)

    @property
    def to(self):
        return self.recipients[0]

    @property
    def id(self):
        return self.message["Message-ID"]

    @property
    def subject(self):
        return self.message["Subject"]

    def part(self, kind):
        return self.message.get_body((kind,)).get_content().replace("\r\n", "\n")


class Handler:
    def __init__(self, relay):
        self.relay = relay

    async def handle_EHLO(self, server, session, _envelope, hostname, responses):
        found = await self.relay.answer("ehlo", server, None)
        session.host_name = hostname
        return [found] if found else responses

    async def handle_MAIL(self, server, _session, envelope, address, options):
        envelope.mails_before = server.mails
        server.mails += 1
        found = await self.relay.answer("mail", server, envelope)
        if found:
            return found
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, _session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        found = await self.relay.answer("rcpt", server, envelope)
        if found:
            envelope.rcpt_tos.pop()
            return found
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, _session, envelope):
        found = await self.relay.answer("body", server, envelope)
        # A relay that is gone after the dot may have taken the mail.
        if not found or found.startswith("421 4.3.2 gone"):
            self.relay.mails.append(Mail(envelope))
        return found or "250 2.0.0 OK: taken"


class Session(SMTP):
    def __init__(self, relay):
        self.relay = relay
        self.mails = 0  # on this connection; an envelope has `mails_before`
        super().__init__(Handler(relay), hostname="relay.example", enable_SMTPUTF8=True, tls_context=relay.tls,
                         require_starttls=relay.tls is not None, auth_required=relay.user is not None,
                         auth_require_tls=False, authenticator=self._judge, ident="ESMTP",
                         data_size_limit=10**7)

    def _judge(self, _server, _session, _envelope, _mechanism, data):
        self.relay.steps.append("auth")
        right = (data.login.decode(), data.password.decode()) == (self.relay.user, self.relay.password)
        return AuthResult(success=right, handled=False)

    async def push(self, status):
        if self.transport.is_closing():
            return None
        if isinstance(status, bytes):
            return await super().push(status)
        if status.startswith("220 ") and "ESMTP" in status:
            status = await self.relay.answer("greet", self, None) or status
        return await super().push(status)

    async def smtp_DATA(self, arg):
        found = await self.relay.answer("data", self, self.envelope)
        if found:
            return await self.push(found)
        return await super().smtp_DATA(arg)


def certificate(folder):
    """A certificate of localhost, and its key, in files: made with openssl."""
    names = [str(folder / "relay.pem"), str(folder / "relay.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out",
                    names[0], "-keyout", names[1]], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*names)
    return names[0], context
