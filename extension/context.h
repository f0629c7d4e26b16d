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

// A row as it goes to `superseded`.
struct HeldRow {
  std::string table;
  std::string key;  // a JSON array of the key's columns
  std::string row;  // a JSON object of all columns
};

struct Context {
  explicit Context(sqlite3* db) : statements(db, "SELECT 1 FROM main.working_calendar LIMIT 0") {}

  StatementCache statements;

  // The books as last read, and the version of the database file's content they were read from
  // (facts.h).
  std::shared_ptr<const Books> books;
  unsigned books_version = 0;

  // While a day is posted (posting.h): at other times `charge`, `balance` and `facts_in_force` take
  // no rows.
  PostedCharges* posting = nullptr;
  // Likewise while running totals are written (functions/totals.cpp): `open_usage`, `open_money`.
  bool own_write = false;

  // Rows of facts that the running INSERT or UPDATE is about to replace, between its BEFORE trigger
  // and its AFTER trigger (functions/history.cpp).
  std::vector<HeldRow> held_rows;
};

}  // namespace saldo
