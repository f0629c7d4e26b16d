// Prepared statements on a connection, and a cache of them. Every result code of SQLite is looked
// at: a failure is a SqliteError, or std::bad_alloc where a text cannot be had for want of memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sqlite/error.h"

namespace saldo {

struct FreeByteString {
  void operator()(char* bytes) const { sqlite3_free(bytes); }
};
// A message or text that SQLite allocated.
using SqliteString = std::unique_ptr<char, FreeByteString>;

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class StatementCache;

// A statement to bind and step. When it goes out of scope it is finalized or, if it came from a
// cache, reset and given back. A row is held only until the next step or reset, so that no commit
// waits for a statement that nobody reads.
class Statement {
 public:
  Statement() = default;
  explicit Statement(StatementHandle handle) : handle_(std::move(handle)) {}
  Statement(Statement&&) = default;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { give_back(); }

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);  // copied
  Statement& bind_null(int index);
  Statement& bind_value(int index, sqlite3_value* value);  // copied
  // As SQLITE_STATIC: the bytes must outlive the last step.
  Statement& bind_static(int index, std::string_view text);
  Statement& bind_blob_static(int index, std::string_view bytes);

  // True: there is a row. After false, or an error, the statement is reset.
  bool step();
  void reset();

  [[nodiscard]] int columns() const { return sqlite3_column_count(handle_.get()); }
  // The greatest N of ?N.
  [[nodiscard]] int parameters() const { return sqlite3_bind_parameter_count(handle_.get()); }
  // SQLITE_INTEGER and the like.
  [[nodiscard]] int type(int column) const { return sqlite3_column_type(handle_.get(), column); }
  [[nodiscard]] bool is_null(int column) const { return type(column) == SQLITE_NULL; }
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
  }
  [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
  [[nodiscard]] double real(int column) const {
    return sqlite3_column_double(handle_.get(), column);
  }
  // Valid until the next step; empty for NULL.
  [[nodiscard]] std::string_view text(int column) const;
  // Likewise; whatever the column holds, as bytes.
  [[nodiscard]] std::string_view blob(int column) const;

  // Null where the text held nothing but space or a comment.
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_.get(); }

 private:
  friend class StatementCache;
  Statement(StatementCache* cache, const char* sql, StatementHandle handle)
      : cache_(cache), sql_(sql), handle_(std::move(handle)) {}
  void check(int code) const;
  void give_back() noexcept;

  StatementCache* cache_ = nullptr;
  const char* sql_ = nullptr;
  StatementHandle handle_;
};

// The first statement of `sql`, for once; what follows it goes to `tail`, also where the statement
// does not compile. Throws SqliteError.
Statement compile_once(sqlite3* db, std::string_view sql, std::string_view* tail = nullptr);

// Runs statements that return no rows. Throws SqliteError.
void execute(sqlite3* db, const std::string& sql);

// The statements of one connection that are prepared once and used again.
//
// A connection with statements left cannot close. Who owns the connection clears the cache before.
// An extension does not learn of the end, but before SQLite looks for open statements it
// disconnects the virtual tables: their xConnect and xDisconnect call connected() and
// disconnected(), the last of which clears the cache. `connect_sql` is a statement that connects
// one of these tables, so that there is one when statements are cached.
class StatementCache {
 public:
  explicit StatementCache(sqlite3* db, const char* connect_sql = nullptr)
      : db_(db), connect_sql_(connect_sql) {}
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  // `sql` must outlive the cache, unchanged: its address is the key.
  Statement prepare(const char* sql);
  void execute(const std::string& sql) { saldo::execute(db_, sql); }
  void clear() { idle_.clear(); }
  [[nodiscard]] sqlite3* db() const { return db_; }

  void connected() { ++tables_; }
  void disconnected();

 private:
  friend class Statement;
  [[nodiscard]] bool caches() const { return connect_sql_ == nullptr || tables_ > 0; }

  sqlite3* db_;
  const char* connect_sql_;
  int tables_ = 0;
  std::unordered_map<const char*, std::vector<StatementHandle>> idle_;
};

}  // namespace saldo
