#include "store/database.h"

#include "documents/functions.h"
#include "payments/functions.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

constexpr int kStepsBetweenDeadlineChecks = 200;
constexpr int kStepsBetweenStopChecks = 10'000;

int open_flags(Database::Mode mode) {
  switch (mode) {
    case Database::Mode::kRead:
    case Database::Mode::kReadOlder:
      return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    case Database::Mode::kWrite:
    case Database::Mode::kWriteOlder:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    case Database::Mode::kCreate:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  }
  return 0;
}

}  // namespace

Database::Database(const std::string& path, Mode mode, std::chrono::milliseconds busy) try
    : Connection(path, open_flags(mode), vfs.name()) {
  sqlite3_busy_timeout(handle(), static_cast<int>(busy.count()));
  register_saldo(handle(), now);
  register_text_functions(handle());
  register_document_functions(handle());
  if (mode != Mode::kCreate) check_books(path, mode);
} catch (const SqliteError& error) {
  const int code = error.code() & 0xFF;
  const bool is_missing =
      mode != Mode::kCreate && (code == SQLITE_CANTOPEN || code == SQLITE_NOTADB);
  throw std::runtime_error("cannot open " + path + ": " + error.what() +
                           (is_missing ? "; `saldod install` makes a new database" : ""));
}

void Database::check_books(const std::string& path, Mode mode) {
  if (pragma("PRAGMA application_id") != kApplicationId) {
    throw std::runtime_error(path +
                             " holds no books of Saldo; `saldod install` makes a new database");
  }
  // The program reads the database as its own version installs it; an older one is upgraded first.
  const std::int64_t version = pragma("PRAGMA user_version");
  if (version > kSchemaVersion)
    throw std::runtime_error(path + " was installed by a newer version; use that one");
  if (version < kSchemaVersion && mode != Mode::kReadOlder && mode != Mode::kWriteOlder) {
    throw std::runtime_error(
        path +
        " was installed by an older version; `saldod install` with the same day upgrades it");
  }
  if (mode == Mode::kRead || mode == Mode::kReadOlder) return;
  if (sqlite3_db_readonly(handle(), "main") != 0)
    throw std::runtime_error(path + " is read-only for this user");
  prepare("PRAGMA journal_mode = WAL").step();
  prepare("PRAGMA synchronous = FULL").step();
  // What a write changes beyond this goes to the file before its commit, and is read from there.
  prepare("PRAGMA cache_size = -16384").step();
}

std::int64_t Database::pragma(const char* sql) {
  auto row = prepare(sql);
  return row.step() ? row.integer(0) : 0;
}

Statement Database::snapshot() {
  auto row = prepare("PRAGMA data_version");
  row.step();
  return row;
}

void Database::watch_deadline() {
  sqlite3_progress_handler(
      handle(), kStepsBetweenDeadlineChecks,
      [](void* database) { return static_cast<Database*>(database)->is_late() ? 1 : 0; }, this);
}

void Database::watch_stop(const std::atomic<bool>& stopping) {
  sqlite3_progress_handler(
      handle(), kStepsBetweenStopChecks,
      [](void* flag) { return *static_cast<const std::atomic<bool>*>(flag) ? 1 : 0; },
      const_cast<std::atomic<bool>*>(&stopping));
}

Transaction::~Transaction() {
  if (!database_.in_transaction()) return;
  // Past its deadline a rollback would be interrupted, too, and the transaction stay open.
  database_.set_deadline(std::chrono::steady_clock::time_point::max());
  try {
    database_.prepare("ROLLBACK").step();
  } catch (const SqliteError&) {
    // SQLite has rolled back by itself.
  }
}

Instant clock_now() { return date::floor<seconds>(std::chrono::system_clock::now()); }

Error error_of(const SqliteError& error) {
  const std::string_view message = error.what();
  if (const auto colon = message.find(": "); colon != std::string_view::npos) {
    const auto code = parse_error_code(message.substr(0, colon));
    if (code && is_refusal(*code)) return {*code, message.substr(colon + 2)};
  }
  switch (error.code() & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kOverloaded, "another program holds the database; try again"};
    case SQLITE_FULL:
      return {ErrorCode::kOverloaded, "the disk is full; nothing was written"};
    case SQLITE_INTERRUPT:
      return {ErrorCode::kTimedOut, "the query exceeded its time limit"};
    case SQLITE_NOMEM:
      return no_memory();
    case SQLITE_TOOBIG:
      return {ErrorCode::kOutOfRange, "a value is too long"};
    case SQLITE_MISMATCH:
      return {ErrorCode::kInvalid, "a value is of another type than its column"};
    case SQLITE_CONSTRAINT:
      if (error.code() == SQLITE_CONSTRAINT_UNIQUE || error.code() == SQLITE_CONSTRAINT_PRIMARYKEY)
        return {ErrorCode::kConflict, "there is a row with this key already"};
      return {ErrorCode::kInvalid, "a value breaks a constraint of its table"};
    default:
      return {ErrorCode::kInternal, "the server failed; its log says more"};
  }
}

}  // namespace saldo::server
