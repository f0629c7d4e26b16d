"""What clients do to several nodes at once, and whether all of it is there in the end, once."""

import random
import threading
import time

from server import day_plus, peek

OPENING = "2026-01-01"
PAUSE = 0.05  # seconds, at most, between what a client asks


class Load:
    """Clients that pay, send usage and promise, each with a company of its own, and one that closes days. What is not
    answered, or by 503, each asks again of any node with the same key."""

    def __init__(self, nodes, seed, clients=4):
        self.nodes, self.seed = nodes, seed
        self.done = {"payments": {}, "usage": {}, "promised-payments": {}, "close": {}}
        self.answers = 0  # that nothing else is kept of, and were stored
        self.asked_again = 0
        self.longest_gap, self.last = 0.0, None
        self.wrong = []
        self.stop = threading.Event()
        self.lock = threading.Lock()
        chance = random.Random(seed)
        self.accounts = [self.make_account(chance, i) for i in range(clients)]
        self.threads = [threading.Thread(target=self.guarded, args=(self.work, i), daemon=True)
                        for i in range(clients)]
        self.threads.append(threading.Thread(target=self.guarded, args=(self.close_days, clients), daemon=True))
        for thread in self.threads:
            thread.start()

    def make_account(self, chance, number):
        made = self.ask(chance, "POST", "/v1/accounts", {"name": "Ромашка", "registered_on": OPENING}, f"a{number}")
        path = f"/v1/accounts/{made.json['account_id']}"
        for method, what, body in (("PUT", "headcount", {"day": OPENING, "employees": 5}),
                                   ("PUT", "subscriptions/crm", {"started_on": OPENING}),
                                   ("POST", "activate", {"valid_from": OPENING})):
            self.ask(chance, method, f"{path}/{what}", body, f"a{number}-{what}")
        self.answers += 4
        return made.json["account_id"]

    def ask(self, chance, method, path, body, key):
        """The answer, in the end."""
        for attempt in range(10**6):
            answer = chance.choice(self.nodes).ask(method, path, body, key)
            if answer is not None and answer.status != 503:
                break
            if self.wrong:
                raise AssertionError("another client has failed")
            with self.lock:
                self.asked_again += 1
            time.sleep(0.02)
        if answer.status not in (200, 201) and answer.code != "promise_refused":
            raise AssertionError(answer)
        with self.lock:
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - (self.last or now))
            self.last = now
        return answer

    def guarded(self, work, number):
        try:
            work(random.Random(self.seed * 100 + number), number)
        except BaseException as error:  # it is told by finish()
            self.wrong.append(error)

    def work(self, chance, client):
        account = self.accounts[client]
        for number in range(10**9):
            if self.stop.is_set():
                return
            name = f"w{client}-{number}"
            kind = chance.choices(("payments", "usage", "promised-payments"), (6, 3, 1))[0]
            path = "/v1/usage" if kind == "usage" else f"/v1/accounts/{account}/{kind}"
            body = {"payments": {"amount": 100 + number, "method": "bank_card", "external_id": name},
                    "usage": {"events": [{"usage_id": name, "account_id": account, "service_id": "sms",
                                          "quantity": 1 + number}]},
                    "promised-payments": {"days": 1}}[kind]
            answer = self.ask(chance, "POST", path, body, name)
            if answer.status == 201:
                with self.lock:
                    self.done[kind][name] = answer.json
            time.sleep(chance.random() * PAUSE)

    def close_days(self, chance, _):
        day = OPENING
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
        while not self.stop.is_set() and day < today:
            self.done["close"][day] = self.ask(chance, "POST", f"/v1/days/{day}/close", None, f"close-{day}").json
            day = day_plus(day, 1)
            self.stop.wait(chance.random())

    @property
    def count(self):
        return sum(map(len, self.done.values()))

    def finish(self, seconds=120):
        """Until all have their answers."""
        self.stop.set()
        for thread in self.threads:
            thread.join(seconds)
            if thread.is_alive():
                self.wrong.append(AssertionError("a client has no answer"))
        if self.wrong:
            raise self.wrong[0]

    def expect_all(self, test, database):
        """All that was acknowledged is in the file, once, and nothing else."""
        def rows(sql):
            return peek(database, sql)
        test.assertEqual(
            sorted((name, row["payment_id"], row["amount"]) for name, row in self.done["payments"].items()),
            rows("SELECT external_id, payment_id, amount FROM payment ORDER BY 1"), self.seed)
        test.assertEqual(
            sorted((name, row[0]["quantity"]) for name, row in self.done["usage"].items()),
            rows("SELECT usage_id, quantity FROM usage_event ORDER BY 1"), self.seed)
        test.assertEqual(
            sorted((row["promise_id"],) for row in self.done["promised-payments"].values()),
            rows("SELECT promise_id FROM promised_payment ORDER BY 1"), self.seed)
        test.assertEqual(
            sorted((day, row["digest"]) for day, row in self.done["close"].items()),
            rows("SELECT day, digest FROM day_close ORDER BY 1"), self.seed)
        test.assertEqual([(self.count + self.answers,)], rows("SELECT count(*) FROM stored_answer"), self.seed)

    def __str__(self):
        told = ", ".join(f"{len(done)} {kind}" for kind, done in self.done.items())
        return f"{told}; {self.asked_again} asked again, the longest gap {self.longest_gap:.1f} s, seed {self.seed}"
