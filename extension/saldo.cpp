// Saldo: prepaid billing in SQL. Loading it registers the functions and table functions listed
// here; all else is SQL that saldo_install creates (sql/).
#include <sqlite3ext.h>

extern "C" {
SQLITE_EXTENSION_INIT1
}

#include <cstring>

#include "context.h"
#include "functions/functions.h"
#include "saldo.h"
#include "sqlite/guard.h"
#include "tables/tables.h"

namespace saldo {
namespace {

// The oldest release that the tests run with.
constexpr int kOldestSqlite = 3040000;

constexpr const std::vector<Function>& (*kFunctionFamilies[])() = {
    calendar_functions, money_functions,    check_functions,   history_functions,
    total_functions,    books_functions,    posting_functions, notice_functions,
    receipt_functions,  document_functions, install_functions,
};

struct Table {
  const char* name;
  const sqlite3_module* (*module)();
};

constexpr Table kTables[] = {
    {"daily_charge", daily_charge_module},         {"unpriced_charge", unpriced_charge_module},
    {"access_state", access_state_module},         {"working_calendar", working_calendar_module},
    {"installed_schema", installed_schema_module}, {"posted_charge", posted_charge_module},
    {"bank_statement", bank_statement_module},     {"access_explain", access_explain_module},
};

struct Registered {
  std::shared_ptr<Context> context;
  const Function* function;
};

void call(sqlite3_context* result, int count, sqlite3_value** arguments) {
  const auto* registered = static_cast<const Registered*>(sqlite3_user_data(result));
  guard_function(
      result, [&] { registered->function->call(*registered->context, result, count, arguments); });
}

void check(sqlite3* db, int code) {
  if (code != SQLITE_OK) throw SqliteError(db);
}

bool is_registered(sqlite3* db) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db, "SELECT saldo_version()", -1, &statement, nullptr);
  sqlite3_finalize(statement);
  return code == SQLITE_OK;
}

}  // namespace

bool is_writing_function(std::string_view name) {
  for (const auto& family : kFunctionFamilies) {
    for (const Function& function : family()) {
      if (function.writes && name.size() == std::strlen(function.name) &&
          sqlite3_strnicmp(name.data(), function.name, static_cast<int>(name.size())) == 0)
        return true;
    }
  }
  return false;
}

void register_saldo(sqlite3* db, std::shared_ptr<const Now> now) {
  if (is_registered(db)) return;
  const auto context = std::make_shared<Context>(db);
  context->host_now = std::move(now);
  for (const auto& family : kFunctionFamilies) {
    for (const Function& function : family()) {
      // SQLite owns the copy, also when the registration fails.
      check(db,
            sqlite3_create_function_v2(db, function.name, function.arguments, function.flags,
                                       new Registered{context, &function}, call, nullptr, nullptr,
                                       [](void* data) { delete static_cast<Registered*>(data); }));
    }
  }
  for (const Table& table : kTables) {
    check(db, sqlite3_create_module_v2(
                  db, table.name, table.module(), new std::shared_ptr<Context>(context),
                  [](void* data) { delete static_cast<std::shared_ptr<Context>*>(data); }));
  }
}

}  // namespace saldo

extern "C" int sqlite3_saldo_init(sqlite3* db, char** message, const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api)
  (void)api;
  if (sqlite3_libversion_number() < saldo::kOldestSqlite) {
    *message =
        sqlite3_mprintf("Saldo needs SQLite 3.40 or newer, this is %s", sqlite3_libversion());
    return SQLITE_ERROR;
  }
  return saldo::guarded([&] { saldo::register_saldo(db); },
                        [&](int code, const char* text) {
                          if (text != nullptr) *message = sqlite3_mprintf("%s", text);
                          return code;
                        });
}
