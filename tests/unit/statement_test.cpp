// Statements of banks: what each format says, as banks write it, comes out as documents; what is
// broken or cut off is refused with its line.
//
// Each was seen to fail, the product broken on purpose in thirty ways: a direction, a total, a date
// or a side of a transfer not minded, an entry split or not, a scheme, a status or a namespace not
// looked at, a key's case, a masked number, a limit, a document type let through.
#include "statements/statement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "hash.h"
#include "rules/error.h"

namespace saldo::statements_test {
namespace {

constexpr const char* kOwn = "40702810100000000001";
constexpr const char* kOther = "40702810900000000009";

// A statement is not looked at any more once the next one is read, so they share one place for what
// is to outlive them.
BankStatement read(const std::string& content) {
  static std::string place;
  place = content;
  return read_bank_statement(place);
}

std::string error_of(const std::string& content) {
  try {
    read(content);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string day(const std::optional<Day>& day) { return day ? format_day(*day) : "none"; }

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string lines(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) text += key + "=" + value + "\n";
  return text;
}

// An income of 700 roubles, with what is given put in the place of, or added to, its own fields;
// "absent" takes a field away.
std::string document(const Fields& changes = {}) {
  Fields fields = {{"Номер", "7"},
                   {"Дата", "14.11.2026"},
                   {"Сумма", "700.00"},
                   {"ПлательщикСчет", kOther},
                   {"Плательщик", "ИНН 7700000001 ООО \"Ромашка\""},
                   {"ПлательщикИНН", "7700000001"},
                   {"ПолучательСчет", kOwn},
                   {"ДатаПоступило", "16.11.2026"},
                   {"Получатель1", "ООО \"Сальдо\""},
                   {"НазначениеПлатежа", "Оплата по счету 12"}};
  for (const auto& [key, value] : changes) {
    const auto same = [&, name = key](const auto& field) { return field.first == name; };
    const auto found = std::find_if(fields.begin(), fields.end(), same);
    if (found == fields.end()) {
      fields.emplace_back(key, value);
    } else {
      found->second = value;
    }
  }
  std::erase_if(fields, [](const auto& field) { return field.second == "absent"; });
  return "СекцияДокумент=Платежное поручение\n" + lines(fields) + "КонецДокумента\n";
}

Fields outgoing(const std::string& sum) {
  return {{"Сумма", sum},
          {"ПлательщикСчет", kOwn},
          {"ПолучательСчет", kOther},
          {"ДатаПоступило", "absent"},
          {"ДатаСписано", "17.11.2026"}};
}

std::string section(const std::string& account, const Fields& fields) {
  return "СекцияРасчСчет\nРасчСчет=" + account + "\n" + lines(fields) + "КонецРасчСчет\n";
}

std::string exchange(const std::string& body, const std::string& accounts = kOwn) {
  return "1CClientBankExchange\nВерсияФормата=1.02\nКодировка=Windows\nРасчСчет=" + accounts +
         "\n" + body + "КонецФайла\n";
}

BankDocument only(const BankStatement& statement) {
  EXPECT_EQ(statement.documents.size(), 1U);
  return statement.documents.empty() ? BankDocument{} : statement.documents[0];
}

TEST(Exchange1c, EveryColumn) {
  const auto statement = read(exchange(document()));
  const BankDocument one = only(statement);
  EXPECT_EQ(one.number, "7");
  EXPECT_EQ(day(one.date), "2026-11-14");
  EXPECT_EQ(day(one.booked_on), "2026-11-16");
  EXPECT_EQ(one.direction, Direction::kIn);
  EXPECT_EQ(one.amount, 70'000);
  EXPECT_EQ(one.currency, "RUB");
  EXPECT_EQ(one.own_account, kOwn);
  EXPECT_EQ(one.payer.name, "ООО \"Ромашка\"");
  EXPECT_EQ(one.payer.tax_id, "7700000001");
  EXPECT_EQ(one.payer.account, kOther);
  EXPECT_EQ(one.payee.name, "ООО \"Сальдо\"");
  EXPECT_EQ(one.payee.tax_id, "");
  EXPECT_EQ(one.payee.account, kOwn);
  EXPECT_EQ(one.purpose, "Оплата по счету 12");
  EXPECT_EQ(one.warning, "");
  EXPECT_EQ(one.reference, sha256_hex("40702810100000000001\n2026-11-16\n7\n70000\n"
                                      "40702810900000000009\nОплатапосчету12"));
}

TEST(Exchange1c, LinesAsBanksEndThem) {
  const std::string plain = exchange(document() + document({{"Номер", "8"}}));
  const auto expected = read(plain).documents.size();
  const auto change = [&](const std::string& end) {
    std::string text;
    for (const char c : plain) text += c == '\n' ? end : std::string(1, c);
    return text;
  };
  for (const char* end : {"\r\n", "\r", "\n\n", " \n", "\n  ", "\n\t", "\r\n\r\n"}) {
    const auto statement = read(change(end));
    ASSERT_EQ(statement.documents.size(), expected) << end;
    EXPECT_EQ(statement.documents[1].number, "8");
  }
  std::string no_end = plain;
  no_end.pop_back();
  EXPECT_EQ(read(no_end).documents.size(), expected);
  for (const char* after : {"\n\n", "\x1A", "\r\n \x1A"})
    EXPECT_EQ(read(plain + after).documents.size(), expected);
  EXPECT_EQ(read(plain + std::string(3, '\0')).documents.size(), expected);
  EXPECT_EQ(read("\xEF\xBB\xBF" + plain).documents.size(), expected);
  EXPECT_EQ(read("\n \n" + plain).documents.size(), expected);
}

// Whatever line a file ends with, and in the middle of each: an error, but for the whole one.
TEST(Exchange1c, CutOffAnywhereIsAnError) {
  const std::string whole =
      exchange(section(kOwn, {{"НачальныйОстаток", "0"}, {"ВсегоПоступило", "700.00"}}) +
               document() + document(outgoing("5")));
  const std::size_t last = whole.rfind("КонецФайла");
  for (std::size_t end = 0; end < last + std::string_view("КонецФайла").size(); ++end) {
    const std::string error = error_of(whole.substr(0, end));
    ASSERT_TRUE(error.starts_with("invalid: ")) << end << ": " << error;
    if (end > 30) {
      ASSERT_NE(error.find("line "), std::string::npos) << end << ": " << error;
    }
  }
  EXPECT_EQ(read(whole.substr(0, last) + "КонецФайла").documents.size(), 2U);
}

TEST(Exchange1c, WhatIsBrokenIsToldWithItsLine) {
  const std::string body = document();
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string text = exchange(body);
    return text.replace(text.find(what), what.size(), with);
  };
  const std::pair<std::string, std::string> cases[] = {
      {"", "invalid: the statement is empty"},
      {" \r\n ", "invalid: the statement is empty"},
      {"Дата;Сумма\n", "invalid: line 1: this is neither a 1CClientBankExchange file nor"},
      {":20:STARTUMS\n", "invalid: line 1: this is neither"},
      {"%PDF-1.7", "invalid: line 1: this is neither"},
      {"{\"a\": 1}", "invalid: line 1: this is neither"},
      {"1CClientBankExchange2\nКонецФайла", "invalid: line 1: this is neither"},
      {"1CClientBankExchange\n", "invalid: line 1: the file ends without КонецФайла"},
      {replaced("1.02", "2.00"), "invalid: line 2: versions 1.01 to 1.03"},
      {replaced("КонецДокумента\n", ""),
       "invalid: line 16: КонецФайла in the document that begins on line 5"},
      {replaced("КонецДокумента\n", body), "invalid: line 16: СекцияДокумент in the document"},
      {replaced("СекцияДокумент=Платежное поручение\n", ""),
       "invalid: line 15: КонецДокумента without"},
      {replaced("Сумма=700.00\n", ""),
       "invalid: line 15: the document that begins on line 5 has no"},
      {replaced("700.00", ""), "invalid: line 16: the document that begins on line 5 has no Сумма"},
      {replaced("700.00", "12,3x"), "invalid: line 8: Сумма is '12,3x', which is no sum"},
      {replaced("700.00", "1e3"), "invalid: line 8: Сумма is '1e3', which is no sum"},
      {replaced("700.00", "700.005"), "invalid: line 8: Сумма is '700.005'; a sum of RUB has 2"},
      {replaced("700.00", "10000000000000.01"),
       "out_of_range: line 8: Сумма is '10000000000000.01'"},
      {replaced("700.00", std::string(400, '9')), "out_of_range: line 8: Сумма"},
      {replaced("16.11.2026", "31.02.2026"), "invalid: line 13: ДатаПоступило is '31.02.2026'"},
      {replaced("16.11.2026", "вчера 5"), "invalid: line 13: ДатаПоступило"},
      {exchange(body) + "x", "invalid: line 18: stands after КонецФайла"},
      {exchange(body) + exchange(body), "invalid: line 18: stands after КонецФайла"},
      {exchange("что-то не то\n"), "invalid: line 5: a line of KEY=VALUE is expected"},
      {exchange("КонецРасчСчет\n"), "invalid: line 5: КонецРасчСчет without a beginning"},
      {exchange("РасчСчет=1\nСекцияРасчСчет\nКонецРасчСчет\n"),
       "invalid: line 7: the section that begins on line 6"},
      {exchange("СекцияРасчСчет\n" + body),
       "invalid: line 6: СекцияДокумент in the account's section"},
      {exchange(section(kOwn, {{"ВсегоСписано", "много"}})),
       "invalid: line 7: ВсегоСписано is 'много'"},
      {replaced("Ромашка", std::string("Ром\0шка", 10)), "invalid: line 10: holds a NUL character"},
  };
  for (const auto& [content, error] : cases) {
    const std::string actual = error_of(content);
    EXPECT_TRUE(actual.starts_with(error)) << actual << "\n  expected: " << error;
  }
}

TEST(Exchange1c, Sums) {
  const std::pair<const char*, Amount> cases[] = {
      {"700", 70'000},
      {"700.", 70'000},
      {"700.5", 70'050},
      {"700.50", 70'050},
      {"0.01", 1},
      {".5", 50},
      {"0", 0},
      {"00700,05", 70'005},
      {"1 234,56", 123'456},
      {"1\u00A0234,56", 123'456},
      {"1\u202F234\u202F567.8", 123'456'780},
      {"1,234.56", 123'456},
      {"1.234,56", 123'456},
      {"1,234,567", 123'456'700},
      {"1'234.56", 123'456},
      {"700.0000", 70'000},
      {"+700", 70'000},
      {"10000000000000", 1'000'000'000'000'000},
  };
  for (const auto& [text, amount] : cases)
    EXPECT_EQ(only(read(exchange(document({{"Сумма", text}})))).amount, amount) << text;
  for (const char* text :
       {"1,234", "1,230", "1 23", "12 345 67", "1 2345", "1,23,456", "1.2.3", "--5", "-", ".", "5-",
        "5 р", "1,234.567", "٣", "0x10", "1 234 ,5 6", "1..5"})
    EXPECT_NE(error_of(exchange(document({{"Сумма", text}}))).find("Сумма is '"), std::string::npos)
        << text;
}

TEST(Exchange1c, AnotherCurrencyHasItsOwnMinorUnits) {
  const auto in = [](const std::string& account, const std::string& sum) {
    const auto statement =
        read(exchange(document({{"ПолучательСчет", account}, {"Сумма", sum}}), account));
    const BankDocument one = only(statement);
    return std::string(one.currency) + ' ' + std::to_string(one.amount);
  };
  EXPECT_EQ(in("40702840100000000001", "12.34"), "USD 1234");
  EXPECT_EQ(in("40702978100000000001", "12.34"), "EUR 1234");
  EXPECT_EQ(in("40702156100000000001", "12.34"), "CNY 1234");
  EXPECT_EQ(in("40702392100000000001", "1234.00"), "JPY 1234");
  EXPECT_EQ(in("40702643100000000001", "12.34"), "RUB 1234");
  EXPECT_EQ(in("40702999100000000001", "12.34"), "999 1234");
  EXPECT_EQ(in("40702810********0001", "12.34"), "RUB 1234");
  EXPECT_EQ(in("LT121000011101001000", "12.34"), "RUB 1234");
}

TEST(Exchange1c, Dates) {
  const auto booked = [](const std::string& text) {
    return day(only(read(exchange(document({{"ДатаПоступило", text}})))).booked_on);
  };
  for (const char* text : {"16.11.2026", "16.11.2026 10:15:00", " 16.11.2026 ", "2026-11-16",
                           "2026-11-16T10:15:00", "16/11/2026", "16-11-2026"})
    EXPECT_EQ(booked(text), "2026-11-16") << text;
  EXPECT_EQ(booked("1.2.2026"), "2026-02-01");
  for (const char* text : {"", "absent", "00.00.0000", "  .  .    ", "01.01.0001"})
    EXPECT_EQ(booked(text), "none") << text;
  for (const char* text :
       {"16.11.26", "16.13.2026", "2026.11", "161126", "16.11.20266", "0.11.2026"})
    EXPECT_NE(error_of(exchange(document({{"ДатаПоступило", text}}))).find("ДатаПоступило is"),
              std::string::npos)
        << text;
}

TEST(Exchange1c, Directions) {
  struct Case {
    const char* about;
    Fields changes;
    Direction direction;
    std::string booked_on;
    std::string own_account;
    bool warned;
  };
  const Case cases[] = {
      {"by the payee", {}, Direction::kIn, "2026-11-16", kOwn, false},
      {"by the payer", outgoing("5"), Direction::kOut, "2026-11-17", kOwn, false},
      {"both dates; each side's own counts",
       {{"ДатаСписано", "15.11.2026"}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       false},
      {"left the payer, has not come",
       {{"ДатаСписано", "15.11.2026"}, {"ДатаПоступило", ""}},
       Direction::kIn,
       "none",
       kOwn,
       false},
      {"an order", {{"ДатаПоступило", "absent"}}, Direction::kIn, "none", kOwn, false},
      {"an order of ours",
       {{"ПлательщикСчет", kOwn}, {"ПолучательСчет", kOther}},
       Direction::kOut,
       "none",
       kOwn,
       false},
      {"by a bank's account beside it",
       {{"ПолучательСчет", "30101810400000000225"}, {"ПолучательРасчСчет", kOwn}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       false},
      {"by the third line",
       {{"ПолучательСчет", ""}, {"Получатель2", kOwn}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       false},
      {"masked",
       {{"ПолучательСчет", "407028101********001"}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       false},
      {"masked otherwise",
       {{"ПолучательСчет", "407028101********777"}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       true},
      {"with dots",
       {{"ПолучательСчет", "40702.810.1.00000000001"}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       false},
      {"with what is no character",
       {{"ПолучательСчет",
         "40702\x01"
         "810100000000001"}},
       Direction::kIn,
       "2026-11-16",
       kOwn,
       false},
      {"by its date", {{"ПолучательСчет", "111"}}, Direction::kIn, "2026-11-16", kOwn, true},
      {"by its date, out",
       {{"ПолучательСчет", "111"}, {"ДатаПоступило", ""}, {"ДатаСписано", "17.11.2026"}},
       Direction::kOut,
       "2026-11-17",
       kOwn,
       true},
      {"unknown",
       {{"ПолучательСчет", "111"}, {"ДатаПоступило", ""}},
       Direction::kUnknown,
       "none",
       kOwn,
       true},
      {"to itself",
       {{"ПлательщикСчет", kOwn}, {"ДатаСписано", "16.11.2026"}},
       Direction::kUnknown,
       "2026-11-16",
       kOwn,
       true},
      {"a negative sum", {{"Сумма", "-700"}}, Direction::kOut, "2026-11-16", kOwn, true},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.about);
    const auto statement = read(exchange(document(one.changes)));
    const BankDocument document = only(statement);
    EXPECT_EQ(document.direction, one.direction);
    EXPECT_EQ(day(document.booked_on), one.booked_on);
    EXPECT_EQ(document.own_account, one.own_account);
    EXPECT_EQ(!document.warning.empty(), one.warned) << document.warning;
    const bool is_doubtful = one.warned && std::string_view(one.about) != "to itself";
    EXPECT_EQ(document.doubt, is_doubtful ? document.warning : "");
    EXPECT_GE(document.amount, 0);
  }
}

TEST(Exchange1c, AMaskedHeader) {
  const auto statement =
      read(exchange(document() + document(outgoing("5")), "40702810*********001"));
  ASSERT_EQ(statement.documents.size(), 2U);
  EXPECT_EQ(statement.documents[0].direction, Direction::kIn);
  EXPECT_EQ(statement.documents[1].direction, Direction::kOut);
  EXPECT_EQ(statement.documents[0].own_account, "40702810*********001");
}

TEST(Exchange1c, NoAccountInTheHeader) {
  std::string text = exchange(document());
  text.erase(text.find("РасчСчет="), text.find("СекцияДокумент") - text.find("РасчСчет="));
  const auto statement = read(text);
  EXPECT_EQ(only(statement).direction, Direction::kIn);
  EXPECT_EQ(only(statement).own_account, kOwn);
  EXPECT_EQ(only(statement).doubt, "");
}

// Of several accounts in the header none is the payee's: it is nobody's of ours.
TEST(Exchange1c, NeitherAccountIsOneOfSeveral) {
  const auto statement = read(exchange(document({{"ПолучательСчет", "40702810000000000077"}}),
                                       std::string(kOwn) + "\nРасчСчет=40702810200000000002"));
  EXPECT_EQ(only(statement).own_account, "");
  EXPECT_EQ(only(statement).currency, "RUB");
  EXPECT_EQ(only(statement).doubt,
            "neither account is the statement's; the date booked tells the direction");
}

TEST(Exchange1c, Parties) {
  struct Case {
    Fields changes;
    std::string name;
    std::string tax_id;
  };
  const std::string name = "ООО \"Ромашка\"";
  const Case cases[] = {
      {{{"Плательщик", "ИНН 7700000001 " + name}, {"ПлательщикИНН", ""}}, name, "7700000001"},
      {{{"Плательщик", "ИНН 7700000001 КПП 770001001 " + name}, {"ПлательщикИНН", ""}},
       name,
       "7700000001"},
      {{{"Плательщик", "7700000001, " + name}, {"ПлательщикИНН", ""}}, name, "7700000001"},
      {{{"Плательщик", "7700000001 " + name}, {"ПлательщикИНН", "absent"}}, name, "7700000001"},
      {{{"Плательщик", "инн:7700000001/770001001 " + name}, {"ПлательщикИНН", "0"}},
       name,
       "7700000001"},
      {{{"Плательщик", "ИНН 644900000041/0  ИП Иванов И. И."}, {"ПлательщикИНН", ""}},
       "ИП Иванов И. И.",
       "644900000041"},
      {{{"Плательщик", "ИНН 7700000001\\" + name}, {"ПлательщикИНН", ""}}, name, "7700000001"},
      {{{"Плательщик", name}, {"ПлательщикИНН", "7700000001/770001001"}}, name, "7700000001"},
      {{{"Плательщик", "ИНН 7700000001 Другое имя"}, {"Плательщик1", name}}, name, "7700000001"},
      {{{"Плательщик", ""}, {"Плательщик1", "ИНН 7700000001 " + name}, {"ПлательщикИНН", ""}},
       name,
       "7700000001"},
      {{{"Плательщик", "ИНН 7700000001"}}, "", "7700000001"},
      {{{"Плательщик", "Инновация АО"}, {"ПлательщикИНН", "нет"}}, "Инновация АО", ""},
      {{{"Плательщик", "1000 мелочей ООО"}, {"ПлательщикИНН", "000000000000"}},
       "1000 мелочей ООО",
       ""},
      {{{"Плательщик", "Иванов\tИван"}, {"ПлательщикИНН", ""}}, "Иванов Иван", ""},
  };
  for (const Case& one : cases) {
    const auto statement = read(exchange(document(one.changes)));
    EXPECT_EQ(only(statement).payer.name, one.name) << one.changes[0].second;
    EXPECT_EQ(only(statement).payer.tax_id, one.tax_id) << one.changes[0].second;
  }
}

TEST(Exchange1c, Purposes) {
  const auto purpose = [](const Fields& changes) {
    return std::string(only(read(exchange(document(changes)))).purpose);
  };
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "a=b; c==d"}}), "a=b; c==d");
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "две  части"}}), "две  части");
  EXPECT_EQ(purpose({{"НазначениеПлатежа", ""},
                     {"НазначениеПлатежа1", "Оплата"},
                     {"НазначениеПлатежа2", "по счету"},
                     {"НазначениеПлатежа6", "НДС"}}),
            "Оплата по счету НДС");
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "Оплата по счету"},
                     {"НазначениеПлатежа1", "Оплата"},
                     {"НазначениеПлатежа2", "по счету"}}),
            "Оплата по счету");
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "Оплата"},
                     {"НазначениеПлатежа1", "Оплата"},
                     {"НазначениеПлатежа2", "по счету"}}),
            "Оплата по счету");
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "Оплата"}, {"НазначениеПлатежа1", "по счету"}}),
            "Оплата по счету");
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "absent"}}), "");
  // It goes on in lines without a key.
  EXPECT_EQ(purpose({{"НазначениеПлатежа", "Оплата\nпо счету 12\n\n= всё\nНДС 20% = 5"}}),
            "Оплата по счету 12 = всё НДС 20% = 5");
  EXPECT_EQ(purpose({{"Неизвестное", "одно\nдругое"}}), "Оплата по счету 12");
  // The first of a key given twice.
  EXPECT_EQ(purpose({{"Неизвестное", "x\nНазначениеПлатежа=второе\nи ещё"}}), "Оплата по счету 12");
}

