// What closing a day calls and leaves behind:
//
//   saldo_post(day)      writes what the open day costs, and seals it; the trigger of day_close
//                        calls it
//   saldo_posted()       1 while Saldo itself writes, else an error; called by the generated column
//                        of each table that nobody else may write
//   saldo_digest(day)    the digest of a closed day, computed again from the tables (3.2)
//   saldo_facts_in_force(account_id, facts)
//                        what the tables say that these bytes of facts_in_force should be
#include "posting/posting.h"

#include "facts/account_reader.h"
#include "facts/books.h"
#include "facts/facts_in_force.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "posting/digest.h"
#include "rules/error.h"

namespace saldo {
namespace {

void post(Context& context, sqlite3_context* /*result*/, int /*count*/, sqlite3_value** arguments) {
  post_day(context, std::string(expect_text("day", arguments[0])));
}

void posted(Context& context, sqlite3_context* result, int /*count*/,
            sqlite3_value** /*arguments*/) {
  if (context.posting == nullptr && !context.own_write) {
    throw append_only(
        "posted rows come from closing a day: INSERT INTO day_close(day, closed_at); notices from"
        " moving their clock: UPDATE notice_clock SET at = ...");
  }
  sqlite3_result_int(result, 1);
}

void digest(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const std::string day(expect_text("day", arguments[0]));
  expect_no_attached_books(context);
  DayDigest digest(context, day);
  auto row = context.statements.prepare(
      "SELECT day, account_id, service_id, quantity, monthly_fee, unit_fee, amount FROM main.charge"
      " WHERE day = ?1 ORDER BY account_id, service_id");
  row.bind(1, day);
  while (row.step()) digest.add("charge", row);
  result_text(result, digest.finish());
}

void facts_in_force(Context& context, sqlite3_context* result, int count,
                    sqlite3_value** arguments) {
  if (any_null(count, arguments) || sqlite3_value_type(arguments[1]) != SQLITE_BLOB) return;
  const auto books = read_books(context);
  const std::string_view stored(static_cast<const char*>(sqlite3_value_blob(arguments[1])),
                                static_cast<std::size_t>(sqlite3_value_bytes(arguments[1])));
  const auto facts =
      encode_facts(*books, read_account(context, *books, sqlite3_value_int64(arguments[0])),
                   facts_hold_from(stored));
  if (facts)
    sqlite3_result_blob(result, facts->data(), static_cast<int>(facts->size()), SQLITE_TRANSIENT);
}

}  // namespace

const std::vector<Function>& posting_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_post", 1, kReads, post},
      // Deterministic, as generated columns must be: it is 1 wherever it returns.
      {"saldo_posted", 0, kPure, posted},
      {"saldo_digest", 1, kReads, digest},
      {"saldo_facts_in_force", 2, kReads, facts_in_force},
  };
  return kFunctions;
}

}  // namespace saldo
