// What the tests of this folder share: a connection to a database file, with or without Saldo, and
// the texts of rows. No billing here.
//
// The extension comes from the environment variable SALDO_EXTENSION (a path), or, compiled with
// SALDO_STATIC, from sqlite3_saldo_init linked into the program.
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef SALDO_STATIC
struct sqlite3_api_routines;
extern "C" int sqlite3_saldo_init(sqlite3* db, char** error, const sqlite3_api_routines* api);
#endif

namespace saldo_test {

// What one or several statements gave. `code` is SQLITE_OK, or that of the first statement that
// failed; `rows` are those of the last statement run, columns joined by '|'.
struct Outcome {
  int code = SQLITE_OK;
  std::string message;
  std::vector<std::string> rows;
  bool nothing = false;  // no statement: only space or a comment

  bool ok() const { return code == SQLITE_OK; }
};

// NULL is NULL, the empty text (empty), a blob its bytes in hex; the rest as SQLite writes it.
inline std::string column_text(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB: {
      static const char* const digits = "0123456789ABCDEF";
      const auto* bytes = static_cast<const unsigned char*>(sqlite3_column_blob(statement, column));
      const int size = sqlite3_column_bytes(statement, column);
      std::string text = "x'";
      for (int i = 0; i < size; ++i) {
        text += digits[bytes[i] / 16];
        text += digits[bytes[i] % 16];
      }
      return text + "'";
    }
    default: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      if (size == 0) return "(empty)";
      return std::string(text, size);
    }
  }
}

enum class Access { kReadWrite, kReadOnly };
enum class Extension { kLoaded, kAbsent };

class Connection {
 public:
  Connection(const std::string& path, Extension extension, Access access = Access::kReadWrite) {
    const int flags = access == Access::kReadOnly ? SQLITE_OPEN_READONLY
                                                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
      const std::string message = sqlite3_errmsg(db_);
      sqlite3_close(db_);
      throw std::runtime_error("cannot open " + path + ": " + message);
    }
    // No test here is about power failures.
    sqlite3_exec(db_, "PRAGMA synchronous = OFF", nullptr, nullptr, nullptr);
    if (extension == Extension::kAbsent) return;
    try {
      load();
    } catch (...) {
      sqlite3_close(db_);
      throw;
    }
  }

  // Every statement was finalized by run(), so a connection that stays busy is the extension's
  // leak. close() tells; the destructor cannot.
  ~Connection() { sqlite3_close_v2(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int close() {
    const int code = sqlite3_close(db_);
    if (code == SQLITE_OK) db_ = nullptr;
    return code;
  }

  // Loads Saldo into this connection; a second call loads it again.
  void load() {
    char* error = nullptr;
#ifdef SALDO_STATIC
    const int code = sqlite3_saldo_init(db_, &error, nullptr);
#else
    const char* path = std::getenv("SALDO_EXTENSION");
    if (path == nullptr) throw std::runtime_error("SALDO_EXTENSION is not set");
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
    const int code = sqlite3_load_extension(db_, path, nullptr, &error);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
#endif
    const std::string message = error == nullptr ? "no message" : error;
    sqlite3_free(error);
    if (code != SQLITE_OK && code != SQLITE_OK_LOAD_PERMANENTLY) {
      throw std::runtime_error("cannot load the extension: " + message);
    }
  }

  // Runs the statements of `sql` one after the other and stops at the first that fails.
  Outcome run(const std::string& sql) {
    Outcome outcome;
    for (const char* rest = sql.c_str(); outcome.ok() && rest != nullptr && *rest != '\0';) {
      outcome = run_first(rest, &rest);
    }
    return outcome;
  }

  // Runs the first statement of `sql`; `*rest` is what follows it.
  Outcome run_first(const char* sql, const char** rest) {
    Outcome outcome;
    sqlite3_stmt* statement = nullptr;
    outcome.code = sqlite3_prepare_v2(db_, sql, -1, &statement, rest);
    if (outcome.code != SQLITE_OK) {
      outcome.message = sqlite3_errmsg(db_);
      sqlite3_finalize(statement);
      return outcome;
    }
    if (statement == nullptr) {
      outcome.nothing = true;
      return outcome;
    }
    const int columns = sqlite3_column_count(statement);
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
      std::string row;
      for (int column = 0; column < columns; ++column) {
        if (column > 0) row += '|';
        row += column_text(statement, column);
      }
      outcome.rows.push_back(std::move(row));
    }
    if (step != SQLITE_DONE) {
      outcome.code = step;
      outcome.message = sqlite3_errmsg(db_);
    }
    sqlite3_finalize(statement);
    return outcome;
  }

  // run(), for what must work.
  std::vector<std::string> must(const std::string& sql) {
    Outcome outcome = run(sql);
    if (!outcome.ok()) throw std::runtime_error(outcome.message + "\n  in: " + sql);
    return std::move(outcome.rows);
  }

  // The schema and every row of every table, as text: two of them are equal when nothing changed.
  std::string contents() {
    std::string text;
    for (const std::string& row : must("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2")) {
      text += row + '\n';
    }
    for (const std::string& table : must("SELECT name FROM sqlite_schema WHERE type = 'table' "
                                         "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")) {
      text += "table " + table + '\n';
      for (const std::string& row : must("SELECT * FROM \"" + table + "\"")) text += row + '\n';
    }
    return text;
  }

  sqlite3* handle() const { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

// A folder of its own under the system's temporary one, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "saldo-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace saldo_test
