#include "codecs/csv.h"

#include "codecs/base64.h"
#include "codecs/json.h"
#include "rules/text.h"

namespace saldo::server {

void append_csv(std::string& csv, std::string_view text) {
  constexpr std::string_view kFormulaStarts = "=+-@\t\r";
  const bool guarded = !text.empty() && kFormulaStarts.find(text[0]) != std::string_view::npos;
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    if (guarded) csv += '\'';
    csv += text;
    return;
  }
  csv += guarded ? "\"'" : "\"";
  for (const char c : text) {
    if (c == '"') csv += '"';
    csv += c;
  }
  csv += '"';
}

void append_csv_column(std::string& csv, const Statement& row, int column) {
  switch (row.type(column)) {
    case SQLITE_TEXT:
      if (const auto text = row.text(column); is_utf8(text)) {
        append_csv(csv, text);
      } else {
        append_csv(csv, replace_invalid_utf8(text));
      }
      break;
    case SQLITE_BLOB:
      append_base64(csv, row.blob(column));
      break;
    case SQLITE_NULL:
      break;
    default:
      csv += row.text(column);  // a number
  }
}

void append_csv_header(std::string& csv, const std::vector<Column>& columns) {
  for (const Column& column : columns) {
    if (&column != &columns.front()) csv += ',';
    append_csv(csv, column.name);
  }
  csv += "\r\n";
}

void append_csv_row(std::string& csv, const Statement& row, const std::vector<Column>& columns,
                    std::size_t bytes_max) {
  const std::size_t start = csv.size();
  for (const Column& column : columns) {
    check_row_bytes(csv.size() - start, bytes_max);
    if (&column != &columns.front()) csv += ',';
    append_csv_column(csv, row, column.index);
  }
  csv += "\r\n";
}

}  // namespace saldo::server
