// The base of the table functions whose rows are days. Constraints on Table::kDay say which days
// are meant; without them the table answers for the days up to the open one.
#pragma once

#include "tables/table_function.h"

namespace saldo {

template <typename Table>
class DayCursor : public Cursor {
 public:
  static constexpr std::array<int, 1> kParameterColumns{Table::kDay};
  static constexpr const char* kHowToAsk =
      "say which days are meant (day = ..., day IN (...), day BETWEEN ... AND ...); the conditions "
      "given would only filter the days up to the open one";

  static double unconstrained(const ColumnSets& used, unsigned read) {
    return unconstrained_days(used, has_column(read, Table::kDay));
  }

  using Cursor::Cursor;

 protected:
  // `is_read`: the query reads a column by which it may have conditions on days.
  static double unconstrained_days(const ColumnSets& used, bool is_read) {
    if (has_column(used.equal | used.above, Table::kDay)) return 1;
    if (has_column(used.below, Table::kDay)) return kEndUnconstrained;
    return is_read ? kAllUnconstrained : 1;
  }
};

}  // namespace saldo
