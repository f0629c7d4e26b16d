// Documents as they are printed and sent: texts, XML, HTML, and the bytes of PDF. tests/documents
// reads the files back by other programs.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "codecs/charset.h"
#include "documents/fields.h"
#include "documents/html.h"
#include "documents/pdf.h"
#include "documents/sheet.h"
#include "documents/xml.h"
#include "rules/error.h"

namespace saldo::server {
namespace {

using nlohmann::json;

json content(const char* kind) {
  return {{"kind", kind},
          {"number", 12},
          {"issued_on", "2026-10-31"},
          {"title", "Акт № 12 от 31 октября 2026 года"},
          {"month", "2026-10"},
          {"correction_number", nullptr},
          {"corrected_on", nullptr},
          {"language", "ru"},
          {"currency", "RUB"},
          {"issuer",
           {{"name", "Вендор"},
            {"legal_name", "ООО «Вендор»"},
            {"tax_id", "7700000000"},
            {"kpp", "770001001"},
            {"address", "101000, Москва, Мясницкая, 1"},
            {"bank_name", "АО «Банк»"},
            {"bic", "044525000"},
            {"bank_account", "40702810000000000001"},
            {"corr_account", "30101810000000000000"},
            {"director", "Орлова М. И."},
            {"accountant", "Громов С. П."}}},
          {"customer",
           {{"account_id", 250},
            {"name", "Ромашка"},
            {"legal_name", "ООО «Ромашка»"},
            {"tax_id", "7701234567"},
            {"kpp", "770101001"},
            {"postal_address", "127000, Москва, ул. Лесная, 5"},
            {"signatory", "Иванов И. И."}}},
          {"contract", "№ 15 от 01.02.2026"},
          {"lines", json::array({{{"line", 1},
                                  {"service_id", "crm"},
                                  {"name", "CRM, 10–30 октября 2026, 21 день"},
                                  {"unit", "дн."},
                                  {"quantity", 21},
                                  {"amount", 122000},
                                  {"tax_label", "НДС 22 %"},
                                  {"basis_points", 2200},
                                  {"tax", 22000},
                                  {"period_from", "2026-10-10"},
                                  {"period_to", "2026-10-30"}}})},
          {"status", 1},
          {"total", 122000},
          {"tax", 22000},
          {"total_in_words", "Одна тысяча двести двадцать рублей 00 копеек"}};
}

json row(const json& frozen) { return {{"document_id", 1}, {"content", frozen.dump()}}; }

void without_tax(json& frozen) {
  frozen["status"] = 2;
  frozen["tax"] = nullptr;
  for (json& line : frozen["lines"]) {
    line["tax_label"] = "Без НДС";
    line["basis_points"] = nullptr;
    line["tax"] = nullptr;
  }
}

std::string windows_1251(const char* text) { return to_windows_1251(text, true); }

// 'conflict: …' of what document_xml throws; empty: nothing.
std::string xml_error(const json& frozen) {
  try {
    document_xml(row(frozen));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Fields ----------------------------------------------------------------------------------------

TEST(DocumentFields, Amounts) {
  EXPECT_EQ("1 803,28", format_amount(180328, "RUB", "ru"));
  EXPECT_EQ("1,803.28", format_amount(180328, "RUB", "en"));
  EXPECT_EQ("0,05", format_amount(5, "RUB", "ru"));
  EXPECT_EQ("-123 456,00", format_amount(-12345600, "RUB", "ru"));
  EXPECT_EQ("-100,00", format_amount(-10000, "RUB", "ru"));
  EXPECT_EQ("10 000 000 000 000,00", format_amount(1'000'000'000'000'000, "RUB", "ru"));
  EXPECT_EQ("1 803", format_amount(1803, "JPY", "ru"));
  EXPECT_EQ("руб.", currency_unit("RUB", "ru"));
  EXPECT_EQ("RUB", currency_unit("RUB", "en"));
  EXPECT_EQ("EUR", currency_unit("EUR", "ru"));
}

TEST(DocumentFields, RatesDaysAndClassifiers) {
  EXPECT_EQ("22 %", format_rate(2200, "ru"));
  EXPECT_EQ("16,67 %", format_rate(1667, "ru"));
  EXPECT_EQ("0%", format_rate(0, "en"));
  EXPECT_EQ("без НДС", format_rate(std::nullopt, "ru"));
  EXPECT_EQ("31.10.2026", format_short_day(*parse_day("2026-10-31"), "ru"));
  EXPECT_EQ("2026-10-31", format_short_day(*parse_day("2026-10-31"), "en"));
  EXPECT_EQ("359", unit_number("дн."));
  EXPECT_EQ("796", unit_number("шт"));
  EXPECT_EQ("", unit_number("сообщение"));
  ASSERT_NE(nullptr, find_currency_name("RUB"));
  EXPECT_EQ("643", find_currency_name("RUB")->number);
  EXPECT_EQ(nullptr, find_currency_name("XAU"));
}

TEST(DocumentFields, Prices) {
  EXPECT_EQ("58.10", unit_price(122010, 21, "RUB"));
  EXPECT_EQ("64.4348", unit_price(135313, 21, "RUB"));
  EXPECT_EQ("0.333", unit_price(100, 3, "RUB"));
  EXPECT_EQ("0.01", unit_price(1, 1, "RUB"));
  EXPECT_EQ("0.003", unit_price(1, 4, "RUB"));
  EXPECT_EQ("0.00", unit_price(0, 7, "RUB"));
  EXPECT_EQ("33.3", unit_price(100, 3, "JPY"));
  EXPECT_EQ("", unit_price(100, 0, "RUB"));
}

// By decimal digits: price times quantity, rounded, is the amount; and no shorter price would do.
TEST(DocumentFields, PriceTimesQuantityIsTheAmount) {
  __extension__ using Wide = __int128;
  const std::vector<std::int64_t> kQuantities = {1,  2,  3,  7,     28,           29,
                                                 30, 31, 99, 12345, 1'000'000'000};
  for (const std::int64_t quantity : kQuantities) {
    for (std::int64_t amount = 1; amount < 1'000'000'000'000'000; amount = amount * 7 + 3) {
      const std::string price = unit_price(amount, quantity, "RUB");
      const std::size_t point = price.find('.');
      ASSERT_NE(std::string::npos, point);
      Wide digits = 0;
      for (const char c : price) digits = c == '.' ? digits : digits * 10 + (c - '0');
      Wide scale = 1;
      for (std::size_t i = point + 3; i < price.size(); ++i) scale *= 10;
      EXPECT_TRUE((digits * quantity * 2 + scale) / (scale * 2) == amount)
          << amount << ' ' << quantity;
    }
  }
}

TEST(DocumentFields, TextsForPaper) {
  const json object = {{"a", "Один\r\nдва\rтри\tчетыре\u0001пять"}, {"b", nullptr}, {"c", 7}};
  EXPECT_EQ("Один\nдва\nтри четыре пять", text_of(object, "a"));
  EXPECT_EQ("", text_of(object, "b"));
  EXPECT_EQ("7", text_of(object, "c"));
  EXPECT_EQ("", text_of(object, "d"));
  EXPECT_EQ("x y", text_of(json{{"a", "x\uffffy"}}, "a"));
}

TEST(DocumentFields, NamesOfPersons) {
  struct Case {
    const char* name;
    const char* last;
    const char* first;
    const char* middle;
  };
  const Case kCases[] = {
      {"Иванов Иван Иванович", "Иванов", "Иван", "Иванович"},
      {"ИП Иванов Иван", "Иванов", "Иван", ""},
      {"Индивидуальный предприниматель Иванов Иван Иванович", "Иванов", "Иван", "Иванович"},
      {"ИП «Иванов  Иван Иванович»", "Иванов", "Иван", "Иванович"},
      {"Алиев Али Гейдар оглы", "Алиев", "Али", "Гейдар оглы"},
      {"Орлова М. И.", "Орлова", "М.", "И."},
      {"Орлова М.И.", "Орлова", "М.", "И."},
      {"Орлова М.", "Орлова", "М.", ""},
      {"Иванов\u00a0И. И.", "Иванов", "И.", "И."},
      {"ИП Иванов", "", "", ""},
      {"Иванов", "", "", ""},
      {"", "", "", ""}};
  for (const Case& each : kCases) {
    const PersonName name = split_person_name(each.name);
    EXPECT_EQ(each.last, name.last) << each.name;
    EXPECT_EQ(each.first, name.first) << each.name;
    EXPECT_EQ(each.middle, name.middle) << each.name;
  }
}

// XML -------------------------------------------------------------------------------------------

TEST(DocumentXml, FunctionsByStatus) {
  json frozen = content("upd");
  const std::string invoice = document_xml(row(frozen));
  EXPECT_TRUE(has(invoice, windows_1251("Функция=\"СЧФДОП\"")));
  EXPECT_TRUE(has(invoice, windows_1251("НалСт=\"22%\"")));
  EXPECT_TRUE(
      has(invoice, windows_1251("СтТовБезНДСВсего=\"1000.00\" СтТовУчНалВсего=\"1220.00\"")));
  EXPECT_TRUE(has(invoice, windows_1251("<СумНал>220.00</СумНал>")));
  EXPECT_TRUE(has(invoice, windows_1251("ДатаНачПер=\"10.10.2026\" ДатаОконПер=\"30.10.2026\"")));
  EXPECT_TRUE(
      has(invoice,
          windows_1251("РеквНаимДок=\"Договор\" РеквНомерДок=\"15\" РеквДатаДок=\"01.02.2026\"")));
  EXPECT_TRUE(has(invoice, windows_1251("Фамилия=\"Орлова\" Имя=\"М.\" Отчество=\"И.\"")));
  EXPECT_FALSE(has(invoice, windows_1251("ИспрДок")));
  without_tax(frozen);
  const std::string transfer = document_xml(row(frozen));
  EXPECT_TRUE(has(transfer, windows_1251("Функция=\"ДОП\"")));
  EXPECT_TRUE(has(transfer, windows_1251("НалСт=\"без НДС\"")));
  EXPECT_TRUE(has(transfer, windows_1251("<БезНДС>без НДС</БезНДС>")));
}

TEST(DocumentXml, Correction) {
  json frozen = content("upd");
  frozen["correction_number"] = 2;
  frozen["corrected_on"] = "2026-12-08";
  const std::string xml = document_xml(row(frozen));
  EXPECT_TRUE(has(xml, windows_1251("НомерДок=\"12\" ДатаДок=\"31.10.2026\"")));
  EXPECT_TRUE(has(xml, windows_1251("<ИспрДок НомИспр=\"2\" ДатаИспр=\"08.12.2026\"")));
}

// The scheme's own rule: ИдФайл is the file's name.
TEST(DocumentXml, NameOfTheFile) {
  const json frozen = content("upd");
  const std::string name = document_xml_name(row(frozen));
  const std::regex kName(
      "ON_NSCHFDOPPR_7701234567770101001_7700000000770001001_20261031_"
      "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}_0_0_0_0_0_00");
  EXPECT_TRUE(std::regex_match(name, kName)) << name;
  EXPECT_EQ(name, document_xml_name(row(frozen)));
  EXPECT_TRUE(has(document_xml(row(frozen)), windows_1251("ИдФайл=\"") + name + '"'));
  json another = frozen;
  another["total_in_words"] = "";
  EXPECT_NE(name, document_xml_name(row(another)));
}

TEST(DocumentXml, BytesOfWindows1251) {
  json frozen = content("upd");
  frozen["customer"]["legal_name"] = "ООО «Ә & <Б> \"В\"»\u0001";
  const std::string xml = document_xml(row(frozen));
  EXPECT_TRUE(
      xml.starts_with("<?xml version=\"1.0\" encoding=\"windows-1251\"?>\n<\xd4\xe0\xe9\xeb "));
  // U+04D8 has no byte in windows-1251.
  EXPECT_TRUE(has(xml, windows_1251("НаимОрг=\"ООО «") + "&#1240; &amp; &lt;"));
  EXPECT_FALSE(has(xml, "\"\xc2\""));
  EXPECT_FALSE(has(xml, "&#1;"));
  EXPECT_FALSE(has(xml, "\x01"));
  EXPECT_EQ(xml, document_xml(row(frozen)));
}

TEST(DocumentXml, Persons) {
  json frozen = content("upd");
  frozen["customer"]["tax_id"] = "770123456789";
  frozen["customer"]["kpp"] = nullptr;
  frozen["customer"]["legal_name"] = "ИП Иванов Иван Иванович";
  EXPECT_TRUE(has(document_xml(row(frozen)),
                  windows_1251("Фамилия=\"Иванов\" Имя=\"Иван\" Отчество=\"Иванович\"")));
  frozen["customer"]["legal_name"] = "ИП Иванов";
  EXPECT_TRUE(xml_error(frozen).starts_with("conflict: the customer's legal_name is 'ИП Иванов'"));
  frozen["customer"]["legal_name"] = "Ромашка";
  EXPECT_TRUE(xml_error(frozen).starts_with("conflict: "));

  frozen = content("upd");
  frozen["issuer"]["tax_id"] = "770123456789";
  frozen["issuer"]["kpp"] = nullptr;
  frozen["issuer"]["legal_name"] = "Вендор";
  EXPECT_TRUE(xml_error(frozen).starts_with("conflict: the issuer's legal_name is 'Вендор'"));
  frozen["issuer"]["legal_name"] = "Петров Пётр";
  frozen["issuer"]["director"] = nullptr;
  EXPECT_TRUE(has(document_xml(row(frozen)), windows_1251("ИННФЛ=\"770123456789\"")));
}

TEST(DocumentXml, WhatTheFormatHasNoPlaceFor) {
  const auto altered = [](auto alter) {
    json frozen = content("upd");
    alter(frozen);
    return xml_error(frozen);
  };
  EXPECT_EQ("", altered([](json&) {}));
  EXPECT_TRUE(has(xml_error(content("act")), "conflict: "));
  EXPECT_TRUE(has(altered([](json& c) { c["customer"]["tax_id"] = nullptr; }),
                  "conflict: the customer's tax_id is ''"));
  EXPECT_TRUE(has(altered([](json& c) { c["issuer"]["tax_id"] = "77000"; }),
                  "conflict: the issuer's tax_id is '77000'"));
  EXPECT_TRUE(
      has(altered([](json& c) { c["customer"]["kpp"] = "7701"; }), "the customer's kpp is '7701'"));
  EXPECT_TRUE(
      has(altered([](json& c) { c["issuer"]["director"] = nullptr; }), "the issuer's director"));
  EXPECT_TRUE(
      has(altered([](json& c) { c["issuer"]["address"] = nullptr; }), "the issuer has no address"));
  EXPECT_TRUE(has(altered([](json& c) { c["customer"]["postal_address"] = nullptr; }),
                  "the customer has no postal_address"));
  EXPECT_TRUE(
      has(altered([](json& c) { c["lines"][0]["basis_points"] = 1234; }), "the tax rate 12.34%"));
  EXPECT_TRUE(has(altered([](json& c) { c["currency"] = "XAU"; }), "XAU"));
  EXPECT_TRUE(has(altered([](json& c) { c["lines"] = json::array(); }), "without lines"));
  // What a transfer document can do without.
  EXPECT_EQ("", altered([](json& c) {
              without_tax(c);
              c["lines"] = json::array();
              c["total"] = 0;
              c["issuer"]["address"] = nullptr;
              c["issuer"]["bic"] = "0445";
              c["customer"]["postal_address"] = nullptr;
              c["customer"]["kpp"] = nullptr;
              c["contract"] = "устно";
            }));
}

// HTML ------------------------------------------------------------------------------------------

TEST(DocumentHtml, EscapesEveryText) {
  for (const char* kind : {"act", "upd", "invoice", "reconciliation"}) {
    json frozen = content(kind);
    frozen["purpose"] = "Оплата";
    frozen["period_from"] = frozen["period_to"] = "2026-10-31";
    frozen["entries"] = json::array({{{"day", "2026-10-31"}, {"debit", 100}, {"credit", 0}}});
    const std::string hostile =
        "</title></style><script>alert(1)</script><img src=x onerror='a'>&\"";
    // Every text that somebody gives.
    for (const char* member : {"title", "contract", "total_in_words", "purpose"})
      frozen[member] = hostile;
    for (const char* party : {"issuer", "customer"}) {
      for (auto& [name, value] : frozen[party].items()) {
        if (value.is_string()) value = hostile;
      }
    }
    for (const char* list : {"lines", "entries"}) {
      for (json& entry : frozen[list]) {
        for (const char* member : {"name", "unit", "tax_label", "text", "service_id"})
          entry[member] = hostile;
      }
    }
    const std::string html = document_html(row(frozen));
    EXPECT_FALSE(has(html, "<script")) << kind;
    EXPECT_FALSE(has(html, "<img")) << kind;
    EXPECT_FALSE(has(html, "onerror='")) << kind;
    EXPECT_TRUE(has(
        html,
        "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;a&#39;&gt;&amp;&quot;"))
        << kind;
  }
}

TEST(DocumentHtml, StandsAlone) {
  json frozen = content("act");
  const std::string html = document_html(row(frozen));
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>\n<html lang=\"ru\">"));
  EXPECT_TRUE(has(html, "@page { size: A4; margin: 10mm 10mm 10mm 20mm"));
  EXPECT_TRUE(has(html, "<h1>Акт № 12 от 31 октября 2026 года</h1>"));
  EXPECT_TRUE(has(html, "<span class=\"line\">1 220,00 руб.,</span>"));
  for (const char* outside : {"http:", "https:", "src=", "href=", "url(", "@import", "\u00a0"})
    EXPECT_FALSE(has(html, outside)) << outside;
  // Before anything that it could forbid.
  EXPECT_TRUE(has(html,
                  "<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" "
                  "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>"));
  frozen["language"] = "en";
  EXPECT_TRUE(has(document_html(row(frozen)), "<html lang=\"en\">"));
  // No other language is printed, and none is a way into the tag.
  frozen["language"] = "\"><script>";
  EXPECT_TRUE(has(document_html(row(frozen)), "<html lang=\"en\">"));
  EXPECT_TRUE(has(document_html(row(content("upd"))), "@page { size: A4 landscape; "));
}

// PDF -------------------------------------------------------------------------------------------

TEST(DocumentPdf, SameBytes) {
  const json document = row(content("upd"));
  const std::string bytes = document_pdf(document);
  EXPECT_TRUE(bytes.starts_with("%PDF-1.5"));
  EXPECT_EQ(bytes, document_pdf(document));
  // Another document in between, the letters of which come first.
  document_pdf(row(content("act")));
  EXPECT_EQ(bytes, document_pdf(document));
  std::atomic<int> different{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int times = 0; times < 5; ++times) different += document_pdf(document) == bytes ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(0, different);
}

TEST(DocumentPdf, ContentAsTextOrObject) {
  const json frozen = content("act");
  EXPECT_EQ(document_pdf(row(frozen)), document_pdf({{"content", frozen}}));
}

TEST(DocumentPdf, PostHandsOnWhatTheWriterThrows) {
  std::size_t written = 0;
  PostPdf post([&](std::string_view bytes) {
    written += bytes.size();
    if (written > 1000) throw std::out_of_range("the disk is full");
  });
  EXPECT_THROW(
      {
        post.add(row(content("act")));
        post.finish();
      },
      std::out_of_range);
}

TEST(DocumentPdf, UnknownKind) {
  try {
    document_pdf(row(content("letter")));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(ErrorCode::kInvalid, error.code());
  }
}

TEST(DocumentQr, TooLongForASymbol) {
  EXPECT_EQ(21U, qr_modules("a").size());
  EXPECT_TRUE(qr_modules(std::string(3000, 'a')).empty());
}

}  // namespace
}  // namespace saldo::server
