#!/usr/bin/python3
"""Documents of every kind as they are printed, read back by other programs: what the law wants to be on each and the
order of it by pdftotext; that nothing lies over anything else or off the page; the QR code by zbarimg; the XML by
xmllint against the tax service's scheme, where that stands beside the checkout (../shared/upd/upd503.xsd, or
SALDO_UPD_SCHEME).

Seen to fail: cells as wide as their text; a head that is not repeated; the creation date of the clock; a row higher
than a page that is not parted; the system's fonts; a correction without its number in the XML; lines without КолТов in
the XML's place for it; a contract of 31 February; a period that is the day of the correction; a sole proprietor without
a name.
"""

import collections
import copy
import html.parser
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ET

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RENDER = os.environ.get("SALDO_RENDER", str(ROOT / "build" / "tests" / "render"))
SCHEME = pathlib.Path(os.environ.get("SALDO_UPD_SCHEME", str(ROOT.parent / "shared" / "upd" / "upd503.xsd")))

TITLES = {"act": ("Акт", "Act"), "invoice": ("Счёт на оплату", "Invoice"),
          "upd": ("Универсальный передаточный документ", "Universal transfer document"),
          "reconciliation": ("Акт сверки взаимных расчётов", "Reconciliation statement")}
SERVICES = [("crm", "CRM, тариф 6–10 сотрудников, 10–30 октября 2026, 21 день", 21, 2200),
            ("pbx", "Виртуальная АТС, 1–31 октября 2026, 31 день", 31, 2200),
            ("owners_db", "База собственников, 1–31 октября 2026, 31 день", 31, None)]


def tax_in(amount, rate):
    return None if rate is None else (2 * amount * rate + 10000 + rate) // (2 * (10000 + rate))


def common(kind, language="ru"):
    russian = language == "ru"
    return {
        "kind": kind, "number": 12, "issued_on": "2026-10-31",
        "title": TITLES[kind][not russian] + (" № 12 от 31 октября 2026 года" if russian else
                                              " No. 12 of 31 October 2026"),
        "month": "2026-10" if kind in ("act", "upd") else None, "correction_number": None, "corrected_on": None,
        "language": language, "currency": "RUB",
        "issuer": {"valid_from": "2025-12-01", "name": "Вендор", "legal_name": "ООО «Вендор»", "tax_id": "7700000000",
                   "kpp": "770001001", "address": "101000, Москва, Мясницкая, 1", "bank_name": "АО «Банк»",
                   "bic": "044525000", "bank_account": "40702810000000000001",
                   "corr_account": "30101810000000000000", "director": "Орлова М. И.", "accountant": "Громов С. П."},
        "customer": {"account_id": 250, "name": "Ромашка", "legal_name": "ООО «Ромашка»", "tax_id": "7701234567",
                     "kpp": "770101001", "postal_address": "127000, Москва, ул. Лесная, д. 5",
                     "signatory": "Иванов И. И.",
                     "document_delivery": "post"},
        "contract": "№ 15 от 01.02.2026"}


def finish(content, words="Четыре тысячи рублей 00 копеек"):
    taxes = [line["tax"] for line in content["lines"] if line["tax"] is not None]
    content["total"] = sum(line["amount"] for line in content["lines"])
    content["tax"] = sum(taxes) if taxes else None
    content["total_in_words"] = words
    content["adjustment_ids"], content["tax_rates"] = [], {}
    if content["kind"] == "upd":
        content["status"] = 1 if taxes else 2
    return content


def line(number, service, name, quantity, rate, amount, unit="дн."):
    return {"line": number, "service_id": service, "name": name, "unit": unit, "quantity": quantity, "amount": amount,
            "tax_label": "Без НДС" if rate is None else f"НДС {rate // 100} %", "basis_points": rate,
            "tax": tax_in(amount, rate), "period_from": "2026-10-01", "period_to": "2026-10-31"}


def month(kind, lines=3, language="ru", taxed=True, name=None):
    content = common(kind, language)
    content["lines"] = []
    for i in range(lines):
        service, words, quantity, rate = SERVICES[i % 3]
        content["lines"].append(line(i + 1, service, name or words, quantity, rate if taxed else None,
                                     135313 + 101 * i))
    return finish(content)


def invoice(language="ru"):
    content = common("invoice", language)
    text = "Пополнение лицевого счёта № 250" if language == "ru" else "Top-up of account 250"
    content["lines"] = [line(1, None, text, 1, 2200, 5000000, unit=None)]
    finish(content, "Пятьдесят тысяч рублей 00 копеек")
    purpose = "Оплата по счёту № 12 от 31.10.2026, лицевой счёт № 250. В т. ч. НДС 22 %: 9016.39 руб."
    content.update(tax_note=None, until=None, employees=None, purpose=purpose)
    content["qr"] = ("ST00012|Name=ООО «Вендор»|PersonalAcc=40702810000000000001|BankName=АО «Банк»|BIC=044525000|"
                     f"CorrespAcc=30101810000000000000|Sum=5000000|Purpose={purpose}|PayeeINN=7700000000|KPP=770001001")
    return content