TEST(Exchange1c, KeysInAnyLetters) {
  std::string text = exchange(section(kOwn, {{"ВсегоПоступило", "700"}}) + document());
  for (const auto& [from, to] :
       std::map<std::string, std::string>{{"СекцияРасчСчет", "СЕКЦИЯРАСЧСЧЁТ"},
                                          {"КонецРасчСчет", "конецрасчсчет"},
                                          {"Сумма=", "сумма = "},
                                          {"КонецФайла", "КОНЕЦФАЙЛА"}})
    text.replace(text.find(from), from.size(), to);
  EXPECT_EQ(only(read(text)).amount, 70'000);
}

TEST(Exchange1c, TotalsThatDisagreeAreAWarning) {
  const std::string body = document() + document(outgoing("50"));
  const auto warning = [&](const std::string& sections) {
    const auto statement = read(exchange(sections + body));
    EXPECT_EQ(statement.documents.size(), 2U);
    EXPECT_EQ(statement.documents[0].warning, statement.documents[1].warning);
    return std::string(statement.documents[0].warning);
  };
  const auto of = [](const Fields& fields) { return section(kOwn, fields); };
  const std::string account = std::string("account ") + kOwn + ": by the statement ";
  EXPECT_EQ(warning(of({{"НачальныйОстаток", "100.00"},
                        {"ВсегоПоступило", "700.00"},
                        {"ВсегоСписано", "50.00"},
                        {"КонечныйОстаток", "750.00"}})),
            "");
  EXPECT_EQ(warning(of({{"ВсегоПоступило", "800"}, {"ВсегоСписано", "50"}})),
            account + "800.00 came in, by its documents 700.00");
  EXPECT_EQ(warning(of({{"ВсегоСписано", "50.01"}})),
            account + "50.01 went out, by its documents 50.00");
  EXPECT_EQ(warning(of({{"НачальныйОстаток", "100"}, {"КонечныйОстаток", "99.99"}})),
            account + "-0.01 is the change of the balance, by its documents 650.00");
  EXPECT_EQ(warning(of({{"НачальныйОстаток", "-100"}, {"КонечныйОстаток", "550"}})), "");
  EXPECT_EQ(warning(of({{"НачальныйОстаток", ""}, {"КонечныйОстаток", "5"}})), "");
  // A section for each day, in any order.
  EXPECT_EQ(warning(of({{"НачальныйОстаток", "800"},
                        {"ВсегоПоступило", "0"},
                        {"ВсегоСписано", "50"},
                        {"КонечныйОстаток", "750"}}) +
                    of({{"НачальныйОстаток", "100"},
                        {"ВсегоПоступило", "700"},
                        {"ВсегоСписано", "0"},
                        {"КонечныйОстаток", "800"}})),
            "");
  EXPECT_EQ(warning(of({{"ВсегоПоступило", "600"}}) + of({{"ВсегоПоступило", "50"}})),
            account + "650.00 came in, by its documents 700.00");
  // An account without documents: told with all of the file; of a file without documents, an error.
  EXPECT_EQ(
      warning(section(kOther, {{"ВсегоПоступило", "1"}})),
      std::string("account ") + kOther + ": by the statement 1.00 came in, by its documents 0.00");
  EXPECT_EQ(error_of(exchange(section(kOwn, {{"ВсегоПоступило", "1"}}))),
            "invalid: " + account + "1.00 came in, by its documents 0.00");
  EXPECT_EQ(read(exchange(section(kOwn, {{"ВсегоПоступило", "0.00"}}))).documents.size(), 0U);
  EXPECT_EQ(read(exchange("")).documents.size(), 0U);
  // A section that does not name the one account there is.
  EXPECT_EQ(warning("СекцияРасчСчет\nВсегоПоступило=800\nКонецРасчСчет\n"),
            account + "800.00 came in, by its documents 700.00");
}

// Some banks write no date booked at all; the turnover then tells whether a document counts.
TEST(Exchange1c, BookedByTheTurnoverAlone) {
  const Fields order = {{"ДатаПоступило", "absent"}, {"Номер", "9"}, {"Сумма", "300"}};
  const auto booked = [&](const std::string& turnover, const std::string& body) {
    const auto statement = read(exchange(section(kOwn, {{"ВсегоПоступило", turnover}}) + body));
    std::string days;
    for (const auto& document : statement.documents) days += day(document.booked_on) + ' ';
    return days;
  };
  EXPECT_EQ(booked("300", document(order)), "2026-11-14 ");
  EXPECT_EQ(booked("1000", document() + document(order)), "2026-11-16 2026-11-14 ");
  EXPECT_EQ(booked("700", document() + document(order)), "2026-11-16 none ");
  EXPECT_EQ(booked("999", document() + document(order)), "2026-11-16 none ");
  EXPECT_EQ(booked("", document() + document(order)), "2026-11-16 none ");
  const auto statement =
      read(exchange(section(kOwn, {{"ВсегоПоступило", "300"}}) + document(order)));
  EXPECT_EQ(only(statement).warning, "has no date booked, but the account's turnover counts it");
  auto debited = order;
  debited.emplace_back("ДатаСписано", "15.11.2026");
  EXPECT_EQ(booked("300", document(debited)), "2026-11-15 ");
}

TEST(Exchange1c, TwoAccountsAndTransfersBetweenThem) {
  const std::string second = "40702810200000000002";
  const std::string both = std::string(kOwn) + "\nРасчСчет=" + second;
  const Fields transfer = {{"ПлательщикСчет", kOwn}, {"ПолучательСчет", second}};
  const auto dated = [&](const std::string& debited, const std::string& credited) {
    Fields fields = transfer;
    fields.emplace_back("ДатаСписано", debited);
    fields.emplace_back("ДатаПоступило", credited);
    return document(fields);
  };
  const auto sides = [&](const std::string& body) {
    const auto statement = read(exchange(body, both));
    std::string text;
    for (const auto& one : statement.documents) {
      text += one.direction == Direction::kIn ? "in " : "out ";
      text += one.own_account == kOwn ? "1" : one.own_account == second ? "2" : "?";
      if (!one.warning.empty()) text += " " + std::string(one.warning);
      text += "; ";
    }
    return text;
  };
  const std::string day = "16.11.2026";
  const auto first = [&](const std::string& out) {
    return section(kOwn, {{"ВсегоПоступило", "0"}, {"ВсегоСписано", out}});
  };
  const auto other = [&](const std::string& in) {
    return section(second, {{"ВсегоПоступило", in}, {"ВсегоСписано", "0"}});
  };
  EXPECT_EQ(sides(document() + document({{"ПолучательСчет", second}})), "in 1; in 2; ");
  EXPECT_EQ(sides(dated(day, "")), "out 1; ");
  EXPECT_EQ(sides(dated("", day)), "in 2; ");
  // Shown once for both accounts, it counts for both.
  EXPECT_EQ(sides(first("700") + other("700") + dated(day, day)), "out 1; ");
  // Shown by each account.
  EXPECT_EQ(sides(first("700") + other("700") + dated(day, "") + dated("", day)), "out 1; in 2; ");
  EXPECT_EQ(sides(first("700") + other("700") + dated(day, day) + dated(day, day)),
            "out 1; in 2; ");
  EXPECT_EQ(sides(first("700") + dated(day, day) + other("700") + dated(day, day)),
            "out 1; in 2; ");
  EXPECT_EQ(sides(other("700") + dated(day, day) + first("700") + dated(day, day)),
            "in 2; out 1; ");
}

TEST(References, EqualOnesInOneFileAreNumbered) {
  const std::string one = document();
  const std::string same =
      document({{"НазначениеПлатежа", " Оплата\u00A0по  сче\tту 12"}, {"Дата", "1.1.2026"}});
  const auto statement = read(exchange(one + same + document({{"Номер", "8"}}) + one));
  ASSERT_EQ(statement.documents.size(), 4U);
  const std::string reference = statement.documents[0].reference;
  EXPECT_EQ(reference.size(), 64U);
  EXPECT_EQ(statement.documents[1].reference, reference + "#2");
  EXPECT_EQ(statement.documents[2].reference.size(), 64U);
  EXPECT_NE(statement.documents[2].reference, reference);
  EXPECT_EQ(statement.documents[3].reference, reference + "#3");
  // What is no part of it, and what is.
  const auto of = [&](const Fields& changes) {
    return only(read(exchange(document(changes)))).reference;
  };
  EXPECT_EQ(of({{"Плательщик", "Другой"}, {"ПлательщикИНН", "7"}, {"Дата", ""}}), reference);
  for (const Fields& changes :
       {Fields{{"Номер", "07"}}, Fields{{"Сумма", "700.01"}},
        Fields{{"ДатаПоступило", "15.11.2026"}}, Fields{{"ДатаПоступило", ""}},
        Fields{{"ПлательщикСчет", "1"}}, Fields{{"НазначениеПлатежа", "Оплата по счету 1"}}})
    EXPECT_NE(of(changes), reference) << changes[0].first;
}

// An entry of 100.00 EUR that came in.
std::string entry(const std::string& inside, const std::string& amount = "100.00",
                  const std::string& side = "CRDT", const std::string& status = "<Sts>BOOK</Sts>") {
  return "<Ntry>\n<NtryRef>1</NtryRef><Amt Ccy=\"EUR\">" + amount + "</Amt><CdtDbtInd>" + side +
         "</CdtDbtInd>" + status +
         "<BookgDt><Dt>2026-11-16</Dt></BookgDt><ValDt><Dt>2026-11-17</Dt></ValDt>"
         "<AcctSvcrRef>B-1</AcctSvcrRef>\n" +
         inside + "</Ntry>\n";
}

std::string transaction(const std::string& inside) {
  return "<NtryDtls><TxDtls>" + inside + "</TxDtls></NtryDtls>\n";
}

std::string balance(const std::string& kind, const std::string& amount,
                    const std::string& side = "CRDT") {
  return "<Bal><Tp><CdOrPrtry><Cd>" + kind + "</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">" + amount +
         "</Amt><CdtDbtInd>" + side + "</CdtDbtInd></Bal>\n";
}

std::string camt_statement(const std::string& entries,
                           const std::string& iban = "DE89370400440532013000") {
  return "<Stmt><Id>1</Id><CreDtTm>2026-11-18T01:00:00+01:00</CreDtTm>\n<Acct><Id><IBAN>" + iban +
         "</IBAN></Id><Ccy>EUR</Ccy><Ownr><Nm>Saldo GmbH</Nm></Ownr></Acct>\n" + entries +
         "</Stmt>\n";
}

std::string camt(const std::string& statements, const std::string& version = "02") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document "
         "xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001." +
         version + "\">\n<BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr>\n" + statements +
         "</BkToCstmrStmt>\n</Document>\n";
}

