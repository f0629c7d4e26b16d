#include "reply.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sqlite/json.h"
#include "sqlite/value.h"

namespace saldo::server {
namespace {

void append_integer(std::string& text, std::int64_t integer) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), integer).ptr;
  text.append(std::begin(digits), end);
}

// What is not UTF-8, as SQL can make it of any bytes, becomes U+FFFD.
std::string as_utf8(std::string_view text) {
  using nlohmann::json;
  const auto replaced = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(replaced).get<std::string>();
}

bool is_rendered(const std::string& column) {
  return column != kStatusColumn && column != kCursorColumn;
}

// The rows of the answering statement, as they come, in one of the formats.
class Body {
 public:
  Body(const RouteStatement& statement, Format format, bool many)
      : statement_(statement), format_(format), many_(many) {
    if (format_ == Format::kCsv) add_csv_header();
    if (format_ == Format::kJson && many_) text_ += '[';
  }

  void add(sqlite3_stmt* row) {
    if (format_ == Format::kCsv) return add_csv(row);
    if (rows_++ > 0) text_ += ',';
    text_ += '{';
    bool first = true;
    for (std::size_t i = 0; i < statement_.columns.size(); ++i) {
      if (!is_rendered(statement_.columns[i])) continue;
      if (!std::exchange(first, false)) text_ += ',';
      append_json(text_, std::string_view(statement_.columns[i]));
      text_ += ':';
      append_json_column(text_, row, static_cast<int>(i));
    }
    text_ += '}';
  }

  std::string finish() {
    if (format_ == Format::kJson && many_) text_ += ']';
    return std::move(text_);
  }

 private:
  void add_csv_header() {
    bool first = true;
    for (const auto& column : statement_.columns) {
      if (!is_rendered(column)) continue;
      if (!std::exchange(first, false)) text_ += ',';
      append_csv(text_, column);
    }
    text_ += "\r\n";
  }

  void add_csv(sqlite3_stmt* row) {
    bool first = true;
    for (std::size_t i = 0; i < statement_.columns.size(); ++i) {
      if (!is_rendered(statement_.columns[i])) continue;
      if (!std::exchange(first, false)) text_ += ',';
      append_csv_column(text_, row, static_cast<int>(i));
    }
    text_ += "\r\n";
  }

  const RouteStatement& statement_;
  Format format_;
  bool many_;
  std::size_t rows_ = 0;
  std::string text_;
};

int column_of(const RouteStatement& statement, std::string_view name) {
  const auto found = std::find(statement.columns.begin(), statement.columns.end(), name);
  return found == statement.columns.end() ? -1
                                          : static_cast<int>(found - statement.columns.begin());
}

void append_percent_encoded(std::string& url, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      url += c;
    } else {
      url += '%';
      url += kHex[byte >> 4U];
      url += kHex[byte & 15U];
    }
  }
}

// The same request, to go on behind `cursor` (RFC 8288).
std::string next_link(std::string_view path, const QueryFields& query, std::string_view cursor) {
  std::string link = "<";
  link += path;
  link += '?';
  for (const auto& [name, value] : query) {
    if (name == kCursorColumn) continue;
    append_percent_encoded(link, name);
    link += '=';
    append_percent_encoded(link, value);
    link += '&';
  }
  link += "after=";
  append_percent_encoded(link, cursor);
  return link + ">; rel=\"next\"";
}

class RouteRun {
 public:
  RouteRun(Database& database, const Route& route, const Arguments& arguments,
           const Circumstances& circumstances)
      : database_(database), arguments_(arguments), circumstances_(circumstances) {
    if (!route.uses(kToday)) return;
    auto today = database.query("SELECT billing_day(?1)");
    today.bind(1, circumstances.now);
    if (today.step()) today_ = today.text(0);
  }

  Query prepared(const RouteStatement& statement) {
    auto query = database_.query(statement.sql.c_str());
    for (std::size_t i = 0; i < statement.values.size(); ++i)
      bind(query, static_cast<int>(i + 1), statement.values[i]);
    return query;
  }

