#include "routes/route.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "codecs/json.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

constexpr std::array<std::string_view, 10> kTypes = {
    "integer", "text", "day", "month", "instant", "flag", "cursor", "list", "values", "wait"};
constexpr std::array<std::string_view, 3> kAnswers = {"one", "many", "none"};
constexpr std::array<std::string_view, 6> kBuiltIns = {"health", "metrics",   "openapi",
                                                       "sql",    "mail_test", "webhook_test"};
constexpr std::array<std::string_view, 9> kBound = {"now",
                                                    "today",
                                                    "who",
                                                    "body",
                                                    "format",
                                                    "random",
                                                    "private_webhooks",
                                                    "clock_difference_seconds",
                                                    "limit"};
constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::string_view kGiven = "given_";

template <std::size_t N>
std::optional<std::size_t> index_of(const std::array<std::string_view, N>& names,
                                    std::string_view name) {
  const auto* const found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

// "a, b or c".
template <typename Names>
std::string listed(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

const Parameter* find_in(const std::vector<Parameter>& parameters, std::string_view name) {
  const auto found =
      std::find_if(parameters.begin(), parameters.end(),
                   [&](const Parameter& parameter) { return parameter.name == name; });
  return found == parameters.end() ? nullptr : &*found;
}

// An editor may save a file with a byte order mark, and end its lines with CR LF.
std::string normalized(std::string text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0)
    text.erase(0, kByteOrderMark.size());
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    text[length++] = text[i];
  }
  text.resize(length);
  return text;
}

// Reads one file from its first line to its last.
class FileReader {
 public:
  FileReader(RouteOwner owner, const std::string& file, std::string_view text)
      : owner_(owner), file_(file), text_(text), route_(std::make_unique<Route>()) {
    route_->file = file;
  }

