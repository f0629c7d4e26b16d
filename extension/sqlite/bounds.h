// What the constraints of a query leave of a column's range. A range may come out too wide, never
// too narrow: SQLite checks every row against the constraints once more.
#pragma once

#include <cstdint>
#include <limits>

#include "sqlite/api.h"

namespace saldo {

// A pushed constraint: `op` is one of SQLITE_INDEX_CONSTRAINT_EQ, GT, LE, LT, GE.
struct Constraint {
  int column;
  int op;
  sqlite3_value* value;
};

// Whether a constraint with this operator bounds the column from above.
inline bool bounds_above(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
}

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

}  // namespace saldo
