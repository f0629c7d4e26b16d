#!/usr/bin/python3
"""bank_statement of files as programs of banks write them, asked from Python: every byte of each encoding, references
computed anew from what the README says, files cut off at every line, periods that overlap, and sizes. The extension is
SALDO_EXTENSION, or build/saldo.so.

Each was seen to fail, the product broken on purpose:
  encodings: two characters of cp866 exchanged (encoding.cpp); cp866 only where the file says DOS (statement.cpp)
  references: the payer's account left out (reference_of in statement.cpp); no-break spaces kept (fields.cpp)
  cut off: КонецФайла not asked for (exchange_1c.cpp)
  overlapping: references numbered over all files by a static counter (statement.cpp)
  sizes: a line that goes on copied each time (exchange_1c.cpp): no end within ten minutes"""

import hashlib
import os
import pathlib
import re
import sqlite3
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXTENSION = os.environ.get("SALDO_EXTENSION", str(ROOT / "build" / "saldo.so"))
OWN = "40702810100000000001"
SECOND = "40702810200000000002"
OTHER = "40702810900000000009"
COLUMNS = ("number", "date", "booked_on", "direction", "amount", "currency", "own_account", "payer", "payer_tax_id",
           "payer_account", "payee", "payee_tax_id", "payee_account", "purpose", "reference", "warning")


def connect():
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    connection.row_factory = sqlite3.Row
    return connection


def document(number, day, amount, purpose="Оплата по счету", payer=OTHER, payee=OWN):
    booked = "ДатаПоступило" if payee in (OWN, SECOND) else "ДатаСписано"
    return ["СекцияДокумент=Платежное поручение", f"Номер={number}", f"Дата={day}", f"Сумма={amount}",
            f"ПлательщикСчет={payer}", "Плательщик=ИНН 7700000001 ООО «Ромашка» Ёлкина", f"ПолучательСчет={payee}",
            f"{booked}={day}", "Получатель1=ООО Сальдо", f"НазначениеПлатежа={purpose}", "КонецДокумента"]


def exchange(documents, encoding="Windows", accounts=(OWN,), end="\r\n"):
    lines = ["1CClientBankExchange", "ВерсияФормата=1.03", f"Кодировка={encoding}"]
    lines += [f"РасчСчет={account}" for account in accounts]
    for each in documents:
        lines += each
    return end.join(lines + ["КонецФайла"]) + end


