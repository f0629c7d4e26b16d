#!/usr/bin/python3
"""Documents against references by other means: amounts in words against ICU's rules and a speller of its own, tax
against exact fractions, the sums of random histories against the posted charges and fees, numbers against a counter;
and that audit_document names what was altered.

SALDO_SEED=N repeats a run; SALDO_HISTORIES=N plays so many.

Seen to fail: 'один' and 'два' before thousands; a tax cut off instead of rounded; the rate of the month's first day for
all of it; numbers of all kinds or of all years together; an account that counts as documented because another is; bank
payers in months before their first transfer.
"""

import collections
import datetime
import fractions
import json
import math
import os
import pathlib
import random
import sqlite3
import unittest

import icu

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
SEED = int(os.environ.get("SALDO_SEED", "1"))
HISTORIES = int(os.environ.get("SALDO_HISTORIES", "12"))
AMOUNTS = 100_000


def connect(path=":memory:"):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    return connection


def installed(language="ru", opening="2026-11-01"):
    connection = connect()
    connection.execute("SELECT saldo_install(?, 'none')", (opening,))
    connection.execute("UPDATE policy SET language = ?", (language,))
    return connection


def amounts():
    """All small ones, those around round ones, and random ones of every length up to 10^15 kopecks."""
    chance = random.Random(SEED)
    yield from range(25_000)
    for power in range(2, 16):
        for digit in range(1, 10):
            for near in (-101, -100, -1, 0, 1, 99, 100, 101, 200, 1100, 1900):
                yield max(0, min(10**15, digit * 10**power + near))
    while True:
        yield chance.randrange(10 ** chance.randint(3, 15))


