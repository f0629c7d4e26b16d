// What the constraints of a query leave of a column's range. A range may come out too wide, never
// too narrow: SQLite checks every row against the constraints once more.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "rules/time.h"
#include "sqlite/api.h"

namespace saldo {

// A pushed constraint: `op` is one of SQLITE_INDEX_CONSTRAINT_EQ, GT, LE, LT, GE.
struct Constraint {
  int column;
  int op;
  sqlite3_value* value;
};

// A column of INTEGER affinity.
struct IntegerRange {
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] bool empty() const { return low > high; }
  [[nodiscard]] bool single() const { return low == high; }
  // '7' is 7; 7.5 bounds but equals nothing; other texts and blobs are greater than all numbers;
  // NULL leaves nothing.
  void narrow(int op, sqlite3_value* value);
};

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
