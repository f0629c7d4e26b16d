// What the functions and tables of one connection share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/books.h"
#include "sqlite/statement.h"

namespace saldo {

// A cursor that may feed the posting of a day.
class PostedRow {
 public:
  // Whether these are the columns, in the order of the posted table, of the row it stands on.
  [[nodiscard]] virtual bool is_current(int count, sqlite3_value** columns) const = 0;

 protected:
  ~PostedRow() = default;
};

struct Context {
  explicit Context(sqlite3* db) : statements(db) {}

  Statements statements;

  // The books as last read, and the version of the database file's content they were read from
  // (facts.h).
  std::shared_ptr<const Books> books;
  unsigned books_version = 0;

  // The open cursors that feed the posting of a day: only the row on which one of them stands may
  // enter `charge` or `balance` (posting.h).
  std::vector<const PostedRow*> posting;

  // The row of an open day that an INSERT or UPDATE is about to replace, as JSON, between its
  // BEFORE trigger and its AFTER trigger, which puts it into `superseded`.
  std::optional<std::string> replaced;
};

}  // namespace saldo
