// Documents (sql/documents.sql, D1 to D6):
//
//   amount_in_words(amount)
//       in the language and currency of the policy in force (rules/words.h)
//   tax_included(amount, basis_points)
//       the tax inside of an amount, half up; NULL without a rate
//   document_name(kind, number, issued_on, correction_number, language)
//       'акт № 12 от 30.11.2026, исправление № 1'; correction_number may be NULL; NULL of a kind
//       that there is not
//   saldo_issue_documents(run_id)
//   saldo_issue_invoice(account_id, issued_on, amount, until, employees, recorded_at, recorded_by)
//   saldo_issue_reconciliation(account_id, issued_on, period_from, period_to, recorded_at,
//                              recorded_by)
//   saldo_correct_document(document_id, corrected_on, recorded_at, recorded_by)
//       for the triggers, which have checked the columns
//   saldo_json_or_null(text)
//       the text if it is JSON, else NULL: audits look at what may have been altered, and
//       json_each refuses other texts
#include <limits>

#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "posting/documents.h"
#include "rules/document.h"
#include "rules/limits.h"
#include "rules/words.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

bool is_null(sqlite3_value* value) { return sqlite3_value_type(value) == SQLITE_NULL; }

std::optional<std::string> optional_text_of(sqlite3_value* value) {
  if (is_null(value)) return std::nullopt;
  return std::string(value_text(value));
}

Recorded recorded_of(sqlite3_value** at_and_by) {
  return {optional_text_of(at_and_by[0]), optional_text_of(at_and_by[1])};
}

void words(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto books = read_books(context);
  result_text(result, amount_in_words(expect_integer("amount", arguments[0]), books->currency,
                                      books->calendar.policy_on(books->open_day).language));
}

void tax(Context& /*context*/, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto amount =
      expect_integer("amount", arguments[0], 0, std::numeric_limits<std::int64_t>::max());
  sqlite3_result_int64(result, tax_included(amount, expect_integer("basis_points", arguments[1], 0,
                                                                   kBasisPointsMax)));
}

void name(Context& /*context*/, sqlite3_context* result, int /*count*/, sqlite3_value** arguments) {
  if (any_null(3, arguments) || is_null(arguments[4])) return;
  const auto kind = parse_document_kind(value_text(arguments[0]));
  if (!kind) return;
  std::optional<std::int64_t> correction_number;
  if (!is_null(arguments[3])) correction_number = expect_integer("correction_number", arguments[3]);
  result_text(result, document_name(*kind, expect_integer("number", arguments[1]),
                                    expect_day("issued_on", arguments[2]), correction_number,
                                    value_text(arguments[4])));
}

void run_documents(Context& context, sqlite3_context* /*result*/, int /*count*/,
                   sqlite3_value** arguments) {
  issue_documents(context, expect_integer("run_id", arguments[0]));
}

void invoice(Context& context, sqlite3_context* /*result*/, int /*count*/,
             sqlite3_value** arguments) {
  InvoiceOrder order;
  order.account_id = expect_integer("account_id", arguments[0]);
  order.issued_on = expect_day("issued_on", arguments[1]);
  if (!is_null(arguments[2])) order.amount = expect_integer("amount", arguments[2], 1, kAmountMax);
  if (!is_null(arguments[3])) order.until = expect_day("until", arguments[3]);
  if (!is_null(arguments[4]))
    order.employees = expect_integer("employees", arguments[4], 0, kQuantityMax);
  order.recorded = recorded_of(arguments + 5);
  issue_invoice(context, order);
}

void reconciliation(Context& context, sqlite3_context* /*result*/, int /*count*/,
                    sqlite3_value** arguments) {
  ReconciliationOrder order;
  order.account_id = expect_integer("account_id", arguments[0]);
  order.issued_on = expect_day("issued_on", arguments[1]);
  order.from = expect_day("period_from", arguments[2]);
  order.to = expect_day("period_to", arguments[3]);
  order.recorded = recorded_of(arguments + 4);
  issue_reconciliation(context, order);
}

void correction(Context& context, sqlite3_context* /*result*/, int /*count*/,
                sqlite3_value** arguments) {
  correct_document(context, expect_integer("corrects", arguments[0]),
                   expect_day("corrected_on", arguments[1]), recorded_of(arguments + 2));
}

void json_or_null(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  auto row = context.statements.prepare("SELECT json_valid(?1)");
  row.bind_value(1, arguments[0]).step();
  if (row.integer(0) != 0) sqlite3_result_value(result, arguments[0]);
}

}  // namespace

const std::vector<Function>& document_functions() {
  static const std::vector<Function> kFunctions = {
      {"amount_in_words", 1, kReads, words},
      {"tax_included", 2, kPure, tax},
      {"document_name", 5, kPure, name},
      {"saldo_issue_documents", 1, kReads, run_documents, true},
      {"saldo_issue_invoice", 7, kReads, invoice, true},
      {"saldo_issue_reconciliation", 6, kReads, reconciliation, true},
      {"saldo_correct_document", 4, kReads, correction, true},
      {"saldo_json_or_null", 1, kReads, json_or_null},
  };
  return kFunctions;
}

}  // namespace saldo
