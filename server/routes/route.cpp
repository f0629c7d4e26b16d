#include "route.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "sqlite/value.h"

namespace saldo::server {
namespace {

constexpr std::array<std::string_view, 5> kRoles = {"crm", "cashier", "operator", "analyst",
                                                    "admin"};
constexpr std::array<std::string_view, 8> kTypes = {"integer", "text", "day",    "month",
                                                    "instant", "flag", "cursor", "list"};
constexpr std::array<std::string_view, 3> kAnswers = {"one", "many", "none"};
constexpr std::array<std::string_view, kBoundCount> kBound = {"now", "today", "who", "body",
                                                              "limit"};
constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names,
                                    std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

bool is_part_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_placeholder(std::string_view part) {
  return part.size() > 2 && part.front() == '{' && part.back() == '}';
}

// Reads one file from its first line to its last.
class FileReader {
 public:
  FileReader(const std::string& file, std::string_view text) : file_(file), text_(text) {
    route_.file = file;
  }

  Route read(Database& database) {
    check_encoding();
    read_head();
    read_statements(database);
    check_uses();
    return std::move(route_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { fail_at(line_, what); }
  [[noreturn]] void fail_at(std::size_t line, const std::string& what) const {
    throw std::runtime_error(file_ + ":" + std::to_string(line) + ": " + what);
  }

  void check_encoding() {
    std::size_t number = 0;
    for (auto rest = text_; !rest.empty();) {
      const auto line = rest.substr(0, rest.find('\n'));
      ++number;
      if (!is_utf8(line)) fail_at(number, "this is not UTF-8 without NUL");
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
  }

  // The next line if it is a comment, without "-- ".
  std::optional<std::string_view> comment_line() {
    if (text_.substr(at_, 3) != "-- ") return std::nullopt;
    const auto end = std::min(text_.find('\n', at_), text_.size());
    const auto line = text_.substr(at_ + 3, end - at_ - 3);
    at_ = std::min(end + 1, text_.size());
    ++line_;
    return line;
  }

  std::string_view required_line(const char* what) {
    const auto line = comment_line();
    if (!line || line->empty()) {
      ++line_;
      fail(std::string("the head lacks its ") + what);
    }
    return *line;
  }

  std::string_view after(std::string_view line, std::string_view label) const {
    if (line.substr(0, label.size()) != label) {
      fail("expected `-- " + std::string(label) + "…`");
    }
    return line.substr(label.size());
  }

  void read_head() {
    const auto request = required_line("method and path, as in `-- GET /v1/days`");
    const auto space = std::min(request.find(' '), request.size());
    route_.method = request.substr(0, space);
    if (!index_of(kMethods, route_.method)) {
      fail("the method is GET, POST, PUT, PATCH or DELETE, not " + route_.method);
    }
    route_.path = request.substr(std::min(space + 1, request.size()));
    read_path();
    route_.description = required_line("description");
    const auto role = after(required_line("role"), "role: ");
    const auto known_role = parse_role(role);
    if (!known_role)
      fail("the role is crm, cashier, operator, analyst or admin, not " + std::string(role));
    route_.role = *known_role;
    const auto answer = after(required_line("answer"), "answer: ");
    const auto known_answer = index_of(kAnswers, answer);
    if (!known_answer) fail("the answer is one, many or none, not " + std::string(answer));
    route_.answer = static_cast<Answer>(*known_answer);
    while (const auto line = comment_line()) read_parameter(*line);
    for (const auto& name : placeholders_) {
      const auto* parameter = find(route_.parameters, name);
      if (parameter == nullptr) fail_at(1, "{" + name + "} of the path is not declared");
    }
  }

  void read_path() {
    if (route_.path.empty() || route_.path.front() != '/') fail("the path begins with /");
    for (const auto part : path_parts(route_.path)) {
      const bool placeholder = is_placeholder(part);
      const auto name = placeholder ? part.substr(1, part.size() - 2) : part;
      const bool valid =
          placeholder ? is_part_name(name)
                      : part.find_first_of("{}%?# ") == std::string_view::npos && !part.empty();
      if (!valid) fail("'" + std::string(part) + "' is no part of a path");
      if (placeholder) placeholders_.emplace_back(name);
      route_.parts.emplace_back(placeholder ? std::string_view() : part);
    }
  }

  static const Parameter* find(const std::vector<Parameter>& parameters, std::string_view name) {
    const auto found =
        std::find_if(parameters.begin(), parameters.end(),
                     [&](const Parameter& parameter) { return parameter.name == name; });
    return found == parameters.end() ? nullptr : &*found;
  }

  // name: type[!] [description], or list[].name: type[!] [description].
  void read_parameter(std::string_view line) {
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) fail("expected `-- name: type description`");
    std::string_view name = line.substr(0, colon);
    std::string_view rest = line.substr(colon + 2);
    const auto end = std::min(rest.find(' '), rest.size());
    std::string_view type = rest.substr(0, end);
    Parameter parameter;
    parameter.description = rest.substr(std::min(end + 1, rest.size()));
    parameter.required = !type.empty() && type.back() == '!';
    if (parameter.required) type.remove_suffix(1);
    const auto known = index_of(kTypes, type);
    if (!known) {
      fail("'" + std::string(type) +
           "' is no type; there are integer, text, day, month, instant, flag, cursor, list");
    }
    parameter.type = static_cast<Type>(*known);
    auto* siblings = &route_.parameters;
    if (const auto field = name.find("[]."); field != std::string_view::npos) {
      const auto list = name.substr(0, field);
      name.remove_prefix(field + 3);
      const auto owner =
          std::find_if(siblings->begin(), siblings->end(), [&](const Parameter& known_list) {
            return known_list.name == list && known_list.type == Type::kList;
          });
      if (owner == siblings->end()) fail("there is no list " + std::string(list) + " above");
      siblings = &owner->fields;
    }
    parameter.name = name;
    if (!is_part_name(name))
      fail("'" + std::string(name) + "' is no name: lower-case letters, digits, '_'");
    if (index_of(kBound, name) || name == "dry_run")
      fail(std::string(name) + " is the server's own");
    if (find(*siblings, name) != nullptr) fail(std::string(name) + " is declared twice");
    if (siblings == &route_.parameters) {
      parameter.in_path =
          std::find(placeholders_.begin(), placeholders_.end(), name) != placeholders_.end();
      parameter.required = parameter.required || parameter.in_path;
      declared_at_.push_back(line_);
    }
    siblings->push_back(std::move(parameter));
  }

  void read_statements(Database& database) {
    std::optional<std::size_t> answering;
    while (skip_comments()) {
      line_ = line_of(at_);
      const char* tail = nullptr;
      const auto rest = text_.substr(at_);
      sqlite3_stmt* compiled = nullptr;
      const int code = sqlite3_prepare_v2(database.handle(), rest.data(),
                                          static_cast<int>(rest.size()), &compiled, &tail);
      const StatementHandle handle(compiled);
      if (code != SQLITE_OK) {
        const int offset = sqlite3_error_offset(database.handle());
        fail_at(line_of(at_ + static_cast<std::size_t>(std::max(offset, 0))),
                sqlite3_errmsg(database.handle()));
      }
      const auto length = static_cast<std::size_t>(tail - rest.data());
      if (compiled != nullptr) {
        if (!route_.writes() && sqlite3_stmt_readonly(compiled) == 0)
          fail("a GET route only reads");
        route_.statements.push_back(statement_of(compiled, rest.substr(0, length)));
        if (!route_.statements.back().columns.empty() && !route_.statements.back().status_only) {
          answering = route_.statements.size() - 1;
        }
      }
      at_ += length;
    }
    line_ = 1;
    if (route_.statements.empty()) fail("there is no statement");
    if (!answering && route_.answer != Answer::kNone)
      fail("no statement returns rows for the answer");
    // Past the last: no statement answers.
    route_.answering = answering.value_or(route_.statements.size());
  }

  // To what comes after space and comments; false: the end.
  bool skip_comments() {
    for (;;) {
      at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
      if (text_.substr(at_, 2) != "--") return at_ < text_.size();
      at_ = std::min(text_.find('\n', at_), text_.size());
    }
  }

  RouteStatement statement_of(sqlite3_stmt* compiled, std::string_view sql) {
    RouteStatement statement;
    statement.sql = sql;
    const int parameters = sqlite3_bind_parameter_count(compiled);
    for (int i = 1; i <= parameters; ++i)
      statement.values.push_back(value_of(sqlite3_bind_parameter_name(compiled, i)));
    const int columns = sqlite3_column_count(compiled);
    for (int i = 0; i < columns; ++i) {
      statement.columns.emplace_back(sqlite3_column_name(compiled, i));
      const char* type = sqlite3_column_decltype(compiled, i);
      statement.types.emplace_back(type != nullptr ? type : "");
    }
    statement.status_only = statement.columns.size() == 1 && statement.columns[0] == kStatusColumn;
    return statement;
  }

  std::size_t value_of(const char* parameter) {
    const std::string name = parameter != nullptr ? parameter : "?";
    if (name[0] != ':') fail("parameters are named, as in :account_id, not " + name);
    const auto bare = name.substr(1);
    if (const auto* declared = find(route_.parameters, bare)) {
      used_.insert(bare);
      return static_cast<std::size_t>(declared - route_.parameters.data());
    }
    const auto bound = index_of(kBound, bare);
    if (!bound) fail(name + " is not declared in the head");
    if (*bound == kLimit && route_.answer != Answer::kMany)
      fail(":limit is for routes that answer many rows");
    return route_.parameters.size() + *bound;
  }

  void check_uses() {
    for (std::size_t i = 0; i < route_.parameters.size(); ++i) {
      const auto& name = route_.parameters[i].name;
      if (used_.count(name) == 0) fail_at(declared_at_[i], name + " is declared but not used");
    }
    if (!route_.paged()) return;
    const auto& columns = route_.statements[route_.answering].columns;
    if (std::find(columns.begin(), columns.end(), kCursorColumn) == columns.end() ||
        find(route_.parameters, kCursorColumn) == nullptr) {
      fail(
          "a route with :limit has a parameter `after` and a column of that name, the cursor of "
          "its row");
    }
  }

  [[nodiscard]] std::size_t line_of(std::size_t offset) const {
    const auto end = text_.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text_.size()));
    return 1 + static_cast<std::size_t>(std::count(text_.begin(), end, '\n'));
  }

