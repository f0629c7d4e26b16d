// Issuing documents (D1 to D5). The way goes from SQL to C++ and back:
//
//   INSERT INTO document_run(month, issued_on)         a month's acts or UPDs
//     SELECT saldo_issue_documents(run_id)             the trigger document_run_issue
//       issue_documents
//         INSERT INTO document                         one for each account that wants one
//         UPDATE document_run                          how many: the run is over
//   INSERT INTO invoice, reconciliation, document_correction
//     SELECT saldo_issue_invoice(...) and its like     triggers of these views
//       issue_invoice and its like
//         INSERT INTO document                         one
//
// What a document says is put together here from the tables, by the rules of rules/document.h, and
// frozen as `document.content`; extension/README.md gives its members. Everything is written inside
// of the statement that called, and undone with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "context.h"
#include "rules/money.h"
#include "rules/time.h"

namespace saldo {

// When, and by whom, a document was recorded, as whoever asks for it says.
struct Recorded {
  std::optional<std::string> at;
  std::optional<std::string> by;
};

// All throw not_found where there is no such account, no issuer on the day, or no tax rate of a
// service; conflict where the rules named say so, and where the document would be of a day to come:
// after the day of recorded.at, or without one after the open day.

// D1: the run's row stands without its count; else throws append_only.
void issue_documents(Context& context, std::int64_t run_id);

// D4: of `amount`, or of what top_up says at recorded.at.
struct InvoiceOrder {
  std::int64_t account_id = 0;
  Day issued_on{};
  std::optional<Amount> amount;
  std::optional<Day> until;
  std::optional<std::int64_t> employees;
  Recorded recorded;
};
void issue_invoice(Context& context, const InvoiceOrder& order);

// D5. Throws day_not_ended where a day of it is not closed.
struct ReconciliationOrder {
  std::int64_t account_id = 0;
  Day issued_on{};
  Day from{};
  Day to{};
  Recorded recorded;
};
void issue_reconciliation(Context& context, const ReconciliationOrder& order);

// D3: of a month's document or of one of its corrections.
void correct_document(Context& context, std::int64_t document_id, Day corrected_on,
                      const Recorded& recorded);

}  // namespace saldo
