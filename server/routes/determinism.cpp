#include "routes/determinism.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <stdexcept>
#include <vector>

#include "routes/accept.h"

namespace saldo::server {
namespace {

constexpr std::array<std::string_view, 3> kRandom = {"random", "randomblob", "total_changes"};
constexpr std::array<std::string_view, 3> kCurrent = {"current_time", "current_date",
                                                      "current_timestamp"};
constexpr std::array<std::string_view, 6> kOfTime = {"date",      "time",      "datetime",
                                                     "julianday", "unixepoch", "strftime"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view each) { return equal_ignoring_case(each, name); });
}

// Words and parentheses in capital letters; without comments, and texts as ''.
std::vector<std::string> tokens_of(std::string_view sql) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < sql.size();) {
    const char c = sql[i];
    if (sql.substr(i, 2) == "--") {
      i = std::min(sql.find('\n', i), sql.size());
    } else if (sql.substr(i, 2) == "/*") {
      i = std::min(sql.find("*/", i + 2), sql.size() - 2) + 2;
    } else if (c == '\'' || c == '"') {
      i = std::min(sql.find(c, i + 1), sql.size() - 1) + 1;
      tokens.emplace_back("''");
    } else if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      std::string word;
      for (; i < sql.size() &&
             (std::isalnum(static_cast<unsigned char>(sql[i])) != 0 || sql[i] == '_');
           ++i)
        word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql[i])));
      tokens.push_back(std::move(word));
    } else {
      if (c == '(' || c == ')') tokens.emplace_back(1, c);
      ++i;
    }
  }
  return tokens;
}

// datetime() and its like, which are of now.
bool asks_the_time(const std::vector<std::string>& tokens) {
  for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
    if (is_one_of(kOfTime, tokens[i]) && tokens[i + 1] == "(" && tokens[i + 2] == ")") return true;
  }
  return false;
}

// The functions that a statement calls, triggers included.
class CalledFunctions {
 public:
  CalledFunctions(Database& database, const std::string& sql) : db_(database.handle()) {
    sqlite3_set_authorizer(
        db_,
        [](void* self, int action, const char*, const char* function, const char*, const char*) {
          if (action == SQLITE_FUNCTION && function != nullptr)
            static_cast<CalledFunctions*>(self)->names.insert(function);
          return SQLITE_OK;
        },
        this);
    database.compile_once(sql);
  }
  CalledFunctions(const CalledFunctions&) = delete;
  CalledFunctions& operator=(const CalledFunctions&) = delete;
  ~CalledFunctions() { sqlite3_set_authorizer(db_, nullptr, nullptr); }

  std::set<std::string> names;

 private:
  sqlite3* db_;
};

// Which of these texts the compiled statement has, its triggers included: of them functions of time
// take the machine's clock and time zone. Empty: none.
std::string machine_time_in(Database& database, const std::string& sql) {
  constexpr std::array<std::string_view, 3> kOfMachine = {"now", "localtime", "utc"};
  auto program = database.compile_once("EXPLAIN " + sql);
  constexpr int kOpcodeColumn = 1;
  constexpr int kP4Column = 5;
  while (program.step()) {
    if (program.text(kOpcodeColumn).substr(0, 6) == "String" &&
        is_one_of(kOfMachine, program.text(kP4Column)))
      return "'" + std::string(program.text(kP4Column)) + "'";
  }
  return "";
}

}  // namespace

std::string chance_in(Database& database, const std::string& sql) {
  const CalledFunctions called(database, sql);
  bool of_time = false;
  for (const auto& name : called.names) {
    if (is_one_of(kRandom, name)) return name + "()";
    if (is_one_of(kCurrent, name)) return name;
    of_time = of_time || is_one_of(kOfTime, name);
  }
  if (of_time && asks_the_time(tokens_of(sql))) return "the time of the machine";
  return of_time ? machine_time_in(database, sql) : "";
}

bool is_unordered(std::string_view sql) {
  int depth = 0;
  bool inserts = false;
  bool selects = false;
  bool has_from = false;
  bool orders = false;
  for (const auto& token : tokens_of(sql)) {
    if (token == "(") ++depth;
    if (token == ")") --depth;
    if (depth != 0) continue;
    inserts = inserts || token == "INSERT" || token == "REPLACE";
    selects = selects || (inserts && token == "SELECT");
    has_from = has_from || (selects && token == "FROM");
    orders = orders || (has_from && token == "ORDER");
  }
  return has_from && !orders;
}

void require_deterministic(const RouteTable& routes, Database& database) {
  for (const auto& path : routes.paths()) {
    for (const auto& alternatives : path.routes) {
      for (const auto& route : alternatives.second) {
        if (!route->writes) continue;
        for (const auto& statement : route->last.statements) {
          const auto fail = [&](const std::string& what) {
            throw std::runtime_error(route->file + ": " + what);
          };
          if (const auto chance = chance_in(database, statement.sql); !chance.empty()) {
            fail("it writes with " + chance +
                 ", and machines that follow one log would write different things; :now and "
                 ":random are the same for all");
          }
          if (route->is_operators && is_unordered(statement.sql)) {
            fail(
                "its INSERT … SELECT … FROM has no ORDER BY, and machines that follow one log "
                "could "
                "write the rows in different orders");
          }
        }
      }
    }
  }
}

}  // namespace saldo::server