  std::unique_ptr<Route> read(Database& database) {
    check_encoding();
    read_head();
    if (!route_->calls) {
      read_statements(database);
      check_uses();
    }
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
      if (const auto problem = text_problem(line); !problem.empty())
        fail_at(number, "this line " + std::string(problem));
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

  // The value of the next line, which is "-- label: value".
  std::string_view labelled_line(std::string_view label) {
    const auto line = required_line(std::string(label).c_str());
    if (line.substr(0, label.size()) != label || line.substr(label.size(), 2) != ": ")
      fail("expected `-- " + std::string(label) + ": …`");
    return line.substr(label.size() + 2);
  }

  void read_head() {
    const auto request = required_line("method and path, as in `-- GET /v1/days`");
    const auto space = std::min(request.find(' '), request.size());
    route_->method = request.substr(0, space);
    if (!index_of(kMethods, route_->method))
      fail("the method is " + listed(kMethods) + ", not " + route_->method);
    route_->path = request.substr(std::min(space + 1, request.size()));
    read_path();
    route_->description = required_line("description");
    const auto role = labelled_line("role");
    const auto known_role = parse_role(role);
    if (!known_role)
      fail("the role is none, " + token_roles(", ", " or ") + ", not " + std::string(role));
    route_->role = *known_role;
    const auto answer = labelled_line("answer");
    const auto known_answer = index_of(kAnswers, answer);
    if (!known_answer) fail("the answer is one, many or none, not " + std::string(answer));
    route_->answer = static_cast<Answer>(*known_answer);
    while (const auto line = comment_line()) {
      if (!read_optional_line(*line)) read_parameter(*line);
    }
    for (const auto& part : route_->parts) {
      if (!part.placeholder.empty() && route_->find_parameter(part.placeholder) == nullptr)
        fail_at(1, "{" + part.placeholder + "} of the path is not declared");
    }
  }

  bool read_optional_line(std::string_view line) {
    const auto label = line.substr(0, line.find(": "));
    const auto value = line.substr(std::min(label.size() + 2, line.size()));
    if (label != "takes" && label != "gives" && label != "calls") return false;
    if (!optional_lines_.insert(label).second) fail(std::string(label) + " is there twice");
    if (label == "takes") {
      check_has_body();
      route_->takes_statement = value == "statement";
      const auto format = route_->takes_statement ? Format::kText : parse_format(value);
      if (format != Format::kJson && format != Format::kForm && format != Format::kText)
        fail("takes is json, form, text or statement, not " + std::string(value));
      route_->takes = *format;
    } else if (label == "gives") {
      if (route_->answer == Answer::kNone) fail("a route whose answer is none gives nothing");
      route_->gives.clear();
      for (auto rest = value; !rest.empty();) {
        const auto name = rest.substr(0, rest.find(", "));
        rest.remove_prefix(std::min(name.size() + 2, rest.size()));
        const auto format = parse_format(name);
        if (!format || format == Format::kForm)
          fail("gives has json, csv, xml, html, text or pdf, not " + std::string(name));
        if (std::count(route_->gives.begin(), route_->gives.end(), *format) > 0)
          fail("gives has " + std::string(name) + " twice");
        route_->gives.push_back(*format);
      }
      if (route_->gives.empty()) fail("gives is empty");
    } else {
      if (owner_ != RouteOwner::kServer) fail("calls is for the server's own routes");
      const auto known = index_of(kBuiltIns, value);
      if (!known) fail("calls is " + listed(kBuiltIns) + ", not " + std::string(value));
      route_->calls = static_cast<BuiltIn>(*known);
    }
    return true;
  }

  void check_has_body() const {
    if (route_->method == "GET") fail("a GET has no body");
  }

  void read_path() {
    if (route_->path.empty() || route_->path.front() != '/') fail("the path begins with /");
    for (const auto part : path_parts(route_->path)) {
      const auto close = part.find('}');
      const bool placeholder =
          !part.empty() && part.front() == '{' && close != std::string_view::npos;
      const auto name = placeholder ? part.substr(1, close - 1) : std::string_view();
      const auto text = placeholder ? part.substr(close + 1) : part;
      const bool valid = text.find_first_of("{}%?# ") == std::string_view::npos &&
                         (placeholder ? is_name(name) : !text.empty());
      if (!valid) fail("'" + std::string(part) + "' is not a valid part of a path");
      route_->parts.push_back({std::string(text), std::string(name)});
    }
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
    if (!known) fail("'" + std::string(type) + "' is not a type; there are " + listed(kTypes));
    parameter.type = static_cast<Type>(*known);
    auto* siblings = &route_->parameters;
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
    if (!is_name(name))
      fail("'" + std::string(name) + "' is not a valid name: lower-case letters, digits, '_'");
    if ((index_of(kBound, name) && name != "body") || name == "dry_run" ||
        name.substr(0, kGiven.size()) == kGiven)
      fail(std::string(name) + " is the server's own");
    if (find_in(*siblings, name) != nullptr) fail(std::string(name) + " is declared twice");
    if (siblings == &route_->parameters) {
      parameter.in_path =
          std::any_of(route_->parts.begin(), route_->parts.end(),
                      [&](const PathPart& part) { return part.placeholder == parameter.name; });
      parameter.required = parameter.required || parameter.in_path;
      declared_at_.push_back(line_);
    }
    siblings->push_back(std::move(parameter));
  }

  void read_statements(Database& database) {
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
        if (!route_->writes() && sqlite3_stmt_readonly(compiled) == 0)
          fail("a GET route only reads");
        route_->statements.push_back(statement_of(compiled, rest.substr(0, length)));
        const int columns = sqlite3_column_count(compiled);
        const bool status_alone = columns == 1 && route_->statements.back().status;
        if (columns > 0 && !status_alone && route_->answer != Answer::kNone)
          route_->answering = route_->statements.size() - 1;
      }
      at_ += length;
    }
    line_ = 1;
    if (route_->statements.empty()) fail("there is no statement");
    if (!route_->answering && route_->answer != Answer::kNone)
      fail("no statement returns rows for the answer");
  }

  // Goes on behind space and comments; false: nothing follows.
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
      statement.sources.push_back(source_of(sqlite3_bind_parameter_name(compiled, i)));
    const int columns = sqlite3_column_count(compiled);
    for (int i = 0; i < columns; ++i) {
      std::string name = sqlite3_column_name(compiled, i);
      const bool is_json = name.size() > kJsonSuffix.size() &&
                           name.substr(name.size() - kJsonSuffix.size()) == kJsonSuffix;
      if (is_json) name.resize(name.size() - kJsonSuffix.size());
      const char* type = sqlite3_column_decltype(compiled, i);
      auto* const hidden = name == kStatusColumn     ? &statement.status
                           : name == kCursorColumn   ? &statement.cursor
                           : name == kDocumentColumn ? &statement.document
                                                     : nullptr;
      if (hidden != nullptr) {
        *hidden = i;
        continue;
      }
      statement.columns.push_back(json_column(i, name, is_json));
      statement.types.emplace_back(type != nullptr ? type : "");
    }
    return statement;
  }

  Source source_of(const char* parameter) {
    const std::string name = parameter != nullptr ? parameter : "?";
    if (name[0] != ':') fail("parameters are named, as in :account_id, not " + name);
    std::string_view bare = std::string_view(name).substr(1);
    const auto bound = index_of(kBound, bare);
    // A field may be called `body`; then it is not the whole that is meant.
    if (bound && route_->find_parameter(bare) == nullptr) {
      if (static_cast<Bound>(*bound) == Bound::kLimit && route_->answer != Answer::kMany)
        fail(":limit is for routes that answer many rows");
      if (static_cast<Bound>(*bound) == Bound::kBody) check_has_body();
      return static_cast<Bound>(*bound);
    }
    const bool given = bare.substr(0, kGiven.size()) == kGiven;
    if (given) bare.remove_prefix(kGiven.size());
    const auto* declared = route_->find_parameter(bare);
    if (declared == nullptr) fail(name + " is not declared in the head");
    const auto place = route_->place_of(*declared);
    if (given) return IsGiven{place};
    used_.insert(place);
    return ValueOf{place};
  }

  void check_uses() {
    for (std::size_t i = 0; i < route_->parameters.size(); ++i) {
      if (route_->parameters[i].type == Type::kWait) {
        if (route_->method != "GET" || route_->answer != Answer::kMany)
          fail_at(declared_at_[i], "only a GET of many rows can wait for one");
      } else if (used_.count(i) == 0) {
        fail_at(declared_at_[i], route_->parameters[i].name + " is declared but not used");
      }
    }
    const RouteStatement* answering =
        route_->answering ? &route_->statements[*route_->answering] : nullptr;
    if (route_->paged() && (answering == nullptr || !answering->cursor ||
                            route_->find_parameter(kCursorColumn) == nullptr)) {
      fail(
          "a route with :limit has a parameter `after` and a column of that name, the cursor of "
          "its row");
    }
    const bool gives_document =
        std::any_of(route_->gives.begin(), route_->gives.end(), is_document);
    const bool has_document = answering != nullptr && answering->document;
    if (gives_document && !has_document)
      fail("an answer in xml, html, text or pdf is the column `document`, which is not there");
    if (has_document && !gives_document)
      fail("a column `document` is for answers in xml, html, text or pdf, which `gives:` lists");
    if (gives_document && route_->answer != Answer::kOne)
      fail("a document is an answer of one row");
  }

  [[nodiscard]] std::size_t line_of(std::size_t offset) const {
    const auto* const end = text_.begin() + std::min(offset, text_.size());
    return 1 + static_cast<std::size_t>(std::count(text_.begin(), end, '\n'));
  }

  RouteOwner owner_;
  std::string file_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;  // of the line last read
  std::unique_ptr<Route> route_;
  std::set<std::string_view> optional_lines_;  // the labels of those that were read
  std::vector<std::size_t> declared_at_;       // the lines of its parameters
  std::set<std::size_t> used_;
};

