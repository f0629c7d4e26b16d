#include "tables/day_range.h"

#include <algorithm>

#include "functions/arguments.h"

namespace saldo {

void DayRange::narrow(int op, sqlite3_value* value) {
  const auto at_least = [this](Day day) { low = low ? std::max(*low, day) : day; };
  const auto at_most = [this](Day day) { high = high ? std::min(*high, day) : day; };
  switch (sqlite3_value_type(value)) {
    case SQLITE_TEXT: {
      const auto text = value_text(value);
      if (op == SQLITE_INDEX_CONSTRAINT_EQ) {
        const Day day = expect_day("day", value);
        at_least(day);
        at_most(day);
      } else if (bounds_above(op)) {
        const auto last = last_day_before(text, op == SQLITE_INDEX_CONSTRAINT_LE);
        if (last) {
          at_most(*last);
        } else {
          none = true;
        }
      } else {
        const auto before = last_day_before(text, op == SQLITE_INDEX_CONSTRAINT_GT);
        if (!before) {
          at_least(kFirstDay);
        } else if (*before == kLastDay) {
          none = true;
        } else {
          at_least(*before + days{1});
        }
      }
      break;
    }
    case SQLITE_NULL:
      none = true;
      break;
    case SQLITE_BLOB:
      if (!bounds_above(op)) none = true;
      break;
    default:
      if (op == SQLITE_INDEX_CONSTRAINT_EQ) none = true;
  }
}

}  // namespace saldo
