#include "routes/route.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "codecs/json.h"
#include "hash.h"
#include "payments/functions.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

constexpr std::array<std::string_view, 10> kTypes = {
    "integer", "text", "day", "month", "instant", "flag", "cursor", "list", "values", "wait"};
constexpr std::array<std::string_view, 3> kAnswers = {"one", "many", "none"};
constexpr std::array<std::string_view, 7> kBuiltIns = {
    "health", "metrics", "openapi", "sql", "mail_test", "webhook_test", "audit_run"};
constexpr std::array<std::string_view, 4> kAuths = {"session", "basic", "signature", "ask"};
constexpr std::array<std::string_view, 2> kFactsOf = {"books", "form"};
constexpr std::array<std::string_view, 2> kCharsets = {"utf-8", "windows-1251"};
constexpr std::array<std::string_view, 17> kBound = {"now",
                                                     "today",
                                                     "who",
                                                     "body",
                                                     "format",
                                                     "random",
                                                     "new_token",
                                                     "new_token_hash",
                                                     "private_webhooks",
                                                     "clock_difference_seconds",
                                                     "limit",
                                                     "query",
                                                     "asked_status",
                                                     "asked",
                                                     "failure",
                                                     "status",
                                                     "so_far"};
constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::string_view kGiven = "given_";

