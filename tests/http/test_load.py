"""Two hundred clients at once pay, send usage and ask for access while ten days close."""

import collections
import queue
import random
import threading
import unittest

from server import (CRM_TIERS, OPENING, SMS_UNIT_FEE, ServerCase, daily_fee, day_end, day_plus, must, noon, wait_for)

CLIENTS = 200
DAYS = 10
ACCOUNTS = 40
# Requests while one day is the current one, but for what is sent again.
WORKS_A_DAY = 900
# Everything has to come to an end, whatever happens.
PATIENCE_SECONDS = 300

Work = collections.namedtuple("Work", "kind identifier body")


class Clock:
    """The time that the clients send. It can be moved on, and tells when nobody is under way with an earlier one."""

    def __init__(self, day):
        self._changed = threading.Condition()
        self._day, self._under_way, self.stopped = day, collections.Counter(), False

    def enter(self):
        with self._changed:
            self._under_way[self._day] += 1
            return self._day

    def leave(self, day):
        with self._changed:
            self._under_way[day] -= 1
            if not self._under_way[day]:
                self._changed.notify_all()

    def wait_until_moved(self, day):
        """Until it is no longer that day, or stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._day != day or self.stopped, PATIENCE_SECONDS)

    def stop(self):
        with self._changed:
            self.stopped = True
            self._changed.notify_all()

    def move_to(self, day):
        with self._changed:
            before, self._day = self._day, day
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._under_way[before] == 0, PATIENCE_SECONDS):
                raise AssertionError("requests do not come to an end")


class Sender:
    """What the CRM and the payment systems send, each with an identifier of its own, some of it more than once."""

    def __init__(self, account_ids):
        self._lock = threading.Lock()
        self._random = random.Random(7)
        self._again = []
        self._account_ids = account_ids
        self.made = collections.Counter()
        self.payments, self.events = {}, {}

    def next(self, day):
        """What to send next; None: nothing more on that day. What is to be sent again goes to the clients that ask
        next, so it is sent in parallel."""
        with self._lock:
            if self._again and self._again[-1][0] <= day:  # nothing is sent before it happens
                return self._again.pop()[1]
            if self.made[day] == WORKS_A_DAY:
                return None
            self.made[day] += 1
            kind = self._random.choices(("payment", "usage", "access", "list"), (45, 25, 28, 2))[0]
            identifier = f"{day}/{self.made[day]}"
            work = Work(kind, identifier, getattr(self, f"_{kind}")(identifier, day))
            if kind in ("payment", "usage"):
                self._again += [(day, work)] * self._random.choices((0, 1, 2), (70, 20, 10))[0]
            return work

    def _account(self):
        return self._random.choice(self._account_ids)

    def _payment(self, identifier, _):
        self.payments[identifier] = account_id, amount = self._account(), self._random.randrange(1, 10**6)
        return account_id, {"amount": amount, "method": self._random.choice(("sbp", "qiwi")), "external_id": identifier}

    def _usage(self, identifier, day):
        events = []
        for number in range(self._random.randrange(1, 6)):
            # Some of it was queued somewhere since yesterday, whose day may be closed by now.
            occurred = max(OPENING, day_plus(day, -self._random.choice((0, 0, 1))))
            event = {"usage_id": f"{identifier}-{number}", "account_id": self._account(), "service_id": "sms",
                     "quantity": self._random.randrange(1, 100), "occurred_at": noon(occurred)}
            self.events[event["usage_id"]] = event
            events.append(event)
        return {"events": events}

    def _access(self, _, __):
        return self._account()

    def _list(self, _, __):
        return None


class Load(ServerCase):
    # All clients are connected at once, however long they take to connect.
    flags = ("--test-clock", "--keep-alive", "60s")
    now = noon(OPENING)

    def test_each_counts_once_while_days_close(self):
        server = self.server
        # Each of them has another headcount, and so another tier; every eighth is in its trial.
        employees = {}
        for number in range(ACCOUNTS):
            account_id = self.company()
            self.admin.put(f"/v1/accounts/{account_id}/headcount", {"employees": number % 11 + 1}).expect(201)
            self.admin.put(f"/v1/accounts/{account_id}/subscriptions/crm", {}).expect(201)
            if number % 8:
                self.admin.post(f"/v1/accounts/{account_id}/activate", {}).expect(201)
                employees[account_id] = number % 11 + 1
        account_ids = [row[0] for row in self.sql("SELECT account_id FROM account")]
        self.assertEqual(ACCOUNTS, len(account_ids))

        clock, sender, answers = Clock(OPENING), Sender(account_ids), queue.SimpleQueue()
        closed_days = [None]  # the last of them that the operator knows of
        failures = []
        ready = threading.Barrier(CLIENTS + 1)

        def send(client, work, now):
            if work.kind == "payment":
                account_id, body = work.body
                return client.post(f"/v1/accounts/{account_id}/payments", body, now=now).expect(200, 201)
            if work.kind == "usage":
                return client.post("/v1/usage", work.body, now=now).expect(200, 201)
            if work.kind == "list":
                return client.get("/v1/access?state=active&limit=1000", now=now).expect(200)
            return client.get(f"/v1/accounts/{work.body}/access", now=now).expect(200)

        def run():
            client = server.client("operator")
            try:
                client.get("/healthz").expect(200)
                ready.wait(PATIENCE_SECONDS)
                ready.wait(PATIENCE_SECONDS)
                while not clock.stopped:
                    day = clock.enter()
                    try:
                        work, known = sender.next(day), closed_days[0]
                        if work is not None:
                            answer = send(client, work, noon(day))
                            answers.put((work, day, known, answer.status,
                                         None if work.kind == "list" else answer.json))
                    finally:
                        clock.leave(day)
                    if work is None:
                        clock.wait_until_moved(day)
            except BaseException as error:  # pylint: disable=broad-except
                failures.append(error)
                ready.abort()
            finally:
                client.close()

        threads = [threading.Thread(target=run, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            ready.wait(PATIENCE_SECONDS)
            self.assertGreaterEqual(server.metric("saldo_http_connections"), CLIENTS)
            commits, writes = (server.metric(f"saldo_{name}_total") for name in ("commits", "writes"))
            ready.wait(PATIENCE_SECONDS)
            for number in range(DAYS):
                day = day_plus(OPENING, number)
                # The day closes amid the requests of the next one.
                self.assertTrue(wait_for(lambda day=day: failures or sender.made[day] >= WORKS_A_DAY, PATIENCE_SECONDS))
                tomorrow = day_plus(day, 1)
                clock.move_to(tomorrow)
                self.assertTrue(wait_for(lambda: failures or sender.made[tomorrow] > WORKS_A_DAY // 8,
                                         PATIENCE_SECONDS, 0.005))
                row = self.operator.post(f"/v1/days/{day}/close", now=noon(tomorrow)).expect(201).json
                closed_days[0] = day
                self.assertEqual((day, len(employees)), (row["day"], row["accounts"]))
            last = day_plus(OPENING, DAYS)
            self.assertTrue(wait_for(lambda: failures or sender.made[last] >= WORKS_A_DAY, PATIENCE_SECONDS))
        finally:
            clock.stop()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
        self.assertEqual([], failures[:3])
        self.assertFalse([thread for thread in threads if thread.is_alive()])

        told = []
        while not answers.empty():
            told.append(answers.get())
        # Writes that wait together share a commit.
        self.assertLess(server.metric("saldo_commits_total") - commits, server.metric("saldo_writes_total") - writes)
        self.check_payments(sender, [each for each in told if each[0].kind == "payment"])
        charged_on = self.check_usage(sender, [each for each in told if each[0].kind == "usage"])
        self.check_access([each for each in told if each[0].kind == "access"], employees)

        # The day that is left, so that everything is posted.
        self.operator.post(f"/v1/days/{last}/close", now=noon(day_plus(last, 1))).expect(201)
        self.check_balances(sender, charged_on, account_ids, employees)
        audit = self.analyst.get("/v1/reports/audit").expect(200).json
        self.assertGreater(len(audit), 6)
        self.assertEqual([], [each for each in audit if each["violations"]])
        self.assertEqual("integrity and all audits are in order\n", must("verify", "--database", server.database))

    def same(self, expected, found):
        """assertEqual of dictionaries that are too large for its difference to end."""
        keys = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
        self.assertEqual([], [(key, expected.get(key), found.get(key)) for key in keys[:5]], f"{len(keys)} differ")

    def check_payments(self, sender, told):
        """Each was recorded by one of its requests, and all of its requests got the row that stands."""
        self.assertGreater(len(told), len(sender.payments), "some are to be sent again")
        rows = {external_id: tuple(row) for external_id, *row in self.sql(
            "SELECT external_id, account_id, amount, payment_id FROM payment LIMIT 9999")}
        self.same(sender.payments, {identifier: row[:2] for identifier, row in rows.items()})
        created = collections.Counter()
        for work, _, _, status, row in told:
            created[work.identifier] += status == 201
            self.assertEqual((work.identifier, *rows[work.identifier]),
                             (row["external_id"], row["account_id"], row["amount"], row["payment_id"]))
        self.same(dict.fromkeys(sender.payments, 1), created)
        self.assertEqual([[sum(amount for _, amount in sender.payments.values()), len(sender.payments)]],
                         self.sql("SELECT sum(amount), count(*) FROM payment"))

    def check_usage(self, sender, told):
        """Each event was recorded by one request, on its day or else on the day open then; {usage_id: that day}."""
        recorded, charged_on = collections.Counter(), {}
        late = 0
        for work, day, closed_before, _, rows in told:
            self.assertEqual([event["usage_id"] for event in work.body["events"]], [row["usage_id"] for row in rows])
            for event, row in zip(work.body["events"], rows):
                identifier = event["usage_id"]
                self.assertEqual(event, {name: row[name] for name in event})
                self.assertEqual(row["charged_on"], charged_on.setdefault(identifier, row["charged_on"]))
                recorded[identifier] += row["status"] == "recorded"
                if row["status"] == "recorded":
                    # A day may have been closed though the operator did not know it yet, but none before its end.
                    occurred = event["occurred_at"][:10]
                    first, most = (max(occurred, day_plus(closed, 1) if closed else OPENING)
                                   for closed in (closed_before, day_plus(day, -1)))
                    self.assertTrue(first <= row["charged_on"] <= most, (row, day, closed_before))
                    late += row["charged_on"] != occurred
        self.same(dict.fromkeys(sender.events, 1), recorded)
        self.assertGreater(late, 0, "some is to arrive after its day was closed")
        stored = {}
        for page in self.operator.pages("/v1/accounts", query={"limit": 10000}):
            for account in page:
                usage = self.operator.pages(f"/v1/accounts/{account['account_id']}/usage", query={"limit": 1000})
                stored.update((row["usage_id"], (row["account_id"], row["quantity"], row["charged_on"]))
                              for rows in usage for row in rows)
        self.same({identifier: (event["account_id"], event["quantity"], charged_on[identifier])
                   for identifier, event in sender.events.items()}, stored)
        return charged_on

    def check_access(self, told, employees):
        self.assertGreater(len(told), DAYS * WORKS_A_DAY // 10)
        for work, day, *_, row in told:
            self.assertEqual((work.body, day, noon(day)), (row["account_id"], row["day"], row["at"]))
            if work.body not in employees:
                self.assertEqual("trial", row["state"])

    def check_balances(self, sender, charged_on, account_ids, employees):
        """Payments, less a thirtieth of the CRM's price each day, less the messages."""
        expected = dict.fromkeys(account_ids, 0)
        for account_id, amount in sender.payments.values():
            expected[account_id] += amount
        days = [day_plus(OPENING, number) for number in range(DAYS + 1)]
        for account_id, count in employees.items():
            price = [tier["monthly_fee"] for tier in CRM_TIERS if tier["min_quantity"] <= count][-1]
            expected[account_id] -= sum(daily_fee(price, day) for day in days)
        for identifier, event in sender.events.items():
            self.assertIn(charged_on[identifier], days)
            if event["account_id"] in employees:  # usage in a trial is free
                expected[event["account_id"]] -= event["quantity"] * SMS_UNIT_FEE
        balances = [row for page in self.admin.pages("/v1/reports/account_balance", query={"limit": 7}) for row in page]
        self.same(expected, {row["account_id"]: row["balance"] for row in balances})
        at = day_end(days[-1])
        for account_id, balance in expected.items():
            row = self.crm.get(f"/v1/accounts/{account_id}/access", query={"at": at}).expect(200).json
            self.assertEqual(balance, row["balance"])


if __name__ == "__main__":
    unittest.main()
