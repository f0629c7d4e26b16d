// What the triggers of sql/books_version.sql call; their names are not part of the interface.
//
//   saldo_books_version(version, change, ...)
//       the value of books_version after a change, whose values follow
//   saldo_check_books_version(version)
//       refuses a value that does not come from a change
#include "facts/books.h"

#include "functions/functions.h"
#include "sqlite/json.h"

namespace saldo {
namespace {

void books_version(Context& context, sqlite3_context* result, int count,
                   sqlite3_value** arguments) {
  if (count == 0) return;
  std::string change;
  for (int i = 1; i < count; ++i) {
    append_json(change, arguments[i]);
    change += ',';
  }
  sqlite3_result_int64(result,
                       next_books_version(context, sqlite3_value_int64(arguments[0]), change));
}

void check_version(Context& context, sqlite3_context* /*result*/, int /*count*/,
                   sqlite3_value** arguments) {
  check_books_version(context, sqlite3_value_int64(arguments[0]));
}

}  // namespace

const std::vector<Function>& books_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_books_version", -1, kReads, books_version, true},
      {"saldo_check_books_version", 1, kReads, check_version, true},
  };
  return kFunctions;
}

}  // namespace saldo
