// What SQLite itself reports, as an exception.
#pragma once

#include <stdexcept>
#include <string>

#include "sqlite/api.h"

namespace saldo {

// `code` is an extended result code.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  // What `db` says of the call that has just failed.
  explicit SqliteError(sqlite3* db)
      : SqliteError(sqlite3_extended_errcode(db), sqlite3_errmsg(db)) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

}  // namespace saldo
