"""The test clock, days that close when they are told to, and the rules as a CRM sees them by HTTP."""

import datetime
import http.client
import json
import unittest

from server import (CRM_TIERS, NOW, OPENING, SMS_UNIT_FEE, TODAY, ServerCase, daily_fee, day_end, day_plus,
                    noon, peek, wait_for)

SMALL, GREAT = (tier["monthly_fee"] for tier in CRM_TIERS)


def days(first, last):
    while first <= last:
        yield first
        first = day_plus(first, 1)


def fees(monthly_price, first, last):
    """What the days from first to last cost together."""
    return sum(daily_fee(monthly_price, day) for day in days(first, last))


def midnight(day):
    """The midnight in Moscow that begins the day."""
    return day_end(day_plus(day, -1))


def seconds_before(instant, seconds=1):
    at = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")) - datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class ClockCase(ServerCase):
    def access(self, account_id, at, client=None):
        return (client or self.crm).get(f"/v1/accounts/{account_id}/access", now=at).expect(200).json

    def seen(self, account_id, at, client=None, /, **expected):
        """The access at this instant has these columns."""
        with self.subTest(at=at):
            access = self.access(account_id, at, client)
            self.assertEqual(expected, {name: access[name] for name in expected})

    def pay(self, account_id, amount, at, client=None):
        return (client or self.operator).post(f"/v1/accounts/{account_id}/payments",
                                              {"amount": amount, "method": "sbp"},
                                              now=at).expect(201).json

    def close(self, client, first, last=None):
        """Closes the days, each when it has ended."""
        for day in days(first, last or first):
            client.post(f"/v1/days/{day}/close", now=day_end(day)).expect(201)

    def own(self, opening=None):
        """An operator, on a server with books that only this test uses."""
        return self.client(self.fresh(opening=opening), "operator", now=noon(opening or OPENING))


