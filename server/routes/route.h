// A route is an SQL file: a comment head, then the statements (server/README.md, "A route is a
// file" and "Payment systems"). Here the files are read and checked, and requests find theirs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codecs/column.h"
#include "codecs/format.h"
#include "metrics.h"
#include "store/tokens.h"

namespace saldo::server {

enum class Type { kInteger, kText, kDay, kMonth, kInstant, kFlag, kCursor, kList, kValues, kWait };

struct Parameter {
  std::string name;
  Type type = Type::kText;
  bool required = false;
  bool in_path = false;
  std::string description;
  std::vector<Parameter> fields;  // of a list's objects
};

enum class Answer { kOne, kMany, kNone };

// How whoever asks is known: by a token of the route's role; of people with a browser by their
// session; or, of a payment system, by a user and password, by a signature that the file verifies,
// or by asking the system itself.
enum class Auth { kToken, kSession, kBasic, kSignature, kAsk };

enum class Charset { kUtf8, kWindows1251 };

// Of which facts a page tells that a form shows before it writes: none; those of the books, as they
// are before and after the write; or those that are computed from what the form holds.
enum class Facts { kNone, kBooks, kForm };

// A function of the server that answers in the place of SQL: `calls:` in the head of a route of the
// server's own, as these functions know its parameters.
enum class BuiltIn { kHealth, kMetrics, kOpenApi, kSql, kMailTest, kWebhookTest, kAuditRun };

// What the server binds besides the parameters.
enum class Bound {
  kNow,
  kToday,
  kWho,
  kBody,
  kFormat,
  kRandom,
  kNewToken,
  kNewTokenHash,
  kPrivateWebhooks,
  kClockDifference,
  kLimit,
  kQuery,        // of a payment system: the query as it came
  kAskedStatus,  // behind `-- ask`: what was answered
  kAsked,
  kFailure,  // behind `-- failure`: the code of the error, and its status
  kStatus,
  kSoFar  // behind `-- write` of a route of /v1: what the run for the row before gave
};

// What an SQL parameter takes: the value of one of the route's parameters (by its place), whether
// that was given (:given_name), or something of the server's.
struct ValueOf {
  std::size_t parameter;
};
struct IsGiven {
  std::size_t parameter;
};
// Behind `-- write`: a column of the row before it.
struct ColumnOf {
  std::size_t column;
};
using Source = std::variant<ValueOf, IsGiven, ColumnOf, Bound>;

struct RouteStatement {
  std::string sql;
  std::vector<Source> sources;     // of ?1, ?2, …
  std::vector<Column> columns;     // of the answer; those of other meanings are not among them
  std::vector<std::string> types;  // as declared, such as INTEGER; empty for an expression
  std::optional<int> status;
  std::optional<int> cursor;
  std::optional<int> document;
  std::optional<int> file_name;
  std::optional<int> conflict;
  std::optional<int> warning;
  std::optional<int> so_far;

  [[nodiscard]] bool uses(Bound bound) const;
};

// What runs together: on one connection, and the rows of one of its statements are what it gives.
struct RoutePart {
  std::vector<RouteStatement> statements;
  std::optional<std::size_t> answering;  // which statement's rows

  [[nodiscard]] bool exists() const { return !statements.empty(); }
  // Null: none of them gives rows.
  [[nodiscard]] const RouteStatement* answer() const {
    return answering ? &statements[*answering] : nullptr;
  }
  [[nodiscard]] bool uses(Bound bound) const;
};

// One stretch of a path between two slashes.
struct PathPart {
  std::string text;         // of a literal; what follows the placeholder otherwise, as in {id}.pdf
  std::string placeholder;  // its name; empty for a literal
};

struct Route {
  std::string method;
  std::string path;  // as in the head: /v1/accounts/{account_id}
  std::vector<PathPart> parts;
  std::string description;
  Role role = Role::kAdmin;
  Answer answer = Answer::kOne;
  Format takes = Format::kJson;
  bool takes_statement = false;  // a text of any media type, up to --max-statement
  std::vector<Format> gives = {Format::kJson, Format::kCsv};
  std::optional<BuiltIn> calls;
  Auth auth = Auth::kToken;
  Facts facts = Facts::kNone;
  std::string protocol;  // which that of the request's channel must be; empty: any, or no channel
  Charset charset = Charset::kUtf8;
  std::vector<Parameter> parameters;
  RoutePart asking;     // before `-- ask`: what to ask another server for
  RoutePart reading;    // before `-- write`: its rows are what the writes are given
  RoutePart last;       // what answers
  RoutePart failing;    // behind `-- failure`: how a payment system is told of one
  bool writes = false;  // the last part goes to the writer
  std::string file;
  bool is_operators = false;  // and not the server's own
  Metrics::Requests* requests = nullptr;