class Words(unittest.TestCase):
    """Of ICU only numbers are asked; the forms of the noun are told apart here, by the last two digits as text."""

    def compare(self, language, spell):
        connection = installed(language)
        sample = [amount for _, amount in zip(range(AMOUNTS), amounts())]
        for amount, words in connection.execute(
                "SELECT value, amount_in_words(value) FROM json_each(?)", (json.dumps(sample),)):
            expected = spell(amount)
            if words != expected:
                self.assertEqual(expected, words, amount)
        connection.close()

    @staticmethod
    def russian(number, one, few, many):
        text = f"{number:02}"
        if text[-2] == "1" or text[-1] in "056789":
            return many
        return one if text[-1] == "1" else few

    def test_russian(self):
        rules = icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, icu.Locale("ru"))
        rules.setDefaultRuleSet("%spellout-cardinal-masculine")

        def spell(amount):
            whole, minor = divmod(amount, 100)
            text = rules.format(whole)
            return (f"{text[0].upper()}{text[1:]} {self.russian(whole, 'рубль', 'рубля', 'рублей')} {minor:02} "
                    f"{self.russian(minor, 'копейка', 'копейки', 'копеек')}")
        self.compare("ru", spell)

    def test_english(self):
        rules = icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, icu.Locale("en"))

        def spell(amount):
            whole, minor = divmod(amount, 100)
            text = rules.format(whole)
            return (f"{text[0].upper()}{text[1:]} {'ruble' if whole == 1 else 'rubles'} {minor:02} "
                    f"{'kopeck' if minor == 1 else 'kopecks'}")
        self.compare("en", spell)

    def test_russian_by_a_speller_of_its_own(self):
        """Triads from the right, by words looked up whole: no rule is shared with ICU or with Saldo."""
        below = ("ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать "
                 "четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать").split()
        tens = "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split()
        hundreds = "сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот".split()
        scales = [("рубль", "рубля", "рублей"), ("тысяча", "тысячи", "тысяч"),
                  ("миллион", "миллиона", "миллионов"), ("миллиард", "миллиарда", "миллиардов"),
                  ("триллион", "триллиона", "триллионов")]

        triads = [""]
        for number in range(1, 1000):
            words = [hundreds[number // 100 - 1]] if number >= 100 else []
            rest = number % 100
            if rest >= 20:
                words.append(tens[rest // 10 - 2])
                rest %= 10
            if rest:
                words.append(below[rest])
            triads.append(" ".join(words))

        def spell(amount):
            whole, minor = divmod(amount, 100)
            words, rest = [], whole
            for scale, forms in enumerate(scales):
                rest, triad = divmod(rest, 1000)
                if triad or scale == 0:
                    words.insert(0, self.russian(triad, *forms))
                if triad:
                    text = triads[triad]
                    if scale == 1:
                        text = {"один": "одна", "два": "две"}.get(text.split()[-1], text.split()[-1]).join(
                            [text[:text.rfind(" ") + 1], ""])
                    words.insert(0, text)
            text = " ".join(words) if whole else "ноль рублей"
            return f"{text[0].upper()}{text[1:]} {minor:02} {self.russian(minor, 'копейка', 'копейки', 'копеек')}"
        self.compare("ru", spell)


class Tax(unittest.TestCase):
    def test_against_exact_fractions(self):
        chance = random.Random(SEED)
        rates = [0, 1, 500, 700, 1000, 2000, 2200, 3333, 9999, 10_000]
        cases = [(amount, rate) for amount in range(1000) for rate in rates]
        cases += [(chance.randrange(10 ** chance.randint(1, 18)), chance.choice(rates)) for _ in range(AMOUNTS)]
        cases += [(2**63 - 1 - n, rate) for n in range(50) for rate in rates]
        connection = connect()
        rows = connection.execute(
            "SELECT value ->> 0, value ->> 1, tax_included(value ->> 0, value ->> 1) FROM json_each(?)",
            (json.dumps(cases),))
        for amount, rate, tax in rows:
            exact = fractions.Fraction(amount * rate, 10_000 + rate)
            self.assertEqual(math.floor(exact + fractions.Fraction(1, 2)), tax, (amount, rate))
        connection.close()


def month_days(month):
    day = datetime.date.fromisoformat(f"{month}-01")
    while f"{day}"[:7] == month:
        yield f"{day}"
        day += datetime.timedelta(days=1)


class History:
    """Some months of a few accounts, whose charges, fees and corrections are the database's own; what their documents
    must be is worked out here, day by day."""

    MONTHS = ("2026-11", "2026-12", "2027-01", "2027-02")
    SERVICES = ("crm", "db", "sms")

    def __init__(self, chance):
        self.chance = chance
        self.db = installed(chance.choice(("ru", "en")))
        self.counters = collections.Counter()
        self.documented = {}
        db = self.db
        db.executescript("""
            INSERT INTO service(service_id, name, kind, unit) VALUES ('crm', 'CRM', 'recurring', NULL),
                ('db', 'База', 'recurring', NULL), ('sms', 'SMS', 'usage', 'шт.');
            INSERT INTO issuer(valid_from, name) VALUES ('2026-01-01', 'Vendor');""")
        self.rates = {}
        for service in self.SERVICES:
            days = ["2026-01-01"] + [f"{month}-{chance.randint(1, 28):02}" for month in self.MONTHS
                                     if chance.random() < 0.4]
            self.rates[service] = {day: chance.choice((None, 0, 500, 700, 2000, 2200)) for day in days}
            for day, rate in self.rates[service].items():
                db.execute("INSERT INTO tax_rate(service_id, valid_from, basis_points) VALUES (?, ?, ?)",
                           (service, day, rate))
            for low in sorted({1, chance.randint(2, 6), chance.randint(7, 20)}):
                db.execute("INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee)"
                           " VALUES ('standard', ?, '2026-11-01', ?, ?, ?)",
                           (service, low, chance.choice((0, 1, 299, 349_000)), chance.choice((0, 7, 250))))
        self.accounts = list(range(1, 7))
        for account in self.accounts:
            db.execute("INSERT INTO account(account_id, name, registered_on, documents)"
                       " VALUES (?, 'A', '2026-11-01', ?)",
                       (account, chance.choice(("bank", "bank", "always", "never"))))
            db.execute("INSERT INTO account_terms(account_id, valid_from, status) VALUES (?, '2026-11-01', 'active')",
                       (account,))
            for service in ("crm", "db"):
                if chance.random() < 0.8:
                    db.execute("INSERT INTO subscription(account_id, service_id, started_on, quantity) VALUES"
                               " (?, ?, '2026-11-01', ?)",
                               (account, service, None if chance.random() < 0.7 else chance.randint(0, 20)))

    def live(self, day):
        chance, db = self.chance, self.db
        for account in self.accounts:
            if chance.random() < 0.15:
                db.execute("INSERT INTO headcount(account_id, day, employees) VALUES (?, ?, ?)",
                           (account, day, chance.randint(0, 25)))
            if chance.random() < 0.1:
                db.execute("INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity)"
                           " VALUES (?, ?, 'sms', ?, ?)",
                           (f"{account}-{day}", account, f"{day}T09:00:00Z", chance.randint(1, 30)))
            if chance.random() < 0.04:
                db.execute("INSERT INTO payment(account_id, amount, method, credited_at) VALUES (?, 100000, ?, ?)",
                           (account, chance.choice(("bank_transfer", "sbp")), f"{day}T09:00:00Z"))
            if chance.random() < 0.05:
                db.execute("INSERT INTO adjustment(account_id, amount, kind, effective_at, service_id) VALUES"
                           " (?, ?, 'fee', ?, ?)",
                           (account, -chance.randint(1, 500), f"{day}T09:00:00Z",
                            chance.choice((*self.SERVICES, None))))
            if chance.random() < 0.03:
                for_day = chance.choice([each for month in self.MONTHS for each in month_days(month) if each <= day])
                # All that was charged, more of it, or a charge; half as much again may be more than the line has.
                service = chance.choice(self.SERVICES)
                charged, = db.execute("SELECT coalesce(sum(amount), 0) FROM charge WHERE account_id = ? AND day = ?"
                                      " AND service_id = ?", (account, for_day, service)).fetchone()
                already, = db.execute("SELECT coalesce(sum(amount), 0) FROM adjustment WHERE account_id = ?"
                                      " AND kind = 'correction' AND amount > 0 AND for_day = ? AND service_id = ?",
                                      (account, for_day, service)).fetchone()
                amount = chance.choice((charged - already, charged + charged // 2, -chance.randint(1, 300)))
                if amount:
                    db.execute("INSERT INTO adjustment(account_id, amount, kind, effective_at, service_id, for_day)"
                               " VALUES (?, ?, 'correction', ?, ?, ?)",
                               (account, amount, f"{day}T09:00:00Z", service, for_day))
        db.execute("INSERT INTO day_close(day, closed_at) SELECT ?1, day_end(?1)", (day,))

    def rate_on(self, service, day):
        return self.rates[service][max(each for each in self.rates[service] if each <= day)]

    def adjustments(self, account, month):
        return self.db.execute(
            "SELECT adjustment_id, kind, CASE kind WHEN 'fee' THEN day ELSE for_day END, service_id, -amount"
            " FROM adjustment WHERE account_id = ? AND service_id IS NOT NULL AND kind IN ('fee', 'correction')"
            " AND substr(CASE kind WHEN 'fee' THEN day ELSE for_day END, 1, 7) = ? ORDER BY adjustment_id",
            (account, month)).fetchall()

    def expected_by_rate(self, account, month):
        """By service and rate, with what is on the document whatever its lines."""
        sums = collections.Counter()
        for day, service, amount in self.db.execute(
                "SELECT day, service_id, amount FROM charge WHERE account_id = ? AND substr(day, 1, 7) = ?",
                (account, month)):
            sums[service, self.rate_on(service, day)] += amount
        for _, _, day, service, amount in self.adjustments(account, month):
            sums[service, self.rate_on(service, day)] += amount
        return {key: amount for key, amount in sums.items() if amount}

    def is_refused(self, account, month):
        """Its corrections take more than was charged for a service at one rate."""
        sums = collections.Counter()
        for day, service, amount in self.db.execute(
                "SELECT day, service_id, amount FROM charge WHERE account_id = ? AND substr(day, 1, 7) = ?",
                (account, month)):
            sums[service, self.rate_on(service, day)] += amount
        for _, kind, day, service, amount in self.adjustments(account, month):
            if kind == "correction":
                sums[service, self.rate_on(service, day)] += amount
        return min(sums.values(), default=0) < 0

    def wants(self, account, month):
        wish, first = self.db.execute(
            "SELECT documents, (SELECT min(day) FROM payment AS p WHERE p.account_id = a.account_id"
            " AND method = 'bank_transfer') FROM account AS a WHERE account_id = ?", (account,)).fetchone()
        return wish == "always" or (wish == "bank" and first is not None and first[:7] <= month)

    def check_document(self, test, document_id, month, account):
        total, tax, content = self.db.execute(
            "SELECT total, tax, content FROM document WHERE document_id = ?", (document_id,)).fetchone()
        content = json.loads(content)
        by_rate, taxes = collections.Counter(), []
        for line in content["lines"]:
            by_rate[line["service_id"], line["basis_points"]] += line["amount"]
            test.assertGreater(line["amount"], 0)
            if line["basis_points"] is None:
                test.assertIsNone(line["tax"])
            else:
                exact = fractions.Fraction(line["amount"] * line["basis_points"], 10_000 + line["basis_points"])
                test.assertEqual(math.floor(exact + fractions.Fraction(1, 2)), line["tax"])
                taxes.append(line["tax"])
        test.assertEqual(self.expected_by_rate(account, month), dict(by_rate), (month, account))
        test.assertEqual(sum(by_rate.values()), total)
        test.assertEqual(sum(taxes) if taxes else None, tax)
        test.assertEqual([each[0] for each in self.adjustments(account, month)], content["adjustment_ids"])
        rows = self.db.execute("SELECT service_id, name, unit, quantity, amount, tax_label, tax, period_from, period_to"
                               " FROM document_line WHERE document_id = ? ORDER BY line", (document_id,)).fetchall()
        test.assertEqual([tuple(line[name] for name in ("service_id", "name", "unit", "quantity", "amount", "tax_label",
                                                        "tax", "period_from", "period_to"))
                          for line in content["lines"]], rows)

    def run(self, test, month, issued_on):
        last, = self.db.execute("SELECT coalesce(max(document_id), 0) FROM document").fetchone()
        due = {account: bool(self.expected_by_rate(account, month)) for account in self.accounts
               if (account, month) not in self.documented and self.wants(account, month)}
        try:
            self.db.execute("INSERT INTO document_run(month, issued_on) VALUES (?, ?)", (month, issued_on))
        except sqlite3.Error as error:
            # Nothing was issued, and nothing counted.
            test.assertRegex(str(error), r"^conflict: adjustment \d+ takes the lines of \w+ with one tax rate to -\d+")
            number, = str(error).split(" ")[2:3]
            test.assertIn(int(number), {each[0] for account in due if self.is_refused(account, month)
                                        for each in self.adjustments(account, month)})
            test.assertEqual((last,), self.db.execute("SELECT coalesce(max(document_id), 0) FROM document").fetchone())
            return False
        test.assertEqual([], [account for account in due if self.is_refused(account, month)])
        made = self.db.execute("SELECT document_id, kind, number, issued_on, account_id FROM document"
                               " WHERE document_id > ? ORDER BY document_id", (last,)).fetchall()
        test.assertEqual([account for account, something in due.items() if something], [row[4] for row in made])
        for document_id, kind, number, day, account in made:
            self.counters[kind, day[:4]] += 1
            test.assertEqual((self.counters[kind, day[:4]], issued_on), (number, day))
            self.documented[account, month] = document_id
            self.check_document(test, document_id, month, account)
        return True

    def correct(self, test, day):
        (account, month), document_id = self.chance.choice(sorted(self.documented.items()))
        try:
            self.db.execute("INSERT INTO document_correction(corrects, corrected_on) VALUES (?, ?)", (document_id, day))
        except sqlite3.Error as error:
            test.assertRegex(str(error), r"^conflict: adjustment \d+ takes the lines ")
            test.assertTrue(self.is_refused(account, month), (account, month))
            return
        test.assertFalse(self.is_refused(account, month), (account, month))
        newest, = self.db.execute("SELECT max(document_id) FROM document").fetchone()
        self.check_document(test, newest, month, account)

    def play(self, test):
        waiting = []
        for month in self.MONTHS:
            for day in month_days(month):
                self.live(day)
            waiting.append(month)
            if self.chance.random() < 0.7:
                waiting = [each for each in waiting if not self.run(test, each, day)]
            if self.documented and self.chance.random() < 0.7:
                self.correct(test, day)
            if self.chance.random() < 0.3:
                self.db.execute("UPDATE account SET documents = 'always' WHERE account_id = ?",
                                (self.chance.choice(self.accounts),))
        for month in self.MONTHS:
            self.run(test, month, "2027-03-01")
        test.assertEqual([], self.db.execute("SELECT * FROM audit WHERE violations > 0"
                                             " AND check_name <> 'audit_unpriced'").fetchall())
        count = len(self.documented)
        test.assertEqual((count,), self.db.execute("SELECT sum(documents) FROM document_month").fetchone())
        self.db.close()
        return count


class Histories(unittest.TestCase):
    def test_random_histories(self):
        count = 0
        for number in range(HISTORIES):
            with self.subTest(seed=SEED, history=number):
                count += History(random.Random(f"{SEED} {number}")).play(self)
        self.assertGreater(count, 5 * HISTORIES)


class Altered(unittest.TestCase):
    """Somebody at the file, without the extension and its triggers."""

    @classmethod
    def setUpClass(cls):
        db = installed()
        db.executescript("""
            INSERT INTO service(service_id, name, kind) VALUES ('crm', 'CRM', 'recurring');
            INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee)
                VALUES ('standard', 'crm', '2026-11-01', 0, 3000);
            INSERT INTO account(account_id, name, registered_on, documents)
                SELECT value, 'A', '2026-11-01', 'always' FROM json_each('[1, 2, 3]');
            INSERT INTO account_terms(account_id, valid_from, status)
                SELECT account_id, '2026-11-01', 'active' FROM account;
            INSERT INTO subscription(account_id, service_id, started_on)
                SELECT account_id, 'crm', '2026-11-01' FROM account;
            INSERT INTO issuer(valid_from, name, bank_name, bic, bank_account)
                VALUES ('2026-01-01', 'Vendor', 'Bank', '044525225', '40702810900000000001');
            INSERT INTO tax_rate(service_id, valid_from, basis_points) VALUES ('crm', '2026-01-01', 2200);
            INSERT INTO adjustment(account_id, amount, kind, effective_at, service_id)
                VALUES (1, -50, 'fee', '2026-11-05T09:00:00Z', 'crm');""")
        for day in month_days("2026-11"):
            db.execute("INSERT INTO day_close(day, closed_at) SELECT ?1, day_end(?1)", (day,))
        db.executescript("""
            INSERT INTO document_run(month, issued_on) VALUES ('2026-11', '2026-11-30');
            INSERT INTO invoice(account_id, issued_on, amount) VALUES (1, '2026-12-01', 500);
            INSERT INTO reconciliation(account_id, issued_on, period_from, period_to)
                VALUES (1, '2026-12-01', '2026-11-01', '2026-11-30');
            INSERT INTO document_correction(corrects, corrected_on) VALUES (1, '2026-12-01');
            INSERT INTO document_correction(corrects, corrected_on, recorded_at)
                VALUES (1, '2026-12-02', '2026-12-02T09:00:00Z');
            INSERT INTO invoice(account_id, issued_on, amount) VALUES (2, '2026-12-01', 600);""")
        cls.books = db.serialize()
        db.close()

    def audited(self, sql):
        hand = sqlite3.connect(":memory:", isolation_level=None)
        hand.deserialize(self.books)
        for name in ("saldo_posted",):
            hand.create_function(name, -1, lambda *_: 1, deterministic=True)
        triggers = hand.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid").fetchall()
        for name, _ in triggers:
            hand.execute(f'DROP TRIGGER "{name}"')
        if sql:
            changes = hand.total_changes
            hand.executescript(sql)
            self.assertGreater(hand.total_changes, changes, sql)
        for _, text in triggers:
            hand.execute(text)
        altered = hand.serialize()
        hand.close()
        auditor = connect()
        auditor.deserialize(altered)
        found = auditor.execute("SELECT document_id, problem FROM audit_document ORDER BY 1, 2").fetchall()
        count, = auditor.execute("SELECT violations FROM audit WHERE check_name = 'audit_document'").fetchone()
        self.assertEqual(len(found), count)
        auditor.close()
        return found

    def test_untouched_nothing_is_named(self):
        self.assertEqual([], self.audited(""))

    def test_what_is_altered_is_named(self):
        columns = "its columns are not those of its content"
        for sql, expected in (
                # A kopeck, in the column, in the content, in both.
                ("UPDATE document SET total = total + 1 WHERE document_id = 2",
                 [(2, columns), (2, "its lines sum to 3000 with a tax of 541, not to 3001 with 541"),
                  (2, "the charges of 2026-11 and its adjustments sum to 3000, its total is 3001")]),
                ("UPDATE document SET content = replace(content, '\"total\":3000', '\"total\":3001') "
                 "WHERE document_id = 2", [(2, columns)]),
                ("UPDATE document SET total = 3001, content = replace(content, '\"amount\":3000', '\"amount\":3001'), "
                 "content = replace(replace(content, '\"total\":3000', '\"total\":3001'), '\"amount\":3000', "
                 "'\"amount\":3001') WHERE document_id = 2",
                 [(2, "the charges of 2026-11 and its adjustments sum to 3000, its total is 3001")]),
                ("UPDATE document SET tax = 540, content = replace(content, '\"tax\":541', '\"tax\":540') "
                 "WHERE document_id = 2", [(2, "line 1 has a tax of 540, not 541")]),
                ("UPDATE charge SET amount = amount + 1 WHERE day = '2026-11-07' AND account_id = 3",
                 [(3, "the charges of 2026-11 and its adjustments sum to 3001, its total is 3000")]),
                ("UPDATE document SET content = 'no JSON' WHERE document_id = 2",
                 [(2, columns), (2, "its lines sum to 0 with a tax of 0, not to 3000 with 541")]),
                # Numbers: a gap, one twice, the last one gone.
                ("DELETE FROM document WHERE document_id = 2",
                 [(3, "run 1 made 3 documents, 2 are there"), (3, "there is no act 2 of 2026")]),
                ("DELETE FROM document WHERE document_id = 3", [(2, "run 1 made 3 documents, 2 are there")]),
                ("DELETE FROM document WHERE document_id < 4 OR document_id > 5",
                 [(0, "run 1 made 3 documents, 0 are there")]),
                ("UPDATE document SET number = 2, content = replace(content, '\"number\":3', '\"number\":2') "
                 "WHERE document_id = 3",
                 [(2, "document 3 is act 2 of 2026 too"), (3, "document 2 is act 2 of 2026 too")]),
                ("UPDATE document SET issued_on = '2026-12-09', content = replace(content, "
                 "'\"issued_on\":\"2026-11-30\"', '\"issued_on\":\"2026-12-09\"') WHERE document_id = 2",
                 [(3, "it is of 2026-11-30, before number 2, of 2026-12-09")]),
                ("UPDATE document SET issued_on = '2026-12-02', content = replace(content, "
                 "'\"issued_on\":\"2026-12-01\"', '\"issued_on\":\"2026-12-02\"') WHERE document_id = 4",
                 [(8, "it is of 2026-12-01, before number 1, of 2026-12-02")]),
                # Of another account or month.
                ("UPDATE document SET account_id = 3 WHERE document_id = 2",
                 [(2, "account 3 has document 3 of 2026-11 too"), (2, columns),
                  (3, "account 3 has document 2 of 2026-11 too")]),
                ("UPDATE document SET account_id = 77 WHERE document_id = 4",
                 [(4, columns), (4, "there is no account 77")]),
                # Adjustments.
                ("UPDATE document SET content = replace(content, '\"adjustment_ids\":[1]', '\"adjustment_ids\":[]') "
                 "WHERE document_id = 1",
                 [(1, "it lacks the fee 1"),
                  (1, "the charges of 2026-11 and its adjustments sum to 3000, its total is 3050")]),
                ("UPDATE document SET content = replace(content, '\"adjustment_ids\":[]', '\"adjustment_ids\":[1]') "
                 "WHERE document_id = 2",
                 [(2, "adjustment 1 does not belong to it"),
                  (2, "the charges of 2026-11 and its adjustments sum to 3050, its total is 3000")]),
                ("INSERT INTO adjustment(adjustment_id, account_id, amount, kind, effective_at, day, service_id) "
                 "VALUES (9, 2, -5, 'fee', '2026-11-05T09:00:00Z', '2026-11-05', 'crm')", [(2, "it lacks the fee 9")]),
                # A reconciliation.
                ("UPDATE document SET total = total + 1, content = replace(content, '\"total\":-3050', "
                 "'\"total\":-3049') WHERE document_id = 5",
                 [(5, "the balance of account 1 on 2026-11-30 was -3050, its total is -3049")]),
                # Corrections.
                ("DELETE FROM document WHERE document_id = 6", [(7, "it is no correction 2 of document 1")]),
                ("UPDATE document SET corrects = 2 WHERE document_id = 7",
                 [(7, "it is no correction 2 of document 2")]),
                ("UPDATE document_run SET documents = 4", [(3, "run 1 made 4 documents, 3 are there")])):
            with self.subTest(sql):
                self.assertEqual(expected, self.audited(sql))


if __name__ == "__main__":
    unittest.main()
