// M1's reading of purposes, as people write them.
#include "rules/purpose.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace saldo {
namespace {

// 'account 15', 'contract 15 of 2026-02-01', 'invoice 7?' (unclear); joined by "; ".
std::string names(std::string_view text) {
  constexpr const char* kKinds[] = {"account", "contract", "invoice"};
  std::string all;
  for (const Named& named : named_in(text)) {
    if (!all.empty()) all += "; ";
    all += kKinds[static_cast<std::size_t>(named.kind)];
    all += ' ' + named.number;
    if (named.date) all += " of " + format_day(*named.date);
    if (named.unclear) all += '?';
  }
  return all;
}

struct Purpose {
  const char* purpose;
  const char* named;
};

constexpr Purpose kAccounts[] = {
    {"Пополнение ЛС 15", "account 15"},
    {"пополнение лс 15", "account 15"},
    {"ПОПОЛНЕНИЕ Л/С 15. НДС НЕ ОБЛАГАЕТСЯ", "account 15"},
    {"л/с15", "account 15"},
    {"л/с№15,НДС не облагается", "account 15"},
    {"л / с № 15", "account 15"},
    {"Л/ С15", "account 15"},
    {"л.с. 15", "account 15"},
    {"л.с.№15", "account 15"},
    {"ЛС№15", "account 15"},
    {"ЛС №15", "account 15"},
    {"ЛС:15", "account 15"},
    {"ЛС-15", "account 15"},
    {"ЛС N15", "account 15"},
    {"ЛС No. 15", "account 15"},
    {"лиц. счет 15", "account 15"},
    {"лиц.счет15", "account 15"},
    {"лиц/счет 15", "account 15"},
    {"лиц сч. 15", "account 15"},
    {"л/сч. № 15", "account 15"},
    {"лицевой счет 15", "account 15"},
    {"Лицевой счёт № 0015", "account 0015"},
    {"ЛИЦЕВОЙ СЧЁТ:15", "account 15"},
    {"лицевойсчет15", "account 15"},
    {"лицевой  счет№  15", "account 15"},
    {"на лицевой счет 15 без НДС", "account 15"},
    {"для зачисления на лицевого счета номер 15", "account 15"},
    {"по лицевому счету клиента № 15", "account 15"},
    {"лицевой счет абонента 15", "account 15?"},  // without a sign it might be anything
    {"Account 15", "account 15"},
    {"top up account no. 15", "account 15"},
    {"account #15 for November 2026", "account 15"},
    {"LС 15", ""},            // an L is not read as Л
    {"ЛC 15", "account 15"},  // but a Latin C is as С
    {"«ЛС» №15", "account 15"},
    {"ЛС 15от Ромашки", "account 15"},
    {"ЛС15НДС не облагается", "account 15"},
    {"ЛС 15. Сумма 1500-00, в т.ч. НДС 20% 250-00", "account 15"},
    {"ЛС 15, 1500-00 руб.", "account 15"},
    {"ЛС 15 1500-00", "account 15"},
    {"ЛС 15 1 500,00 руб", "account 15"},
    {"ЛС 15 от 01.02.2026", "account 15 of 2026-02-01"},
    {"ЛС 15 за период 01.11.2026-30.11.2026", "account 15"},
    {"за 15.11.2026 ЛС 15", "account 15"},
    {"ЛС 15 Иванов И.И.", "account 15"},
    {"Л С 15", "account 15"},
    {"ЛС 15!!!", "account 15"},
    {"Оплата за ноябрь 2026 г. ЛС 15 ИНН 7701234567 КПП 770101001", "account 15"},
    {"тел. 8 (916) 123-45-67, л/с 15", "account 15"},
    {"ЛС 2026", "account 2026"},
    {"ЛС 15 ЛС 15", "account 15"},
    // More than one, or not clear what is meant.
    {"ЛС 15, ЛС 16", "account 15; account 16"},
    {"ЛС 15, 16", "account 15; account 16"},
    {"л/с 15 и 16", "account 15; account 16"},
    {"л/с №15,№16", "account 15; account 16"},
    {"ЛС 15 16", "account 15?"},
    {"ЛС 1 5", "account 1?"},
    {"ЛС 15 А", "account 15?"},
    {"ЛС 15а", "account 15a?"},
    {"ЛС 15/2", "account 15/2?"},
    {"ЛС 15 / 2", "account 15/2?"},
    {"ЛС 15-2", "account 15-2?"},
    {"ЛС 15,00", ""},
    {"ЛС 15 1500", "account 15?"},
    {"ЛС № 15 № 16", "account 15?"},
    {"ЛС 15 января 2026", "account 15?"},
    {"ЛС 15 ноябрь 2026", "account 15?"},
    {"ЛС15,1000руб", "account 15,1000pyб?"},
    {"ЛС 15 или 16", "account 15; account 16"},
    {"account 15 or 16", "account 15; account 16"},
    // What might be the number, and cannot be read as one.
    {"л/с Иванова И.И. 16", "account 16?"},
    {"лицевой счет (абонент Петров) 16", "account 16?"},
    {"ЛС абонента Петрова: 16", "account 16?"},
    {"Оплата ЛС 15, за ЛС Петрова 16", "account 15; account 16?"},
    {"ЛС №О15", "account o15?"},  // a letter
    {"ЛС № ОО", "account oo?"},
    {"ЛС Петрова, ИНН 7701234567, 16", "account 16?"},
    {"ЛС Петрова р/с 40702810900000000015, 16", "account 16?"},
    {"ЛС Петрова за ноябрь 2026, 1 500,00 руб., 16", "account 16?"},
    // Named as what is not meant, or might not be.
    {"не на ЛС 15, а на ЛС 16", "account 15?; account 16"},
    {"80 л.с. 2", "account 2?"},
    {"1500-00 л.с. 15", "account 15?"},
};

constexpr Purpose kContracts[] = {
    {"договор 15", "contract 15"},
    {"договор 15 от 01.02.2026", "contract 15 of 2026-02-01"},
    {"Договор № 15 от 01.02.2026", "contract 15 of 2026-02-01"},
    {"по дог. №15", "contract 15"},
    {"по дог.15", "contract 15"},
    {"ПО ДОГ 15", "contract 15"},
    {"по дог-ру № 15", "contract 15"},
    {"договору№15от01.02.2026", "contract 15 of 2026-02-01"},
    {"оплата по договору №15от 1.2.26г.", "contract 15 of 2026-02-01"},
    {"по договору от 01.02.2026 № 15", "contract 15 of 2026-02-01"},
    {"по договору от 01.02.2026г. N 15", "contract 15 of 2026-02-01"},
    {"по договору № 15 от 1 февраля 2026 года", "contract 15 of 2026-02-01"},
    {"по договору № 15 от «01» февраля 2026 г.", "contract 15 of 2026-02-01"},
    {"по договору № 15 от 2026-02-01", "contract 15 of 2026-02-01"},
    {"по договору № 15 от 01/02/2026", "contract 15 of 2026-02-01"},
    {"по договору 15 01.02.2026", "contract 15 of 2026-02-01"},
    {"по договору оказания услуг № 15", "contract 15"},
    {"по договору на оказание услуг связи №15 от 01.02.2026", "contract 15 of 2026-02-01"},
    {"по договору-оферте № 15", "contract 15"},
    {"договор 15/2026", "contract 15/2026"},
    {"договор № 15/26-К", "contract 15/26-k"},
    {"договор № 15-A", "contract 15-a"},  // Latin
    {"договор № 15-А", "contract 15-a"},  // Cyrillic
    {"договор № 15 / 26", "contract 15/26"},
    {"договор К-15", "contract k-15"},
    {"договор № ДОУ-2026/15",  // where all letters but the first are Latin
     "contract дoy-2026/15"},
    {"договор К15", "contract k15"},
    {"contract 15", "contract 15"},
    {"гос. контракт № 15", "contract 15"},
    {"договор 15, НДС 20% - 250-00", "contract 15"},
    {"Договор 15.НДС не облагается", "contract 15"},
    {"Договор 15 ЛС 16", "contract 15; account 16"},
    {"дог. 15 л/с16", "contract 15; account 16"},
    {"ЛС 15 р/с 40702810900000000015", "account 15"},
    {"договоры № 15, 16", "contract 15; contract 16"},
    {"договор 2026", "contract 2026"},
    {"договор 7701234567", "contract 7701234567"},
    {"договор 15В", "contract 15b"},
    {"договор 15 В от 01.02.2026", "contract 15?"},
    {"договор 15 / К", "contract 15?"},
    {"договор № 15 от 31.02.2026", "contract 15?"},
    {"счет-договор № 15", "contract 15?"},
    {"договор-счет № 15", "invoice 15?"},
    {"Оплата по дог. от 05.11.2026 № 16", "contract 16 of 2026-11-05"},
    {"по дог. № 16. От 05.11.2026", "contract 16 of 2026-11-05"},
    {"договор с Ромашкой № 16", "contract 16?"},
    {"договор с Ромашкой (ИНН 7701234567) № 16", "contract 16?"},
    {"договор Ромашка-15", "contract 15?"},
    {"не по договору 16, ошибка", "contract 16?"},
    {"без договора 16", "contract 16?"},
};

constexpr Purpose kInvoices[] = {
    {"счет 15", "invoice 15"},
    {"сч. 15", "invoice 15"},
    {"сч.№15", "invoice 15"},
    {"Оплата по счёту № 15 от 01.02.2026", "invoice 15 of 2026-02-01"},
    {"ОПЛАТА ПО СЧЕТУ N15 ОТ 01.02.26", "invoice 15 of 2026-02-01"},
    {"оплата счета 15 от 1 февраля 2026 г.", "invoice 15 of 2026-02-01"},
    {"счет на оплату № 15 от 01.02.2026г.", "invoice 15 of 2026-02-01"},
    {"к счету № 15", "invoice 15"},
    {"invoice 15", "invoice 15"},
    {"по счетам №15 от 01.02.2026, №16 от 02.02.2026",
     "invoice 15 of 2026-02-01; invoice 16 of 2026-02-02"},
    {"счет № 15 от 01.02.2026, пополнение лицевого счета № 7",
     "invoice 15 of 2026-02-01; account 7"},
};

// Numbers that name nothing.
constexpr Purpose kNothing[] = {
    {"", ""},
    {"Пополнение счета", ""},
    {"Оплата услуг 15", ""},
    {"Оплата № 15", ""},
    {"за ноябрь 2026 г.", ""},
    {"ИНН 7701234567 КПП 770101001", ""},
    {"тел. +7 916 123-45-67", ""},
    {"В т.ч. НДС 20% - 250.00", ""},
    {"НДС (20%) 1500-00 руб.", ""},
    {"р/с 40702810900000000015", ""},
    {"р/с 15", ""},
    {"расчетный счет 15", ""},
    {"корр. счет 30101810400000000225", ""},
    {"на счет 40702810900000000015", ""},
    {"банковский счет № 15", ""},
    {"счет-фактура № 15 от 01.02.2026", ""},
    {"по счет - фактуре 15", ""},
    {"сч/ф 15", ""},
    {"с/ф 15", ""},
    {"договорная стоимость 15", ""},
    {"по договоренности 15", ""},
    {"по договору", ""},
    {"по договору 1500-00 руб", ""},
    {"на лицевой счет 1000 руб.", ""},
    {"пополнение лицевого счета на 1000 рублей", ""},
    {"лицевой счет. Накладная № 15", ""},
    {"по лицевому счету за товар по накладной № 15", ""},
    {"договор 2026 г.", ""},
    {"договор от 01.02.2026", ""},
    {"договор б/н от 01.02.2026", ""},
    {"лс 15.02.2026", ""},
    {"лицевой счет 20 дней", ""},
    {"ЛС 7 шт", ""},
    {"ЛС 20 % скидка", ""},
    {"за лс за 15 дней", ""},
    {"полс 15", ""},
    {"плс15", ""},
    {"from bank account 1234567", ""},
    {"без договора", ""},
    {"автомобиль 80 л.с.", ""},
    {"80 л.с. 2 шт", ""},
    {"по договору, ИНН 7701234567 КПП 770101001", ""},
    {"по договору, тел. 8 (916) 123-45-67", ""},
    {"по договору за ноябрь 2026", ""},
    {"по договору за 11.2026", ""},
    {"по договору за услуги с 01.11.2026 по 30.11.2026. Сумма 1500. В т.ч. НДС 20% - 250.00", ""},
    {"по договору р/с 40702810900000000015", ""},
    {"по договору, счет-фактура № 15", ""},
    {"по договору за 3 мес., 5 сотрудников", ""},
};

template <std::size_t N>
void check_purposes(const Purpose (&cases)[N]) {
  for (const Purpose& each : cases) EXPECT_EQ(names(each.purpose), each.named) << each.purpose;
}

TEST(PurposeNames, NamesAccounts) { check_purposes(kAccounts); }
TEST(PurposeNames, NamesContracts) { check_purposes(kContracts); }
TEST(PurposeNames, NamesInvoices) { check_purposes(kInvoices); }
TEST(PurposeNames, NamesNothingByANumberAlone) { check_purposes(kNothing); }

// What comes before and behind changes nothing, in either case and with other blanks.
TEST(PurposeNames, IsTheSameWithinOtherText) {
  for (const Purpose& each : kNothing) {
    const std::string text = std::string(each.purpose) + "; ЛС 77; ИНН 7701234567";
    EXPECT_EQ(names(text), "account 77") << text;
  }
  for (const Purpose& each : kContracts) {
    std::string text = "Оплата: ";
    for (const char* at = each.purpose; *at != 0; ++at)
      text += *at == ' ' ? std::string("\u00A0 ") : std::string(1, *at);
    EXPECT_EQ(names(text), each.named) << text;
  }
}

TEST(PurposeNames, BytesThatAreNoTextNameNothing) {
  for (int byte = 0x80; byte < 0x100; ++byte)
    EXPECT_EQ(names(std::string("\xD0\xBB\xD1\x81 15 ") + static_cast<char>(byte)), "account 15")
        << byte;
}

TEST(Contract, IsWhatTheAccountHas) {
  const auto of = [](std::string_view text) {
    const auto named = parse_contract(text);
    if (!named) return std::string("none");
    return named->number + (named->date ? " of " + format_day(*named->date) : "");
  };
  EXPECT_EQ(of("№ 15 от 01.02.2026"), "15 of 2026-02-01");
  EXPECT_EQ(of("15"), "15");
  EXPECT_EQ(of("15 от 1 февраля 2026 г."), "15 of 2026-02-01");
  EXPECT_EQ(of("Договор оказания услуг № 15/26-К от 01.02.2026"), "15/26-k of 2026-02-01");
  EXPECT_EQ(of("К-15/26"), "k-15/26");
  EXPECT_EQ(of("от 01.02.2026 № 15"), "15 of 2026-02-01");
  EXPECT_EQ(of(""), "none");
  EXPECT_EQ(of("оферта"), "none");
  EXPECT_EQ(of("15 и 16"), "none");
  EXPECT_EQ(of("счет 15"), "none");
}

}  // namespace
}  // namespace saldo