def reconciliation(entries=4, opening=100000, language="ru"):
    content = common("reconciliation", language)
    content.update(period_from="2026-09-01", period_to="2026-10-31", opening_balance=opening, entries=[])
    for i in range(entries):
        day = f"2026-09-{1 + i % 30:02}"
        content["entries"].append(
            {"day": day, "kind": "payment", "text": "Оплата: Банковский перевод, № 77", "debit": 0, "credit": 500000,
             "reference": i} if i % 2 == 0 else
            {"day": day, "kind": "charges", "text": "Услуги за сентябрь 2026", "debit": 123456, "credit": 0,
             "reference": None})
    content["debit"] = sum(entry["debit"] for entry in content["entries"])
    content["credit"] = sum(entry["credit"] for entry in content["entries"])
    content["closing_balance"] = content["total"] = opening + content["credit"] - content["debit"]
    content.update(tax=None, total_in_words="")
    return content


def long_names(content):
    content = copy.deepcopy(content)
    name = "Общество с ограниченной ответственностью «" + "Предприятие связи и услуг " * 9
    content["issuer"]["legal_name"] = name[:200]
    content["customer"]["legal_name"] = "Ж" * 200
    content["issuer"]["kpp"] = content["customer"]["kpp"] = None
    content["customer"]["postal_address"] = "628600, Ханты-Мансийский автономный округ – Югра, " * 4
    content["issuer"]["director"] = "Константинопольский-Переяславский В. В."
    return content


def proprietor(content, director=None):
    """Of an issuer who is a person, and signs himself."""
    content = copy.deepcopy(content)
    content["issuer"].update(tax_id="770123456789", kpp=None, legal_name="ИП Петров Пётр Петрович", director=director,
                             accountant=None)
    return content


def bare(content):
    """Nothing but what the tables demand."""
    content = copy.deepcopy(content)
    for party in ("issuer", "customer"):
        for name in content[party]:
            if name not in ("valid_from", "name", "account_id", "document_delivery"):
                content[party][name] = None
    content["contract"] = None
    if "qr" in content:
        content["qr"] = None
    return content


def greatest(kind):
    content = month(kind)
    for each in content["lines"]:
        each["amount"], each["quantity"] = 10**15, 10**9
        each["tax"] = tax_in(10**15, each["basis_points"])
    return finish(content)


