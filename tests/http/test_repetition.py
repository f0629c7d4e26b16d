"""What is sent again counts once: identifiers of the sender's, Idempotency-Key, and dry runs, which leave nothing."""

import concurrent.futures
import json
import sqlite3
import unittest

from server import CRM_TIERS, NOW, OPENING, ROLES, TODAY, Server, ServerCase, daily_fee, noon, peek

LATER = "2026-11-02T10:00:00Z"
CRM = "/v1/accounts/1/subscriptions/crm"

# Two documents of which nothing tells the account.
STATEMENT = "\r\n".join(
    ["1CClientBankExchange", "РасчСчет=40702810100000000001",
     *(line for number in (1, 2)
       for line in ("СекцияДокумент=Платежное поручение", f"Номер={number}", "Дата=01.11.2026", "Сумма=5",
                    "ПолучательСчет=40702810100000000001", "ДатаПоступило=01.11.2026", "КонецДокумента")),
     "КонецФайла"]).encode()

# Every write, with the status of the first one. One after the other they make a history in new books.
WRITES = (
    ("PUT", "/v1/services/{service_id}", "/v1/services/fax", {"name": "Факс", "kind": "usage"}, 201),
    ("POST", "/v1/tariffs", "/v1/tariffs",
     {"service_id": "fax", "valid_from": OPENING, "tiers": [{"min_quantity": 1, "unit_fee": 5}]}, 201),
    ("PUT", "/v1/calendar/{day}", "/v1/calendar/2026-11-05", {"working": 0}, 201),
    ("DELETE", "/v1/calendar/{day}", "/v1/calendar/2026-11-04", None, 204),
    ("PUT", "/v1/policy", "/v1/policy", {"valid_from": "2026-12-01", "grace_working_days": 1}, 201),
    ("POST", "/v1/accounts", "/v1/accounts", {"name": "Ромашка", "registered_on": OPENING}, 201),
    ("PATCH", "/v1/accounts/{account_id}", "/v1/accounts/1", {"name": "Ёлка"}, 200),
    ("PUT", "/v1/accounts/{account_id}/headcount", "/v1/accounts/1/headcount", {"day": OPENING, "employees": 5}, 201),
    ("PUT", "/v1/accounts/{account_id}/subscriptions/{service_id}", CRM, {"started_on": OPENING}, 201),
    ("DELETE", "/v1/accounts/{account_id}/subscriptions/{service_id}", f"{CRM}?ended_on=2026-11-20", None, 200),
    ("POST", "/v1/accounts/{account_id}/activate", "/v1/accounts/1/activate", {"valid_from": OPENING}, 201),
    ("PUT", "/v1/accounts/{account_id}/terms", "/v1/accounts/1/terms", {"valid_from": OPENING, "credit_limit": 5}, 200),
    ("POST", "/v1/accounts/{account_id}/payments", "/v1/accounts/1/payments", {"amount": 7, "method": "sbp"}, 201),
    ("POST", "/v1/accounts/{account_id}/adjustments", "/v1/accounts/1/adjustments", {"amount": -70, "kind": "fee"},
     201),
    ("POST", "/v1/accounts/{account_id}/promised-payments", "/v1/accounts/1/promised-payments", {"days": 2}, 201),
    ("POST", "/v1/usage", "/v1/usage",
     {"events": [{"usage_id": "u-1", "account_id": 1, "service_id": "fax", "quantity": 3,
                  "occurred_at": noon(OPENING)}]},
     201),
    ("POST", "/v1/accounts/{account_id}/pause", "/v1/accounts/1/pause", {"valid_from": "2026-11-10"}, 201),
    ("POST", "/v1/accounts/{account_id}/close", "/v1/accounts/1/close", {"valid_from": "2026-11-20"}, 201),
    ("PUT", "/v1/notice-kinds/{kind}", "/v1/notice-kinds/payment", {"by_email": 0}, 200),
    ("PUT", "/v1/notice-templates/{kind}/{language}", "/v1/notice-templates/payment/ru",
     {"subject": "Спасибо", "body": "{amount}"}, 200),
    ("POST", "/v1/notice-clock", "/v1/notice-clock", {"at": noon("2026-11-02")}, 200),
    ("PUT", "/v1/channels/{channel}", "/v1/channels/qiwi", {"protocol": "osmp", "method": "qiwi"}, 201),
    ("POST", "/v1/bank-statements", "/v1/bank-statements", STATEMENT, 200),
    ("POST", "/v1/receipts/{receipt_id}/match", "/v1/receipts/1/match", {"account_id": 1}, 200),
    ("POST", "/v1/receipts/{receipt_id}/ignore", "/v1/receipts/2/ignore", {"reason": "a loan"}, 200),
    ("PUT", "/v1/issuer", "/v1/issuer", {"valid_from": OPENING, "name": "Вендор", "bank_name": "АО «Банк»",
                                         "bic": "044525000", "bank_account": "40702810000000000001"}, 201),
    ("PUT", "/v1/services/{service_id}/tax-rates/{valid_from}", f"/v1/services/crm/tax-rates/{OPENING}",
     {"basis_points": 2200}, 201),
    ("POST", "/v1/accounts/{account_id}/invoices", "/v1/accounts/1/invoices", {"amount": 500}, 201),
    # Days before the opening count as closed.
    ("POST", "/v1/accounts/{account_id}/reconciliations", "/v1/accounts/1/reconciliations",
     {"from": "2026-10-01", "to": "2026-10-31"}, 201),
    ("POST", "/v1/document-runs", "/v1/document-runs", {"month": "2026-10", "issued_on": "2026-10-31"}, 201),
    ("POST", "/v1/days/{day}/close", f"/v1/days/{OPENING}/close", None, 201),
)

