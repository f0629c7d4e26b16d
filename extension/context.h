// What the functions and tables of one connection share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "rules/books.h"
#include "sqlite/statement.h"

namespace saldo {

class PostedCharges;

// A row as it goes to `superseded`, held in memory from before it is replaced until after.
struct HeldRow {
  std::string table;
  std::string key;  // a JSON array of the key's columns
  std::string row;  // a JSON object of all columns
};

// The books as last read (facts/books.h), and of which version of the database.
struct CachedBooks {
  struct Version {
    std::int64_t books = 0;  // that of the table books_version
    // Which statement has read that, and how often the schema has changed since it was prepared.
    const void* statement = nullptr;
    int schema_changes = 0;

    bool operator==(const Version&) const = default;
  };

  std::shared_ptr<const Books> books;  // nullptr: none are cached
  Version version;
};

// A row that the running INSERT is about to add, held from its BEFORE trigger to its AFTER trigger.
struct AwaitedRow {
  std::string table;
  std::string key;             // empty: SQLite chooses the number,
  std::int64_t after_row = 0;  // which is above this one
};

struct Context {
  explicit Context(sqlite3* db) : statements(db, "SELECT 1 FROM main.working_calendar LIMIT 0") {}

  StatementCache statements;
  CachedBooks books;
  // Computed for the trigger that is about to store it.
  std::optional<std::int64_t> next_books_version;

  // While a day is posted (posting.h): at other times `charge`, `balance` and `facts_in_force` take
  // no rows.
  PostedCharges* posting = nullptr;
  // Likewise while running totals are written (functions/totals.cpp);
  // notices, with what their runs remember (posting/notices.h); and documents
  // (posting/documents.h).
  bool own_write = false;

  // Rows of facts that the running INSERT or UPDATE is about to replace, between its BEFORE trigger
  // and its AFTER trigger (functions/history.cpp).
  std::vector<HeldRow> held_rows;
  std::optional<AwaitedRow> awaited_row;  // functions/totals.cpp

  // The host's clock, where it has one of its own (saldo.h).
  std::shared_ptr<const std::optional<Instant>> host_now;
  [[nodiscard]] Instant now() const {
    if (host_now && *host_now) return **host_now;
    return date::floor<seconds>(std::chrono::system_clock::now());
  }
};

// While it lives, Saldo's own tables take rows (saldo_posted).
class OwnWrite {
 public:
  explicit OwnWrite(Context& context)
      : context_(context), before_(std::exchange(context.own_write, true)) {}
  ~OwnWrite() { context_.own_write = before_; }
  OwnWrite(const OwnWrite&) = delete;
  OwnWrite& operator=(const OwnWrite&) = delete;

 private:
  Context& context_;
  bool before_;
};

}  // namespace saldo
