// JSON: bodies to values, rows to objects.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/column.h"
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

// A column of an object: "name": is encoded once.
Column json_column(int index, std::string_view name, bool is_json = false);

// The names, as an array; and the row, as an object or an array. Without secrets these are null.
// Throws out_of_range for an array of more than `bytes_max`.
void append_json_names(std::string& out, const std::vector<Column>& columns);
void append_json_object(std::string& out, const Statement& row, const std::vector<Column>& columns,
                        bool with_secrets = true);
void append_json_array(std::string& out, const Statement& row, const std::vector<Column>& columns,
                       std::size_t bytes_max);

}  // namespace saldo::server
