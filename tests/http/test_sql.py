"""POST /v1/sql: what an analyst may ask and what the answers are like, that nothing can be written or got hold of that
way, and that no query exhausts the server or holds up the others."""

import contextlib
import csv
import hashlib
import io
import json
import os
import pathlib
import re
import socket
import sys
import sqlite3
import threading
import time
import unittest

from server import CRM_TIERS, NOW, ROLES, TODAY, ServerCase, Witness, daily_fee, day_end, day_plus, peek, wait_for

MIB = 1 << 20
# Seconds in which an answer that is to come promptly has come, however busy the machine is.
PROMPT_SECONDS = 30
SQL = "/v1/sql"
TABLES_NOT_TO_READ = {"token", "stored_answer", "webhook_secret"}


def endless(select="count(*)", step="x + 1", start="1", union="UNION ALL"):
    """A query over a recursion without end."""
    return f"WITH RECURSIVE n(x) AS (SELECT {start} {union} SELECT {step} FROM n) SELECT {select} FROM n"


def numbers(count, select):
    return f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT {count}) SELECT {select} FROM n"


def text_of(length, letter="0"):
    """An expression for a text of one letter, over and over."""
    zeros = f"hex(zeroblob({length // 2}))"
    return zeros if letter == "0" else f"replace({zeros}, '0', {letter})"


class SqlCase(ServerCase):
    def ask(self, sql, params=None, client=None, **options):
        body = {"sql": sql} if params is None else {"sql": sql, "params": params}
        return (client or self.analyst).post(SQL, body, **options)

    def rows(self, sql, params=None):
        return self.ask(sql, params).expect(200).json["rows"]

    def value(self, sql, params=None):
        [[value]] = self.rows(sql, params)
        return value

    def csv(self, sql, params=None):
        answer = self.ask(sql, params, accept="text/csv").expect(200)
        self.assertEqual("text/csv; charset=utf-8", answer.headers["Content-Type"])
        return answer.text

    def each(self, table):
        """The cases of a table; the one in which a test fails is told."""
        for case in table:
            try:
                yield case
            except GeneratorExit:
                print(f"in the case {str(case)[:300]}", file=sys.stderr)
                raise


class Answers(SqlCase):
    def test_columns_and_rows(self):
        for sql, columns, rows in self.each((
                ("SELECT 1 AS a, 'б' AS \"вторая, \"\"b\"\"\"", ["a", "вторая, \"b\""], [[1, "б"]]),
                ("SELECT 1 AS a, 2 AS a, 3 AS A", ["a", "a", "A"], [[1, 2, 3]]),
                ("SELECT 1 AS \"\"", [""], [[1]]),
                ("SELECT 1 AS a WHERE 0", ["a"], []),
                ("VALUES (1, 2), (3, NULL)", ["column1", "column2"], [[1, 2], [3, None]]),
                ("WITH a AS (SELECT 1 AS b) SELECT * FROM a", ["b"], [[1]]),
                ("SELECT value FROM json_each('[2, 1]') ORDER BY value", ["value"], [[1], [2]]),
                ("SELECT 1 AS a;", ["a"], [[1]]),
                (" ; ;/* before */SELECT 1 AS a; -- after\n ; /* and after", ["a"], [[1]]))):
            self.assertEqual({"columns": columns, "rows": rows, "truncated": False}, self.ask(sql).expect(200).json)

    def test_values(self):
        for expression, as_json, as_csv in self.each((
                ("0", "0", "0"),
                ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
                ("-9223372036854775808", "-9223372036854775808", "-9223372036854775808"),
                ("9007199254740993", "9007199254740993", "9007199254740993"),
                ("1.0", "1.0", "1.0"),
                ("0.1", "0.1", "0.1"),
                ("-1e300", "-1.0e+300", "-1.0e+300"),
                ("1 = 1", "1", "1"),
                ("NULL", "null", ""),
                # JSON has no such numbers.
                ("9e999", "null", None),
                ("-9e999", "null", None),
                ("9e999 - 9e999", "null", ""),
                ("x'00ff'", '"AP8="', "AP8="),
                ("x'fbff'", '"+/8="', "+/8="),
                ("zeroblob(3)", '"AAAA"', "AAAA"),
                ("x''", '""', ""),
                ("''", '""', ""),
                ("' a '", '" a "', " a "),
                ("'1'", '"1"', "1"),
                ("'Ё 😀'", '"Ё 😀"', "Ё 😀"),
                ("'a,b'", '"a,b"', '"a,b"'),
                ("'a\"b'", '"a\\"b"', '"a""b"'),
                ("'\"'", '"\\""', '""""'),
                ("'a\\b'", '"a\\\\b"', "a\\b"),
                ("'a' || char(13, 10) || 'b'", '"a\\r\\nb"', '"a\r\nb"'),
                ("'a' || char(10)", '"a\\n"', '"a\n"'),
                ("char(9, 8, 12)", '"\\t\\b\\f"', "'\t\b\f"),
                ("'=1+1'", '"=1+1"', "'=1+1"), ("'+7,8'", '"+7,8"', '"\'+7,8"'), ("'-'", '"-"', "'-"), ("'@a'", '"@a"',
                                                                                                        "'@a"),
                ("char(13)", '"\\r"', '"\'\r"'), ("-1", "-1", "-1"), ("-1.5", "-1.5", "-1.5"),
                ("char(1, 31, 127)", '"\\u0001\\u001f\x7f"', "\x01\x1f\x7f"),
                ("'a' || char(0) || 'b'", '"a\\u0000b"', "a\0b"))):
            sql = f"SELECT {expression} AS v"
            self.assertEqual(f'{{"columns":["v"],"rows":[[{as_json}]],"truncated":false}}',
                             self.ask(sql).expect(200).text)
            if as_csv is not None:
                self.assertEqual(f"v\r\n{as_csv}\r\n", self.csv(sql))

    def test_a_statement_of_a_bank(self):
        file = "\n".join(("1CClientBankExchange", "РасчСчет=1", "СекцияДокумент=", "Сумма=7", "ПолучательСчет=1",
                          "КонецДокумента", "КонецФайла"))
        self.assertEqual([[1045, "in", 700]],
                         self.rows("SELECT minor_units('10,45'), direction, amount FROM bank_statement(?)", [file]))
        answer = self.ask("SELECT * FROM bank_statement('x')")
        self.refused(answer, 422, "invalid")

    def test_an_answer_is_utf8_whatever_the_text_is(self):
        for text in ("ff41", "c328", "41c3", "eda080", "f4908080", "c0af"):
            for accept in ("application/json", "text/csv"):
                with self.subTest(text=text, accept=accept):
                    # Unchecked: a body that isn't UTF-8 is to fail here.
                    with self.server.client("analyst", checked=False) as client:
                        body = self.ask(f"SELECT CAST(x'{text}' AS TEXT) AS v", client=client,
                                        accept=accept).expect(200).body
                    try:
                        body.decode("utf-8")
                    except UnicodeDecodeError:
                        self.fail(f"not UTF-8: {body!r}")

    def test_csv_is_rfc_4180(self):
        self.assertEqual('a,a,"b, ""c"""\r\n1,,"d, e"\r\n2,x,\r\n',
                         self.csv("SELECT 1 AS a, NULL AS a, 'd, e' AS \"b, \"\"c\"\"\" UNION ALL VALUES (2, 'x', "
                                  "NULL)"))
        self.assertEqual("a,b\r\n", self.csv("SELECT 1 AS a, 2 AS b WHERE 0"))
        hard = ['a"', '"', "\n\r\n", "a\nb", ",", "", "é,\"\r\n\""]
        text = self.csv("SELECT " + ", ".join(["?"] * len(hard)), hard)
        self.assertEqual([["?"] * len(hard), hard], list(csv.reader(io.StringIO(text, newline=""))))

    def test_format_by_accept(self):
        for accept, media in self.each((
                (None, "application/json"), ("application/json", "application/json"), ("*/*", "application/json"),
                ("text/csv", "text/csv; charset=utf-8"))):
            self.assertEqual(media, self.ask("SELECT 1", accept=accept).expect(200).headers["Content-Type"])
        self.refused(self.ask("SELECT nothing", accept="text/csv"), 422, "invalid", "nothing")

    def test_what_is_wrong_is_named(self):
        for sql, *named in self.each((
                ("SELEC 1", "SELEC", "syntax error"),
                ("SELECT 1 FRM service", "service", "syntax error"),
                ("SELECT (", "incomplete"),
                ("SELECT -- and no more", "incomplete"),
                ("SELECT 'a", "'a"),
                ("SELECT nowhere", "nowhere"),
                ("SELECT s.nowhere FROM service AS s", "s.nowhere"),
                ("SELECT * FROM nowhere", "nowhere"),
                ("SELECT * FROM ничто", "ничто"),
                ("SELECT nowhere()", "nowhere"),
                ("SELECT max()", "max()"),
                ("SELECT service_id FROM service, tariff", "ambiguous", "service_id"),
                ("SELECT 1 UNION SELECT 1, 2", "UNION"),
                ("SELECT count(*) FROM service GROUP BY count(*)", "GROUP BY"),
                ("SELECT abs(-9223372036854775808)", "overflow"),
                ("SELECT json('{')", "JSON"),
                ("SELECT 'a' REGEXP 'b'", "REGEXP"),
                ("SELECT daily_fee(1, '2026-13-02')", "2026-13-02"),
                ("SELECT " + ",".join(["1"] * 2001), "too many columns"),
                ("SELECT " + "+".join(["1"] * 2000), "1000"))):
            self.refused(self.ask(sql), 422, "invalid", *named)

    def test_one_statement_and_no_more(self):
        for sql, word in self.each((
                ("", "no statement"), (" \t\r\n", "no statement"), (";", "no statement"), (" ; ;; ", "no statement"),
                ("-- SELECT 1", "no statement"), ("/* SELECT 1 */", "no statement"), ("/* SELECT 1", "no statement"),
                ("-- a\n;/* b */;", "no statement"),
                ("SELECT 1; SELECT 2", "more than one"), ("SELECT 1;;; /* a */ ; -- b\n SELECT 2;", "more than one"),
                ("SELECT 1; nonsense", "nonsense"), ("SELECT 1; DELETE FROM payment", "only reads"))):
            self.refused(self.ask(sql), 422, "invalid", word)

    def test_the_body_is_an_object_of_sql_and_params(self):
        for body, status, code, *named in self.each((
                (b"", 422, "invalid", "sql"),
                ({}, 422, "invalid", "sql"),
                ({"params": []}, 422, "invalid", "sql"),
                ({"sql": None}, 422, "invalid", "sql"),
                ({"sql": 1}, 422, "invalid", "sql"),
                ({"sql": ["SELECT 1"]}, 422, "invalid", "sql"),
                ({"sql": "SELECT 1\0"}, 422, "invalid", "sql", "NUL"),
                ({"sql": "SELECT 1\0; DELETE FROM payment"}, 422, "invalid", "sql", "NUL"),
                ({"SQL": "SELECT 1"}, 422, "invalid", "SQL", "sql"),
                ({"sql": "SELECT 1", "limit": 1, "rows": 2}, 422, "invalid", "limit", "rows"),
                ({"sql": "SELECT 1", "params": "x"}, 422, "invalid", "params"),
                ({"sql": "SELECT 1", "params": 1}, 422, "invalid", "params"),
                ({"sql": "SELECT 1", "params": True}, 422, "invalid", "params"),
                ({"params": 1, "limit": 1}, 422, "invalid", "sql", "params", "limit"),
                ([], 422, "invalid"),
                ("SELECT 1".encode(), 400, "malformed"),
                (b'{"sql": "SELECT 1", "sql": "SELECT 2"}', 400, "malformed"),
                (b'{"sql": "SELECT \xff"}', 400, "malformed"),
                (b'{"sql": "SELECT \\ud800"}', 400, "malformed"))):
            answer = self.analyst.post(SQL, body)
            self.refused(answer, status, code)
            if named:
                self.assertLessEqual(set(named) - {"NUL"}, {each["name"] for each in answer.json["errors"]})
                self.assertIn(named[-1], answer.text)

    def test_the_query_string_has_no_fields(self):
        for query in ("x=1", "dry_run=true", "limit=1", "sql=SELECT+1"):
            with self.subTest(query):
                answer = self.analyst.post(f"{SQL}?{query}", {"sql": "SELECT 1"})
                self.refused(answer, 422, "invalid")
                self.assertEqual([query.partition("=")[0]], [each["name"] for each in answer.json["errors"]])
        self.analyst.post(f"{SQL}?", {"sql": "SELECT 1"}).expect(200)

    def test_saldo_now_has_to_have_a_sense_here_too(self):
        self.refused(self.ask("SELECT 1", now="nonsense"), 400, "malformed", "Saldo-Now")
        server = self.fresh("--close-after", "6h")
        client = self.client(server, "analyst")
        self.ask("SELECT 1", client=client).expect(200)
        self.refused(self.ask("SELECT 1", client=client, headers={"Saldo-Now": NOW}), 400, "malformed", "Saldo-Now")


