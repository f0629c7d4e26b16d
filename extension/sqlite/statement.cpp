#include "sqlite/statement.h"

#include <new>

namespace saldo {
namespace {

// `tail` is set even where the statement does not compile.
StatementHandle compile(sqlite3* db, std::string_view sql, unsigned flags, std::string_view* tail) {
  sqlite3_stmt* statement = nullptr;
  const char* end = sql.data();
  const int code =
      sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), flags, &statement, &end);
  if (tail != nullptr) *tail = sql.substr(static_cast<std::size_t>(end - sql.data()));
  if (code != SQLITE_OK) throw SqliteError(db);
  return StatementHandle(statement);
}

}  // namespace

Statement& Statement::operator=(Statement&& other) noexcept {
  give_back();
  cache_ = other.cache_;
  sql_ = other.sql_;
  handle_ = std::move(other.handle_);
  return *this;
}

void Statement::give_back() noexcept {
  if (!handle_ || cache_ == nullptr) return;
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  try {
    if (cache_->caches()) cache_->idle_[sql_].push_back(std::move(handle_));
  } catch (const std::bad_alloc&) {
    // It is finalized instead.
  }
  handle_.reset();
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) throw SqliteError(sqlite3_db_handle(handle_.get()));
}

Statement& Statement::bind(int index, std::int64_t value) {
  check(sqlite3_bind_int64(handle_.get(), index, value));
  return *this;
}

Statement& Statement::bind(int index, double value) {
  check(sqlite3_bind_double(handle_.get(), index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const char* bytes = text.empty() ? "" : text.data();  // a null pointer would bind NULL
  check(
      sqlite3_bind_text64(handle_.get(), index, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_value(int index, sqlite3_value* value) {
  check(sqlite3_bind_value(handle_.get(), index, value));
  return *this;
}

Statement& Statement::bind_static(int index, std::string_view text) {
  const char* bytes = text.empty() ? "" : text.data();
  check(sqlite3_bind_text64(handle_.get(), index, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob_static(int index, std::string_view bytes) {
  check(sqlite3_bind_blob64(handle_.get(), index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                            SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int index) {
  check(sqlite3_bind_null(handle_.get(), index));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const SqliteError error(sqlite3_db_handle(handle_.get()));
    sqlite3_reset(handle_.get());
    throw error;
  }
  sqlite3_reset(handle_.get());
  return false;
}

void Statement::reset() { sqlite3_reset(handle_.get()); }

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) {
    if (sqlite3_errcode(sqlite3_db_handle(handle_.get())) == SQLITE_NOMEM) throw std::bad_alloc();
    return {};
  }
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  if (bytes == nullptr) {
    if (sqlite3_errcode(sqlite3_db_handle(handle_.get())) == SQLITE_NOMEM) throw std::bad_alloc();
    return {};
  }
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

Statement compile_once(sqlite3* db, std::string_view sql, std::string_view* tail) {
  return Statement(compile(db, sql, 0, tail));
}

void execute(sqlite3* db, const std::string& sql) {
  char* message = nullptr;
  const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message);
  if (code == SQLITE_OK) return;
  const SqliteString owned(message);
  throw SqliteError(sqlite3_extended_errcode(db),
                    message != nullptr ? message : sqlite3_errstr(code));
}

Statement StatementCache::prepare(const char* sql) {
  if (!caches()) compile_once(db_, connect_sql_);
  auto& idle = idle_[sql];
  if (idle.empty()) return {this, sql, compile(db_, sql, SQLITE_PREPARE_PERSISTENT, nullptr)};
  StatementHandle handle = std::move(idle.back());
  idle.pop_back();
  return {this, sql, std::move(handle)};
}

void StatementCache::disconnected() {
  if (--tables_ == 0) clear();
}

}  // namespace saldo
