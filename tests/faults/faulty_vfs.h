// A VFS under which operations fail and the power goes, over the system's own.
//
// Operations are counted: opening, reading, writing, truncating, syncing, locking, deleting, and
// those of shared memory. From the one that is asked for on, one or all fail. The system's files
// hold what a program sees; what a disk would hold after a power cut is recorded beside it: of each
// file what was there when it was last synced, and the writes since. (Nothing of a file is mapped.)
#pragma once

#include <sqlite3.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace saldo_test {

enum class Fault {
  kOnce,     // one operation fails with an I/O error
  kForGood,  // it and all after it
  kFull,     // the disk is full from there on: writes fail, the rest works
  kPower,    // nothing happens any more
};

class FaultyVfs {
 public:
  static constexpr const char* kName = "faulty";

  static FaultyVfs& instance();

  // The `at`-th operation from now on fails, counted from 1; 0: none.
  void arm(long at, Fault fault);
  // Operations since arm().
  [[nodiscard]] long operations() const { return operations_; }
  [[nodiscard]] bool reached() const { return !what_.empty(); }
  // Nothing fails any more.
  void relent() { at_ = 0; }
  // What failed first, in words.
  [[nodiscard]] const std::string& what() const { return what_; }

  // Forgets what the disk holds: from now on it is what the system's files hold.
  void settle();
  // The power is cut: the files become what a disk may hold. Of the writes since the last sync each
  // sector, by chance, is there or not; nor need a file be there, or gone, whose folder was not
  // synced. All connections are closed before.
  void cut(std::mt19937& random);

  // The shim's own side.
  enum class Operation { kOpen, kRead, kWrite, kTruncate, kSync, kLock, kDelete, kShared };
  bool fails(Operation operation, const std::string& path);
  void wrote(const std::string& path, const void* bytes, int count, sqlite3_int64 offset);
  void truncated(const std::string& path, sqlite3_int64 size);
  void synced(const std::string& path);
  void deleted(const std::string& path, bool durably);
  void opened(const std::string& path);

 private:
  FaultyVfs() = default;

  struct Change {
    sqlite3_int64 offset = 0;  // or the size that it is cut to
    std::string bytes;
    bool truncation = false;
  };
  struct Disk {
    bool present = false;  // whatever happens
    std::string synced;
    std::vector<Change> since;
    bool deleted = false;  // but the folder was not synced
  };

  std::map<std::string, Disk> disks_;
  long operations_ = 0;
  long at_ = 0;
  Fault fault_ = Fault::kOnce;
  std::string what_;
};

}  // namespace saldo_test