class Params(SqlCase):
    def test_values(self):
        for value, kind, back in self.each((
                (1, "integer", 1), (0, "integer", 0), (2**63 - 1, "integer", 2**63 - 1), (-2**63, "integer", -2**63),
                (1.5, "real", 1.5), (1e300, "real", 1e300), (2.0, "real", 2.0),
                (True, "integer", 1), (False, "integer", 0), (None, "null", None),
                ("", "text", ""), ("Ё 😀", "text", "Ё 😀"), ("' OR 1 --", "text", "' OR 1 --"), ("a\0b", "text", "a\0b"),
                ("7", "text", "7"), ("x" * 500_000, "text", "x" * 500_000))):
            for sql, params in (("SELECT typeof(?1), ?1", [value]), ("SELECT typeof(:v), :v", {"v": value})):
                self.assertEqual([[kind, back]], self.rows(sql, params))

    def test_names_and_places(self):
        for sql, params, row in self.each((
                ("SELECT ?, ?", [1, 2], [1, 2]),
                ("SELECT ?2, ?1, ?1", [1, 2], [2, 1, 1]),
                ("SELECT ?3", [1, 2, 3], [3]),
                ("SELECT :a, :b, :a", {"b": 2, "a": 1}, [1, 2, 1]),
                ("SELECT @a, $b", {"a": 1, "b": 2}, [1, 2]),
                ("SELECT :имя", {"имя": "Ё"}, ["Ё"]),
                ("SELECT :a, @a", {"a": 1}, [1, 1]),
                ("SELECT :a, :b", [1, 2], [1, 2]),
                ("SELECT ?1, :x", {"1": 1, "x": 2}, [1, 2]),
                ("SELECT 1", [], [1]), ("SELECT 1", {}, [1]), ("SELECT 1", None, [1]),
                ("SELECT ':a', '?' -- :a ?", [], [":a", "?"]))):
            self.assertEqual([row], self.rows(sql, params))
        self.assertEqual([[1]], self.analyst.post(SQL, {"sql": "SELECT 1", "params": None}).expect(200).json["rows"])

    def test_too_many_too_few_and_what_is_no_value(self):
        for sql, params, *named in self.each((
                ("SELECT ?", None, "1", "0"),
                ("SELECT ?", [], "1", "0"),
                ("SELECT ?, ?", [1], "2", "1"),
                ("SELECT ?", [1, 2], "1", "2"),
                ("SELECT 1", [1], "0", "1"),
                ("SELECT ?3", [3], "3", "1"),
                ("SELECT :a", {}, "params.a is missing"),
                ("SELECT :a, :b", {"a": 1}, "params.b is missing"),
                ("SELECT :A", {"a": 1}, "params.A is missing"),
                ("SELECT :a", {":a": 1}, "params.a is missing"),
                ("SELECT :a", {"a": 1, "b": 2}, "more"),
                ("SELECT :a, @a", {"a": 1, "b": 2}, "more"),
                ("SELECT 1", {"a": 1}, "more"),
                ("SELECT ?", {"a": 1}, "missing"),
                ("SELECT ?99999", [], "params"),
                ("SELECT ?, ?", [1, [2]], "params[1] is neither"),
                ("SELECT ?", [{"a": 1}], "params[0] is neither"),
                ("SELECT :a", {"a": {"b": 1}}, "params.a is neither"),
                *((sql, params,
                   "params[1] is beyond 64 bits" if isinstance(params, list) else "params.a is beyond 64 bits")
                  for number in (2**63, 2**64, -2**63 - 1, 10**30)
                  for sql, params in (("SELECT ?, ?", [1, number]), ("SELECT :a", {"a": number}))))):
            self.refused(self.ask(sql, params), 422, "invalid", *named)
        self.refused(self.analyst.post(SQL, b'{"sql": "SELECT ?", "params": [1e400]}'), 422, "invalid", "too large")
        for number in ("NaN", "Infinity", "01", "+1", ".5"):
            with self.subTest(number=number):
                self.refused(self.analyst.post(SQL, f'{{"sql": "SELECT ?", "params": [{number}]}}'.encode()),
                             400, "malformed")

    def test_a_value_never_stays_for_the_next_query(self):
        self.assertEqual([["secret"]], self.rows("SELECT ?", ["secret"]))
        for _ in range(4):
            self.refused(self.ask("SELECT ?"), 422, "invalid")


