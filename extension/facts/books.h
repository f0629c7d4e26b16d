// What is common to all accounts, read from its tables once and then held in memory.
//
// The books in memory are good as long as `books_version` has the same value: triggers change it
// with every change of the tables that Books is read from (sql/books_version.sql). That holds
// inside of a write transaction, after a rollback, and when another database takes the place of
// this one in the same connection. Who changes these tables behind the triggers must have dropped
// some: without them the books are read anew each time, and so they are once the schema has
// changed. What other connections commit costs a reader nothing unless it changes the books.
#pragma once

#include <memory>
#include <string_view>

#include "context.h"
#include "rules/books.h"

namespace saldo {

// The books as the running statement sees them. Throws not_found before saldo_install, and as
// expect_no_attached_books does.
std::shared_ptr<const Books> read_books(Context& context);

// The value of books_version after a change, of which `change` tells all. What was read before the
// change is dropped.
std::int64_t next_books_version(Context& context, std::int64_t version, std::string_view change);

// Throws append_only unless `version` is the last value that next_books_version gave; each of them
// can be stored once.
void check_books_version(Context& context, std::int64_t version);

// Whatever reads the books reads those of the main database. Asked by way of an attached one, by a
// view of it or a trigger, the answer would be about other books than the asker means: throws
// conflict while an attached database holds books too.
void expect_no_attached_books(Context& context);

}  // namespace saldo
