// JSON text as the digest and `superseded` have it: integers, texts and nulls, no spaces, UTF-8 as
// it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sqlite/statement.h"

namespace saldo {

void append_json(std::string& json, std::string_view text);
void append_json(std::string& json, std::int64_t integer);
// A real number as SQLite writes it; a blob, which no column of ours can hold, as null.
void append_json(std::string& json, sqlite3_value* value);
// A column of the statement's current row. No accepted row holds a blob or a real number; one that
// was put there behind the triggers is written as `unexpected`.
void append_json(std::string& json, const Statement& row, int column, std::string_view unexpected);

}  // namespace saldo