class Roles(SqlCase):
    def test_who_may(self):
        for role in ROLES:
            for sql in ("SELECT 1", "nonsense", ""):
                with self.subTest(role=role, sql=sql):
                    answer = self.ask(sql, client=getattr(self, role))
                    if role not in ("analyst", "admin"):
                        self.refused(answer, 403, "forbidden", "analyst")
                    elif sql == "SELECT 1":
                        self.assertEqual([[1]], answer.expect(200).json["rows"])
                    else:
                        self.refused(answer, 422, "invalid")
        self.refused(self.ask("SELECT 1", client=self.nobody), 401, "unauthorized")

    def test_only_post(self):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            with self.subTest(method):
                answer = self.analyst.request(method, SQL, None if method == "GET" else {"sql": "SELECT 1"})
                self.refused(answer, 405, "method_not_allowed")
                self.assertEqual("POST", answer.headers["Allow"])


class Saldo(SqlCase):
    """The books are all there: tables, views, virtual tables and functions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.paying, cls.owing = (case.customer(employees=employees) for employees in (5, 7))
        cls.admin.post(f"/v1/accounts/{cls.paying}/payments",
                       {"amount": 500000, "method": "bank_card", "external_id": "ch_1"}).expect(201)
        cls.admin.post("/v1/usage", {"events": [{"usage_id": "u1", "account_id": cls.paying, "service_id": "sms",
                                                 "quantity": 3}]}).expect(201, 200)
        cls.later = day_end(TODAY)
        cls.admin.post(f"/v1/days/{TODAY}/close", {}, now=cls.later) if cls.admin.post(
            f"/v1/days/{day_plus(TODAY, -1)}/close", {}, now=cls.later).expect(201) else None

    def as_route(self, rows, sql, params):
        """The route's rows are those of the query of the same columns."""
        self.assertNotEqual([], rows)
        asked = self.ask(sql.replace("*", ", ".join(rows[0])), params).expect(200).json
        self.assertEqual([list(row.values()) for row in rows], asked["rows"])
        self.assertEqual(list(rows[0]), asked["columns"])

    def test_it_says_what_the_routes_say(self):
        for account_id in (self.paying, self.owing):
            path = f"/v1/accounts/{account_id}"
            for route, query, sql, params in (
                    ("/access", {}, "SELECT * FROM access_state WHERE account_id = ? AND at = ?", [self.later]),
                    ("/charges", {"from": TODAY, "to": "2026-12-05", "limit": 1000},
                     "SELECT * FROM daily_charge WHERE account_id = ? AND day BETWEEN ? AND ? ORDER BY day, service_id",
                     [TODAY, "2026-12-05"]),
                    ("/ledger", {}, "SELECT * FROM ledger WHERE account_id = ? ORDER BY effective_at, day", []),
                    ("/statements/2026-11", {}, "SELECT * FROM monthly_statement WHERE account_id = ? AND month = ?",
                     ["2026-11"])):
                with self.subTest(route=route, account_id=account_id):
                    answer = self.admin.get(path + route, query=query, now=self.later).expect(200).json
                    self.as_route(answer if isinstance(answer, list) else [answer], sql, [account_id, *params])

    def test_the_csv_is_that_of_the_report(self):
        for view in ("account_balance", "revenue_by_day", "revenue_by_service", "audit"):
            with self.subTest(view):
                report = self.analyst.get(f"/v1/reports/{view}", accept="text/csv").expect(200).text
                self.assertGreater(report.count("\r\n"), 1)
                self.assertEqual(sorted(report.splitlines()), sorted(self.csv(f"SELECT * FROM {view}").splitlines()))

    def test_what_comes_by_other_routes_is_seen_at_once(self):
        before = self.value("SELECT count(*) FROM payment")
        for more in range(1, 4):
            self.admin.post(f"/v1/accounts/{self.paying}/payments", {"amount": 1, "method": "bank_card"},
                            now=self.later).expect(201)
            self.assertEqual(before + more, self.value("SELECT count(*) FROM payment"))

    def test_views_and_virtual_tables(self):
        fees = {self.paying: 199000, self.owing: 349000}
        [tier] = [each["monthly_fee"] for each in CRM_TIERS if each["min_quantity"] == 6]
        self.assertEqual(tier, fees[self.owing])
        days = [day_plus(TODAY, n) for n in range(60)]
        self.assertEqual([[each, sum(daily_fee(fee, day) for day in days)] for each, fee in fees.items()],
                         self.rows("SELECT account_id, sum(amount) FROM daily_charge WHERE service_id = 'crm' "
                                   "AND day BETWEEN ? AND ? GROUP BY 1 ORDER BY 1", [days[0], days[-1]]))
        self.assertEqual([["2026-11-03", 1], ["2026-11-04", 0], ["2026-11-05", 1]],
                         self.rows("SELECT day, working FROM working_calendar WHERE day BETWEEN ? AND ?",
                                   ["2026-11-03", "2026-11-05"]))
        self.assertEqual([[self.owing, "grace" if self.value("SELECT is_working_day(?)", [day_plus(TODAY, 1)]) == 0
                           else "restricted"]],
                         self.rows("SELECT account_id, state FROM access_state WHERE at = ? AND arrears_since IS "
                                   "NOT NULL",
                                   [self.later]))
        debtors = self.analyst.post(SQL, {"sql": "SELECT account_id FROM debtor"}, now=self.later).expect(200)
        self.assertEqual([[self.owing]], debtors.json["rows"])
        self.assertEqual([["crm", 2, 12, 548000]],
                         self.rows("SELECT service_id, accounts, quantity, amount FROM monthly_recurring_revenue"))
        self.assertEqual([[0]], self.rows("SELECT sum(violations) FROM audit"))

    def test_functions(self):
        version = self.server.line.split()[1]
        for expression, value in self.each((
                ("daily_fee(199000, '2026-11-02')", daily_fee(199000, "2026-11-02")),
                ("monthly_price('standard', 'crm', '2026-11-02', 6)", 349000),
                ("is_working_day('2026-11-04')", 0),
                ("next_working_day('2026-11-04')", "2026-11-05"),
                ("billing_day('2026-11-01T21:00:00Z')", "2026-11-02"),
                ("day_start('2026-11-02')", "2026-11-01T21:00:00Z"),
                ("day_end('2026-11-02')", "2026-11-02T21:00:00Z"),
                ("instant('2026-11-02T12:00:00+03:00')", "2026-11-02T09:00:00Z"),
                ("replace(money(199000), char(160), ' ')", "1 990,00 ₽"),
                ("saldo_version()", version))):
            self.assertEqual(value, self.value(f"SELECT {expression}"))
        self.refused(self.ask("SELECT monthly_price('standard', 'none', '2026-11-02', 1)"), 404, "not_found", "none")

    def test_plans_may_be_asked_for(self):
        [detail] = [row[-1] for row in self.rows("EXPLAIN QUERY PLAN SELECT * FROM account WHERE account_id = 1")]
        self.assertIn("account", detail)
        self.assertEqual("Init", self.rows("EXPLAIN SELECT 1")[0][1])