// The lines that end a part of a file, in their order.
constexpr std::array<std::string_view, 3> kMarks = {"-- ask", "-- write", "-- failure"};
enum Mark { kAskMark, kWriteMark, kFailureMark };

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
    route_->is_operators = owner == RouteOwner::kOperator;
  }

  // The route for each of the file's methods.
  std::vector<std::unique_ptr<Route>> read(Database& database) {
    check_encoding();
    read_head();
    if (!route_->calls) {
      read_parts(database);
      check_page();
      check_uses();
    }
    std::vector<std::unique_ptr<Route>> routes;
    for (const auto& method : methods_) {
      routes.push_back(std::make_unique<Route>(*route_));
      routes.back()->method = method;
    }
    return routes;
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
    if (index_of(kMarks, text_.substr(at_, end - at_))) return std::nullopt;
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
    const auto space = std::min(request.rfind(' '), request.size());
    read_methods(request.substr(0, space));
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
    check_channel();
    for (const auto& part : route_->parts) {
      if (!part.placeholder.empty() && route_->find_parameter(part.placeholder) == nullptr)
        fail_at(1, "{" + part.placeholder + "} of the path is not declared");
    }
  }

  void read_methods(std::string_view names) {
    for (auto rest = names; !rest.empty() || methods_.empty();) {
      const auto name = rest.substr(0, rest.find(", "));
      rest.remove_prefix(std::min(name.size() + 2, rest.size()));
      if (!index_of(kMethods, name))
        fail("the method is " + listed(kMethods) + ", not " + std::string(name));
      if (std::count(methods_.begin(), methods_.end(), name) > 0)
        fail(std::string(name) + " is there twice");
      methods_.emplace_back(name);
    }
    route_->method = methods_.front();
  }

  bool read_optional_line(std::string_view line) {
    const auto label = line.substr(0, line.find(": "));
    const auto value = line.substr(std::min(label.size() + 2, line.size()));
    constexpr std::array<std::string_view, 7> kLabels = {"takes",    "gives",   "calls", "auth",
                                                         "protocol", "charset", "facts"};
    const auto known_label = index_of(kLabels, label);
    if (!known_label) return false;
    // A field may be called protocol.
    const bool may_be_field = *known_label >= 3;
    if (may_be_field && index_of(kTypes, value.substr(0, value.find_first_of(" !")))) return false;
    if (!optional_lines_.insert(label).second) fail(std::string(label) + " is there twice");
    if (label == "takes") {
      read_takes(value);
    } else if (label == "gives") {
      read_gives(value);
    } else if (label == "calls") {
      if (owner_ != RouteOwner::kServer) fail("calls is for the server's own routes");
      route_->calls = static_cast<BuiltIn>(known(kBuiltIns, label, value));
    } else if (label == "auth") {
      route_->auth = static_cast<Auth>(known(kAuths, label, value) + 1);
    } else if (label == "protocol") {
      if (!is_name(value)) fail("a protocol's name is of lower-case letters, digits and '_'");
      route_->protocol = value;
    } else if (label == "facts") {
      route_->facts = static_cast<Facts>(known(kFactsOf, label, value) + 1);
    } else {
      route_->charset = static_cast<Charset>(known(kCharsets, label, value));
    }
    return true;
  }

  template <std::size_t N>
  std::size_t known(const std::array<std::string_view, N>& names, std::string_view label,
                    std::string_view value) const {
    const auto index = index_of(names, value);
    if (!index) fail(std::string(label) + " is " + listed(names) + ", not " + std::string(value));
    return *index;
  }

  void read_takes(std::string_view value) {
    check_has_body();
    route_->takes_statement = value == "statement";
    const auto format = route_->takes_statement ? Format::kText : parse_format(value);
    if (format != Format::kJson && format != Format::kForm && format != Format::kText)
      fail("takes is json, form, text or statement, not " + std::string(value));
    route_->takes = *format;
  }

  void read_gives(std::string_view value) {
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
  }

  void check_has_body() const {
    if (route_->method == "GET") fail("a GET has no body");
  }

  // What a payment system's head says, and that of another route with a channel.
  void check_channel() {
    line_ = 1;
    if (route_->is_for_session() && (methods_.size() > 1 || route_->method != "GET"))
      fail("what a browser asks for by its session is a GET");
    if (!route_->is_payment()) {
      if (methods_.size() > 1) fail("several methods are for routes with `auth:`");
      if (optional_lines_.count("charset") > 0) fail("charset is for routes with `auth:`");
      if (!route_->protocol.empty()) require_channel_field("protocol");
      return;
    }
    if (route_->role != Role::kNone || route_->answer != Answer::kOne ||
        optional_lines_.count("takes") + optional_lines_.count("calls") > 0)
      fail("a route with `auth:` has `role: none` and `answer: one`, and takes any body");
    if (route_->protocol.empty()) fail("a route with `auth:` has `protocol: NAME`");
    const Format given = route_->gives.front();
    if (optional_lines_.count("gives") == 0 || route_->gives.size() != 1 || given == Format::kCsv ||
        given == Format::kPdf)
      fail("a route with `auth:` gives json, xml, html or text, one of them");
    const auto in_path = [&](const PathPart& part) {
      return part.placeholder == kChannelParameter;
    };
    if (std::none_of(route_->parts.begin(), route_->parts.end(), in_path))
      fail("the path of a route with `auth:` has {channel}");
    for (std::size_t i = 0; i < route_->parameters.size(); ++i) {
      if (route_->parameters[i].in_path) continue;
      fail_at(declared_at_[i],
              "a route with `auth:` reads its fields with form_field(:query) and from :body");
    }
    if (route_->find_parameter(kChannelParameter) != nullptr) return;
    route_->parameters.push_back({std::string(kChannelParameter), Type::kText, true, true, "", {}});
    declared_at_.push_back(1);
  }

  static bool is_channel_field(const Parameter* parameter) {
    return parameter != nullptr && parameter->type == Type::kText && parameter->required;
  }

  void require_channel_field(const std::string& reason) const {
    if (is_channel_field(route_->find_parameter(kChannelParameter))) return;
    fail("a route with `" + reason + "` has the field `channel: text!`, whose secrets it may use");
  }

  void read_path() {
    if (route_->path.empty() || route_->path.front() != '/') fail("the path begins with /");
    if (route_->path == "/") {
      route_->parts.emplace_back();
      return;
    }
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
    const auto bound = index_of(kBound, name);
    const bool is_own = bound && static_cast<Bound>(*bound) <= Bound::kLimit && name != "body";
    if (is_own || name == "dry_run" || name.substr(0, kGiven.size()) == kGiven)
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

  // What a statement may use depends on where it stands.
  enum class Place {
    kOnReader,     // before the last of `-- ask` and `-- write`
    kLast,         // behind them; or, without them, all
    kBehindWrite,  // the last, which is given a row
    kFailing       // behind `-- failure`
  };

  void read_parts(Database& database) {
    std::array<std::optional<std::size_t>, kMarks.size()> marks = find_marks();
    const bool asks = marks[kAskMark].has_value();
    const bool writes = marks[kWriteMark].has_value();
    if (asks && !route_->is_payment()) require_channel_field(std::string(kMarks[kAskMark]));
    if (marks[kFailureMark] && !route_->is_payment())
      fail_at(line_of(*marks[kFailureMark]), "`-- failure` is for routes with `auth:`");
    has_channel_ = route_->is_payment() || asks || !route_->protocol.empty() ||
                   (writes && is_channel_field(route_->find_parameter(kChannelParameter)));
    {
      const Authorized authorized(*this, database);
      if (asks) {
        read_part(database, route_->asking, Place::kOnReader, *marks[kAskMark]);
        check_question();
      }
      asked_ = asks;
      if (writes) {
        read_part(database, route_->reading, Place::kOnReader, *marks[kWriteMark]);
        check_row(route_->reading, kMarks[kWriteMark]);
      }
      read_part(database, route_->last, writes ? Place::kBehindWrite : Place::kLast,
                marks[kFailureMark].value_or(text_.size()));
    }
    decide_writing(writes);
    if (route_->answer != Answer::kNone && !route_->last.answering)
      fail("no statement returns rows for the answer");
    if (marks[kFailureMark]) {
      Connection memory(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX);
      register_text_functions(memory.handle());
      read_part(memory, route_->failing, Place::kFailing, text_.size());
      if (route_->failing.answer() == nullptr || !route_->failing.answer()->document)
        fail("`-- failure` is followed by a SELECT of `document`");
    }
  }

  // Where the lines begin that end parts.
  std::array<std::optional<std::size_t>, kMarks.size()> find_marks() {
    std::array<std::optional<std::size_t>, kMarks.size()> marks;
    std::size_t next = 0;
    for (std::size_t at = at_; at < text_.size();) {
      const auto end = std::min(text_.find('\n', at), text_.size());
      if (const auto mark = index_of(kMarks, text_.substr(at, end - at))) {
        if (*mark < next) {
          fail_at(line_of(at),
                  "`-- ask`, `-- write` and `-- failure` are there once, in this order");
        }
        marks[*mark] = at;
        next = *mark + 1;
      }
      at = end + 1;
    }
    return marks;
  }

  void read_part(Connection& database, RoutePart& part, Place place, std::size_t end) {
    while (skip_comments(end)) {
      line_ = line_of(at_);
      const char* tail = nullptr;
      const auto rest = text_.substr(at_, end - at_);
      sqlite3_stmt* compiled = nullptr;
      place_ = place;
      denied_.clear();
      const int code = sqlite3_prepare_v2(database.handle(), rest.data(),
                                          static_cast<int>(rest.size()), &compiled, &tail);
      const StatementHandle handle(compiled);
      if (!denied_.empty()) fail(denied_);
      if (code != SQLITE_OK) {
        const int offset = sqlite3_error_offset(database.handle());
        fail_at(line_of(at_ + static_cast<std::size_t>(std::max(offset, 0))),
                sqlite3_errmsg(database.handle()));
      }
      const auto length = static_cast<std::size_t>(tail - rest.data());
      if (compiled != nullptr) {
        check_reads(compiled);
        part.statements.push_back(statement_of(compiled, rest.substr(0, length)));
        const int columns = sqlite3_column_count(compiled);
        const bool status_alone = columns == 1 && part.statements.back().status;
        if (columns > 0 && !status_alone && route_->answer != Answer::kNone)
          part.answering = part.statements.size() - 1;
      }
      at_ += length;
    }
    line_ = 1;
    if (!part.exists()) {
      const auto mark = text_.substr(end, text_.find('\n', end) - end);
      fail("there is no statement" + (mark.empty() ? "" : " before `" + std::string(mark) + "`"));
    }
  }

  void check_reads(sqlite3_stmt* compiled) {
    if (sqlite3_stmt_readonly(compiled) != 0) return;
    is_writing_ = true;
    if (place_ == Place::kOnReader) fail("what stands before `-- ask` or `-- write` only reads");
    if (place_ == Place::kFailing) fail("what stands behind `-- failure` only reads");
    if (place_ == Place::kLast && asked_)
      fail("what writes behind `-- ask` stands behind `-- write`");
    if (route_->method == "GET" && !route_->is_payment()) fail("a GET route only reads");
  }

  // Whether the last part goes to the writer.
  void decide_writing(bool behind_write) {
    line_ = 1;
    // Without a channel it is the method that tells, as the document of the routes says it.
    route_->writes = behind_write || (has_channel_ ? is_writing_ : route_->method != "GET");
    if (route_->writes && route_->method == "GET" && !route_->is_payment())
      fail("a GET route only reads");
    if (route_->writes && !behind_write && !request_function_.empty())
      fail(request_function_ + "() is for what stands before `-- write`");
    if (!route_->is_payment()) return;
    if (route_->auth == Auth::kSignature && !verifies_) {
      fail_at(1,
              "with `auth: signature` a file calls same() or rsa_verify() before `-- write`, "
              "or before its end where it only reads");
    }
    if (route_->auth == Auth::kAsk && !asked_) fail_at(1, "with `auth: ask` a file has `-- ask`");
  }

  // The row that is read for what follows `mark`.
  void check_row(const RoutePart& part, std::string_view mark) const {
    if (part.answer() == nullptr)
      fail("no statement before `" + std::string(mark) + "` returns a row");
  }

  void check_question() const {
    check_row(route_->asking, kMarks[kAskMark]);
    bool has_url = false;
    for (const Column& column : route_->asking.answer()->columns) {
      constexpr std::array<std::string_view, 4> kQuestion = {"url", "method", "headers", "body"};
      if (!index_of(kQuestion, column.name))
        fail("the row before `-- ask` has url, method, headers and body, not " + column.name);
      has_url = has_url || column.name == kQuestion[0];
    }
    if (!has_url) fail("the row before `-- ask` lacks its url");
  }

  // While it lives, SQLite asks the reader of the file whether a statement may be compiled.
  class Authorized {
   public:
    Authorized(FileReader& reader, const Connection& database) : db_(database.handle()) {
      sqlite3_set_authorizer(
          db_,
          [](void* self, int action, const char* /*first*/, const char* second,
             const char* /*schema*/, const char* /*trigger*/) {
            return static_cast<FileReader*>(self)->authorize(action, second);
          },
          &reader);
    }
    Authorized(const Authorized&) = delete;
    Authorized& operator=(const Authorized&) = delete;
    ~Authorized() { sqlite3_set_authorizer(db_, nullptr, nullptr); }

   private:
    sqlite3* db_;
  };

  int authorize(int action, const char* function) {
    if (action == SQLITE_PRAGMA) {
      denied_ = "a route has no PRAGMA, which takes effect when it is compiled";
      return SQLITE_DENY;
    }
    if (action != SQLITE_FUNCTION || function == nullptr) return SQLITE_OK;
    if (!is_request_function(function)) return SQLITE_OK;
    if (place_ == Place::kBehindWrite || !has_channel_) {
      denied_ = std::string(function) +
                (place_ == Place::kOnReader
                     ? "() is for routes with the field `channel: text!`, whose secrets they use"
                     : "() is for what stands before `-- write`");
      return SQLITE_DENY;
    }
    if (place_ == Place::kLast) request_function_ = function;
    verifies_ = verifies_ || is_verifying_function(function);
    return SQLITE_OK;
  }

  // Goes on behind space and comments; false: nothing follows.
  bool skip_comments(std::size_t part_end) {
    for (;;) {
      at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
      if (at_ >= part_end || text_.substr(at_, 2) != "--") return at_ < part_end;
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
      const auto takes_suffix = [&](std::string_view suffix) {
        if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix)
          return false;
        name.resize(name.size() - suffix.size());
        return true;
      };
      const bool is_json = takes_suffix(kJsonSuffix);
      const bool is_secret = takes_suffix(kSecretSuffix);
      if (is_secret &&
          (route_->answer != Answer::kOne || route_->gives != std::vector<Format>{Format::kJson}))
        fail("a column that ends with :secret is of a route with `answer: one` and `gives: json`");
      const char* type = sqlite3_column_decltype(compiled, i);
      auto* const hidden = hidden_column(statement, name);
      if (hidden != nullptr) {
        *hidden = i;
        continue;
      }
      statement.columns.push_back(json_column(i, name, is_json));
      statement.columns.back().is_secret = is_secret;
      statement.types.emplace_back(type != nullptr ? type : "");
    }
    const bool tells_secret = std::any_of(statement.columns.begin(), statement.columns.end(),
                                          [](const Column& column) { return column.is_secret; });
    if (statement.uses(Bound::kNewToken) &&
        (!tells_secret || sqlite3_stmt_readonly(compiled) == 0)) {
      fail(
          ":new_token is for the SELECT that answers with it, in a column that ends with :secret; "
          "what is recorded is :new_token_hash");
    }
    return statement;
  }

  std::optional<int>* hidden_column(RouteStatement& statement, std::string_view name) const {
    if (name == kStatusColumn) return &statement.status;
    if (name == kDocumentColumn) return &statement.document;
    if (name == kFileNameColumn) return &statement.file_name;
    const bool is_payment = route_->is_payment();
    if (name == kCursorColumn && !is_payment) return &statement.cursor;
    if (name == kConflictColumn && is_payment) return &statement.conflict;
    if (name == kWarningColumn && is_payment) return &statement.warning;
    if (name == kSoFarColumn && !is_payment && place_ == Place::kBehindWrite)
      return &statement.so_far;
    return nullptr;
  }

  Source source_of(const char* parameter) {
    const std::string name = parameter != nullptr ? parameter : "?";
    if (name[0] != ':') fail("parameters are named, as in :account_id, not " + name);
    std::string_view bare = std::string_view(name).substr(1);
    if (place_ == Place::kBehindWrite) {
      const auto& columns = route_->reading.answer()->columns;
      const auto column = std::find_if(columns.begin(), columns.end(),
                                       [&](const Column& each) { return each.name == bare; });
      if (column != columns.end())
        return ColumnOf{static_cast<std::size_t>(column - columns.begin())};
    }
    const auto bound = index_of(kBound, bare);
    // A field may be called `body`; then it is not the whole that is meant.
    if (bound && is_bound_here(static_cast<Bound>(*bound)) &&
        (place_ == Place::kFailing || route_->find_parameter(bare) == nullptr)) {
      if (static_cast<Bound>(*bound) == Bound::kLimit && route_->answer != Answer::kMany)
        fail(":limit is for routes that answer many rows");
      if (static_cast<Bound>(*bound) == Bound::kBody && !route_->is_payment()) check_has_body();
      return static_cast<Bound>(*bound);
    }
    const bool given = bare.substr(0, kGiven.size()) == kGiven;
    if (given) bare.remove_prefix(kGiven.size());
    const auto* declared = place_ != Place::kFailing ? route_->find_parameter(bare) : nullptr;
    if (declared == nullptr) {
      fail(name +
           (place_ == Place::kBehindWrite
                ? " is neither a column of the row before `-- write` nor declared in the head"
            : place_ == Place::kFailing
                ? " is not :query, :body, :failure or :status, which there are here"
                : " is not declared in the head"));
    }
    const auto place = route_->place_of(*declared);
    if (given) return IsGiven{place};
    used_.insert(place);
    return ValueOf{place};
  }

  // What a part may be given by the server. What is behind `-- write` of a payment system is given
  // its row, so that the same is written wherever it is done.
  [[nodiscard]] bool is_bound_here(Bound bound) const {
    const bool is_payment = route_->is_payment();
    const bool sees_request = place_ == Place::kFailing || place_ != Place::kBehindWrite;
    switch (bound) {
      case Bound::kNow:
      case Bound::kToday:
      case Bound::kWho:
        return place_ != Place::kFailing;
      case Bound::kQuery:
        return is_payment && sees_request;
      case Bound::kBody:
        return !is_payment || sees_request;
      case Bound::kAskedStatus:
      case Bound::kAsked:
        return asked_ && sees_request && place_ != Place::kFailing;
      case Bound::kFailure:
      case Bound::kStatus:
        return place_ == Place::kFailing;
      case Bound::kSoFar:
        return !is_payment && place_ == Place::kBehindWrite;
      default:
        return !is_payment;
    }
  }

  // A file that gives HTML alone, and no document, is a page: its rows name components.
  void check_page() {
    find_page();
    if (route_->facts != Facts::kNone && !route_->is_page()) fail_at(1, "facts is for a page");
  }

  void find_page() {
    if (route_->gives != std::vector<Format>{Format::kHtml} || route_->is_payment()) return;
    const auto& statements = route_->last.statements;
    if (std::any_of(statements.begin(), statements.end(),
                    [](const RouteStatement& each) { return each.document.has_value(); }))
      return;
    const auto opens = [](const RouteStatement& each) {
      return !each.columns.empty() && each.columns.front().name == kComponentColumn;
    };
    if (std::none_of(statements.begin(), statements.end(), opens)) return;
    line_ = 1;
    if (route_->method != "GET" || route_->answer != Answer::kMany)
      fail("a page, whose rows name components, is a GET with `answer: many`");
    route_->auth = Auth::kSession;
  }

  void check_uses() {
    for (std::size_t i = 0; i < route_->parameters.size(); ++i) {
      if (route_->parameters[i].type == Type::kWait) {
        if (route_->method != "GET" || route_->answer != Answer::kMany)
          fail_at(declared_at_[i], "only a GET of many rows can wait for one");
      } else if (used_.count(i) == 0 &&
                 !(has_channel_ && route_->parameters[i].name == kChannelParameter)) {
        fail_at(declared_at_[i], route_->parameters[i].name + " is declared but not used");
      }
    }
    line_ = 1;
    const RouteStatement* answering = route_->last.answer();
    if (route_->is_payment()) {
      if (!answering->document) fail("the answer is the column `document`, which is not there");
      return;
    }
    if (route_->is_page()) return;
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
  std::vector<std::string> methods_;
  Place place_ = Place::kLast;                 // where the statement stands that is being compiled
  bool has_channel_ = false;                   // so that there are secrets to be asked for
  bool asked_ = false;                         // `-- ask` was passed
  bool is_writing_ = false;                    // some statement was
  bool verifies_ = false;                      // some statement calls such a function
  std::string request_function_;               // that the last part calls
  std::string denied_;                         // why the statement is not to be compiled
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

// Whether a request can be read before it is known which of them it is for.
bool has_same_fields(const Route& one, const Route& other) {
  return one.role == other.role && one.answer == other.answer && one.gives == other.gives &&
         one.takes == other.takes && one.paged() == other.paged() && one.writes == other.writes &&
         std::equal(one.parameters.begin(), one.parameters.end(), other.parameters.begin(),
                    other.parameters.end(), [](const Parameter& a, const Parameter& b) {
                      return a.name == b.name && a.type == b.type && a.required == b.required;
                    });
}

bool matches(const PathPart& part, std::string_view value) {
  if (part.placeholder.empty()) return value == part.text;
  return value.size() > part.text.size() &&
         value.substr(value.size() - part.text.size()) == part.text;
}

}  // namespace

