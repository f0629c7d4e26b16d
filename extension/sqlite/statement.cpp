#include "sqlite/statement.h"

namespace saldo {
namespace {

// Any table function of ours would do; this one is the cheapest to connect.
constexpr const char* kAnchor = "SELECT 1 FROM main.working_calendar LIMIT 0";

}  // namespace

Statement& Statement::operator=(Statement&& other) noexcept {
  give_back();
  owner_ = other.owner_;
  sql_ = other.sql_;
  handle_ = std::move(other.handle_);
  return *this;
}

Statement::~Statement() { give_back(); }

void Statement::give_back() noexcept {
  if (!handle_) return;
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  try {
    // Nothing would finalize it after the last disconnection.
    if (owner_->tables_ > 0) owner_->idle_[sql_].push_back(std::move(handle_));
  } catch (const std::bad_alloc&) {
    // It is finalized instead.
  }
  handle_.reset();
}

void Statement::check(int code) const {
  if (code != SQLITE_OK)
    throw SqliteError(sqlite3_extended_errcode(owner_->db()), sqlite3_errmsg(owner_->db()));
}

Statement& Statement::bind(int index, std::int64_t value) {
  check(sqlite3_bind_int64(handle_.get(), index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  const char* text = value.empty() ? "" : value.data();  // a null pointer would bind NULL
  check(sqlite3_bind_text(handle_.get(), index, text, static_cast<int>(value.size()),
                          SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_kept(int index, std::string_view value) {
  check(sqlite3_bind_text(handle_.get(), index, value.data(), static_cast<int>(value.size()),
                          SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view value) {
  check(sqlite3_bind_blob(handle_.get(), index, value.data(), static_cast<int>(value.size()),
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
    const SqliteError error(sqlite3_extended_errcode(owner_->db()), sqlite3_errmsg(owner_->db()));
    sqlite3_reset(handle_.get());
    throw error;
  }
  sqlite3_reset(handle_.get());
  return false;
}

void Statement::reset() { sqlite3_reset(handle_.get()); }

int Statement::columns() const { return sqlite3_column_count(handle_.get()); }

int Statement::parameters() const { return sqlite3_bind_parameter_count(handle_.get()); }

int Statement::type(int column) const { return sqlite3_column_type(handle_.get(), column); }

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  if (text == nullptr) {
    if (sqlite3_errcode(owner_->db()) == SQLITE_NOMEM) throw std::bad_alloc();
    return {};
  }
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

StatementHandle Statements::compile(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) throw SqliteError(sqlite3_extended_errcode(db_), sqlite3_errmsg(db_));
  return StatementHandle(statement);
}

Statement Statements::prepare(const char* sql) {
  if (tables_ == 0) compile(kAnchor);
  auto& idle = idle_[sql];
  if (idle.empty()) return {this, sql, compile(sql)};
  StatementHandle handle = std::move(idle.back());
  idle.pop_back();
  return {this, sql, std::move(handle)};
}

void Statements::execute(const std::string& sql) {
  char* message = nullptr;
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message);
  if (code == SQLITE_OK) return;
  const std::string text = message != nullptr ? message : sqlite3_errstr(code);
  sqlite3_free(message);
  throw SqliteError(sqlite3_extended_errcode(db_), text);
}

void Statements::disconnected() {
  if (--tables_ == 0) idle_.clear();
}

}  // namespace saldo
