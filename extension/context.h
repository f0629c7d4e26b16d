// What the functions and tables of one connection share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rules/books.h"
#include "sqlite/statement.h"

namespace saldo {

class PostedCharges;

// The books as last read (facts/books.h), and of which version of the database.
struct CachedBooks {
  struct Version {
    std::int64_t books = 0;  // that of the table books_version
    // Which statement has read that, and how often the schema has changed since it was prepared.
    const void* statement = nullptr;
    int schema_changes = 0;

    bool operator==(const Version&) const = default;
  };

  std::shared_ptr<const Books> books;  // nullptr: none are held
  Version version;
};

struct Context {
  explicit Context(sqlite3* db)
      : statements(db, "SELECT 1 FROM main.working_calendar LIMIT 0") {}

  StatementCache statements;
  CachedBooks books;
  // Computed for the trigger that is about to store it.
  std::optional<std::int64_t> next_books_version;

  // While a day is posted (posting.h): at other times `charge`, `balance` and `facts_in_force` take
  // no rows.
  PostedCharges* posting = nullptr;

  // The row of an open day that an INSERT or UPDATE is about to replace, as JSON, between its
  // BEFORE trigger and its AFTER trigger, which puts it into `superseded`.
  std::optional<std::string> replaced;
};

}  // namespace saldo