def corrected(content):
    content = copy.deepcopy(content)
    content.update(correction_number=1, corrected_on="2026-12-08")
    return content


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="saldo-printing-")
        cls.folder = pathlib.Path(cls.directory.name)
        cls.addClassCleanup(cls.directory.cleanup)

    def run_render(self, form, *contents):
        paths = []
        for number, content in enumerate(contents):
            paths.append(self.folder / f"{number}.json")
            row = {"document_id": number + 1, "kind": content["kind"], "content": json.dumps(content,
                                                                                             ensure_ascii=False)}
            paths[-1].write_text(json.dumps(row), encoding="utf-8")
        return subprocess.run([RENDER, form, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def render(self, form, *contents):
        result = self.run_render(form, *contents)
        self.assertEqual((0, b""), (result.returncode, result.stderr))
        return result.stdout

    def pdf(self, *contents, form="pdf"):
        path = self.folder / "document.pdf"
        path.write_bytes(self.render(form, *contents))
        return path

    def pages(self, path):
        """The texts of a PDF's pages, in the order in which they are written, each run of white space a blank."""
        text = subprocess.run(["pdftotext", "-q", "-raw", path, "-"], stdout=subprocess.PIPE,
                              check=True).stdout.decode()
        pages = text.split("\f")
        self.assertEqual("", pages.pop())
        return [" ".join(page.split()) for page in pages]

    def text(self, content):
        return " ".join(self.pages(self.pdf(content)))

    def assert_in_order(self, parts, text):
        place = 0
        for part in parts:
            found = text.find(part, place)
            self.assertGreaterEqual(found, 0, f"{part!r} is not behind {text[max(0, place - 60):place]!r} in {text!r}")
            place = found + len(part)


class Requisites(Case):
    """What is on paper. For acts and the transfer document by article 9, part 2 of the law 402-FZ: name, date, who made
    it, what was done, measures in kind and money, positions, signatures with names; for the invoice within the UPD by
    article 169, point 5 of the tax code."""

    ISSUER = ["ООО «Вендор»", "7700000000", "770001001", "101000, Москва, Мясницкая, 1"]
    CUSTOMER = ["ООО «Ромашка»", "7701234567", "770101001", "127000, Москва, ул. Лесная, д. 5"]

    def test_act(self):
        text = self.text(month("act"))
        self.assert_in_order(
            ["Акт № 12 от 31 октября 2026 года", "об оказании услуг за октябрь 2026 г.", "Исполнитель:", *self.ISSUER,
             "Заказчик:", *self.CUSTOMER, "Основание (договор):", "№ 15 от 01.02.2026", "Наименование услуг", "Кол-во",
             "Ед.", "Цена с НДС, руб.", "Ставка НДС", "Сумма НДС, руб.", "Сумма с НДС, руб."], text)
        for part in ("CRM, тариф 6–10 сотрудников, 10–30 октября 2026, 21 день", "дн.", "64,4348", "22 %", "244,01",
                     "1 353,13", "без НДС"):
            self.assertIn(part, text)
        self.assert_in_order(
            ["Итого:", "4 062,42", "В том числе НДС 22 %:", "488,20", "Услуги без НДС:", "1 355,15",
             "Всего оказано услуг: 3, на сумму 4 062,42 руб., в том числе НДС 488,20 руб.",
             "Четыре тысячи рублей 00 копеек", "Заказчик претензий", "ИСПОЛНИТЕЛЬ", "ЗАКАЗЧИК", "Руководитель",
             "Орлова М. И.", "Иванов И. И.", "(должность)", "(подпись)", "(фамилия, инициалы)", "М. П."], text)
        self.assertNotIn("Исправление", text)

    def test_act_without_tax(self):
        text = self.text(month("act", taxed=False))
        self.assert_in_order(["Цена, руб.", "Сумма, руб.", "Итого:", "4 062,42", "Без НДС", "на сумму 4 062,42 руб."],
                             text)
        self.assertNotIn("в том числе", text)

    def test_corrections(self):
        for kind in ("act", "upd"):
            with self.subTest(kind):
                self.assert_in_order(["№ 12 от 31 октября 2026 года", "Исправление № 1 от 8 декабря 2026 года"],
                                     self.text(corrected(month(kind))))

    def test_invoice(self):
        text = self.text(invoice())
        for part in ("АО «Банк»", "Банк получателя", "БИК", "044525000", "Корр. сч.", "30101810000000000000",
                     "ИНН 7700000000", "КПП 770001001", "Сч. №", "40702810000000000001", "Получатель"):
            self.assertIn(part, text)
        self.assert_in_order(
            ["Счёт на оплату № 12 от 31 октября 2026 года", "Поставщик:", *self.ISSUER, "Покупатель:", *self.CUSTOMER,
             "Назначение платежа:", invoice()["purpose"], "Пополнение лицевого счёта № 250", "22 %", "9 016,39",
             "50 000,00", "Итого:", "50 000,00", "В том числе НДС 22 %:", "9 016,39", "Всего к оплате: 50 000,00 руб.",
             "Пятьдесят тысяч рублей 00 копеек", "Руководитель", "Орлова М. И.", "Бухгалтер", "Громов С. П."], text)

    def test_invoice_whose_tax_is_not_known(self):
        content = invoice()
        content["lines"][0].update(tax=None, basis_points=None, tax_label="НДС указывается в закрывающих документах")
        content.update(tax=None, tax_note="НДС указывается в закрывающих документах")
        text = self.text(content)
        self.assert_in_order(["Итого:", "50 000,00", "НДС указывается в закрывающих документах"], text)
        self.assertNotIn("Без НДС", text)

    def test_upd(self):
        text = self.text(month("upd"))
        for part in (
                "Универсальный передаточный документ", "Статус: 1", "Счет-фактура № 12 от 31 октября 2026 года", "(1)",
                "Исправление № — от —", "(1а)", "Продавец:", "(2)", "(2а)",
                "ИНН/КПП продавца: 7700000000/770001001", "(2б)",
                "Грузоотправитель", "(3)", "Грузополучатель", "(4)", "К платежно-расчетному документу", "(5)",
                "Универсальный передаточный документ, № п/п 1–3, № 12 от 31.10.2026", "(5а)", "(5б)",
                "Покупатель:", "(6)",
                "(6а)", "7701234567/770101001", "(6б)", "Российский рубль, 643", "(7)",
                "государственного контракта", "(8)",
                "постановлению Правительства Российской Федерации", "№ 1137", *self.ISSUER[:1], self.ISSUER[3],
                self.CUSTOMER[0], self.CUSTOMER[3], "Код товара/ работ, услуг", "Единица измерения", "359", "дн.",
                "без акциза", "22 %", "Всего к оплате (9)", "3 574,22", "488,20", "4 062,42",
                "Руководитель организации или иное уполномоченное лицо", "Главный бухгалтер", "Громов С. П.",
                "Индивидуальный предприниматель", "[8]", "Договор № 15 от 01.02.2026", "[9]", "[10]", "Орлова М. И.",
                "Дата отгрузки, передачи (сдачи) 31.10.2026 [11]", "Услуги оказаны за октябрь 2026 г.", "[12]", "[13]",
                "ООО «Вендор», ИНН/КПП 7700000000/770001001 [14]", "Иванов И. И.", "[15]", "[16]", "[17]", "[18]",
                "ООО «Ромашка», ИНН/КПП 7701234567/770101001 [19]", "М. П."):
            self.assertIn(part, text)
        self.assert_in_order(["А", "1", "1а", "1б", "2", "2а", "3", "4", "5", "6", "7", "8", "9", "10", "10а", "11"],
                             text[text.index("подлежащего прослеживаемости"):])
        # By columns 4, 5, 8 and 9: without tax, the tax, with it.
        self.assert_in_order(["21", "52,815", "1 109,12", "без акциза", "22 %", "244,01", "1 353,13"], text)

    def test_upd_of_status_2(self):
        text = self.text(month("upd", taxed=False))
        self.assertIn("Статус: 2", text)
        self.assertIn("без НДС", text)
        self.assertNotIn("Громов С. П.", text)
        self.assertIn("Орлова М. И. [10]", text)

    def test_upd_before_advances_were_told(self):
        content = month("upd")
        content["issued_on"] = "2026-03-31"
        self.assertNotIn("(5б)", self.text(content))

    def test_a_sole_proprietor_signs_himself(self):
        for content, behind in ((month("act"), "ИСПОЛНИТЕЛЬ"), (invoice(), "Всего к оплате:"), (month("upd"), "[9]"),
                                (reconciliation(), "ОТ ИСПОЛНИТЕЛЯ")):
            with self.subTest(content["kind"]):
                text = self.text(proprietor(content))
                text = text[text.index(behind):].replace("Руководитель организации или иное", "")
                self.assertIn("Индивидуальный предприниматель", text)
                self.assertIn("ИП Петров Пётр Петрович", text.replace("[14]", "").split("(ф. и. о.)")[0]
                              if content["kind"] == "upd" else text)
                self.assertNotIn("Руководитель", text)
                # Who signs in his place is named.
                other = self.text(proprietor(content, director="Сидорова А. Б."))
                self.assertIn("Сидорова А. Б.", other[other.index(behind):])
        english = self.text(proprietor(month("act", language="en")))
        self.assertIn("Sole proprietor", english)

    def test_a_contract_that_says_what_it_is(self):
        for contract, printed in (("№ 15 от 01.02.2026", "Договор № 15 от 01.02.2026"),
                                  ("Договор оферты № 15", "Договор оферты № 15"),
                                  ("Публичная оферта", "Публичная оферта")):
            content = month("upd")
            content["contract"] = contract
            text = self.text(content)
            basis = text[text.index("получения (приемки)"):text.index("[8]")]
            self.assertEqual(printed, basis.removeprefix("получения (приемки)").strip())

    def test_nothing_is_said_to_be_rendered_where_nothing_was(self):
        for language, statement in (("ru", "Услуги оказаны полностью"), ("en", "The services were rendered in full")):
            self.assertIn(statement, self.text(month("act", language=language)))
            text = self.text(corrected(month("act", 0, language=language)))
            self.assertNotIn(statement, text)

    def test_what_has_no_unit_has_no_quantity_and_no_price(self):
        content = month("upd", 1)
        content["lines"][0].update(unit=None, quantity=1, name="Настройка", service_id="setup")
        text = self.text(content)
        row = text[text.index("Настройка"):text.index("без акциза")]
        self.assertEqual("Настройка — — — — — 1 109,12", " ".join(row.split()))
        goods = ET.fromstring(self.render("xml", content)).find("Документ/ТаблСчФакт/СведТов")
        self.assertEqual({"НомСтр": "1", "НаимТов": "Настройка", "СтТовБезНДС": "1109.12", "НалСт": "22%",
                          "СтТовУчНал": "1353.13"}, dict(goods.attrib))

    def test_reconciliation(self):
        text = self.text(reconciliation())
        self.assert_in_order(
            ["Акт сверки взаимных расчётов № 12 от 31 октября 2026 года", "за период с 01.09.2026 по 31.10.2026",
             *self.ISSUER, *self.CUSTOMER, "№ 15 от 01.02.2026", "По данным ООО «Вендор», руб.",
             "По данным ООО «Ромашка», руб.", "Дата", "Документ", "Дебет", "Кредит", "Дата", "Документ", "Дебет",
             "Кредит",
             "Сальдо начальное", "1 000,00", "01.09.2026", "Оплата: Банковский", "5 000,00", "02.09.2026",
             "Услуги за сентябрь 2026", "1 234,56", "Обороты за период", "2 469,12", "10 000,00", "Сальдо конечное",
             "8 530,88", "По данным исполнителя (ООО «Вендор») на 31.10.2026 задолженность в пользу заказчика "
             "составляет 8 530,88 руб. (Восемь тысяч пятьсот тридцать рублей 88 копеек).", "ОТ ИСПОЛНИТЕЛЯ",
             "ОТ ЗАКАЗЧИКА",
             "Орлова М. И.", "Иванов И. И."], text)

    def test_who_owes_whom(self):
        self.assertIn("задолженность отсутствует.", self.text(reconciliation(entries=0, opening=0)))
        self.assertIn("в пользу исполнителя составляет 10,05 руб. (Десять рублей 05 копеек).",
                      self.text(reconciliation(entries=0, opening=-1005)))

    def test_english(self):
        cases = ((month("act", language="en"), ["Act No. 12", "Supplier:", "Customer:", "Qty", "Total:", "4,062.42"]),
                 (invoice("en"), ["Beneficiary's bank", "Invoice No. 12", "Total due: 50,000.00 RUB", "Director"]),
                 (month("upd", language="en"), ["Status: 1", "Seller:", "Total due (9)", "Date of transfer"]),
                 (reconciliation(language="en"), ["Reconciliation statement", "Debit", "Opening balance",
                                                  "the supplier owes the customer 8,530.88 RUB"]))
        for content, parts in cases:
            with self.subTest(content["kind"]):
                text = self.text(content)
                for part in parts:
                    self.assertIn(part, text)
                # What is left in Russian comes from the content, or is a column's letter.
                for word in ("Исполнитель", "Заказчик", "Итого", "Продавец", "Сальдо", "Страница", "подпись"):
                    self.assertNotIn(word, text)


class Layout(Case):
    PLAIN = (month("act"), month("act", 1), month("act", 60), invoice(), month("upd"), month("upd", 60),
             reconciliation(), reconciliation(60), *map(proprietor, (month("act"), invoice(), month("upd"),
                                                                     reconciliation())))
    HARD = (long_names(month("act", 4, name="Ы" * 500)), long_names(invoice()), long_names(month("upd", 4,
                                                                                                 name="слово " * 83)),
            long_names(month("upd", 2, name="Ы" * 500)), long_names(reconciliation()), greatest("act"), greatest("upd"),
            month("act", 2, name="Очень длинное описание. " * 400), month("upd", 2, name="Ы" * 9000),
            bare(month("act")), bare(invoice()), bare(month("upd")), bare(reconciliation()), corrected(month("upd")))

    def words(self, path):
        """(page, width, height, words), a word as (text, left, top, right, bottom), in points."""
        bbox = subprocess.run(["pdftotext", "-q", "-bbox", path, "-"], stdout=subprocess.PIPE, check=True).stdout
        for number, page in enumerate(ET.fromstring(bbox).iter("{http://www.w3.org/1999/xhtml}page"), 1):
            words = [(word.text, *(float(word.get(name)) for name in ("xMin", "yMin", "xMax",
                                                                      "yMax"))) for word in page]
            yield number, float(page.get("width")), float(page.get("height")), words

    def test_nothing_lies_over_anything_else_or_off_the_page(self):
        for content in (*self.PLAIN, *self.HARD):
            path = self.pdf(content)
            for number, width, height, words in self.words(path):
                where = f"{content['kind']} {content['customer']['name']} page {number}"
                for text, left, top, right, bottom in words:
                    self.assertTrue(27 < left and right < width - 27 and 27 < top and bottom < height - 20, (where,
                                                                                                             text))
                # The boxes reach beyond the letters, by which lines touch: their inner half is compared.
                lines = collections.defaultdict(list)
                for text, left, top, right, bottom in words:
                    quarter = (bottom - top) / 4
                    lines[int((top + bottom) / 2) // 4].append((text, left + .3, top + quarter, right - .3,
                                                                bottom - quarter))
                for band, those in lines.items():
                    near = those + lines.get(band + 1, [])
                    for i, one in enumerate(those):
                        for other in near[i + 1:]:
                            if one[1] < other[3] and other[1] < one[3] and one[2] < other[4] and other[2] < one[4]:
                                self.fail(f"{where}: {one} lies over {other}")

    def test_heads_are_repeated_and_pages_numbered(self):
        for content, head, last in ((month("act", 60), "Наименование услуг", "Заказчик претензий"),
                                    (month("upd", 60), "Код товара/", "Всего к оплате (9)"),
                                    (reconciliation(120), "По данным ООО «Вендор», руб.", "Сальдо конечное")):
            pages = self.pages(self.pdf(content))
            self.assertGreater(len(pages), 1)
            for number, page in enumerate(pages, 1):
                self.assertIn(head, page)
                self.assertIn(f"Страница {number} из {len(pages)}", page)
                self.assertIn(content["title"], page)
            # Totals and signatures do not stand on a page without a line.
            self.assertIn(last, pages[-1])
            self.assertIn("М. П.", pages[-1])
            if content["kind"] == "act":
                rows = [re.findall(r"31 октября 2026, 31 день", page) for page in pages]
                self.assertEqual(40, sum(map(len, rows)))
                self.assertIn("База собственников", pages[-1])

    def test_one_page_has_no_number(self):
        for content in (month("act"), invoice(), month("upd"), reconciliation()):
            pages = self.pages(self.pdf(content))
            self.assertEqual(1, len(pages))
            self.assertNotIn("Страница", pages[0])

    def test_lines_to_sign_on_do_not_run_into_each_other(self):
        """By the columns of the HTML, which are the PDF's: between position, signature and name one of 2 mm."""
        for content in (month("act"), reconciliation()):
            html = self.render("html", content).decode()
            signatures = html[html.rindex("<table"):]
            widths = re.findall(r'<col(?: style="width:([0-9.]+)mm")?>', signatures)
            self.assertEqual(["2", "2", "", "2", "2"], [width for width in widths if width in ("2", "")])
            signed = next(row for row in re.findall("<tr.*?</tr>", signatures) if "Орлова" in row)
            lined = ['class="b' in cell for cell in re.findall("<td[^>]*>", signed)]
            self.assertEqual([True, False, True, False, True, False, True, False, True, False, True], lined)

    def test_a_row_higher_than_a_page_is_parted(self):
        content = month("act", 2, name="слово " * 2000)
        text = self.text(content)
        self.assertEqual(4000, len(re.findall("слово", text)))

    def test_words_broken_within_are_whole_when_they_are_read(self):
        text = self.text(month("act", 1, name="Ы" * 500))
        self.assertEqual(500, text.count("Ы"))
        self.assertNotIn("-", text.replace("Кол-во", ""))

    def test_pages_are_of_a4(self):
        for content, size in ((month("act"), "595.276 x 841.89"), (month("upd"), "841.89 x 595.276")):
            info = subprocess.run(["pdfinfo", self.pdf(content)], stdout=subprocess.PIPE, check=True).stdout.decode()
            self.assertRegex(info, rf"Page size: +{size} pts \(A4\)")


class Bytes(Case):
    def test_nothing_of_this_process_or_moment_is_in_it(self):
        """Another locale, time zone, folder of fonts and moment."""
        content = month("upd")
        once = self.render("pdf", content)
        path = self.folder / "0.json"
        fonts = self.folder / "fonts.conf"
        fonts.write_text('<?xml version="1.0"?><fontconfig><match target="font"><edit name="matrix" mode="assign">'
                         "<times><name>matrix</name><matrix><double>1</double><double>0.2</double><double>0</double>"
                         "<double>1</double></matrix></times></edit></match></fontconfig>", encoding="utf-8")
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "ar", "PANGO_LANGUAGE": "ar", "TZ": "Asia/Tokyo",
                       "FONTCONFIG_FILE": str(fonts), "HOME": "/nonexistent"}
        again = subprocess.run([RENDER, "pdf", path], stdout=subprocess.PIPE, env=environment, check=True).stdout
        self.assertEqual(once, again)

    def test_dates_are_those_of_the_document(self):
        for content, day in ((month("act"), "20261031"), (corrected(month("act")), "20261208")):
            info = subprocess.run(["pdfinfo", "-rawdates", self.pdf(content)], stdout=subprocess.PIPE, check=True)
            for name in ("CreationDate", "ModDate"):
                self.assertRegex(info.stdout.decode(), rf"{name}: +{day}000000Z")

    def test_letters_are_part_of_it(self):
        for content in (month("act"), month("upd"), invoice(), reconciliation()):
            listed = subprocess.run(["pdffonts", self.pdf(content)], stdout=subprocess.PIPE, check=True).stdout.decode()
            fonts = listed.splitlines()[2:]
            self.assertTrue(fonts)
            for font in fonts:
                self.assertRegex(font, r"^[A-Z]{6}\+PTSans-(Regular|Bold) ")
                self.assertRegex(font, r" yes yes yes ")


