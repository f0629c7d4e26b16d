// JSON: bodies to values, rows to objects.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/statement.h"

namespace saldo::server {

// At most 32 levels deep and without repeated keys, in UTF-8 without NUL; else throws malformed. An
// integer that 64 bits cannot hold is the value `discarded`.
nlohmann::json parse_json(std::string_view text);

// `text`, where bytes that are no UTF-8, as SQL can make them, are replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// A column of the row that `row` stands on. A blob becomes base64; a number that JSON does not have
// (an infinity), null.
void append_json_column(std::string& out, const Statement& row, int column);

// The keys of an object, encoded once: "name":. A column with an empty key is left out; one that is
// marked in `is_json` goes in as it is.
std::string json_key(std::string_view name);
void append_json_row(std::string& out, const Statement& row, const std::vector<std::string>& keys,
                     const std::vector<bool>& is_json);

}  // namespace saldo::server
