"""Every route of the contract: who may use it, what it answers, and what it refuses."""

import json
import re
import sqlite3
import unittest
import urllib.parse

from server import (CRM_TIERS, NOW, OPENING, ROLES, SMS_UNIT_FEE, TODAY, ServerCase, daily_fee, day_end, day_plus, noon)

ACCOUNT = "/v1/accounts/{account_id}"
TEMPLATE = "/v1/notice-templates/{kind}/{language}"
WEBHOOK = "/v1/webhooks/{name}"
RECEIPT = "/v1/receipts/{receipt_id}"
CHANNEL = "/v1/channels/{channel}"
DOCUMENT = "/v1/documents/{document_id}"
TAX_RATES = "/v1/services/{service_id}/tax-rates"

# DESIGN.md, chapter 5, written out: the route and its role. Then what the README adds.
ROLE_OF_ROUTE = {
    ("GET", f"{ACCOUNT}/access"): "crm",
    ("GET", "/v1/access"): "crm",
    ("POST", "/v1/accounts"): "crm",
    ("GET", "/v1/accounts"): "crm",
    ("GET", ACCOUNT): "crm",
    ("PATCH", ACCOUNT): "crm",
    ("POST", f"{ACCOUNT}/activate"): "crm",
    ("POST", f"{ACCOUNT}/pause"): "crm",
    ("POST", f"{ACCOUNT}/close"): "crm",
    ("GET", f"{ACCOUNT}/terms"): "crm",
    ("PUT", f"{ACCOUNT}/headcount"): "crm",
    ("GET", f"{ACCOUNT}/headcount"): "crm",
    ("PUT", f"{ACCOUNT}/subscriptions/{{service_id}}"): "crm",
    ("GET", f"{ACCOUNT}/subscriptions/{{service_id}}"): "crm",
    ("DELETE", f"{ACCOUNT}/subscriptions/{{service_id}}"): "crm",
    ("GET", f"{ACCOUNT}/subscriptions"): "crm",
    ("POST", "/v1/usage"): "crm",
    ("POST", f"{ACCOUNT}/promised-payments"): "crm",
    ("POST", f"{ACCOUNT}/checkouts"): "crm",
    ("GET", f"{ACCOUNT}/promised-payments"): "crm",
    ("GET", f"{ACCOUNT}/ledger"): "crm",
    ("GET", f"{ACCOUNT}/charges"): "crm",
    ("GET", f"{ACCOUNT}/statements/{{month}}"): "crm",
    ("POST", f"{ACCOUNT}/payments"): "cashier",
    ("GET", f"{ACCOUNT}/payments"): "cashier",
    ("POST", f"{ACCOUNT}/adjustments"): "cashier",
    ("GET", f"{ACCOUNT}/adjustments"): "cashier",
    ("GET", "/v1/payments"): "cashier",
    ("PUT", f"{ACCOUNT}/terms"): "operator",
    ("POST", "/v1/days/{day}/close"): "operator",
    ("GET", "/v1/days"): "operator",
    ("PUT", "/v1/services/{service_id}"): "operator",
    ("GET", "/v1/services/{service_id}"): "operator",
    ("POST", "/v1/tariffs"): "operator",
    ("GET", "/v1/tariffs"): "operator",
    ("PUT", "/v1/policy"): "operator",
    ("GET", "/v1/policy"): "operator",
    ("PUT", "/v1/calendar/{day}"): "operator",
    ("GET", "/v1/calendar/{day}"): "operator",
    ("DELETE", "/v1/calendar/{day}"): "operator",
    **{("GET", f"/v1/reports/{view}"): "analyst" for view in (
        "ledger", "account_balance", "monthly_statement", "revenue_by_day", "revenue_by_service", "debtor",
        "monthly_recurring_revenue", "audit_charge", "audit_balance", "audit_day_gap", "audit_promised_payment",
        "audit_digest", "audit_schema", "audit_unpriced", "audit")},
    ("POST", "/v1/sql"): "analyst",
    # design/notices.md.
    ("GET", f"{ACCOUNT}/banner"): "crm",
    ("GET", "/v1/notices"): "crm",
    ("GET", f"{ACCOUNT}/notices"): "crm",
    ("GET", f"{ACCOUNT}/top-up"): "crm",
    ("GET", "/v1/notice-kinds/{kind}"): "operator",
    ("PUT", "/v1/notice-kinds/{kind}"): "operator",
    ("GET", "/v1/notice-templates"): "operator",
    ("PUT", TEMPLATE): "operator",
    ("POST", "/v1/notice-clock"): "operator",
    ("GET", "/v1/webhooks"): "operator",
    ("GET", "/v1/tokens"): "admin",
    ("POST", "/v1/tokens"): "admin",
    ("DELETE", "/v1/tokens/{name}"): "admin",
    ("GET", WEBHOOK): "operator",
    ("PUT", WEBHOOK): "operator",
    ("DELETE", WEBHOOK): "operator",
    ("POST", f"{WEBHOOK}/rotate"): "operator",
    ("POST", f"{WEBHOOK}/test"): "operator",
    ("GET", "/v1/deliveries"): "operator",
    ("POST", "/v1/deliveries/{delivery_id}/retry"): "operator",
    ("POST", "/v1/mail/test"): "operator",
    # design/page.md.
    ("POST", "/v1/audit-runs"): "operator",
    ("POST", "/v1/documents/{document_id}/send"): "operator",
    # design/money_in.md.
    ("POST", "/v1/bank-statements"): "cashier",
    ("GET", "/v1/receipts"): "cashier",
    ("POST", f"{RECEIPT}/match"): "cashier",
    ("POST", f"{RECEIPT}/ignore"): "cashier",
    ("POST", f"{CHANNEL}/registry"): "cashier",
    ("GET", CHANNEL): "operator",
    ("PUT", CHANNEL): "operator",
    # design/documents.md.
    ("POST", "/v1/document-runs"): "operator",
    ("GET", "/v1/documents"): "operator",
    ("GET", DOCUMENT): "crm",
    **{("GET", f"{DOCUMENT}.{ending}"): "crm" for ending in ("html", "pdf", "xml")},
    ("GET", f"{ACCOUNT}/documents"): "crm",
    ("POST", f"{ACCOUNT}/invoices"): "crm",
    ("POST", f"{ACCOUNT}/reconciliations"): "operator",
    ("POST", f"{DOCUMENT}/corrections"): "operator",
    ("GET", "/healthz"): None,
    ("GET", "/metrics"): None,
    ("GET", "/openapi.json"): None,
    # The README's.
    ("GET", RECEIPT): "cashier",
    ("GET", "/v1/channels"): "operator",
    ("GET", f"{ACCOUNT}/headcounts"): "crm",
    ("GET", f"{ACCOUNT}/terms/history"): "crm",
    ("GET", f"{ACCOUNT}/usage"): "crm",
    ("GET", "/v1/adjustment-kinds"): "cashier",
    ("GET", "/v1/payment-methods"): "cashier",
    ("GET", "/v1/services"): "operator",
    ("GET", "/v1/policies"): "operator",
    ("GET", "/v1/calendar"): "operator",
    ("GET", "/v1/notice-kinds"): "operator",
    ("GET", "/v1/notice-clock"): "operator",
    ("GET", "/v1/issuer"): "operator",
    ("PUT", "/v1/issuer"): "operator",
    ("GET", "/v1/issuers"): "operator",
    ("GET", TAX_RATES): "operator",
    ("PUT", f"{TAX_RATES}/{{valid_from}}"): "operator",
    **{("GET", f"/v1/reports/{view}"): "analyst"
       for view in ("audit_arrears", "audit_charge_total", "audit_computed", "audit_document", "audit_notice",
                    "audit_receipt", "audit_reference", "books")},
}

# The role of a route, and whose tokens may use it.
MAY = {"admin": {"admin"},
       "crm": {"crm", "operator", "admin"}, "cashier": {"cashier", "operator", "admin"},
       "operator": {"operator", "admin"},
       "analyst": {"analyst", "admin"}}

ACCOUNT_FIELDS = {"external_id", "name", "admin_email", "registered_on", "trial_ends_on", "customer_since",
                  "legal_name", "tax_id", "postal_address", "kpp", "contract", "signatory", "documents",
                  "document_delivery"}
# What these are when nothing is said of them; they cannot be null.
DOCUMENT_FIELDS = {"documents": "bank", "document_delivery": "post"}

# The fields of the body of each write: those that must be given, and the others.
FIELDS = {
    ("POST", "/v1/tokens"): ({"name", "role"}, set()),
    ("DELETE", "/v1/tokens/{name}"): (set(), set()),
    ("POST", "/v1/accounts"): ({"name"}, ACCOUNT_FIELDS - {"name"} | {"account_id"}),
    ("PATCH", ACCOUNT): (set(), ACCOUNT_FIELDS),
    **{("POST", f"{ACCOUNT}/{verb}"): (set(), {"valid_from", "reason"}) for verb in ("activate", "pause", "close")},
    ("PUT", f"{ACCOUNT}/headcount"): ({"employees"}, {"day"}),
    ("PUT", f"{ACCOUNT}/subscriptions/{{service_id}}"): (set(), {"started_on", "ended_on", "quantity", "price_list"}),
    ("DELETE", f"{ACCOUNT}/subscriptions/{{service_id}}"): (set(), {"ended_on"}),
    ("POST", "/v1/usage"): ({"events"}, set()),
    ("POST", f"{ACCOUNT}/promised-payments"): ({"days"}, {"granted_at"}),
    ("POST", f"{ACCOUNT}/checkouts"): ({"channel", "amount", "return_url"}, set()),
    ("POST", f"{ACCOUNT}/payments"): ({"amount", "method"},
                                      {"external_id", "received_at", "credited_at", "payer", "purpose"}),
    ("POST", f"{ACCOUNT}/adjustments"): ({"amount", "kind"}, {"effective_at", "external_id", "reason", "payment_id",
                                                              "service_id", "for_day"}),
    ("PUT", f"{ACCOUNT}/terms"): (set(), {"valid_from", "status", "credit_limit", "held", "reason"}),
    ("POST", "/v1/days/{day}/close"): (set(), {"closed_at"}),
    ("PUT", "/v1/services/{service_id}"): ({"name", "kind"}, {"unit"}),
    ("POST", "/v1/tariffs"): ({"service_id", "valid_from", "tiers"}, {"price_list"}),
    ("PUT", "/v1/policy"): ({"valid_from"}, {
        "rules", "time_zone", "currency", "working_week", "restricted_days_charged", "grace_working_days",
        "promised_payment_max_days", "low_balance_warning_days", "language", "reminder_days", "reminders",
        "pay_url", "document_kind"}),
    ("PUT", "/v1/calendar/{day}"): ({"working"}, {"name"}),
    ("DELETE", "/v1/calendar/{day}"): (set(), set()),
    ("POST", "/v1/sql"): ({"sql"}, {"params"}),
    ("PUT", "/v1/notice-kinds/{kind}"): ({"by_email"}, set()),
    ("PUT", TEMPLATE): ({"subject", "body"}, set()),
    ("POST", "/v1/notice-clock"): (set(), {"at"}),
    ("PUT", WEBHOOK): ({"url"}, {"kinds"}),
    ("DELETE", WEBHOOK): (set(), set()),
    ("POST", f"{WEBHOOK}/rotate"): (set(), set()),
    ("POST", f"{WEBHOOK}/test"): (set(), set()),
    ("POST", "/v1/deliveries/{delivery_id}/retry"): (set(), set()),
    ("POST", "/v1/mail/test"): ({"to"}, set()),
    ("POST", "/v1/audit-runs"): (set(), set()),
    ("POST", "/v1/documents/{document_id}/send"): (set(), set()),
    ("POST", "/v1/bank-statements"): (set(), {"account", "show"}),
    ("POST", f"{RECEIPT}/match"): (set(), {"account_id", "parts"}),
    ("POST", f"{RECEIPT}/ignore"): ({"reason"}, set()),
    ("POST", f"{CHANNEL}/registry"): (set(), {"day"}),
    ("PUT", CHANNEL): ({"protocol", "method"}, {"min_amount", "max_amount", "disabled"}),
    ("POST", "/v1/document-runs"): ({"month", "issued_on"}, set()),
    ("POST", f"{ACCOUNT}/invoices"): (set(), {"amount", "until", "employees"}),
    ("POST", f"{ACCOUNT}/reconciliations"): ({"from", "to"}, set()),
    ("POST", f"{DOCUMENT}/corrections"): (set(), {"corrected_on"}),
    ("PUT", "/v1/issuer"): ({"valid_from"}, {
        "name", "legal_name", "tax_id", "kpp", "address", "bank_name", "bic", "bank_account", "corr_account",
        "director", "accountant"}),
    ("PUT", f"{TAX_RATES}/{{valid_from}}"): (set(), {"basis_points"}),
}
# Their bodies are files; their fields are in the query.
FILES = {("POST", "/v1/bank-statements"), ("POST", f"{CHANNEL}/registry")}

