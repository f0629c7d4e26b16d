// What tests share: a connection to a database file, with or without Saldo, and
// the texts of rows. No billing here.
//
// The extension comes from the environment variable SALDO_EXTENSION (a path), or, compiled with
// SALDO_STATIC, from sqlite3_saldo_init linked into the program.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/connection.h"

#ifdef SALDO_STATIC
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
inline std::string column_text(const saldo::Statement& row, int column) {
  switch (row.type(column)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB: {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      std::string text = "x'";
      for (const char c : row.blob(column)) {
        const auto byte = static_cast<unsigned char>(c);
        text += kDigits[byte / 16];
        text += kDigits[byte % 16];
      }
      return text + "'";
    }
    default: {
      const auto text = row.text(column);
      return text.empty() ? "(empty)" : std::string(text);
    }
  }
}

// The columns of a row joined by '|'.
inline std::string row_text(const saldo::Statement& row) {
  std::string text;
  for (int column = 0; column < row.columns(); ++column) {
    if (column > 0) text += '|';
    text += column_text(row, column);
  }
  return text;
}

// Makes Saldo's functions and tables known to a connection; a second call loads it again.
inline void load_saldo(saldo::Connection& connection) {
#ifdef SALDO_STATIC
  char* message = nullptr;
  const int code = sqlite3_saldo_init(connection.handle(), &message, nullptr);
  const saldo::SqliteString owned(message);
  if (code != SQLITE_OK)
    throw std::runtime_error(std::string("cannot load Saldo: ") + (message ? message : "?"));
#else
  const char* path = std::getenv("SALDO_EXTENSION");
  if (path == nullptr) throw std::runtime_error("SALDO_EXTENSION is not set");
  connection.load_extension(path);
#endif
}

enum class Access { kReadWrite, kReadOnly };
enum class Extension { kLoaded, kAbsent };

class Connection {
 public:
  Connection(const std::string& path, Extension extension, Access access = Access::kReadWrite)
      : connection_(path, access == Access::kReadOnly
                              ? SQLITE_OPEN_READONLY
                              : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    connection_.execute("PRAGMA synchronous = OFF");  // no test here is about power failures
    if (extension == Extension::kLoaded) load();
  }

  // Every statement was finalized by run(), so a connection that stays busy is the extension's
  // leak. close() tells; the destructor cannot.
  int close() { return connection_.close(); }

  void load() { load_saldo(connection_); }

  // Runs the statements of `sql` one after the other and stops at the first that fails.
  Outcome run(const std::string& sql) {
    Outcome outcome;
    for (std::string_view rest = sql; outcome.ok() && !rest.empty();) {
      outcome = run_first(rest, &rest);
    }
    return outcome;
  }

  // Runs the first statement of `sql`; `*rest` is what follows it.
  Outcome run_first(std::string_view sql, std::string_view* rest) {
    Outcome outcome;
    try {
      saldo::Statement statement = connection_.compile_once(sql, rest);
      outcome.nothing = statement.handle() == nullptr;
      if (outcome.nothing) return outcome;
      while (statement.step()) outcome.rows.push_back(row_text(statement));
    } catch (const saldo::SqliteError& error) {
      outcome.code = error.code() & 0xFF;
      outcome.message = error.what();
    }
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

  sqlite3* handle() const { return connection_.handle(); }

 private:
  saldo::Connection connection_;
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
