// One program at a time applies a log to a file.
#pragma once

#include <string>

namespace saldo::server {

class FileLock {
 public:
  // Takes the lock of that database, a file beside it, if no other program holds it. Throws
  // std::runtime_error where there can be no such file.
  explicit FileLock(const std::string& database);
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  FileLock(FileLock&&) = delete;
  FileLock& operator=(FileLock&&) = delete;
  // The system does as much for a program that is killed.
  ~FileLock();

  [[nodiscard]] bool is_held() const { return is_held_; }

 private:
  int file_;
  bool is_held_;
};

}  // namespace saldo::server
