#include "sqlite/value.h"

#include <new>

namespace saldo {
namespace {

// Longer values are cut in error texts.
constexpr std::size_t kQuotedBytesMax = 60;

}  // namespace

std::string_view value_text(sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_NULL) return {};
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) throw std::bad_alloc();
  return {text, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

std::string_view value_bytes(sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) return value_text(value);
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
  if (bytes == nullptr && size > 0) throw std::bad_alloc();
  return {bytes, size};
}

std::string describe(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB:
      return "a blob";
    case SQLITE_TEXT: {
      std::string_view text = value_text(value);
      // The message is a C string, and is to be cut between characters.
      text = text.substr(0, text.find('\0'));
      if (text.size() <= kQuotedBytesMax) return "'" + std::string(text) + "'";
      std::size_t end = kQuotedBytesMax;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
      return "'" + std::string(text.substr(0, end)) + "...'";
    }
    default:
      return std::string(value_text(value));
  }
}

void result_text(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

void result_text_static(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

}  // namespace saldo