  // Of a payment system, in whose own form all is answered.
  [[nodiscard]] bool is_payment() const { return auth != Auth::kToken && auth != Auth::kSession; }
  [[nodiscard]] bool is_for_session() const { return auth == Auth::kSession; }
  // Its rows name components (page/components.h).
  [[nodiscard]] bool is_page() const { return is_for_session() && gives.front() == Format::kHtml; }
  // Other fields are in the query.
  [[nodiscard]] bool has_fields_in_body() const {
    return method != "GET" && method != "DELETE" && takes == Format::kJson;
  }
  [[nodiscard]] bool paged() const { return last.uses(Bound::kLimit); }
  // Whether something is looked up, read or asked before the last part runs.
  [[nodiscard]] bool has_parts_before() const {
    return is_payment() || !protocol.empty() || asking.exists() || reading.exists();
  }
  // Null: there is none.
  [[nodiscard]] const Parameter* find_parameter(std::string_view name) const;
  // Where among `parameters` one of them is.
  [[nodiscard]] std::size_t place_of(const Parameter& parameter) const {
    return static_cast<std::size_t>(&parameter - parameters.data());
  }
};

// A column that is not shown but says the status of the answer, the cursor of its row, or (of a
// route that gives documents) is the document.
inline constexpr std::string_view kStatusColumn = "http_status";
inline constexpr std::string_view kCursorColumn = "after";
inline constexpr std::string_view kDocumentColumn = "document";
// Under what name a browser stores the document; null: it has none.
inline constexpr std::string_view kFileNameColumn = "http_file_name";
// The first column of a page's statement that opens a component.
inline constexpr std::string_view kComponentColumn = "component";
// Likewise of payment systems: 1 for an identifier that came again with other content; and a line
// for the log.
inline constexpr std::string_view kConflictColumn = "conflict";
inline constexpr std::string_view kWarningColumn = "warning";
// Of a part behind `-- write` that runs for several rows: a text that the next run is given.
inline constexpr std::string_view kSoFarColumn = "so_far";
// The placeholder or field whose channel's secrets a file may use.
inline constexpr std::string_view kChannelParameter = "channel";

// What follows the name of a column whose text is JSON: "kinds:json".
inline constexpr std::string_view kJsonSuffix = ":json";
// And of a column that is told once: it is null in an answer that is kept under an Idempotency-Key.
inline constexpr std::string_view kSecretSuffix = ":secret";

// Whose a file of a route is.
enum class RouteOwner { kServer, kOperator };

class RouteTable {
 public:
  explicit RouteTable(Metrics& metrics) : metrics_(metrics) {}

  // Reads one file. Throws std::runtime_error "FILE:LINE: what is wrong". `database` is one with
  // the schema in it; its authorizer is the table's meanwhile, and then none.
  void add(RouteOwner owner, const std::string& file, std::string text, Database& database);
  // An operator's: all *.sql of a folder and the folders in it, but for names that begin with a
  // dot.
  void add_folder(const std::string& folder, Database& database);

  // The routes of one path, by method; several of one method differ in their protocols alone.
  struct Path {
    std::vector<PathPart> parts;
    std::map<std::string, std::vector<std::unique_ptr<Route>>, std::less<>> routes;

    // The first of that method; null: there is none.
    [[nodiscard]] const Route* find(std::string_view method) const;
    // That of the method which speaks the protocol. Throws not_found where no file does.
    [[nodiscard]] const Route& find(std::string_view method, std::string_view protocol) const;
    [[nodiscard]] std::string methods() const;  // as Allow lists them
    [[nodiscard]] bool is_public() const;       // nobody needs a token here
    // Of payment systems; null: of others.
    [[nodiscard]] const Route* payment() const;
  };
  // The path that `parts`, decoded, are of; its placeholders' values are put into `values` in their
  // order. Null: there is no such path.
  const Path* find(const std::vector<std::string>& parts, std::vector<std::string>& values) const;
  [[nodiscard]] const std::vector<Path>& paths() const { return paths_; }
  // By path and method; of several of one method the first.
  [[nodiscard]] std::vector<const Route*> all() const;
  // Of all files, their heads included: SHA-256 in hexadecimal.
  [[nodiscard]] const std::string& sum() const { return sum_; }

 private:
  void place(std::unique_ptr<Route> route);

  Metrics& metrics_;
  std::string sum_;
  std::vector<Path> paths_;  // in the order in which they are tried
};

// What stands between the slashes of a path; "/v1/days" has two parts.
std::vector<std::string_view> path_parts(std::string_view path);

}  // namespace saldo::server
