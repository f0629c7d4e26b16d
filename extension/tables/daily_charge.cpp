// daily_charge(account_id, day, service_id, quantity, price_list, valid_from, min_quantity,
// monthly_fee, unit_fee, amount): what the facts say that each account owes for each day, by R1 to
// R5 and R9.
//
// unpriced_charge(account_id, day, service_id, quantity, price_list): what would be owed if a tier
// priced it.
//
// Without a bound on `day` both run from the opening of the books to the open day; an upper bound
// beyond that projects today's facts forward. Rows come sorted by account_id, day, service_id.
#include <algorithm>

#include "facts/books.h"
#include "sqlite/value.h"
#include "tables/day_cursor.h"
#include "tables/day_range.h"
#include "tables/table_function.h"
#include "tables/tables.h"
#include "walks/walks.h"

namespace saldo {
namespace {

class ChargeCursor : public DayCursor<ChargeCursor> {
 public:
  enum Column {
    kAccountId,
    kDay,
    kServiceId,
    kQuantity,
    kPriceList,
    kValidFrom,
    kMinQuantity,
    kMonthlyFee,
    kUnitFee,
    kAmount
  };
  static constexpr PushedColumn kPushed[] = {
      {kAccountId, Push::kRange, 1e4}, {kDay, Push::kRange, 30}, {kServiceId, Push::kEquality, 2}};
  static constexpr int kOrder[] = {kAccountId, kDay, kServiceId};
  static constexpr double kRows = 100;
  static constexpr double kRowsWithoutValues = 1e14;

  ChargeCursor(Context& context, bool priced) : DayCursor(context), priced_(priced) {}

  void filter(const std::vector<Constraint>& constraints, unsigned /*columns_read*/) override {
    walks_.reset();
    done_ = true;
    IntegerRange accounts;
    DayRange range;
    service_ = kAnyService;
    bool nothing = false;
    books_ = read_books(context());
    for (const auto& constraint : constraints) {
      if (constraint.column == kAccountId) {
        accounts.narrow(constraint.op, constraint.value);
      } else if (constraint.column == kDay) {
        range.narrow(constraint.op, constraint.value);
      } else {
        // A number is compared as a text, by the column's affinity; NULL and blobs equal no text.
        const int type = sqlite3_value_type(constraint.value);
        const bool text = type != SQLITE_NULL && type != SQLITE_BLOB;
        const int service =
            text ? books_->find_service(value_text(constraint.value)) : Books::kNone;
        nothing =
            nothing || service == Books::kNone || (service_ != kAnyService && service_ != service);
        service_ = service;
      }
    }
    if (nothing || range.none || accounts.empty()) return;
    first_ = std::max(range.low.value_or(books_->opening), books_->opening);
    last_ = range.high.value_or(books_->open_day);
    if (first_ > last_) return;
    WalkRequest request;
    request.first = first_;
    request.last = last_;
    request.charges = true;
    walks_.emplace(context(), books_, accounts, request);
    done_ = false;
    day_ = last_;
    rows_.clear();
    row_ = 0;
    next();
  }

  void next() override {
    ++row_;
    for (std::int64_t barren_days = 1; row_ >= rows_.size(); ++barren_days) {
      if (barren_days % kDaysPerInterruptCheck == 0) check_interrupt(context());
      if (day_ < last_ && !rest_is_empty()) {
        day_ += days{1};
      } else if (walks_->next()) {
        day_ = first_;
      } else {
        walks_.reset();
        done_ = true;
        return;
      }
      row_ = 0;
      find_rows();
    }
  }

  [[nodiscard]] bool eof() const override { return done_; }

  void column(sqlite3_context* context, int column) override {
    const Charge& charge = rows_[row_];
    switch (column) {
      case kAccountId:
        return sqlite3_result_int64(context, walks_->account().account_id);
      case kDay:
        return result_text(context, day_text());
      case kServiceId:
        return result_text(context, service_id(charge));
      case kQuantity:
        return sqlite3_result_int64(context, charge.quantity);
      case kPriceList:
        if (charge.price_list == Books::kNone) return;
        return result_text(context,
                           books_->price_lists[static_cast<std::size_t>(charge.price_list)]);
      default:
        break;
    }
    if (!charge.price) return;
    switch (column) {
      case kValidFrom:
        return result_text(context, format_day(charge.price->valid_from));
      case kMinQuantity:
        return sqlite3_result_int64(context, charge.price->tier.min_quantity);
      case kMonthlyFee:
        return sqlite3_result_int64(context, charge.price->tier.monthly_fee);
      case kUnitFee:
        return sqlite3_result_int64(context, charge.price->tier.unit_fee);
      default:
        return sqlite3_result_int64(context, charge.amount);
    }
  }

  [[nodiscard]] std::int64_t rowid() const override {
    return hash_rowid(
        {walks_->account().account_id, day_.time_since_epoch().count(), rows_[row_].service});
  }

 private:
  static constexpr int kAnyService = -2;

  // No terms from here on and no usage: nothing more can come of this account.
  [[nodiscard]] bool rest_is_empty() const {
    const Account& account = walks_->account();
    return account.terms.empty() && account.usage.empty();
  }

  void find_rows() {
    rows_.clear();
    for (const Charge& charge : walks_->charges_on(day_)) {
      if (charge.price.has_value() == priced_ &&
          (service_ == kAnyService || service_ == charge.service)) {
        rows_.push_back(charge);
      }
    }
  }

  [[nodiscard]] const std::string& service_id(const Charge& charge) const {
    return books_->services[static_cast<std::size_t>(charge.service)].id;
  }

  [[nodiscard]] const std::string& day_text() const {
    if (formatted_ != day_) {
      formatted_ = day_;
      day_text_ = format_day(day_);
    }
    return day_text_;
  }

  const bool priced_;
  std::shared_ptr<const Books> books_;
  int service_ = kAnyService;
  Day first_{};
  Day last_{};
  std::optional<Walks> walks_;
  Day day_{};
  std::vector<Charge> rows_;  // of the account on day_
  std::size_t row_ = 0;
  bool done_ = true;
  mutable Day formatted_ = Day::min();
  mutable std::string day_text_;
};

class DailyCharge : public ChargeCursor {
 public:
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(account_id INTEGER, day TEXT, service_id TEXT, quantity INTEGER, price_list "
      "TEXT, valid_from TEXT,"
      " min_quantity INTEGER, monthly_fee INTEGER, unit_fee INTEGER, amount INTEGER)";
  explicit DailyCharge(Context& context) : ChargeCursor(context, true) {}
};

class UnpricedCharge : public ChargeCursor {
 public:
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(account_id INTEGER, day TEXT, service_id TEXT, quantity INTEGER, price_list "
      "TEXT)";
  explicit UnpricedCharge(Context& context) : ChargeCursor(context, false) {}
};

}  // namespace

const sqlite3_module* daily_charge_module() { return TableFunction<DailyCharge>::module(); }
const sqlite3_module* unpriced_charge_module() { return TableFunction<UnpricedCharge>::module(); }

}  // namespace saldo
