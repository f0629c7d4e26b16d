// What each column of the facts may hold: the one place for it.
#pragma once

#include <string_view>

#include "sqlite/api.h"

namespace saldo {

// Refuses a row of `table` with a value that its column may not hold. The values are those of the
// columns listed for the table in domains.cpp, in that order; computed columns and numbers that
// SQLite may choose itself are not among them.
void check_row(std::string_view table, int count, sqlite3_value** values);

// The number of a row, from 1 to kIdMax.
void check_id(std::string_view name, sqlite3_value* value);

}  // namespace saldo
