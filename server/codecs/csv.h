// RFC 4180, for people's spreadsheets as well as for programs: lines end with CR LF, NULL is empty,
// a blob is base64, and a text that a spreadsheet would take for a formula begins with an
// apostrophe.
#pragma once

#include <string>
#include <string_view>

#include "sqlite/statement.h"

namespace saldo::server {

void append_csv(std::string& csv, std::string_view text);
// A column of the row that `row` stands on.
void append_csv_column(std::string& csv, const Statement& row, int column);

}  // namespace saldo::server