class Qr(Case):
    def decoded(self, content):
        path = self.pdf(content)
        subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", path, self.folder / "page"], check=True)
        return subprocess.run(["zbarimg", "--quiet", "--raw", "--oneshot", "-Sbinary", self.folder / "page.png"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout

    def test_byte_for_byte(self):
        long = long_names(invoice())
        long["qr"] = long["qr"].replace("ООО «Вендор»", long["issuer"]["legal_name"])
        for content in (invoice(), long, invoice("en")):
            self.assertEqual(content["qr"].encode(), self.decoded(content))

    def test_none_where_the_content_has_none(self):
        content = invoice()
        content["qr"] = None
        self.assertEqual(b"", self.decoded(content))


class Post(Case):
    def test_one_after_the_other_each_with_its_address(self):
        contents = []
        for number, kind in enumerate(("act", "upd", "reconciliation", "act"), 1):
            content = reconciliation() if kind == "reconciliation" else month(kind, 60 if number == 1 else 1)
            content["title"] = content["title"].replace("12", str(100 + number))
            content["customer"]["legal_name"] = f"ООО «Получатель {number}»"
            content["customer"]["postal_address"] = f"12700{number}, Москва, Тверская, {number}"
            contents.append(content)
        path = self.pdf(*contents, form="post")
        pages = self.pages(path)
        firsts = [i for i, page in enumerate(pages) if "Кому:" in page]
        self.assertEqual(4, len(firsts))
        self.assertEqual(0, firsts[0])
        self.assertGreater(firsts[1], 1)
        for number, first in enumerate(firsts, 1):
            self.assertIn(f"Кому: ООО «Получатель {number}» Куда: 12700{number}, Москва, Тверская, {number}",
                          pages[first])
        self.assertIn("Страница 2 из", pages[1])
        # At the top right.
        bbox = subprocess.run(["pdftotext", "-bbox", path, "-"], stdout=subprocess.PIPE, check=True).stdout
        for page in ET.fromstring(bbox).iter("{http://www.w3.org/1999/xhtml}page"):
            for word in page:
                if word.text == "Кому:":
                    self.assertGreater(float(word.get("xMin")), float(page.get("width")) / 2)
                    self.assertLess(float(word.get("yMax")), 60)
        self.assertEqual(path.read_bytes(), self.render("post", *contents))

    def test_english(self):
        self.assertIn("To: ООО «Ромашка» 127000, Москва", self.pages(self.pdf(month("act", language="en"),
                                                                              form="post"))[0])


class Reader(html.parser.HTMLParser):
    """The text of a page, and the tags that are open at its end."""

    VOID = ("meta", "br", "col", "path")

    def __init__(self):
        super().__init__()
        self.open, self.text, self.names = [], [], collections.Counter()

    def handle_starttag(self, tag, attrs):
        self.names[tag] += 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names[tag] += 1

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        if "style" not in self.open and "title" not in self.open:
            self.text.append(data)


class Html(Case):
    def read(self, content):
        reader = Reader()
        reader.feed(self.render("html", content).decode())
        self.assertEqual([], reader.open)
        return reader

    def test_says_what_the_pdf_says(self):
        for content in (month("act"), invoice(), month("upd"), reconciliation(), long_names(month("act")),
                        bare(invoice()), corrected(month("upd")), month("act", language="en")):
            def letters(text):
                # pdftotext takes a hyphen at the end of a line for one that parts a word.
                return collections.Counter("".join(text.replace("-", "").split()))
            self.assertEqual(letters(self.text(content)), letters("".join(self.read(content).text)), content["kind"])

    def test_pages_are_numbered_where_there_are_several(self):
        for content, several in ((month("act"), False), (month("upd"), False), (month("act", 60), True)):
            self.assertEqual(several, b"counter(pages)" in self.render("html", content))

    def test_a_browser_prints_the_same_pages(self):
        for content in (month("act"), month("act", 60), month("upd", 60), invoice()):
            source, printed = self.folder / "printed.html", self.folder / "printed.pdf"
            source.write_bytes(self.render("html", content))
            subprocess.run(["chromium", "--headless", "--no-sandbox", f"--user-data-dir={self.folder / 'chromium'}",
                            "--no-pdf-header-footer", f"--print-to-pdf={printed}", source.as_uri()],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=300)
            numbers = [[re.findall(r"Страница \d+ из \d+", page) for page in self.pages(path)]
                       for path in (self.pdf(content), printed)]
            self.assertEqual(*numbers, content["kind"])

    def test_is_well_formed_and_without_scripts(self):
        for content in (month("act", 60), invoice(), month("upd", 60), reconciliation(60)):
            names = self.read(content).names
            self.assertEqual(set(), set(names) - {
                "html", "head", "meta", "title", "style", "body", "table", "colgroup", "col", "thead", "tbody",
                "tr", "th",
                "td", "h1", "span", "br", "svg", "path"})
            self.assertEqual(1, names["h1"])


class Xml(Case):
    CASES = (month("upd"), month("upd", taxed=False), month("upd", 60), corrected(month("upd")),
             corrected(month("upd", taxed=False)), long_names(month("upd", name="Ы" * 500)), greatest("upd"),
             month("upd", language="en"), month("upd", name="<&>\"'\u0001\n—√Ә"))

    @staticmethod
    def persons():
        content = month("upd", taxed=False)
        for party, name in (("issuer", "ИП Петров Пётр Петрович"), ("customer", "Алиев Али Гейдар оглы")):
            content[party].update(tax_id="770123456789", kpp=None, legal_name=name)
        content["issuer"].update(director=None)
        return content

    @staticmethod
    def poorest():
        """A correction to nothing, of an account that was to pay nothing."""
        content = corrected(month("upd", 0))
        content["issuer"].update(address=None, bank_account=None, kpp=None)
        content["customer"].update(postal_address=None, kpp=None)
        content["contract"] = "устная договорённость"
        return content

    @staticmethod
    def contracted(contract):
        content = month("upd")
        content["contract"] = contract
        return content

    @unittest.skipUnless(SCHEME.exists(), f"the tax service's scheme is not there: {SCHEME}")
    def test_against_the_scheme(self):
        other_rates = month("upd")
        for each, rate in zip(other_rates["lines"], (0, 500, 700)):
            each.update(basis_points=rate, tax=tax_in(each["amount"], rate), unit="сообщение")
        unmeasured = month("upd", 1)
        unmeasured["lines"][0].update(unit=None, quantity=1)
        for content in (*self.CASES, self.persons(), self.poorest(), finish(other_rates), unmeasured,
                        self.contracted("№ 15 от 1 февраля 2026 года"), self.contracted("№ 15 от 31.02.2026")):
            path = self.folder / (self.render("name", content).decode() + ".xml")
            path.write_bytes(self.render("xml", content))
            checked = subprocess.run(["xmllint", "--noout", "--schema", SCHEME, path], stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, check=False)
            self.assertEqual(0, checked.returncode, checked.stdout.decode())

    def test_says_what_the_document_says(self):
        for content in (*self.CASES, self.persons(), self.poorest()):
            root = ET.fromstring(self.render("xml", content))
            self.assertEqual(self.render("name", content).decode(), root.get("ИдФайл"))
            document = root.find("Документ")
            self.assertEqual({1: "СЧФДОП", 2: "ДОП"}[content["status"]], document.get("Функция"))
            self.assertEqual("1115131", document.get("КНД"))
            invoice_part = document.find("СвСчФакт")
            self.assertEqual(("12", "31.10.2026"), (invoice_part.get("НомерДок"), invoice_part.get("ДатаДок")))
            correction = invoice_part.find("ИспрДок")
            self.assertEqual(content["correction_number"] and ("1", "08.12.2026"),
                             correction if correction is None else (correction.get("НомИспр"),
                                                                    correction.get("ДатаИспр")))
            rows = document.findall("ТаблСчФакт/СведТов")
            self.assertEqual(len(content["lines"]), len(rows))

            def kopecks(text):
                return int(text.replace(".", ""))
            for row, each in zip(rows, content["lines"]):
                tax = row.findtext("СумНал/СумНал")
                self.assertEqual(each["tax"], None if tax is None else kopecks(tax))
                self.assertEqual(each["amount"], kopecks(row.get("СтТовУчНал")))
                self.assertEqual(each["amount"] - (each["tax"] or 0), kopecks(row.get("СтТовБезНДС")))
                self.assertEqual(str(each["quantity"]), row.get("КолТов"))
                self.assertEqual("359", row.get("ОКЕИ_Тов"))
                self.assertEqual("без НДС" if each["basis_points"] is None else f"{each['basis_points'] // 100}%",
                                 row.get("НалСт"))
            if rows:
                totals = document.find("ТаблСчФакт/ВсегоОпл")
                self.assertEqual(content["total"], kopecks(totals.get("СтТовУчНалВсего")))
                self.assertEqual(content["total"] - (content["tax"] or 0), kopecks(totals.get("СтТовБезНДСВсего")))

    def test_contracts(self):
        read = {"№ 15 от 01.02.2026": ("Договор", "15", "01.02.2026"),
                "№ 15 от 1.2.2026": ("Договор", "15", "01.02.2026"),
                "Договор оферты № 15-А от 01.02.2026 г.": ("Договор оферты", "15-А", "01.02.2026"),
                "№ 15 от 1 февраля 2026 г.": ("Договор", "15", "01.02.2026"),
                "№ 15 от 1\u00a0февраля 2026\u00a0года": ("Договор", "15", "01.02.2026"),
                "Контракт № 7 от «29» февраля 2028 года": ("Контракт", "7", "29.02.2028"),
                "№ 15 от 31.02.2026": None, "№ 15 от 29 февраля 2026 г.": None, "№ 15 от 01.13.2026": None,
                "№ 15 от 00.01.2026": None, "№ 15 от 1 фебраля 2026 г.": None, "№ 15 от 01.02.1826": None,
                "№ 15": None}
        for contract, parts in read.items():
            with self.subTest(contract):
                part = ET.fromstring(self.render("xml", self.contracted(contract))).find("Документ/СвПродПер")
                basis = part.find("СвПер/ОснПер")
                self.assertEqual(parts, basis if basis is None else tuple(
                    basis.get(name) for name in ("РеквНаимДок", "РеквНомерДок", "РеквДатаДок")))
                # What cannot be taken apart is handed on as it stands.
                said = part.find("ИнфПолФХЖ3/ТекстИнф")
                self.assertEqual(contract if parts is None else None, said if said is None else said.get("Значен"))

    def test_a_document_without_lines_is_of_its_month(self):
        part = ET.fromstring(self.render("xml", self.poorest())).find("Документ/СвПродПер/СвПер")
        self.assertEqual(("01.10.2026", "31.10.2026"), (part.get("ДатаНачПер"), part.get("ДатаОконПер")))

    def test_a_person_needs_two_names(self):
        content = self.persons()
        content["customer"]["legal_name"] = "ИП Алиев"
        result = self.run_render("xml", content)
        self.assertEqual(1, result.returncode)
        self.assertRegex(result.stderr.decode(), "^conflict: the customer's legal_name is 'ИП Алиев'")


if __name__ == "__main__":
    unittest.main()
