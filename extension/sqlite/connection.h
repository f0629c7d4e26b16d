// A connection that its holder owns: the server's, a test's, a benchmark's, or to a database in
// memory. On somebody else's, as an extension is given, there is a StatementCache alone.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sqlite/statement.h"

namespace saldo {

class Connection {
 public:
  // `flags` and `vfs` as of sqlite3_open_v2. Throws SqliteError.
  Connection(const std::string& path, int flags, const char* vfs = nullptr);

  // A cached statement; `sql` must outlive the connection, unchanged.
  Statement prepare(const char* sql) { return statements_.prepare(sql); }
  Statement compile_once(std::string_view sql, std::string_view* tail = nullptr) const {
    return saldo::compile_once(handle(), sql, tail);
  }
  void execute(const std::string& sql) const { saldo::execute(handle(), sql); }
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle()) == 0; }
  // Throws SqliteError with the reason that the loader gives.
  void load_extension(const std::string& path) const;
  // Closes now, and says what SQLite said: SQLITE_BUSY where a statement is left, and then the
  // connection stays open.
  int close();

  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  static sqlite3* open(const std::string& path, int flags, const char* vfs);

  std::unique_ptr<sqlite3, Close> handle_;  // outlives the statements
  StatementCache statements_;
};

}  // namespace saldo
