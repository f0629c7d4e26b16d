// What the functions and tables of one connection share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/books.h"
#include "sqlite/statement.h"

namespace saldo {

class PostedCharges;

struct Context {
  explicit Context(sqlite3* db)
      : statements(db, "SELECT 1 FROM main.working_calendar LIMIT 0") {}

  StatementCache statements;

  // The books as last read, and the version of the database file's content they were read from
  // (facts.h).
  std::shared_ptr<const Books> books;
  unsigned books_version = 0;

  // While a day is posted (posting.h): at other times `charge`, `balance` and `facts_in_force` take
  // no rows.
  PostedCharges* posting = nullptr;

  // The row of an open day that an INSERT or UPDATE is about to replace, as JSON, between its
  // BEFORE trigger and its AFTER trigger, which puts it into `superseded`.
  std::optional<std::string> replaced;
};

}  // namespace saldo
