#include "sqlite/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <new>

#include "sqlite/value.h"

namespace saldo {
namespace {

// '"', '\' or a control character.
void append_escaped(std::string& json, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kSpecial = "\b\f\n\r\t\"\\";
  constexpr std::string_view kLetters = "bfnrt\"\\";
  json += '\\';
  if (const auto known = kSpecial.find(c); known != std::string_view::npos) {
    json += kLetters[known];
  } else {
    json += "u00";
    json += kHex[static_cast<unsigned char>(c) >> 4U];
    json += kHex[static_cast<unsigned char>(c) & 15U];
  }
}

}  // namespace

void append_json(std::string& json, std::string_view text) {
  const auto plain = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  };
  json += '"';
  for (;;) {
    const auto* const end = std::find_if_not(text.begin(), text.end(), plain);
    json.append(text.begin(), end);
    if (end == text.end()) break;
    append_escaped(json, *end);
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()) + 1);
  }
  json += '"';
}

void append_json(std::string& json, std::int64_t integer) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), integer).ptr;
  json.append(digits.data(), end);
}

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

void append_json(std::string& json, const Statement& row, int column, std::string_view unexpected) {
  switch (row.type(column)) {
    case SQLITE_NULL:
      json += "null";
      break;
    case SQLITE_INTEGER:
      append_json(json, row.integer(column));
      break;
    case SQLITE_TEXT:
      append_json(json, row.text(column));
      break;
    default:
      json += unexpected;
  }
}

void JsonObject::begin(std::string_view name) {
  json_ += json_.empty() ? '{' : ',';
  append_json(json_, name);
  json_ += ':';
}

JsonObject& JsonObject::add(std::string_view name, std::string_view text) {
  begin(name);
  append_json(json_, text);
  return *this;
}

JsonObject& JsonObject::add(std::string_view name, std::int64_t integer) {
  begin(name);
  append_json(json_, integer);
  return *this;
}

JsonObject& JsonObject::add_optional(std::string_view name,
                                     const std::optional<std::string>& text) {
  return text ? add(name, std::string_view(*text)) : add_json(name, "null");
}

JsonObject& JsonObject::add_optional(std::string_view name, std::optional<std::int64_t> integer) {
  return integer ? add(name, *integer) : add_json(name, "null");
}

JsonObject& JsonObject::add_json(std::string_view name, std::string_view json) {
  begin(name);
  json_ += json;
  return *this;
}

JsonObject& JsonObject::add_row(const Statement& row) {
  for (int i = 0; i < row.columns(); ++i) {
    const char* const name = sqlite3_column_name(row.handle(), i);
    if (name == nullptr) throw std::bad_alloc();
    begin(name);
    append_json(json_, row, i, "null");
  }
  return *this;
}

void JsonArray::add_json(std::string_view json) {
  json_ += json_.empty() ? '[' : ',';
  json_ += json;
}

}  // namespace saldo
