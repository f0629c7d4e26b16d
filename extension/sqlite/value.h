// Values that SQL hands to a function, and what a function answers.
#pragma once

#include <string>
#include <string_view>

#include "sqlite/api.h"

namespace saldo {

// The bytes of a value as TEXT, none for NULL; valid as long as the value is. Throws
// std::bad_alloc.
std::string_view value_text(sqlite3_value* value);
// The bytes of a BLOB as they are, of any other value those of its text. Likewise.
std::string_view value_bytes(sqlite3_value* value);
// How an error names a value: 'text', 7, 7.5, NULL, or a blob.
std::string describe(sqlite3_value* value);

void result_text(sqlite3_context* context, std::string_view text);
// As SQLITE_STATIC: not copied; the bytes must outlive the row.
void result_text_static(sqlite3_context* context, std::string_view text);

}  // namespace saldo