  std::string file_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;  // of the line last read
  Route route_;
  std::vector<std::size_t> declared_at_;  // the lines of its parameters
  std::vector<std::string> placeholders_;
  std::set<std::string> used_;
};

bool path_matches(const Route& route, const std::vector<std::string>& parts) {
  return std::equal(route.parts.begin(), route.parts.end(), parts.begin(), parts.end(),
                    [](const auto& part, const auto& value) {
                      return part.empty() ? !value.empty() : part == value;
                    });
}

}  // namespace

std::optional<Role> parse_role(std::string_view name) {
  const auto found = index_of(kRoles, name);
  if (!found) return std::nullopt;
  return static_cast<Role>(*found);
}

std::string_view role_name(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

bool may(Role token, Role route) {
  if (token == route || token == Role::kAdmin) return true;
  return token == Role::kOperator && (route == Role::kCrm || route == Role::kCashier);
}

bool Route::uses(Bound bound) const {
  const std::size_t value = parameters.size() + bound;
  return std::any_of(statements.begin(), statements.end(), [&](const RouteStatement& statement) {
    return std::find(statement.values.begin(), statement.values.end(), value) !=
           statement.values.end();
  });
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

void RouteTable::add(const std::string& file, std::string_view text, Database& database) {
  Route route = FileReader(file, text).read(database);
  for (const auto own : {kHealthPath, kMetricsPath, kDocumentPath, kSqlPath}) {
    if (route.path == own)
      throw std::runtime_error(file + ":1: " + route.path + " is the server's own");
  }
  for (const auto& known : routes_) {
    if (known.method != route.method || known.parts != route.parts) continue;
    throw std::runtime_error(file + ":1: " + route.method + " " + route.path + " is the route of " +
                             known.file + " already");
  }
  // Of the routes that match a path the first one is taken: literal parts come before placeholders.
  const auto place = std::find_if(routes_.begin(), routes_.end(), [&](const Route& known) {
    return std::make_pair(route.path, route.method) < std::make_pair(known.path, known.method);
  });
  routes_.insert(place, std::move(route));
}

void RouteTable::add_folder(const std::string& folder, Database& database) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".sql")
      files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    if (!stream) throw std::runtime_error(file + ":1: cannot be read");
    add(file, text.str(), database);
  }
}

RouteTable::Match RouteTable::find(std::string_view method,
                                   const std::vector<std::string>& parts) const {
  for (const auto& route : routes_) {
    if (route.method != method || !path_matches(route, parts)) continue;
    Match match{&route, {}};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (route.parts[i].empty()) match.path_values.push_back(parts[i]);
    }
    return match;
  }
  return {};
}

std::string RouteTable::methods_of(const std::vector<std::string>& parts) const {
  std::string methods;
  for (const auto& route : routes_) {
    if (!path_matches(route, parts)) continue;
    if (!methods.empty()) methods += ", ";
    methods += route.method;
  }
  return methods;
}

}  // namespace saldo::server