# Each is refused as `invalid`.
WRITES = (
    "INSERT INTO payment(account_id, amount, method) VALUES (1, 1, 'bank_card')",
    "INSERT INTO service(service_id, name, kind) VALUES ('x', 'x', 'usage') RETURNING *",
    "INSERT INTO service SELECT * FROM service",
    "INSERT OR REPLACE INTO service(service_id, name, kind) VALUES ('crm', 'x', 'usage')",
    "INSERT INTO service(service_id, name, kind) VALUES ('crm', 'x', 'usage') ON CONFLICT DO UPDATE SET name = 'x'",
    "REPLACE INTO service(service_id, name, kind) VALUES ('crm', 'x', 'usage')",
    "UPDATE service SET name = 'x'", "UPDATE service SET name = 'x' WHERE 0", "UPDATE account SET account_id = 1",
    "UPDATE service SET name = 'x' FROM account RETURNING *",
    "DELETE FROM payment", "DELETE FROM charge WHERE 0", "delete from main.payment", "/**/DELETE/**/FROM/**/payment",
    "\ufeffDELETE FROM payment", "DELETE FROM sqlite_sequence",
    "WITH a AS (SELECT 1) DELETE FROM payment", "WITH a AS (SELECT 1) UPDATE service SET name = 'x'",
    "WITH a AS (SELECT 'x' AS b) INSERT INTO service SELECT b, b, 'usage' FROM a",
    "WITH a AS (DELETE FROM payment RETURNING *) SELECT * FROM a", "SELECT * FROM (DELETE FROM payment RETURNING *)",
    "INSERT INTO daily_charge(day) VALUES ('2026-11-02')", "DELETE FROM access_state",
    "UPDATE working_calendar SET day = 1",
    "INSERT INTO debtor(account_id) VALUES (1)", "DELETE FROM ledger",
    "CREATE TABLE a(b)", "CREATE TABLE a AS SELECT 1", "CREATE TABLE IF NOT EXISTS payment(b)",
    "CREATE INDEX i ON payment(amount)",
    "CREATE VIEW v AS SELECT hash FROM token", "CREATE TRIGGER t AFTER INSERT ON payment BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE v USING fts5(a)", "CREATE VIRTUAL TABLE v USING dbstat(main)",
    "CREATE TEMP TABLE a(b)", "CREATE TEMP TABLE a AS SELECT 1", "CREATE TEMP VIEW v AS SELECT hash FROM token",
    "CREATE TEMP TRIGGER t AFTER INSERT ON payment BEGIN SELECT 1; END", "CREATE TEMP TABLE service AS SELECT 1",
    "CREATE VIRTUAL TABLE temp.v USING fts5vocab('main', 'x', 'row')",
    "DROP TABLE payment", "DROP TABLE IF EXISTS nothing", "DROP VIEW debtor", "DROP TRIGGER IF EXISTS nothing",
    "DROP INDEX nothing",
    "ALTER TABLE service RENAME TO a", "ALTER TABLE service ADD COLUMN a", "ALTER TABLE service DROP COLUMN name",
    "ALTER TABLE token RENAME TO token_of_all", "ALTER TABLE token RENAME COLUMN hash TO h",
    "REINDEX", "REINDEX payment", "ANALYZE", "ANALYZE main", "VACUUM", "EXPLAIN DELETE FROM payment",
    "EXPLAIN QUERY PLAN DELETE FROM payment", "EXPLAIN INSERT INTO service VALUES (1)", "EXPLAIN VACUUM",
    "BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "COMMIT", "END", "ROLLBACK", "SAVEPOINT a", "RELEASE a",
    "ROLLBACK TO a",
    "EXPLAIN BEGIN",
    "UPDATE sqlite_master SET sql = ''", "UPDATE sqlite_schema SET sql = '' WHERE name = 'token'",
    "INSERT INTO sqlite_master VALUES ('table', 'a', 'a', 2, 'CREATE TABLE a(b)')", "DELETE FROM sqlite_master",
    "DELETE FROM main.sqlite_schema WHERE type = 'trigger'", "UPDATE sqlite_temp_master SET sql = ''",
    "DROP TABLE sqlite_master",
    "INSERT INTO sqlite_stat1 VALUES ('payment', NULL, '1')",
)

# FOLDER: the database's.
ESCAPES = (
    "ATTACH 'FOLDER/other.db' AS other", "ATTACH DATABASE ':memory:' AS other", "ATTACH '' AS other",
    "ATTACH 'file:FOLDER/own.db?mode=rwc' AS other", "EXPLAIN ATTACH 'FOLDER/other.db' AS other", "DETACH main",
    "DETACH temp",
    "VACUUM INTO 'FOLDER/stolen.db'", "VACUUM main INTO 'FOLDER/stolen.db'", "EXPLAIN VACUUM INTO 'FOLDER/stolen.db'",
    "/* SELECT */ vacuum/**/into 'FOLDER/' || 'stolen.db'", "VACUUM INTO (SELECT 'FOLDER/stolen.db')",
    "PRAGMA user_version", "PRAGMA user_version = 7", "PRAGMA query_only = OFF", "PRAGMA writable_schema = ON",
    "PRAGMA writable_schema = RESET", "PRAGMA journal_mode = DELETE", "PRAGMA main.journal_mode",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA trusted_schema = ON", "PRAGMA temp_store = FILE", "PRAGMA temp_store_directory = 'FOLDER'",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA cache_size = -1000000", "PRAGMA mmap_size = 1000000000", "PRAGMA integrity_check", "PRAGMA optimize",
    "PRAGMA table_info(token)", "PRAGMA database_list", "PRAGMA shrink_memory", "PRAGMA busy_timeout = 0",
    "PRAGMA nothing",
    "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA application_id = 0", "EXPLAIN PRAGMA user_version",
    "pragma/**/user_version",
    "SELECT * FROM pragma_user_version", "SELECT * FROM pragma_table_info('token')",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM pragma_function_list", "SELECT * FROM pragma_module_list", "SELECT * FROM pragma_integrity_check",
    "SELECT * FROM pragma_table_list", "SELECT * FROM PRAGMA_compile_options", "SELECT * FROM pragma_wal_checkpoint",
    "SELECT * FROM pragma_journal_mode", "SELECT * FROM account, pragma_table_info(account.name)",
    "SELECT load_extension('FOLDER/x')", "SELECT load_extension('FOLDER/x', 'sqlite3_x_init')",
    "SELECT LOAD_EXTENSION(NULL)",
    "SELECT 1 WHERE 1 AND load_extension('FOLDER/x')", "SELECT \"load_extension\"('FOLDER/x')",
    "SELECT readfile('FOLDER/saldo.db')", "SELECT writefile('FOLDER/x', 'x')", "SELECT edit('x', 'true')",
    "SELECT * FROM fsdir('FOLDER')", "SELECT name FROM lsdir('FOLDER')", "SELECT * FROM csv('FOLDER/x')",
    "SELECT shell('true')",
    "SELECT system('true')", "SELECT fts3_tokenizer('simple')", "SELECT fts3_tokenizer('simple', x'0000000000000000')",
    "SELECT rtreecheck('token')", "SELECT rtreecheck('main', 'token')", "SELECT geopoly_debug(1)",
    "SELECT saldo_install('2026-11-01')", "SELECT saldo_install('2026-11-01', 'ru')",
    "SELECT Saldo_Install('2026-11-01')",
    "SELECT 1 FROM account WHERE saldo_install('2026-11-01')",
    "SELECT sqlite_rename_table('main', 'table', 'token', 'CREATE TABLE a(b)', 'a', 'b', 0)",
    "SELECT sqlite_drop_column(0, 'x', 1)",
    "SELECT sqlite_rename_column('', '', '', '', '', 0, '', 0, 0)", "SELECT sqlite_add_constraint(1)",
    "SELECT * FROM sqlite_dbpage", "SELECT data FROM sqlite_dbpage('main') WHERE pgno = 1",
    "SELECT * FROM sqlite_dbdata",
    "SELECT * FROM sqlite_dbptr", "SELECT * FROM dbstat", "SELECT count(*) FROM dbstat",
    "SELECT 1 FROM dbstat('main', 1)",
    "SELECT * FROM sqlite_stmt", "SELECT sql FROM \"SQLITE_STMT\"", "SELECT * FROM bytecode('SELECT 1')",
    "SELECT * FROM tables_used('SELECT 1')", "SELECT * FROM sqlite_memstat", "SELECT * FROM sqlite_unionvtab",
    "SELECT * FROM fts5vocab('main', 'x', 'row')", "SELECT * FROM rtree('x')",
    "SELECT * FROM fts3tokenize('simple', 'a b')",
    "SELECT * FROM zipfile('FOLDER/x')", "SELECT sqlite_offset(name) FROM service",
)

