// Days and instants: is_working_day, next_working_day, billing_day, day_start, day_end, instant.
//
//   saldo_promise_end(granted_at, days)
//       when a promised payment expires: so many times 24 hours later. Its name is not part of the
//       interface.
#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/error.h"

namespace saldo {
namespace {

void is_working_day(Context& context, sqlite3_context* result, int count,
                    sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Day day = expect_day("day", arguments[0]);
  sqlite3_result_int(result, read_books(context)->calendar.is_working(day) ? 1 : 0);
}

void next_working_day(Context& context, sqlite3_context* result, int count,
                      sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto next = read_books(context)->calendar.next_working_day(expect_day("day", arguments[0]));
  if (next) result_text(result, format_day(*next));
}

void billing_day(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Instant instant = expect_instant("instant", arguments[0]);
  result_text(result, format_day(read_books(context)->days.day_of(instant)));
}

void day_start(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Day day = expect_day("day", arguments[0]);
  result_text(result, format_instant(read_books(context)->days.start_of(day)));
}

void day_end(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const Day day = expect_day("day", arguments[0]);
  result_text(result, format_instant(read_books(context)->days.end_of(day)));
}

void instant(Context& /*context*/, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto parsed = sqlite3_value_type(arguments[0]) == SQLITE_TEXT
                          ? parse_rfc3339(value_text(arguments[0]))
                          : std::nullopt;
  if (!parsed) {
    throw invalid(describe(arguments[0]) +
                  " is not a date-time of RFC 3339, such as 2026-11-22T12:00:00+03:00");
  }
  result_text(result, format_instant(*parsed));
}

// NULL where it is after the year 9999; and for what no row of promised_payment may hold, so that
// the audits go on.
void promise_end(Context& /*context*/, sqlite3_context* result, int /*count*/,
                 sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[1]) != SQLITE_INTEGER) return;
  const auto granted_at = parse_instant(value_text(arguments[0]));
  const std::int64_t length = sqlite3_value_int64(arguments[1]);
  constexpr std::int64_t kLengthMax = std::int64_t{10'000} * 366;
  if (!granted_at || length < 0 || length > kLengthMax) return;
  const Instant end = *granted_at + date::days{length};
  if (end <= kLastInstant) result_text(result, format_instant(end));
}

}  // namespace

const std::vector<Function>& calendar_functions() {
  static const std::vector<Function> kFunctions = {
      {"is_working_day", 1, kReads, is_working_day},
      {"next_working_day", 1, kReads, next_working_day},
      {"billing_day", 1, kReads, billing_day},
      {"day_start", 1, kReads, day_start},
      {"day_end", 1, kReads, day_end},
      {"instant", 1, kPure, instant},
      {"saldo_promise_end", 2, kPure, promise_end},
  };
  return kFunctions;
}

}  // namespace saldo