 private:
  void bind(Query& query, int index, std::size_t value) {
    if (value < arguments_.values.size()) {
      const Value& argument = arguments_.values[value];
      if (const auto* integer = std::get_if<std::int64_t>(&argument)) query.bind(index, *integer);
      if (const auto* text = std::get_if<std::string>(&argument)) query.bind(index, *text);
      return;
    }
    switch (value - arguments_.values.size()) {
      case kNow:
        query.bind(index, circumstances_.now);
        break;
      case kToday:
        query.bind(index, today_);
        break;
      case kWho:
        query.bind(index, circumstances_.who);
        break;
      case kBody:
        query.bind(index, circumstances_.body);
        break;
      case kLimit:
        query.bind(index, arguments_.limit + 1);
        break;  // one more, to see whether there is one
      default:
        break;
    }
  }

  Database& database_;
  const Arguments& arguments_;
  const Circumstances& circumstances_;
  std::string today_;
};

}  // namespace

Reply problem_reply(const Problem& problem) {
  Reply reply{problem.status(), "application/problem+json", problem.json(), {}};
  if (problem.status() == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (problem.status() == 503) reply.headers.emplace_back("Retry-After", "5");
  return reply;
}

void append_json_column(std::string& json, sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      append_integer(json, sqlite3_column_int64(statement, column));
      break;
    case SQLITE_TEXT:
      if (const auto text = column_text(statement, column); is_utf8(text)) {
        append_json(json, text);
      } else {
        append_json(json, as_utf8(text));
      }
      break;
    case SQLITE_FLOAT:
      if (std::isfinite(sqlite3_column_double(statement, column))) {
        json += column_text(statement, column);
        break;
      }
      [[fallthrough]];
    default:
      json += "null";
  }
}

void append_csv(std::string& csv, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    csv += text;
    return;
  }
  csv += '"';
  for (const char c : text) {
    if (c == '"') csv += '"';
    csv += c;
  }
  csv += '"';
}

void append_csv_column(std::string& csv, sqlite3_stmt* statement, int column) {
  const int type = sqlite3_column_type(statement, column);
  if (type == SQLITE_INTEGER) return append_integer(csv, sqlite3_column_int64(statement, column));
  if (type == SQLITE_BLOB) return;
  const auto text = column_text(statement, column);
  if (is_utf8(text)) return append_csv(csv, text);
  append_csv(csv, as_utf8(text));
}

Reply run_route(Database& database, const Route& route, const Arguments& arguments,
                const Circumstances& circumstances, Format format, std::string_view path,
                const QueryFields& query) {
  RouteRun run(database, route, arguments, circumstances);
  Reply reply;
  reply.status = route.answer == Answer::kNone ? 204 : 200;
  for (std::size_t i = 0; i < route.statements.size(); ++i) {
    const RouteStatement& statement = route.statements[i];
    auto rows = run.prepared(statement);
    const int status = column_of(statement, kStatusColumn);
    if (i != route.answering || route.answer == Answer::kNone) {
      while (rows.step()) {
        if (status >= 0) reply.status = static_cast<int>(rows.integer(status));
      }
      continue;
    }
    const bool many = route.answer == Answer::kMany;
    const int cursor = column_of(statement, kCursorColumn);
    Body body(statement, format, many);
    std::int64_t count = 0;
    std::string last_cursor;
    while (rows.step()) {
      if (route.paged() && count == arguments.limit) {
        reply.headers.emplace_back("Link", next_link(path, query, last_cursor));
        break;
      }
      body.add(rows.handle());
      ++count;
      if (status >= 0) reply.status = static_cast<int>(rows.integer(status));
      if (cursor >= 0) last_cursor = rows.text(cursor);
      if (!many) break;
    }
    if (!many && count == 0) throw Problem("not_found", "there is nothing here by these keys");
    reply.content_type = format == Format::kCsv ? "text/csv; charset=utf-8" : "application/json";
    reply.body = body.finish();
  }
  return reply;
}

}  // namespace saldo::server
