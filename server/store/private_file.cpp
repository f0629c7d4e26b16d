#include "store/private_file.h"

#include <sys/stat.h>

#include <stdexcept>

#include "sqlite/connection.h"

namespace saldo::server {

// The file exists, and nobody else can read it, before SQLite writes to it.
std::string private_file(const std::string& path) {
  const mode_t before = umask(S_IRWXG | S_IRWXO);
  try {
    const Connection made(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    made.execute("PRAGMA user_version");
  } catch (const SqliteError& error) {
    umask(before);
    throw std::runtime_error("cannot open " + path + ": " + error.what());
  }
  umask(before);
  return path;
}

}  // namespace saldo::server
