// What closing a day calls and leaves behind:
//
//   saldo_post(day)      writes what the open day costs, and seals it; the trigger of day_close
//                        calls it
//   saldo_posted(table)  1 while Saldo itself writes, else an error that says what does; called by
//                        the generated column of each table that nobody else may write
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
#include "sqlite/value.h"

namespace saldo {
namespace {

void post(Context& context, sqlite3_context* /*result*/, int /*count*/, sqlite3_value** arguments) {
  post_day(context, std::string(expect_text("day", arguments[0])));
}

// What maintains a table that nobody else may write.
std::string maintained_by(std::string_view table) {
  if (table.substr(0, 6) == "notice")
    return "moving the clock of the notices: UPDATE notice_clock SET at = ...";
  if (table == "document") {
    return "issuing documents: INSERT INTO document_run, invoice, reconciliation or "
           "document_correction";
  }
  if (table == "open_usage") return "a trigger of usage_event; do not write it";
  if (table == "open_money") return "triggers of payment and adjustment; do not write it";
  if (table == "payment_returned") return "a trigger of adjustment; do not write it";
  return "closing a day: INSERT INTO day_close(day, closed_at)";
}

void posted(Context& context, sqlite3_context* result, int /*count*/, sqlite3_value** arguments) {
  if (context.posting == nullptr && !context.own_write) {
    const std::string table(value_text(arguments[0]));
    throw append_only(table + " is maintained by " + maintained_by(table));
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
  const auto facts =
      encode_facts(*books, read_account(context, *books, sqlite3_value_int64(arguments[0])),
                   facts_hold_from(value_bytes(arguments[1])));
  if (facts)
    sqlite3_result_blob(result, facts->data(), static_cast<int>(facts->size()), SQLITE_TRANSIENT);
}

}  // namespace

const std::vector<Function>& posting_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_post", 1, kReads, post, true},
      // Deterministic, as generated columns must be: it is 1 wherever it returns.
      {"saldo_posted", 1, kPure, posted},
      {"saldo_digest", 1, kReads, digest},
      {"saldo_facts_in_force", 2, kReads, facts_in_force},
  };
  return kFunctions;
}

}  // namespace saldo