class BankStatement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.connection = connect()

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()

    def rows(self, content):
        return self.connection.execute("SELECT * FROM bank_statement(?)", [content]).fetchall()

    def error(self, content):
        with self.assertRaises(sqlite3.OperationalError) as raised:
            self.rows(content)
        return str(raised.exception)

    def test_columns(self):
        [row] = self.rows(exchange([document(1, "16.11.2026", "5")]))
        self.assertEqual(COLUMNS, tuple(row.keys()))

    def test_doubt_is_a_hidden_column(self):
        content = exchange([document(1, "16.11.2026", "5"), document(2, "16.11.2026", "-5")])
        self.assertEqual(
            [(None,), ("the sum is negative: it goes the other way",)],
            [tuple(row) for row in self.connection.execute("SELECT doubt FROM bank_statement(?)", [content])])

    def test_encodings(self):
        text = exchange([document("АБ-7", "16.11.2026", "700", "Оплата по счёту № 12")])
        expected = [tuple(row) for row in self.rows(text)]
        self.assertEqual("ООО «Ромашка» Ёлкина", expected[0][7])
        # What the file says of its encoding does not count.
        for says in ("Windows", "DOS", "UTF-8", ""):
            said = text.replace("Кодировка=Windows", f"Кодировка={says}")
            for content in (said, said.encode(), b"\xef\xbb\xbf" + said.encode(), said.encode("cp1251"),
                            said.encode("utf-16"), said.encode("utf-16-be").join((b"\xfe\xff", b""))):
                self.assertEqual(expected, [tuple(row) for row in self.rows(content)])
            # cp866 has no such quotation marks.
            plain = said.replace("«", '"').replace("»", '"')
            self.assertEqual([tuple(row) for row in self.rows(plain)],
                             [tuple(row) for row in self.rows(plain.encode("cp866"))])

    def test_every_byte_of_an_encoding(self):
        for encoding in ("cp866", "cp1251"):
            for byte in range(0x80, 0x100):
                content = exchange([document(1, "16.11.2026", "5", "a@b")]).replace("«", '"').replace("»", '"')
                content = content.encode(encoding).replace(b"@", bytes([byte]))
                [row] = self.rows(content)
                if encoding == "cp1251" and byte == 0x98:
                    self.assertEqual("a\ufffdb", row["purpose"])
                    self.assertEqual("some characters could not be read", row["warning"])
                else:
                    self.assertEqual("a" + bytes([byte]).decode(encoding) + "b", row["purpose"], hex(byte))
                    self.assertIsNone(row["warning"])

    def test_utf8_with_a_broken_character(self):
        content = exchange([document(1, "16.11.2026", "5", "Оплат@"), document(2, "16.11.2026", "6")]).encode()
        rows = self.rows(content.replace(b"@", b"\xd0"))
        self.assertEqual(["Оплат\ufffd", "Оплата по счету"], [row["purpose"] for row in rows])
        self.assertEqual(["some characters could not be read", None], [row["warning"] for row in rows])

    def test_camt_encodings(self):
        text = (ROOT / "tests" / "statements" / "camt_053_001_08.xml").read_text(encoding="utf-8")
        expected = [tuple(row) for row in self.rows(text)]
        self.assertGreater(len(expected), 2)
        for name, codec in (("windows-1251", "cp1251"), ("UTF-16", "utf-16"), ("UTF-8", "utf-8-sig")):
            content = text.replace('encoding="UTF-8"', f'encoding="{name}"').encode(codec)
            self.assertEqual(expected, [tuple(row) for row in self.rows(content)])

    def test_references_by_the_readme(self):
        """Another program's: from the columns alone."""
        documents = [document(1, "16.11.2026", "700", "Оплата\u00a0по  счету \t12"), document("", "", "0.01", ""),
                     document(2, "17.11.2026", "5", payer=OWN, payee=OTHER)] * 2
        camt = (ROOT / "tests" / "statements" / "camt_053_001_08.xml").read_bytes()
        for content in (exchange(documents), camt):
            seen = {}
            for row in self.rows(content):
                fields = [row["own_account"], row["booked_on"], row["number"], str(row["amount"]),
                          row["payer_account"], re.sub("[\t-\r \u00a0]", "", row["purpose"] or "")]
                digest = hashlib.sha256("\n".join(field or "" for field in fields).encode()).hexdigest()
                seen[digest] = seen.get(digest, 0) + 1
                self.assertEqual(digest if seen[digest] == 1 else f"{digest}#{seen[digest]}", row["reference"])

    def test_cut_off_at_every_line(self):
        for name in sorted((ROOT / "tests" / "statements").iterdir()):
            content = name.read_bytes()
            whole = [tuple(row) for row in self.rows(content)]
            self.assertNotEqual([], whole)
            ends = [match.end() for match in re.finditer(b"\n", content)]
            last = re.search(rb"(\xd0\x9a\xd0\xbe\xd0\xbd\xd0\xb5\xd1\x86\xd0\xa4\xd0\xb0\xd0\xb9\xd0\xbb\xd0\xb0"
                             rb"|</Document>|</Envelope>)\s*\Z", content).end(1)
            for end in [0, *ends]:
                with self.subTest(name=name.name, end=end):
                    if end >= last:
                        self.assertEqual(whole, [tuple(row) for row in self.rows(content[:end])])
                    else:
                        self.assertRegex(self.error(content[:end]), "^invalid: (line [0-9]+: |the statement is empty)")

    def test_overlapping_periods_in_any_order(self):
        """A payment is one reference in whichever files it comes; two payments that look the same are two in each."""
        days = [f"{day:02}.11.2026" for day in range(1, 11)]
        payments = {day: [document(number, day, "100", f"Счет {number}") for number in range(3)] +
                    [document(9, day, "50", "Одинаковые")] * (2 if day == "05.11.2026" else 1) for day in days}
        references = set()
        for first, last in ((0, 10), (2, 6), (4, 10), (0, 5), (4, 5)):
            rows = self.rows(exchange([each for day in days[first:last] for each in payments[day]]))
            found = {row["reference"] for row in rows}
            self.assertEqual(len(rows), len(found))
            references |= found
        self.assertEqual(10 * 4 + 1, len(references))

    def test_two_accounts(self):
        rows = self.rows(exchange([document(1, "16.11.2026", "1"), document(1, "16.11.2026", "1", payee=SECOND)],
                                  accounts=(OWN, SECOND)))
        self.assertEqual([(OWN, "in"), (SECOND, "in")], [(row["own_account"], row["direction"]) for row in rows])
        self.assertNotEqual(rows[0]["reference"], rows[1]["reference"])

    def test_hostile_sizes(self):
        """What could be quadratic is not: each ends within a small multiple of a plain file of the same size."""
        plain = exchange([document(number, "16.11.2026", "5") for number in range(20_000)])
        started = time.process_time()
        self.assertEqual(20_000, len(self.rows(plain)))
        seconds = max(time.process_time() - started, 0.1)
        size = len(plain.encode())

        def many(line, times=None):
            return line * (times or size // len(line.encode()))

        begin = "1CClientBankExchange\nРасчСчет=" + OWN + "\n"
        one = "\n".join(document(1, "16.11.2026", "5")) + "\n"
        files = {
            "a value of many lines": begin + one.replace("КонецДок", many("ы\n") + "КонецДок") + "КонецФайла",
            "one long line": begin + one.replace("Оплата", many("Оплата ")) + "КонецФайла",
            "many accounts": begin + "".join(f"РасчСчет={10 ** 19 + i}\n" for i in range(100_000)) +
            many(one, 20_000) + "КонецФайла",
            "many masked accounts": begin + "".join(f"РасчСчет=4070281***{10 ** 9 + i}\n" for i in range(50_000)) +
            many(one.replace(OTHER, "40702*"), 20_000) + "КонецФайла",
            "many totals that disagree": begin + "".join(
                f"СекцияРасчСчет\nРасчСчет={10 ** 19 + i}\nВсегоПоступило=5\nКонецРасчСчет\n" for i in range(20_000)) +
            many(one, 20_000) + "КонецФайла",
            "spaces": begin + one.replace("Оплата", "Оплата" + many(" ")) + "КонецФайла",
            "tabs between spaces": begin + one.replace("Оплата", "Оплата" + many("x \t ")) + "КонецФайла",
            "digits": begin + one.replace("Сумма=5", "Сумма=" + many("5")) + "КонецФайла",
            "deep": "<Document>" + many("<a>"),
            "many elements": "<Document><BkToCstmrStmt>" + many("<Stmt/>") + "</BkToCstmrStmt></Document>",
            "many attributes": "<Document " + " ".join(f"a{i}='1'" for i in range(200_000)) + "/>",
            "many comments": "<Document><BkToCstmrStmt><Stmt>" + many("<!-- -->") +
            "</Stmt></BkToCstmrStmt></Document>",
            "many texts": "<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>" + many("x<!-- -->") +
            "</IBAN></Id></Acct></Stmt></BkToCstmrStmt></Document>",
        }
        for name, content in files.items():
            with self.subTest(name):
                started = time.process_time()
                try:
                    self.rows(content)
                except sqlite3.OperationalError as error:
                    self.assertRegex(str(error), "^(invalid|out_of_range): ")
                self.assertLess(time.process_time() - started, 20 * seconds, name)


if __name__ == "__main__":
    unittest.main()
