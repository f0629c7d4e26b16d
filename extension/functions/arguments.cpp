#include "functions/arguments.h"

#include <string>

#include "rules/error.h"

namespace saldo {
namespace {

Error not_a(std::string_view name, const char* what, sqlite3_value* value) {
  return invalid(std::string(name) + " is " + describe(value) + ", not " + what);
}

}  // namespace

Day expect_day(std::string_view name, sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_TEXT) {
    if (const auto day = parse_day(value_text(value))) return *day;
  }
  throw not_a(name, "a day (YYYY-MM-DD)", value);
}

Instant expect_instant(std::string_view name, sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_TEXT) {
    if (const auto instant = parse_instant(value_text(value))) return *instant;
  }
  throw not_a(name, "an instant of UTC (YYYY-MM-DDTHH:MM:SSZ)", value);
}

std::string_view expect_text(std::string_view name, sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_TEXT) throw not_a(name, "a text", value);
  return value_text(value);
}

std::int64_t expect_integer(std::string_view name, sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_INTEGER) throw not_a(name, "an integer", value);
  return sqlite3_value_int64(value);
}

std::int64_t expect_integer(std::string_view name, sqlite3_value* value, std::int64_t low,
                            std::int64_t high) {
  const auto integer = expect_integer(name, value);
  if (integer < low || integer > high) {
    throw out_of_range(std::string(name) + " is " + std::to_string(integer) + "; allowed is " +
                       std::to_string(low) + " to " + std::to_string(high));
  }
  return integer;
}

}  // namespace saldo
