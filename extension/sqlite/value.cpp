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

bool is_utf8(std::string_view text) {
  // Well-formed as The Unicode Standard, table 3-7, has it; and no NUL, at which C strings end.
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto in = [](unsigned value, unsigned low, unsigned high) {
    return low <= value && value <= high;
  };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned lead = byte(i);
    if (in(lead, 1, 0x7F)) {
      i += 1;
      continue;
    }
    std::size_t length = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (in(lead, 0xC2, 0xDF)) {
      length = 2;
    } else if (in(lead, 0xE0, 0xEF)) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (in(lead, 0xF0, 0xF4)) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (!in(byte(i + 1), low, high)) return false;
    for (std::size_t k = 2; k < length; ++k) {
      if (!in(byte(i + k), 0x80, 0xBF)) return false;
    }
    i += length;
  }
  return true;
}

std::string_view text_problem(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "holds a NUL character";
  return is_utf8(text) ? "" : "is not UTF-8";
}

}  // namespace saldo
