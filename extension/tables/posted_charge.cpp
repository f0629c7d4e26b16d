// posted_charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount): the charges
// of the day that is being posted, sorted by account_id and service_id, once. Nobody else may ask.
#include <array>

#include "posting/posting.h"
#include "rules/error.h"
#include "sqlite/value.h"
#include "tables/table_function.h"
#include "tables/tables.h"

namespace saldo {
namespace {

class PostedCharge : public Cursor {
 public:
  enum Column { kDay, kAccountId, kServiceId, kQuantity, kMonthlyFee, kUnitFee, kAmount };
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(day TEXT, account_id INTEGER, service_id TEXT, quantity INTEGER,"
      " monthly_fee INTEGER, unit_fee INTEGER, amount INTEGER)";
  static constexpr std::array<PushedColumn, 0> kPushed{};
  static constexpr int kOrder[] = {kAccountId, kServiceId};
  static constexpr double kRows = 1e6;

  using Cursor::Cursor;

  void filter(const std::vector<Constraint>& /*constraints*/, unsigned /*columns_read*/) override {
    if (context().posting == nullptr) throw append_only("no day is being posted");
    next();
  }

  void next() override {
    charge_ = context().posting->next();
    ++row_;
  }

  [[nodiscard]] bool eof() const override { return charge_ == nullptr; }

  void column(sqlite3_context* context, int column) override {
    switch (column) {
      case kDay:
        return result_text_static(context, this->context().posting->day());
      case kAccountId:
        return sqlite3_result_int64(context, charge_->account_id);
      case kServiceId:
        return result_text_static(context, charge_->service_id);  // by the books of the posting
      case kQuantity:
        return sqlite3_result_int64(context, charge_->quantity);
      case kMonthlyFee:
        return sqlite3_result_int64(context, charge_->monthly_fee);
      case kUnitFee:
        return sqlite3_result_int64(context, charge_->unit_fee);
      default:
        return sqlite3_result_int64(context, charge_->amount);
    }
  }

  [[nodiscard]] std::int64_t rowid() const override { return row_; }

 private:
  const ChargeColumns* charge_ = nullptr;
  std::int64_t row_ = 0;  // each is given once
};

}  // namespace

const sqlite3_module* posted_charge_module() { return TableFunction<PostedCharge>::module(); }

}  // namespace saldo
