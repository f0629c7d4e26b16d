// Numbers as texts have them: amounts in words, and the form of a word that follows a number.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/money.h"

namespace saldo {

// D6: 'Одна тысяча двести сорок пять рублей 18 копеек' in Russian, 'One thousand two hundred
// forty-five rubles 18 kopecks' in English, for RUB. Of another currency the whole units in words,
// their code, and the minor units, if it has any, in digits: 'Одна тысяча двести сорок пять EUR
// 18/100'. A negative amount begins with 'Минус' or 'Minus'. `language` is ru or en.
std::string amount_in_words(Amount amount, std::string_view currency, std::string_view language);

// Russian: the word as it follows 1, 2 and 5: день, дня, дней.
using RussianForms = std::array<std::string_view, 3>;
std::string_view russian_form(std::uint64_t number, const RussianForms& forms);

// Digits in groups of three: '1 200' in Russian, '1,200' in English.
std::string format_count(std::int64_t count, std::string_view language);

// A month, 1 to 12, as it stands in a date, 'ноября' or 'November', and alone, 'ноябрь'.
std::string_view month_in_date(unsigned month, std::string_view language);
std::string_view month_alone(unsigned month, std::string_view language);

// An amount in digits, with a dot and neither sign nor groups: '1803.28'.
std::string format_plain(Amount amount, std::string_view currency);

}  // namespace saldo
