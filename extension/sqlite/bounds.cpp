#include "sqlite/bounds.h"

#include <algorithm>
#include <cmath>

namespace saldo {
namespace {

constexpr IntegerRange kNothing{1, 0};

void narrow_integer(IntegerRange& range, int op, std::int64_t value) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      range.low = std::max(range.low, value);
      range.high = std::min(range.high, value);
      break;
    case SQLITE_INDEX_CONSTRAINT_GE:
      range.low = std::max(range.low, value);
      break;
    case SQLITE_INDEX_CONSTRAINT_LE:
      range.high = std::min(range.high, value);
      break;
    case SQLITE_INDEX_CONSTRAINT_GT:
      if (value == kMax) {
        range = kNothing;
      } else {
        range.low = std::max(range.low, value + 1);
      }
      break;
    default:
      if (value == kMin) {
        range = kNothing;
      } else {
        range.high = std::min(range.high, value - 1);
      }
  }
}

void narrow_real(IntegerRange& range, int op, double value) {
  // 2^63; every double of a smaller magnitude has a floor that fits.
  constexpr double kLimit = 9223372036854775808.0;
  if (value >= kLimit || value < -kLimit) {
    const bool greater = value > 0;
    if (op == SQLITE_INDEX_CONSTRAINT_EQ || bounds_above(op) != greater) range = kNothing;
    return;
  }
  const double floor = std::floor(value);
  const auto whole = static_cast<std::int64_t>(floor);
  if (floor == value) {
    narrow_integer(range, op, whole);
  } else if (op == SQLITE_INDEX_CONSTRAINT_EQ) {
    range = kNothing;
  } else {
    narrow_integer(
        range, bounds_above(op) ? SQLITE_INDEX_CONSTRAINT_LE : SQLITE_INDEX_CONSTRAINT_GT, whole);
  }
}

}  // namespace

void IntegerRange::narrow(int op, sqlite3_value* value) {
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER:
      narrow_integer(*this, op, sqlite3_value_int64(value));
      break;
    case SQLITE_FLOAT:
      narrow_real(*this, op, sqlite3_value_double(value));
      break;
    case SQLITE_NULL:
      *this = kNothing;
      break;
    default:
      if (!bounds_above(op)) *this = kNothing;
  }
}

}  // namespace saldo
