#include "sqlite/value.h"

#include <new>

#include "rules/error.h"

namespace saldo {
namespace {

// Longer values are cut in error texts.
constexpr std::size_t kShown = 60;

Error not_a(std::string_view name, const char* what, sqlite3_value* value) {
  return invalid(std::string(name) + " is " + describe(value) + ", not " + what);
}

}  // namespace

std::string_view value_text(sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_NULL) return {};
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) throw std::bad_alloc();
  return {text, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

std::string describe(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB:
      return "a blob";
    case SQLITE_TEXT: {
      std::string_view text = value_text(value);
      // The message is a C string, and is to be cut between characters.
      text = text.substr(0, text.find('\0'));
      if (text.size() <= kShown) return "'" + std::string(text) + "'";
      std::size_t end = kShown;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
      return "'" + std::string(text.substr(0, end)) + "...'";
    }
    default:
      return std::string(value_text(value));
  }
}

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

void result_text(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

}  // namespace saldo