# The fields of the objects in a list: those that must be given, the others, and what else the body needs.
LIST_FIELDS = {
    ("/v1/usage", "events"): ({"usage_id", "account_id", "service_id", "quantity"}, {"occurred_at"}, {}),
    ("/v1/tariffs", "tiers"): ({"min_quantity"}, {"monthly_fee", "unit_fee"},
                               {"service_id": "crm", "valid_from": "2026-12-01"}),
    ("/v1/receipts/1/match", "parts"): ({"account_id", "amount"}, set(), {}),
}

# A body that is right, where an empty one is not.
BODIES = {
    ("POST", "/v1/accounts"): {"name": "Ромашка"},
    ("POST", f"{ACCOUNT}/checkouts"): {"channel": "cards", "amount": 1, "return_url": "https://crm.example/"},
    ("PUT", f"{ACCOUNT}/headcount"): {"employees": 1},
    ("POST", f"{ACCOUNT}/promised-payments"): {"days": 1},
    ("POST", f"{ACCOUNT}/payments"): {"amount": 1, "method": "sbp"},
    ("POST", f"{ACCOUNT}/adjustments"): {"amount": 1, "kind": "bonus"},
    ("PUT", f"{ACCOUNT}/terms"): {"status": "active"},
    ("POST", f"{ACCOUNT}/invoices"): {"amount": 1},
    ("POST", f"{ACCOUNT}/reconciliations"): {"from": "2026-10-01", "to": "2026-10-31"},
}

# GETs with a limit; other lists are short, and come whole.
PAGED = {"/v1/access", "/v1/accounts", f"{ACCOUNT}/adjustments", f"{ACCOUNT}/charges", f"{ACCOUNT}/documents",
         f"{ACCOUNT}/headcounts", f"{ACCOUNT}/ledger", f"{ACCOUNT}/notices", f"{ACCOUNT}/payments",
         f"{ACCOUNT}/promised-payments", f"{ACCOUNT}/subscriptions", f"{ACCOUNT}/terms/history", f"{ACCOUNT}/usage",
         "/v1/calendar", "/v1/days", "/v1/deliveries", "/v1/documents", "/v1/issuers", "/v1/notices", "/v1/payments",
         "/v1/policies", "/v1/receipts", "/v1/tariffs", "/v1/tokens",
         *(f"/v1/reports/{view}" for view in (
             "account_balance", "audit_arrears", "audit_balance", "audit_charge", "audit_computed", "audit_document",
             "audit_notice", "audit_promised_payment", "audit_receipt", "audit_reference", "audit_unpriced", "debtor",
             "ledger", "monthly_statement", "revenue_by_day"))}

UNKNOWN = "no_such_parameter"


def target(path, account_id=1, service_id="crm", day="2026-11-05", month="2026-11"):
    return path.format(account_id=account_id, service_id=service_id, day=day, month=month, kind="grace", language="ru",
                       name="crm", delivery_id=1, receipt_id=1, channel="qiwi", document_id=1, valid_from=day)


def by(who, at=NOW):
    return {"recorded_at": at, "recorded_by": who}


def each_route():
    return sorted(ROLE_OF_ROUTE.items(), key=str)


class RoutesCase(ServerCase):
    def named(self, answer, names, code="invalid"):
        """422, and `errors` has exactly these names."""
        self.assertEqual((422, code), (answer.status, answer.code), answer)
        self.assertEqual(sorted(names), sorted(each["name"] for each in answer.json.get("errors", ())), answer)

    def row(self, answer, status, /, **expected):
        self.assertEqual((status, expected), (answer.status, answer.json if answer.body else None), answer)


class WhoMayDoWhat(RoutesCase):
    def test_the_routes_are_those_of_the_contract(self):
        self.assertEqual(set(ROLE_OF_ROUTE), self.server.document.routes)

    def test_the_writes_take_the_fields_of_the_contract(self):
        document = self.server.document
        self.assertEqual(set(FIELDS), {(method, path) for method, path in document.routes if method != "GET"})
        for (method, path), (required, optional) in FIELDS.items():
            with self.subTest(route=f"{method} {path}"):
                operation = document.json["paths"][path][method.lower()]
                schema = (operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                          .get("schema", {}))
                fields = set(schema.get("properties", ()))
                if method == "DELETE" or (method, path) in FILES:
                    fields |= {each["name"] for each in operation["parameters"] if each.get("in") == "query"}
                self.assertEqual(required | optional, fields)
                self.assertEqual(required, set(schema.get("required", ())))

    def test_every_role_on_every_route(self):
        """A role that may is told of the unknown parameter, which comes after the role; nothing is done."""
        for (method, path), needed in each_route():
            in_body = method in ("POST", "PUT", "PATCH") and (method, path) not in FILES
            query, body = (None, {UNKNOWN: 1}) if in_body else ({UNKNOWN: 1}, None)
            for role in ROLES:
                with self.subTest(route=f"{method} {path}", role=role):
                    if needed is None:
                        getattr(self, role).request(method, path).expect(200)
                        continue
                    answer = getattr(self, role).request(method, target(path), body, query=query)
                    if role in MAY[needed]:
                        self.refused(answer, 422, "invalid", UNKNOWN)
                    else:
                        self.refused(answer, 403, "forbidden")

    def test_without_a_token_and_with_an_unknown_one(self):
        token = self.server.tokens["admin"]
        cases = {"none": {}, "unknown": {"Authorization": "Bearer " + "x" * len(token)},
                 "empty": {"Authorization": "Bearer "},
                 "longer": {"Authorization": f"Bearer {token}x"}, "shorter": {"Authorization": f"Bearer {token[:-1]}"},
                 "another scheme": {"Authorization": f"Basic {token}"}, "no scheme": {"Authorization": token}}
        for (method, path), needed in each_route():
            for name, headers in cases.items():
                with self.subTest(route=f"{method} {path}", token=name):
                    answer = self.nobody.request(method, target(path), headers=headers)
                    if needed is None:
                        answer.expect(200)
                    else:
                        self.refused(answer, 401, "unauthorized")

    def test_token_before_path_before_method_before_role_before_parameters(self):
        for client, method, path, status in ((self.nobody, "GET", "/v1/nothing", 401),
                                             (self.crm, "GET", "/v1/nothing", 404),
                                             (self.nobody, "PATCH", "/v1/policy", 401),
                                             (self.crm, "PATCH", "/v1/policy", 405),
                                             (self.crm, "GET", "/v1/policy?x=1", 403),
                                             (self.operator, "GET", "/v1/policy?x=1", 422)):
            with self.subTest(method=method, path=path, status=status):
                self.assertEqual(status, client.request(method, path).status)

    def test_other_methods_are_405_and_allow_tells_those_there_are(self):
        of_path = {}
        for method, path in ROLE_OF_ROUTE:
            of_path.setdefault(path, set()).add(method)
        for path, methods in sorted(of_path.items()):
            for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE"} - methods):
                with self.subTest(method=method, path=path):
                    answer = self.admin.request(method, target(path))
                    self.refused(answer, 405, "method_not_allowed")
                    allowed = set(re.split(r",\s*", answer.headers["Allow"]))
                    self.assertEqual(methods, allowed - {"HEAD", "OPTIONS"})

    def test_other_paths_are_404(self):
        for path in ("/v1", "/v1/", "/v1/account", "/v1/accounts/", "/v1/accounts/1/", "/v1/accounts/1/access/now",
                     "/v1/reports", "/v1/reports/", "/v1/reports/account", "/v1/reports/token", "/v1/days/2026-11-01",
                     "/V1/accounts", "/v2/accounts", "/healthz/", "/openapi.yaml"):
            with self.subTest(path=path):
                self.refused(self.admin.get(path), 404, "not_found")


