#include "codecs/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "codecs/base64.h"
#include "rules/error.h"
#include "rules/text.h"
#include "sqlite/json.h"

namespace saldo::server {

using nlohmann::json;

namespace {

// Builds the value as the parser reads it.
// NOLINTNEXTLINE(bugprone-exception-escape): clang-tidy takes it of the library's json
class Builder : public json::json_sax_t {
 public:
  json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const std::string& text) override {
    // An integer that 64 bits cannot hold comes as a floating-point number.
    const bool is_integer = text.find_first_of(".eE") == std::string::npos;
    return is_integer ? add(json(json::value_t::discarded)) : add(value);
  }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    const auto [slot, is_new] = open_.back()->get_ref<json::object_t&>().emplace(name, nullptr);
    if (!is_new) throw Error(ErrorCode::kMalformed, "the body has a key twice in one object");
    slot_ = &slot->second;
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const json::exception& error) override {
    constexpr int kNumberOverflow = 406;  // the library's number of this error
    if (error.id == kNumberOverflow) throw invalid("the body holds a number that is too large");
    throw Error(ErrorCode::kMalformed, "the body is not JSON in UTF-8");
  }

 private:
  static constexpr std::size_t kDepthMax = 32;

  json& place(json value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_array()) return open_.back()->emplace_back(std::move(value));
    return *slot_ = std::move(value);
  }
  bool add(json value) {
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (open_.size() == kDepthMax) {
      throw Error(ErrorCode::kMalformed,
                  "the body is nested more than " + std::to_string(kDepthMax) + " levels deep");
    }
    open_.push_back(&place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  json root_;
  std::vector<json*> open_;  // the arrays and objects that have not ended, the innermost last
  json* slot_ = nullptr;     // of the key that was read
};

}  // namespace

json parse_json(std::string_view text) {
  // The parser takes a NUL for the end of the text, and would ignore what follows.
  if (text.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::kMalformed, "the body holds a NUL character");
  Builder builder;
  json::sax_parse(text, &builder);
  return builder.take();
}

std::string replace_invalid_utf8(std::string_view text) {
  const auto replaced = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(replaced).get<std::string>();
}

void append_json_column(std::string& out, const Statement& row, int column) {
  switch (row.type(column)) {
    case SQLITE_INTEGER:
      append_json(out, row.integer(column));
      break;
    case SQLITE_TEXT:
      if (const auto text = row.text(column); is_utf8(text)) {
        append_json(out, text);
      } else {
        append_json(out, std::string_view(replace_invalid_utf8(text)));
      }
      break;
    case SQLITE_FLOAT:
      // SQLite's own text of the number, which is JSON's.
      out += std::isfinite(row.real(column)) ? row.text(column) : std::string_view("null");
      break;
    case SQLITE_BLOB:
      out += '"';
      append_base64(out, row.blob(column));
      out += '"';
      break;
    default:
      out += "null";
  }
}

Column json_column(int index, std::string_view name, bool is_json) {
  std::string key;
  append_json(key, name);
  return {index, std::string(name), key + ':', is_json};
}

void append_json_names(std::string& out, const std::vector<Column>& columns) {
  out += '[';
  for (const Column& column : columns) {
    if (&column != &columns.front()) out += ',';
    append_json(out, std::string_view(column.name));
  }
  out += ']';
}

void append_json_object(std::string& out, const Statement& row, const std::vector<Column>& columns,
                        bool with_secrets) {
  out += '{';
  for (const Column& column : columns) {
    if (&column != &columns.front()) out += ',';
    out += column.key;
    if (column.is_secret && !with_secrets) {
      out += "null";
    } else if (column.is_json && !row.is_null(column.index)) {
      out += row.text(column.index);
    } else {
      append_json_column(out, row, column.index);
    }
  }
  out += '}';
}

void append_json_array(std::string& out, const Statement& row, const std::vector<Column>& columns,
                       std::size_t bytes_max) {
  const std::size_t start = out.size();
  out += '[';
  for (const Column& column : columns) {
    check_row_bytes(out.size() - start, bytes_max);
    if (&column != &columns.front()) out += ',';
    append_json_column(out, row, column.index);
  }
  out += ']';
}

}  // namespace saldo::server
