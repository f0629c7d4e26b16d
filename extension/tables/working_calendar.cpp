// working_calendar(day, working, name): one row per day of the range asked for; name is the
// exception's.
//
// Without a bound on one side the range ends at the opening of the books or at the open day. The
// rows come sorted by day.
#include "facts/books.h"
#include "sqlite/value.h"
#include "tables/day_cursor.h"
#include "tables/day_range.h"
#include "tables/table_function.h"
#include "tables/tables.h"

namespace saldo {
namespace {

class WorkingCalendar : public DayCursor<WorkingCalendar> {
 public:
  enum Column { kDay, kWorking, kName };
  static constexpr const char* kDeclaration =
      "CREATE TABLE x(day TEXT, working INTEGER, name TEXT)";
  static constexpr PushedColumn kPushed[] = {{kDay, Push::kRange, 30}};
  static constexpr int kOrder[] = {kDay};
  static constexpr double kRows = 30;
  static constexpr double kRowsWithoutValues = 1e13;

  using DayCursor::DayCursor;

  void filter(const std::vector<Constraint>& constraints, unsigned /*columns_read*/) override {
    done_ = true;
    DayRange range;
    for (const auto& constraint : constraints) range.narrow(constraint.op, constraint.value);
    if (range.none) return;
    books_ = read_books(context());
    day_ = range.low.value_or(books_->opening);
    last_ = range.high.value_or(books_->open_day);
    done_ = day_ > last_;
  }

  void next() override {
    if (day_ >= last_) {
      done_ = true;
    } else {
      day_ += days{1};
    }
  }

  [[nodiscard]] bool eof() const override { return done_; }

  void column(sqlite3_context* context, int column) override {
    switch (column) {
      case kDay:
        result_text(context, format_day(day_));
        break;
      case kWorking:
        sqlite3_result_int(context, books_->calendar.is_working(day_) ? 1 : 0);
        break;
      default: {
        auto name = this->context().statements.prepare(
            "SELECT name FROM main.calendar_exception WHERE day = ?1");
        if (name.bind(1, format_day(day_)).step() && !name.is_null(0))
          result_text(context, name.text(0));
      }
    }
  }

  [[nodiscard]] std::int64_t rowid() const override { return day_.time_since_epoch().count(); }

 private:
  std::shared_ptr<const Books> books_;
  Day day_{};
  Day last_{};
  bool done_ = true;
};

}  // namespace

const sqlite3_module* working_calendar_module() { return TableFunction<WorkingCalendar>::module(); }

}  // namespace saldo
