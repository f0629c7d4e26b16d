#include "codecs/csv.h"

#include "codecs/base64.h"
#include "codecs/json.h"
#include "sqlite/value.h"

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

}  // namespace saldo::server
