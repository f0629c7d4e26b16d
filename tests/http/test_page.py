"""The operator's pages, by what a browser sends: sessions, forms in two steps, and what strangers may try."""

import csv
import datetime
import html
import html.parser
import http.client
import io
import pathlib
import re
import tempfile
import threading
import unittest
import urllib.parse
import zoneinfo

import server as support

HOSTILE = '<script>alert(1)</script>"\'&{{7*7}}'
MOSCOW = zoneinfo.ZoneInfo("Europe/Moscow")
LONG = "Очень длинное название компании " * 6 + "конец"


class Form(html.parser.HTMLParser):
    """The forms of a page: their action, method and fields."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self._area = None
        self._select = None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attrs.get("action"), "method": attrs.get("method"), "fields": []})
        elif tag == "input" and self.forms and attrs.get("name"):
            if attrs.get("type") != "checkbox" or "checked" in attrs:
                self.forms[-1]["fields"].append((attrs["name"], attrs.get("value") or ""))
        elif tag == "select":
            self._select = attrs["name"]
        elif tag == "option" and self._select and self.forms:
            fields = self.forms[-1]["fields"]
            if "selected" in attrs:
                self.forms[-1]["fields"] = [f for f in fields if f[0] != self._select]
                self.forms[-1]["fields"].append((self._select, attrs["value"]))
            elif not any(name == self._select for name, _ in fields):
                fields.append((self._select, attrs["value"]))
        elif tag == "textarea" and self.forms:
            self._area = attrs["name"]
            self.forms[-1]["fields"].append((self._area, ""))

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data):
        if self._area:
            name, value = self.forms[-1]["fields"][-1]
            self.forms[-1]["fields"][-1] = (name, value + data.lstrip("\n"))


class Answer:
    def __init__(self, response, body, binary=False):
        self.status = response.status
        self.headers = response.headers
        self.body = body
        self.text = None if binary else body.decode("utf-8")
        self.location = response.headers.get("Location")

    def form(self, writes):
        """The fields of the form that writes through this route."""
        for form in Form(self.text).forms:
            if ("_writes", writes) in form["fields"]:
                return form["fields"]
        raise AssertionError(f"there is no form for {writes} in:\n{self.text}")


class Browser:
    """What a browser sends of itself; no redirects are followed."""

    def __init__(self, server, now=support.NOW):
        self.server = server
        self.now = now
        self.cookie = None

    def ask(self, method, path, fields=None, headers=None, body=None, binary=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        sent = {"Accept": "text/html,application/xhtml+xml", "Host": f"127.0.0.1:{self.server.port}"}
        if self.server.test_clock:
            sent["Saldo-Now"] = self.now
        if self.cookie:
            sent["Cookie"] = self.cookie
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            sent["Sec-Fetch-Site"] = "same-origin"
        sent.update(headers or {})
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent: the answer is there
        response = connection.getresponse()
        answer = Answer(response, response.read(), binary)
        connection.close()
        for name, value in response.headers.items():
            if name.lower() == "set-cookie":
                self.cookie = value.split(";")[0]
                self.set_cookie = value
        return answer

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, fields, **more):
        return self.ask("POST", path, fields, **more)

    def sign_in(self, role):
        answer = self.post("/sign-in", {"token": self.server.tokens[role]})
        assert answer.status == 303, answer.text
        return self

    def fill(self, page, writes, **fields):
        """The preview of a form."""
        sent = [(name, str(fields.pop(name, value))) for name, value in self.get(page).form(writes)]
        return self.post("/do", sent + [(name, str(value)) for name, value in fields.items()])

    def confirm(self, preview):
        """Sends what a preview has in its form."""
        form = next(form for form in Form(preview.text).forms if form["action"] == "/do")
        return self.post("/do", form["fields"])


class PageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="saldo-page-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.database = self.folder / "books.db"
        self.tokens = support.Books.copy(self.database)
        self.server = self.start()
        self.api = self.server.client("operator", now=support.NOW)
        self.addCleanup(self.api.close)

    def start(self, *flags):
        server = support.Server(self.database, *(flags or ("--test-clock",)), tokens=self.tokens)
        self.addCleanup(server.stop)
        return server

    def browser(self, role="operator", now=support.NOW):
        return Browser(self.server, now).sign_in(role)

    def company(self, name="Ромашка", **fields):
        account = self.api.post("/v1/accounts", {"name": name, **fields}).expect(201).json["account_id"]
        self.api.put(f"/v1/accounts/{account}/headcount", {"employees": 5}).expect(201)
        self.api.put(f"/v1/accounts/{account}/subscriptions/crm", {}).expect(201)
        self.api.post(f"/v1/accounts/{account}/activate").expect(201)
        return account

    def receipt(self, browser):
        """A statement with one document that nothing tells whose it is, taken in by the page; the receipt."""
        statement = "\r\n".join([
            "1CClientBankExchange", "ВерсияФормата=1.03", "Кодировка=UTF-8", "РасчСчет=40702810100000000001",
            "СекцияДокумент=Платежное поручение", "Номер=7", "Дата=02.11.2026", "Сумма=700.00",
            "ПлательщикСчет=40702810900000000009", "Плательщик=ООО " + HOSTILE, "ПлательщикИНН=7700000001",
            "ПолучательСчет=40702810100000000001", "ДатаПоступило=02.11.2026",
            "НазначениеПлатежа=Оплата " + HOSTILE, "КонецДокумента", "КонецФайла", ""])
        form = browser.get("/receipts").form("POST /v1/bank-statements")
        parts = [(name, None, value) for name, value in form if name != "file"]
        preview = self.send_parts(browser, parts + [("file", "statement.txt", statement)])
        self.assertEqual(200, preview.status, preview.text)
        self.assertEqual([], self.api.get("/v1/receipts").expect(200).json)
        self.assertEqual(303, browser.confirm(preview).status)
        [row] = self.api.get("/v1/receipts?status=pending").expect(200).json
        self.assertEqual(70000, row["amount"])
        return row["receipt_id"]

    def send_parts(self, browser, parts):
        boundary = "----saldo7MA4YWxk"
        body = b""
        for name, file, value in parts:
            head = f'Content-Disposition: form-data; name="{name}"'
            if file:
                head += f'; filename="{file}"\r\nContent-Type: text/plain'
            body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + value.encode() + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        return browser.ask("POST", "/do", body=body, headers={
            "Content-Type": f"multipart/form-data; boundary={boundary}", "Sec-Fetch-Site": "same-origin"})

    def assertNowhere(self, token):
        """No file of the books' folder has it."""
        for file in self.folder.iterdir():
            self.assertNotIn(token.encode(), file.read_bytes(), file)

    def payments(self, account):
        return [(row["amount"], row["recorded_by"])
                for row in self.api.get(f"/v1/accounts/{account}/payments").expect(200).json]


