// access_state(account_id, day, at, state, employees_allowed, admin_allowed, balance, accrued,
// arrears_since, restricted_from, promised_until, promise_allowed, lasts_until, restricted_days):
// who may work, by R1 and R6 to R10.
//
//   WHERE at = '2026-11-22T10:00:00Z'   at an instant (= and IN)
//   WHERE day BETWEEN ... AND ...       for days, each seen one second before its end; a missing
//                                       bound is the registration or the open day
//   neither                             now, by the clock, which the statement reads once
//
// After the last closed day the charges of the ended days not yet posted are counted too. Nothing
// precedes an account's registration or the opening of the books. Rows come sorted by account_id
// and day.
//
// Beyond the design: restricted_days, R9's count in this run of arrears with the day in question.
#include <algorithm>
#include <chrono>

#include "facts/books.h"
#include "functions/arguments.h"
#include "rules/error.h"
#include "tables/day_cursor.h"
#include "tables/day_range.h"
#include "tables/table_function.h"
#include "tables/tables.h"
#include "walks/walks.h"

namespace saldo {
namespace {

class AccessState : public DayCursor<AccessState> {
 public:
  enum Column {
    kAccountId,
    kDay,
    kAt,
    kState,
    kEmployeesAllowed,
    kAdminAllowed,
    kBalance,
    kAccrued,
    kArrearsSince,
    kRestrictedFrom,
    kPromisedUntil,
    kPromiseAllowed,
    kLastsUntil,
    kRestrictedDays
  };
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(account_id INTEGER, day TEXT, at TEXT, state TEXT, employees_allowed INTEGER,"
      " admin_allowed INTEGER, balance INTEGER, accrued INTEGER, arrears_since TEXT, "
      "restricted_from TEXT,"
      " promised_until TEXT, promise_allowed INTEGER, lasts_until TEXT, restricted_days INTEGER)";
  static constexpr PushedColumn kPushed[] = {
      {kAccountId, Push::kRange, 1e4}, {kDay, Push::kRange, 30}, {kAt, Push::kEquality, 30, true}};
  static constexpr int kOrder[] = {kAccountId, kDay};
  static constexpr double kRows = 100;
  static constexpr double kRowsWithoutValues = 9e18;
  static constexpr bool kMayBeOuter = false;
  static constexpr int kParameterColumns[] = {kDay, kAt};
  static constexpr const char* kHowToAsk =
      "say which days or instants are meant (day = ..., day IN (...), day BETWEEN ... AND ..., "
      "at = ..., at IN (...)); the conditions given would only filter the rows of now";

  static double unconstrained(const ColumnSets& used, unsigned read) {
    if (has_column(used.equal, kAt)) return 1;
    const double days = unconstrained_days(used, has_column(read, kDay) || has_column(read, kAt));
    // An instant constrains more than days, which are each seen at one instant that is not asked
    // for.
    return days == 1 && has_column(read, kAt) ? kInstantUnconstrained : days;
  }

  using DayCursor::DayCursor;

  void filter(const std::vector<Constraint>& constraints, unsigned columns_read) override {
    walks_.reset();
    done_ = true;
    IntegerRange accounts;
    DayRange range;
    std::optional<Instant> at;
    bool by_day = false;
    bool nothing = false;
    for (const auto& constraint : constraints) {
      if (constraint.column == kAccountId) {
        accounts.narrow(constraint.op, constraint.value);
      } else if (constraint.column == kDay) {
        range.narrow(constraint.op, constraint.value);
        by_day = true;
      } else if (sqlite3_value_type(constraint.value) == SQLITE_NULL) {
        nothing = true;
      } else {
        const Instant instant = expect_instant("at", constraint.value);
        nothing = nothing || (at && *at != instant);
        at = instant;
      }
    }
    if (nothing || range.none || accounts.empty()) return;
    books_ = read_books(context());
    by_day_ = by_day && !at;
    if (by_day_) {
      first_ = std::max(range.low.value_or(books_->opening), books_->opening);
      last_ = range.high.value_or(books_->open_day);
    } else {
      at_ = at ? *at : now();
      if (at_ < books_->days.start_of(books_->opening)) return;
      first_ = last_ = books_->days.day_of(at_);
    }
    if (first_ > last_) return;

    WalkRequest request;
    request.first = first_;
    request.last = last_;
    request.access = true;
    request.charges = has_column(columns_read, kAccrued);
    request.outlook =
        has_column(columns_read, kRestrictedFrom) || has_column(columns_read, kLastsUntil);
    walks_.emplace(context(), books_, accounts, request);
    done_ = false;
    day_ = last_;
    next();
  }

  void next() override {
    if (day_ < last_) {
      day_ += days{1};
    } else {
      do {
        if (!walks_->next()) {
          walks_.reset();
          done_ = true;
          return;
        }
        day_ = std::max(first_, walks_->account().registered_on);
      } while (day_ > last_);
    }
    if (by_day_) at_ = books_->days.end_of(day_) - seconds{1};
    walks_->advance(day_, at_);
    access_ = walks_->walk().access();
    outlook_.reset();
  }

  [[nodiscard]] bool eof() const override { return done_; }

  void column(sqlite3_context* context, int column) override {
    const Walk& walk = walks_->walk();
    const Standing& standing = walk.standing();
    switch (column) {
      case kAccountId:
        return sqlite3_result_int64(context, walks_->account().account_id);
      case kDay:
        return result_text(context, format_day(day_));
      case kAt:
        return result_text(context, format_instant(at_));
      case kState:
        return result_text_static(context, state_name(access_.state));
      case kEmployeesAllowed:
        return sqlite3_result_int(context, employees_allowed(access_.state) ? 1 : 0);
      case kAdminAllowed:
        return sqlite3_result_int(context, admin_allowed(access_.state) ? 1 : 0);
      case kBalance:
        return sqlite3_result_int64(context, standing.balance);
      case kAccrued:
        return sqlite3_result_int64(context, walk.accrued());
      case kArrearsSince:
        return result_instant(context, standing.arrears_since);
      case kRestrictedFrom:
        return result_instant(context, access_.state == State::kActive ? outlook().restricted_from
                                                                       : access_.restricted_from);
      case kPromisedUntil:
        return result_instant(context, access_.promised_until);
      case kPromiseAllowed:
        return sqlite3_result_int(context, access_.promise_allowed ? 1 : 0);
      case kLastsUntil:
        if (access_.state == State::kActive && outlook().lasts_until) {
          result_text(context, format_day(*outlook().lasts_until));
        }
        return;
      default:
        return sqlite3_result_int64(context, walk.restricted_days(access_.state));
    }
  }

  [[nodiscard]] std::int64_t rowid() const override {
    return hash_rowid({walks_->account().account_id, at_.time_since_epoch().count()});
  }

 private:
  static void result_instant(sqlite3_context* context, const std::optional<Instant>& instant) {
    if (instant) result_text(context, format_instant(*instant));
  }

  // The same for the whole statement, however often a join asks.
  Instant now() {
    if (!now_) now_ = context().now();
    return *now_;
  }

  // Looks up to ten years ahead: only when asked, and once a row.
  const Outlook& outlook() {
    if (!outlook_) outlook_ = walks_->walk().outlook();
    return *outlook_;
  }

  std::shared_ptr<const Books> books_;
  std::optional<Instant> now_;
  Day first_{};
  Day last_{};
  bool by_day_ = false;
  std::optional<Walks> walks_;
  Day day_{};
  Instant at_{};
  Access access_;
  std::optional<Outlook> outlook_;
  bool done_ = true;
};

}  // namespace

const sqlite3_module* access_state_module() { return TableFunction<AccessState>::module(); }

}  // namespace saldo
