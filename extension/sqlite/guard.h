// The only place that catches: no exception crosses into SQLite.
#pragma once

#include <exception>
#include <new>

#include "sqlite/error.h"

namespace saldo {

// Runs `body`; on an exception hands the result code and the message to `report(code, message)`.
template <typename Body, typename Report>
int guarded(Body&& body, Report&& report) noexcept {
  try {
    body();
    return SQLITE_OK;
  } catch (const SqliteError& error) {
    return report(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return report(SQLITE_NOMEM, nullptr);
  } catch (const std::exception& error) {
    return report(SQLITE_ERROR, error.what());
  }
}

// For SQL functions.
template <typename Body>
void guard_function(sqlite3_context* context, Body&& body) noexcept {
  guarded(body, [context](int code, const char* message) {
    if (code == SQLITE_NOMEM) {
      sqlite3_result_error_nomem(context);
    } else {
      sqlite3_result_error(context, message, -1);
      sqlite3_result_error_code(context, code);  // after the message, which sets SQLITE_ERROR
    }
    return code;
  });
}

// For the methods of virtual tables.
template <typename Body>
int guard_table(sqlite3_vtab* table, Body&& body) noexcept {
  return guarded(body, [table](int code, const char* message) {
    if (message != nullptr) {
      sqlite3_free(table->zErrMsg);
      table->zErrMsg = sqlite3_mprintf("%s", message);
    }
    return code;
  });
}

}  // namespace saldo