class Parameters(RoutesCase):
    def test_an_unknown_parameter_of_the_query_is_named_on_every_route(self):
        for (method, path), needed in each_route():
            if needed is not None:
                with self.subTest(route=f"{method} {path}"):
                    body = BODIES.get((method, path), {}) if method not in ("GET", "DELETE") else None
                    answer = self.admin.request(method, target(path), body, query={UNKNOWN: "1", "another": ""})
                    self.refused(answer, 422, "invalid", UNKNOWN, "another")

    def test_missing_fields_are_all_named_at_once(self):
        for (method, path), (required, _) in FIELDS.items():
            if required:
                for body in ({}, None, {name: None for name in required}):
                    with self.subTest(route=f"{method} {path}", body=body):
                        self.named(self.admin.request(method, target(path), body), required)

    def test_wrong_types_and_unknown_fields_are_all_named_at_once(self):
        for (method, path), (required, optional) in FIELDS.items():
            if (method, path) in FILES:
                continue
            with self.subTest(route=f"{method} {path}"):
                # No field is an object but the params of /v1/sql and the kinds of a webhook, which are not a number.
                body = {name: {} if name not in ("params", "kinds") else 1 for name in required | optional}
                body[UNKNOWN] = 1
                self.named(self.admin.request(method, target(path), body), body)

    def test_fields_in_a_list_are_named_with_their_place(self):
        for (path, name), (required, optional, rest) in LIST_FIELDS.items():
            with self.subTest(path=path):
                wrong = {field: {} for field in required | optional} | {UNKNOWN: 1}
                self.named(self.admin.post(path, rest | {name: [{}, wrong]}),
                           [f"{name}[0].{field}" for field in required] + [f"{name}[1].{field}" for field in wrong])
                self.named(self.admin.post(path, rest | {name: [1, "x"]}), [f"{name}[0]", f"{name}[1]"])

    def test_each_type(self):
        """What is not of the type is refused, whatever is right besides; nothing is converted."""
        account_id = self.company()
        payments, headcount = f"/v1/accounts/{account_id}/payments", f"/v1/accounts/{account_id}/headcount"
        days = ("2026-02-30", "2026-13-01", "2026-1-1", "20261105", "2026-11-05T00:00:00Z", "", "today", 20261105, 1.5,
                True, [])
        cases = (
            ("POST", payments, "amount", {"method": "sbp"},
             ("1", "", 1.5, 1e300, True, False, [], [1], 2**63, -2**63 - 1, 10**30)),
            ("POST", payments, "payer", {"method": "sbp", "amount": 1}, (1, 1.5, True, [], ["x"], "a\0b")),
            ("POST", payments, "received_at", {"method": "sbp", "amount": 1},
             ("2026-11-02", "2026-11-02T08:00:00", "2026-11-02T08:00Z", "2026-02-30T08:00:00Z", "2026-11-02T24:00:00Z",
              "2026-11-02T08:60:00Z", "2026-11-02T08:00:00+25:00", "2026-11-02T08:00:00.Z", "08:00:00Z", "now", "",
              1793610000)),
            ("PUT", headcount, "day", {"employees": 1}, days),
            ("PUT", "/v1/calendar/2026-11-05", "working", {}, (2, -1, "1", True, False, "yes", 0.5)),
        )
        for method, path, name, rest, values in cases:
            for value in values:
                with self.subTest(path=path, name=name, value=str(value)[:40]):
                    self.named(self.admin.request(method, path, rest | {name: value}), [name])
        self.assertEqual([], self.admin.get(payments).json)
        self.assertEqual([], self.admin.get(f"{headcount}s").json)
        self.assertEqual(404, self.admin.get("/v1/calendar/2026-11-05").status)

    def test_what_is_no_text_is_told_as_it_is(self):
        for target, body, status, code, says in (
                ("/v1/accounts", {"name": "a\0b"}, 422, "invalid", "name holds a NUL character"),
                ("/v1/accounts", {"name": 7}, 422, "invalid", "name is not text"),
                ("/v1/accounts", {"name": None}, 422, "invalid", "name is null; it takes text"),
                ("/v1/accounts", b'{"name": "a"}\0', 400, "malformed", "the body holds a NUL character"),
                ("/v1/accounts?a=%00", {}, 400, "malformed", "the path or query holds a NUL character"),
                ("/v1/accounts?a=%ff", {}, 400, "malformed", "the path or query is not UTF-8")):
            with self.subTest(says):
                self.refused(self.admin.post(target, body), status, code, says)

    def test_wrong_parameters_of_query_and_path_are_all_named_at_once(self):
        for query, names in (("/v1/accounts?limit=x&after=y&age=1", ("limit", "after", "age")),
                             ("/v1/accounts/one/charges?from=2026-02-30&to=x&after=1",
                              ("account_id", "from", "to", "after")),
                             ("/v1/accounts/1.0/statements/2026-13", ("account_id", "month")),
                             ("/v1/access?at=2026-11-02", ("at",)),
                             ("/v1/calendar/2026-02-30", ("day",)),
                             ("/v1/accounts/1/terms?day=", ("day",)),
                             ("/v1/payments?after=%5B", ("after",)),
                             ("/v1/payments?after=%7B%7D", ("after",)),
                             ("/v1/policies?after=x", ("after",)),
                             ("/v1/accounts/9223372036854775808", ("account_id",)),
                             ("/v1/accounts/+1", ("account_id",)),
                             ("/v1/accounts/%201", ("account_id",)),
                             ("/v1/accounts?dry_run=true", ("dry_run",))):
            with self.subTest(query=query):
                self.named(self.admin.get(query), names)
        self.named(self.admin.put("/v1/accounts/one/headcount?limit=1", {"day": "x", "age": 1}),
                   ("account_id", "limit", "day", "age", "employees"))

    def test_the_limit_is_from_1_to_10000(self):
        account_id = self.company()
        for path in sorted(PAGED):
            for limit in ("0", "10001", "-1", "", "1e2", "9223372036854775808"):
                with self.subTest(path=path, limit=limit):
                    self.named(self.admin.get(target(path, account_id), query={"limit": limit}), ["limit"])
            for limit in ("1", "10000"):
                with self.subTest(path=path, limit=limit):
                    self.admin.get(target(path, account_id), query={"limit": limit}).expect(200)

    def test_a_body_that_is_no_object(self):
        for body in (b"[]", b"1", b'"x"', b"null", b"true"):
            with self.subTest(body=body):
                answer = self.admin.post("/v1/accounts", body)
                self.refused(answer, 422, "invalid")
        for body in (b"{", b"{}{}", b"{'name': 1}", b'{"name": "x",}', b'{"name": NaN}', b'{"name": "\xff"}',
                     b'{"name": "x", "name": "x"}'):
            with self.subTest(body=body):
                self.refused(self.admin.post("/v1/accounts", body), 400, "malformed")

    def test_what_is_not_there_is_404(self):
        """An account that does not exist, on every route that names one."""
        self.operator.put("/v1/channels/cards", {"protocol": "tbank", "method": "bank_card"}).expect(201)
        for (method, path), _ in each_route():
            if path.startswith(ACCOUNT):
                with self.subTest(route=f"{method} {path}"):
                    body = BODIES.get((method, path), {}) if method not in ("GET", "DELETE") else None
                    self.refused(self.admin.request(method, target(path, account_id=4711), body), 404, "not_found",
                                 "there is no account 4711")
        account_id = self.company()
        for method, path, body, named in (
                ("POST", f"/v1/accounts/{account_id}/payments", {"amount": 1, "method": "cowries"}, "cowries"),
                ("POST", f"/v1/accounts/{account_id}/adjustments", {"amount": 1, "kind": "gift"}, "gift"),
                ("POST", f"/v1/accounts/{account_id}/adjustments", {"amount": 1, "kind": "bonus", "payment_id": 4711},
                 4711),
                ("POST", f"/v1/accounts/{account_id}/adjustments", {"amount": 1, "kind": "bonus", "service_id": "fax"},
                 "fax"),
                ("PUT", f"/v1/accounts/{account_id}/subscriptions/fax", {}, "fax"),
                ("GET", f"/v1/accounts/{account_id}/subscriptions/crm", None, ""),
                ("DELETE", f"/v1/accounts/{account_id}/subscriptions/crm", None, ""),
                ("GET", f"/v1/accounts/{account_id}/headcount", None, ""),
                ("GET", f"/v1/accounts/{account_id}/terms", None, ""),
                ("GET", f"/v1/accounts/{account_id}/statements/2026-10", None, ""),
                ("GET", f"/v1/accounts/{account_id}/access?at=2026-11-01T20:59:59Z", None, ""),
                ("GET", "/v1/services/fax", None, ""),
                ("POST", "/v1/tariffs", {"service_id": "fax", "valid_from": TODAY, "tiers": [{"min_quantity": 1}]},
                 "fax"),
                ("GET", "/v1/calendar/2026-11-05", None, ""),
                ("DELETE", "/v1/calendar/2026-11-05", None, "2026-11-05"),
                ("GET", "/v1/policy?day=2026-10-31", None, ""),
                ("POST", "/v1/usage", {"events": [{"usage_id": "x", "account_id": account_id, "service_id": "fax",
                                                   "quantity": 1}]}, "fax"),
                ("POST", "/v1/usage", {"events": [{"usage_id": "x", "account_id": 4711, "service_id": "sms",
                                                   "quantity": 1}]}, 4711)):
            with self.subTest(method=method, path=path):
                self.refused(self.admin.request(method, path, body), 404, "not_found", named)

    def test_what_is_out_of_its_limits(self):
        account_id = self.customer()
        account = f"/v1/accounts/{account_id}"
        for method, path, rest, name, values in (
                ("PUT", f"{account}/headcount", {}, "employees", (-1, 10**9 + 1, 2**63 - 1, -2**63)),
                ("POST", f"{account}/payments", {"method": "sbp"}, "amount", (0, -1, 10**15 + 1, 2**63 - 1)),
                ("POST", f"{account}/adjustments", {"kind": "correction"}, "amount", (0, 10**15 + 1, -10**15 - 1)),
                ("POST", f"{account}/adjustments", {"kind": "refund"}, "amount", (1,)),
                ("POST", f"{account}/adjustments", {"kind": "bonus"}, "amount", (-1,)),
                ("PUT", f"{account}/terms", {}, "credit_limit", (-1,)),
                ("PUT", f"{account}/subscriptions/crm", {}, "quantity", (-1, 10**9 + 1)),
                ("PUT", f"{account}/subscriptions/crm", {"started_on": "2026-11-10"}, "ended_on", ("2026-11-09",)),
                ("POST", "/v1/accounts", {"name": "x"}, "account_id", (0, -1, 2**53 + 1)),
                ("PUT", "/v1/policy", {"valid_from": "2026-12-01"}, "grace_working_days", (-1,))):
            for value in values:
                with self.subTest(path=path, name=name, value=value):
                    self.refused(self.admin.request(method, path, rest | {name: value}), 422, "out_of_range", name)
        for tier in ({"monthly_fee": 10**12 + 1}, {"monthly_fee": -1}, {"unit_fee": 10**6 + 1}, {"unit_fee": -1}):
            with self.subTest(tier=tier):
                self.refused(self.admin.post("/v1/tariffs", {"service_id": "crm", "valid_from": "2026-12-01",
                                                             "tiers": [{"min_quantity": 1} | tier]}), 422,
                             "out_of_range", *tier)
        for quantity in (0, -1, 10**9 + 1):
            with self.subTest(usage=quantity):
                self.refused(self.admin.post("/v1/usage", {"events": [{
                    "usage_id": "limits", "account_id": account_id, "service_id": "sms", "quantity": quantity}]}),
                    422, "out_of_range", "quantity")

    def test_what_is_invalid_though_of_the_right_type(self):
        account_id = self.customer()
        for method, path, body, named in (
                ("POST", "/v1/accounts", {"name": ""}, "name"),
                ("PATCH", f"/v1/accounts/{account_id}", {"name": None}, "name"),
                ("PUT", f"/v1/accounts/{account_id}/terms", {"status": "trial"}, "status"),
                ("PUT", "/v1/services/Fax", {"name": "x", "kind": "usage"}, "Fax"),
                ("PUT", "/v1/services/fax", {"name": "x", "kind": "monthly"}, "monthly"),
                ("PUT", "/v1/policy", {"valid_from": "2026-12-01", "working_week": "11"}, "working_week"),
                ("POST", "/v1/tariffs", {"service_id": "crm", "valid_from": "2026-12-01", "tiers": []}, "tiers"),
                ("POST", "/v1/tariffs", {"service_id": "crm", "valid_from": "2026-12-01",
                                         "tiers": [{"min_quantity": 1}, {"min_quantity": 1}]}, "min_quantity"),
                ("POST", "/v1/usage", {"events": [{"usage_id": "x", "account_id": account_id, "service_id": "crm",
                                                   "quantity": 1}]}, "crm"),
                ("GET", "/v1/access?state=happy", None, "happy")):
            with self.subTest(method=method, path=path, body=body):
                self.refused(self.admin.request(method, path, body), 422, "invalid", named)


class Accounts(RoutesCase):
    NULLS = dict.fromkeys(sorted(ACCOUNT_FIELDS - {"name", "registered_on", *DOCUMENT_FIELDS}))
    WHOLE = {"external_id": "crm-1", "name": "ООО «Ёлочка»", "admin_email": "a@example.com",
             "registered_on": "2026-11-01",
             "trial_ends_on": "2026-11-15", "customer_since": "2020-02-29", "legal_name": "Общество «Ёлочка»",
             "tax_id": "7707083893", "postal_address": "119019, Москва,\nВоздвиженка, 1", "kpp": "770701001",
             "contract": "№ 15 от 01.02.2026", "signatory": "Ёлкина А. А.", "documents": "always",
             "document_delivery": "email"}

    def test_registered_with_a_name_alone(self):
        answer = self.crm.post("/v1/accounts", {"name": "Ромашка"})
        account_id = answer.json["account_id"]
        expected = {"account_id": account_id, "name": "Ромашка", "registered_on": TODAY, **self.NULLS,
                    **DOCUMENT_FIELDS, **by("crm")}
        self.row(answer, 201, **expected)
        self.row(self.crm.get(f"/v1/accounts/{account_id}"), 200, **expected)

    def test_registered_with_everything_then_changed(self):
        expected = {"account_id": 5000, **self.WHOLE, **by("crm")}
        self.row(self.crm.post("/v1/accounts", {"account_id": 5000, **self.WHOLE}), 201, **expected)
        # Nothing given, nothing changed, not even who recorded it.
        later = "2026-11-02T10:00:00Z"
        for body in (None, {}, {"name": self.WHOLE["name"]}):
            self.row(self.operator.patch("/v1/accounts/5000", body, now=later), 200, **expected)
        expected |= {"name": "Ёлка", **by("operator", later)}
        self.row(self.operator.patch("/v1/accounts/5000", {"name": "Ёлка"}, now=later), 200, **expected)
        # null clears.
        cleared = {"external_id": None, "trial_ends_on": None, "tax_id": None}
        expected |= {**cleared, "legal_name": "АО «Ёлка»", **by("crm", later)}
        self.row(self.crm.patch("/v1/accounts/5000", {**cleared, "legal_name": "АО «Ёлка»"}, now=later), 200,
                 **expected)
        expected |= {**self.NULLS, **by("crm", later)}
        self.row(self.crm.patch("/v1/accounts/5000", self.NULLS, now=later), 200, **expected)
        self.row(self.crm.get("/v1/accounts/5000"), 200, **expected)
        for field in ("registered_on", *DOCUMENT_FIELDS):
            self.refused(self.crm.patch("/v1/accounts/5000", {field: None}), 422, "invalid", field)
        self.row(self.crm.get("/v1/accounts/5000"), 200, **expected)

    def test_identifiers_are_taken_once(self):
        self.company(account_id=5100, external_id="once")
        other = self.company()
        self.refused(self.crm.post("/v1/accounts", {"name": "x", "account_id": 5100}), 409, "conflict", 5100)
        self.refused(self.crm.post("/v1/accounts", {"name": "x", "external_id": "once"}), 409, "conflict", "once")
        self.refused(self.crm.patch(f"/v1/accounts/{other}", {"external_id": "once"}), 409, "conflict", "once")

    def test_found(self):
        companies = (("Нашлась Alpha", "11"), ("Нашлась Beta, \"b\"", "22"), ("не нашлась", "22"))
        ids = [self.company(name=name, external_id=f"found-{index}", tax_id=tax_id)
               for index, (name, tax_id) in enumerate(companies)]
        for query, expected in (({"external_id": "found-1"}, ids[1:2]), ({"tax_id": "22"}, ids[1:]),
                                ({"name": "нашлась"}, ids[2:]),
                                ({"name": "Нашлась"}, ids[:2]), ({"name": "ALPHA"}, ids[:1]),
                                ({"name": "\"b\""}, ids[1:2]),
                                ({"tax_id": "22", "name": "Нашлась"}, ids[1:2]), ({"external_id": "found"}, []),
                                ({"external_id": "found-0", "tax_id": "22"}, []), ({"name": "%"}, []),
                                ({"name": "_"}, [])):
            with self.subTest(query=query):
                found = self.crm.get("/v1/accounts", query=query).expect(200).json
                self.assertEqual(expected, [each["account_id"] for each in found])

    def test_registered_on_is_fixed_once_its_day_is_closed(self):
        server = self.fresh()
        admin = self.client(server, "admin")
        account_id = self.company(admin, registered_on=OPENING)
        admin.post(f"/v1/days/{OPENING}/close").expect(201)
        self.refused(admin.patch(f"/v1/accounts/{account_id}", {"registered_on": TODAY}), 409, "day_closed", OPENING)
        self.refused(admin.post("/v1/accounts", {"name": "x", "registered_on": OPENING}), 409, "day_closed", TODAY)


