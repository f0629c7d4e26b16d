// A connection to the database file with Saldo registered, and the statements kept prepared on it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/statement.h"

namespace saldo::server {

class Database;

// A value of the row as text, valid until the next step; empty for NULL.
std::string_view column_text(sqlite3_stmt* statement, int column);

// A prepared statement on loan from a connection; reset and given back when it goes out of scope.
class Query {
 public:
  Query(Query&& other) noexcept = default;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(int index, std::int64_t value);
  Query& bind(int index, std::string_view value);  // must outlive the last step
  // True: there is a row. Throws SqliteError.
  bool step();

  [[nodiscard]] int columns() const { return sqlite3_column_count(handle_.get()); }
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  // Valid until the next step; empty for NULL.
  [[nodiscard]] std::string_view text(int column) const;
  // Null when there was nothing but space or a comment.
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_.get(); }
  // What follows the statement in the text it was compiled from.
  [[nodiscard]] std::string_view tail() const { return tail_; }

 private:
  friend class Database;
  using Idle = std::vector<StatementHandle>;
  Query(Database& database, Idle* idle, StatementHandle handle, std::string_view tail = {})
      : database_(&database), idle_(idle), handle_(std::move(handle)), tail_(tail) {}

  Database* database_;
  Idle* idle_;  // where it goes back to; null: it is not kept
  StatementHandle handle_;
  std::string_view tail_;
};

class Database {
 public:
  enum class Mode { kRead, kWrite, kCreate };

  // Opens a file that holds Saldo's books, or (kCreate) may be anything. Writers wait for other
  // programs up to `busy` and are durable (synchronous=FULL); the file is kept in WAL mode, so that
  // readers and the writer do not wait for each other. Throws std::runtime_error with what to do
  // about it.
  Database(const std::string& path, Mode mode, std::chrono::milliseconds busy = kBusy);

  static constexpr std::chrono::milliseconds kBusy{30'000};

  // One statement, kept prepared for the next time that its text comes.
  Query query(std::string_view sql);
  // The first statement of a text, compiled for once.
  Query query_once(std::string_view sql);
  // Statements without rows. Throws SqliteError.
  void execute(std::string_view sql);
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle()) == 0; }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

  // Queries end with SQLITE_INTERRUPT at `deadline`; a transaction of a writer is not to have one,
  // for the interruption would undo its neighbours' work too.
  void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }
  void watch_deadline();
  [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() >= deadline_; }

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  [[nodiscard]] StatementHandle compile(std::string_view sql, unsigned flags,
                                        const char** tail = nullptr) const;

  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string, Query::Idle, std::less<>> idle_;
  std::chrono::steady_clock::time_point deadline_{};
};

// A transaction that is rolled back unless committed.
class Transaction {
 public:
  Transaction(Database& database, const char* begin) : database_(database) {
    database_.execute(begin);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
};

// This second, in UTC, as SQL has it.
std::string clock_now();

}  // namespace saldo::server