# TABLE, COLUMN: of one that is not to be read.
TABLE_READS = (
    "SELECT * FROM TABLE", "SELECT COLUMN FROM TABLE", "SELECT count(*) FROM TABLE", "SELECT 1 FROM TABLE",
    "SELECT max(COLUMN) FROM TABLE",
    "SELECT * FROM \"TABLE\"", "SELECT * FROM [TABLE]", "SELECT * FROM `TABLE`", "SELECT * FROM 'TABLE'",
    "SELECT * FROM UPPER",
    "SELECT * FROM main.TABLE", "SELECT * FROM \"main\".\"TABLE\"", "SELECT * FROM MAIN./**/[UPPER]",
    "select*from(TABLE)",
    "SELECT * FROM -- \n TABLE", "SELECT service.COLUMN FROM TABLE AS service", "SELECT a.COLUMN FROM TABLE a",
    "SELECT \"COLUMN\" FROM TABLE",
    "SELECT TABLE.* FROM TABLE", "SELECT main.TABLE.COLUMN FROM TABLE", "SELECT * FROM TABLE LIMIT 0",
    "SELECT * FROM TABLE WHERE 0",
    "SELECT * FROM account, TABLE", "SELECT 1 FROM account JOIN TABLE",
    "SELECT a.* FROM account AS a LEFT JOIN TABLE ON 1",
    "SELECT * FROM account AS a JOIN TABLE AS b ON a.name = b.COLUMN", "SELECT * FROM service NATURAL JOIN TABLE",
    "SELECT 1 FROM TABLE RIGHT JOIN account ON 1", "WITH a AS (SELECT * FROM TABLE) SELECT 1 FROM a",
    "WITH a AS MATERIALIZED (SELECT COLUMN FROM TABLE) SELECT * FROM a",
    "WITH a(b) AS (SELECT COLUMN FROM main.TABLE) SELECT b FROM a",
    "WITH RECURSIVE a(b) AS (SELECT COLUMN FROM TABLE UNION SELECT b FROM a) SELECT * FROM a",
    "WITH TABLE AS (SELECT * FROM main.TABLE) SELECT * FROM TABLE", "SELECT * FROM (SELECT * FROM TABLE)",
    "SELECT (SELECT COLUMN FROM TABLE)", "SELECT (SELECT count(*) FROM TABLE)",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM TABLE)",
    "SELECT 1 WHERE 'x' IN (SELECT COLUMN FROM TABLE)", "SELECT 'x' IN TABLE", "SELECT 'x' IN main.TABLE",
    "SELECT 1 ORDER BY (SELECT COLUMN FROM TABLE)",
    "SELECT 1 LIMIT (SELECT length(COLUMN) FROM TABLE)", "SELECT CASE WHEN 0 THEN (SELECT COLUMN FROM TABLE) END",
    "SELECT name FROM service UNION ALL SELECT COLUMN FROM TABLE", "SELECT 1 WHERE 0 UNION SELECT 1 FROM TABLE",
    "SELECT name FROM service EXCEPT SELECT COLUMN FROM TABLE", "VALUES ((SELECT COLUMN FROM TABLE))",
    "SELECT group_concat(COLUMN) FROM TABLE",
    "SELECT json_group_array(COLUMN) FROM TABLE", "SELECT row_number() OVER (ORDER BY COLUMN) FROM TABLE",
    "SELECT rowid FROM TABLE",
    "SELECT _rowid_ FROM TABLE", "SELECT * FROM TABLE INDEXED BY sqlite_autoindex_TABLE_1",
    "SELECT * FROM TABLE NOT INDEXED",
    "SELECT COLUMN FROM TABLE INDEXED BY sqlite_autoindex_TABLE_2", "SELECT * FROM sqlite_autoindex_TABLE_1",
    "SELECT * FROM TABLE()",
    "SELECT * FROM TABLE('x')", "SELECT * FROM temp.TABLE", "SELECT * FROM json_each((SELECT COLUMN FROM TABLE))",
    "SELECT * FROM daily_charge WHERE day = (SELECT COLUMN FROM TABLE)", "EXPLAIN SELECT * FROM TABLE",
    "EXPLAIN QUERY PLAN SELECT 1 FROM TABLE",
    "SELECT 1; SELECT * FROM TABLE", "SELECT daily_fee(1, COLUMN) FROM TABLE",
    "SELECT saldo_refuse('conflict', COLUMN) FROM TABLE",
    "SELECT CAST(COLUMN AS BLOB) FROM TABLE", "SELECT quote(COLUMN) FROM TABLE",
    "SELECT COLUMN COLLATE NOCASE FROM TABLE",
    # A Cyrillic letter, and a soft hyphen: other names to SQLite.
    "SELECT * FROM tоken", "SELECT * FROM to\u00adken",
)