class Access(RoutesCase):
    def test_of_one_and_of_all(self):
        server = self.fresh()
        crm, operator = self.client(server, "crm"), self.client(server, "operator")
        active, paused, closed, held, debtor = (self.customer(operator) for _ in range(5))
        trial, ended = (self.company(operator, trial_ends_on=day) for day in ("2026-11-30", OPENING))
        operator.post(f"/v1/accounts/{active}/payments", {"amount": 10000, "method": "sbp"}).expect(201)
        crm.post(f"/v1/accounts/{paused}/pause").expect(200)
        crm.post(f"/v1/accounts/{closed}/close").expect(200)
        operator.put(f"/v1/accounts/{held}/terms", {"held": 1}).expect(200)
        operator.post(f"/v1/accounts/{debtor}/adjustments", {"amount": -100, "kind": "fee"}).expect(201)
        fee = daily_fee(CRM_TIERS[0]["monthly_fee"], TODAY)
        base = {"day": TODAY, "at": NOW, "balance": 0, "accrued": 0, "arrears_since": None, "restricted_from": None,
                "promised_until": None, "promise_allowed": 0, "lasts_until": None}
        expected = {
            # Two days at 6633 are more than 10000: Tuesday's charge brings arrears, and Wednesday is a holiday.
            active: base | {"state": "active", "employees_allowed": 1, "admin_allowed": 1, "balance": 10000,
                            "accrued": fee,
                            "lasts_until": "2026-11-03", "restricted_from": "2026-11-04T21:00:00Z"},
            paused: base | {"state": "paused", "employees_allowed": 0, "admin_allowed": 1},
            closed: base | {"state": "closed", "employees_allowed": 0, "admin_allowed": 0},
            held: base | {"state": "held", "employees_allowed": 0, "admin_allowed": 1, "accrued": fee},
            debtor: base | {"state": "restricted", "employees_allowed": 0, "admin_allowed": 1, "balance": -100,
                            "accrued": fee,
                            "arrears_since": NOW, "restricted_from": NOW, "promise_allowed": 1},
            trial: base | {"state": "trial", "employees_allowed": 1, "admin_allowed": 1},
            ended: base | {"state": "trial_ended", "employees_allowed": 0, "admin_allowed": 1},
        }
        for account_id, row in expected.items():
            with self.subTest(state=row["state"]):
                row["account_id"] = account_id
                self.row(crm.get(f"/v1/accounts/{account_id}/access"), 200, **row)
                self.assertEqual([row], crm.get("/v1/access", query={"state": row["state"]}).expect(200).json)
        self.assertEqual([expected[each] for each in sorted(expected)], crm.get("/v1/access").expect(200).json)
        self.assertEqual([], crm.get("/v1/access?state=grace").expect(200).json)
        # A later instant may be asked about, in any form: in December the trial has ended.
        later = {"at": "2026-12-01T12:00:00.9+03:00"}
        self.assertEqual("trial_ended", crm.get(f"/v1/accounts/{trial}/access", query=later).expect(200).json["state"])
        self.assertEqual([trial, ended], [each["account_id"] for each in
                                          crm.get("/v1/access", query=later | {"state": "trial_ended"}).json])
        self.assertEqual({"2026-12-01T09:00:00Z"}, {each["at"] for each in crm.get("/v1/access", query=later).json})


