#include "routes/sql_query.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "codecs/csv.h"
#include "codecs/json.h"
#include "documents/functions.h"
#include "sqlite/json.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

using nlohmann::json;

// SQLite does not call the progress handler, which ends late queries, inside a built-in function,
// and some take time quadratic in the length of a value: so that length is limited.
constexpr int kValueBytesMax = 1 << 20;
constexpr int kStatementBytesMax = 100'000;
constexpr int kOperationsMax = 1'000'000;  // of a statement's program
constexpr int kPatternBytesMax = 1000;     // of LIKE and GLOB

bool is_one_of(const char* name, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const char* one) { return sqlite3_stricmp(name, one) == 0; });
}

// Tokens, stored answers and secrets are the server's; the others are SQLite's views of its own
// files and memory, and the keys of indexes that an ANALYZE with STAT4 has left.
bool is_hidden(const char* table) {
  return is_one_of(
      table, {"token", "stored_answer", "webhook_secret", "sqlite_dbpage", "dbstat", "sqlite_stmt",
              "bytecode", "tables_used", "sqlite_stat3", "sqlite_stat4"});
}

// What changes a file, the connection or the schema; or takes long, and cannot be interrupted.
bool is_forbidden_function(const char* name) {
  return is_writing_function(name) || is_document_function(name) ||
         is_one_of(name, {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit",
                          "sqlite_log"});
}

int authorize(void* confined, int action, const char* first, const char* second,
              const char* /*schema*/, const char* /*trigger*/) {
  // Nor does the progress handler run while a statement is planned; the authorizer does.
  if (static_cast<Database*>(confined)->is_late()) return SQLITE_DENY;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      return first != nullptr && is_hidden(first) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_UPDATE:
      // SQLite reports this when it declares a virtual table. A user's own UPDATE sqlite_master is
      // refused, as the statement is no reading one.
      return first != nullptr && is_one_of(first, {"sqlite_master"}) ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return second != nullptr && is_forbidden_function(second) ? SQLITE_DENY : SQLITE_OK;
    default:
      return SQLITE_DENY;
  }
}

// Of a mistake in the analyst's own statement SQLite's own message tells most.
Error error_of_statement(const SqliteError& error) {
  switch (error.code() & 0xFF) {
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:  // what SQLite calls a mistake in the first statement of a connection
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT: {
      const Error ours = error_of(error);
      // `overloaded` is for routes to say, of somebody else.
      const bool is_own =
          ours.code() != ErrorCode::kInternal && ours.code() != ErrorCode::kOverloaded;
      return is_own ? ours : invalid(error.what());
    }
    case SQLITE_AUTH:
      return invalid(std::string(error.what()) +
                     ": one statement that only reads is possible here, and not of the tables of "
                     "tokens, stored answers and secrets");
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return out_of_range("the query needs more memory than its limit allows");
    default:
      return error_of(error);
  }
}

// `name` is as in "params[0]" or "params.limit".
void bind_value(Statement& statement, int index, const std::string& name, const json& value) {
  if (value.is_null()) {
    statement.bind_null(index);
  } else if (value.is_boolean()) {
    statement.bind(index, std::int64_t{value.get<bool>()});
  } else if (value.is_number_integer()) {
    statement.bind(index, value.get<std::int64_t>());
  } else if (value.is_number()) {
    statement.bind(index, value.get<double>());
  } else if (value.is_string()) {
    statement.bind_static(index, value.get_ref<const std::string&>());
  } else {
    throw ParameterErrors(ErrorCode::kInvalid, {{name, "is neither text, number, flag nor null"}});
  }
}

void bind_by_name(Statement& statement, const json& params) {
  std::set<std::string> used;
  for (int i = 1; i <= statement.parameters(); ++i) {
    const char* parameter = sqlite3_bind_parameter_name(statement.handle(), i);
    const std::string name = parameter != nullptr ? parameter + 1 : "?" + std::to_string(i);
    const auto given = parameter != nullptr ? params.find(name) : params.end();
    if (given == params.end())
      throw ParameterErrors(ErrorCode::kInvalid, {{"params." + name, "is missing"}});
    bind_value(statement, i, "params." + name, *given);
    used.insert(name);
  }
  if (used.size() != params.size())
    throw invalid("params has more values than the statement has parameters");
}