class Sessions(PageTest):
    def test_pages_ask_who_one_is(self):
        answer = Browser(self.server).get("/companies?q=1")
        self.assertEqual((303, "/sign-in?to=%2Fcompanies%3Fq%3D1"), (answer.status, answer.location))
        page = Browser(self.server).get(answer.location)
        self.assertEqual(200, page.status)
        self.assertIn('name="to" value="/companies?q=1"', page.text)

    def test_signing_in_and_out(self):
        browser = Browser(self.server)
        wrong = browser.post("/sign-in", {"token": "f" * 64, "to": "/debtors?by=age"})
        self.assertIn('name="to" value="/debtors?by=age"', wrong.text)
        self.assertEqual((403, None), (wrong.status, browser.cookie))
        right = browser.post("/sign-in", {"token": self.tokens["operator"], "to": "/debtors"})
        self.assertEqual((303, "/debtors"), (right.status, right.location))
        self.assertRegex(browser.set_cookie,
                         r"\Asaldo=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200\Z")
        self.assertEqual(200, browser.get("/debtors").status)
        # The session's name is nowhere but in the cookie.
        name = browser.cookie.split("=")[1]
        for file in self.folder.iterdir():
            self.assertNotIn(name.encode(), file.read_bytes(), file)
        stolen = browser.cookie
        self.assertEqual(303, browser.post("/sign-out", {}).status)
        browser.cookie = stolen
        self.assertEqual(303, browser.get("/debtors").status)

    def test_one_goes_only_to_this_site_from_signing_in(self):
        for to in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "?x",
                   "/\t/evil.example", "/\n/evil.example", "\t//evil.example"):
            with self.subTest(to):
                answer = Browser(self.server).post("/sign-in", {"token": self.tokens["operator"], "to": to})
                self.assertEqual("/", answer.location)

    def test_behind_a_proxy_the_cookie_is_secure(self):
        for headers in ({"Host": "books.example.org"}, {"X-Forwarded-For": "192.0.2.7"}):
            browser = Browser(self.server)
            browser.post("/sign-in", {"token": self.tokens["operator"]}, headers=headers)
            self.assertRegex(browser.set_cookie,
                             r"\A__Host-saldo=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax; Secure;")
            self.assertEqual(200, browser.get("/debtors", headers=headers).status)
            # It is not taken where it does not belong.
            self.assertEqual(303, browser.get("/debtors").status)

    def test_it_ends_when_idle_and_after_twelve_hours(self):
        browser = self.browser(now="2026-11-02T06:00:00Z")
        for now, status in (("2026-11-02T06:29:59Z", 200), ("2026-11-02T06:59:00Z", 200),
                            ("2026-11-02T07:29:00Z", 303)):
            browser.now = now
            self.assertEqual(status, browser.get("/debtors").status, now)
        browser = self.browser(now="2026-11-02T06:00:00Z")
        for minute in range(20, 720, 20):
            browser.now = f"2026-11-02T{6 + minute // 60:02}:{minute % 60:02}:00Z"
            self.assertEqual(200, browser.get("/days").status, browser.now)
        browser.now = "2026-11-02T18:00:00Z"
        self.assertEqual(303, browser.get("/days").status)

    def test_what_is_sent_after_its_end_is_said_not_to_be_recorded(self):
        account = self.company()
        browser = self.browser(now="2026-11-02T09:00:00Z")
        page = f"/companies/{account}/actions"
        preview = browser.fill(page, f"POST /v1/accounts/{account}/payments", amount="5")
        browser.now = "2026-11-02T09:45:00Z"
        answer = browser.confirm(preview)
        self.assertEqual((303, f"/sign-in?lost=1&to=%2Fcompanies%2F{account}%2Factions"),
                         (answer.status, answer.location))
        self.assertIn("не записано", browser.get(answer.location).text)
        self.assertEqual([], self.payments(account))

    def test_what_goes_wrong_before_a_page_is_a_page(self):
        browser = self.browser()
        answer = browser.ask("POST", "/do", body=b"x" * 2_000_000, headers={
            "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(413, answer.status)
        self.assertIn("<!DOCTYPE html>", answer.text)
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(["nosniff"], answer.headers.get_all("X-Content-Type-Options"))

    def test_it_ends_with_its_token_and_outlives_the_server(self):
        browser = self.browser("cashier")
        self.assertEqual(200, browser.get("/receipts").status)
        self.server.stop()
        self.server = browser.server = self.start()
        self.assertEqual(200, browser.get("/receipts").status)
        support.must("token", "revoke", "--database", self.database, "--name", "cashier")
        self.assertEqual(303, browser.get("/receipts").status)

    def test_an_administrator_ends_a_session(self):
        admin, operator = self.browser("admin"), self.browser("operator")
        page = admin.get("/access").text
        links = re.findall(r'<th scope="row">(\w+)</th>(?:(?!</tr>).)*href="(/access/sessions/[0-9a-f]{64})"', page)
        self.assertEqual(["admin", "operator"], sorted(name for name, _ in links))
        link = dict(links)["operator"]
        asked = admin.get(link)
        self.assertIn("operator", asked.text)
        [form] = [form for form in Form(asked.text).forms if form["action"] == "/sign-out" and form["fields"]]
        # It is the administrator's alone, and of no other site.
        self.assertEqual(403, operator.get(link).status)
        self.assertEqual(403, operator.post("/sign-out", form["fields"]).status)
        self.assertEqual(403, Browser(self.server).post("/sign-out", form["fields"]).status)
        self.assertEqual(403, admin.post("/sign-out", form["fields"], headers={"Sec-Fetch-Site": "cross-site"}).status)
        self.assertEqual(200, operator.get("/debtors").status)
        done = admin.post("/sign-out", form["fields"])
        self.assertEqual((303, "/access"), (done.status, done.location))
        after = admin.get("/access").text
        self.assertIn("Сеанс завершён.", after)
        self.assertNotIn(link, after)
        self.assertEqual(303, operator.get("/debtors").status)
        self.assertEqual(404, admin.get(link).status)
        self.assertEqual(200, self.browser("operator").get("/debtors").status)

    def test_the_api_never_takes_the_cookie(self):
        browser = self.browser("admin")
        for path in ("/v1/accounts", "/v1/tokens", "/metrics-of-nobody"):
            answer = browser.get(path, headers={"Accept": "application/json"})
            self.assertEqual(401, answer.status, path)
        answer = browser.ask("POST", "/v1/accounts", body='{"name": "x"}', headers={"Content-Type": "application/json"})
        self.assertEqual(401, answer.status)
        # Nor do the pages take a token.
        answer = Browser(self.server).get("/debtors", headers={"Authorization": f"Bearer {self.tokens['admin']}"})
        self.assertEqual(303, answer.status)

    def test_roles(self):
        cashier = self.browser("cashier")
        first = cashier.get("/")
        self.assertEqual((303, "/companies"), (first.status, first.location))
        page = cashier.get("/receipts")
        self.assertNotIn('href="/prices"', page.text)
        for path in ("/prices", "/access", "/days"):
            self.assertEqual(403, cashier.get(path).status, path)
        self.assertEqual(403, self.browser("operator").get("/access").status)
        self.assertEqual(200, self.browser("admin").get("/access").status)
        self.assertEqual(403, self.browser("analyst").get("/").status)


class Forms(PageTest):
    def test_a_payment_is_shown_and_then_recorded_once(self):
        account = self.company()
        browser = self.browser()
        writes = f"POST /v1/accounts/{account}/payments"
        preview = browser.fill(f"/companies/{account}/actions", writes, amount="1 990,50")
        self.assertEqual(200, preview.status)
        self.assertIn("1 990,50 ₽", preview.text.replace("\u00a0", " ").replace("\u202f", " "))
        self.assertEqual([], self.payments(account))
        done = browser.confirm(preview)
        self.assertEqual((303, f"/companies/{account}"), (done.status, done.location))
        self.assertEqual([(199050, "operator")], self.payments(account))
        # A second click, and the same after the browser went back, is the same payment.
        for _ in range(2):
            self.assertEqual(303, browser.confirm(preview).status)
        self.assertEqual([(199050, "operator")], self.payments(account))
        page = browser.get(done.location)
        self.assertIn("Записано.", page.text)
        self.assertNotIn("Записано.", browser.get(done.location).text)

    def test_a_form_sent_many_times_at_once_is_one_payment(self):
        account = self.company()
        browser = self.browser()
        preview = browser.fill(f"/companies/{account}/actions", f"POST /v1/accounts/{account}/payments", amount="5")
        clicks = 8
        together = threading.Barrier(clicks)
        answers = []

        def click():
            together.wait(support.START_SECONDS)
            answers.append(browser.confirm(preview).status)
        threads = [threading.Thread(target=click, daemon=True) for _ in range(clicks)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(support.START_SECONDS)
        self.assertEqual([303] * clicks, answers)
        self.assertEqual([(500, "operator")], self.payments(account))

    def test_what_has_changed_is_shown_again(self):
        account = self.company()
        browser = self.browser()
        writes = f"POST /v1/accounts/{account}/payments"
        preview = browser.fill(f"/companies/{account}/actions", writes, amount="100")
        self.api.post(f"/v1/accounts/{account}/payments", {"amount": 777, "method": "sbp"}).expect(201)
        again = browser.confirm(preview)
        self.assertEqual(200, again.status)
        self.assertIn("что-то изменилось", again.text)
        self.assertEqual([(777, "operator")], self.payments(account))
        self.assertEqual(303, browser.confirm(again).status)
        self.assertEqual(2, len(self.payments(account)))

    def test_a_restart_between_preview_and_confirmation(self):
        account = self.company()
        browser = self.browser()
        preview = browser.fill(f"/companies/{account}/actions", f"POST /v1/accounts/{account}/payments", amount="5")
        self.server.stop()
        self.server = browser.server = self.start()
        self.assertEqual(303, browser.confirm(preview).status)
        self.server.stop()
        self.server = browser.server = self.start()
        self.assertEqual(303, browser.confirm(preview).status)
        self.api = self.server.client("operator", now=support.NOW)
        self.addCleanup(self.api.close)
        self.assertEqual([(500, "operator")], self.payments(account))

    def test_two_operators_and_one_receipt(self):
        account = self.company(tax_id="7701234567")
        other = self.company("Другая")
        first, second = self.browser("operator"), self.browser("cashier")
        receipt = self.receipt(first)
        writes = f"POST /v1/receipts/{receipt}/match"
        page = first.get(f"/receipts/{receipt}")
        self.assertIn("7700000001", page.text)
        previews = [browser.post("/do", [(n, {"account_id": str(a)}.get(n, v)) for n, v in page.form(writes)
                                         if "." not in n])
                    for browser, a in ((first, account), (second, other))]
        self.assertEqual([200, 200], [preview.status for preview in previews])
        self.assertEqual(303, first.confirm(previews[0]).status)
        late = second.confirm(previews[1])
        self.assertEqual(409, late.status)
        self.assertIn("Не записано", late.text)
        self.assertEqual(1, len(self.payments(account)))
        self.assertEqual([], self.payments(other))

    def test_a_receipt_is_split_or_ignored(self):
        one, two = self.company(), self.company("Другая")
        browser = self.browser()
        receipt = self.receipt(browser)
        writes = f"POST /v1/receipts/{receipt}/match"
        split = [fields["fields"] for fields in Form(browser.get(f"/receipts/{receipt}").text).forms
                 if ("_writes", writes) in fields["fields"]][1]
        sums = {"parts.0.account_id": one, "parts.0.amount": "300", "parts.1.account_id": two,
                "parts.1.amount": "400,00"}
        preview = browser.post("/do", [(name, str(sums.get(name, value))) for name, value in split])
        self.assertEqual(200, preview.status, preview.text)
        self.assertEqual(303, browser.confirm(preview).status)
        self.assertEqual(([(30000, "operator")], [(40000, "operator")]), (self.payments(one), self.payments(two)))

    def test_what_is_refused_leaves_the_form_as_it_was_filled(self):
        account = self.company()
        browser = self.browser()
        writes = f"POST /v1/accounts/{account}/payments"
        for amount, told in (("0", "amount is 0"), ("сто", "Сумма: нужна сумма, как 1990,00"), ("-5", "amount is -500"),
                             ("1,234", "Сумма: нужна сумма"), ("99999999999999999999", "Сумма: нужна сумма")):
            with self.subTest(amount):
                answer = browser.fill(f"/companies/{account}/actions", writes, amount=amount, purpose=HOSTILE)
                self.assertEqual(422, answer.status)
                self.assertIn("Не записано", answer.text)
                self.assertIn(told, answer.text)
                fields = dict(answer.form(writes))
                self.assertEqual((amount, HOSTILE), (fields["amount"], fields["purpose"]))
        self.assertEqual([], self.payments(account))

    def test_what_was_typed_stays_in_the_form_it_was_typed_into(self):
        account = self.company()
        self.api.post(f"/v1/accounts/{account}/payments", {"amount": 777, "method": "sbp"}).expect(201)
        browser = self.browser()
        page = f"/companies/{account}/actions"
        writes = f"POST /v1/accounts/{account}/adjustments"

        def forms(text):
            found = [dict(form["fields"]) for form in Form(text).forms if ("_writes", writes) in form["fields"]]
            return {fields["_title"]: fields for fields in found}
        before = forms(browser.get(page).text)
        self.assertEqual(2, len(before))
        [adjustment] = [title for title, fields in before.items() if fields["kind"] != "refund"]
        [refund] = [title for title, fields in before.items() if fields["kind"] == "refund"]
        sent = before[adjustment] | {"kind": "correction", "amount": "сто", "reason": "ошибка"}
        answer = browser.post("/do", list(sent.items()))
        self.assertEqual(422, answer.status)
        after = forms(answer.text)
        self.assertEqual(["correction", "сто", "ошибка"],
                         [after[adjustment][name] for name in ("kind", "amount", "reason")])
        self.assertEqual(before[refund], {**after[refund], "_form": before[refund]["_form"]})

    def test_a_cashier_comes_back_to_where_they_may_be(self):
        account = self.company()
        cashier = self.browser("cashier")
        page = f"/companies/{account}/actions"
        preview = cashier.fill(page, f"POST /v1/accounts/{account}/payments", amount="5")
        self.assertIn(f'href="/companies/{account}"', preview.text)
        done = cashier.confirm(preview)
        self.assertEqual((303, f"/companies/{account}"), (done.status, done.location))
        self.assertIn("Записано.", cashier.get(done.location).text)
        self.assertEqual([(500, "cashier")], self.payments(account))

    def test_a_cashier_finds_a_company_and_what_they_may_do(self):
        account = self.company()
        cashier = self.browser("cashier")
        self.assertIn(f'href="/companies/{account}"', cashier.get("/companies?q=").text)
        seen = {}
        for path in ("/companies", f"/companies/{account}", f"/companies/{account}/ledger",
                     f"/companies/{account}/actions"):
            answer = cashier.get(path)
            self.assertEqual(200, answer.status, path)
            for link in re.findall(r'href="(/[^"#]*)', answer.text):
                self.assertEqual(200, cashier.get(html.unescape(link)).status, f"{link} of {path}")
            seen[path] = [dict(form["fields"])["_writes"] for form in Form(answer.text).forms
                          if form["action"] == "/do"]
            for writes in seen[path]:
                # All that they may not is refused with forbidden, whatever else is wrong with it.
                self.assertNotEqual(403, cashier.post("/do", {"_writes": writes, "_form": path}).status, writes)
            self.assertNotRegex(answer.text, r"</header><header[^>]*><h2>Обслуживание")
        self.assertIn(f"POST /v1/accounts/{account}/payments", seen[f"/companies/{account}/actions"])
        operator = Form(self.browser().get(f"/companies/{account}/actions").text).forms
        self.assertGreater(len(operator) - 1, len(seen[f"/companies/{account}/actions"]))

    def test_a_preview_says_what_was_filled_in(self):
        account = self.company()
        browser = self.browser()
        preview = browser.fill(f"/companies/{account}/actions", f"POST /v1/accounts/{account}/payments", amount="−5",
                               payer="ООО «Плательщик»")
        self.assertEqual(422, preview.status)  # the minus of typography is one
        self.assertIn("-500", preview.text)
        preview = browser.fill(f"/companies/{account}/actions", f"POST /v1/accounts/{account}/payments", amount="5",
                               payer="ООО «Плательщик»", method="sbp")
        for told in ("ООО «Плательщик»", "Система быстрых платежей"):
            self.assertIn(f"<strong>{told}</strong>", preview.text)

    def test_a_draft_of_a_price_says_what_it_would_bring(self):
        account = self.company()
        page, writes = "/prices/crm?price_list=standard", "POST /v1/tariffs"
        browser = self.browser()
        fields = dict(browser.get(page).form(writes))
        self.assertEqual(("1", "1990,00", "6", "3490,00"), tuple(fields[f"tiers.{n}.{name}"] for n in (0, 1) for name
                                                                 in ("min_quantity", "monthly_fee")))
        more = {"tiers.0.monthly_fee": "2500", "valid_from": "2027-01-15"}
        preview = browser.fill(page, writes, **more)
        self.assertEqual(200, preview.status, preview.text)
        text = preview.text.replace("\u00a0", " ").replace("\u202f", " ")
        self.assertRegex(text, "За 30 дней с 15.01.2027</th><td>1 990,00 ₽</td><td><strong>2 500,00 ₽</strong>")
        tariffs = self.api.get("/v1/tariffs?service_id=crm").expect(200).json
        self.assertEqual(2, len(tariffs))
        # Another's price list is not the company's.
        other = browser.fill(page, writes, **more, price_list="other").text.replace("\u00a0", " ")
        self.assertRegex(other.replace("\u202f", " "), "За 30 дней с 15.01.2027</th><td>1 990,00 ₽</td><td>1 990,00 ₽<")
        self.assertEqual(303, browser.confirm(preview).status)
        day = f"/v1/accounts/{account}/charges?from=2027-01-15&to=2027-01-15"
        self.assertEqual(4, len(self.api.get("/v1/tariffs?service_id=crm").expect(200).json), day)

    def test_a_price_by_usage_is_said_not_to_be_estimated(self):
        browser = self.browser()
        self.assertIn("не оценивается", browser.get("/prices/sms").text)
        self.assertNotIn("не оценивается", browser.get("/prices/crm").text)
        preview = browser.fill("/prices/sms", "POST /v1/tariffs", **{"tiers.0.unit_fee": "3"})
        self.assertEqual(200, preview.status, preview.text)
        facts = re.findall(r'<th scope="row">(За 30 дней|Компаний)[^<]*</th><td>([^<]*)</td>', preview.text)
        self.assertEqual([("За 30 дней", "не оценивается")], facts)
        self.assertEqual(303, browser.confirm(preview).status)

    def test_a_draft_has_all_tiers_there_are(self):
        tiers = [{"min_quantity": n, "monthly_fee": 100 * n + 5} for n in range(1, 13)]
        self.api.post("/v1/tariffs", {"service_id": "crm", "valid_from": support.TODAY, "price_list": "many",
                                      "tiers": tiers}).expect(201)
        browser = self.browser()
        page = "/prices/crm?price_list=many"
        self.assertIn(f'href="{html.escape(page)}"', browser.get("/prices").text)
        fields = dict(browser.get(page).form("POST /v1/tariffs"))
        self.assertEqual(("12", "12,05", "", ""), tuple(fields[f"tiers.{n}.{name}"] for n in (11, 14)
                                                        for name in ("min_quantity", "monthly_fee")))
        self.assertEqual(303, browser.confirm(browser.fill(page, "POST /v1/tariffs", valid_from="2026-12-01")).status)
        recorded = [row for row in self.api.get("/v1/tariffs?service_id=crm").expect(200).json
                    if row["valid_from"] == "2026-12-01"]
        self.assertEqual([tier["monthly_fee"] for tier in tiers], [row["monthly_fee"] for row in recorded])

    def test_only_pages_of_facts_are_shown_before_a_write(self):
        account = self.company()
        browser = self.browser()
        writes = f"POST /v1/accounts/{account}/payments"
        for shows in ("/days", "/", f"/companies/{account}", "/companies?q=a", "/v1/days", "/nothing"):
            with self.subTest(shows):
                self.assertEqual(404, browser.fill(f"/companies/{account}/actions", writes, amount="5",
                                                   _shows=shows).status)

    def test_what_has_changed_is_noticed_by_forms_without_a_page_of_facts(self):
        account = self.company(name="Первая")
        browser = self.browser()
        self.assertEqual(1, account)
        preview = browser.fill("/companies/new", "POST /v1/accounts", name="Вторая")
        self.assertEqual(200, preview.status, preview.text)
        self.company(name="Третья")
        again = browser.confirm(preview)
        self.assertEqual(200, again.status)
        self.assertIn("что-то изменилось", again.text)
        self.assertEqual(303, browser.confirm(again).status)
        self.assertEqual(303, browser.confirm(again).status)

    def test_forms_of_other_sites_do_nothing(self):
        account = self.company()
        browser = self.browser()
        fields = browser.get(f"/companies/{account}/actions").form(f"POST /v1/accounts/{account}/payments")
        fields = [(name, "5" if name == "amount" else value) for name, value in fields]
        host = f"127.0.0.1:{self.server.port}"
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
                        {"Sec-Fetch-Site": None}, {"Sec-Fetch-Site": None, "Origin": "http://evil.example"},
                        {"Sec-Fetch-Site": None, "Origin": "null"},
                        {"Sec-Fetch-Site": "cross-site", "Origin": f"http://{host}"}):
            with self.subTest(headers):
                for path, sent in (("/do", fields), ("/sign-out", {}),
                                   ("/sign-in", {"token": self.tokens["operator"]})):
                    self.assertEqual(403, browser.post(path, sent, headers=headers).status)
        self.assertEqual(200, browser.get("/days").status)
        allowed = browser.post("/do", fields, headers={"Sec-Fetch-Site": None, "Origin": f"http://{host}"})
        self.assertEqual(200, allowed.status)

    def test_a_form_writes_through_routes_and_roles_alone(self):
        cashier = self.browser("cashier")
        for writes, status in (("PUT /v1/calendar/2026-11-05", 403), ("GET /v1/accounts", 404), ("POST /v1/sql", 404),
                               ("POST /sign-in", 404), ("POST /v1/nothing", 404), ("", 404), ("PUT", 404)):
            with self.subTest(writes):
                answer = cashier.post("/do", {"_writes": writes, "_form": "/receipts", "working": "1"})
                self.assertEqual(status, answer.status)
        self.assertEqual(303, Browser(self.server).post("/do", {"_writes": "POST /v1/accounts"}).status)

    def test_a_token_is_shown_once(self):
        admin = self.browser("admin")
        preview = admin.fill("/access", "POST /v1/tokens", name="Новый", role="cashier")
        # What a preview would show is not the one that is recorded.
        self.assertNotRegex(preview.text, r"<d[dt]>[\w-]{40,}</d[dt]>|<td>[\w-]{40,}</td>")
        self.assertNotIn("Токен</", preview.text)
        result = admin.confirm(preview)
        self.assertEqual(200, result.status)
        [token] = set(re.findall(r"<dd>([\w-]{40,})</dd>", result.text))
        self.tokens["new"] = token
        self.assertEqual(303, Browser(self.server).post("/sign-in", {"token": token}).status)
        self.assertNotIn(token, admin.get("/access").text)
        # Nor is it told to whoever confirms once more.
        again = admin.confirm(preview)
        self.assertEqual(200, again.status)
        self.assertIn("уже был показан", again.text)
        self.assertNotIn(token, again.text)
        self.assertNowhere(token)
        preview = admin.fill(f"/access/tokens/{urllib.parse.quote('Новый')}",
                             f"DELETE /v1/tokens/{urllib.parse.quote('Новый')}")
        self.assertEqual(303, admin.confirm(preview).status)
        self.assertEqual(403, Browser(self.server).post("/sign-in", {"token": token}).status)

    def test_a_form_that_says_it_has_a_secret_where_there_is_none(self):
        admin = self.browser("admin")
        preview = admin.fill("/access/tokens/crm", "DELETE /v1/tokens/crm", _secret="1")
        for _ in range(2):
            self.assertEqual(200, admin.confirm(preview).status)

    def test_the_ledger_as_a_spreadsheet(self):
        account = self.company()
        self.api.post(f"/v1/accounts/{account}/payments", {"amount": 500000, "method": "sbp"}).expect(201)
        self.api.post(f"/v1/accounts/{account}/adjustments", {"amount": -199050, "kind": "fee"}).expect(201)
        text = self.browser().get(f"/companies/{account}/ledger.csv?to=9999-12-31").text
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual([("", "1990,50", "", "1990,50"), ("5000,00", "", "3009,50", "")],
                         [tuple(row[name] for name in ("credit", "debit", "balance", "debt")) for row in rows])

    def test_a_large_statement_is_written_in_pieces(self):
        account = self.company(tax_id="7701234567")
        browser = self.browser()
        documents = 2500
        statement = "\r\n".join(
            ["1CClientBankExchange", "ВерсияФормата=1.03", "Кодировка=UTF-8", "РасчСчет=40702810100000000001"]
            + [f"СекцияДокумент=Платежное поручение\r\nНомер={number}\r\nДата=02.11.2026\r\nСумма=1.00\r\n"
               "ПлательщикСчет=40702810900000000009\r\nПлательщик=ООО Ромашка\r\nПлательщикИНН=7701234567\r\n"
               "ПолучательСчет=40702810100000000001\r\nДатаПоступило=02.11.2026\r\nНазначениеПлатежа=Оплата\r\n"
               "КонецДокумента" for number in range(1, documents + 1)] + ["КонецФайла", ""])
        form = browser.get("/receipts").form("POST /v1/bank-statements")
        preview = self.send_parts(browser, [(name, None, value) for name, value in form if name != "file"]
                                  + [("file", "statement.txt", statement)])
        self.assertEqual(200, preview.status, preview.text)
        self.assertNotIn("СекцияДокумент", preview.text)

        def money():
            return self.api.get(f"/v1/accounts/{account}/access").expect(200).json["balance"]

        self.assertEqual(0, money())
        # One that another brings in meanwhile is shown, and counts once.
        first = statement.index("СекцияДокумент")
        second = statement.index("СекцияДокумент", first + 1)
        alone = statement[:second] + "КонецФайла\r\n"
        self.api.post("/v1/bank-statements", alone.encode(), headers={"Content-Type": "text/plain"}).expect(200)
        again = browser.confirm(preview)
        self.assertEqual(200, again.status)
        self.assertIn("что-то изменилось", again.text)
        self.assertEqual(100, money())
        for _ in range(2):
            self.assertEqual(303, browser.confirm(again).status)
            self.assertEqual(100 * documents, money())

    def test_a_webhook_keeps_its_kinds(self):
        browser = self.browser()
        page = "/notices/webhooks/change?name=crm"
        writes = "PUT /v1/webhooks/crm"
        result = browser.confirm(browser.fill(page, writes, url="https://a.example/x", kinds="grace, restricted"))
        self.assertEqual(200, result.status)
        self.assertIn("whsec_", result.text)
        fields = dict(browser.get(page).form(writes))
        self.assertEqual(("https://a.example/x", "grace, restricted"), (fields["url"], fields["kinds"]))
        # The secret is shown to whoever made the webhook alone.
        self.assertEqual(303, browser.confirm(browser.fill(page, writes, url="https://b.example/")).status)
        [webhook] = self.api.get("/v1/webhooks").expect(200).json
        self.assertEqual(("https://b.example/", ["grace", "restricted"]), (webhook["url"], webhook["kinds"]))
        self.assertNotIn("whsec_", browser.get("/notices/webhooks").text)
        self.assertEqual(422, browser.fill(page, writes, kinds="no_such_kind").status)


class Failures(PageTest):
    """What goes wrong with a page."""

    def setUp(self):
        super().setUp()
        routes = self.folder / "routes"
        routes.mkdir()
        for name, sql in (("slow", "SELECT 'table' AS component; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + "
                                   "1 FROM n) SELECT count(*) AS i FROM n;"),
                          ("unknown", "SELECT 'pie' AS component;"),
                          ("overflowing", "SELECT 'table' AS component; SELECT abs(-9223372036854775807 - 1) AS i;")):
            (routes / f"{name}.sql").write_text(
                f"-- GET /our/{name}\n-- Ours.\n-- role: operator\n-- answer: many\n-- gives: html\n\n"
                f"SELECT 'shell' AS component, 'Ours' AS title;\n{sql}\n", encoding="utf-8")
        self.server.stop()
        self.server = self.start("--test-clock", "--routes", routes, "--route-timeout", "2s")

    def test_a_page_that_takes_too_long_says_when_to_come_back(self):
        answer = self.browser().get("/our/slow")
        self.assertEqual(503, answer.status)
        self.assertIn("запрос слишком долгий", answer.text)
        self.assertIn('href="/companies"', answer.text)
        self.assertRegex(answer.headers["Retry-After"], r"\A\d+\Z")

    def test_our_own_fault_is_a_page_and_in_the_log(self):
        browser = self.browser()
        for path, logged in (("/our/unknown", "a page has no component pie"), ("/our/overflowing", "SQL logic error")):
            answer = browser.get(path)
            self.assertEqual(500, answer.status, path)
            self.assertIn("<!DOCTYPE html>", answer.text)
            self.assertIn("сбой сервера", answer.text)
            self.assertRegex(self.server.log(), f"error GET {path}: .*{logged}")

    def test_it_is_told_in_the_language_of_the_books(self):
        self.server.stop()
        self.server = self.start()
        with self.server.client("operator", now=support.NOW) as api:
            api.put("/v1/policy", {"valid_from": support.OPENING, "language": "en"}).expect(200)
        large = {"body": b"x" * 2_000_000, "headers": {"Content-Type": "application/x-www-form-urlencoded",
                                                       "Sec-Fetch-Site": "same-origin"}}
        self.assertEqual(200, Browser(self.server).get("/sign-in").status)
        self.assertIn("too large", Browser(self.server).ask("POST", "/do", **large).text)
        self.server.stop()
        self.server = self.start()
        self.assertIn("too large", Browser(self.server).ask("POST", "/do", **large).text)


class Tokens(PageTest):
    def test_tokens_by_the_api(self):
        admin = self.server.client("admin", now=support.NOW)
        self.addCleanup(admin.close)
        made = admin.post("/v1/tokens", {"name": "kiosk", "role": "cashier"}).expect(201).json
        self.assertEqual(("kiosk", "cashier", support.NOW, None),
                         (made["name"], made["role"], made["created_at"], made["revoked_at"]))
        self.server.tokens["kiosk"] = made["token"]
        kiosk = self.server.client("kiosk", now=support.NOW)
        self.addCleanup(kiosk.close)
        kiosk.get("/v1/payments").expect(200)
        self.assertIn({"name": "kiosk", "role": "cashier", "created_at": support.NOW, "revoked_at": None},
                      admin.get("/v1/tokens").expect(200).json)
        self.assertNotIn(made["token"], admin.get("/v1/tokens").text)
        # What is kept under an Idempotency-Key is without it, and so is the answer to a repetition.
        first, again = [admin.post("/v1/tokens", {"name": "hall", "role": "cashier"}, key="one").expect(201).json
                        for _ in range(2)]
        self.assertEqual({**first, "token": None}, again)
        self.assertNowhere(first["token"])
        for body, status in (({"name": "kiosk", "role": "crm"}, 409), ({"name": "x", "role": "king"}, 422),
                             ({"name": "", "role": "crm"}, 422), ({"name": "x"}, 422)):
            with self.subTest(body):
                admin.post("/v1/tokens", body).expect(status)
        admin.delete("/v1/tokens/kiosk").expect(204)
        kiosk.get("/v1/payments").expect(401)
        admin.delete("/v1/tokens/kiosk").expect(404)
        for method, path, body in (("GET", "/v1/tokens", None), ("POST", "/v1/tokens", {"name": "x", "role": "crm"}),
                                   ("DELETE", "/v1/tokens/crm", None)):
            self.api.request(method, path, body).expect(403)


class DemoClock(PageTest):
    def test_its_day_is_the_open_day(self):
        self.api.post(f"/v1/days/{support.OPENING}/close").expect(201)
        self.server.stop()
        self.server = self.start("--demo-clock")
        browser = Browser(self.server).sign_in("operator")
        self.assertIn("<h1>Сегодня, 02.11.2026</h1>", browser.get("/").text)
        with self.server.client("crm") as crm:
            self.assertEqual("2026-11-02", crm.get("/healthz").expect(200).json["open_day"])
            account = crm.post("/v1/accounts", {"name": "Ромашка"}).expect(201).json
        self.assertEqual(("2026-11-02", "2026-11-02T09"), (account["registered_on"], account["recorded_at"][:13]))


class Sending(PageTest):
    def setUp(self):
        super().setUp()
        self.api.post("/v1/notice-clock").expect(200)
        admin = self.server.client("admin", now=support.NOW)
        self.addCleanup(admin.close)
        admin.put("/v1/issuer", {
            "valid_from": support.OPENING, "name": "Вендор", "tax_id": "7700000000", "bank_account": "4" * 20,
            "bank_name": "Банк", "bic": "044525225", "corr_account": "3" * 20}).expect(201)

    def invoice(self, account):
        self.api.post(f"/v1/accounts/{account}/invoices", {"amount": 5000}).expect(201)
        self.api.post("/v1/notice-clock").expect(200)
        return self.api.get(f"/v1/documents?account_id={account}").expect(200).json[-1]["document_id"]

    def deliveries(self, account):
        return [(row["recipient"], row["status"])
                for row in self.api.get(f"/v1/deliveries?account_id={account}&channel=email").expect(200).json
                if row["kind"] == "document"]

    def test_a_document_is_sent_and_the_page_says_to_whom(self):
        account = self.company(admin_email="anna@a.example")
        document = self.invoice(account)
        browser = self.browser()
        page, writes = f"/documents/{document}", f"POST /v1/documents/{document}/send"
        self.assertIn("anna@a.example", browser.get(page).text)
        self.assertEqual([("anna@a.example", "waiting")], self.deliveries(account))
        self.api.patch(f"/v1/accounts/{account}", {"admin_email": "boris@a.example"}).expect(200)
        self.assertEqual(303, browser.confirm(browser.fill(page, writes)).status)
        self.assertEqual([("boris@a.example", "waiting")], self.deliveries(account))
        self.assertIn("boris@a.example — ждёт", browser.get(f"/companies/{account}/notices").text)

    def test_whom_a_document_went_to_before_is_not_forgotten(self):
        account = self.company(admin_email="anna@a.example")
        document = self.invoice(account)
        self.server.stop()
        self.server = self.start("--test-clock", "--mail-capture")
        self.api = self.server.client("operator", now=support.NOW)
        self.addCleanup(self.api.close)

        def captured(*addresses):
            self.assertTrue(support.wait_for(lambda: self.deliveries(account) == [(addresses[-1], "captured")],
                                             support.START_SECONDS), self.deliveries(account))
            rows = re.findall(r"<td>(\w+@a\.example)</td><td>([^<]+)</td>",
                              self.browser().get(f"/documents/{document}").text)
            self.assertEqual([(address, "Сохранено") for address in addresses], rows)

        captured("anna@a.example")
        for number, name in enumerate(("boris", "vera"), 2):
            self.api.patch(f"/v1/accounts/{account}", {"admin_email": f"{name}@a.example"}).expect(200)
            self.api.post(f"/v1/documents/{document}/send").expect(200, 201)
            captured(*[f"{each}@a.example" for each in ("anna", "boris", "vera")[:number]])

    def test_a_document_is_sent_to_an_address_that_came_later(self):
        account = self.company()
        document = self.invoice(account)
        browser = self.browser()
        page = browser.get(f"/documents/{document}").text
        self.assertIn("Никому ещё не отправлялся", page)
        self.assertNotIn(f"/v1/documents/{document}/send", page)
        self.api.post(f"/v1/documents/{document}/send").expect(409)
        self.api.patch(f"/v1/accounts/{account}", {"admin_email": "anna@a.example"}).expect(200)
        self.assertEqual([], self.deliveries(account))
        preview = browser.fill(f"/documents/{document}", f"POST /v1/documents/{document}/send")
        for _ in range(2):
            self.assertEqual(303, browser.confirm(preview).status)
        self.assertEqual([("anna@a.example", "waiting")], self.deliveries(account))
        self.api.post("/v1/documents/99/send").expect(404)

    def test_a_month_goes_by_post(self):
        account = self.company(HOSTILE, documents="always", postal_address="Москва, 1")
        other = self.company("По почте не надо", documents="always", document_delivery="email")
        late = "2026-12-01T09:00:00Z"
        self.api.put("/v1/services/crm/tax-rates/" + support.OPENING, {"basis_points": 2200})
        day = support.OPENING
        while day < "2026-12-01":
            self.api.post(f"/v1/days/{day}/close", now=late).expect(201)
            day = support.day_plus(day, 1)
        run = self.api.post("/v1/document-runs", {"month": "2026-11", "issued_on": "2026-11-30"}, now=late).expect(201)
        self.assertEqual(2, run.json["documents"])
        browser = self.browser(now=late)
        page = browser.get("/documents/months/2026-11")
        self.assertIn("Москва, 1", page.text)
        self.assertNotIn("По почте не надо", page.text)
        by_email = browser.get("/documents/months/2026-11?by=email").text
        self.assertEqual((False, True), ("Москва, 1" in by_email, "По почте не надо" in by_email))
        post = browser.ask("GET", "/documents/months/2026-11/post.pdf", binary=True)
        self.assertEqual((200, "application/pdf"), (post.status, post.headers["Content-Type"]))
        self.assertTrue(post.body.startswith(b"%PDF-"))
        self.assertIn("post-2026-11.pdf", post.headers["Content-Disposition"])
        self.assertEqual(404, browser.get("/documents/months/2026-10/post.pdf").status)
        self.assertNotEqual(account, other)

    def test_mail_and_webhooks_are_tested_from_their_pages(self):
        browser = self.browser()
        answer = browser.fill("/notices", "POST /v1/mail/test", to="anna@a.example")
        self.assertEqual(409, answer.status)
        self.assertIn("--smtp", answer.text)
        self.api.put("/v1/webhooks/crm", {"url": "https://127.0.0.1:9/"})
        self.api.put("/v1/webhooks/crm", {"url": "https://nowhere.invalid/"}).expect(200, 201)
        answer = browser.fill("/notices/webhooks/change?name=crm", "POST /v1/webhooks/crm/test")
        self.assertEqual(200, answer.status)
        self.assertRegex(answer.text, "<dt>Отправлено</dt><dd>нет</dd>")


class Audits(PageTest):
    def found(self, browser, expected):
        """Runs the audits by the page's form, and waits until they have found as much of the schema."""
        asked = browser.fill("/days", "POST /v1/audit-runs")
        self.assertEqual((200, True), (asked.status, "Начато" in asked.text))
        row = f'<th scope="row">audit_schema</th><td class="number">{expected}</td>'
        self.assertTrue(support.wait_for(lambda: row in browser.get("/days").text, support.START_SECONDS),
                        browser.get("/days").text)

    def test_audits_that_fail_are_told_without_being_computed_for_who_looks(self):
        self.company()
        self.api.post(f"/v1/days/{support.OPENING}/close").expect(201)
        browser = self.browser()
        self.assertIn("ещё не было", browser.get("/days").text)
        self.found(browser, 0)
        support.alter(self.database, "CREATE TRIGGER strange AFTER INSERT ON payment BEGIN SELECT 1; END")
        # What was found is told, not what there is: nothing was computed for this request.
        self.assertNotIn("нашла нарушения", browser.get("/").text)
        self.found(browser, 1)
        self.assertRegex(browser.get("/").text, "Проверка книг от [^<]+ нашла нарушения: audit_schema<")
        self.server.stop()
        self.server = browser.server = self.start()
        self.assertIn("нашла нарушения: audit_schema<", browser.get("/").text)
        support.alter(self.database, "DROP TRIGGER strange")
        self.found(browser, 0)
        self.assertNotIn("нашла нарушения", browser.get("/").text)

    def serve_books(self, opening, through):
        """Books opened so many days ago, and closed through the day so many days ago, as the server keeps them."""
        self.server.stop()
        self.database = self.folder / "past.db"
        today = datetime.datetime.now(MOSCOW).date().isoformat()
        self.tokens = support.Books.copy(self.database, support.day_plus(today, -opening))
        support.must("close", "--database", self.database, "--through", support.day_plus(today, -through))
        self.server = self.start("--close-after", "6h")

    def test_overdue_days_are_told_of(self):
        self.serve_books(4, 4)
        browser = self.browser()
        with self.server.client("crm") as crm:
            overdue = crm.get("/healthz").expect(200).json["overdue_days"]
        self.assertGreater(overdue, 0)
        self.assertIn(f"Не закрыты прошедшие дни: {overdue}<", browser.get("/").text)

    def test_a_server_audits_by_itself(self):
        self.serve_books(2, 1)
        browser = self.browser()
        self.assertTrue(support.wait_for(
            lambda: re.search(r"после закрытия \d\d\.\d\d\.\d{4}<", browser.get("/days").text), support.START_SECONDS),
            browser.get("/days").text)


class Figures(PageTest):
    def test_today_shows_the_figures_of_a_minute_ago(self):
        account = self.company()
        self.api.post(f"/v1/days/{support.OPENING}/close").expect(201)
        self.server.stop()
        self.server = self.start("--demo-clock")
        browser = self.browser()

        def restricted():
            """Of which minute the figures are, and whether the company is among those who will be restricted."""
            text = browser.get("/").text
            return re.search(r"на (\d\d\.\d\d[^<]*)<", text).group(1), f'href="/companies/{account}"' in text
        self.assertTrue(support.wait_for(lambda: restricted()[1], support.START_SECONDS))
        first, _ = restricted()
        self.assertTrue(first)
        self.assertIn("CRM", browser.get("/revenue").text)

    def test_they_are_kept_for_whoever_asks(self):
        self.server.stop()
        self.server = self.start("--demo-clock")
        browser = self.browser()

        def states():
            return re.search('<section class="table">.*?</section>', browser.get("/").text, re.S).group(0)

        def are_kept():
            """One company more is not counted at once. It would be, if they were computed for this request."""
            before = states()
            with self.server.client("crm") as crm:
                crm.post("/v1/accounts", {"name": "Ещё одна"}).expect(201)
            return states() == before
        self.assertTrue(support.wait_for(are_kept, support.START_SECONDS))


class Documents(PageTest):
    def test_an_invoice_is_issued_found_and_printed(self):
        account = self.company(HOSTILE, legal_name=HOSTILE, tax_id="7700000001", postal_address="Москва")
        admin = self.server.client("admin", now=support.NOW)
        self.addCleanup(admin.close)
        admin.put("/v1/issuer", {
            "valid_from": support.OPENING, "name": "Вендор", "tax_id": "7700000000", "bank_account": "4" * 20,
            "bank_name": HOSTILE, "bic": "044525225", "corr_account": "3" * 20}).expect(201)
        browser = self.browser()
        writes = f"POST /v1/accounts/{account}/invoices"
        preview = browser.fill(f"/companies/{account}/documents", writes, amount="5000")
        self.assertEqual(200, preview.status, preview.text)
        self.assertEqual([], self.api.get("/v1/documents").expect(200).json)
        self.assertEqual(303, browser.confirm(preview).status)
        [invoice] = self.api.get("/v1/documents").expect(200).json
        self.assertEqual(("invoice", 500000), (invoice["kind"], invoice["total"]))
        page = browser.get(f"/documents/{invoice['document_id']}")
        self.assertEqual(200, page.status)
        self.assertNotIn("<script>alert", page.text)
        printed = browser.ask("GET", f"/documents/{invoice['document_id']}.pdf", binary=True)
        self.assertEqual((200, "application/pdf"), (printed.status, printed.headers["Content-Type"]))
        self.assertTrue(printed.body.startswith(b"%PDF-"))
        found = browser.get(f"/companies?q={invoice['number']}").text
        self.assertIn(f'href="/companies/{account}"', found)
        self.assertEqual(303, Browser(self.server).get(f"/documents/{invoice['document_id']}.pdf").status)


class Pages(PageTest):
    def pages(self, account):
        return ["/", "/companies", "/companies?q=1", "/companies?state=active", "/companies/new",
                f"/companies/{account}", f"/companies/{account}/ledger", f"/companies/{account}/actions",
                f"/companies/{account}/requisites", f"/companies/{account}/standing",
                f"/companies/{account}/subscriptions/crm", "/receipts", "/receipts?status=matched",
                "/receipts/standing",
                "/debtors", "/debtors?by=age", "/prices", "/prices/crm", "/prices/crm/month", "/revenue",
                "/prices/new?service_id=x", "/days",
                "/days/change?day=2026-11-05", "/notices", "/notices?status=failed",
                "/notices/templates", "/notices/templates/grace/ru", "/notices/templates/grace/ru/preview",
                "/documents", "/documents?month=2026-11&kind=act", "/documents/standing",
                f"/companies/{account}/documents", f"/companies/{account}/notices", "/documents/months/2026-11",
                "/documents/months/2026-11?by=email", "/notices?status=moot", "/notices?status=captured",
                "/notices/webhooks", "/notices/webhooks/change?name=x", "/access",
                "/access/tokens/crm"]

    def test_every_page_with_hostile_names(self):
        account = self.company(HOSTILE, legal_name=LONG, tax_id=HOSTILE[:30], contract=HOSTILE, external_id=HOSTILE,
                               postal_address=HOSTILE, admin_email="a@b.example")
        self.api.put("/v1/services/crm", {"name": HOSTILE, "kind": "recurring", "unit": HOSTILE}).expect(200)
        self.api.post(f"/v1/accounts/{account}/payments",
                      {"amount": 5, "method": "sbp", "payer": HOSTILE, "purpose": HOSTILE,
                       "external_id": HOSTILE}).expect(201)
        self.api.post(f"/v1/accounts/{account}/adjustments",
                      {"amount": -5, "kind": "correction", "reason": HOSTILE}).expect(201)
        owner = self.server.client("admin", now=support.NOW)
        self.addCleanup(owner.close)
        issuer = dict.fromkeys(("name", "legal_name", "address", "bank_name", "director", "accountant"), HOSTILE)
        owner.put("/v1/issuer", {"valid_from": support.OPENING, "tax_id": "7700000000", "bic": "044525000",
                                 "bank_account": "4" * 20, "corr_account": "3" * 20, **issuer}).expect(201)
        self.api.post(f"/v1/accounts/{account}/invoices", {"amount": 100}).expect(201)
        self.api.put("/v1/notice-templates/grace/ru", {"subject": HOSTILE, "body": HOSTILE}).expect(200)
        self.api.put("/v1/webhooks/crm", {"url": "https://a.example/" + urllib.parse.quote(HOSTILE)}).expect(201)
        owner.post("/v1/tokens", {"name": HOSTILE, "role": "crm"}).expect(201)
        admin = self.browser("admin")
        receipt = self.receipt(self.browser())
        [document] = self.api.get("/v1/documents").expect(200).json
        more = [f"/receipts/{receipt}", f"/receipts/{receipt}/standing", f"/documents/{document['document_id']}",
                "/notices/webhooks/change?" + urllib.parse.urlencode({"name": HOSTILE}),
                "/access/tokens/" + urllib.parse.quote(HOSTILE, safe="")]
        for path in self.pages(account) + more:
            with self.subTest(path):
                answer = admin.get(path)
                self.assertEqual(200, answer.status, answer.text)
                self.assertNotIn("<script>alert", answer.text)
                self.assertEqual("nosniff", answer.headers["X-Content-Type-Options"])
                self.assertEqual("no-store", answer.headers["Cache-Control"])
                self.assertEqual(
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
                    answer.headers["Content-Security-Policy"])
                self.assertNotRegex(answer.text, r"<[^>]+\s(style|on\w+)=")
        self.assertIn(html.escape(HOSTILE, quote=True).replace("&#x27;", "&#39;"),
                      admin.get(f"/companies/{account}").text)

    def test_every_link_leads_to_a_page(self):
        account = self.company()
        admin = self.browser("admin")
        seen = set()
        for path in self.pages(account):
            for link in re.findall(r'(?:href|src|data-chart)="([^"#]+)', admin.get(path).text):
                link = html.unescape(link)
                if link in seen or link.startswith("line") or link == "bar":
                    continue
                seen.add(link)
                target = urllib.parse.urljoin(path, link)
                if target.startswith("/"):
                    self.assertEqual(200, admin.get(target).status, f"{target} of {path}")
        self.assertIn("/companies/new", seen)

    def test_in_english(self):
        self.api.put("/v1/policy", {"valid_from": support.TODAY, "language": "en"})
        self.api.put("/v1/policy", {"valid_from": support.OPENING, "language": "en"}).expect(200)
        account = self.company("Chamomile")
        admin = self.browser("admin")
        for path in self.pages(account):
            with self.subTest(path):
                text = re.sub(r"<details.*?</details>", "", admin.get(path).text, flags=re.S)
                self.assertIn('<html lang="en">', text)
                if "/days" not in path and "/notices/templates" not in path:
                    self.assertEqual([], re.findall(r"[А-Яа-яЁё]+(?![^<]*</option>)", text))

    def test_search(self):
        names = {"ООО «Ромашка»": None, "ромашковый луг": None, "Beta & Sons": None, "Ёлка": None}
        for number, name in enumerate(names):
            names[name] = self.company(name, tax_id=f"77012345{number:02}", external_id=f"crm-{number}")
        browser = self.browser()

        def found(query):
            text = browser.get("/companies?" + urllib.parse.urlencode({"q": query})).text
            return {int(number) for number in re.findall(r'href="/companies/(\d+)"', text)}

        romashka, meadow, beta, tree = names.values()
        for query, expected in (("РОМАШК", {romashka, meadow}), ("рома", {romashka, meadow}), ("ЁЛКА", {tree}),
                                ("елка", {tree}), ("е", {tree}),
                                ("beta &", {beta}), ("7701234502", {beta}), ("crm-3", {tree}),
                                ("ро", {romashka, meadow}),
                                ("б", set()), ("B", {beta}), ("нет такой", set()), ('"', set()), ("%", set()),
                                ("crm-0", {romashka}), (f"{meadow}", {meadow, beta}), ("* OR 1", set())):
            with self.subTest(query):
                self.wait_for(lambda: found(query) == expected, lambda: f"{found(query)} is not {expected}")
        self.api.patch(f"/v1/accounts/{beta}", {"name": "Gamma"}).expect(200)
        self.wait_for(lambda: (found("gam"), found("beta")) == ({beta}, set()), lambda: "the index does not follow")

    def test_a_search_within_a_state_is_complete(self):
        for number in range(30):
            self.api.post("/v1/accounts", {"name": f"ООО Пробная {number}"}).expect(201)
        active = [self.company(f"ООО Работающая {number}") for number in range(5)]
        browser = self.browser()

        def found(path):
            answer = browser.get(path)
            self.assertEqual(200, answer.status, answer.text)
            following = re.search(r'href="(/companies\?[^"]*after=[^"]*)"', answer.text)
            return ([int(number) for number in re.findall(r'href="/companies/(\d+)"', answer.text)],
                    following and html.unescape(following[1]))
        path = "/companies?" + urllib.parse.urlencode({"q": "ооо", "state": "active", "limit": 2})
        self.wait_for(lambda: found(path)[0] == active[:2], lambda: found(path))
        seen = []
        while path:
            numbers, path = found(path)
            seen += numbers
        self.assertEqual(active, seen)

    def test_what_is_exactly_asked_for_comes_first_and_once(self):
        for number in range(12):
            self.api.post("/v1/accounts", {"name": f"Филиал 12-{number}"}).expect(201)
        other = self.api.post("/v1/accounts", {"name": "Другая", "external_id": "12-1"}).expect(201).json["account_id"]
        browser = self.browser()

        def found(query, **more):
            text = browser.get("/companies?" + urllib.parse.urlencode({"q": query, **more})).text
            following = re.search(r'href="(/companies\?[^"]*after=[^"]*)"', text)
            numbers = [int(number) for number in re.findall(r'href="/companies/(\d+)"', text)]
            return numbers, following and html.unescape(following[1])
        self.wait_for(lambda: set(found("12-1")[0]) == {2, 11, 12, other}, lambda: found("12-1"))
        self.assertEqual([other, 2, 11, 12], found("12-1")[0])
        first, following = found("12-1", limit=1)
        self.assertEqual([other], first)

        def rest_of(following):
            rest = []
            while following:
                query = dict(urllib.parse.parse_qsl(following.partition("?")[2]))
                numbers, following = found(query.pop("q"), **query)
                rest += numbers
            return rest
        self.assertEqual([2, 11, 12], rest_of(following))
        # Two are exactly what is asked for, more than a page shows: the account of that number, and that external id.
        self.api.patch(f"/v1/accounts/{other}", {"external_id": "12"}).expect(200)
        first, following = found("12", limit=1)
        self.assertEqual([12], first)
        rest = rest_of(following)
        self.assertEqual(other, rest[0])
        self.assertEqual([*range(1, 12)], rest[1:])

    def test_the_index_follows_books_that_were_put_back(self):
        account = self.company("Прежняя")
        browser = self.browser()

        def found(query):
            text = browser.get("/companies?" + urllib.parse.urlencode({"q": query})).text
            return f'href="/companies/{account}"' in text
        self.wait_for(lambda: found("прежн"), lambda: "the index does not follow")
        self.server.stop()
        backup = self.folder / "backup.db"
        support.must("backup", "--database", self.database, backup)
        self.server = browser.server = self.start()
        with self.server.client("operator", now=support.NOW) as api:
            api.patch(f"/v1/accounts/{account}", {"name": "Новая"}).expect(200)
        self.wait_for(lambda: (found("прежн"), found("новая")) == (False, True), lambda: "the index does not follow")
        self.server.stop()
        for suffix in ("-wal", "-shm"):
            pathlib.Path(f"{self.database}{suffix}").unlink(missing_ok=True)
        backup.replace(self.database)
        self.server = browser.server = self.start()
        self.wait_for(lambda: (found("прежн"), found("новая")) == (True, False), lambda: "the index is of other books")

    def wait_for(self, holds, told):
        for _ in range(2000):
            if holds():
                return
        self.fail(told())

    def test_no_page(self):
        browser = self.browser()
        for path in ("/nothing", "/companies/999", "/receipts/9", "/companies/x", "/days/change"):
            answer = browser.get(path)
            self.assertIn(answer.status, (404, 422), path)
            self.assertIn("<!DOCTYPE html>", answer.text)
        self.assertEqual(404, browser.get("/assets/style.0000.css").status)


if __name__ == "__main__":
    unittest.main()