class Headcount(RoutesCase):
    def test_set_again_and_read(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/headcount"
        superseded = self.count("superseded")
        today = {"account_id": account_id, "day": TODAY, "employees": 5, **by("crm")}
        self.row(self.crm.put(path, {"employees": 5}), 201, **today)
        # The same again changes nothing.
        self.row(self.operator.put(path, {"employees": 5}), 200, **today)
        self.assertEqual(superseded, self.count("superseded"))
        today |= {"employees": 0, **by("operator")}
        self.row(self.operator.put(path, {"employees": 0}), 200, **today)
        self.assertEqual(superseded + 1, self.count("superseded"))
        later = {"account_id": account_id, "day": "2026-12-01", "employees": 10**9, **by("crm")}
        self.row(self.crm.put(path, {"day": "2026-12-01", "employees": 10**9}), 201, **later)
        for query, expected in (("", today), ("?day=2026-11-30", today), ("?day=2026-12-01", later),
                                ("?day=9999-12-31", later)):
            with self.subTest(query=query):
                self.row(self.crm.get(path + query), 200, **expected)
        self.refused(self.crm.get(f"{path}?day=2026-11-01"), 404, "not_found")
        self.assertEqual([today, later], self.crm.get(f"{path}s").expect(200).json)
        self.refused(self.crm.put(path, {"day": "2026-10-31", "employees": 1}), 409, "day_closed", OPENING)


class Terms(RoutesCase):
    def test_activated_paused_closed(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}"
        expected = {"account_id": account_id, "valid_from": TODAY, "status": "active", "credit_limit": 0, "held": 0,
                    "reason": None, **by("crm")}
        superseded = self.count("superseded")
        self.row(self.crm.post(f"{path}/activate"), 201, **expected)
        self.row(self.operator.post(f"{path}/activate", {}), 200, **expected)
        self.assertEqual(superseded, self.count("superseded"))
        expected |= {"credit_limit": 700, "held": 1, "reason": "Договор", **by("operator")}
        self.row(self.operator.put(f"{path}/terms", {"credit_limit": 700, "held": 1, "reason": "Договор"}), 200,
                 **expected)
        # What the operator set stays.
        paused = expected | {"valid_from": "2026-11-10", "status": "paused", "reason": "Отпуск", **by("crm")}
        self.row(self.crm.post(f"{path}/pause", {"valid_from": "2026-11-10", "reason": "Отпуск"}), 201, **paused)
        closed = expected | {"valid_from": "2026-11-20", "status": "closed", "reason": None, **by("crm")}
        self.row(self.crm.post(f"{path}/close", {"valid_from": "2026-11-20"}), 201, **closed)
        for day, terms in (("2026-11-09", expected), ("2026-11-10", paused), ("2026-11-20", closed)):
            self.row(self.crm.get(f"{path}/terms?day={day}"), 200, **terms)
        self.row(self.crm.get(f"{path}/terms"), 200, **expected)
        self.refused(self.crm.get(f"{path}/terms?day=2026-11-01"), 404, "not_found")
        self.assertEqual([expected, paused, closed], self.crm.get(f"{path}/terms/history").expect(200).json)
        self.refused(self.crm.post(f"{path}/activate", {"valid_from": "2026-10-31"}), 409, "day_closed", OPENING)

    def test_what_put_leaves_out_stays_and_null_is_without_limit(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/terms"
        self.refused(self.operator.put(path, {"held": 1}), 409, "conflict", "activate")
        expected = {"account_id": account_id, "valid_from": TODAY, "status": "active", "credit_limit": 0, "held": 0,
                    "reason": None, **by("operator")}
        self.row(self.operator.put(path, {"status": "active"}), 201, **expected)
        for body, changed in (({"credit_limit": None}, {"credit_limit": None}), ({"held": 1}, {"held": 1}),
                              ({"credit_limit": 10**15}, {"credit_limit": 10**15}),
                              ({"status": "paused"}, {"status": "paused"}), ({"reason": "Долг"}, {"reason": "Долг"}),
                              ({}, {}), ({"held": 0}, {"held": 0}), ({"held": 1},
                                                                     {"held": 1}), ({"status": None, "held": None},
                                                                                    {})):
            with self.subTest(body=body):
                expected |= changed
                self.row(self.operator.put(path, body), 200, **expected)
        self.row(self.operator.put(path, {"valid_from": "2026-12-01", "held": 0}), 201,
                 **expected | {"valid_from": "2026-12-01", "held": 0})


class Subscriptions(RoutesCase):
    def test_put_ends_the_running_one_and_starts_the_new(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/subscriptions"
        base = {"account_id": account_id, "service_id": "crm", "ended_on": None, "quantity": None,
                "price_list": "standard",
                **by("crm")}
        first = base | {"started_on": TODAY}
        superseded = self.count("superseded")
        self.row(self.crm.put(f"{path}/crm", {}), 201, **first)
        self.row(self.operator.put(f"{path}/crm", {"quantity": None}), 200, **first)
        self.assertEqual(superseded, self.count("superseded"))
        # The same day: replaced.
        first |= {"quantity": 3, "price_list": "partner", **by("operator")}
        self.row(self.operator.put(f"{path}/crm", {"quantity": 3, "price_list": "partner"}), 200, **first)
        # Later: the running one ends there.
        second = base | {"started_on": "2026-11-10", "quantity": 0}
        self.row(self.crm.put(f"{path}/crm", {"started_on": "2026-11-10", "quantity": 0}), 201, **second)
        first |= {"ended_on": "2026-11-10", **by("crm")}
        other = base | {"service_id": "sms", "started_on": "2026-11-05", "ended_on": "2026-11-07", "price_list": "bulk"}
        self.row(self.crm.put(f"{path}/sms", {"started_on": "2026-11-05", "ended_on": "2026-11-07",
                                              "price_list": "bulk"}),
                 201, **other)
        self.assertEqual([first, second, other], self.crm.get(path).expect(200).json)
        for day, running in ((TODAY, [first]), ("2026-11-05", [first, other]), ("2026-11-06", [first, other]),
                             ("2026-11-07", [first]), ("2026-11-10", [second]), ("2026-11-01", [])):
            with self.subTest(day=day):
                self.assertEqual(running, self.crm.get(path, query={"day": day}).expect(200).json)
                answer = self.crm.get(f"{path}/crm", query={"day": day})
                crm = [each for each in running if each["service_id"] == "crm"]
                if crm:
                    self.row(answer, 200, **crm[0])
                else:
                    self.refused(answer, 404, "not_found")
        self.row(self.crm.get(f"{path}/crm"), 200, **first)

    def test_periods_do_not_overlap(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/subscriptions/crm"
        later = self.crm.put(path, {"started_on": "2026-11-10"}).expect(201).json
        self.refused(self.crm.put(path, {"started_on": "2026-11-05"}), 409, "conflict", "2026-11-10")
        self.crm.put(path, {"started_on": "2026-11-05", "ended_on": "2026-11-10"}).expect(201)
        # Refused as a whole: the running one goes on.
        self.refused(self.crm.put(path, {"started_on": "2026-11-07"}), 409, "conflict", "2026-11-10")
        self.assertEqual([("2026-11-05", "2026-11-10"), ("2026-11-10", None)],
                         [(each["started_on"], each["ended_on"]) for each in
                          self.crm.get(f"/v1/accounts/{account_id}/subscriptions").json])
        self.row(self.crm.get(f"{path}?day=2026-11-10"), 200, **later)

    def test_ended(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/subscriptions/crm"
        expected = self.crm.put(path, {"started_on": OPENING}).expect(201).json
        for query, body, ended_on in (({"ended_on": "2026-11-20"}, None, "2026-11-20"),
                                      (None, {"ended_on": "2026-11-10"}, "2026-11-10"),
                                      (None, None, TODAY)):
            with self.subTest(ended_on=ended_on):
                expected |= {"ended_on": ended_on, **by("operator")}
                self.row(self.operator.delete(path, body, query=query), 200, **expected)
                self.assertEqual([expected], self.crm.get(f"/v1/accounts/{account_id}/subscriptions").json)
        self.refused(self.crm.delete(path), 404, "not_found")
        self.row(self.crm.get(f"{path}?day={OPENING}"), 200, **expected)
        self.refused(self.crm.get(path), 404, "not_found")
        self.named(self.crm.delete(f"{path}?ended_on=2026-11-20", {"ended_on": "2026-11-10"}), ["ended_on"])


class Usage(RoutesCase):
    def event(self, usage_id, account_id, quantity=1, **more):
        return {"usage_id": usage_id, "account_id": account_id, "service_id": "sms", "quantity": quantity, **more}

    def test_recorded_and_repeated(self):
        account_id = self.customer()
        events = [self.event("use-1", account_id, 3),
                  self.event("use-2", account_id, 10**9 - 10, occurred_at="2026-11-01T23:59:59+03:00")]
        rows = [events[0] | {"occurred_at": NOW, "charged_on": TODAY, **by("crm")},
                events[1] | {"occurred_at": "2026-11-01T20:59:59Z", "charged_on": OPENING, **by("crm")}]

        def answered(*statuses):
            return [row | {"status": status} for row, status in zip(rows, statuses)]

        self.assertEqual(answered("recorded", "recorded"),
                         self.crm.post("/v1/usage", {"events": events}).expect(201).json)
        self.assertEqual(answered("repeated", "repeated"),
                         self.operator.post("/v1/usage", {"events": events}).expect(200).json)
        events.append(self.event("use-3", account_id, 4))
        rows.append(events[2] | {"occurred_at": NOW, "charged_on": TODAY, **by("crm")})
        self.assertEqual(answered("repeated", "repeated", "recorded"),
                         self.crm.post("/v1/usage", {"events": events}).expect(201).json)
        listed = [rows[1], rows[0], rows[2]]
        path = f"/v1/accounts/{account_id}/usage"
        for query, expected in ((None, listed), ({"from": TODAY}, listed[1:]), ({"to": OPENING}, listed[:1]),
                                ({"service_id": "sms", "from": OPENING, "to": TODAY}, listed),
                                ({"service_id": "crm"}, [])):
            with self.subTest(query=query):
                self.assertEqual(expected, self.crm.get(path, query=query).expect(200).json)

    def test_all_or_nothing(self):
        account_id = self.customer()
        good = self.event("all-1", account_id)
        for bad, status, code in ((self.event("all-2", 4711), 404, "not_found"),
                                  (self.event("all-2", account_id, 0), 422, "out_of_range"),
                                  (self.event("all-1", account_id, 2), 409, "conflict"),
                                  (self.event("all-2", account_id) | {"service_id": "crm"}, 422, "invalid"),
                                  (self.event("all-2", account_id, occurred_at="2026-11-02T09:05:01Z"), 422,
                                   "out_of_range"),
                                  # With the first one too much for a day.
                                  (self.event("all-2", account_id, 10**9), 422, "out_of_range")):
            with self.subTest(bad=bad):
                self.refused(self.crm.post("/v1/usage", {"events": [good, bad]}), status, code)
                self.assertEqual([], self.crm.get(f"/v1/accounts/{account_id}/usage").json)
        # Twice in one batch counts once.
        answer = self.crm.post("/v1/usage", {"events": [good, good]}).expect(201)
        self.assertEqual(["recorded", "repeated"], [each["status"] for each in answer.json])
        self.assertEqual(1, len(self.crm.get(f"/v1/accounts/{account_id}/usage").json))
        self.assertEqual([], self.crm.post("/v1/usage", {"events": []}).expect(200).json)


class Money(RoutesCase):
    def test_a_payment_with_what_is_left_out_and_one_with_everything(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/payments"
        first = self.cashier.post(path, {"amount": 1, "method": "sbp"})
        base = {"account_id": account_id, "day": TODAY, **by("cashier")}
        rows = [base | {"payment_id": first.json["payment_id"], "amount": 1, "method": "sbp", "external_id": None,
                        "received_at": NOW,
                        "credited_at": NOW, "payer": None, "purpose": None}]
        self.row(first, 201, **rows[0])
        # Without an external_id it is another one.
        second = self.cashier.post(path, {"amount": 1, "method": "sbp"})
        rows.append(rows[0] | {"payment_id": second.json["payment_id"]})
        self.row(second, 201, **rows[1])
        self.assertGreater(rows[1]["payment_id"], rows[0]["payment_id"])
        body = {"amount": 10**15, "method": "bank_transfer", "external_id": "40702-118",
                "received_at": "2020-02-29T23:59:59.999-11:30",
                "credited_at": "2026-11-01T23:59:59+03:00", "payer": "ООО «Ромашка»", "purpose": "Оплата по счёту № 7"}
        third = self.cashier.post(path, body)
        rows.insert(0, base | body | {"payment_id": third.json["payment_id"], "received_at": "2020-03-01T11:29:59Z",
                                      "credited_at": "2026-11-01T20:59:59Z", "day": OPENING})
        self.row(third, 201, **rows[0])
        for query, expected in ((None, rows), ({"from": TODAY}, rows[1:]), ({"to": OPENING}, rows[:1]),
                                ({"from": "2026-11-03"}, [])):
            with self.subTest(query=query):
                self.assertEqual(expected, self.cashier.get(path, query=query).expect(200).json)
        other = self.company()
        twin = self.cashier.post(f"/v1/accounts/{other}/payments",
                                 {"amount": 7, "method": "qiwi", "external_id": "40702-118"}).expect(201).json
        for query, expected in (({"external_id": "40702-118"}, [rows[0], twin]),
                                ({"external_id": "40702-118", "method": "qiwi"}, [twin]),
                                ({"external_id": "40702-118", "to": OPENING}, rows[:1]), ({"method": "qiwi"}, [twin]),
                                ({"external_id": "40702"}, []), ({"method": "cowries"}, [])):
            with self.subTest(query=query):
                self.assertEqual(expected, self.cashier.get("/v1/payments", query=query).expect(200).json)

    def test_adjustments(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/adjustments"
        payment_id = self.cashier.post(f"/v1/accounts/{account_id}/payments",
                                       {"amount": 10**15, "method": "sbp"}).expect(201).json["payment_id"]
        first = self.cashier.post(path, {"amount": -5, "kind": "fee"})
        nothing = dict.fromkeys(("external_id", "reason", "payment_id", "service_id", "for_day"))
        base = {"account_id": account_id, "effective_at": NOW, "day": TODAY, **nothing, **by("cashier")}
        rows = [base | {"adjustment_id": first.json["adjustment_id"], "amount": -5, "kind": "fee"}]
        self.row(first, 201, **rows[0])
        body = {"amount": -10**15, "kind": "refund", "effective_at": "2026-11-02T00:00:00+03:00",
                "external_id": "adj-1",
                "reason": "Возврат", "payment_id": payment_id, "service_id": "sms", "for_day": "2026-10-19"}
        second = self.cashier.post(path, body)
        rows.insert(0, base | body | {"adjustment_id": second.json["adjustment_id"],
                                      "effective_at": "2026-11-01T21:00:00Z"})
        self.row(second, 201, **rows[0])
        # A debt moved in is dated before the opening.
        third = self.cashier.post(path, {"amount": -100, "kind": "opening_balance",
                                         "effective_at": "2026-09-01T00:00:00Z"}).expect(201).json
        self.assertEqual("2026-09-01", third["day"])
        self.assertEqual([third, *rows], self.cashier.get(path).expect(200).json)
        self.assertEqual([third], self.cashier.get(path, query={"to": "2026-10-31"}).expect(200).json)
        self.assertEqual(rows, self.cashier.get(path, query={"from": OPENING, "to": TODAY}).expect(200).json)
        self.refused(self.cashier.post(path, {"amount": -1, "kind": "fee", "effective_at": "2026-10-31T00:00:00Z"}),
                     409, "day_closed")

    def test_methods_and_kinds(self):
        methods = self.cashier.get("/v1/payment-methods").expect(200).json
        self.assertEqual({"bank_card", "e_money", "qiwi", "svyaznoy", "euroset", "bank_transfer", "sbp"},
                         {each["method"] for each in methods})
        kinds = self.cashier.get("/v1/adjustment-kinds").expect(200).json
        self.assertEqual({"refund": -1, "chargeback": -1, "fee": -1, "bonus": 1, "write_off": 1, "correction": 0,
                          "transfer": 0,
                          "opening_balance": 0}, {each["kind"]: each["sign"] for each in kinds})

    def test_a_promised_payment(self):
        account_id = self.customer()
        path = f"/v1/accounts/{account_id}/promised-payments"
        self.refused(self.crm.post(path, {"days": 1}), 409, "promise_refused", "owes nothing")
        self.cashier.post(f"/v1/accounts/{account_id}/adjustments", {"amount": -1, "kind": "fee"}).expect(201)
        for days in (0, 4, -1):
            self.refused(self.crm.post(path, {"days": days}), 422, "out_of_range", days)
        answer = self.crm.post(path, {"days": 3})
        expected = {"promise_id": answer.json["promise_id"], "account_id": account_id, "granted_at": NOW, "days": 3,
                    "expires_at": "2026-11-05T09:00:00Z", **by("crm")}
        self.row(answer, 201, **expected)
        self.refused(self.crm.post(path, {"days": 1}), 409, "promise_refused")
        self.assertEqual([expected], self.crm.get(path).expect(200).json)

    def test_charges_ledger_and_statement(self):
        """A day posted, the open one computed, and one projected."""
        server = self.fresh()
        crm, operator = self.client(server, "crm"), self.client(server, "operator")
        account_id = self.company(operator)
        account = f"/v1/accounts/{account_id}"
        operator.post(f"{account}/activate", {"valid_from": TODAY}).expect(201)
        for day, employees in ((TODAY, 5), ("2026-11-03", 8)):
            operator.put(f"{account}/headcount", {"day": day, "employees": employees}).expect(201)
        operator.put(f"{account}/subscriptions/crm", {}).expect(201)
        operator.post("/v1/usage", {"events": [{"usage_id": "c-1", "account_id": account_id, "service_id": "sms",
                                                "quantity": 40}]}).expect(201)
        payment = operator.post(f"{account}/payments",
                                {"amount": 50000, "method": "sbp", "external_id": "pay"}).expect(201).json
        operator.post(f"{account}/adjustments", {"amount": 99, "kind": "bonus"}).expect(201)
        base = {"account_id": account_id, "price_list": "standard", "valid_from": OPENING}
        rows = [base | {"day": day, "service_id": "crm", "quantity": quantity, "min_quantity": tier["min_quantity"],
                        "monthly_fee": tier["monthly_fee"], "unit_fee": 0,
                        "amount": daily_fee(tier["monthly_fee"], day)}
                for day, quantity, tier in ((TODAY, 5, CRM_TIERS[0]), ("2026-11-03", 8, CRM_TIERS[1]),
                                            ("2026-11-04", 8, CRM_TIERS[1]))]
        rows.insert(1, base | {"day": TODAY, "service_id": "sms", "quantity": 40, "min_quantity": 1, "monthly_fee": 0,
                               "unit_fee": SMS_UNIT_FEE, "amount": 40 * SMS_UNIT_FEE})
        for query, expected in (({"to": TODAY}, rows[:2]), ({"to": "2026-11-04"}, rows),
                                ({"from": "2026-11-03", "to": "2026-11-04"}, rows[2:]),
                                ({"service_id": "sms", "to": "2026-11-30"}, rows[1:2]), ({"service_id": "fax"}, []),
                                ({"from": "2026-11-04", "to": "2026-11-03"}, []),
                                (None, [])):  # the open day: the Sunday before
            with self.subTest(query=query):
                self.assertEqual(expected, crm.get(f"{account}/charges", query=query).expect(200).json)
        for day in (OPENING, TODAY):
            operator.post(f"/v1/days/{day}/close", now=noon("2026-11-03")).expect(201)
        self.assertEqual(rows[:3], crm.get(f"{account}/charges").expect(200).json)  # the open day: Tuesday
        nothing = {"service_id": None, "method": None, "reference": None}
        ledger = [nothing | {"account_id": account_id, "day": TODAY, "effective_at": at, "kind": kind, "amount": amount,
                             **more}
                  for at, kind, amount, more in (
                      (NOW, "bonus", 99, {"reference": "1"}),
                      (payment["credited_at"], "payment", 50000, {"method": "sbp", "reference": "pay"}),
                      (day_end(TODAY), "charge", -rows[0]["amount"], {"service_id": "crm"}),
                      (day_end(TODAY), "charge", -rows[1]["amount"], {"service_id": "sms"}))]
        self.assertEqual(ledger, crm.get(f"{account}/ledger").expect(200).json)
        self.assertEqual(ledger, crm.get(f"{account}/ledger", query={"from": TODAY, "to": TODAY}).expect(200).json)
        self.assertEqual([], crm.get(f"{account}/ledger", query={"to": OPENING}).expect(200).json)
        charged = rows[0]["amount"] + rows[1]["amount"]
        self.row(crm.get(f"{account}/statements/2026-11"), 200, account_id=account_id, month="2026-11",
                 opening_balance=0, paid=50000,
                 adjusted=99, charged=charged, closing_balance=50099 - charged)
        self.refused(crm.get(f"{account}/statements/2026-12"), 404, "not_found")


class Catalogue(RoutesCase):
    def test_services(self):
        expected = {"service_id": "fax", "name": "Факс", "kind": "usage", "unit": None, **by("operator")}
        self.row(self.operator.put("/v1/services/fax", {"name": "Факс", "kind": "usage"}), 201, **expected)
        self.row(self.admin.put("/v1/services/fax", {"name": "Факс", "kind": "usage"}), 200, **expected)
        expected |= {"kind": "recurring", "unit": "page", **by("admin")}
        self.row(self.admin.put("/v1/services/fax", {"name": "Факс", "kind": "recurring", "unit": "page"}), 200,
                 **expected)
        self.row(self.operator.get("/v1/services/fax"), 200, **expected)
        services = self.operator.get("/v1/services").expect(200).json
        self.assertIn(expected, services)
        self.assertEqual(sorted(each["service_id"] for each in services), [each["service_id"] for each in services])
        self.assertLessEqual({"crm", "sms", "fax"}, {each["service_id"] for each in services})
        self.refused(self.operator.put("/v1/services/crm", {"name": "CRM", "kind": "usage"}), 409, "conflict", "crm")

    def test_a_version_of_a_price_is_replaced_as_a_whole(self):
        body = {"price_list": "whole", "service_id": "crm", "valid_from": "2026-12-01"}

        def rows(*tiers, who="operator"):
            return [body | {"min_quantity": at, "monthly_fee": monthly, "unit_fee": unit, **by(who)} for at, monthly,
                    unit in tiers]

        answer = self.operator.post("/v1/tariffs", body | {"tiers": [
            {"min_quantity": 6, "monthly_fee": 10**12}, {"min_quantity": 0, "unit_fee": 10**6}, {"min_quantity": 1}]})
        expected = rows((0, 0, 10**6), (1, 0, 0), (6, 10**12, 0))
        self.assertEqual((201, expected), (answer.status, answer.json))
        self.assertEqual(expected, self.operator.get("/v1/tariffs?price_list=whole").expect(200).json)
        # Sent again: what is the same stays as recorded, what is not sent goes.
        answer = self.admin.post("/v1/tariffs",
                                 body | {"tiers": [{"min_quantity": 1}, {"min_quantity": 6, "monthly_fee": 5}]})
        expected = rows((1, 0, 0)) + rows((6, 5, 0), who="admin")
        self.assertEqual((200, expected), (answer.status, answer.json))
        later = body | {"valid_from": "2027-01-01"}
        second = self.operator.post("/v1/tariffs",
                                    later | {"tiers": [{"min_quantity": 1, "monthly_fee": 7}]}).expect(201).json
        for query, found in (({}, expected + second), ({"day": "2026-12-31"}, expected),
                             ({"day": "2027-01-01"}, second),
                             ({"day": "2026-11-30"}, []), ({"service_id": "sms"}, [])):
            with self.subTest(query=query):
                self.assertEqual(found, self.operator.get("/v1/tariffs",
                                                          query=query | {"price_list": "whole"}).expect(200).json)
        self.refused(self.operator.post("/v1/tariffs",
                                        body | {"valid_from": "2026-10-31", "tiers": [{"min_quantity": 1}]}),
                     409, "day_closed", OPENING)
        # The list is `standard` when left out.
        standard = self.operator.get("/v1/tariffs",
                                     query={"service_id": "sms", "price_list": "standard"}).expect(200).json
        self.assertEqual([(OPENING, 1, 0, SMS_UNIT_FEE)],
                         [(each["valid_from"], each["min_quantity"], each["monthly_fee"],
                          each["unit_fee"]) for each in standard])

    def test_policy(self):
        server = self.fresh()
        operator = self.client(server, "operator")
        first = {"valid_from": OPENING, "rules": 1, "time_zone": "Europe/Moscow", "currency": "RUB",
                 "working_week": "12345",
                 "restricted_days_charged": None, "grace_working_days": 0, "promised_payment_max_days": 3,
                 "low_balance_warning_days": 3, "language": "ru", "reminder_days": 7, "reminders": 3, "pay_url": None,
                 "document_kind": "act", "recorded_at": None, "recorded_by": None}
        self.row(operator.get("/v1/policy"), 200, **first)
        second = first | {"valid_from": "2026-12-01", "restricted_days_charged": 30, "grace_working_days": 2,
                          "document_kind": "upd", **by("operator")}
        body = {"valid_from": "2026-12-01", "restricted_days_charged": 30, "grace_working_days": 2,
                "document_kind": "upd"}
        self.row(operator.put("/v1/policy", body), 201, **second)
        self.row(operator.put("/v1/policy", {"valid_from": "2026-12-01"}), 200, **second)
        # Left out stays as in force then, null clears.
        third = second | {"valid_from": "2026-12-15", "restricted_days_charged": None, "working_week": "54321"}
        self.row(operator.put("/v1/policy", {"valid_from": "2026-12-15", "restricted_days_charged": None,
                                             "working_week": "54321"}),
                 201, **third)
        for day, expected in (("2026-11-30", first), ("2026-12-01", second), ("2026-12-14", second),
                              ("2026-12-15", third)):
            self.row(operator.get(f"/v1/policy?day={day}"), 200, **expected)
        self.assertEqual([first, second, third], operator.get("/v1/policies").expect(200).json)
        self.refused(operator.put("/v1/policy", {"valid_from": "2026-10-31"}), 409, "day_closed", OPENING)
        operator.post(f"/v1/days/{OPENING}/close").expect(201)
        self.refused(operator.put("/v1/policy", {"valid_from": "2026-12-01", "currency": "EUR"}), 409, "conflict",
                     "currency")

    def test_calendar(self):
        self.row(self.operator.get("/v1/calendar/2026-11-04"), 200, day="2026-11-04", working=0,
                 name="День народного единства",
                 recorded_at=None, recorded_by=None)
        path = "/v1/calendar/2026-11-14"
        expected = {"day": "2026-11-14", "working": 1, "name": "Рабочая суббота", **by("operator")}
        self.row(self.operator.put(path, {"working": 1, "name": "Рабочая суббота"}), 201, **expected)
        self.row(self.admin.put(path, {"working": 1, "name": "Рабочая суббота"}), 200, **expected)
        days = self.operator.get("/v1/calendar", query={"from": "2026-11-13", "to": "2026-11-15"}).expect(200).json
        self.assertEqual([("2026-11-13", 1, None), ("2026-11-14", 1, "Рабочая суббота"), ("2026-11-15", 0, None)],
                         [(each["day"], each["working"], each["name"]) for each in days])
        expected |= {"working": 0, "name": None, **by("admin")}
        self.row(self.admin.put(path, {"working": 0}), 200, **expected)
        self.row(self.operator.get(path), 200, **expected)
        answer = self.operator.delete(path).expect(204)
        self.assertEqual((b"", None), (answer.body, answer.headers.get("Content-Type")))
        self.refused(self.operator.get(path), 404, "not_found")
        self.refused(self.operator.delete(path), 404, "not_found")
        for method, body in (("PUT", {"working": 1}), ("DELETE", None)):
            # The calendar before the opening counts as closed, 2026-10-31 having been nothing special.
            self.assertIn(self.operator.request(method, "/v1/calendar/2026-10-31", body).code,
                          {"PUT": ["day_closed"], "DELETE": ["not_found"]}[method])
        whole_year = self.operator.pages("/v1/calendar", query={"limit": 100})
        self.assertEqual([TODAY, "2027-11-02"], [whole_year[0][0]["day"], whole_year[-1][-1]["day"]])
        self.assertEqual(366, sum(map(len, whole_year)))


class Values(RoutesCase):
    def test_integers_of_64_bits_are_exact(self):
        crm = self.client(self.fresh(), "crm")
        for account_id in (2**53 - 1, 2**53):
            self.row(crm.post("/v1/accounts", {"account_id": account_id, "name": "x"}), 201,
                     **{"account_id": account_id, "name": "x", "registered_on": TODAY, **Accounts.NULLS,
                        **DOCUMENT_FIELDS, **by("crm")})
            self.assertEqual(account_id, crm.get(f"/v1/accounts/{account_id}").expect(200).json["account_id"])
        self.assertEqual([2**53], [each["account_id"] for each in crm.get(f"/v1/accounts?after={2**53 - 1}").json])
        self.assertEqual([], crm.get(f"/v1/accounts?after={2**63 - 1}").expect(200).json)
        self.assertEqual([[2**63 - 1, -2**63, 2**53 + 1]],
                         self.sql("SELECT 9223372036854775807, ?, ?", -2**63, 2**53 + 1))
        answer = self.analyst.post("/v1/sql", {"sql": "SELECT ?1 AS n", "params": [2**63 - 1]},
                                   accept="text/csv").expect(200)
        self.assertEqual([{"n": str(2**63 - 1)}], answer.csv)

    def test_texts_come_back_as_they_were_sent(self):
        for index, text in enumerate(("Ёлка-Їжак-ß-日本語", "😀 вне BMP", "quote \" backslash \\ slash /",
                                      "tab\tline\r\nfeed\x01\x1f\x7f",
                                      "<script>&amp;</script>", " ", "\u2028\ufeff", "e\u0301 ≠ é")):
            with self.subTest(text=text):
                account_id = self.company(name=text, external_id=f"{text}{index}")
                answer = self.crm.get(f"/v1/accounts/{account_id}").expect(200)
                self.assertEqual((text, f"{text}{index}"), (answer.json["name"], answer.json["external_id"]))
                found = self.crm.get("/v1/accounts", query={"external_id": f"{text}{index}"}).expect(200).json
                self.assertEqual([account_id], [each["account_id"] for each in found])
                escaped = json.dumps({"name": text}, ensure_ascii=True).encode()
                self.assertEqual(text, self.crm.patch(f"/v1/accounts/{account_id}", escaped).expect(200).json["name"])
        self.assertIn("Ёлка".encode(), self.crm.get("/v1/accounts", query={"name": "Ёлка-"}).body)

    def test_instants_of_any_form(self):
        account_id = self.company()
        path = f"/v1/accounts/{account_id}/payments"
        for sent, stands in (("2026-11-02T09:00:00Z", NOW), ("2026-11-02T12:00:00+03:00", NOW),
                             ("2026-11-01T21:30:00-11:30", NOW),
                             ("2026-11-02t08:59:59.999999999z", "2026-11-02T08:59:59Z"),
                             ("2026-11-02T08:59:59.5+00:00", "2026-11-02T08:59:59Z"),
                             ("2026-11-02T08:59:59-00:00", "2026-11-02T08:59:59Z"),
                             ("2024-02-29T23:59:59+14:00", "2024-02-29T09:59:59Z")):
            with self.subTest(sent=sent):
                body = {"amount": 1, "method": "sbp", "received_at": sent}
                self.assertEqual(stands, self.cashier.post(path, body).expect(201).json["received_at"])
                # A + that is not encoded is a blank in a query; encoded it is a plus.
                self.assertEqual([], self.crm.get("/v1/access", query={"at": sent, "state": "closed"}).expect(200).json)

    def test_none_lies_more_than_5_minutes_after_the_request(self):
        account_id = self.customer()
        account = f"/v1/accounts/{account_id}"
        payments = self.count("payment")
        for path, name, body in ((f"{account}/payments", "received_at", {"amount": 1, "method": "sbp"}),
                                 (f"{account}/payments", "credited_at", {"amount": 1, "method": "sbp"}),
                                 (f"{account}/adjustments", "effective_at", {"amount": 1, "kind": "bonus"}),
                                 (f"{account}/promised-payments", "granted_at", {"days": 1}),
                                 (f"/v1/days/{OPENING}/close", "closed_at", {})):
            for at in ("2026-11-02T09:05:01Z", "2026-11-02T12:05:01+03:00", "9999-12-31T23:59:59Z"):
                with self.subTest(path=path, name=name, at=at):
                    self.named(self.admin.post(path, body | {name: at}), [name], code="out_of_range")
        event = {"usage_id": "later", "account_id": account_id, "service_id": "sms", "quantity": 1}
        self.named(self.crm.post("/v1/usage", {"events": [event | {"occurred_at": NOW},
                                                          event | {"occurred_at": "2026-11-02T09:05:01Z"}]}),
                   ["events[1].occurred_at"], code="out_of_range")
        self.assertEqual((payments, 0), (self.count("payment"), self.count("day_close")))

    def test_up_to_5_minutes_after_the_request_is_the_request(self):
        path = f"/v1/accounts/{self.company()}/payments"
        for at in ("2026-11-02T09:00:01Z", "2026-11-02T12:05:00+03:00"):
            row = self.cashier.post(path,
                                    {"amount": 1, "method": "sbp", "received_at": at,
                                     "credited_at": at}).expect(201).json
            self.assertEqual((NOW, NOW), (row["received_at"], row["credited_at"]))
        # In a query an instant may lie ahead.
        self.crm.get("/v1/access?at=2027-01-01T00:00:00Z").expect(200)

    def test_accept(self):
        """By RFC 9110: weights, the closest range, and the route's first format among equals."""
        json_, csv_ = "application/json", "text/csv; charset=utf-8"
        for accept, expected in (
                ("*/*", json_), ("application/json", json_), ("application/*", json_), ("text/csv", csv_), ("TEXT/CSV",
                                                                                                            csv_),
                ("text/*", csv_), ("text/html, */*;q=0.1", json_), ("text/csv;q=0.5, application/json;q=0.4", csv_),
                ("text/csv;q=0.4, application/json;q=0.5", json_), ("text/csv, application/json", json_),
                ("application/json;q=0, */*", csv_), ("*/*;q=0.5, text/csv;q=0.4",
                                                      json_), ("text/*;q=0.9, text/csv;q=0.1, */*;q=0.2", json_),
                ("text/csv; charset=utf-8", csv_), ('text/csv;charset="UTF-8";q=1.000',
                                                    csv_), ("text/csv;header=present, */*;q=0.1", json_),
                ("text/csvx, application/json;q=0.1", json_), ("application/json;q=0.001, text/csv;q=0",
                                                               json_), (" , text/csv ,", csv_)):
            with self.subTest(accept=accept):
                self.assertEqual(expected,
                                 self.crm.get("/v1/accounts", accept=accept).expect(200).headers["Content-Type"])
        for accept in ("text/html", "image/*", "text/csv;q=0, application/json;q=0", "*/*;q=0", "xtext/csv",
                       "text/csvx", "application/json;q=2",
                       "text/csv; charset=windows-1251"):
            with self.subTest(accept=accept):
                self.refused(self.crm.get("/v1/accounts", accept=accept), 406, "not_acceptable", "application/json")
        self.refused(self.nobody.get("/healthz", accept="text/csv"), 406, "not_acceptable")
        self.refused(self.analyst.post("/v1/sql", {"sql": "SELECT 1"}, accept="text/html"), 406, "not_acceptable")
        # A write whose answer would not be acceptable is not done; a route without an answer ignores Accept.
        before = self.count("account")
        self.refused(self.crm.post("/v1/accounts", {"name": "a"}, accept="text/html"), 406, "not_acceptable")
        self.assertEqual(before, self.count("account"))
        self.operator.put("/v1/calendar/2026-11-06", {"working": 0}).expect(201)
        self.operator.delete("/v1/calendar/2026-11-06", accept="text/html").expect(204)

    def test_content_type(self):
        path = f"/v1/accounts/{self.company()}/headcount"
        body = b'{"employees": 1}'
        for media_type in ("application/json", "Application/JSON", "application/json; charset=utf-8",
                           'application/json;charset="UTF-8"'):
            with self.subTest(media_type):
                self.crm.put(path, body, headers={"Content-Type": media_type}).expect(200, 201)
        for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                           "application/json; charset=windows-1251",
                           "application/xml", "json", "*/*"):
            with self.subTest(media_type):
                self.refused(self.crm.put(path, body, headers={"Content-Type": media_type}), 415,
                             "unsupported_media_type", "application/json")
        for headers in ({"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Encoding": "gzip"}):
            with self.subTest(headers):
                self.refused(self.crm.put(path, body, headers=headers), 415, "unsupported_media_type")
                self.crm.close()
        # Without a body its type says nothing.
        self.crm.post(path.replace("headcount", "activate"), headers={"Content-Type": "text/plain"}).expect(201)

    def test_csv(self):
        server = self.fresh()
        crm, admin = self.client(server, "crm"), self.client(server, "admin")
        names = ("plain", "comma, semicolon; tab\t", "quote \"", "line\nfeed", "carriage\rreturn", "Ёлка", " blanks ",
                 "=1+1", "+7 495", "-5", "@a", "\ttab", "\rreturn", "=\"a\",b", "5-5")
        for name in names:
            self.company(crm, name=name)
        answer = crm.get("/v1/accounts", accept="text/csv").expect(200)
        self.assertEqual("text/csv; charset=utf-8", answer.headers["Content-Type"].lower())
        # No spreadsheet takes a text for a formula.
        self.assertEqual([f"'{name}" if name[0] in "=+-@\t\r" else name for name in names],
                         [each["name"] for each in answer.csv])
        self.assertEqual(list(names), [each["name"] for each in crm.get("/v1/accounts").json])
        self.assertEqual({key: "" if value is None else str(value) for key,
                          value in crm.get("/v1/accounts/2").json.items()}, answer.csv[1])
        # RFC 4180: lines end in CR LF, quotes are doubled, and null is an empty field.
        header = ("account_id,external_id,name,admin_email,registered_on,trial_ends_on,customer_since,"
                  "legal_name,tax_id,postal_address,kpp,contract,signatory,documents,document_delivery,recorded_at,"
                  "recorded_by\r\n")
        self.assertTrue(answer.text.startswith(header), answer)
        self.assertEqual(f'{header}3,,"quote """,,{TODAY},,,,,,,,,bank,post,{NOW},crm\r\n',
                         crm.get("/v1/accounts/3", accept="text/csv").expect(200).text)
        self.assertEqual(header, crm.get("/v1/accounts?name=nobody", accept="text/csv").expect(200).text)
        # Written as well, page by page, and a refusal stays what it is.
        answer = crm.put("/v1/accounts/1/headcount", {"employees": 5}, accept="text/csv").expect(201)
        self.assertEqual([{"account_id": "1", "day": TODAY, "employees": "5", **by("crm")}], answer.csv)
        found, target_ = [], "/v1/accounts?limit=3"
        while target_:
            answer = crm.get(target_, accept="text/csv").expect(200)
            found += [each["account_id"] for each in answer.csv]
            target_ = answer.next
        self.assertEqual([str(each + 1) for each in range(len(names))], found)
        self.refused(crm.get("/v1/accounts/4711", accept="text/csv"), 404, "not_found")
        admin.delete("/v1/calendar/2026-11-04", accept="text/csv").expect(204)


# The days of the history below: a Sunday, a Monday and, in the next month, a Tuesday; Wednesday is open.
CLOSED = ("2026-11-29", "2026-11-30", "2026-12-01")
OPEN_DAY = "2026-12-02"


class HistoryCase(RoutesCase):
    """Three closed days: 1 pays, 2 does not and promises to, 3 is a trial; the service `pbx` has no price."""

    opening = CLOSED[0]
    now = noon(OPEN_DAY)
    payer, debtor, trial = 1, 2, 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.operator

        def write(method, path, body, day, status=201):
            return client.request(method, path, body, now=noon(day)).expect(status).json

        sunday, monday, tuesday = CLOSED
        write("PUT", "/v1/services/pbx", {"name": "АТС", "kind": "recurring"}, sunday)
        for name, employees in (("Ромашка", 5), ("Должник", 8), ("Проба", 1)):
            account_id = write("POST", "/v1/accounts", {"name": name}, sunday)["account_id"]
            write("PUT", f"/v1/accounts/{account_id}/headcount", {"employees": employees}, sunday)
            if account_id != cls.trial:
                write("PUT", f"/v1/accounts/{account_id}/subscriptions/crm", {}, sunday)
                write("POST", f"/v1/accounts/{account_id}/activate", {}, sunday)
        payer, debtor = f"/v1/accounts/{cls.payer}", f"/v1/accounts/{cls.debtor}"
        write("PUT", f"{payer}/subscriptions/pbx", {"quantity": 2}, sunday)
        # Two in one second, to be told apart by their numbers.
        for external_id in ("p-1", None):
            write("POST", f"{payer}/payments", {"amount": 50000, "method": "bank_card", "external_id": external_id},
                  sunday)
        cls.use(sunday, ("s-1", 4), ("s-2", 6))
        write("POST", f"/v1/days/{sunday}/close", {}, monday)
        write("POST", f"{payer}/payments", {"amount": 5000, "method": "sbp"}, monday)
        for amount in (-100, -200):
            write("POST", f"{debtor}/adjustments", {"amount": amount, "kind": "fee"}, monday)
        write("POST", f"{debtor}/promised-payments", {"days": 1}, monday)
        write("POST", f"/v1/days/{monday}/close", {}, tuesday)
        write("PUT", f"{payer}/headcount", {"employees": 8}, tuesday)
        write("POST", f"{payer}/adjustments", {"amount": 700, "kind": "bonus", "external_id": "a-1"}, tuesday)
        cls.use(tuesday, ("s-3", 40))
        write("POST", f"/v1/days/{tuesday}/close", {}, OPEN_DAY)
        # What each of the days cost: 1 for the CRM and for messages, 2 for the CRM.
        small, great = (tier["monthly_fee"] for tier in CRM_TIERS)
        cls.crm_of_payer = dict(zip(CLOSED, (daily_fee(small, sunday), daily_fee(small, monday),
                                             daily_fee(great, tuesday))))
        cls.sms_of_payer = {sunday: 10 * SMS_UNIT_FEE, monday: 0, tuesday: 40 * SMS_UNIT_FEE}
        cls.crm_of_debtor = {day: daily_fee(great, day) for day in CLOSED}

    @classmethod
    def use(cls, day, *events):
        cls.operator.post("/v1/usage", {"events": [
            {"usage_id": usage_id, "account_id": cls.payer, "service_id": "sms", "quantity": quantity}
            for usage_id, quantity in events]}, now=noon(day)).expect(201)

    def balances(self, days):
        """The balances of accounts 1 to 3 at the end of the last of these days, which begin with the first of all."""
        last = days[-1]
        paid = 100000 + 5000 * (last >= CLOSED[1]) + 700 * (last >= CLOSED[2])
        charged = sum(self.crm_of_payer[day] + self.sms_of_payer[day] for day in days)
        return [paid - charged, -300 * (last >= CLOSED[1]) - sum(self.crm_of_debtor[day] for day in days), 0]

    def report(self, view, **query):
        return self.analyst.get(f"/v1/reports/{view}", query=query).expect(200).json


class Reports(HistoryCase):
    def test_revenue(self):
        sunday, monday, tuesday = CLOSED
        days = [{"day": day, "accounts": 2, "charges": 2 + (self.sms_of_payer[day] > 0),
                 "amount": self.crm_of_payer[day] + self.sms_of_payer[day] + self.crm_of_debtor[day]} for day in CLOSED]
        self.assertEqual(days, self.report("revenue_by_day"))
        self.assertEqual(days[1:2], self.report("revenue_by_day", **{"from": monday, "to": monday}))

        def crm(*of):
            return sum(self.crm_of_payer[day] + self.crm_of_debtor[day] for day in of)

        months = [
            {"month": "2026-11", "service_id": "crm", "accounts": 2, "quantity": 26, "amount": crm(sunday, monday)},
            {"month": "2026-11", "service_id": "sms", "accounts": 1, "quantity": 10,
             "amount": self.sms_of_payer[sunday]},
            {"month": "2026-12", "service_id": "crm", "accounts": 2, "quantity": 16, "amount": crm(tuesday)},
            {"month": "2026-12", "service_id": "sms", "accounts": 1, "quantity": 40,
             "amount": self.sms_of_payer[tuesday]}]
        self.assertEqual(months, self.report("revenue_by_service"))
        for month, rows in (("2026-11", months[:2]), ("2026-12", months[2:]), ("2026-10", [])):
            self.assertEqual(rows, self.report("revenue_by_service", month=month))
        self.assertEqual([{"service_id": "crm", "price_list": "standard", "accounts": 2, "quantity": 16,
                           "amount": 2 * CRM_TIERS[1]["monthly_fee"]}], self.report("monthly_recurring_revenue"))

    def test_balances_statements_and_debtors(self):
        now = self.balances(CLOSED)
        self.assertEqual([{"account_id": index + 1, "balance": balance} for index, balance in enumerate(now)],
                         self.report("account_balance"))
        november = self.balances(CLOSED[:2])
        rows = []
        for account_id, paid, adjusted in ((self.payer, (105000, 0), (0, 700)), (self.debtor, (0, 0), (-300, 0)),
                                           (self.trial, (0, 0), (0, 0))):
            for index, (month, opening, closing) in enumerate((("2026-11", 0, november[account_id - 1]),
                                                               ("2026-12", november[account_id - 1],
                                                                now[account_id - 1]))):
                rows.append({"account_id": account_id, "month": month, "opening_balance": opening, "paid": paid[index],
                             "adjusted": adjusted[index], "charged": opening + paid[index] + adjusted[index] - closing,
                             "closing_balance": closing})
        self.assertEqual(rows, self.report("monthly_statement"))
        self.assertEqual(rows[1::2], self.report("monthly_statement", month="2026-12"))
        for row in rows:
            self.row(self.crm.get(f"/v1/accounts/{row['account_id']}/statements/{row['month']}"), 200, **row)
        # In arrears since Monday 00:00; the promise of Monday noon was for a day, and Tuesday is worked.
        self.assertEqual([{"account_id": self.debtor, "name": "Должник", "state": "restricted", "balance": now[1],
                           "arrears_since": day_end(CLOSED[0]), "restricted_from": noon(CLOSED[2])}],
                         self.report("debtor"))
        self.assertEqual([], self.report("debtor", at=noon(CLOSED[0])))
        self.assertEqual("promised", self.report("debtor", at="2026-11-30T13:00:00+03:00")[0]["state"])

    def test_ledger(self):
        base = {"service_id": None, "method": None, "reference": None}

        def charge(account_id, day, service_id, amount):
            return base | {"account_id": account_id, "day": day, "effective_at": day_end(day), "kind": "charge",
                           "service_id": service_id, "amount": -amount}

        sunday, monday, tuesday = CLOSED
        money = {(sunday, 1): [base | {"kind": "payment", "method": "bank_card", "amount": 50000,
                                       "reference": reference}
                               for reference in ("p-1", "2")],
                 (monday, 1): [base | {"kind": "payment", "method": "sbp", "amount": 5000, "reference": "3"}],
                 (monday, 2): [base | {"kind": "fee", "amount": amount, "reference": reference}
                               for amount, reference in ((-100, "1"), (-200, "2"))],
                 (tuesday, 1): [base | {"kind": "bonus", "amount": 700, "reference": "a-1"}]}
        expected = []
        for day in CLOSED:
            for account_id, crm in ((self.payer, self.crm_of_payer), (self.debtor, self.crm_of_debtor)):
                expected += [row | {"account_id": account_id, "day": day, "effective_at": noon(day)}
                             for row in money.get((day, account_id), ())]
                expected.append(charge(account_id, day, "crm", crm[day]))
                if account_id == self.payer and self.sms_of_payer[day]:
                    expected.append(charge(account_id, day, "sms", self.sms_of_payer[day]))
        self.assertEqual(expected, self.report("ledger"))
        self.assertEqual([each for each in expected if each["day"] == monday],
                         self.report("ledger", **{"from": monday, "to": monday}))

    def test_days_and_books(self):
        days = self.operator.get("/v1/days").expect(200).json
        self.assertEqual([{"day": day, "ends_at": day_end(day), "closed_at": noon(day_plus(day, 1)), "accounts": 2,
                           "charges": 2 + (self.sms_of_payer[day] > 0),
                           "charged": self.crm_of_payer[day] + self.sms_of_payer[day] + self.crm_of_debtor[day]}
                          for day in CLOSED],
                         [{name: value for name, value in each.items() if name != "digest"} for each in days])
        for each in days:
            self.assertRegex(each["digest"], "^[0-9a-f]{64}$")
        self.assertEqual(days[1:2], self.operator.get("/v1/days", query={"from": CLOSED[1], "to": CLOSED[1]}).json)
        self.assertEqual([{"opening_day": CLOSED[0], "last_closed_day": CLOSED[2], "closed_until": day_end(CLOSED[2]),
                           "open_day": OPEN_DAY}],
                         self.report("books"))

    def test_the_audits_of_sound_books(self):
        """Nothing is found but the service without a price, which is no fault of the books."""
        unpriced = [{"day": day, "account_id": self.payer, "service_id": "pbx", "quantity": 2}
                    for day in (*CLOSED, OPEN_DAY)]
        audits = [path.rpartition("/")[2] for _, path in sorted(ROLE_OF_ROUTE) if path.startswith("/v1/reports/audit_")]
        self.assertEqual({audit: 4 if audit == "audit_unpriced" else 0 for audit in audits},
                         {each["check_name"]: each["violations"] for each in self.report("audit")})
        for audit in audits:
            with self.subTest(audit=audit):
                self.assertEqual(unpriced if audit == "audit_unpriced" else [], self.report(audit))


class Tampered(HistoryCase):
    """The same after somebody has been at the file: every audit tells, and every list is paged to its end."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sunday, monday, tuesday = CLOSED
        # A second version of the policy, more headcounts and terms, so that each list has more than a page of one.
        for day in ("2026-12-10", "2026-12-20"):
            cls.operator.put("/v1/policy", {"valid_from": day}).expect(201)
            cls.operator.put(f"/v1/accounts/{cls.payer}/headcount", {"day": day, "employees": 9}).expect(201)
            cls.operator.post(f"/v1/accounts/{cls.payer}/activate", {"valid_from": day}).expect(201)
        cls.stored = {each["day"]: each["digest"] for each in cls.operator.get("/v1/days").json}
        connection = sqlite3.connect(cls.server.database, isolation_level=None)
        connection.create_function("saldo_posted", -1, lambda *_: 1, deterministic=True)
        triggers = [name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
        cls.triggers = sorted(triggers)
        for name in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.executescript(f"""
            BEGIN;
            UPDATE charge SET amount = amount + 1 WHERE day = '{sunday}';
            INSERT OR REPLACE INTO balance(account_id, balance, arrears_since, restricted_days)
                SELECT account_id, -account_id, '{noon(sunday)}', 7 FROM account;
            INSERT INTO promised_payment(promise_id, account_id, granted_at, days, expires_at) VALUES
                (11, 1, '{noon(monday)}', 0, '{noon(monday)}'), (12, 1, '{noon(monday)}', 1, '{noon(monday)}'),
                (13, 4711, '{noon(monday)}', 1, '{noon(tuesday)}'), (14, 4711, '{noon(monday)}', 0, 'never');
            INSERT INTO payment(payment_id, account_id, amount, method, credited_at, day) VALUES
                (101, 4711, 1, 'sbp', '{noon(OPEN_DAY)}', '2027-01-01'), (102, 1, 1, 'cowries', '{noon(OPEN_DAY)}',
                                                                          '2027-01-01'),
                (103, 1, 1, 'sbp', '{noon(OPEN_DAY)}', '2027-01-01');
            INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee) VALUES
                ('standard', 'fax', '2027-01-01', 1, 1, 0), ('standard', 'fax', '2027-01-01', 2, 1, 0);
            DELETE FROM day_close WHERE day = '{monday}';
            UPDATE notice_clock SET at = '{noon(OPEN_DAY)}';
            INSERT INTO notice_seen(account_id, state) VALUES (1, 'closed'), (2, 'closed');
            INSERT INTO receipt(receipt_id, source, external_id, amount, received_at, status, recorded_at) VALUES
                (21, 'bank', 'a', 5, '{noon(OPEN_DAY)}', 'matched', '{noon(OPEN_DAY)}'),
                (22, 'bank', 'b', 6, '{noon(OPEN_DAY)}', 'matched', '{noon(OPEN_DAY)}'),
                (23, 'bank', 'c', 7, '{noon(OPEN_DAY)}', 'matched', '{noon(OPEN_DAY)}');
            INSERT INTO document(document_id, kind, number, issued_on, account_id, total, content) VALUES
                (31, 'invoice', 2, '{OPEN_DAY}', 1, 5, '{{}}');
            COMMIT;""")
        connection.close()

    def test_every_audit_tells(self):
        sunday, monday, _ = CLOSED
        states = {each["account_id"]: each["state"]
                  for each in self.operator.get("/v1/access", query={"at": noon(OPEN_DAY)}).expect(200).json}
        charged = [(self.payer, "crm", self.crm_of_payer), (self.payer, "sms", self.sms_of_payer),
                   (self.debtor, "crm", self.crm_of_debtor)]
        expected = {
            "audit_charge": [{"day": sunday, "account_id": account_id, "service_id": service_id,
                              "posted": of[sunday] + 1, "computed": of[sunday]}
                             for account_id, service_id, of in charged]
            # The day is no longer closed, and its charges are nobody's.
            + [{"day": monday, "account_id": account_id, "service_id": service_id, "posted": of[monday],
                "computed": None}
               for account_id, service_id, of in charged if of[monday]],
            "audit_charge_total": [
                {"day": sunday, "service_id": "crm", "posted": crm, "computed": crm + 2}
                for crm in [self.crm_of_payer[sunday] + self.crm_of_debtor[sunday]]]
            + [{"day": sunday, "service_id": "sms", "posted": sms, "computed": sms + 1}
               for sms in [self.sms_of_payer[sunday]]],
            # One more kopeck for each charge of Sunday.
            "audit_balance": [{"account_id": index + 1, "balance": -index - 1, "computed": balance - charges}
                              for index, (balance, charges) in enumerate(zip(self.balances(CLOSED), (2, 1, 0)))],
            # What is true is that 2 is in arrears since Monday 00:00, and was restricted on Tuesday when its promise
            # ended.
            "audit_arrears": [{"account_id": account_id, "arrears_since": noon(sunday), "computed": since,
                               "restricted_days": 7,
                               "restricted_days_computed": days}
                              for account_id, since, days in ((1, None, 0), (2, day_end(sunday), 1), (3, None, 0))],
            "audit_day_gap": [{"day": monday}],
            "audit_promised_payment": [
                {"promise_id": 11, "problem": "days is 0"},
                {"promise_id": 12, "problem": "expires_at is not granted_at and 1 days"},
                {"promise_id": 13, "problem": "there is no account 4711"},
                {"promise_id": 14, "problem": "days is 0"},
                {"promise_id": 14, "problem": "expires_at is not granted_at and 0 days"},
                {"promise_id": 14, "problem": "there is no account 4711"}],
            "audit_schema": [{"name": name, "problem": "trigger is missing"} for name in self.triggers],
            "audit_computed": [{"table_name": "open_money", "key": "1", "stored": "700", "computed": "702"}]
            + [{"table_name": "payment", "key": key, "stored": "2027-01-01", "computed": OPEN_DAY}
               for key in ("101", "102", "103")],
            "audit_reference": [{"table_name": "payment", "key": key, "problem": "there is no such account or method"}
                                for key in ("101", "102")]
            + [{"table_name": "tariff", "key": f"standard, fax, 2027-01-01, {tier}",
                "problem": "there is no service fax"}
               for tier in (1, 2)],
            "audit_receipt": [{"receipt_id": receipt_id, "problem": f"its payments sum to 0, not to {amount}"}
                              for receipt_id, amount in ((21, 5), (22, 6), (23, 7))],
            "audit_document": [{"document_id": 31, "problem": problem} for problem in (
                "its columns are not those of its content", "its lines sum to 0 with a tax of 0, not to 5 with 0",
                f"there is no invoice 1 of {OPEN_DAY[:4]}")],
            "audit_notice": [{"account_id": account_id, "remembered": remembered, "computed": states[account_id]}
                             for account_id, remembered in ((1, "closed"), (2, "closed"), (3, None))],
        }
        for audit, rows in expected.items():
            with self.subTest(audit=audit):
                self.assertEqual(rows, self.report(audit))
        digests = self.report("audit_digest")
        self.assertIn((sunday, self.stored[sunday]), [(each["day"], each["stored"]) for each in digests])
        for each in digests:
            self.assertRegex(each["computed"], "^[0-9a-f]{64}$")
            self.assertNotEqual(each["stored"], each["computed"])
        # And `audit` counts what each has.
        for each in self.report("audit"):
            with self.subTest(audit=each["check_name"]):
                self.assertEqual(len(self.report(each["check_name"])), each["violations"])

    def test_the_reports_are_the_views(self):
        client = self.client(self.server, "analyst", now=self.now, checked=False)
        for _, path in sorted(ROLE_OF_ROUTE):
            view = path.rpartition("/")[2]
            if path.startswith("/v1/reports/") and view != "debtor":  # which asks the clock
                with self.subTest(view=view):
                    answer = self.analyst.post("/v1/sql", {"sql": f"SELECT * FROM {view}"}).expect(200).json
                    rows = client.get(path, query={"limit": 10000} if path in PAGED else None).expect(200).json
                    self.assertNotEqual([], rows)
                    self.assertEqual(answer["columns"], list(rows[0]))
                    self.assertEqual(sorted(map(json.dumps, answer["rows"])),
                                     sorted(json.dumps(list(row.values())) for row in rows))

    def test_the_paged_lists_are_those_with_a_limit(self):
        document = self.server.document
        self.assertEqual(PAGED, {path for path, item in document.json["paths"].items()
                                 for each in item.get("get", {}).get("parameters", ())
                                 if document.resolve(each)["name"] == "limit"})

    def test_every_list_is_paged_to_its_end(self):
        # Not checked against the OpenAPI document once more: a test above does that for each list.
        client = self.client(self.server, "admin", now=self.now, checked=False)
        # The lists of which account 1 has less than two rows are those of another account.
        account = {f"{ACCOUNT}/promised-payments": self.payer, f"{ACCOUNT}/adjustments": self.debtor}
        more = {f"{ACCOUNT}/charges": {"to": "2026-12-05"}, "/v1/calendar": {"from": "2026-11-29", "to": "2026-12-05"},
                "/v1/reports/debtor": {"at": day_end(CLOSED[2])}}
        few = {f"{ACCOUNT}/adjustments": 2, f"{ACCOUNT}/promised-payments": 2, f"{ACCOUNT}/subscriptions": 2,
               "/v1/days": 2, "/v1/reports/revenue_by_day": 2}
        # Nothing has been told or issued in these books; test_notices.py and test_documents.py have the lists of it.
        for path in sorted(PAGED - {f"{ACCOUNT}/notices", "/v1/notices", "/v1/deliveries", f"{ACCOUNT}/documents",
                                    "/v1/documents", "/v1/issuers"}):
            query = more.get(path, {})
            asked = target(path, account.get(path, self.payer))
            whole = client.get(asked, query=query | {"limit": 10000}).expect(200)
            rows = whole.json
            with self.subTest(path=path):
                self.assertGreaterEqual(len(rows), few.get(path, 3))
                self.assertIsNone(whole.next)
            for limit in (1, 2, len(rows)):
                with self.subTest(path=path, limit=limit):
                    pages = client.pages(asked, query=query | {"limit": limit})
                    self.assertEqual(rows, [row for page in pages for row in page])
                    # Every page but the last is full, and the last is not empty.
                    self.assertEqual([limit] * (len(pages) - 1), [len(page) for page in pages[:-1]])
                    self.assertEqual(-(-len(rows) // limit), len(pages))

    def test_link_keeps_the_query(self):
        answer = self.crm.get("/v1/accounts", query={"limit": 1, "name": "о"}).expect(200)
        path, _, query = answer.next.partition("?")
        self.assertEqual("/v1/accounts", path)
        self.assertEqual({"limit": ["1"], "name": ["о"], "after": ["1"]}, urllib.parse.parse_qs(query))
        self.assertEqual([2], [each["account_id"] for each in self.crm.get(answer.next).expect(200).json])

    def test_a_hundred_rows_when_no_limit_is_given(self):
        answer = self.operator.get("/v1/calendar", query={"from": "2026-01-01", "to": "2026-12-31"}).expect(200)
        self.assertEqual((100, "2026-04-10"), (len(answer.json), answer.json[-1]["day"]))
        self.assertEqual("2026-04-11", self.operator.get(answer.next).expect(200).json[0]["day"])


class Open(RoutesCase):
    def test_health_metrics_and_the_document(self):
        health = self.nobody.get("/healthz").expect(200).json
        self.assertEqual("ok", health["status"])
        self.assertRegex(self.nobody.get("/metrics").expect(200).text,
                         r"(?m)^saldo_http_requests_total(\{[^}]*\})? \d+$")
        self.assertEqual("3.1", self.nobody.get("/openapi.json").expect(200).json["openapi"][:3])

    def test_sql(self):
        answer = self.analyst.post("/v1/sql", {"sql": "SELECT :a AS \"буква\", NULL AS void, 1.5 AS half",
                                               "params": {"a": "Ё"}}).expect(200)
        self.assertEqual({"columns": ["буква", "void", "half"], "rows": [["Ё", None, 1.5]], "truncated": False},
                         answer.json)
        self.assertEqual({"columns": ["n"], "rows": [], "truncated": False},
                         self.analyst.post("/v1/sql", {"sql": "SELECT 1 AS n WHERE 0"}).expect(200).json)
        self.assertEqual("a,b\r\n1,\r\n", self.analyst.post("/v1/sql", {"sql": "SELECT 1 AS a, NULL AS b"},
                                                            accept="text/csv").expect(200).text)


if __name__ == "__main__":
    unittest.main()
