// SQLite's file system with another clock: that of one connection.
#pragma once

#include <memory>
#include <string>

#include "saldo.h"
#include "sqlite/api.h"

namespace saldo::server {

// What SQLite asks of the system, as its default VFS does it, but for the time: while `now` has a
// value, that is the time for datetime('now'), CURRENT_TIMESTAMP and the like. A connection opened
// by the name must be closed before.
class ClockVfs {
 public:
  explicit ClockVfs(std::shared_ptr<const Now> now);
  ~ClockVfs();
  ClockVfs(const ClockVfs&) = delete;
  ClockVfs& operator=(const ClockVfs&) = delete;

  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  // SQLite hands its address back.
  struct Registered : sqlite3_vfs {
    sqlite3_vfs* system = nullptr;
    std::shared_ptr<const Now> now;
  };
  static int current_time(sqlite3_vfs* vfs, sqlite3_int64* milliseconds);

  std::string name_;
  Registered vfs_{};
};

}  // namespace saldo::server
