// What the constraints of a query leave of a range of days. As in sqlite/bounds.h it may come out
// too wide, never too narrow.
#pragma once

#include <optional>

#include "rules/time.h"
#include "sqlite/bounds.h"

namespace saldo {

// A column of days, as texts. Either bound may be missing: what then holds is the table's to say.
struct DayRange {
  std::optional<Day> low;
  std::optional<Day> high;
  bool none = false;

  // Equality with a text that is no day throws invalid; as a bound any text will do. Numbers equal
  // no day and bound nothing; a blob is greater than all days; NULL leaves nothing.
  void narrow(int op, sqlite3_value* value);
};

}  // namespace saldo