bool RouteStatement::uses(Bound bound) const {
  return std::any_of(sources.begin(), sources.end(), [&](const Source& source) {
    const auto* own = std::get_if<Bound>(&source);
    return own != nullptr && *own == bound;
  });
}

bool RoutePart::uses(Bound bound) const {
  return std::any_of(statements.begin(), statements.end(),
                     [&](const RouteStatement& statement) { return statement.uses(bound); });
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
  sum_ = sha256_hex(sum_ + lines);
  register_request_functions(database.handle(), nullptr);
  for (auto& route : FileReader(owner, file, lines).read(database)) place(std::move(route));
}

void RouteTable::place(std::unique_ptr<Route> route) {
  auto path = std::lower_bound(paths_.begin(), paths_.end(), route->parts,
                               [](const Path& known, const std::vector<PathPart>& parts) {
                                 return comes_before(known.parts, parts);
                               });
  if (path == paths_.end() || comes_before(route->parts, path->parts))
    path = paths_.insert(path, Path{route->parts, {}});
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error(route->file + ":1: " + route->method + " " + route->path + " " + what);
  };
  if (!path->routes.empty()) {
    const Route& other = *path->routes.begin()->second.front();
    if (other.is_payment() != route->is_payment())
      fail("has `auth:` where " + other.file + " has none, or the other way round");
  }
  auto& alternatives = path->routes[route->method];
  for (const auto& other : alternatives) {
    if (other->protocol.empty() || other->protocol == route->protocol || route->protocol.empty())
      fail("is the route of " + other->file + " already");
    if (!has_same_fields(*other, *route)) fail("has other fields than in " + other->file);
  }
  route->requests = alternatives.empty() ? &metrics_.add(route->method, route->path)
                                         : alternatives.front()->requests;
  alternatives.push_back(std::move(route));
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
    for (const auto& [method, alternatives] : path.routes)
      routes.push_back(alternatives.front().get());
  }
  std::sort(routes.begin(), routes.end(), [](const Route* a, const Route* b) {
    return std::tie(a->path, a->method) < std::tie(b->path, b->method);
  });
  return routes;
}

const Route* RouteTable::Path::find(std::string_view method) const {
  const auto found = routes.find(method);
  return found == routes.end() ? nullptr : found->second.front().get();
}

const Route& RouteTable::Path::find(std::string_view method, std::string_view protocol) const {
  const auto& alternatives = routes.find(method)->second;
  std::string protocols;
  for (const auto& route : alternatives) {
    if (route->protocol.empty() || route->protocol == protocol) return *route;
    protocols.append(protocols.empty() ? "" : ", ").append(route->protocol);
  }
  throw invalid("the channel speaks " + std::string(protocol) + "; this takes channels of " +
                protocols);
}

std::string RouteTable::Path::methods() const {
  std::string names;
  for (const auto& [method, alternatives] : routes) names += (names.empty() ? "" : ", ") + method;
  return names;
}

bool RouteTable::Path::is_public() const {
  return std::all_of(routes.begin(), routes.end(), [](const auto& alternatives) {
    return alternatives.second.front()->role == Role::kNone;
  });
}

const Route* RouteTable::Path::payment() const {
  const Route& first = *routes.begin()->second.front();
  return first.is_payment() ? &first : nullptr;
}

}  // namespace saldo::server
