#include "rules/money.h"

#include <algorithm>
#include <array>

#include "rules/error.h"

namespace saldo {
namespace {

struct Currency {
  std::string_view code;
  std::string_view sign;
  int minor_digits;  // of ISO 4217
};

constexpr Currency kCurrencies[] = {
    {"RUB", "₽", 2}, {"EUR", "€", 2},   {"USD", "$", 2},   {"GBP", "£", 2}, {"KZT", "₸", 2},
    {"UAH", "₴", 2},   {"AMD", "֏", 2},   {"GEL", "₾", 2}, {"TRY", "₺", 2}, {"ILS", "₪", 2},
    {"INR", "₹", 2},   {"CNY", "CN¥", 2}, {"JPY", "¥", 0},   {"KRW", "₩", 0}, {"VND", "₫", 0},
    {"CLP", "", 0},    {"ISK", "", 0},    {"PYG", "", 0},    {"UGX", "", 0},  {"XAF", "", 0},
    {"XOF", "", 0},    {"XPF", "", 0},    {"BIF", "", 0},    {"DJF", "", 0},  {"GNF", "", 0},
    {"KMF", "", 0},    {"RWF", "", 0},    {"VUV", "", 0},    {"BHD", "", 3},  {"IQD", "", 3},
    {"JOD", "", 3},    {"KWD", "", 3},    {"LYD", "", 3},    {"OMR", "", 3},  {"TND", "", 3},
};

const Currency* find_currency(std::string_view code) {
  const auto* found = std::find_if(std::begin(kCurrencies), std::end(kCurrencies),
                                   [&](const Currency& currency) { return currency.code == code; });
  return found == std::end(kCurrencies) ? nullptr : found;
}

}  // namespace

Amount add(Amount a, Amount b) {
  Amount sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw out_of_range("a sum of money exceeds 64 bits");
  return sum;
}

Amount subtract(Amount a, Amount b) {
  Amount difference = 0;
  if (__builtin_sub_overflow(a, b, &difference))
    throw out_of_range("a sum of money exceeds 64 bits");
  return difference;
}

Amount multiply(Amount a, std::int64_t times) {
  Amount product = 0;
  if (__builtin_mul_overflow(a, times, &product))
    throw out_of_range("a product of money exceeds 64 bits");
  return product;
}

MonthlyPrice add(MonthlyPrice a, MonthlyPrice b) { return {add(a.amount, b.amount)}; }

Amount daily_fee(MonthlyPrice price, Day day) {
  constexpr int kDays = kDaysPerMonthlyPrice;
  const auto n = ((day.time_since_epoch().count() % kDays) + kDays) % kDays;
  // P = 30q + r, so that floor(Pn/30) = qn + floor(rn/30) and nothing overflows; both divisions
  // round down, as P >= 0.
  const Amount q = price.amount / kDays;
  const Amount r = price.amount % kDays;
  return q + r * (n + 1) / kDays - r * n / kDays;
}

std::string format_money(Amount amount, std::string_view currency, std::string_view language) {
  const Currency* known = find_currency(currency);
  const auto minor = static_cast<std::size_t>(minor_digits(currency));
  const std::string sign(known != nullptr && !known->sign.empty() ? known->sign : currency);
  const bool russian = language == "ru";

  // The magnitude of the least amount does not fit an Amount.
  const auto magnitude =
      amount < 0 ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  std::string digits = std::to_string(magnitude);
  if (digits.size() <= minor) digits.insert(0, minor + 1 - digits.size(), '0');

  std::string major = digits.substr(0, digits.size() - minor);
  for (std::size_t i = major.size(); i > 3; i -= 3) major.insert(i - 3, 1, russian ? ' ' : ',');
  std::string text = major;
  if (minor > 0) text += (russian ? ',' : '.') + digits.substr(digits.size() - minor);

  const std::string minus = amount < 0 ? "-" : "";
  if (russian) return minus + text + ' ' + sign;
  const bool letters = sign == currency;
  return minus + sign + (letters ? " " : "") + text;
}

int minor_digits(std::string_view currency) {
  const Currency* known = find_currency(currency);
  return known == nullptr ? 2 : known->minor_digits;
}

std::optional<Amount> parse_minor_units(std::string_view text) {
  constexpr std::size_t kMajorDigitsMax = 13;
  const std::size_t point = std::min(text.find_first_of(".,"), text.size());
  const std::string_view major = text.substr(0, point);
  const std::string_view minor = text.substr(std::min(point + 1, text.size()));
  const bool has_point = point < text.size();
  if (major.empty() || major.size() > kMajorDigitsMax || minor.size() > 2 ||
      (has_point && minor.empty()))
    return std::nullopt;
  Amount amount = 0;
  for (const std::string_view part : {major, minor}) {
    for (const char c : part) {
      if (c < '0' || c > '9') return std::nullopt;
      amount = amount * 10 + (c - '0');
    }
  }
  for (std::size_t digits = minor.size(); digits < 2; ++digits) amount *= 10;
  return amount;
}

}  // namespace saldo
