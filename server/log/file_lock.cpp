#include "log/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace saldo::server {

// Not the database itself: SQLite's own locks of it would go when this file is closed.
FileLock::FileLock(const std::string& database) {
  constexpr mode_t kPermissions = 0600;
  // One lock for one file, by whatever link it is reached.
  const std::string path = std::filesystem::weakly_canonical(database).string() + "-lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPermissions);
  if (file_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
  int code = -1;
  do {
    code = flock(file_, LOCK_EX | LOCK_NB);
  } while (code != 0 && errno == EINTR);
  is_held_ = code == 0;
  if (is_held_ || errno == EWOULDBLOCK) return;
  const std::string why = std::strerror(errno);
  close(file_);
  throw std::runtime_error(path + ": " + why);
}

FileLock::~FileLock() { close(file_); }

}  // namespace saldo::server
