#include "log/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace saldo::server {

// Not the database itself: SQLite's own locks of it would go when this file is closed.
FileLock::FileLock(const std::string& database) {
  constexpr mode_t kPermissions = 0600;
  const std::string path = database + "-lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPermissions);
  if (file_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
  is_held_ = flock(file_, LOCK_EX | LOCK_NB) == 0;
}

FileLock::~FileLock() { close(file_); }

}  // namespace saldo::server
