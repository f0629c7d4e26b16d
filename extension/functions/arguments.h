// Arguments of SQL functions and constraints, checked: a wrong one is `invalid` or `out_of_range`,
// in a sentence that names it.
#pragma once

#include <cstdint>
#include <string_view>

#include "rules/time.h"
#include "sqlite/value.h"

namespace saldo {

// All throw invalid for another type or a NULL.
Day expect_day(std::string_view name, sqlite3_value* value);
Instant expect_instant(std::string_view name, sqlite3_value* value);
std::string_view expect_text(std::string_view name, sqlite3_value* value);
std::int64_t expect_integer(std::string_view name, sqlite3_value* value);
// Throws out_of_range outside of [low, high].
std::int64_t expect_integer(std::string_view name, sqlite3_value* value, std::int64_t low,
                            std::int64_t high);

}  // namespace saldo
