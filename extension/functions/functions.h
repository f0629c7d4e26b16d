// The SQL functions, a table a family; each is described beside its row.
#pragma once

#include <vector>

#include "context.h"

namespace saldo {

struct Function {
  const char* name;
  int arguments;  // -1: any number
  int flags;      // SQLITE_DETERMINISTIC and the like
  void (*call)(Context& context, sqlite3_context* result, int count, sqlite3_value** arguments);
  // It writes to the database, or changes what the connection remembers for the triggers.
  bool writes = false;
};

// Flags. Deterministic is only what depends on nothing but its arguments. The functions are
// innocuous, as triggers and views of the schema need them under trusted_schema=OFF and they reveal
// no more than the tables; but for what changes the schema.
inline constexpr int kPure = SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC;
inline constexpr int kReads = SQLITE_UTF8 | SQLITE_INNOCUOUS;
inline constexpr int kChangesSchema = SQLITE_UTF8 | SQLITE_DIRECTONLY;

const std::vector<Function>& calendar_functions();
const std::vector<Function>& money_functions();
const std::vector<Function>& books_functions();
const std::vector<Function>& check_functions();
const std::vector<Function>& history_functions();
const std::vector<Function>& total_functions();
const std::vector<Function>& posting_functions();
const std::vector<Function>& notice_functions();
const std::vector<Function>& receipt_functions();
const std::vector<Function>& document_functions();
const std::vector<Function>& install_functions();

// Whether any argument is NULL: the answer of the public functions is then NULL.
inline bool any_null(int count, sqlite3_value** arguments) {
  for (int i = 0; i < count; ++i) {
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return true;
  }
  return false;
}

}  // namespace saldo
