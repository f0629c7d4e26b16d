// Any value of any type to every function, every table function and every table of facts: an answer
// or a refusal, never a crash; and no accepted fact stops a day from closing (3.1).
//
// An input is up to eight statements, run in a transaction that is rolled back.
#include <algorithm>

#include "fuzz.h"

namespace saldo_fuzz {
namespace {

struct Function {
  std::string name;
  int arguments;
};

struct Table {
  std::string name;
  std::vector<std::string> columns;
};

constexpr const char* kFacts[] = {"policy",          "calendar_exception",
                                  "service",         "tariff",
                                  "account",         "headcount",
                                  "subscription",    "usage_event",
                                  "payment",         "adjustment",
                                  "account_terms",   "promised_payment",
                                  "adjustment_kind", "payment_method",
                                  "day_close",       "superseded",
                                  "charge",          "balance",
                                  "facts_in_force",  "channel",
                                  "receipt",         "receipt_payment",
                                  "receipt_match",   "receipt_return"};
constexpr const char* kTableFunctions[] = {"daily_charge", "access_state", "working_calendar",
                                           "unpriced_charge", "installed_schema"};
constexpr const char* kOperators[] = {"=",  "<",  "<=",   ">",      ">=",   "IS",
                                      "<>", "IN", "LIKE", "IS NOT", "GLOB", "NOT IN"};

std::vector<Function> functions_of(Connection& connection) {
  std::vector<Function> functions;
  for (const auto& row : connection.must("SELECT name, narg FROM pragma_function_list")) {
    const auto bar = row.find('|');
    functions.push_back({row.substr(0, bar), std::stoi(row.substr(bar + 1))});
  }
  return functions;
}

// All the functions that loading the extension adds.
std::vector<Function> our_functions() {
  Connection plain(":memory:", Extension::kAbsent);
  const auto known = functions_of(plain);
  plain.load();
  std::vector<Function> ours;
  for (const auto& function : functions_of(plain)) {
    const auto same = [&](const Function& other) {
      return other.name == function.name && other.arguments == function.arguments;
    };
    if (std::none_of(known.begin(), known.end(), same)) ours.push_back(function);
  }
  if (ours.size() < 20) found("the list of functions lacks ours");
  return ours;
}

class Books {
 public:
  Books() : connection_(":memory:", Extension::kLoaded), limit_(connection_.handle()) {
    limit_.allow(1'000'000);
    make_books(connection_);
    for (const char* name : kFacts) tables_.push_back(table(name));
    for (const char* name : kTableFunctions) table_functions_.push_back(table(name));
  }

  void run(Bytes& bytes) {
    connection_.must("SAVEPOINT input");
    for (int i = 0; i < 8 && bytes.remaining_bytes() > 0; ++i) {
      switch (bytes.ConsumeIntegralInRange(0, 5)) {
        case 0:
        case 1:
          ask("SELECT " + call(bytes));
          break;
        case 2:
          ask(selection(bytes));
          break;
        case 3:
          wrote_ = ask(update(bytes)) || wrote_;
          break;
        default:
          wrote_ = ask(insertion(bytes)) || wrote_;
      }
    }
    if (wrote_) close_the_day();
    wrote_ = false;
    limit_.allow(1'000'000);
    connection_.must("ROLLBACK TO input; RELEASE input");
  }

 private:
  Table table(const std::string& name) {
    return {name, connection_.must("SELECT name FROM pragma_table_info('" + name + "')")};
  }

  bool ask(const std::string& sql) {
    limit_.allow(100);
    const Outcome outcome = connection_.run(sql);
    check_outcome(outcome, sql);
    return outcome.ok();
  }

  std::string call(Bytes& bytes) {
    const Function function = pick(bytes, functions_);
    const int count =
        function.arguments < 0 ? bytes.ConsumeIntegralInRange(0, 5) : function.arguments;
    std::string sql = function.name + "(";
    for (int i = 0; i < count; ++i) sql += (i > 0 ? ", " : "") + literal(bytes);
    return sql + ")";
  }

  static std::string condition(Bytes& bytes, const Table& table) {
    const std::string op = pick(bytes, kOperators);
    std::string sql = pick(bytes, table.columns) + " " + op + " ";
    if (op != "IN" && op != "NOT IN") return sql + literal(bytes);
    sql += "(" + literal(bytes);
    while (bytes.ConsumeIntegralInRange(0, 2) > 0) sql += ", " + literal(bytes);
    return sql + ")";
  }

  std::string selection(Bytes& bytes) {
    const Table& table =
        table_functions_[bytes.ConsumeIntegralInRange<std::size_t>(0, table_functions_.size() - 1)];
    std::string sql = "SELECT * FROM " + table.name + " WHERE 1";
    for (int left = bytes.ConsumeIntegralInRange(0, 4); left > 0; --left)
      sql += " AND " + condition(bytes, table);
    return sql + " LIMIT 20";
  }

  std::string insertion(Bytes& bytes) {
    static const char* const kVerbs[] = {"INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"};
    const Table table = pick(bytes, tables_);
    std::string names;
    std::string values;
    for (const auto& column : table.columns) {
      if (bytes.ConsumeIntegralInRange(0, 2) == 0) continue;
      names += (names.empty() ? "" : ", ") + column;
      values += (values.empty() ? "" : ", ") + value_for(bytes, column);
    }
    return std::string(pick(bytes, kVerbs)) + " INTO " + table.name +
           (names.empty() ? " DEFAULT VALUES" : "(" + names + ") VALUES (" + values + ")");
  }

  std::string update(Bytes& bytes) {
    const Table table = pick(bytes, tables_);
    const std::string column = pick(bytes, table.columns);
    const std::string where = " WHERE " + condition(bytes, table);
    if (bytes.ConsumeIntegralInRange(0, 3) == 0) return "DELETE FROM " + table.name + where;
    return "UPDATE " + table.name + " SET " + column + " = " + value_for(bytes, column) + where;
  }

  // Mostly of the kind that the column is for, so that something is accepted.
  static std::string value_for(Bytes& bytes, const std::string& column) {
    if (bytes.ConsumeIntegralInRange(0, 3) == 0) return literal(bytes);
    const auto has = [&](const char* part) { return column.find(part) != std::string::npos; };
    if (column == "account_id") return std::to_string(bytes.ConsumeIntegralInRange(1, 14));
    if (has("_at")) return quote(instant_of(bytes));
    if (column == "days") return std::to_string(bytes.ConsumeIntegralInRange(0, 5));
    if (has("day") || has("_on") || has("valid_from")) return quote(day_of(bytes));
    if (has("fee") || has("amount") || has("quantity") || has("employees") || has("limit"))
      return pick(bytes, kIntegers);
    return quote(pick(bytes, kWords));
  }

  void close_the_day() {
    limit_.allow(1'000'000);
    const std::string sql =
        "INSERT INTO day_close(day, closed_at) SELECT open_day, day_end(open_day) FROM books";
    const Outcome outcome = connection_.run(sql);
    if (!outcome.ok()) found(outcome.message + "\n  in: " + sql);
  }

  const std::vector<Function> functions_ = our_functions();
  Connection connection_;
  StepLimit limit_;
  std::vector<Table> tables_;
  std::vector<Table> table_functions_;
  bool wrote_ = false;
};

}  // namespace
}  // namespace saldo_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static saldo_fuzz::Books books;
  saldo_fuzz::Bytes bytes(data, size);
  books.run(bytes);
  return 0;
}
