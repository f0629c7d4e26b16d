// saldo_install(opening_day [, country]) and saldo_version().
#include "functions/arguments.h"
#include "functions/functions.h"
#include "schema/schema.h"

namespace saldo {
namespace {

void saldo_install(Context& context, sqlite3_context* /*result*/, int count,
                   sqlite3_value** arguments) {
  const Day opening_day = expect_day("opening_day", arguments[0]);
  const std::string country(count > 1 ? expect_text("country", arguments[1]) : "ru");
  install(context, opening_day, country);
}

void saldo_version(Context& /*context*/, sqlite3_context* result, int /*count*/,
                   sqlite3_value** /*arguments*/) {
  result_text(result, SALDO_VERSION);
}

}  // namespace

const std::vector<Function>& install_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_install", 1, kChangesSchema, saldo_install, true},
      {"saldo_install", 2, kChangesSchema, saldo_install, true},
      {"saldo_version", 0, kPure, saldo_version},
  };
  return kFunctions;
}

}  // namespace saldo
