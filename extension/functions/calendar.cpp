// Days and instants: is_working_day, next_working_day, billing_day, day_start, day_end, instant.
#include "facts.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "rules/error.h"

namespace saldo {
namespace {

// The billing days that know about `from`: closed days have their ends on file, but the triggers,
// which ask for open days inside of a write transaction, are spared reading them all.
BillingDays days_from(Context& context, Instant from) {
  BillingDays open = read_open_days(context);
  return from >= open.last_kept_end() ? open : read_books(context)->days;
}

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
  result_text(result, format_day(days_from(context, instant).day_of(instant)));
}

void day_boundary(Context& context, sqlite3_context* result, Day day) {
  const BillingDays open = read_open_days(context);
  const Instant start = open.start_of(day);
  result_text(result, format_instant(start >= open.last_kept_end()
                                         ? start
                                         : read_books(context)->days.start_of(day)));
}

void day_start(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  day_boundary(context, result, expect_day("day", arguments[0]));
}

void day_end(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  day_boundary(context, result, expect_day("day", arguments[0]) + days{1});
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

}  // namespace

const std::vector<Function>& calendar_functions() {
  static const std::vector<Function> kFunctions = {
      {"is_working_day", 1, kReads, is_working_day},
      {"next_working_day", 1, kReads, next_working_day},
      {"billing_day", 1, kReads, billing_day},
      {"day_start", 1, kReads, day_start},
      {"day_end", 1, kReads, day_end},
      {"instant", 1, kPure, instant},
  };
  return kFunctions;
}

}  // namespace saldo
