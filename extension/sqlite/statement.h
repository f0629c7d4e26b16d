// Prepared statements on the connection that loaded the extension, kept from one call to the next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sqlite/api.h"

namespace saldo {

// An error that SQLite itself reported; `code` is its extended result code.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalize>;

class Statements;

// A statement on loan: bound and stepped, then reset and given back when it goes out of scope. A
// row is held only until the next step or reset, so that no commit waits for a statement that
// nobody reads.
class Statement {
 public:
  Statement() = default;
  Statement(Statement&&) = default;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view value);       // copied
  Statement& bind_kept(int index, std::string_view value);  // must outlive the last step
  Statement& bind_blob(int index, std::string_view value);  // likewise
  Statement& bind_null(int index);
  // True: there is a row. After false the statement is reset.
  bool step();
  void reset();

  [[nodiscard]] int columns() const;
  [[nodiscard]] int parameters() const;      // the greatest ?N
  [[nodiscard]] int type(int column) const;  // SQLITE_INTEGER, ...
  [[nodiscard]] bool is_null(int column) const { return type(column) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t integer(int column) const;
  // Valid until the next step; empty for NULL.
  [[nodiscard]] std::string_view text(int column) const;
  // Likewise; whatever the column holds, as bytes.
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;

  [[nodiscard]] sqlite3_stmt* handle() const { return handle_.get(); }

 private:
  friend class Statements;
  Statement(Statements* owner, const char* sql, StatementHandle handle)
      : owner_(owner), sql_(sql), handle_(std::move(handle)) {}
  void check(int code) const;
  void give_back() noexcept;

  Statements* owner_ = nullptr;
  const char* sql_ = nullptr;
  StatementHandle handle_;
};

// The kept statements of one connection.
class Statements {
 public:
  explicit Statements(sqlite3* db) : db_(db) {}
  // `sql` is a literal: its address is the key. The first call on a connection connects the table
  // function named here, whose disconnection is SQLite's sign that the connection closes (see
  // clear()).
  Statement prepare(const char* sql);
  // Runs statements that return no rows.
  void execute(const std::string& sql);
  [[nodiscard]] sqlite3* db() const { return db_; }

  // A connection with statements left cannot close, but before it looks for them it disconnects its
  // virtual tables: their xDisconnect calls disconnected(), which finalizes what is kept here.
  void connected() { ++tables_; }
  void disconnected();

 private:
  friend class Statement;
  StatementHandle compile(const char* sql);

  sqlite3* db_;
  int tables_ = 0;
  std::unordered_map<const char*, std::vector<StatementHandle>> idle_;
};

}  // namespace saldo
