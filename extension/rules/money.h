// Money: integer minor units, exact, never wrapping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/time.h"

namespace saldo {

// Minor units of the policy's currency (kopecks), tax included.
using Amount = std::int64_t;

// All throw out_of_range where the result does not fit.
Amount add(Amount a, Amount b);
Amount subtract(Amount a, Amount b);
Amount multiply(Amount a, std::int64_t times);

// What 30 days cost, >= 0. Nobody is charged it as such. Its type is not Amount, so that it is
// never added to a balance by mistake: daily_fee says what a day costs.
struct MonthlyPrice {
  Amount amount = 0;

  bool operator==(const MonthlyPrice&) const = default;
};
MonthlyPrice add(MonthlyPrice a, MonthlyPrice b);

// R4: a month's price is that of this many days, whichever they are.
inline constexpr int kDaysPerMonthlyPrice = 30;

// R4: what `day` costs of a monthly price P. With n = days since 1970-01-01 modulo 30 it is
// floor(P(n+1)/30) - floor(Pn/30): a thirtieth to within one minor unit, and any 30 days in a row
// sum to exactly P.
Amount daily_fee(MonthlyPrice price, Day day);

// '1 990,00 ₽' in Russian, '₽1,990.00' in English. `currency` is of ISO 4217; one without a
// sign of its own here is written by its code. `language` is ru or en.
std::string format_money(Amount amount, std::string_view currency, std::string_view language);

// How many digits of an amount in `currency` (of ISO 4217) are minor units; 2 for one that is not
// known here.
int minor_digits(std::string_view currency);

// A sum as payment systems write it, in units of two minor digits: '10.45', '10,45' and '10' are
// 1045, 1045 and 1000. nullopt unless it is up to 13 digits, with one or two more after a dot or a
// comma, and nothing else.
std::optional<Amount> parse_minor_units(std::string_view text);

}  // namespace saldo