const std::string kParties02 =
    "<Refs><EndToEndId>E-1</EndToEndId></Refs><RltdPties><Dbtr><Nm>Blume &amp; "
    "Co</Nm><Id><OrgId><Othr><Id>7700000001</Id>"
    "<SchmeNm><Cd>TXID</Cd></SchmeNm></Othr></OrgId></Id></Dbtr><DbtrAcct><Id><IBAN>NL91 ABNA 0417 "
    "1643 00</IBAN></Id></DbtrAcct>"
    "</RltdPties><RmtInf><Ustrd>Rechnung 12</Ustrd></RmtInf>";

TEST(Camt053, EveryColumn) {
  const std::string kParties08 =
      "<Refs><EndToEndId>E-1</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Blume &#38; "
      "Co</Nm><Id><PrvtId><Othr><Id>7700000001</Id>"
      "<SchmeNm><Prtry>INN</Prtry></SchmeNm></Othr></PrvtId></Id></Pty></"
      "Dbtr><DbtrAcct><Id><Othr><Id>NL91ABNA0417164300</Id></Othr></Id></DbtrAcct>"
      "</RltdPties><RmtInf><Ustrd><![CDATA[Rechnung]]> 12</Ustrd></RmtInf>";
  for (const auto& [version, parties, status] :
       {std::tuple{"02", kParties02, "<Sts>BOOK</Sts>"},
        std::tuple{"04", kParties02, "<Sts>BOOK</Sts>"},
        std::tuple{"08", kParties08, "<Sts><Cd>BOOK</Cd></Sts>"}}) {
    SCOPED_TRACE(version);
    const auto statement =
        read(camt(camt_statement(entry(transaction(parties), "100.00", "CRDT", status)), version));
    const BankDocument one = only(statement);
    EXPECT_EQ(one.number, "E-1");
    EXPECT_EQ(day(one.date), "2026-11-17");
    EXPECT_EQ(day(one.booked_on), "2026-11-16");
    EXPECT_EQ(one.direction, Direction::kIn);
    EXPECT_EQ(one.amount, 10'000);
    EXPECT_EQ(one.currency, "EUR");
    EXPECT_EQ(one.own_account, "DE89370400440532013000");
    EXPECT_EQ(one.payer.name, "Blume & Co");
    EXPECT_EQ(one.payer.tax_id, "7700000001");
    EXPECT_EQ(one.payer.account, "NL91ABNA0417164300");
    EXPECT_EQ(one.payee.name, "Saldo GmbH");
    EXPECT_EQ(one.payee.account, "DE89370400440532013000");
    EXPECT_EQ(one.purpose, "Rechnung 12");
    EXPECT_EQ(one.warning, "");
    EXPECT_EQ(
        one.reference,
        sha256_hex(
            "DE89370400440532013000\n2026-11-16\nE-1\n10000\nNL91ABNA0417164300\nRechnung12"));
  }
}

TEST(Camt053, PrefixesEnvelopesAndSeveralStatements) {
  std::string text = camt(camt_statement(entry(transaction(kParties02))));
  const std::string plain = text;
  std::string prefixed;
  for (std::size_t i = 0; i < text.size(); ++i) {
    prefixed += text[i];
    if (text[i] == '<' && text[i + 1] == '/') prefixed += text[++i];
    if (text[i] == '<' || (text[i] == '/' && text[i - 1] == '<')) {
      if (text[i + 1] != '?') prefixed += "n:";
    }
  }
  prefixed.replace(prefixed.find("xmlns="), 6, "xmlns:n=");
  EXPECT_EQ(only(read(prefixed)).reference, only(read(plain)).reference);
  const std::string inner = plain.substr(plain.find("<Document"));
  EXPECT_EQ(only(read("<Envelope><AppHdr><Fr/></AppHdr>" + inner + "</Envelope>")).number, "E-1");
  EXPECT_EQ(read("<Envelope>" + inner + inner + "</Envelope>").documents.size(), 2U);
  const auto several = read(
      camt(camt_statement(entry("")) + camt_statement(entry(""), "FR7630006000011234567890189")));
  ASSERT_EQ(several.documents.size(), 2U);
  EXPECT_EQ(several.documents[1].own_account, "FR7630006000011234567890189");
}

TEST(Camt053, SeveralTransactionsInAnEntry) {
  const auto amounts = [](const std::string& details, const std::string& whole = "100.00") {
    const auto statement =
        read(camt(camt_statement(entry("<NtryDtls>" + details + "</NtryDtls>", whole))));
    std::string text;
    for (const auto& one : statement.documents) {
      text += (one.direction == Direction::kIn ? "" : "-") + std::to_string(one.amount) + ' ' +
              std::string(one.number) + (one.warning.empty() ? "; " : " !; ");
    }
    return text;
  };
  const auto details = [](const std::string& number, const std::string& amount) {
    return "<TxDtls><Refs><EndToEndId>" + number + "</EndToEndId></Refs>" + amount + "</TxDtls>";
  };
  const auto amount = [](const std::string& sum, const std::string& currency = "EUR") {
    return "<Amt Ccy=\"" + currency + "\">" + sum + "</Amt>";
  };
  const auto older = [&](const std::string& sum) {
    return "<AmtDtls><TxAmt>" + amount(sum) + "</TxAmt></AmtDtls>";
  };
  EXPECT_EQ(amounts(details("a", amount("60")) + details("b", amount("40.00"))),
            "6000 a; 4000 b; ");
  EXPECT_EQ(amounts(details("a", older("60")) + details("b", older("40"))), "6000 a; 4000 b; ");
  EXPECT_EQ(
      amounts(details("a", amount("60")) + "</NtryDtls><NtryDtls>" + details("b", older("40"))),
      "6000 a; 4000 b; ");
  EXPECT_EQ(amounts(details("a", amount("160")) +
                    details("b", amount("60") + "<CdtDbtInd>DBIT</CdtDbtInd>")),
            "16000 a; -6000 b; ");
  // One takes the entry's amount, whatever was instructed.
  EXPECT_EQ(amounts(details("a", amount("110", "USD"))), "10000 a; ");
  EXPECT_EQ(amounts(details("a", amount("110"))), "10000 a; ");
  // Not split, where they do not sum to what came in.
  EXPECT_EQ(amounts(details("a", "") + details("b", "")), "10000 B-1 !; ");
  EXPECT_EQ(amounts(details("a", amount("60")) + details("b", "")), "10000 B-1 !; ");
  EXPECT_EQ(amounts(details("a", amount("60", "USD")) + details("b", amount("40"))),
            "10000 B-1 !; ");
  EXPECT_EQ(amounts(details("a", amount("60")) + details("b", amount("41"))), "10000 B-1 !; ");
}

TEST(Camt053, StatusesDatesReversals) {
  const auto one = [](const std::string& text) {
    const auto statement = read(camt(camt_statement(text)));
    const BankDocument document = only(statement);
    EXPECT_EQ(document.doubt, document.warning);
    return day(document.booked_on) + ' ' + day(document.date) +
           (document.warning.empty() ? "" : " !");
  };
  const auto replaced = [](std::string text, const std::string& what, const std::string& with) {
    return text.replace(text.find(what), what.size(), with);
  };
  EXPECT_EQ(one(entry("")), "2026-11-16 2026-11-17");
  EXPECT_EQ(one(entry("", "100", "CRDT", "<Sts>PDNG</Sts>")), "none 2026-11-17");
  EXPECT_EQ(one(entry("", "100", "CRDT", "<Sts><Cd>INFO</Cd></Sts>")), "none 2026-11-17");
  EXPECT_EQ(one(entry("", "100", "CRDT", "")), "2026-11-16 2026-11-17");
  EXPECT_EQ(
      one(replaced(entry(""), "<Dt>2026-11-16</Dt>", "<DtTm>2026-11-15T23:30:00+01:00</DtTm>")),
      "2026-11-15 2026-11-17");
  EXPECT_EQ(one(replaced(entry(""), "2026-11-16", "2026-11-16+01:00")), "2026-11-16 2026-11-17");
  EXPECT_EQ(one(replaced(entry(""), "2026-11-16", "2026-11-16Z")), "2026-11-16 2026-11-17");
  EXPECT_EQ(one(replaced(entry(""), "<BookgDt><Dt>2026-11-16</Dt></BookgDt>", "")),
            "2026-11-17 2026-11-17");
  EXPECT_EQ(one(replaced(replaced(entry(""), "<BookgDt><Dt>2026-11-16</Dt></BookgDt>", ""),
                         "<ValDt><Dt>2026-11-17</Dt></ValDt>", "")),
            "2026-11-18 none");
  EXPECT_EQ(one(entry("<RvslInd>true</RvslInd>")), "2026-11-16 2026-11-17 !");
  EXPECT_EQ(one(entry("<RvslInd>false</RvslInd>")), "2026-11-16 2026-11-17");
  // Reversed, what we paid comes back from whom we paid.
  const auto statement = read(camt(camt_statement(
      entry("<RvslInd>1</RvslInd>" +
            transaction(
                "<RltdPties><Dbtr><Nm>Saldo "
                "GmbH</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>"
                "<Cdtr><Nm>Lieferant</Nm></Cdtr><CdtrAcct><Id><IBAN>NL1</IBAN></Id></CdtrAcct></"
                "RltdPties>")))));
  EXPECT_EQ(only(statement).payer.name, "Lieferant");
  EXPECT_EQ(only(statement).payer.account, "NL1");
  EXPECT_EQ(only(statement).payee.name, "Saldo GmbH");
}

TEST(Camt053, PartiesNumbersAndPurposes) {
  const auto one = [](const std::string& inside, const std::string& side = "CRDT") {
    return read(camt(camt_statement(entry(transaction(inside), "100", side))));
  };
  const auto tax_id = [&](const std::string& identifications) {
    return std::string(only(one("<RltdPties><Dbtr><Nm>x</Nm><Id><OrgId>" + identifications +
                                "</OrgId></Id></Dbtr></RltdPties>"))
                           .payer.tax_id);
  };
  const auto other = [](const std::string& id, const std::string& scheme) {
    return "<Othr><Id>" + id + "</Id>" +
           (scheme.empty() ? "" : "<SchmeNm>" + scheme + "</SchmeNm>") + "</Othr>";
  };
  EXPECT_EQ(tax_id(other("1", "")), "1");
  EXPECT_EQ(tax_id(other("1", "") + other("2", "<Cd>TXID</Cd>")), "2");
  EXPECT_EQ(tax_id(other("1", "<Cd>CUST</Cd>") + other("2", "<Prtry>ИНН</Prtry>")), "2");
  EXPECT_EQ(tax_id(other("1", "<Cd>CUST</Cd>")), "");
  EXPECT_EQ(only(one("<Tax><Dbtr><TaxId>77</TaxId></Dbtr></Tax>")).payer.tax_id, "77");
  EXPECT_EQ(only(one("<RltdPties><UltmtDbtr><Nm>Dahinter</Nm></UltmtDbtr></RltdPties>")).payer.name,
            "Dahinter");

  EXPECT_EQ(only(one("<Refs><EndToEndId>NOTPROVIDED</EndToEndId><TxId>T</TxId></Refs>")).number,
            "T");
  EXPECT_EQ(only(one("<Refs><AcctSvcrRef>A</AcctSvcrRef></Refs>")).number, "A");
  EXPECT_EQ(only(one("")).number, "B-1");

  const auto purpose = [&](const std::string& remittance) {
    return std::string(
        only(one("<RmtInf>" + remittance + "</RmtInf><AddtlTxInf>Bank</AddtlTxInf>")).purpose);
  };
  EXPECT_EQ(purpose("<Ustrd>a</Ustrd><Ustrd>b</Ustrd>"), "a b");
  EXPECT_EQ(purpose("<Ustrd>a\n      b</Ustrd>"), "a b");
  EXPECT_EQ(purpose("<Ustrd>a<!-- c -->b</Ustrd>"), "ab");
  EXPECT_EQ(purpose("<Ustrd>" + std::string(140, 'x') + "</Ustrd><Ustrd>y</Ustrd>"),
            std::string(140, 'x') + "y");
  EXPECT_EQ(purpose("<Ustrd>" + std::string(139, 'x') + " </Ustrd><Ustrd>y</Ustrd>"),
            std::string(139, 'x') + " y");
  EXPECT_EQ(purpose("<Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf><AddtlRmtInf>Vertrag "
                    "5</AddtlRmtInf></Strd>"),
            "RF18 Vertrag 5");
  EXPECT_EQ(purpose("<Ustrd>zu "
                    "RF18</Ustrd><Strd><RfrdDocInf><Nb>12</Nb></RfrdDocInf><CdtrRefInf><Ref>RF18</"
                    "Ref></CdtrRefInf></Strd>"),
            "zu RF18 12");
  EXPECT_EQ(purpose(""), "Bank");
  EXPECT_EQ(only(read(camt(camt_statement(entry("<AddtlNtryInf>Gebühr</AddtlNtryInf>"))))).purpose,
            "Gebühr");
  std::string rouble = camt(camt_statement(entry("")));
  rouble.replace(rouble.find("Ccy=\"EUR\""), 9, "Ccy=\"RUR\"");
  EXPECT_EQ(only(read(rouble)).currency, "RUB");
  const auto out = one(kParties02, "DBIT");
  EXPECT_EQ(only(out).direction, Direction::kOut);
}

TEST(Camt053, TotalsThatDisagreeAreAWarning) {
  const auto warning = [](const std::string& balances, const std::string& entries) {
    const auto statement = read(camt(camt_statement(balances + entries)));
    return statement.documents.empty() ? "none" : std::string(statement.documents[0].warning);
  };
  const std::string account = "account DE89370400440532013000: by the statement ";
  const std::string moves =
      entry("") + entry("", "30", "DBIT") + entry("", "7", "CRDT", "<Sts>PDNG</Sts>");
  EXPECT_EQ(warning(balance("OPBD", "10.00") + balance("CLBD", "80.00"), moves), "");
  EXPECT_EQ(warning(balance("PRCD", "50.00", "DBIT") + balance("CLBD", "20.00"), moves), "");
  EXPECT_EQ(
      warning(balance("OPBD", "10.00") + balance("CLBD", "81.00") + balance("CLAV", "5"), moves),
      account + "71.00 is the change of the balance, by its documents 70.00");
  EXPECT_EQ(warning(balance("CLBD", "81.00"), moves), "");
  EXPECT_EQ(warning("<TxsSummry><TtlCdtNtries><Sum>90</Sum></TtlCdtNtries></TxsSummry>", entry("")),
            account + "90.00 came in, by its documents 100.00");
  EXPECT_EQ(warning(balance("OPBD", "1") + balance("CLBD", "1"), ""), "none");
  EXPECT_EQ(error_of(camt(camt_statement(balance("OPBD", "1") + balance("CLBD", "2")))),
            "invalid: " + account + "1.00 is the change of the balance, by its documents 0.00");
}

TEST(Camt053, CutOffAnywhereIsAnError) {
  const std::string whole =
      camt(camt_statement(balance("OPBD", "0") + entry(transaction(kParties02)) + entry("")));
  const std::size_t last = whole.rfind("</Document>") + std::string_view("</Document>").size();
  for (std::size_t end = 0; end < last; ++end) {
    const std::string error = error_of(whole.substr(0, end));
    ASSERT_TRUE(error.starts_with("invalid: ")) << end << ": " << error;
    if (end > 0) {
      ASSERT_NE(error.find("line "), std::string::npos) << end << ": " << error;
    }
  }
  EXPECT_EQ(read(whole.substr(0, last)).documents.size(), 2U);
}

TEST(Camt053, WhatIsBrokenOrHostileIsToldWithItsLine) {
  const std::string good = camt(camt_statement(entry(transaction(kParties02))));
  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), with);
  };
  std::string without_currency = replaced("<Amt Ccy=\"EUR\">", "<Amt>");
  without_currency.erase(without_currency.find("<Ccy>EUR</Ccy>"), 14);
  const std::pair<std::string, std::string> cases[] = {
      {"<?xml version=\"1.0\"?>", "invalid: line 1: the XML has no element"},
      {"<html><body></body></html>", "invalid: line 1: the XML is no camt.053"},
      {replaced("camt.053.001.02", "camt.054.001.02"),
       "invalid: line 2: this Document is 'urn:iso:std:iso:20022:tech:xsd:camt.054.001.02'"},
      {"<Document "
       "xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.03\"><CstmrCdtTrfInitn/></Document>",
       "invalid: line 1: this Document is"},
      {replaced("\n<Document",
                "\n<!DOCTYPE Document [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Document"),
       "invalid: line 2: a document type is not allowed"},
      {replaced("Rechnung 12", "&lol;"), "invalid: line 8: an & is not allowed here"},
      {replaced("Rechnung 12", "&#0;"), "invalid: line 8: an & is not allowed here"},
      {replaced("Rechnung 12", "&#xD800;"), "invalid: line 8: an & is not allowed here"},
      {replaced("Rechnung 12", "a & b"), "invalid: line 8: an & is not allowed here"},
      {good + "<Document/>", "invalid: line 13: a document of XML is one element"},
      {good + "Rest", "invalid: line 12: a document of XML is one element"},
      {replaced("<Stmt>", "<Stmd>"), "invalid: line "},
      {camt(""), "invalid: line 3: BkToCstmrStmt has no Stmt"},
      {replaced("100.00", "1OO"), "invalid: line 7: Amt is '1OO', which is no sum"},
      {replaced("100.00", "-1"), "invalid: line 7: Amt is negative"},
      {replaced("100.00", "1,5"), "no error"},
      {replaced("100.00", "100.001"),
       "invalid: line 7: Amt is '100.001'; a sum of EUR has 2 digits"},
      {replaced("100.00", "10000000000000.01"), "out_of_range: line 7: Amt"},
      {replaced("100.00", "18.15000"), "no error"},
      {replaced("Ccy=\"EUR\"", "Ccy=\"Euro\""), "invalid: line 7: 'Euro' is no currency"},
      {replaced("<Ccy>EUR</Ccy>", "<Ccy>&#1;</Ccy>"), "no error"},
      {replaced("<Amt Ccy=\"EUR\">100.00</Amt>", ""), "invalid: line 6: the entry has no Amt"},
      {replaced("<Amt Ccy=\"EUR\">", "<Amt>"), "no error"},
      {without_currency, "invalid: line 7: Amt has no Ccy, and neither has the account"},
      {replaced("<CdtDbtInd>CRDT</CdtDbtInd>", ""), "invalid: line 6: Ntry needs CdtDbtInd"},
      {replaced("<Dt>2026-11-16</Dt>", "<Dt>2026-02-30</Dt>"),
       "invalid: line 7: BookgDt is '2026-02-30'"},
      {replaced("UTF-8", "koi8-r").insert(200, "\xC1"),
       "invalid: line 1: the encoding 'koi8-r' is not read"},
  };
  for (const auto& [content, error] : cases) {
    const std::string actual = error_of(content);
    EXPECT_TRUE(actual.starts_with(error)) << actual << "\n  expected: " << error;
  }
  // Depth and number are no harm.
  std::string deep = "<Document>";
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  EXPECT_TRUE(error_of(deep).starts_with("invalid: line 1: "));
}

}  // namespace
}  // namespace saldo::statements_test