class TestClock(ClockCase):
    def test_saldo_now_is_the_instant_of_the_request(self):
        for sent, at, day in (("2026-11-05T20:59:59Z", "2026-11-05T20:59:59Z", "2026-11-05"),
                              ("2026-11-05T21:00:00Z", "2026-11-05T21:00:00Z", "2026-11-06"),
                              ("2026-11-06T00:00:00+03:00", "2026-11-05T21:00:00Z", "2026-11-06"),
                              ("2026-11-05T23:59:59.999999+03:00", "2026-11-05T20:59:59Z", "2026-11-05"),
                              ("2026-11-05t10:00:00z", "2026-11-05T10:00:00Z", "2026-11-05"),
                              ("2031-01-01T00:00:00-12:00", "2031-01-01T12:00:00Z", "2031-01-01")):
            with self.subTest(sent=sent):
                row = self.crm.post("/v1/accounts", {"name": "x"}, now=sent).expect(201).json
                self.assertEqual((day, at), (row["registered_on"], row["recorded_at"]))
                path = f"/v1/accounts/{row['account_id']}"
                access = self.access(row["account_id"], sent)
                self.assertEqual((day, at), (access["day"], access["at"]))
                payment = self.pay(row["account_id"], 1, sent)
                self.assertEqual((at, at, day), (payment["received_at"], payment["credited_at"], payment["day"]))
                headcount = self.crm.put(f"{path}/headcount", {"employees": 1}, now=sent).expect(201).json
                self.assertEqual(day, headcount["day"])
                subscription = self.crm.put(f"{path}/subscriptions/crm", {}, now=sent).expect(201).json
                self.assertEqual(day, subscription["started_on"])
                self.assertEqual(day, self.crm.post(f"{path}/activate", now=sent).expect(201).json["valid_from"])
                ended = self.crm.delete(f"{path}/subscriptions/crm",
                                        now=day_plus(day, 1) + "T12:00:00Z").expect(200).json
                self.assertEqual(day_plus(day, 1), ended["ended_on"])
                # For a request that comes 301 seconds before, more than clocks may differ, it is in the future.
                self.refused(self.operator.post(f"{path}/payments", {"amount": 1, "method": "sbp", "received_at": at},
                                                now=seconds_before(at, 301)), 422, "out_of_range", "received_at")

    def test_it_is_the_now_of_all_that_is_asked(self):
        """Of access_state asked for neither a day nor an instant, and of its views, by /v1/sql and by reports alike."""
        server = self.fresh()
        admin = self.client(server, "admin")
        account_id = self.customer(admin)
        for now in (NOW, f"{day_plus(OPENING, 6)}T09:00:00Z", f"{day_plus(OPENING, 30)}T09:00:00Z"):
            # Several times, as each of the reading connections may answer.
            for _ in range(4):
                with self.subTest(now=now):
                    for sql in ("SELECT at, state FROM access_state",
                                "SELECT at, state FROM access_state WHERE state <> ''"):
                        rows = admin.post("/v1/sql", {"sql": sql}, now=now).expect(200).json["rows"]
                        self.assertEqual(now, rows[0][0])
                    # The clock of SQLite's own functions is the same.
                    sql = ("SELECT datetime(), datetime('now'), CURRENT_TIMESTAMP, date(), CURRENT_DATE, CURRENT_TIME,"
                           " strftime('%s', 'now'), (SELECT at FROM access_state)")
                    clocks = admin.post("/v1/sql", {"sql": sql}, now=now).expect(200).json["rows"]
                    day, time = now[:10], now[11:19]
                    second = str(int(datetime.datetime.fromisoformat(now.replace("Z", "+00:00")).timestamp()))
                    self.assertEqual([[f"{day} {time}"] * 3 + [day, day, time, second, now]], clocks)
                    access = admin.get(f"/v1/accounts/{account_id}/access", now=now).expect(200).json
                    self.assertEqual([[now, access["state"]]], rows)
                    debtors = admin.post("/v1/sql", {"sql": "SELECT * FROM debtor"}, now=now).expect(200).json["rows"]
                    self.assertEqual([list(row.values())
                                      for row in admin.get("/v1/reports/debtor", now=now).expect(200).json], debtors)

    def test_a_bad_saldo_now_is_400(self):
        accounts = self.count("account")
        for sent in ("now", "2026-11-05", "2026-11-05T10:00:00", "2026-02-30T10:00:00Z", "2026-11-05T25:00:00Z",
                     "1793610000",
                     "2026-11-05T10:00:00Z x", "2026-11-05T10:00:00Z, 2026-11-06T10:00:00Z"):
            for method, path, body in (("GET", "/v1/accounts", None), ("POST", "/v1/accounts", {"name": "x"})):
                with self.subTest(sent=sent, method=method):
                    answer = self.crm.request(method, path, body, headers={"Saldo-Now": sent})
                    self.refused(answer, 400, "malformed", "Saldo-Now")
        self.assertEqual(accounts, self.count("account"))

    def test_without_saldo_now_it_is_the_time_of_the_machine(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        self.addCleanup(connection.close)
        before = machine_time()
        connection.request("POST", "/v1/accounts", b'{"name": "x"}',
                           {"Authorization": f"Bearer {self.server.tokens['crm']}"})
        response = connection.getresponse()
        row = json.loads(response.read())
        self.assertEqual(201, response.status)
        self.assertLessEqual(before, row["recorded_at"])
        self.assertLessEqual(row["recorded_at"], machine_time())

    def test_without_the_flag_the_header_is_400_and_the_time_is_the_machines(self):
        server = self.fresh("--close-after", "6h")
        client = self.client(server, "crm")
        for sent in (NOW, "x"):
            for method, path, body in (("GET", "/v1/accounts", None), ("POST", "/v1/accounts", {"name": "x"})):
                with self.subTest(sent=sent, method=method):
                    self.refused(client.request(method, path, body, headers={"Saldo-Now": sent}), 400, "malformed",
                                 "Saldo-Now")
        before = machine_time()
        row = client.post("/v1/accounts", {"name": "x"}).expect(201).json
        self.assertLessEqual(before, row["recorded_at"])
        self.assertLessEqual(row["recorded_at"], machine_time())

    def test_the_closing_job_is_off_with_the_test_clock(self):
        opening = day_plus(machine_time()[:10], -3)
        # The server with the test clock starts first. Once the other one has closed its days, this one would have
        # had the time to close some, too.
        clocked = self.fresh("--test-clock", "--close-after", "1ms", opening=opening)
        closing = self.fresh("--close-after", "1ms", opening=opening, name="closing")
        self.assertTrue(wait_for(lambda: len(peek(closing.database, "SELECT day FROM day_close")) >= 2))
        self.assertEqual([], peek(clocked.database, "SELECT day FROM day_close"))


def machine_time():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Closing(ClockCase):
    def test_a_day_closes_after_its_end_and_in_order(self):
        operator = self.own()
        account_id = self.customer(operator)

        def close(day, at, body=None):
            return operator.post(f"/v1/days/{day}/close", body, now=at)

        self.refused(close(OPENING, seconds_before(day_end(OPENING))), 409, "day_not_ended", OPENING, day_end(OPENING))
        self.refused(close(TODAY, noon("2026-11-10")), 409, "conflict", OPENING)
        self.refused(close("2026-10-31", noon("2026-11-10")), 409, "day_closed", OPENING)
        self.refused(close("2026-11-31", noon("2026-11-10")), 422, "invalid", "day")
        self.assertEqual([], operator.get("/v1/days").expect(200).json)
        answer = close(OPENING, day_end(OPENING)).expect(201).json
        fee = daily_fee(SMALL, OPENING)
        self.assertRegex(answer.pop("digest"), "^[0-9a-f]{64}$")
        self.assertEqual({"day": OPENING, "ends_at": day_end(OPENING), "closed_at": day_end(OPENING), "accounts": 1,
                          "charges": 1,
                          "charged": fee}, answer)
        self.refused(close(OPENING, noon(TODAY)), 409, "conflict", OPENING)
        # closed_at may have been before the request, but not before the end.
        self.refused(close(TODAY, noon("2026-11-03"), {"closed_at": noon(TODAY)}), 409, "day_not_ended", TODAY)
        self.refused(close(TODAY, noon("2026-11-03"), {"closed_at": noon("2026-11-04")}), 422, "out_of_range",
                     "closed_at")
        answer = close(TODAY, noon("2026-11-03"), {"closed_at": "2026-11-03T03:00:00+03:00"}).expect(201).json
        self.assertEqual("2026-11-03T00:00:00Z", answer["closed_at"])
        self.assertEqual([OPENING, TODAY], [each["day"] for each in operator.get("/v1/days").json])
        self.assertEqual([(OPENING, -fee), (TODAY, -daily_fee(SMALL, TODAY))],
                         [(each["day"], each["amount"])
                          for each in operator.get(f"/v1/accounts/{account_id}/ledger").json])

    def test_what_is_dated_in_a_closed_day_is_refused_with_the_first_day_possible(self):
        """R11."""
        operator = self.own()
        account_id = self.customer(operator)
        path = f"/v1/accounts/{account_id}"
        self.close(operator, OPENING, "2026-11-03")
        now, first = noon("2026-11-05"), "2026-11-04"
        for method, target, body in (("PUT", f"{path}/headcount", {"employees": 5, "day": "2026-11-03"}),
                                     ("PUT", f"{path}/headcount", {"employees": 6, "day": OPENING}),
                                     ("POST", f"{path}/pause", {"valid_from": "2026-11-03"}),
                                     ("PUT", f"{path}/terms", {"valid_from": "2026-11-03", "credit_limit": 1}),
                                     ("PUT", f"{path}/subscriptions/sms", {"started_on": "2026-11-03"}),
                                     ("PUT", f"{path}/subscriptions/crm", {"started_on": "2026-11-03"}),
                                     ("DELETE", f"{path}/subscriptions/crm", {"ended_on": "2026-11-03"}),
                                     ("PUT", "/v1/policy", {"valid_from": "2026-11-03"}),
                                     ("PUT", "/v1/calendar/2026-11-03", {"working": 0}),
                                     ("POST", "/v1/accounts", {"name": "x", "registered_on": "2026-11-03"}),
                                     ("POST", "/v1/tariffs", {"service_id": "crm", "valid_from": "2026-11-03",
                                                              "tiers": [{"min_quantity": 1, "monthly_fee": 1}]})):
            with self.subTest(method=method, target=target, body=body):
                self.refused(operator.request(method, target, body, now=now), 409, "day_closed", first)
        for target, body in ((f"{path}/payments",
                              {"amount": 1, "method": "sbp", "credited_at": seconds_before(day_end("2026-11-03"))}),
                             (f"{path}/adjustments",
                              {"amount": 1, "kind": "bonus", "effective_at": noon("2026-11-03")}),
                             (f"{path}/promised-payments", {"days": 1, "granted_at": noon("2026-11-03")}),
                             (f"{path}/adjustments",
                              {"amount": 1, "kind": "opening_balance", "effective_at": noon("2026-10-01")})):
            with self.subTest(target=target, body=body):
                self.refused(operator.post(target, body, now=now), 409, "day_closed")
        # From the open day on, though it has ended, all goes; the subscription that began before may end.
        operator.put(f"{path}/headcount", {"employees": 6, "day": first}, now=now).expect(201)
        ended = operator.delete(f"{path}/subscriptions/crm", {"ended_on": first}, now=now).expect(200).json
        self.assertEqual((OPENING, first), (ended["started_on"], ended["ended_on"]))
        operator.post(f"{path}/payments", {"amount": 1, "method": "sbp", "credited_at": day_end("2026-11-03")},
                      now=now).expect(201)

    def test_access_does_not_wait_for_the_close(self):
        operator = self.own()
        account_id = self.customer(operator)
        self.pay(account_id, fees(SMALL, OPENING, "2026-11-06") - 1, noon(OPENING), operator)
        at = [noon(day) for day in days(TODAY, "2026-11-12")]
        before = [self.access(account_id, each, operator) for each in at]
        self.close(operator, OPENING, "2026-11-08")
        self.assertEqual(before, [self.access(account_id, each, operator) for each in at])
        self.assertEqual({"active", "grace", "restricted"}, {each["state"] for each in before})


class FirstWeek(ClockCase):
    """The README's "A CRM's first week"; what each day costs is computed here."""

    opening = "2026-11-09"

    def test_the_week(self):
        monday, tuesday, friday, saturday, sunday = "2026-11-09", "2026-11-10", "2026-11-13", "2026-11-14", "2026-11-15"
        second_monday, second_tuesday = "2026-11-16", "2026-11-17"
        operator = self.client(self.fresh(), "operator")

        def post(path, body=None, at=None, status=201):
            return operator.post(path, body, now=at).expect(status).json

        post("/v1/accounts", {"name": "Ромашка", "external_id": "crm-7"}, "2026-11-09T07:00:00Z")
        operator.put("/v1/accounts/1/headcount", {"employees": 5}, now="2026-11-09T07:00:01Z").expect(201)
        operator.put("/v1/accounts/1/subscriptions/crm", {}, now="2026-11-09T07:00:02Z").expect(201)
        post("/v1/accounts/1/activate", None, "2026-11-09T07:00:03Z")
        post("/v1/accounts/1/payments", {"amount": 42000, "method": "bank_card", "external_id": "ch_1"},
             "2026-11-09T07:05:00Z")

        self.assertGreaterEqual(42000, fees(SMALL, monday, saturday))
        self.assertLess(42000, fees(SMALL, monday, sunday))
        base = {"employees_allowed": 1, "admin_allowed": 1, "arrears_since": None, "promised_until": None,
                "promise_allowed": 0, "lasts_until": None}
        active = base | {"state": "active", "restricted_from": midnight(second_monday)}
        at = "2026-11-09T07:06:00Z"
        self.seen(1, at, operator, **active | {"at": at, "day": monday, "balance": 42000,
                                               "accrued": daily_fee(SMALL, monday),
                                               "lasts_until": sunday})

        closed = post(f"/v1/days/{monday}/close", None, "2026-11-10T03:00:00Z")
        self.assertEqual(daily_fee(SMALL, monday), closed["charged"])
        self.refused(operator.post(f"/v1/days/{tuesday}/close", now="2026-11-10T03:00:00Z"), 409, "day_not_ended",
                     tuesday)

        operator.put("/v1/accounts/1/headcount", {"employees": 8}, now="2026-11-10T08:00:00Z").expect(201)
        left = 42000 - daily_fee(SMALL, monday)
        self.assertGreaterEqual(left, fees(GREAT, tuesday, "2026-11-12"))
        self.assertLess(left, fees(GREAT, tuesday, friday))
        self.seen(1, "2026-11-10T08:00:01Z", operator,
                  **active | {"balance": left, "accrued": daily_fee(GREAT, tuesday),
                              "lasts_until": friday})
        charges = operator.get(f"/v1/accounts/1/charges?from={monday}&to={friday}",
                               now="2026-11-10T08:00:02Z").expect(200).json
        self.assertEqual([(monday, 5, 1, SMALL, daily_fee(SMALL, monday)),
                          *((day, 8, 6, GREAT, daily_fee(GREAT, day)) for day in days(tuesday, friday))],
                         [(each["day"], each["quantity"], each["min_quantity"], each["monthly_fee"], each["amount"])
                          for each in charges])

        # Saturday: in arrears since midnight, and everyone works; Monday: only the administrator.
        arrears = base | {"arrears_since": midnight(saturday), "restricted_from": midnight(second_monday),
                          "promise_allowed": 1}
        self.seen(1, "2026-11-14T09:00:00Z", operator, **arrears | {
            "state": "grace", "balance": left - fees(GREAT, tuesday, friday), "accrued": daily_fee(GREAT, saturday)})
        self.seen(1, seconds_before(midnight(second_monday)), operator, state="grace", employees_allowed=1)
        debt = left - fees(GREAT, tuesday, sunday)
        restricted = arrears | {"state": "restricted", "employees_allowed": 0, "balance": debt,
                                "accrued": daily_fee(GREAT, second_monday)}
        self.seen(1, midnight(second_monday), operator, **restricted)
        self.seen(1, "2026-11-16T06:00:00Z", operator, **restricted)

        promise = post("/v1/accounts/1/promised-payments", {"days": 3}, "2026-11-16T06:30:00Z")
        self.assertEqual("2026-11-19T06:30:00Z", promise["expires_at"])
        self.refused(operator.post("/v1/accounts/1/promised-payments", {"days": 1}, now="2026-11-16T06:31:00Z"), 409,
                     "promise_refused")
        self.seen(1, "2026-11-16T06:32:00Z", operator, **restricted | {
            "state": "promised", "employees_allowed": 1, "restricted_from": "2026-11-19T06:30:00Z",
            "promise_allowed": 0,
            "promised_until": "2026-11-19T06:30:00Z"})

        payment = {"amount": 200000, "method": "bank_card", "external_id": "ch_2"}
        first = post("/v1/accounts/1/payments", payment, "2026-11-17T10:00:00Z")
        self.assertEqual(first, post("/v1/accounts/1/payments", payment, "2026-11-17T10:00:09Z", 200))
        balance = debt - daily_fee(GREAT, second_monday) + 200000
        last = last_day(balance, GREAT, second_tuesday)
        self.seen(1, "2026-11-17T10:01:00Z", operator, **active | {
            "balance": balance, "accrued": daily_fee(GREAT, second_tuesday), "lasts_until": last,
            "restricted_from": midnight(next_worked(day_plus(last, 1)))})
        self.assertEqual("2026-11-30", last)


def last_day(balance, monthly_price, day):
    """The day whose charge takes the balance below zero."""
    while balance >= daily_fee(monthly_price, day):
        balance -= daily_fee(monthly_price, day)
        day = day_plus(day, 1)
    return day


def next_worked(day, holidays=("2026-11-04",)):
    """The first working day on or after it."""
    while day in holidays or datetime.date.fromisoformat(day).isoweekday() > 5:
        day = day_plus(day, 1)
    return day


class Rules(ClockCase):
    """Chapter 4, as the CRM sees it. Prices of a day: about 66 roubles for five employees, 116 for eight."""

    def test_r1_status(self):
        account_id = self.company(trial_ends_on="2026-11-05")
        path = f"/v1/accounts/{account_id}"
        everyone, admin, nobody = (dict(zip(("employees_allowed", "admin_allowed"), each))
                                   for each in ((1, 1), (0, 1), (0, 0)))
        self.crm.put(f"{path}/headcount", {"employees": 5}).expect(201)
        self.crm.put(f"{path}/subscriptions/crm", {}).expect(201)
        self.seen(account_id, seconds_before(day_end("2026-11-05")), state="trial", accrued=0, **everyone)
        self.seen(account_id, day_end("2026-11-05"), state="trial_ended", accrued=0, **admin)
        self.pay(account_id, 10**7, NOW)
        for day, verb, state, allowed in (("2026-11-10", "activate", "active", everyone),
                                          ("2026-11-12", "pause", "paused", admin),
                                          ("2026-11-14", "close", "closed", nobody),
                                          ("2026-11-16", "activate", "active", everyone)):
            self.crm.post(f"{path}/{verb}", {"valid_from": day}).expect(201)
            for each in (day, day_plus(day, 1)):
                self.seen(account_id, noon(each), state=state, accrued=daily_fee(SMALL, each)
                          if state == "active" else 0, **allowed)
        # Held goes before paused, closed before held.
        for day, state, allowed in (("2026-11-11", "held", admin), ("2026-11-12", "held", admin),
                                    ("2026-11-14", "closed", nobody)):
            self.operator.put(f"{path}/terms", {"valid_from": day, "held": 1}).expect(200, 201)
            self.seen(account_id, noon(day), state=state, **allowed)
        charged = self.crm.get(f"{path}/charges?to=2026-11-17").json
        self.assertEqual(["2026-11-10", "2026-11-11", "2026-11-16", "2026-11-17"], [each["day"] for each in charged])

    def test_r2_r3_quantity_at_the_end_of_the_day_in_its_tier_of_the_newest_version(self):
        operator = self.own()
        account_id = self.company(operator)
        path = f"/v1/accounts/{account_id}"
        operator.put(f"{path}/subscriptions/crm", {}).expect(201)
        operator.post(f"{path}/activate").expect(201)
        operator.post("/v1/tariffs", {"service_id": "crm", "valid_from": "2026-11-05", "tiers": [
            {"min_quantity": 0, "monthly_fee": 3000},
            {"min_quantity": 7, "monthly_fee": 1000, "unit_fee": 100}]}).expect(201)
        for day, employees in ((TODAY, 5), (TODAY, 6), ("2026-11-03", 5), ("2026-11-06", 7), ("2026-11-07", 0)):
            operator.put(f"{path}/headcount", {"day": day, "employees": employees}).expect(200, 201)
        operator.put(f"{path}/subscriptions/crm", {"started_on": "2026-11-09", "quantity": 10}).expect(201)
        operator.delete(f"{path}/subscriptions/crm?ended_on=2026-11-10").expect(200)
        # No headcount yet is 0, for which there is no tier at first, and so no row.
        self.assertEqual([(TODAY, 6, 6, GREAT), ("2026-11-03", 5, 1, SMALL), ("2026-11-04", 5, 1, SMALL),
                          ("2026-11-05", 5, 0, 3000),
                          ("2026-11-06", 7, 7, 1000), ("2026-11-07", 0, 0, 3000), ("2026-11-08", 0, 0, 3000),
                          ("2026-11-09", 10, 7, 1000)],
                         [(each["day"], each["quantity"], each["min_quantity"], each["monthly_fee"])
                          for each in operator.get(f"{path}/charges?to=2026-11-12").expect(200).json])
        amounts = {each["day"]: each["amount"] for each in operator.get(f"{path}/charges?to=2026-11-12").json}
        for day, price in ((TODAY, GREAT), ("2026-11-04", SMALL), ("2026-11-05", 3000), ("2026-11-06", 1700),
                           ("2026-11-09", 2000)):
            self.assertEqual(daily_fee(price, day), amounts[day])

    def test_r4_any_thirty_days_cost_the_month(self):
        account_id = self.customer(employees=8)
        path = f"/v1/accounts/{account_id}/charges"
        charges = {each["day"]: each["amount"] for each in
                   self.crm.get(path, query={"from": TODAY, "to": "2027-01-30", "limit": 100}).expect(200).json}
        self.assertEqual({day: daily_fee(GREAT, day) for day in days(TODAY, "2027-01-30")}, charges)
        for first in days(TODAY, "2027-01-01"):
            self.assertEqual(GREAT, sum(charges[day] for day in days(first, day_plus(first, 29))))

    def test_r5_usage_counts_on_its_day_or_on_the_open_one(self):
        operator = self.own()
        account_id, trial = self.customer(operator, employees=0), self.company(operator)

        def use(usage_id, quantity, occurred_at, now, account=account_id):
            return operator.post("/v1/usage", {"events": [{"usage_id": usage_id, "account_id": account,
                                                           "service_id": "sms",
                                                           "quantity": quantity, "occurred_at": occurred_at}]},
                                 now=now).expect(201).json[0]

        self.assertEqual(OPENING, use("a", 3, noon(OPENING), noon(TODAY))["charged_on"])
        self.close(operator, OPENING)
        self.assertEqual(TODAY, use("late", 4, noon(OPENING), noon("2026-11-03"))["charged_on"])
        self.assertEqual("2026-11-03", use("b", 5, noon("2026-11-03"), noon("2026-11-03"))["charged_on"])
        self.assertEqual(TODAY, use("free", 6, noon(TODAY), noon("2026-11-03"), trial)["charged_on"])
        operator.post(f"/v1/accounts/{account_id}/close", {"valid_from": TODAY}).expect(201)
        # Charged whatever the status is by then; in a trial it is free.
        for account, expected in ((account_id, [(OPENING, 3), (TODAY, 4), ("2026-11-03", 5)]), (trial, [])):
            self.assertEqual([(day, quantity, quantity * SMS_UNIT_FEE) for day, quantity in expected],
                             [(each["day"], each["quantity"], each["amount"]) for each in
                              operator.get(f"/v1/accounts/{account}/charges?to=2026-11-03&service_id=sms").json])

    def test_r6_a_charge_takes_effect_at_the_midnight_and_arrears_are_below_the_limit(self):
        account_id = self.customer()
        fee = daily_fee(SMALL, TODAY)
        self.pay(account_id, 2 * fee, NOW)
        self.seen(account_id, seconds_before(day_end(TODAY)), balance=2 * fee, accrued=fee, state="active")
        self.seen(account_id, day_end(TODAY), balance=fee, accrued=daily_fee(SMALL, "2026-11-03"), state="active")
        # To zero is not below zero.
        even = self.customer()
        self.pay(even, fee, NOW)
        self.seen(even, day_end(TODAY), balance=0, state="active", arrears_since=None, lasts_until="2026-11-03")
        # Down to the limit, and a kopeck less.
        for limit, state in ((fee, "active"), (fee - 1, "restricted"), (None, "active")):
            account_id = self.customer()
            self.operator.put(f"/v1/accounts/{account_id}/terms", {"credit_limit": limit}).expect(200)
            self.seen(account_id, day_end(TODAY), balance=-fee, state=state,
                      arrears_since=day_end(TODAY) if state == "restricted" else None)
        self.seen(account_id, noon("2030-01-01"), state="active", restricted_from=None, lasts_until=None)

    def test_r7_nobody_is_locked_out_before_a_working_day(self):
        """Arrears that begin on each day of a week with a holiday on Wednesday."""
        for day in days(TODAY, "2026-11-09"):
            account_id = self.customer()
            self.pay(account_id, fees(SMALL, TODAY, day) - 1, NOW)
            since = day_end(day)
            first = next_worked(day_plus(day, 1))
            arrears = {"arrears_since": since, "restricted_from": midnight(first)}
            self.seen(account_id, seconds_before(since), state="active", arrears_since=None,
                      restricted_from=midnight(first), lasts_until=day)
            if since != midnight(first):
                for at in (since, seconds_before(midnight(first))):
                    self.seen(account_id, at, state="grace", employees_allowed=1, admin_allowed=1, **arrears)
            for at in (midnight(first), "2026-11-15T09:00:00Z"):  # and it stays, weekends included
                self.seen(account_id, at, state="restricted", employees_allowed=0, admin_allowed=1, **arrears)

    def test_r7_arrears_within_a_working_day_restrict_at_once(self):
        account_id = self.customer()
        for amount, state in ((-1, "restricted"), (1, "active")):
            at = f"2026-11-02T10:00:0{amount + 1}Z"
            self.operator.post(f"/v1/accounts/{account_id}/adjustments", {"amount": amount, "kind": "correction"},
                               now=at).expect(201)
            self.seen(account_id, at, state=state, arrears_since=at if amount < 0 else None)
            self.seen(account_id, seconds_before(at), state="active" if amount < 0 else "restricted")

    def test_r7_the_calendar_and_grace_working_days(self):
        operator = self.own()
        operator.put("/v1/calendar/2026-11-14", {"working": 1, "name": "Рабочая суббота"}).expect(201)
        operator.put("/v1/policy", {"valid_from": "2026-11-09", "grace_working_days": 2}).expect(201)
        # Arrears from: Saturday the 7th, by the first policy, though it ends after the second began; Tuesday the 10th,
        # 00:00: Tuesday and Wednesday pass; Friday the 13th: Friday and the working Saturday; Saturday the 21st:
        # Monday, Tuesday.
        for last, restricted in (("2026-11-06", "2026-11-09"), ("2026-11-09", "2026-11-12"),
                                 ("2026-11-12", "2026-11-16"),
                                 ("2026-11-13", "2026-11-17"), ("2026-11-20", "2026-11-25")):
            account_id = self.customer(operator)
            self.pay(account_id, fees(SMALL, OPENING, last) - 1, noon(OPENING), operator)
            self.seen(account_id, day_end(last), operator, state="grace", restricted_from=midnight(restricted))
            self.seen(account_id, seconds_before(midnight(restricted)), operator, state="grace", employees_allowed=1)
            self.seen(account_id, midnight(restricted), operator, state="restricted", employees_allowed=0)

    def test_r8_a_promise_lifts_the_restriction_until_it_expires(self):
        account_id = self.customer()
        path = f"/v1/accounts/{account_id}/promised-payments"
        friday, monday = "2026-11-06", "2026-11-09"
        self.pay(account_id, fees(SMALL, TODAY, friday) - 1, NOW)

        def promise(at, count):
            return self.crm.post(path, {"days": count}, now=at)

        self.refused(promise(seconds_before(day_end(friday)), 1), 409, "promise_refused")
        granted, expires = "2026-11-09T12:00:00Z", "2026-11-10T12:00:00Z"
        self.seen(account_id, granted, state="restricted", promise_allowed=1)
        self.refused(promise(granted, 4), 422, "out_of_range")
        self.assertEqual(expires, promise(granted, 1).expect(201).json["expires_at"])
        self.seen(account_id, seconds_before(granted), state="restricted")
        for at in (granted, seconds_before(expires)):
            self.seen(account_id, at, state="promised", employees_allowed=1, promised_until=expires,
                      restricted_from=expires, promise_allowed=0)
        # A Tuesday, worked: restricted from that second on, and there is no other for this run of arrears.
        self.seen(account_id, expires, state="restricted", employees_allowed=0, promised_until=None,
                  restricted_from=expires, promise_allowed=0)
        self.refused(promise(expires, 1), 409, "promise_refused")
        # The end of the arrears is the end of the matter; a later run may have its own. That one expires on a Saturday.
        self.pay(account_id, fees(SMALL, "2026-11-07", "2026-11-11") + 1, "2026-11-10T13:00:00Z")
        self.seen(account_id, "2026-11-10T13:00:00Z", state="active", arrears_since=None, lasts_until="2026-11-12")
        self.seen(account_id, day_end("2026-11-12"), state="restricted", arrears_since=day_end("2026-11-12"),
                  promise_allowed=1)
        promise("2026-11-13T09:00:00Z", 1).expect(201)
        self.seen(account_id, "2026-11-14T08:59:59Z", state="promised", restricted_from=midnight("2026-11-16"))
        self.seen(account_id, "2026-11-14T09:00:00Z", state="grace", restricted_from=midnight("2026-11-16"))
        self.seen(account_id, midnight("2026-11-16"), state="restricted")
        self.assertEqual([1, 1], [each["days"] for each in self.crm.get(path).json])
        self.assertNotEqual(monday, friday)

    def test_r8_only_an_active_account_that_is_not_held(self):
        for verb, body in (("pause", None), ("close", None), (None, {"held": 1})):
            with self.subTest(verb=verb or "hold"):
                account_id = self.customer()
                path = f"/v1/accounts/{account_id}"
                self.operator.post(f"{path}/adjustments", {"amount": -1, "kind": "fee"}).expect(201)
                if verb:
                    self.crm.post(f"{path}/{verb}", body).expect(200)
                else:
                    self.operator.put(f"{path}/terms", body).expect(200)
                self.seen(account_id, NOW, promise_allowed=0, arrears_since=NOW)
                self.refused(self.crm.post(f"{path}/promised-payments", {"days": 1}), 409, "promise_refused")

    def test_r9_restricted_days_beyond_those_charged_cost_nothing(self):
        operator = self.own()
        operator.put("/v1/policy", {"valid_from": OPENING, "restricted_days_charged": 2}).expect(200)
        account_id = self.customer(operator)
        # Sunday's charge brings arrears; Monday and Tuesday are restricted and charged, Wednesday no more. Messages
        # still are.
        operator.post("/v1/usage", {"events": [{"usage_id": "r9", "account_id": account_id, "service_id": "sms",
                                                "quantity": 1,
                                                "occurred_at": noon("2026-11-05")}]},
                      now=noon("2026-11-05")).expect(201)
        self.close(operator, OPENING, "2026-11-06")
        self.assertEqual([(day, "crm", daily_fee(SMALL, day))
                          for day in days(OPENING, "2026-11-03")] + [("2026-11-05", "sms", SMS_UNIT_FEE)],
                         [(each["day"], each["service_id"], each["amount"])
                          for each in operator.get(f"/v1/accounts/{account_id}/charges").json])
        debt = fees(SMALL, OPENING, "2026-11-03") + SMS_UNIT_FEE
        self.seen(account_id, noon("2026-11-07"), operator, state="restricted", balance=-debt, accrued=0)
        # Paid, the days cost again.
        self.pay(account_id, debt, noon("2026-11-07"), operator)
        self.seen(account_id, noon("2026-11-07"), operator, state="active", balance=0,
                  accrued=daily_fee(SMALL, "2026-11-07"))

    def test_r10_how_long_the_money_lasts(self):
        for amount in (0, 1, 20000, 100000, 10**6):
            account_id = self.customer()
            if amount:
                self.pay(account_id, amount, NOW)
            last = last_day(amount, SMALL, TODAY)
            holidays = ("2026-11-04", *days("2026-12-31", "2027-01-10"))
            self.seen(account_id, NOW, state="active", balance=amount, lasts_until=last,
                      restricted_from=midnight(next_worked(day_plus(last, 1), holidays)))
        # Facts to come count, money to come does not; what costs nothing lasts for ever.
        account_id = self.customer()
        self.pay(account_id, 100000, NOW)
        self.crm.put(f"/v1/accounts/{account_id}/headcount", {"day": "2026-11-05", "employees": 8}).expect(201)
        left = 100000 - fees(SMALL, TODAY, "2026-11-04")
        self.seen(account_id, NOW, lasts_until=last_day(left, GREAT, "2026-11-05"))
        self.crm.delete(f"/v1/accounts/{account_id}/subscriptions/crm?ended_on=2026-11-05").expect(200)
        self.seen(account_id, NOW, state="active", lasts_until=None, restricted_from=None)


if __name__ == "__main__":
    unittest.main()
