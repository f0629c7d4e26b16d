// What PDF, HTML and XML have in common: members of a document's content, and how amounts, prices,
// rates, days and units are written. extension/README.md gives the members. Texts are in the
// language 'ru' or 'en'.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "rules/money.h"
#include "rules/time.h"

namespace saldo::server {

// A member as it is printed: empty where it is null or missing; '\n' ends lines; what else XML and
// paper know no sign for becomes a blank.
std::string text_of(const nlohmann::json& object, const char* member);
// nullopt where it is null or missing.
std::optional<std::int64_t> integer_of(const nlohmann::json& object, const char* member);
// Throws invalid where it is no day.
Day day_of(const nlohmann::json& object, const char* member);
// The days that a document of a month is about; without a month both are issued_on. Throw as
// day_of.
Day month_first(const nlohmann::json& content);
Day month_last(const nlohmann::json& content);
// legal_name, or else name.
std::string legal_name_of(const nlohmann::json& party);
// Whether a party is a person, by its tax_id of 12 digits.
bool is_person(const nlohmann::json& party);

// Who signs for the issuer: its director, or a sole proprietor himself, where no director is named.
struct Signer {
  std::string position;  // 'Руководитель', 'Индивидуальный предприниматель'
  std::string name;  // may be empty
};
Signer signer_of(const nlohmann::json& issuer, std::string_view language);

// In digits without a sign of the currency: '1 803,28' in Russian, '1,803.28' in English.
std::string format_amount(Amount amount, std::string_view currency, std::string_view language);
// 'руб.' of roubles in Russian; else the code.
std::string currency_unit(std::string_view currency, std::string_view language);
// '30.11.2026' in Russian, '2026-11-30' in English.
std::string format_short_day(Day day, std::string_view language);
// '22 %' or 'без НДС'; '22%' or 'no VAT'.
std::string format_rate(std::optional<std::int64_t> basis_points, std::string_view language);

// What one costs, in plain digits with a dot: with as few decimals, the currency's or more, as make
// quantity times price come to the amount when it is rounded. Empty where 11 do not suffice.
std::string unit_price(Amount amount, std::int64_t quantity, std::string_view currency);
// Plain digits as a language writes them: '1803.2857' as '1 803,2857' or '1,803.2857'.
std::string group_digits(std::string_view plain, std::string_view language);

// A currency in the classifier OK 014-94 (ОКВ).
struct CurrencyName {
  std::string_view code;    // ISO 4217
  std::string_view number;  // '643'
  std::string_view name;    // 'Российский рубль'
};
// nullptr: it is not known here.
const CurrencyName* find_currency_name(std::string_view code);

// The number of a unit in the classifier OK 015-94 (ОКЕИ), by its sign or name in the singular
// ('дн.', 'шт', 'месяц', 'GB'); empty: it is not known here.
std::string_view unit_number(std::string_view unit);

}  // namespace saldo::server