// Literals are tried before placeholders with an ending, and these before bare ones.
int rank(const PathPart& part) {
  if (part.placeholder.empty()) return 0;
  return part.text.empty() ? 2 : 1;
}

bool comes_before(const std::vector<PathPart>& a, const std::vector<PathPart>& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(), [](const PathPart& one, const PathPart& other) {
        return std::make_pair(rank(one), one.text) < std::make_pair(rank(other), other.text);
      });
}

bool matches(const PathPart& part, std::string_view value) {
  if (part.placeholder.empty()) return value == part.text;
  return value.size() > part.text.size() &&
         value.substr(value.size() - part.text.size()) == part.text;
}

}  // namespace

bool Route::uses(Bound bound) const {
  return std::any_of(statements.begin(), statements.end(), [&](const RouteStatement& statement) {
    return std::find_if(statement.sources.begin(), statement.sources.end(),
                        [&](const Source& source) {
                          const auto* own = std::get_if<Bound>(&source);
                          return own != nullptr && *own == bound;
                        }) != statement.sources.end();
  });
}

const Parameter* Route::find_parameter(std::string_view name) const {
  return find_in(parameters, name);
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

void RouteTable::add(RouteOwner owner, const std::string& file, std::string text,
                     Database& database) {
  const std::string lines = normalized(std::move(text));
  auto route = FileReader(owner, file, lines).read(database);
  auto place = std::lower_bound(paths_.begin(), paths_.end(), route->parts,
                                [](const Path& path, const std::vector<PathPart>& parts) {
                                  return comes_before(path.parts, parts);
                                });
  if (place == paths_.end() || comes_before(route->parts, place->parts))
    place = paths_.insert(place, Path{route->parts, {}});
  auto& slot = place->routes[route->method];
  if (slot) {
    throw std::runtime_error(file + ":1: " + route->method + " " + route->path +
                             " is the route of " + slot->file + " already");
  }
  route->requests = &metrics_.add(route->method, route->path);
  slot = std::move(route);
}

void RouteTable::add_folder(const std::string& folder, Database& database) {
  std::vector<std::string> files;
  const auto is_hidden = [](const auto& entry) {
    return entry.path().filename().string()[0] == '.';
  };
  const auto end = std::filesystem::recursive_directory_iterator();
  for (std::filesystem::recursive_directory_iterator entry(folder); entry != end; ++entry) {
    if (is_hidden(*entry)) {
      if (entry->is_directory()) entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && entry->path().extension() == ".sql") {
      files.push_back(entry->path().string());
    }
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    if (!stream) throw std::runtime_error(file + ":1: cannot be read");
    add(RouteOwner::kOperator, file, text.str(), database);
  }
}

const RouteTable::Path* RouteTable::find(const std::vector<std::string>& parts,
                                         std::vector<std::string>& values) const {
  const auto found = std::find_if(paths_.begin(), paths_.end(), [&](const Path& path) {
    return std::equal(path.parts.begin(), path.parts.end(), parts.begin(), parts.end(), matches);
  });
  if (found == paths_.end()) return nullptr;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& part = found->parts[i];
    if (!part.placeholder.empty())
      values.push_back(parts[i].substr(0, parts[i].size() - part.text.size()));
  }
  return &*found;
}

std::vector<const Route*> RouteTable::all() const {
  std::vector<const Route*> routes;
  for (const auto& path : paths_) {
    for (const auto& [method, route] : path.routes) routes.push_back(route.get());
  }
  std::sort(routes.begin(), routes.end(), [](const Route* a, const Route* b) {
    return std::tie(a->path, a->method) < std::tie(b->path, b->method);
  });
  return routes;
}

const Route* RouteTable::Path::find(std::string_view method) const {
  const auto found = routes.find(method);
  return found == routes.end() ? nullptr : found->second.get();
}

std::string RouteTable::Path::methods() const {
  std::string names;
  for (const auto& [method, route] : routes) names += (names.empty() ? "" : ", ") + method;
  return names;
}

bool RouteTable::Path::is_public() const {
  return std::all_of(routes.begin(), routes.end(),
                     [](const auto& route) { return route.second->role == Role::kNone; });
}

}  // namespace saldo::server
