// A route is an SQL file: a comment head, then the statements (server/README.md, "A route is a file"). Here
// the files are read and checked, and requests find theirs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database.h"

namespace saldo::server {

enum class Role { kCrm, kCashier, kOperator, kAnalyst, kAdmin };
std::optional<Role> parse_role(std::string_view name);
std::string_view role_name(Role role);
// `operator` may do what `crm` and `cashier` may, `admin` everything.
bool may(Role token, Role route);

enum class Type { kInteger, kText, kDay, kMonth, kInstant, kFlag, kCursor, kList };

struct Parameter {
  std::string name;
  Type type = Type::kText;
  bool required = false;
  bool in_path = false;
  std::string description;
  std::vector<Parameter> fields;  // of a list's objects
};

enum class Answer { kOne, kMany, kNone };

// What the server binds besides the parameters; they follow them in the order of their values.
enum Bound { kNow, kToday, kWho, kBody, kLimit, kBoundCount };

struct RouteStatement {
  std::string sql;
  // Of each SQL parameter ?1, ?2, …: which value it takes, a parameter by its place, or
  // parameters.size() + Bound.
  std::vector<std::size_t> values;
  std::vector<std::string> columns;
  std::vector<std::string> types;  // as declared, such as INTEGER; empty for an expression
  bool status_only = false;        // gives nothing but the answer's status
};

struct Route {
  std::string method;
  std::string path;                // as in the head: /v1/accounts/{account_id}
  std::vector<std::string> parts;  // between its slashes; empty for a placeholder
  std::string description;
  Role role = Role::kAdmin;
  Answer answer = Answer::kOne;
  std::vector<Parameter> parameters;
  std::vector<RouteStatement> statements;
  std::size_t answering = 0;  // which statement's rows are the answer
  std::string file;

  [[nodiscard]] bool writes() const { return method != "GET"; }
  [[nodiscard]] bool paged() const { return uses(kLimit); }
  [[nodiscard]] bool uses(Bound bound) const;
};

// A column that is not rendered but says the status of the answer, or the cursor of its row.
inline constexpr std::string_view kStatusColumn = "http_status";
inline constexpr std::string_view kCursorColumn = "after";

// The paths that the server answers by itself. All but the last need no token.
inline constexpr std::string_view kHealthPath = "/healthz";
inline constexpr std::string_view kMetricsPath = "/metrics";
inline constexpr std::string_view kDocumentPath = "/openapi.json";
inline constexpr std::string_view kSqlPath = "/v1/sql";

// What stands between the slashes of a path; "/v1/days" has two parts.
std::vector<std::string_view> path_parts(std::string_view path);

class RouteTable {
 public:
  // Reads one file. Throws std::runtime_error "FILE:LINE: what is wrong". `database` is one with
  // the schema in it.
  void add(const std::string& file, std::string_view text, Database& database);
  // All *.sql of a folder and the folders in it.
  void add_folder(const std::string& folder, Database& database);

  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> path_values;  // in the order of the braces
  };
  // `parts` are decoded. The route null: no such method, or no such path.
  [[nodiscard]] Match find(std::string_view method, const std::vector<std::string>& parts) const;
  // The methods of a path, as Allow lists them; empty: no such path.
  [[nodiscard]] std::string methods_of(const std::vector<std::string>& parts) const;
  [[nodiscard]] const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace saldo::server
