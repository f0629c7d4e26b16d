// access_explain(account_id, at): why an account is in its state, by the rules of R7 in their
// order.
//
//   SELECT step, state, applied, fact FROM access_explain(15, '2026-11-22T10:00:00Z')
//
//   step     1, 2, ...: the rule's place in R7
//   state    what the rule gives where it applies
//   applied  1 of the first rule that does: it is the answer, and access_state's; 0 of all others
//   fact     what decided, a sentence in the policy's language; null behind the answer, where R7
//            asks no more
//
// Without `at` it answers for now, as access_state does. There are no rows before the registration
// or the opening of the books, nor of an account that there is not.
#include "facts/books.h"
#include "functions/arguments.h"
#include "rules/error.h"
#include "rules/explanation.h"
#include "sqlite/value.h"
#include "tables/table_function.h"
#include "tables/tables.h"
#include "walks/walks.h"

namespace saldo {
namespace {

class AccessExplain : public Cursor {
 public:
  enum Column { kStep, kState, kApplied, kFact, kAccountId, kAt };
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(step INTEGER, state TEXT, applied INTEGER, fact TEXT,"
      " account_id INTEGER HIDDEN, at TEXT HIDDEN)";
  static constexpr PushedColumn kPushed[] = {{kAccountId, Push::kEquality, 1e4},
                                             {kAt, Push::kEquality, 30, true}};
  static constexpr int kOrder[] = {kStep};
  static constexpr double kRows = 9;
  static constexpr double kRowsWithoutValues = 9e18;
  static constexpr bool kMayBeOuter = false;
  static constexpr int kParameterColumns[] = {kAt};
  static constexpr const char* kHowToAsk =
      "say which account and instant are meant: access_explain(account_id, at), of values or of "
      "columns that an earlier table of the query has";

  static double unconstrained(const ColumnSets& used, unsigned read) {
    if (!has_column(used.equal, kAccountId)) return kAllUnconstrained;
    return has_column(used.equal, kAt) || !has_column(read, kAt) ? 1 : kInstantUnconstrained;
  }

  using Cursor::Cursor;

  void filter(const std::vector<Constraint>& constraints, unsigned /*columns_read*/) override {
    row_ = 0;
    reasons_.clear();
    IntegerRange accounts;
    std::optional<Instant> at;
    for (const auto& constraint : constraints) {
      if (constraint.column == kAccountId) {
        accounts.narrow(constraint.op, constraint.value);
      } else if (sqlite3_value_type(constraint.value) == SQLITE_NULL) {
        return;
      } else {
        const Instant instant = expect_instant("at", constraint.value);
        if (at && *at != instant) return;
        at = instant;
      }
    }
    if (accounts.empty()) return;
    if (!accounts.single()) throw invalid(kHowToAsk);
    account_id_ = accounts.low;
    at_ = at ? *at : now();
    explain();
  }

  void next() override { ++row_; }
  [[nodiscard]] bool eof() const override { return row_ >= reasons_.size(); }

  void column(sqlite3_context* context, int column) override {
    const Reason& reason = reasons_[row_];
    switch (column) {
      case kStep:
        return sqlite3_result_int64(context, static_cast<std::int64_t>(row_) + 1);
      case kState:
        return result_text_static(context, state_name(reason.state));
      case kApplied:
        return sqlite3_result_int(context, reason.applied ? 1 : 0);
      case kFact:
        if (!reason.fact.empty()) result_text(context, reason.fact);
        return;
      case kAccountId:
        return sqlite3_result_int64(context, account_id_);
      default:
        return result_text(context, format_instant(at_));
    }
  }

  [[nodiscard]] std::int64_t rowid() const override {
    return hash_rowid(
        {account_id_, at_.time_since_epoch().count(), static_cast<std::int64_t>(row_)});
  }

 private:
  void explain() {
    const auto books = read_books(context());
    if (at_ < books->days.start_of(books->opening)) return;
    WalkRequest request;
    request.first = request.last = books->days.day_of(at_);
    request.access = true;
    Walks walks(context(), books, {account_id_, account_id_}, request);
    if (!walks.next() || request.first < walks.account().registered_on) return;
    walks.advance(request.first, at_);
    reasons_ = explain_access(*books, walks.account(), walks.walk(),
                              reason_of(walks.account().terms_on(request.first)),
                              books->calendar.policy_on(books->open_day).language);
  }

  // Why the terms are so, as whoever recorded them said it.
  std::string reason_of(const Terms* terms) {
    if (terms == nullptr) return {};
    auto row = context().statements.prepare(
        "SELECT reason FROM main.account_terms WHERE account_id = ?1 AND valid_from = ?2");
    row.bind(1, account_id_).bind(2, format_day(terms->valid_from));
    return row.step() && !row.is_null(0) ? std::string(row.text(0)) : std::string();
  }

  // The same for the whole statement, however often a join asks.
  Instant now() {
    if (!now_) now_ = context().now();
    return *now_;
  }

  std::optional<Instant> now_;
  std::int64_t account_id_ = 0;
  Instant at_{};
  std::vector<Reason> reasons_;
  std::size_t row_ = 0;
};

}  // namespace

const sqlite3_module* access_explain_module() { return TableFunction<AccessExplain>::module(); }

}  // namespace saldo
