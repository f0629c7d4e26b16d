// A connection of the server's to the database file, with Saldo registered on it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "rules/error.h"
#include "rules/time.h"
#include "saldo.h"
#include "sqlite/connection.h"
#include "store/clock_vfs.h"

namespace saldo::server {

// What must be there before the connection, and after it.
struct OwnClock {
  const std::shared_ptr<Now> now = std::make_shared<Now>();
  const ClockVfs vfs{now};
};

class Database : private OwnClock, public Connection {
 public:
  enum class Mode { kRead, kReadOlder, kWrite, kWriteOlder, kCreate };

  static constexpr std::chrono::milliseconds kBusyTimeout{30'000};

  // Opens a file that holds Saldo's books, or (kCreate) may be anything; kReadOlder and kWriteOlder
  // take those of an older version too, of which only what all versions have may be used. Writers
  // wait for other programs up to `busy` and are durable (synchronous=FULL), and the file changes
  // into WAL mode, so that readers and the writer do not wait for each other. Throws
  // std::runtime_error with what to do about it.
  Database(const std::string& path, Mode mode, std::chrono::milliseconds busy = kBusyTimeout);

  // Queries end with SQLITE_INTERRUPT at `deadline`. The writer must not have one: an interrupt
  // rolls back the whole transaction, which other requests share.
  void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }
  void watch_deadline();
  // Likewise as soon as `stopping`, which outlives the connection.
  void watch_stop(const std::atomic<bool>& stopping);
  [[nodiscard]] bool is_late() const { return std::chrono::steady_clock::now() >= deadline_; }

  // What Saldo and SQLite take for now, from the next statement on; nullopt: the system's clock.
  void set_now(std::optional<Instant> instant) { *now = instant; }

  // While the statement returned lives, and is not stepped, all that is read is of one state of the
  // database. Its integer(0) changes when another connection has committed something.
  Statement snapshot();

 private:
  void check_books(const std::string& path, Mode mode);
  std::int64_t pragma(const char* sql);

  std::chrono::steady_clock::time_point deadline_{};
};

// A transaction that is rolled back unless committed.
class Transaction {
 public:
  Transaction(Database& database, const char* begin) : database_(database) {
    database_.prepare(begin).step();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction(Transaction&&) = delete;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  void commit() { database_.prepare("COMMIT").step(); }

 private:
  Database& database_;
};

// Runs `work` in a savepoint, which is undone if it throws.
template <typename Work>
void in_savepoint(Database& database, Work&& work) {
  database.prepare("SAVEPOINT request").step();
  try {
    work();
  } catch (...) {
    // After some errors (a full disk, no memory) SQLite has undone the whole transaction.
    if (database.in_transaction()) {
      database.prepare("ROLLBACK TO request").step();
      database.prepare("RELEASE request").step();
    }
    throw;
  }
  database.prepare("RELEASE request").step();
}

// The system's clock, in whole seconds.
Instant clock_now();

// What SQLite reports, in the vocabulary of errors: one of the database's own checks, which came
// through SQLite as "code: sentence", or what the result code means. Internal details are left out.
Error error_of(const SqliteError& error);

}  // namespace saldo::server