# What stores nothing, what needs a delivery or a month's document first, and what answers with a secret made by chance:
# tests of their own.
OTHER_WRITES = {("POST", "/v1/sql"), ("POST", "/v1/mail/test"), ("POST", "/v1/accounts/{account_id}/checkouts"),
                ("POST", "/v1/audit-runs"), ("POST", "/v1/documents/{document_id}/send"),
                ("POST", "/v1/channels/{channel}/registry"), ("POST", "/v1/webhooks/{name}/test"),
                ("POST", "/v1/deliveries/{delivery_id}/retry"), ("PUT", "/v1/webhooks/{name}"),
                ("POST", "/v1/webhooks/{name}/rotate"), ("DELETE", "/v1/webhooks/{name}"), ("POST", "/v1/tokens"),
                ("DELETE", "/v1/tokens/{name}"), ("POST", "/v1/documents/{document_id}/corrections")}


def content(server, *but):
    """Everything in the file: each table's rows, but of these tables, and of the one that the search index empties."""
    connection = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
    try:
        connection.execute("BEGIN")
        tables = [name for name, in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE TABLE%' ORDER BY name")]
        return {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables
                if table not in but and table != "search_queue"}
    finally:
        connection.close()


def stored_answers(server):
    """(token, method, target, key, status) of the stored answers."""
    return peek(server.database, "SELECT token, method, target, key, status FROM stored_answer ORDER BY key")


class RepetitionCase(ServerCase):
    def same(self, first, again):
        """The same answer, byte for byte."""
        self.assertEqual((first.status, first.headers.get("Content-Type"), first.body),
                         (again.status, again.headers.get("Content-Type"), again.body))

    def in_use(self, answer):
        """The key came before, with another body."""
        self.refused(answer, 422, "invalid", "Idempotency-Key")


class SentAgain(RepetitionCase):
    """By the sender's own identifiers."""

    def check(self, account_id, kind, whole, needed, changes):
        """whole, sent again in any of its forms, is the row that stands; with any of the changes it is a conflict."""
        path = f"/v1/accounts/{account_id}/{kind}"
        first = self.cashier.post(path, whole).expect(201)
        self.assertEqual(whole, {name: first.json[name] for name in whole})
        # What is left out is not compared; and it is the same from whoever it comes, however late.
        for body in (whole, needed, *({**needed, name: whole[name]} for name in set(whole) - set(needed))):
            with self.subTest(again=body):
                self.same(Answered(first, 200), self.operator.post(path, body, now="2026-11-30T09:00:00Z"))
        for name, value in changes:
            for body in ({**whole, name: value}, {**needed, name: value}):
                with self.subTest(changed=name, body=body):
                    self.refused(self.cashier.post(path, body), 409, "conflict", whole["external_id"])
        with self.subTest("of another account"):
            self.refused(self.cashier.post(f"/v1/accounts/{self.company()}/{kind}", needed), 409, "conflict",
                         whole["external_id"])
        self.assertEqual([first.json], self.cashier.get(path).expect(200).json)
        return first

    def test_a_payment(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/payments"
        needed = {"amount": 500, "method": "sbp", "external_id": "pay-1"}
        whole = {**needed, "received_at": "2026-11-02T08:00:00Z", "credited_at": "2026-11-02T08:30:00Z",
                 "payer": "ООО «Ромашка»",
                 "purpose": "Счёт 7"}
        first = self.check(account_id, "payments", whole, needed, (
            ("amount", 501), ("received_at", "2026-11-02T08:00:01Z"), ("credited_at", "2026-11-02T08:29:59Z"),
            ("payer", "ООО"),
            ("payer", None), ("purpose", ""), ("purpose", None)))
        # An instant in another form is the same instant.
        self.same(Answered(first, 200), self.cashier.post(path,
                                                          {**whole, "credited_at": "2026-11-02T11:30:00.4+03:00"}))
        # By another method it is another payment; without an identifier each one counts.
        self.cashier.post(path, {**needed, "method": "qiwi"}).expect(201)
        for _ in range(2):
            self.cashier.post(path, {"amount": 500, "method": "sbp"}).expect(201)
        self.assertEqual(4, len(self.cashier.get(path).json))

    def test_what_stood_without_a_payer_does_not_get_one(self):
        path = f"/v1/accounts/{self.company()}/payments"
        needed = {"amount": 500, "method": "sbp", "external_id": "pay-2"}
        first = self.cashier.post(path, needed).expect(201)
        self.same(Answered(first, 200), self.cashier.post(path, {**needed, "payer": None}))
        self.refused(self.cashier.post(path, {**needed, "payer": "ООО"}), 409, "conflict", "pay-2")

    def test_clocks_apart(self):
        """What a sender's clock, up to 5 minutes fast, says is recorded as now, and found again however late."""
        account_id = self.customer()
        ahead, late = "2026-11-02T09:05:00Z", "2026-11-02T09:05:01Z"
        usage = {"usage_id": "fast", "account_id": account_id, "service_id": "sms", "quantity": 1}
        for path, body, name in (
                (f"/v1/accounts/{account_id}/payments",
                 {"amount": 5, "method": "sbp", "external_id": "fast"}, "credited_at"),
                (f"/v1/accounts/{account_id}/payments",
                 {"amount": 5, "method": "qiwi", "external_id": "fast"}, "received_at"),
                (f"/v1/accounts/{account_id}/adjustments",
                 {"amount": 5, "kind": "bonus", "external_id": "fast"}, "effective_at"),
                ("/v1/usage", usage, "occurred_at")):
            def send(instant, now=NOW):
                sent = {**body, name: instant}
                return self.operator.post(path, {"events": [sent]} if path == "/v1/usage" else sent, now=now)
            with self.subTest(name):
                self.refused(send(late), 422, "out_of_range", name)
                first = send(ahead).expect(201).json
                row = first[0] if path == "/v1/usage" else first
                self.assertEqual(NOW, row[name])
                for now in (NOW, "2026-11-02T09:03:00Z", "2026-11-02T09:30:00Z", "2026-11-09T09:00:00Z"):
                    send(ahead, now).expect(200)
                # Later than it can have been sent, or earlier than it was.
                for other in (late, "2026-11-02T08:59:59Z"):
                    self.refused(send(other, "2026-11-02T09:30:00Z"), 409, "conflict", "fast")

    def test_of_a_batch_only_the_late_events_are_named(self):
        account_id = self.customer()
        events = [{"usage_id": f"batch-{i}", "account_id": account_id, "service_id": "sms", "quantity": 1,
                   "occurred_at": at}
                  for i, at in enumerate((NOW, "2026-11-02T09:06:00Z", "2026-11-02T09:04:00Z", "2026-11-02T10:00:00Z"))]
        answer = self.crm.post("/v1/usage", {"events": events})
        self.refused(answer, 422, "out_of_range")
        self.assertEqual(["events[1].occurred_at", "events[3].occurred_at"],
                         [each["name"] for each in answer.json["errors"]])
        self.assertEqual([], self.crm.get(f"/v1/accounts/{account_id}/usage").json)
        events = [event for i, event in enumerate(events) if i in (0, 2)]
        self.assertEqual([NOW, NOW],
                         [each["occurred_at"]
                          for each in self.crm.post("/v1/usage", {"events": events}).expect(201).json])

    def test_an_adjustment(self):
        account_id = self.company()
        payment_id = self.cashier.post(f"/v1/accounts/{account_id}/payments",
                                       {"amount": 1, "method": "sbp"}).json["payment_id"]
        needed = {"amount": -500, "kind": "correction", "external_id": "adj-1"}
        whole = {**needed, "effective_at": "2026-11-02T08:30:00Z", "reason": "Дважды", "payment_id": payment_id,
                 "service_id": "sms",
                 "for_day": "2026-10-19"}
        self.check(account_id, "adjustments", whole, needed, (
            ("amount", -501), ("amount", 500), ("kind", "fee"), ("effective_at", "2026-11-02T08:29:59Z"),
            ("reason", "Трижды"),
            ("reason", None), ("payment_id", None), ("service_id", "crm"), ("for_day", "2026-10-20"),
            ("for_day", None)))

    def test_a_usage_event(self):
        account_id, other = self.customer(), self.customer()
        needed = {"usage_id": "use-1", "account_id": account_id, "service_id": "sms", "quantity": 3}
        whole = {**needed, "occurred_at": "2026-11-02T08:30:00Z"}
        first = self.crm.post("/v1/usage", {"events": [whole]}).expect(201).json[0]
        for event in (whole, needed, {**whole, "occurred_at": "2026-11-02T11:30:00+03:00"}):
            with self.subTest(again=event):
                answer = self.operator.post("/v1/usage", {"events": [event]}, now=LATER).expect(200)
                self.assertEqual([first | {"status": "repeated"}], answer.json)
        for name, value in (("account_id", other), ("service_id", "fax"), ("quantity", 4),
                            ("occurred_at", "2026-11-02T08:30:01Z")):
            for event in ({**whole, name: value}, {**needed, name: value}):
                with self.subTest(changed=name):
                    self.refused(self.crm.post("/v1/usage", {"events": [event]}), 409, "conflict", "use-1")
        self.assertEqual(1, len(self.crm.get(f"/v1/accounts/{account_id}/usage").json))

    def test_it_is_found_again_after_its_day_has_closed(self):
        server = self.fresh()
        admin = self.client(server, "admin", now=noon(OPENING))
        account_id = self.customer(admin)
        at = noon(OPENING)
        usage = {"events": [{"usage_id": "u", "account_id": account_id, "service_id": "sms", "quantity": 1,
                             "occurred_at": at}]}
        writes = ((f"/v1/accounts/{account_id}/payments",
                   {"amount": 7, "method": "sbp", "external_id": "p", "credited_at": at}),
                  (f"/v1/accounts/{account_id}/adjustments",
                   {"amount": 7, "kind": "bonus", "external_id": "a", "effective_at": at}),
                  ("/v1/usage", usage))
        first = [admin.post(path, body).expect(201) for path, body in writes]
        admin.post(f"/v1/days/{OPENING}/close", now=NOW).expect(201)
        before = content(server)
        for (path, body), stands in zip(writes, first):
            with self.subTest(path=path):
                answer = admin.post(path, body, now=NOW).expect(200)
                self.assertEqual(stands.body.replace(b'"recorded"', b'"repeated"'), answer.body)
        self.assertEqual(before, content(server))

    def test_the_same_payment_from_many_at_once_counts_once(self):
        account_id = self.company()
        path, body = f"/v1/accounts/{account_id}/payments", {"amount": 500, "method": "sbp", "external_id": "at-once"}
        answers = at_once(self.server, 16, lambda client, _: client.post(path, body))
        self.assertEqual([200] * 15 + [201], sorted(answer.status for answer in answers))
        self.assertEqual(1, len({answer.body for answer in answers}))
        self.assertEqual(1, len(self.cashier.get(path).json))


class Answered:
    """The same answer but for its status, to compare others with."""

    def __init__(self, answer, status):
        self.status, self.headers, self.body = status, answer.headers, answer.body


def at_once(server, clients, work, role="admin", now=NOW):
    """The results of work(client, index), each on a connection of its own, all under way together."""
    server.document  # asked for before, not by all of them
    opened = [server.client(role, now=now) for _ in range(clients)]
    for client in opened:
        client.connection.connect()
    try:
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            return list(pool.map(work, opened, range(clients)))
    finally:
        for client in opened:
            client.close()


class EveryWrite(RepetitionCase):
    def test_the_writes_here_are_all_there_are(self):
        self.assertEqual({route for route in self.server.document.routes if route[0] != "GET"} - OTHER_WRITES,
                         {(method, path) for method, path, *_ in WRITES})

    def test_a_dry_run_answers_as_the_write_and_leaves_nothing(self):
        server = self.fresh()
        admin = self.client(server, "admin")
        for method, _, target, body, status in WRITES:
            with self.subTest(method=method, target=target):
                before = content(server)
                dry = target + ("&" if "?" in target else "?") + "dry_run=true"
                first = admin.request(method, dry, body).expect(status)
                self.assertEqual(before, content(server))
                # No answer is stored either: the same key may come again with another body.
                self.same(first, admin.request(method, dry, body, key="dry"))
                self.assertEqual(before, content(server))
                self.same(first, admin.request(method, target + ("&" if "?" in target else "?") + "dry_run=false",
                                               body))
                self.assertNotEqual(before, content(server))
        # The close in particular: what it said is what was posted.
        fee = daily_fee(CRM_TIERS[0]["monthly_fee"], OPENING)
        self.assertEqual((fee + 15, 2), (first.json["charged"], first.json["charges"]))
        self.assertEqual([(OPENING, "crm", fee), (OPENING, "fax", 15)],
                         peek(server.database, "SELECT day, service_id, amount FROM charge ORDER BY service_id"))

    def test_with_a_key_the_first_answer_is_given_again_also_after_a_restart(self):
        server = self.fresh()
        admin = self.client(server, "admin")
        first = []
        for index, (method, _, target, body, status) in enumerate(WRITES):
            with self.subTest(method=method, target=target):
                first.append(admin.request(method, target, body, key=f"key-{index}").expect(status))
                before = content(server)
                self.same(first[-1], admin.request(method, target, body, key=f"key-{index}", now=LATER))
                self.assertEqual(before, content(server))
        self.assertEqual(sorted(("admin", method, target, f"key-{index}", status)
                                for index, (method, _, target, _, status) in enumerate(WRITES)),
                         sorted(stored_answers(server)))
        before = content(server)
        self.assertEqual(0, server.stop())
        with Server(server.database, "--test-clock", tokens=server.tokens) as again:
            admin = self.client(again, "admin", now="2026-12-24T09:00:00Z")
            for index, (method, _, target, body, _) in enumerate(WRITES):
                with self.subTest(method=method, target=target, restarted=True):
                    self.same(first[index], admin.request(method, target, body, key=f"key-{index}"))
                    self.in_use(admin.request(method, target, {"reason": "another body"}, key=f"key-{index}"))
            self.assertEqual(before, content(again))


class Keys(RepetitionCase):
    def test_what_was_refused_is_judged_anew(self):
        """A refusal has done nothing: under its key the request is done once it can be, also with another body."""
        server = self.fresh()
        admin = self.client(server, "admin")
        payment = {"amount": 1, "method": "sbp"}
        cases = (
            ("not-there", "POST", "/v1/accounts/1/payments", payment, 404, "not_found"),
            ("no-row", "DELETE", "/v1/calendar/2026-11-05", None, 404, "not_found"),
            ("not-yet", "POST", f"/v1/days/{TODAY}/close", None, 409, "conflict"),
            ("no-account", "PUT", "/v1/accounts/2/terms", {"held": 1}, 404, "not_found"),
            ("too-many", "PUT", "/v1/accounts/1/headcount", {"employees": 10**9 + 1}, 422, "out_of_range"),
            ("missing", "PUT", "/v1/accounts/1/headcount", {}, 422, "invalid"),
            ("after-now", "POST", "/v1/accounts/1/payments", {**payment, "received_at": LATER}, 422, "out_of_range"),
        )
        for key, method, path, body, status, code in cases:
            for _ in range(2):
                with self.subTest(refused=key):
                    self.refused(admin.request(method, path, body, key=key), status, code)
        self.assertEqual([], stored_answers(server))
        for _ in range(2):
            self.customer(admin)
        admin.put("/v1/calendar/2026-11-05", {"working": 0}).expect(201)
        admin.post(f"/v1/days/{OPENING}/close").expect(201)
        mended = {"too-many": {"employees": 7}, "missing": {"employees": 7}}
        for key, method, path, body, _, _ in cases:
            with self.subTest(done=key):
                body = mended.get(key, body)
                done = admin.request(method, path, body, key=key, now="2026-11-03T09:00:00Z")
                self.assertIn(done.status, (200, 201, 204), done)
                before = content(server)
                self.same(done, admin.request(method, path, body, key=key, now="2026-11-03T09:00:00Z"))
                self.in_use(admin.request(method, path, {"quite": "another"}, key=key))
                self.assertEqual(before, content(server))

    def test_a_key_tells_its_answer_whatever_the_clock_says(self):
        """An instant that was right when the write was done may lie ahead of a clock that was set back."""
        path = f"/v1/accounts/{self.company()}/payments"
        body = {"amount": 1, "method": "sbp", "received_at": "2026-11-02T09:00:00Z"}
        first = self.cashier.post(path, body, key="clock").expect(201)
        self.same(first, self.cashier.post(path, body, key="clock", now="2026-11-02T08:00:00Z"))

    def test_refusals_400_401_403_and_413_are_not_stored(self):
        server = self.fresh("--test-clock", "--max-body", "1000")
        admin, crm, nobody = (self.client(server, role) for role in ("admin", "crm", None))
        account_id = self.customer(admin)
        path, body = f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "sbp"}
        for key, client, sent, headers, status, code in (
                ("bad-json", admin, b"{", {}, 400, "malformed"),
                ("bad-now", admin, body, {"Saldo-Now": "soon"}, 400, "malformed"),
                ("no-token", nobody, body, {}, 401, "unauthorized"),
                ("bad-token", admin, body, {"Authorization": "Bearer nobody"}, 401, "unauthorized"),
                ("too-low", crm, body, {}, 403, "forbidden"),
                ("too-large", admin, {**body, "purpose": "x" * 1000}, {}, 413, "too_large")):
            with self.subTest(key=key):
                for _ in range(2):
                    self.refused(client.post(path, sent, key=key, headers=headers), status, code)
                    # The server may have closed the connection after so early a refusal.
                    client.close()
                self.assertEqual([], stored_answers(server))
        # The refusals did not use up the keys.
        for key in ("bad-json", "bad-now", "no-token", "bad-token", "too-low", "too-large"):
            with self.subTest(key=key, now="good"):
                admin.post(path, body, key=key).expect(201)
        self.assertEqual(6, len(admin.get(path).json))

    def test_the_scope_is_token_method_and_path_with_query(self):
        server = self.fresh()
        clients = {role: self.client(server, role) for role in ROLES}
        admin = clients["admin"]
        account_id = self.customer(admin)
        other = self.customer(admin)
        payment = {"amount": 1, "method": "sbp"}
        body = {"amount": 2, "method": "sbp"}
        first = admin.post(f"/v1/accounts/{account_id}/payments", payment, key="same").expect(201)
        self.in_use(admin.post(f"/v1/accounts/{account_id}/payments", body, key="same"))
        self.in_use(admin.post(f"/v1/accounts/{account_id}/payments", {**payment, "payer": "x"}, key="same"))
        for name, request in (
                ("token", lambda: clients["cashier"].post(f"/v1/accounts/{account_id}/payments", body, key="same")),
                ("path", lambda: admin.post(f"/v1/accounts/{other}/payments", body, key="same")),
                ("query", lambda: admin.post(f"/v1/accounts/{account_id}/payments?dry_run=false", body, key="same")),
                ("key", lambda: admin.post(f"/v1/accounts/{account_id}/payments", body, key="Same"))):
            with self.subTest(another=name):
                self.assertEqual(2, request().expect(201).json["amount"])
        admin.put("/v1/calendar/2026-11-10", {"working": 0}, key="day").expect(201)
        admin.delete("/v1/calendar/2026-11-10", key="day").expect(204)
        self.refused(admin.delete("/v1/calendar/2026-11-10", key="another-day"), 404, "not_found")
        admin.delete("/v1/calendar/2026-11-10", key="day").expect(204)
        self.same(first, admin.post(f"/v1/accounts/{account_id}/payments", payment, key="same"))
        self.assertEqual([1, 2, 2, 2], [each["amount"]
                                        for each in admin.get(f"/v1/accounts/{account_id}/payments").json])

    def test_the_first_answer_is_given_in_its_first_form(self):
        path = f"/v1/accounts/{self.company()}/headcount"
        first = self.crm.put(path, {"employees": 1}, key="form", accept="text/csv").expect(201)
        self.assertEqual("1", first.csv[0]["employees"])
        self.same(first, self.crm.put(path, {"employees": 1}, key="form", accept="application/json"))

    def test_what_a_key_may_be(self):
        path, body = f"/v1/accounts/{self.company()}/payments", {"amount": 1, "method": "sbp"}
        for key in ("x" * 256, "with blank", "tab\there", "ключ".encode()):
            with self.subTest(key=key[:20]):
                self.refused(self.cashier.post(path, body, key=key), 400, "malformed", "Idempotency-Key")
        self.assertEqual([], self.cashier.get(path).json)
        for key in ("x", "x" * 255, "';DROP/**/TABLE/**/payment;--", "\"quoted\""):
            with self.subTest(key=key[:20]):
                self.same(self.cashier.post(path, body, key=key).expect(201), self.cashier.post(path, body, key=key))
        self.assertEqual(4, len(self.cashier.get(path).json))

    def test_the_same_key_from_many_at_once_counts_once(self):
        for round_ in range(3):
            with self.subTest(round=round_):
                path, body = f"/v1/accounts/{self.company()}/payments", {"amount": 500, "method": "sbp"}
                answers = at_once(self.server, 16, lambda client, _: client.post(path, body, key="at-once"))
                self.assertEqual({201}, {answer.status for answer in answers})
                self.assertEqual(1, len({answer.body for answer in answers}))
                self.assertEqual([json.loads(answers[0].body)], self.cashier.get(path).json)

    def test_of_different_bodies_at_once_with_one_key_one_is_done(self):
        path = f"/v1/accounts/{self.company()}/payments"
        answers = at_once(self.server, 16, lambda client,
                          index: client.post(path, {"amount": index + 1, "method": "sbp"}, key="one"))
        self.assertEqual([201] + [422] * 15, sorted(answer.status for answer in answers))
        done, = (answer for answer in answers if answer.status == 201)
        for answer in answers:
            if answer is not done:
                self.in_use(answer)
        self.assertEqual([done.json], self.cashier.get(path).json)


class DryRuns(RepetitionCase):
    def test_a_refusal_is_told_as_it_would_be(self):
        account_id = self.company()
        for method, path, body, status in (("POST", "/v1/accounts/4711/payments", {"amount": 1, "method": "sbp"}, 404),
                                           ("POST", f"/v1/days/{TODAY}/close", None, 409),
                                           ("POST", f"/v1/accounts/{account_id}/promised-payments", {"days": 1}, 409),
                                           ("PUT", f"/v1/accounts/{account_id}/headcount", {"employees": -1}, 422),
                                           ("PUT", f"/v1/accounts/{account_id}/headcount", {"x": 1}, 422)):
            with self.subTest(method=method, path=path):
                dry = self.admin.request(method, f"{path}?dry_run=true", body, key="refused")
                self.assertEqual(status, dry.status)
                self.same(dry, self.admin.request(method, path, body))
        self.assertEqual([], [row for row in stored_answers(self.server) if row[3] == "refused"])

    def test_a_key_is_not_used_up_by_a_dry_run(self):
        path = f"/v1/accounts/{self.company()}/payments"
        for amount in (1, 2):
            answer = self.cashier.post(f"{path}?dry_run=true", {"amount": amount, "method": "sbp"},
                                       key="twice").expect(201)
            self.assertEqual(amount, answer.json["amount"])
        self.assertEqual([], [row for row in stored_answers(self.server) if row[3] == "twice"])
        self.assertEqual([], self.cashier.get(path).json)
        self.cashier.post(path, {"amount": 3, "method": "sbp"}, key="twice").expect(201)

    def test_the_value_is_true_or_false(self):
        path = f"/v1/accounts/{self.company()}/payments"
        for value in ("1", "0", "yes", "TRUE", "", "true%20"):
            with self.subTest(value=value):
                answer = self.cashier.post(f"{path}?dry_run={value}", {"amount": 1, "method": "sbp"})
                self.refused(answer, 422, "invalid")
                self.assertEqual(["dry_run"], [each["name"] for each in answer.json["errors"]])
        self.refused(self.cashier.post(path, {"amount": 1, "method": "sbp", "dry_run": True}), 422, "invalid",
                     "dry_run")
        self.assertEqual([], self.cashier.get(path).json)

    def test_a_dry_run_needs_the_role_of_the_write(self):
        path = f"/v1/accounts/{self.company()}/payments?dry_run=true"
        self.refused(self.crm.post(path, {"amount": 1, "method": "sbp"}), 403, "forbidden")
        self.refused(self.nobody.post(path, {"amount": 1, "method": "sbp"}), 401, "unauthorized")

    def test_dry_closes_while_others_write(self):
        """A close undone among the writes of others: theirs stay, its own do not."""
        server = self.fresh()
        admin = self.client(server, "admin")
        path = f"/v1/accounts/{self.customer(admin)}/payments"

        def work(client, index):
            if index % 2:
                return [client.post(path, {"amount": 1, "method": "sbp", "external_id": f"{index}-{each}"}).expect(201)
                        for each in range(10)]
            return [client.post(f"/v1/days/{OPENING}/close?dry_run=true").expect(201) for _ in range(10)]

        at_once(server, 8, work)
        self.assertEqual((40, [(0,)]), (len(admin.get(path, query={"limit": 1000}).json),
                                        peek(server.database, "SELECT count(*) FROM day_close")))
        admin.post(f"/v1/days/{OPENING}/close").expect(201)
        self.assertEqual({0}, {each["violations"] for each in admin.get("/v1/reports/audit").json})


if __name__ == "__main__":
    unittest.main()
