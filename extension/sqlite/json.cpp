#include "sqlite/json.h"

#include "sqlite/value.h"

namespace saldo {

void append_json(std::string& json, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  json += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        json += '\\';
        json += c;
        break;
      case '\b':
        json += "\\b";
        break;
      case '\f':
        json += "\\f";
        break;
      case '\n':
        json += "\\n";
        break;
      case '\r':
        json += "\\r";
        break;
      case '\t':
        json += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          json += "\\u00";
          json += kHex[static_cast<unsigned char>(c) >> 4U];
          json += kHex[static_cast<unsigned char>(c) & 15U];
        } else {
          json += c;
        }
    }
  }
  json += '"';
}

void append_json(std::string& json, std::int64_t integer) { json += std::to_string(integer); }

void append_json(std::string& json, sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
    case SQLITE_BLOB:
      json += "null";
      break;
    case SQLITE_TEXT:
      append_json(json, value_text(value));
      break;
    default:
      json += value_text(value);
  }
}

}  // namespace saldo
