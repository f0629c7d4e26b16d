// RFC 4180, for people's spreadsheets as well as for programs: lines end with CR LF, NULL is empty,
// a blob is base64, and a text that a spreadsheet would take for a formula begins with an
// apostrophe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codecs/column.h"
#include "sqlite/statement.h"

namespace saldo::server {

void append_csv(std::string& csv, std::string_view text);
// A column of the row that `row` stands on.
void append_csv_column(std::string& csv, const Statement& row, int column);

// The line of names; and that of the row. Throws out_of_range for one of more than `bytes_max`.
void append_csv_header(std::string& csv, const std::vector<Column>& columns);
void append_csv_row(std::string& csv, const Statement& row, const std::vector<Column>& columns,
                    std::size_t bytes_max = kUnlimitedBytes);

}  // namespace saldo::server