class Confined(SqlCase):
    """Whatever is tried: it is refused as documented, nothing is written, no file appears, and no secret is told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls().customer()
        cls.admin.post("/v1/accounts", {"name": "Stored"}, key="key-of-a-secret").expect(201)
        hashes = [row[0] for row in peek(cls.server.database, "SELECT hash FROM token")]
        request_hashes = [row[0] for row in peek(cls.server.database, "SELECT request_hash FROM stored_answer")]
        assert len(hashes) == len(ROLES) and len(request_hashes) == 1
        cls.secrets = {*cls.server.tokens.values(), *hashes, *request_hashes, "key-of-a-secret"}
        cls.watch = sqlite3.connect(f"file:{cls.server.database}?mode=ro", uri=True)
        cls.addClassCleanup(cls.watch.close)

    def state(self):
        """What is to stay: the file and its log, and what lies in its folder and in the server's."""
        digests = [hashlib.sha256(pathlib.Path(f"{self.server.database}{suffix}").read_bytes()).hexdigest()
                   for suffix in ("", "-wal")]
        return (self.watch.execute("PRAGMA data_version").fetchone(), digests, sorted(os.listdir(self.folder)),
                sorted(os.listdir(f"/proc/{self.server.process.pid}/cwd")))

    def setUp(self):
        self.before = self.state()
        self.witness = Witness(self.server.client("crm"), f"/v1/accounts/{self.account}/access").__enter__()

    def tearDown(self):
        self.witness.__exit__(None)
        self.assertLess(self.witness.slowest, PROMPT_SECONDS)
        self.assertEqual(self.before, self.state())
        self.assertEqual([[2]], self.rows("SELECT count(*) FROM account"))

    def ask(self, sql, params=None, client=None, **options):
        answer = super().ask(sql, params, client, **options)
        for secret in self.secrets:
            self.assertNotIn(secret, answer.text)
        return answer

    def all_refused(self, attempts):
        for [sql] in self.each((each,) for each in attempts):
            self.refused(self.ask(sql), 422, "invalid")

    def test_writing(self):
        self.all_refused(WRITES)
        self.assertIn("one statement that only reads is possible here, and not of the tables of tokens, stored "
                      "answers and secrets",
                      self.ask("DELETE FROM payment").json["detail"])

    def test_escaping(self):
        self.all_refused(each.replace("FOLDER", str(self.folder)) for each in ESCAPES)

    def test_functions_that_write(self):
        """All functions for the triggers, but for those that change nothing."""
        harmless = {"saldo_are_notice_kinds", "saldo_check", "saldo_check_id", "saldo_check_parts",
                    "saldo_check_template", "saldo_digest", "saldo_facts_in_force", "saldo_fill_template",
                    "saldo_json_object", "saldo_json_or_null", "saldo_open", "saldo_posted", "saldo_promise_end",
                    "saldo_received_at", "saldo_refuse", "saldo_version"}
        folder = pathlib.Path(__file__).resolve().parent.parent.parent / "extension" / "functions"
        functions = {call for source in folder.glob("*.cpp")
                     for call in re.findall(r'\{"(saldo_\w+)",\s*(-?\d+),', source.read_text(encoding="utf-8"))}
        self.assertLessEqual(harmless, {name for name, _ in functions})
        self.assertIn("saldo_books_version", {name for name, _ in functions})
        for name, arguments in sorted(functions):
            for call in (name, name.upper()):
                refused = f"not authorized to use function: {call}"
                with self.subTest(call):
                    answer = self.ask(f"EXPLAIN SELECT {call}({', '.join(['NULL'] * max(0, int(arguments)))})")
                    self.assertEqual(name not in harmless, refused in answer.text, answer.text)

    def test_reading_the_tokens_and_the_stored_answers(self):
        for table, column in (("token", "hash"), ("stored_answer", "request_hash")):
            self.all_refused(each.replace("TABLE", table).replace("COLUMN", column).replace("UPPER", table.upper())
                             for each in TABLE_READS)

    def test_all_else_may_be_read_and_tells_no_secret(self):
        refused = set()
        for [name] in self.rows("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"):
            with self.subTest(name):
                answer = self.ask(f'SELECT * FROM "{name}"')
                if answer.expect(200, 422).status == 422:
                    refused.add(name)
        self.assertEqual(TABLES_NOT_TO_READ, refused)
        for sql in ("SELECT * FROM sqlite_schema", "SELECT * FROM main.sqlite_master", "EXPLAIN SELECT * FROM account"):
            self.assertNotEqual([], self.rows(sql))
        for sql in ("SELECT * FROM sqlite_temp_schema", "SELECT * FROM temp.sqlite_master"):
            self.assertEqual([], self.rows(sql))

    def test_samples_of_their_indexes(self):
        """ANALYZE by an SQLite with STAT4 leaves keys of all indexes in a table of its own."""
        server = self.fresh()
        connection = sqlite3.connect(server.database)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("CREATE TABLE sqlite_stat4(tbl, idx, neq, nlt, ndlt, sample)")
        connection.execute("INSERT INTO sqlite_stat4 SELECT 'token', 'sqlite_autoindex_token_2', 1, 1, 1, hash FROM "
                           "token")
        connection.commit()
        connection.close()
        analyst = self.client(server, "analyst")
        self.ask("SELECT count(*) FROM account", client=analyst).expect(200)
        for sql in ("SELECT sample FROM sqlite_stat4", "SELECT count(*) FROM SQLITE_STAT4"):
            with self.subTest(sql):
                self.refused(self.ask(sql, client=analyst), 422, "invalid")

    def test_nothing_else_tells_a_secret(self):
        wrong = "f" * 64
        answers = [self.nobody.get("/metrics"), self.nobody.get("/openapi.json"), self.nobody.get("/healthz"),
                   self.nobody.get("/v1/accounts", headers={"Authorization": f"Bearer {wrong}"})]
        for secret in sorted(self.secrets):
            # Where it does not belong: in a path, a query, a parameter, a body, a name, and half of it as a token.
            answers += [self.analyst.get(f"/v1/{secret}"), self.crm.get("/v1/accounts", query={secret: secret}),
                        self.analyst.post(SQL,
                                          {"sql": "SELECT 1", secret: 1}), self.analyst.get(f"/v1/reports/{secret}"),
                        self.nobody.get("/v1/accounts", headers={"Authorization": f"Bearer {secret[:-1]}"})]
        self.assertEqual({200, 401, 404, 422}, {each.status for each in answers})
        for answer in answers:
            for secret in (wrong, *self.secrets):
                # A name that is not known is named: what one sent oneself.
                self.assertNotIn(secret, answer.text if answer.status != 422 else "", answer)
        # The hash of a token is no token.
        for [digest] in peek(self.server.database, "SELECT hash FROM token"):
            self.assertEqual(401, self.nobody.get("/v1/accounts", headers={"Authorization": f"Bearer {digest}"}).status)
        for secret in self.secrets:
            self.assertNotIn(secret, self.server.log())

    def test_no_name_is_forbidden_to_what_is_ones_own(self):
        for sql in ("SELECT name AS token, name AS stored_answer, 'x' AS pragma_user_version FROM service WHERE "
                    "service_id = 'crm'",
                    "WITH t AS (SELECT 'CRM' AS token) SELECT token, token, 'x' FROM t",
                    "SELECT token.name, token.name, 'x' FROM service AS token WHERE token.service_id = 'crm'"):
            with self.subTest(sql):
                self.assertEqual([["CRM", "CRM", "x"]], self.rows(sql))

    def test_a_refusal_made_by_oneself_is_only_an_answer(self):
        for code, status in self.each((("conflict", 409), ("day_closed", 409), ("not_found", 404), ("invalid", 422),
                                       ("out_of_range", 422), ("append_only", 409), ("unauthorized", 401),
                                       ("forbidden", 403), ("malformed", 400))):
            self.refused(self.ask(f"SELECT saldo_refuse('{code}', 'my own')"), status, code, "my own")
        # None makes the server's log or its metrics tell of a failure.
        for code in ("internal", "failing", "overloaded", "timed_out"):
            with self.subTest(code):
                self.refused(self.ask(f"SELECT saldo_refuse('{code}', 'my own')"), 422, "invalid", "my own")
        for code in ("nothing", "", "500"):
            with self.subTest(code):
                self.refused(self.ask(f"SELECT saldo_refuse('{code}', 'my own')"), 422, "invalid", f"'{code}'")
        self.assertNotIn("my own", self.server.log())

    def test_a_column_in_double_quotes_is_no_text(self):
        self.refused(self.ask('SELECT "nowhere" FROM service'), 422, "invalid", "nowhere")

    def test_a_query_leaves_nothing_behind(self):
        # More than once: there is more than one connection.
        for _ in range(4):
            self.ask("SELECT saldo_hold('service', 'crm')").expect(422)
            self.ask("SELECT sqlite_log(7, 'left behind')").expect(200, 422)
        for _ in range(4):
            self.ask("SELECT saldo_archive('2026-11-01T00:00:00Z', 'left behind')").expect(422)
            self.assertEqual([[0, 0, 0]], self.rows("SELECT changes(), total_changes(), last_insert_rowid()"))
        self.assertNotIn("left behind", self.server.log())


