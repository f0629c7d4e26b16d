#include "sql_query.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "memory.h"
#include "sqlite/json.h"
#include "sqlite/value.h"

namespace saldo::server {
namespace {

using nlohmann::json;

// In a function SQLite asks nobody whether to go on, and some take the square of their arguments.
constexpr int kLongestValue = 1 << 20;
constexpr int kLongestStatement = 100'000;
constexpr int kMostOperations = 1'000'000;

bool is_one_of(const char* name, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* one) { return sqlite3_stricmp(name, one) == 0; });
}

// Tokens and kept answers are the server's; the others are SQLite's views of its own files and
// memory, and the keys of indexes that an ANALYZE with STAT4 has left.
bool is_hidden(const char* table) {
  return is_one_of(table, {"token", "stored_answer", "sqlite_dbpage", "dbstat", "sqlite_stmt",
                           "bytecode", "tables_used", "sqlite_stat3", "sqlite_stat4"});
}

// What changes a file, the connection or the schema.
bool is_forbidden_function(const char* name) {
  return is_one_of(name, {"load_extension", "saldo_install", "saldo_post", "saldo_hold",
                          "saldo_archive", "saldo_archive_deleted", "saldo_add_usage",
                          "saldo_add_payment", "saldo_add_adjustment", "fts3_tokenizer", "readfile",
                          "writefile", "edit", "sqlite_log"});
}

int authorize(void* confined, int action, const char* first, const char* second,
              const char* /*schema*/, const char* /*trigger*/) {
  // Nor does it while it plans a statement, but for this.
  if (static_cast<Database*>(confined)->is_late()) return SQLITE_DENY;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      return first != nullptr && is_hidden(first) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_UPDATE:
      // So SQLite asks when it connects a table function. A statement that says this itself is
      // refused by SQLite, for being no reading one, and by the connection.
      return first != nullptr && is_one_of(first, {"sqlite_master"}) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return second != nullptr && is_forbidden_function(second) ? SQLITE_DENY : SQLITE_OK;
    default:
      return SQLITE_DENY;
  }
}

// SQLite's word for what is wrong with the analyst's own statement is what the analyst needs.
Problem problem_of_statement(const SqliteError& error) {
  switch (error.code() & 0xFF) {
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:  // a mistake in the first statement of a connection
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT: {
      const Problem ours = problem_of(error);
      return ours.code() == "internal" ? Problem("invalid", error.what()) : ours;
    }
    case SQLITE_AUTH:
      return {"invalid", std::string(error.what()) +
                             ": one statement that only reads is possible here, and not of the "
                             "tables of tokens and kept answers"};
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return {"out_of_range", "the query needs more memory than its limit allows"};
    default:
      return problem_of(error);
  }
}

void check_fields(const QueryFields& query, const json& body) {
  std::vector<ParameterError> wrong;
  for (const auto& [name, value] : query) wrong.push_back({name, "is not known here"});
  for (const auto& [name, value] : body.items()) {
    if (name != "sql" && name != "params") wrong.push_back({name, "is not known here"});
  }
  const auto sql = body.find("sql");
  if (sql == body.end()) {
    wrong.push_back({"sql", "is missing"});
  } else if (!sql->is_string()) {
    wrong.push_back({"sql", "is not a text"});
  } else if (!is_utf8(sql->get_ref<const std::string&>())) {
    wrong.push_back({"sql", "is not a text without NUL"});
  }
  const auto params = body.find("params");
  if (params != body.end() && !params->is_structured() && !params->is_null())
    wrong.push_back({"params", "is neither an array nor an object"});
  if (!wrong.empty()) throw Problem("invalid", wrong);
}

void bind_value(sqlite3_stmt* statement, int index, const std::string& name, const json& value) {
  int code = SQLITE_OK;
  if (value.is_boolean()) {
    code = sqlite3_bind_int64(statement, index, value.get<bool>() ? 1 : 0);
  } else if (value.is_number_unsigned() &&
             value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    throw Problem("invalid", "params: " + name + " is beyond 64 bits");
  } else if (value.is_number_integer()) {
    code = sqlite3_bind_int64(statement, index, value.get<std::int64_t>());
  } else if (value.is_number()) {
    code = sqlite3_bind_double(statement, index, value.get<double>());
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    code = sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  } else if (!value.is_null()) {
    throw Problem("invalid", "params: " + name + " is neither text, number, flag nor null");
  }
  if (code != SQLITE_OK) throw SqliteError(code, sqlite3_errstr(code));
}

