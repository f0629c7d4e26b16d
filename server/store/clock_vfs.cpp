#include "store/clock_vfs.h"

#include <atomic>

#include "sqlite/error.h"

namespace saldo::server {

ClockVfs::ClockVfs(std::shared_ptr<const Now> now) {
  static std::atomic<std::int64_t> number{0};
  name_ = "saldo-clock-" + std::to_string(++number);
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  if (system == nullptr) throw SqliteError(SQLITE_ERROR, "SQLite has no file system");
  static_cast<sqlite3_vfs&>(vfs_) = *system;
  vfs_.zName = name_.c_str();
  vfs_.xCurrentTimeInt64 = current_time;
  vfs_.system = system;
  vfs_.now = std::move(now);
  const int code = sqlite3_vfs_register(&vfs_, 0);
  if (code != SQLITE_OK) throw SqliteError(code, sqlite3_errstr(code));
}

ClockVfs::~ClockVfs() { sqlite3_vfs_unregister(&vfs_); }

// Milliseconds since noon of the Julian day 0, 2440587.5 days before 1970.
int ClockVfs::current_time(sqlite3_vfs* vfs, sqlite3_int64* milliseconds) {
  const auto* own = static_cast<const Registered*>(vfs);
  if (!*own->now) return own->system->xCurrentTimeInt64(own->system, milliseconds);
  constexpr sqlite3_int64 kUnixEpoch = 210'866'760'000'000;
  *milliseconds = kUnixEpoch + sqlite3_int64{(*own->now)->time_since_epoch().count()} * 1000;
  return SQLITE_OK;
}

}  // namespace saldo::server
