// Arguments of SQL functions, checked: a wrong one is `invalid` or `out_of_range`, in a sentence
// that names it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/time.h"
#include "sqlite/api.h"

namespace saldo {

// The bytes of a value as TEXT, none for NULL; valid as long as the value is.
std::string_view value_text(sqlite3_value* value);
// How an error names a value: 'text', 7, 7.5, NULL, or a blob.
std::string describe(sqlite3_value* value);

// All throw invalid for another type or a NULL.
Day expect_day(std::string_view name, sqlite3_value* value);
Instant expect_instant(std::string_view name, sqlite3_value* value);
std::string_view expect_text(std::string_view name, sqlite3_value* value);
std::int64_t expect_integer(std::string_view name, sqlite3_value* value);
// Throws out_of_range outside of [low, high].
std::int64_t expect_integer(std::string_view name, sqlite3_value* value, std::int64_t low,
                            std::int64_t high);

// Whether a text is UTF-8, and without NUL, at which C strings end.
bool is_utf8(std::string_view text);

void result_text(sqlite3_context* context, std::string_view text);
// A text that is never freed: not copied.
void result_kept_text(sqlite3_context* context, std::string_view text);

}  // namespace saldo
