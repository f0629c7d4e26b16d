"""A crowd of kiosks: connections that check, pay, repeat, lose answers, pay out of order and cancel, while the server
is killed and started again. In the end the registry that the kiosks keep and the books agree to the kopeck.

A kiosk does what a real one does: it sends a request again until it has an answer that is final (0 or a fatal code),
and believes only what it was answered. SALDO_KIOSK_PAYMENTS is how many payments there are, SALDO_KIOSK_SEED what is
drawn.
"""

import http.client
import os
import random
import threading
import time
import unittest

from payments import PASSWORD, USER, Payer, PaymentsCase
from server import NOW, Server, peek

PAYMENTS = int(os.environ.get("SALDO_KIOSK_PAYMENTS", "400"))
SEED = int(os.environ.get("SALDO_KIOSK_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
KIOSKS = 16
PATH = "/pay/osmp/qiwi"
AMOUNT_MIN = 100
PATIENCE_SECONDS = 300


class Place:
    """Where the server is: another port each time it is started."""

    def __init__(self, case):
        self.case, self.server, self.kills = case, None, 0
        self.up, self.lock = threading.Event(), threading.Lock()

    def start(self):
        if self.server is None:
            self.server = self.case.start(self.case.folder / "kiosks.db", *self.case.flags)
        else:
            self.server = Server(self.server.database, *self.case.flags, tokens=self.server.tokens)
        self.up.set()

    def kill(self):
        self.up.clear()
        self.server.kill()
        self.kills += 1
        self.start()


class Kiosk:
    """One connection. `registry` is what it believes to have paid: by txn_id, (account, amount, prv_txn, cancelled)."""

    def __init__(self, place, number, accounts, payments):
        self.place, self.random = place, random.Random(f"{SEED}:{number}")
        self.accounts, self.registry, self.refused, self.failure = accounts, {}, set(), None
        self.first_id, self.payments, self.payer, self.lost = 1 + number * 1_000_000, payments, None, 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            waiting = []
            for number in range(self.payments):
                waiting.append(self.first_id + number)
                # Several are open at a time, and go on in any order.
                if len(waiting) > 4 or number + 1 == self.payments:
                    self.random.shuffle(waiting)
                    while len(waiting) > (0 if number + 1 == self.payments else 2):
                        self.pay(waiting.pop())
        except Exception as failure:  # of whatever kind: the test's thread tells it
            self.failure = failure
        finally:
            if self.payer:
                self.payer.close()

    def ask(self, may_be_lost=True, **fields):
        """The final answer's fields and its body. It may be lost a few times on the way."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.payer is None:
                    self.place.up.wait(PATIENCE_SECONDS)
                    self.payer = Payer(self.place.server, PATH, timeout=60)
                if may_be_lost and self.random.random() < 0.1:
                    self.lose(fields)
                answer = self.payer.ask(**fields)
                if answer.status in (200, 503):
                    result = answer.fields["result"]
                    if result != "1":
                        return answer.fields, answer.body
                    if fields["command"] == "cancel" and answer.status == 200:
                        return answer.fields, answer.body
                else:
                    raise AssertionError(f"a kiosk is answered {answer}")
            except (OSError, http.client.HTTPException):
                if self.payer:
                    self.payer.close()
                self.payer = None
                time.sleep(0.01)
        raise AssertionError(f"no final answer to {fields}")

    def lose(self, fields):
        """Sends the request, and goes away before the answer is there."""
        payer = Payer(self.place.server, PATH)
        target = PATH + "?" + "&".join(f"{name}={value}" for name, value in fields.items())
        payer.connection.request("GET", target, headers={"Authorization": payer.authorization, "Saldo-Now": NOW})
        if self.random.random() < 0.5:
            time.sleep(self.random.random() * 0.01)
        payer.close()
        self.lost += 1

    def pay(self, txn_id):
        drawn = self.random.random()
        account = 99_999_999 if drawn < 0.03 else self.random.choice(self.accounts)
        amount = 50 if 0.03 < drawn < 0.06 else self.random.randrange(AMOUNT_MIN, 1_000_000)
        money = f"{amount // 100}{self.random.choice('.,')}{amount % 100:02}"
        expected = "5" if account == 99_999_999 else "241" if amount < AMOUNT_MIN else "0"
        if self.random.random() < 0.5:
            fields, _ = self.ask(command="check", txn_id=txn_id, account=account, sum=money)
            assert fields["result"] == expected, fields
        if self.random.random() < 0.05:
            # Overtakes its payment; one that was lost on its way might still come behind it, and be done.
            fields, _ = self.ask(may_be_lost=False, command="cancel", txn_id=txn_id)
            assert fields["result"] == "1", fields
        order = {"command": "pay", "txn_id": txn_id, "txn_date": "20261102115959", "account": account, "sum": money}
        fields, first = self.ask(**order)
        assert fields["result"] == expected, fields
        if expected != "0":
            self.refused.add(str(txn_id))
            return
        for _ in range(self.random.choice((0, 0, 1, 3))):
            _, again = self.ask(**order | {"account": f"0{account}"})
            assert again == first, (again, first)
        if self.random.random() < 0.05:
            other, _ = self.ask(**order | {"sum": f"{amount + 1}"})
            assert other["result"] == "300", other
        cancelled = self.random.random() < 0.1
        if cancelled:
            _, first_cancel = self.ask(command="cancel", txn_id=txn_id)
            for _ in range(self.random.choice((0, 1, 2))):
                assert self.ask(command="cancel", prv_txn=fields["prv_txn"])[1] == first_cancel
        status, _ = self.ask(command="status", txn_id=txn_id)
        assert (status["result"], status["prv_txn"]) == ("0", fields["prv_txn"]), status
        self.registry[str(txn_id)] = (account, amount, int(fields["prv_txn"]), cancelled)


class Kiosks(PaymentsCase):
    channels = {"qiwi": {"protocol": "osmp", "method": "qiwi", "min_amount": AMOUNT_MIN}}
    secrets = {"qiwi": {"user": USER, "password": PASSWORD}}

    def test_a_crowd(self):
        place = Place(self)
        place.start()
        self.addCleanup(lambda: place.server.kill() if place.server in Server.running else None)
        with place.server.client("admin") as admin:
            self.make_channels(admin)
            accounts = [self.company(admin) for _ in range(20)]
        shares = [PAYMENTS // KIOSKS + (number < PAYMENTS % KIOSKS) for number in range(KIOSKS)]
        kiosks = [Kiosk(place, number, accounts, share) for number, share in enumerate(shares)]
        for kiosk in kiosks:
            kiosk.thread.start()
        chance = random.Random(SEED)
        done = 0
        while any(kiosk.thread.is_alive() for kiosk in kiosks):
            # A kill for each hundred payments, wherever they are at that moment.
            paid = sum(len(kiosk.registry) for kiosk in kiosks)
            if paid >= done + 100:
                time.sleep(chance.random() * 0.05)
                place.kill()
                done = paid
            time.sleep(0.002)
        for kiosk in kiosks:
            if kiosk.failure:
                raise AssertionError(f"SALDO_KIOSK_SEED={SEED}: {kiosk.failure!r}") from kiosk.failure
        registry = {txn_id: paid for kiosk in kiosks for txn_id, paid in kiosk.registry.items()}
        refused = set().union(*(kiosk.refused for kiosk in kiosks))
        with self.subTest(seed=SEED, kills=place.kills, lost=sum(kiosk.lost for kiosk in kiosks)):
            self.agree(place.server, registry, refused, accounts)
        self.assertEqual(PAYMENTS, len(registry) + len(refused))
        self.assertGreater(place.kills, 0)
        self.assertEqual(0, place.server.stop())

    def agree(self, server, registry, refused, accounts):
        rows = peek(server.database, """
            SELECT r.external_id, p.account_id, p.amount, r.receipt_id,
                   EXISTS (SELECT 1 FROM adjustment AS a WHERE a.payment_id = p.payment_id AND a.kind = 'chargeback')
            FROM receipt AS r JOIN receipt_payment USING (receipt_id) JOIN payment AS p USING (payment_id)""")
        self.assertEqual(len(rows), len({row[0] for row in rows}))
        self.assertEqual(registry, {txn_id: (*row, bool(cancelled)) for txn_id, *row, cancelled in rows})
        self.assertEqual(len(registry), peek(server.database, "SELECT count(*) FROM payment")[0][0])
        self.assertEqual(len(registry), peek(server.database, "SELECT count(*) FROM receipt")[0][0])
        self.assertFalse(refused & set(registry))
        cancelled = sum(1 for paid in registry.values() if paid[3])
        self.assertEqual([(cancelled,)], peek(server.database, "SELECT count(*) FROM adjustment"))
        with server.client("admin") as admin:
            balances = dict(self.sql("SELECT account_id, balance FROM account_balance", client=admin))
            owed = {account: 0 for account in accounts}
            for account, amount, _, is_cancelled in registry.values():
                owed[account] += 0 if is_cancelled else amount
            self.assertEqual(owed, balances)
            self.assertEqual([], self.sql("SELECT * FROM audit WHERE violations > 0", client=admin))
            self.compare_registries(admin, registry)

    def compare_registries(self, admin, registry):
        """The kiosks' registry of the day, and ours."""
        lines = [f"{txn_id}\t02.11.2026\t11:59:59\t{account}\t{amount // 100}.{amount % 100:02}"
                 for txn_id, (account, amount, _, is_cancelled) in registry.items() if not is_cancelled]
        total = sum(amount for _, amount, _, is_cancelled in registry.values() if not is_cancelled)
        text = "\n".join([*lines, f"Total:\t{len(lines)}\t{total // 100}.{total % 100:02}"])
        answer = admin.post("/v1/channels/qiwi/registry", text.encode(), headers={"Content-Type": "text/plain"})
        self.assertEqual([], answer.expect(200).json, answer)
        lacking = "\n".join([*lines[1:], f"Total:\t{len(lines) - 1}\t0.00"])
        answer = admin.post("/v1/channels/qiwi/registry", lacking.encode(), headers={"Content-Type": "text/plain"})
        self.assertNotEqual([], answer.expect(200).json)


if __name__ == "__main__":
    unittest.main()
