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

std::optional<Amount> parse_amount(std::string_view text) {
  constexpr std::size_t kMajorDigitsMax = 13;
  constexpr std::size_t kMinorDigits = 2;
  const auto point = std::min(text.find_first_of(".,"), text.size());
  const auto minor = text.substr(std::min(point + 1, text.size()));
  if (point == 0 || point > kMajorDigitsMax || minor.size() > kMinorDigits ||
      (point < text.size() && minor.empty()))
    return std::nullopt;
  Amount amount = 0;
  for (std::size_t i = 0; i < point + 1 + kMinorDigits; ++i) {
    if (i == point) continue;
    const char c = i < text.size() ? text[i] : '0';
    if (c < '0' || c > '9') return std::nullopt;
    amount = amount * 10 + (c - '0');
  }
  return amount;
}

std::string format_money(Amount amount, std::string_view currency, std::string_view language) {
  const auto* known = std::find_if(std::begin(kCurrencies), std::end(kCurrencies),
                                   [&](const Currency& c) { return c.code == currency; });
  const bool is_known = known != std::end(kCurrencies);
  const auto minor_digits = static_cast<std::size_t>(is_known ? known->minor_digits : 2);
  const std::string sign(is_known && !known->sign.empty() ? known->sign : currency);
  const bool russian = language == "ru";

  // The magnitude of the least amount does not fit an Amount.
  const auto magnitude =
      amount < 0 ? 0 - static_cast<std::uint64_t>(amount) : static_cast<std::uint64_t>(amount);
  std::string digits = std::to_string(magnitude);
  if (digits.size() <= minor_digits) digits.insert(0, minor_digits + 1 - digits.size(), '0');

  std::string major = digits.substr(0, digits.size() - minor_digits);
  for (std::size_t i = major.size(); i > 3; i -= 3) major.insert(i - 3, 1, russian ? ' ' : ',');
  std::string text = major;
  if (minor_digits > 0) text += (russian ? ',' : '.') + digits.substr(digits.size() - minor_digits);

  const std::string minus = amount < 0 ? "-" : "";
  if (russian) return minus + text + ' ' + sign;
  const bool letters = sign == currency;
  return minus + sign + (letters ? " " : "") + text;
}

}  // namespace saldo
