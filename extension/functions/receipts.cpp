// Money in: account_number, account_status.
//
//   saldo_received_at(text, recorded_at)
//       when the payer paid, by what the sender wrote; recorded_at where that cannot be read or
//       lies after it. Its name is not part of the interface.
#include <algorithm>

#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/limits.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

// The number that people type at kiosks: digits, zeros before it and blanks around it; NULL for all
// else.
void account_number(Context& /*context*/, sqlite3_context* result, int /*count*/,
                    sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_BLOB) return;
  constexpr std::string_view kBlanks = " \t\r\n";
  auto text = value_text(arguments[0]);
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return;
    number = number * 10 + (c - '0');
    if (number > kIdMax) return;
  }
  if (number > 0) sqlite3_result_int64(result, number);
}

// R1: trial, active, paused or closed; NULL where there is no such account.
void account_status(Context& context, sqlite3_context* result, int count,
                    sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto account_id = expect_integer("account_id", arguments[0]);
  const auto day = format_day(expect_day("day", arguments[1]));
  read_books(context);
  auto status = context.statements.prepare(
      "SELECT coalesce((SELECT t.status FROM main.account_terms AS t"
      " WHERE t.account_id = a.account_id AND t.valid_from <= ?2"
      " ORDER BY t.valid_from DESC LIMIT 1), 'trial')"
      " FROM main.account AS a WHERE a.account_id = ?1");
  if (status.bind(1, account_id).bind(2, day).step()) result_text(result, status.text(0));
}

// NULL where recorded_at is not an instant, so that the audits go on.
void received_at(Context& context, sqlite3_context* result, int /*count*/,
                 sqlite3_value** arguments) {
  const auto recorded_at = parse_instant(value_text(arguments[1]));
  if (!recorded_at) return;
  const auto books = read_books(context);
  const auto received_at = sqlite3_value_type(arguments[0]) == SQLITE_TEXT
                               ? parse_received_at(value_text(arguments[0]), books->days)
                               : std::nullopt;
  result_text(result, format_instant(std::min(received_at.value_or(*recorded_at), *recorded_at)));
}

}  // namespace

const std::vector<Function>& receipt_functions() {
  static const std::vector<Function> kFunctions = {
      {"account_number", 1, kPure, account_number},
      {"account_status", 2, kReads, account_status},
      {"saldo_received_at", 2, kReads, received_at},
  };
  return kFunctions;
}

}  // namespace saldo
