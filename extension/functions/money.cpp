// Prices and money: daily_fee, monthly_price, money, minor_units; and days and instants as tables
// for people have them, in the policy's language, and texts in it: day_text, time_text, say.
#include "rules/money.h"

#include <limits>

#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/notice_text.h"

namespace saldo {
namespace {

void daily_fee_of(Context& /*context*/, sqlite3_context* result, int count,
                  sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Amount price =
      expect_integer("monthly_price", arguments[0], 0, std::numeric_limits<Amount>::max());
  sqlite3_result_int64(result, daily_fee(MonthlyPrice{price}, expect_day("day", arguments[1])));
}

// NULL without a tier.
void monthly_price(Context& context, sqlite3_context* result, int count,
                   sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto price_list = expect_text("price_list", arguments[0]);
  const auto service_id = expect_text("service_id", arguments[1]);
  const Day day = expect_day("day", arguments[2]);
  const auto quantity = expect_integer("quantity", arguments[3], 0, kQuantityMax);
  const auto books = read_books(context);
  const int service = books->find_service(service_id);
  if (service == Books::kNone) throw not_found("there is no service " + describe(arguments[1]));
  const PriceHistory* prices = books->find_prices(books->find_price_list(price_list), service);
  const auto price = prices != nullptr ? prices->at(day, quantity) : std::nullopt;
  if (price) sqlite3_result_int64(result, price->monthly(quantity).amount);
}

const std::string& language_of(const Books& books) {
  return books.calendar.policy_on(books.open_day).language;
}

void money(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto books = read_books(context);
  result_text(result, format_money(expect_integer("amount", arguments[0]), books->currency,
                                   language_of(*books)));
}

void day_text(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Day day = expect_day("day", arguments[0]);
  result_text(result, format_short_day(day, language_of(*read_books(context))));
}

void time_text(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Instant instant = expect_instant("instant", arguments[0]);
  const auto books = read_books(context);
  result_text(result, format_short_time(books->days.wall_clock(instant), language_of(*books)));
}

// say(russian, english): the one in the policy's language.
void say(Context& context, sqlite3_context* result, int /*count*/, sqlite3_value** arguments) {
  const auto books = read_books(context);
  sqlite3_result_value(result, arguments[language_of(*books) == "ru" ? 0 : 1]);
}

// Of a text, or of a number as SQLite writes it; NULL for what is no such sum, blobs among it.
void minor_units(Context& /*context*/, sqlite3_context* result, int /*count*/,
                 sqlite3_value** arguments) {
  const int type = sqlite3_value_type(arguments[0]);
  if (type == SQLITE_NULL || type == SQLITE_BLOB) return;
  if (const auto amount = parse_minor_units(value_text(arguments[0])))
    sqlite3_result_int64(result, *amount);
}

}  // namespace

const std::vector<Function>& money_functions() {
  static const std::vector<Function> kFunctions = {
      {"daily_fee", 2, kPure, daily_fee_of},
      {"monthly_price", 4, kReads, monthly_price},
      {"money", 1, kReads, money},
      {"minor_units", 1, kPure, minor_units},
      {"day_text", 1, kReads, day_text},
      {"time_text", 1, kReads, time_text},
      {"say", 2, kReads, say},
  };
  return kFunctions;
}

}  // namespace saldo
