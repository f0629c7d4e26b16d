#include "database.h"

#include <utility>

#include "rules/time.h"
#include "saldo.h"

namespace saldo::server {
namespace {

constexpr int kStepsBetweenDeadlineChecks = 200;

}  // namespace

std::string_view column_text(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

Query::~Query() {
  if (!handle_) return;
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
  if (idle_ == nullptr) return;
  try {
    idle_->push_back(std::move(handle_));
  } catch (const std::bad_alloc&) {
    // It is finalized instead.
  }
}

Query& Query::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), index, value);
  return *this;
}

Query& Query::bind(int index, std::string_view value) {
  const char* text = value.empty() ? "" : value.data();  // a null pointer would bind NULL
  const int code =
      sqlite3_bind_text64(handle_.get(), index, text, value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) throw SqliteError(code, sqlite3_errstr(code));
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* db = database_->handle();
  throw SqliteError(sqlite3_extended_errcode(db), sqlite3_errmsg(db));
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view Query::text(int column) const { return column_text(handle_.get(), column); }

Database::Database(const std::string& path, Mode mode, std::chrono::milliseconds busy) {
  const int flags = mode == Mode::kRead    ? SQLITE_OPEN_READONLY
                    : mode == Mode::kWrite ? SQLITE_OPEN_READWRITE
                                           : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(db);
  if (code != SQLITE_OK) {
    throw std::runtime_error(
        "cannot open " + path + ": " + sqlite3_errmsg(db) +
        (mode == Mode::kCreate ? "" : "; `saldod install` makes a new database"));
  }
  sqlite3_busy_timeout(db, static_cast<int>(busy.count()));
  register_saldo(db);
  if (mode == Mode::kCreate) return;
  try {
    // Each statement is reset before the next one runs: an open one would be a read transaction, in
    // which the journal mode cannot change.
    const auto pragma = [this](std::string_view sql) {
      auto row = query(sql);
      return row.step() ? row.integer(0) : 0;
    };
    if (pragma("PRAGMA application_id") != kApplicationId) {
      throw std::runtime_error(path +
                               " holds no books of Saldo; `saldod install` makes a new database");
    }
    // The program reads the database as its own version installs it; an older one is upgraded
    // first.
    const auto version = pragma("PRAGMA user_version");
    if (version > kSchemaVersion)
      throw std::runtime_error(path + " was installed by a newer version; use that one");
    if (version < kSchemaVersion) {
      throw std::runtime_error(
          path +
          " was installed by an older version; `saldod install` with the same day upgrades it");
    }
    if (mode == Mode::kWrite) {
      if (sqlite3_db_readonly(db, "main") != 0)
        throw std::runtime_error(path + " is read-only for this user");
      execute("PRAGMA journal_mode = WAL");
      execute("PRAGMA synchronous = FULL");
    }
  } catch (const SqliteError& error) {
    throw std::runtime_error("cannot read " + path + ": " + error.what());
  }
}

StatementHandle Database::compile(std::string_view sql, unsigned flags, const char** tail) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()), flags,
                                      &statement, tail);
  if (code != SQLITE_OK)
    throw SqliteError(sqlite3_extended_errcode(handle()), sqlite3_errmsg(handle()));
  return StatementHandle(statement);
}

Query Database::query(std::string_view sql) {
  auto known = idle_.find(sql);
  if (known == idle_.end()) known = idle_.try_emplace(std::string(sql)).first;
  auto& idle = known->second;
  if (idle.empty()) return {*this, &idle, compile(sql, SQLITE_PREPARE_PERSISTENT)};
  StatementHandle handle = std::move(idle.back());
  idle.pop_back();
  return {*this, &idle, std::move(handle)};
}

Query Database::query_once(std::string_view sql) {
  const char* tail = nullptr;
  StatementHandle handle = compile(sql, 0, &tail);
  return {*this, nullptr, std::move(handle),
          sql.substr(static_cast<std::size_t>(tail - sql.data()))};
}

void Database::execute(std::string_view sql) {
  auto statement = query(sql);
  while (statement.step()) {
  }
}

void Database::watch_deadline() {
  sqlite3_progress_handler(
      handle(), kStepsBetweenDeadlineChecks,
      [](void* database) { return static_cast<Database*>(database)->is_late() ? 1 : 0; }, this);
}

Transaction::~Transaction() {
  if (!database_.in_transaction()) return;
  // Past its deadline a rollback would be interrupted, too, and the transaction stay open.
  database_.set_deadline(std::chrono::steady_clock::time_point::max());
  try {
    database_.execute("ROLLBACK");
  } catch (const SqliteError&) {
    // SQLite has rolled back by itself.
  }
}

void Transaction::commit() { database_.execute("COMMIT"); }

std::string clock_now() {
  return format_instant(date::floor<seconds>(std::chrono::system_clock::now()));
}

}  // namespace saldo::server