void bind_by_place(Statement& statement, const json& params) {
  if (params.size() != static_cast<std::size_t>(statement.parameters())) {
    throw invalid("the statement has " + std::to_string(statement.parameters()) +
                  " parameters, params has " + std::to_string(params.size()) + " values");
  }
  for (std::size_t i = 0; i < params.size(); ++i)
    bind_value(statement, static_cast<int>(i + 1), "params[" + std::to_string(i) + "]", params[i]);
}

std::vector<Column> columns_of(const Statement& query) {
  std::vector<Column> columns;
  for (int i = 0; i < query.columns(); ++i) {
    const char* name = sqlite3_column_name(query.handle(), i);
    columns.push_back(json_column(i, name != nullptr ? name : ""));
  }
  return columns;
}

// {"columns": [...], "rows": [[...], ...], "truncated": flag}, or CSV.
std::string render(Statement& query, Format format, const SqlLimits& limits, bool& truncated) {
  const bool as_json = format == Format::kJson;
  const auto columns = columns_of(query);
  const auto bytes_max = static_cast<std::size_t>(limits.memory);
  std::string text;
  if (as_json) {
    text += "{\"columns\":";
    append_json_names(text, columns);
    text += ",\"rows\":[";
  } else {
    append_csv_header(text, columns);
  }
  for (std::int64_t rows = 0; query.step(); ++rows) {
    if (rows == limits.rows || text.size() > bytes_max) {
      truncated = true;
      break;
    }
    if (as_json) {
      if (rows > 0) text += ',';
      append_json_array(text, query, columns, bytes_max);
    } else {
      append_csv_row(text, query, columns, bytes_max);
    }
  }
  if (as_json) text += truncated ? "],\"truncated\":true}" : "],\"truncated\":false}";
  return text;
}

}  // namespace

void confine(Database& database, const SqlLimits& limits) {
  sqlite3* db = database.handle();
  database.execute("PRAGMA temp_store = MEMORY");  // counted, and never on disk
  database.execute("PRAGMA trusted_schema = OFF");
  const auto length = static_cast<int>(std::min<std::int64_t>(kValueBytesMax, limits.memory));
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, length);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, kStatementBytesMax);
  sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, kOperationsMax);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, kPatternBytesMax);
  database.watch_deadline();
  sqlite3_set_authorizer(db, authorize, &database);
  // A column in double quotes that is not there is a mistake, not a text.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
}

Reply run_sql(Database& confined, const std::string& sql, const json* params, Format format,
              const SqlLimits& limits) {
  const MemoryBudget budget(limits.memory);
  try {
    std::string_view tail;
    auto rows = confined.compile_once(sql, &tail);
    if (rows.handle() == nullptr) throw invalid("sql holds no statement");
    if (tail.find_first_not_of(" \t\r\n;") != std::string_view::npos &&
        confined.compile_once(tail).handle() != nullptr) {
      throw invalid("sql holds more than one statement");
    }
    if (sqlite3_stmt_readonly(rows.handle()) == 0)
      throw invalid("sql is not a statement that only reads");
    // Bound texts are those of the JSON itself, which outlives the statement.
    static const json kNone = json::array();
    const json& values = params != nullptr ? *params : kNone;
    if (values.is_object()) {
      bind_by_name(rows, values);
    } else {
      bind_by_place(rows, values);
    }
    bool truncated = false;
    Reply reply;
    reply.body = render(rows, format, limits, truncated);
    reply.content_type = names_of(format).content_type;
    if (format == Format::kCsv && truncated) reply.headers.emplace_back("Saldo-Truncated", "true");
    return reply;
  } catch (const SqliteError& error) {
    if (confined.is_late()) throw Error(ErrorCode::kTimedOut, "the query exceeded its time limit");
    throw error_of_statement(error);
  } catch (const std::bad_alloc&) {
    throw out_of_range("the query needs more memory than its limit allows");
  }
}

}  // namespace saldo::server
