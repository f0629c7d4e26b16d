#include "sqlite/connection.h"

namespace saldo {

Connection::Connection(const std::string& path, int flags, const char* vfs)
    : handle_(open(path, flags, vfs)), statements_(handle_.get()) {}

sqlite3* Connection::open(const std::string& path, int flags, const char* vfs) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, vfs);
  if (code == SQLITE_OK) return db;
  const std::unique_ptr<sqlite3, Close> failed(db);
  if (db == nullptr) throw SqliteError(code, sqlite3_errstr(code));
  throw SqliteError(db);
}

void Connection::load_extension(const std::string& path) const {
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  char* message = nullptr;
  const int code = sqlite3_load_extension(handle(), path.c_str(), nullptr, &message);
  const SqliteString owned(message);
  sqlite3_db_config(handle(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  if (code != SQLITE_OK)
    throw SqliteError(code, message != nullptr ? message : sqlite3_errstr(code));
}

int Connection::close() {
  statements_.clear();
  const int code = sqlite3_close(handle());
  if (code == SQLITE_OK) static_cast<void>(handle_.release());
  return code;
}

}  // namespace saldo
