// JSON text as the digest and `superseded` have it: integers, texts and nulls, no spaces, UTF-8 as
// it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/statement.h"

namespace saldo {

void append_json(std::string& json, std::string_view text);
void append_json(std::string& json, std::int64_t integer);
// A real number as SQLite writes it; a blob, which no column of ours can hold, as null.
void append_json(std::string& json, sqlite3_value* value);
// A column of the statement's current row. No accepted row holds a blob or a real number; one that
// was put there behind the triggers is written as `unexpected`.
void append_json(std::string& json, const Statement& row, int column, std::string_view unexpected);

// An object, member by member.
class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view text);
  JsonObject& add(std::string_view name, std::int64_t integer);
  JsonObject& add_optional(std::string_view name, const std::optional<std::string>& text);
  JsonObject& add_optional(std::string_view name, std::optional<std::int64_t> integer);
  // A value that is JSON already.
  JsonObject& add_json(std::string_view name, std::string_view json);
  // The columns of the current row, by their names. Throws std::bad_alloc.
  JsonObject& add_row(const Statement& row);
  [[nodiscard]] std::string text() const { return json_.empty() ? "{}" : json_ + '}'; }

 private:
  void begin(std::string_view name);

  std::string json_;
};

// An array of values that are JSON already.
class JsonArray {
 public:
  void add_json(std::string_view json);
  [[nodiscard]] std::string text() const { return json_.empty() ? "[]" : json_ + ']'; }

 private:
  std::string json_;
};

}  // namespace saldo
