// Columns of facts as the types of rules/.
//
// The triggers let no malformed value in, but whoever drops them can: then it is an error, and
// audits name the row.
#pragma once

#include <optional>
#include <string>

#include "rules/error.h"
#include "rules/time.h"
#include "sqlite/statement.h"

namespace saldo {

inline Day day_in(const Statement& row, int column) {
  const auto day = parse_day(row.text(column));
  if (!day) {
    throw invalid("the database holds '" + std::string(row.text(column)) +
                  "' where a day belongs; see audit");
  }
  return *day;
}

inline Instant instant_in(const Statement& row, int column) {
  const auto instant = parse_instant(row.text(column));
  if (!instant) {
    throw invalid("the database holds '" + std::string(row.text(column)) +
                  "' where an instant belongs; see audit");
  }
  return *instant;
}

inline std::optional<Day> optional_day_in(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return day_in(row, column);
}

inline std::optional<Instant> optional_instant_in(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return instant_in(row, column);
}

}  // namespace saldo