class Limited(SqlCase):
    """A server whose limits are soon reached: of rows and memory, and in `Exhausting` of time as well."""

    seconds = 60
    rows_max = 50
    budget = 16 * MIB
    limits = ("--test-clock", "--sql-rows", str(rows_max), "--sql-memory", str(budget))
    flags = (*limits, "--sql-timeout", f"{seconds}s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls().customer()
        cls.access = f"/v1/accounts/{cls.account}/access"
        cls.analyst.post(SQL, {"sql": "SELECT 1"}).expect(200)
        # The sanitizers release freed memory late, map terabytes, and are slow.
        sanitized = cls.server.memory("VmPeak") > 1 << 40
        cls.slack, cls.prompt = (1 << 30, 10 * PROMPT_SECONDS) if sanitized else (0, PROMPT_SECONDS)
        cls.memory_before = cls.server.memory("VmRSS")

    def tearDown(self):
        self.still_well()

    def still_well(self):
        self.assertIsNone(self.server.process.poll(), self.server.log()[-2000:])
        self.crm.get(self.access).expect(200)
        self.assertEqual([[1]], self.rows("SELECT 1"))

    @contextlib.contextmanager
    def bounded(self, memory=4 * budget):
        """What happens in it ends in time, takes the server no more memory, and another client is served meanwhile."""
        # Resets the peak.
        pathlib.Path(f"/proc/{self.server.process.pid}/clear_refs").write_text("5", encoding="ascii")
        before, start = self.server.memory("VmRSS"), time.monotonic()
        with Witness(self.server.client("crm"), self.access) as witness:
            yield
        self.assertLess(witness.slowest, self.prompt)
        self.assertLess(time.monotonic() - start, self.seconds + self.prompt)
        self.assertLess(self.server.memory() - before, memory + self.slack)
        self.still_well()

    def no_snapshot_stays_open(self):
        """A reader that stayed at an old state would prevent the write-ahead log from being checkpointed."""
        connection = sqlite3.connect(self.server.database, timeout=5)
        try:
            self.assertEqual((0, 0, 0), connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        finally:
            connection.close()

    def raw(self, sql):
        body = json.dumps({"sql": sql}).encode()
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        connection.sendall(f"POST {SQL} HTTP/1.1\r\nHost: saldo\r\nAuthorization: Bearer "
                           f"{self.server.tokens['analyst']}\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection


class Sized(Limited):
    """In time, even on a busy machine: what ends here ends by its size."""

    def test_a_text_of_a_billion_characters_is_not_made(self):
        """SQLite's printf gives nothing instead."""
        for [sql] in self.each((each,) for each in (
                "SELECT printf('%1000000000d', 1)", "SELECT printf('%.*c', 20000000, 'x')",
                "SELECT format('%20000000s', 'x')")):
            with self.bounded():
                answer = self.ask(sql)
            if answer.status == 200:
                self.assertIn(answer.json["rows"], ([[None]], [[""]]))
            else:
                self.refused(answer, 422, "out_of_range", "memory")

    def test_too_deep_and_too_long(self):
        for sql, word in self.each((
                ("SELECT " + "(" * 1000 + "1" + ")" * 1000, "overflow"),
                ("SELECT " + "abs(" * 500 + "1" + ")" * 500, "overflow"),
                ("SELECT 1" + " + 1" * 1001, "1000"),
                ("SELECT 1" + " UNION ALL SELECT 1" * 500, "compound"),
                ("SELECT " + "(SELECT " * 500 + "1" + ")" * 500, "overflow"),
                ("SELECT count(*) FROM " + ", ".join(f"account AS t{n}" for n in range(65)), "64"),
                (f"SELECT 'a' LIKE '{'%a' * 600}'", "pattern"),
                (f"SELECT 'a' GLOB '{'*a' * 600}'", "pattern"))):
            with self.bounded():
                self.refused(self.ask(sql), 422, "invalid", word)
        with self.bounded():
            self.ask("SELECT " + "1" * 200_000).expect(422)
        with self.bounded():
            self.refused(self.ask("SELECT '" + "x" * MIB + "'"), 413, "too_large")

    def test_what_is_sorted_goes_to_no_file(self):
        """Nobody fills the disk: what exceeds the memory is refused, not written to temporary files."""
        files, stop = set(), threading.Event()
        folder = f"/proc/{self.server.process.pid}/fd"

        def look():
            while not stop.is_set():
                for each in os.listdir(folder):
                    with contextlib.suppress(OSError):
                        files.add(os.readlink(f"{folder}/{each}"))

        looking = threading.Thread(target=look)
        looking.start()
        try:
            for sql in (endless("randomblob(1000)") + " ORDER BY 1", endless("count(*)") + " GROUP BY randomblob(1000)",
                        "WITH a AS MATERIALIZED (" + endless("x, randomblob(500)") + " LIMIT 100000) SELECT "
                                                                                     "count(*) FROM a, a AS b",
                        endless("count(DISTINCT randomblob(1000))")):
                self.ask(sql).expect(422, 503)
        finally:
            stop.set()
            looking.join()
        of_server = str(self.folder)
        self.assertTrue(any(each.startswith(of_server) for each in files))
        self.assertEqual([], [each for each in files
                              if each.startswith("/") and not each.startswith((of_server, "/dev/"))])

    def test_results_without_end_are_truncated(self):
        for count, truncated in self.each(((self.rows_max - 1, False), (self.rows_max, False),
                                           (self.rows_max + 1, True))):
            sql = numbers(count, "x")
            answer = self.ask(sql).expect(200)
            rows = min(count, self.rows_max)
            self.assertEqual({"columns": ["x"], "rows": [[n] for n in range(1, rows + 1)], "truncated": truncated},
                             answer.json)
            self.assertIsNone(answer.headers.get("Saldo-Truncated"))
            answer = self.ask(sql, accept="text/csv").expect(200)
            self.assertEqual("true" if truncated else None, answer.headers.get("Saldo-Truncated"))
            self.assertEqual([str(n) for n in range(1, rows + 1)], [row["x"] for row in answer.csv])
        with self.bounded():
            self.assertEqual((self.rows_max, True), (lambda each: (len(each["rows"]), each["truncated"]))(
                self.ask(endless("x")).expect(200).json))
        # By their size.
        for accept in ("application/json", "text/csv"):
            with self.subTest(accept=accept), self.bounded(6 * self.budget):
                answer = self.ask(endless(text_of(MIB // 2)), accept=accept).expect(200)
                self.assertLess(len(answer.body), self.budget + 2 * MIB)
                whole = ("Saldo-Truncated" not in answer.headers if accept == "text/csv"
                         else answer.json["truncated"] is False)
                self.assertFalse(whole)

    def test_one_row_that_grows_as_it_is_written(self):
        # What takes a byte in SQLite takes six in JSON, and a column of the answer may be one and the same text.
        for sql in (f"SELECT {', '.join(['x'] * 150)} FROM (SELECT '{chr(1) * 80000}' AS x)",
                    f"SELECT {', '.join(['?1'] * 100)}"):
            with self.subTest(sql[:40]), self.bounded(6 * self.budget):
                self.ask(sql, ["\x01" * 80000] if "?" in sql else None).expect(200, 422)

    def test_memory_comes_back(self):
        for _ in range(3):
            self.ask(endless(text_of(MIB // 2))).expect(200)
            self.ask(endless("randomblob(1000)") + " ORDER BY 1").expect(422)
        self.assertTrue(wait_for(lambda: self.server.memory("VmRSS") - self.memory_before
                                 < 6 * self.budget + self.slack))

    def test_no_snapshot_stays_open(self):
        for sql, status in self.each(((endless("x"), 200), (endless("randomblob(1000)") + " ORDER BY 1", 422),
                                      ("SELECT * FROM account; nonsense",
                                       422), ("SELECT * FROM account WHERE name = ?", 422),
                                      ("SELECT abs(-9223372036854775808) FROM account", 422), ("SELECT * FROM ledger",
                                                                                               200))):
            for _ in range(3):
                self.ask(sql).expect(status)
            self.admin.post(f"/v1/accounts/{self.account}/payments", {"amount": 100, "method": "bank_card"}).expect(201)
            self.no_snapshot_stays_open()

    def test_a_client_that_leaves_in_the_midst_of_its_answer(self):
        asked = self.server.metric("saldo_http_requests_total")
        before = self.server.metric("saldo_http_connections")
        with self.raw(endless(text_of(MIB // 2))) as connection:
            self.assertEqual(b"HTTP/1.1 200", connection.recv(12, socket.MSG_WAITALL))
        self.assertTrue(wait_for(lambda: self.server.metric("saldo_http_connections") <= before))
        self.assertGreater(self.server.metric("saldo_http_requests_total"), asked)
        self.no_snapshot_stays_open()


class Exhausting(Limited):
    """The time is over soon."""

    # Written under the sanitizers, an answer of the greatest size takes longer.
    seconds = 2 if os.environ.get("SALDO_SANITIZED") else 0.5
    flags = (*Limited.limits, "--sql-timeout", f"{int(seconds * 1000)}ms")

    def test_without_end(self):
        for [sql] in self.each((each,) for each in (
                endless(), endless("max(x)",
                                   "x"), endless("x") + " WHERE x < 0", endless("1") + " LIMIT -1 OFFSET 1 << 60",
                f"SELECT 1 WHERE EXISTS ({endless('1')} WHERE x < 0)", f"SELECT ({endless()})",
                endless("group_concat('')"), endless("sum(x) OVER ()", "x + 1") + " WHERE x < 0",
                "SELECT count(*) FROM " + ", ".join(f"sqlite_schema AS t{n}" for n in range(12)),
                f"SELECT count(*) FROM daily_charge, ({numbers(9999, 'x')}) WHERE day <= '9999-12-31'",
                f"SELECT count(*) FROM working_calendar, ({numbers(9999, 'x')}) WHERE day <= '9999-12-31'",
                f"SELECT count(*) FROM access_state, ({numbers(9999, 'x')}) WHERE day BETWEEN '2026-11-02' AND "
                f"'9999-12-31'")):
            with self.bounded():
                answer = self.ask(sql)
            self.refused(answer, 503, "timed_out")
            self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d*$")

    def test_without_end_in_memory(self):
        """It fills up before the time is over, or not."""
        for [sql] in self.each((each,) for each in (
                endless(union="UNION"),
                "WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT x FROM a), b AS (SELECT * FROM a) SELECT "
                "count(*) FROM b, b AS c")):
            with self.bounded():
                answer = self.ask(sql)
            self.assertIn((answer.status, answer.code), ((503, "timed_out"), (422, "out_of_range")))

    def test_days_far_ahead(self):
        """An account's way there, which SQLite does not see, a hundred times."""
        for [far] in self.each([["day = '9999-12-31'"], ["at = '9999-12-31T00:00:00Z'"]]):
            with self.bounded():
                self.refused(self.ask(f"WITH n(x) AS (VALUES {', '.join(['(0)'] * 100)}) SELECT count(state) FROM n "
                                      f"CROSS JOIN access_state WHERE account_id = {self.account} + x AND {far}"),
                             503, "timed_out")

    def test_what_one_step_takes_long_ends_too(self):
        """A function, a comparison or a plan of SQLite, in which it asks nobody whether to go on: late, but the limit
        on the length of values bounds it."""
        join = " NATURAL JOIN ".join(f"account AS t{n}" for n in range(60))
        for [sql] in self.each((each,) for each in (
                f"SELECT instr({text_of(450000)}, {text_of(220000)} || '1')",
                f"SELECT replace({text_of(450000)}, {text_of(220000)} || '1', '')",
                f"SELECT length(trim({text_of(30000)}, {text_of(15000, chr(39) + 'b' + chr(39))} || '0'))",
                "WITH d AS MATERIALIZED (" + numbers(30000, "json_group_object(x, x)") + " AS j) "
                "SELECT length(json_patch(a.j, replace(b.j, '\":', 'x\":'))) FROM d AS a, d AS b".replace("FROM n AS",
                                                                                                          "AS"),
                f"WITH v AS (SELECT 1 AS x FROM {join}) SELECT count(*) FROM " + ", ".join(f"v AS v{n}"
                                                                                           for n in range(8)),
                f"SELECT {text_of(4000000)} LIKE '{'%0' * 400}%1'", f"SELECT {text_of(4000000)} GLOB '{'*0' * 400}*1'",
                f"SELECT {text_of(4000000)} LIKE '{'%_' * 400}1'",
                f"SELECT json_valid({text_of(4000000, chr(39) + '[' + chr(39))})")):
            with self.bounded():
                self.ask(sql).expect(200, 422, 503)

    def test_beyond_the_memory(self):
        for [sql] in self.each((each,) for each in (
                "SELECT zeroblob(1000000000)", "SELECT length(zeroblob(1000000000))", "SELECT randomblob(1000000000)",
                "SELECT hex(zeroblob(500000000))", "SELECT hex(zeroblob(9000000))", "SELECT quote(zeroblob(9000000))",
                f"SELECT replace({text_of(1000000)}, '0', '0123456789012345678901234567890123456789')",
                "SELECT " + " || ".join([text_of(1000000)] * 20), "SELECT " + ", ".join([text_of(1000000)] * 20),
                endless("max(length(x))", "x || x", "hex(zeroblob(1000))"), endless(f"group_concat({text_of(100000)})"),
                endless(f"json_group_array({text_of(1000)})"), endless(f"json_group_object(x, {text_of(1000)})"),
                endless("randomblob(1000)") + " ORDER BY 1", endless("count(DISTINCT randomblob(1000))"),
                endless("count(*)") + " GROUP BY randomblob(1000)", endless("max(x) OVER (ORDER BY randomblob(1000))"),
                endless("1", "randomblob(1000)", union="UNION") + " WHERE x IS NULL",
                "WITH v0 AS (SELECT 1 AS x), " + ", ".join(
                    f"v{n} AS (SELECT x FROM v{n - 1} UNION ALL SELECT x FROM v{n - 1})" for n in range(1, 30))
                + " SELECT count(*) FROM v29")):
            with self.bounded():
                answer = self.ask(sql)
            # Or what takes so much comes slowly.
            if answer.status != 503:
                self.refused(answer, 422, "out_of_range", "memory")

    def test_much_in_one_statement(self):
        """Long lists, many parameters, deep and wide JSON: an answer, a refusal, or the end of its time."""
        list_of = ", ".join(map(str, range(16000)))
        for sql, params, *statuses in self.each((
                (f"SELECT count(*) FROM account WHERE account_id IN ({list_of})", None, 200, 422, 503),
                (f"SELECT count(*) FROM access_state WHERE account_id IN ({list_of})", None, 200, 422, 503),
                (f"SELECT 1 WHERE 1 IN ({', '.join('?' * 30000)})", [1] * 30000, 200, 422, 503),
                ("VALUES " + ", ".join(["(1)"] * 20000), None, 200, 422),
                ("SELECT " + "CASE WHEN 1 THEN " * 300 + "1" + " END" * 300, None, 422),
                (" UNION ".join(["SELECT * FROM ledger"] * 400), None, 200, 422, 503),
                ("SELECT count(*) FROM json_tree(?)", ["[" * 1500 + "]" * 1500], 200, 422),
                ("SELECT count(*) FROM json_tree(?)", ["[" * 100000 + "]" * 100000], 422),
                ("SELECT count(*) FROM json_each(?1) AS a, json_each(?1) AS b", ["[" + "0," * 200000 + "0]"], 503),
                ("SELECT sum(length(json_set(?1, '$[' || a.key || ']', ?1))) FROM json_each(?1) AS a",
                 ["[" + "0," * 50000 + "0]"], 422, 503),
                (numbers(100000, "max(x) OVER (ORDER BY x ROWS BETWEEN 50000 PRECEDING AND 50000 FOLLOWING)"), None,
                 200, 422, 503),
                (numbers(100000, "group_concat(DISTINCT x)"), None, 200, 422, 503),
                ("SELECT * FROM " + ", ".join(f"ledger AS t{n}" for n in range(60)), None, 200, 422, 503),
                ("SELECT ?", json.loads("[" * 30 + "]" * 30), 400, 422))):
            with self.bounded():
                self.ask(sql, params).expect(*statuses)
        with self.bounded():
            self.analyst.post(SQL,
                              b'{"sql": "SELECT ?", "params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}").expect(400)

    def test_many_at_once_and_the_others_are_served(self):
        answers = []

        def besiege(sql):
            with self.server.client("analyst") as client:
                answers.append(self.ask(sql, client=client))

        queries = [endless(), endless("count(DISTINCT randomblob(100))"), endless("x") + " WHERE x < 0",
                   endless(union="UNION")] * 4
        threads = [threading.Thread(target=besiege, args=(sql,)) for sql in queries]
        for thread in threads:
            thread.start()
        slowest, served = 0.0, 0
        while any(thread.is_alive() for thread in threads):
            start = time.monotonic()
            self.crm.get(self.access).expect(200)
            self.admin.post(f"/v1/accounts/{self.account}/payments", {"amount": 100, "method": "bank_card"}).expect(201)
            slowest, served = max(slowest, time.monotonic() - start), served + 1
        for thread in threads:
            thread.join()
        self.assertLess(slowest, self.prompt)
        self.assertGreater(served, 5)
        self.assertEqual(len(queries), len(answers))
        codes = [(each.status, each.code) for each in answers]
        self.assertLessEqual(set(codes), {(503, "timed_out"), (503, "overloaded"), (422, "out_of_range")})
        self.assertIn((503, "timed_out"), codes)
        self.no_snapshot_stays_open()

    def test_a_server_stops_while_a_query_runs(self):
        """It waits for the query, which ends in time."""
        server = self.fresh("--test-clock", "--sql-timeout", "2s")
        answers = []
        asking = threading.Thread(target=lambda: answers.append(
            self.ask(endless(), client=self.client(server, "analyst", checked=False)).code))
        asking.start()
        self.assertTrue(wait_for(lambda: server.metric("saldo_http_connections") >= 2))
        self.assertEqual(0, server.stop())
        asking.join()
        self.assertEqual(["timed_out"], answers)

    def test_no_snapshot_stays_open_of_what_runs_out_of_time(self):
        for _ in range(3):
            self.refused(self.ask(endless()), 503, "timed_out")
        self.admin.post(f"/v1/accounts/{self.account}/payments", {"amount": 100, "method": "bank_card"}).expect(201)
        self.no_snapshot_stays_open()

    def test_clients_that_leave(self):
        asked = self.server.metric("saldo_http_requests_total")
        before = self.server.metric("saldo_http_connections")
        for _ in range(4):
            self.raw(endless()).close()
            self.raw(endless(text_of(MIB // 2))).close()
        self.assertTrue(wait_for(lambda: self.server.metric("saldo_http_connections") <= before))
        self.assertGreater(self.server.metric("saldo_http_requests_total"), asked)
        # All of the analysts' connections are back.
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask(endless(),
                                                                           client=self.server.client("analyst")).code))
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(["timed_out"] * 2, answers)
        self.no_snapshot_stays_open()


if __name__ == "__main__":
    unittest.main()
