#!/usr/bin/python3
"""mail_smtp.py SALDOD EXTENSION [MAILS [RUNS]]: e-mails a second through a relay on this machine.

MAILS (2,000) notices of payments are sent by `saldod serve --mail-rate 0`, from its start to the last of them settled;
each costs two commits, one before it is sent and one after. RUNS times (5), in turns, Python's smtplib sends as many
messages of about the same size, 1.3 KB, through one kept connection, and remembers nothing of it. The relay is
aiosmtpd, in a process of its own. Each mail must have arrived once, and its delivery be `sent`."""

import collections
import email.message
import multiprocessing
import os
import pathlib
import smtplib
import statistics
import sys
import tempfile
import time

if len(sys.argv) < 3:
    sys.exit(__doc__)
os.environ["SALDOD"], os.environ["SALDO_EXTENSION"] = map(os.path.abspath, sys.argv[1:3])
MAILS = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
RUNS = int(sys.argv[4]) if len(sys.argv) > 4 else 5
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "faults"))

from mail_books import FLAGS, new_books, new_relay, payments_to_tell  # noqa: E402
from server import Server, peek, wait_for  # noqa: E402

BAR = 50


def serve_relay(pipe):
    """Answers a question, whatever it is, with how often each message came since the last one."""
    relay = new_relay()
    pipe.send(relay.port)
    while pipe.recv():
        pipe.send(dict(relay.mails))
        relay.mails.clear()
    relay.stop()


def waiting(database):
    return peek(database, "SELECT count(*) FROM delivery WHERE status = 'waiting'")[0][0]


def by_saldod(folder, number, port):
    database = pathlib.Path(folder) / f"{number}.db"
    tokens = new_books(database, 10, payments_to_tell(MAILS))
    begun = time.monotonic()
    with Server(database, "--smtp", f"smtp://localhost:{port}", "--smtp-plain", *FLAGS, tokens=tokens):
        if not wait_for(lambda: not waiting(database), 600, every=0.02):
            sys.exit("mail_smtp.py: not sent within ten minutes")
        took = time.monotonic() - begun
    sent = peek(database, "SELECT notice_id, attempts FROM delivery WHERE status = 'sent'")
    if dict(sent) != {notice_id: 1 for notice_id, in peek(database, "SELECT notice_id FROM notice")}:
        sys.exit("mail_smtp.py: not each notice was sent, by one attempt")
    return MAILS / took, {notice_id for notice_id, _ in sent}


def by_smtplib(port):
    text = "я" * 375  # in base64 about as long as both forms of the other's text
    begun = time.monotonic()
    with smtplib.SMTP("localhost", port) as client:
        for number in range(1, MAILS + 1):
            message = email.message.EmailMessage()
            message["From"], message["To"] = "billing@vendor.example", f"a{number}@company.example"
            message["Subject"], message["Message-ID"] = "Платёж получен", f"<notice-{number}.email@vendor.example>"
            message.set_content(text)
            client.send_message(message)
    return MAILS / (time.monotonic() - begun), set(range(1, MAILS + 1))


def main():
    here, there = multiprocessing.Pipe()
    relay = multiprocessing.Process(target=serve_relay, args=(there,), daemon=True)
    relay.start()
    port = here.recv()
    rates = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="saldo-bench-") as folder:
        for number in range(RUNS):
            for name, send in (("saldod", lambda: by_saldod(folder, number, port)),
                               ("smtplib", lambda: by_smtplib(port))):
                rate, expected = send()
                here.send(True)
                if here.recv() != {each: 1 for each in expected}:
                    sys.exit(f"mail_smtp.py: {name}: not each mail arrived once")
                rates[name].append(rate)
    here.send(False)
    relay.join()
    ratios = [ours / theirs for ours, theirs in zip(rates["saldod"], rates["smtplib"])]
    for name, each in rates.items():
        print(f"{name}: {statistics.median(each):.0f} mails a second ({min(each):.0f} to {max(each):.0f})")
    print(f"ratio: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); the bar is {BAR} mails a "
          f"second: {'reached' if statistics.median(rates['saldod']) >= BAR else 'not reached'}")


if __name__ == "__main__":
    main()
