// What the triggers of the schema call to check a row; their names are not part of the interface.
//
//   saldo_check(name, type, value [, low, high])
//       refuses a value that is not of the type; NULL passes where the type ends in '?'
//   saldo_refuse(code, sentence)
//       refuses: RAISE takes only a literal text
//   saldo_open(day, open_day, what)
//       refuses a day before the open one; `what` as in 'a headcount can take effect'
//   saldo_replacing(row_json), saldo_replaced()
//       from a BEFORE trigger to the AFTER trigger of the same row: what goes to `superseded`
//   saldo_json_array(...), saldo_json_object(name, value, ...)
//       SQLite's own JSON functions are not for triggers under trusted_schema=OFF
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/error.h"
#include "sqlite/json.h"

namespace saldo {
namespace {

bool is_identifier(std::string_view text) {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

bool is_week(std::string_view text) {
  std::array<bool, 8> seen{};
  return std::all_of(text.begin(), text.end(), [&](char c) {
    if (c < '1' || c > '7') return false;
    return !std::exchange(seen[static_cast<std::size_t>(c - '0')], true);
  });
}

// Whether `text` is one of `choices`, which '|' separates.
bool is_one_of(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find('|'), choices.size());
    if (text == choices.substr(0, end)) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

Error expected(std::string_view name, sqlite3_value* value, const std::string& what) {
  return invalid(std::string(name) + " is " + describe(value) + ", not " + what);
}

void check_text(std::string_view name, std::string_view type, sqlite3_value* value) {
  const auto text = expect_text(name, value);
  if (!is_utf8(text)) throw invalid(std::string(name) + " is not a text of UTF-8 without NUL");
  if (type == "text") return;
  if (type == "name") {
    if (text.empty()) throw invalid(std::string(name) + " is empty");
  } else if (type == "identifier") {
    if (!is_identifier(text)) {
      throw expected(name, value,
                     "an identifier: 1 to 64 lower-case letters, digits, '_', '-', '.'");
    }
  } else if (type == "week") {
    if (!is_week(text))
      throw expected(name, value, "distinct ISO weekdays, such as 12345 for Monday to Friday");
  } else if (type == "currency") {
    if (text.size() != 3 ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
      throw expected(name, value, "a currency code of ISO 4217, such as RUB");
    }
  } else if (type == "zone") {
    find_zone(std::string(text));
  } else if (!is_one_of(text, type)) {
    std::string choices(type);
    std::replace(choices.begin(), choices.end(), '|', ' ');
    throw expected(name, value, "one of: " + choices);
  }
}

void check(Context& /*context*/, sqlite3_context* /*result*/, int count,
           sqlite3_value** arguments) {
  const auto name = value_text(arguments[0]);
  auto type = value_text(arguments[1]);
  sqlite3_value* value = arguments[2];
  if (!type.empty() && type.back() == '?') {
    if (sqlite3_value_type(value) == SQLITE_NULL) return;
    type.remove_suffix(1);
  }
  if (type == "day") {
    expect_day(name, value);
  } else if (type == "instant") {
    expect_instant(name, value);
  } else if (type == "integer") {
    const auto low =
        count > 3 ? sqlite3_value_int64(arguments[3]) : std::numeric_limits<std::int64_t>::min();
    if (count > 4) {
      expect_integer(name, value, low, sqlite3_value_int64(arguments[4]));
    } else if (expect_integer(name, value) < low) {
      throw out_of_range(std::string(name) + " is " + describe(value) + "; allowed is " +
                         std::to_string(low) + " and more");
    }
  } else {
    check_text(name, type, value);
  }
}

void refuse(Context& /*context*/, sqlite3_context* /*result*/, int /*count*/,
            sqlite3_value** arguments) {
  const auto code = parse_error_code(value_text(arguments[0]));
  if (!code) throw invalid("saldo_refuse: there is no code " + describe(arguments[0]));
  throw Error(*code, value_text(arguments[1]));
}

void open(Context& /*context*/, sqlite3_context* /*result*/, int /*count*/,
          sqlite3_value** arguments) {
  // NULL: the first policy, which opens the books.
  if (sqlite3_value_type(arguments[1]) == SQLITE_NULL) return;
  const auto day = value_text(arguments[0]);
  const auto open_day = value_text(arguments[1]);
  if (day < open_day) {
    throw Error(ErrorCode::kDayClosed, std::string(day) + " is closed; " +
                                           std::string(value_text(arguments[2])) + " from " +
                                           std::string(open_day));
  }
}

void replacing(Context& context, sqlite3_context* /*result*/, int /*count*/,
               sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) {
    context.replaced.reset();
  } else {
    context.replaced = std::string(value_text(arguments[0]));
  }
}

void replaced(Context& context, sqlite3_context* result, int /*count*/,
              sqlite3_value** /*arguments*/) {
  if (context.replaced) result_text(result, *context.replaced);
}

void json_array(Context& /*context*/, sqlite3_context* result, int count,
                sqlite3_value** arguments) {
  std::string json = "[";
  for (int i = 0; i < count; ++i) {
    if (i > 0) json += ',';
    append_json(json, arguments[i]);
  }
  result_text(result, json + ']');
}

void json_object(Context& /*context*/, sqlite3_context* result, int count,
                 sqlite3_value** arguments) {
  std::string json = "{";
  for (int i = 0; i + 1 < count; i += 2) {
    if (i > 0) json += ',';
    append_json(json, value_text(arguments[i]));
    json += ':';
    append_json(json, arguments[i + 1]);
  }
  result_text(result, json + '}');
}

}  // namespace

const std::vector<Function>& check_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_check", 3, kReads, check},
      {"saldo_check", 4, kReads, check},
      {"saldo_check", 5, kReads, check},
      {"saldo_refuse", 2, kReads, refuse},
      {"saldo_open", 3, kReads, open},
      {"saldo_replacing", 1, kReads, replacing},
      {"saldo_replaced", 0, kReads, replaced},
      {"saldo_json_array", -1, kPure, json_array},
      {"saldo_json_object", -1, kPure, json_object},
  };
  return kFunctions;
}

}  // namespace saldo