void bind_all(sqlite3_stmt* statement, const json& params) {
  const int wanted = sqlite3_bind_parameter_count(statement);
  if (params.is_object()) {
    std::set<std::string> used;
    for (int i = 1; i <= wanted; ++i) {
      const char* name = sqlite3_bind_parameter_name(statement, i);
      const auto given = name == nullptr ? params.end() : params.find(name + 1);
      if (given == params.end()) {
        throw Problem("invalid",
                      std::string("params: ") + (name != nullptr ? name : "?") + " is missing");
      }
      bind_value(statement, i, name, *given);
      used.insert(name + 1);
    }
    if (used.size() != params.size())
      throw Problem("invalid", "params: there are more than the statement has");
    return;
  }
  if (params.size() != static_cast<std::size_t>(wanted)) {
    throw Problem("invalid", "params: the statement has " + std::to_string(wanted) +
                                 " parameters, " + std::to_string(params.size()) + " are given");
  }
  for (int i = 1; i <= wanted; ++i) {
    bind_value(statement, i, std::to_string(i), params[static_cast<std::size_t>(i - 1)]);
  }
}

// {"columns": [...], "rows": [[...], ...], "truncated": flag}, or CSV.
std::string render(Query& query, Format format, const SqlLimits& limits, bool& truncated) {
  std::string text = format == Format::kJson ? "{\"columns\":[" : "";
  const int columns = query.columns();
  for (int i = 0; i < columns; ++i) {
    if (i > 0) text += ',';
    const char* name = sqlite3_column_name(query.handle(), i);
    if (format == Format::kJson) {
      append_json(text, std::string_view(name != nullptr ? name : ""));
    } else {
      append_csv(text, name != nullptr ? name : "");
    }
  }
  text += format == Format::kJson ? "],\"rows\":[" : "\r\n";
  std::int64_t rows = 0;
  while (query.step()) {
    if (rows == limits.rows || static_cast<std::int64_t>(text.size()) > limits.memory) {
      truncated = true;
      break;
    }
    if (format == Format::kJson) text += rows > 0 ? ",[" : "[";
    const auto row = text.size();
    for (int i = 0; i < columns; ++i) {
      if (static_cast<std::int64_t>(text.size() - row) > limits.memory)
        throw Problem("out_of_range", "a row needs more memory than the limit allows");
      if (i > 0) text += ',';
      if (format == Format::kJson) {
        append_json_column(text, query.handle(), i);
      } else {
        append_csv_column(text, query.handle(), i);
      }
    }
    text += format == Format::kJson ? "]" : "\r\n";
    ++rows;
  }
  if (format == Format::kJson)
    text += truncated ? "],\"truncated\":true}" : "],\"truncated\":false}";
  return text;
}

}  // namespace

void confine(Database& database, const SqlLimits& limits) {
  sqlite3* db = database.handle();
  database.execute("PRAGMA temp_store = MEMORY");  // counted, and never on disk
  database.execute("PRAGMA trusted_schema = OFF");
  const auto length = static_cast<int>(std::min<std::int64_t>(kLongestValue, limits.memory));
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, length);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, kLongestStatement);
  sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, kMostOperations);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
  database.watch_deadline();
  sqlite3_set_authorizer(db, authorize, &database);
  // A column in double quotes that is not there is a mistake, not a text.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
}

Reply run_sql(Database& confined, const QueryFields& query, const json& body, Format format,
              const SqlLimits& limits) {
  check_fields(query, body);
  const auto& text = body["sql"].get_ref<const std::string&>();
  confined.set_deadline(std::chrono::steady_clock::now() + limits.time);
  const MemoryBudget budget(limits.memory);
  try {
    auto rows = confined.query_once(text);
    if (rows.handle() == nullptr) throw Problem("invalid", "sql holds no statement");
    if (rows.tail().find_first_not_of(" \t\r\n;") != std::string_view::npos &&
        confined.query_once(rows.tail()).handle() != nullptr) {
      throw Problem("invalid", "sql holds more than one statement");
    }
    if (sqlite3_stmt_readonly(rows.handle()) == 0)
      throw Problem("invalid", "sql is not a statement that only reads");
    bind_all(rows.handle(), body.contains("params") ? body["params"] : json());
    bool truncated = false;
    Reply reply;
    reply.body = render(rows, format, limits, truncated);
    reply.content_type = format == Format::kCsv ? "text/csv; charset=utf-8" : "application/json";
    if (format == Format::kCsv && truncated) reply.headers.emplace_back("Saldo-Truncated", "true");
    return reply;
  } catch (const SqliteError& error) {
    if (confined.is_late()) throw Problem("timed_out", "the query exceeded its time limit");
    throw problem_of_statement(error);
  }
}

}  // namespace saldo::server
