#include "codecs/json.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "codecs/base64.h"
#include "rules/error.h"
#include "sqlite/json.h"
#include "sqlite/value.h"

namespace saldo::server {

using nlohmann::json;

json parse_json(std::string_view text) {
  constexpr int kMaxDepth = 32;
  std::vector<std::set<std::string>> keys;
  // The parser takes NUL for the end.
  if (text.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::kMalformed, "the body holds NUL");
  try {
    return json::parse(text, [&](int depth, json::parse_event_t event, json& parsed) {
      if (depth > kMaxDepth)
        throw Error(ErrorCode::kMalformed, "the body is nested more than 32 levels deep");
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key &&
          !keys.back().insert(parsed.get<std::string>()).second) {
        throw Error(ErrorCode::kMalformed, "the body has a key twice in one object");
      }
      return true;
    });
  } catch (const json::out_of_range&) {
    throw Error(ErrorCode::kInvalid, "the body holds a number that is too large");
  } catch (const json::exception&) {
    throw Error(ErrorCode::kMalformed, "the body is not JSON in UTF-8");
  }
}

std::string replace_invalid_utf8(std::string_view text) {
  const auto replaced = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(replaced).get<std::string>();
}

void append_json_column(std::string& json, const Statement& row, int column) {
  switch (row.type(column)) {
    case SQLITE_INTEGER:
      append_json(json, row.integer(column));
      break;
    case SQLITE_TEXT:
      if (const auto text = row.text(column); is_utf8(text)) {
        append_json(json, text);
      } else {
        append_json(json, std::string_view(replace_invalid_utf8(text)));
      }
      break;
    case SQLITE_FLOAT:
      // SQLite's own text of the number, which is JSON's.
      json += std::isfinite(row.real(column)) ? row.text(column) : std::string_view("null");
      break;
    case SQLITE_BLOB:
      json += '"';
      append_base64(json, row.blob(column));
      json += '"';
      break;
    default:
      json += "null";
  }
}

std::string json_key(std::string_view name) {
  std::string key;
  append_json(key, name);
  return key + ':';
}

void append_json_row(std::string& json, const Statement& row, const std::vector<std::string>& keys) {
  char separator = '{';
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].empty()) continue;
    json += separator;
    separator = ',';
    json += keys[i];
    append_json_column(json, row, static_cast<int>(i));
  }
  json += separator == '{' ? "{}" : "}";
}

}  // namespace saldo::server
