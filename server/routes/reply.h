// From a checked request to its answer: a route's statements are run, and their rows rendered.
#pragma once

#include "routes/problem.h"
#include "routes/request.h"
#include "sqlite/connection.h"
#include "store/answers.h"

namespace saldo::server {

// Runs the statements of a part of the request's route that answers (the last, or that of
// failures), inside of the caller's transaction where there are several. Throws Error and
// SqliteError.
Reply run_part(Connection& database, const Request& request, const RoutePart& part);

// Runs the statements of a page, and hands their rows on: their columns, then each row, the names
// of its columns with their texts; and where a statement has more rows, the link to them.
template <typename Sheet>
void run_page(Connection& database, const Request& request, Sheet& sheet);

// For :random: 256 bits of the system's, in base64. Throws std::runtime_error where it has none.
std::string random_bytes();
// Likewise.
NewToken make_new_token();

// Thrown by a write to have its work undone, when its answer is known.
struct Undo {};

// What was answered under the key before; nullopt: nothing. Throws invalid when it was asked with
// another body.
std::optional<Reply> find_reply(Database& database, const AnswerKey& key);
// Without what is told once.
void store_reply(Database& database, const AnswerKey& key, const Reply& reply, Instant now);

// Why a part that is to give a row has given none: of a payment system its signature is wrong.
Error no_row(const Route& route);

// A row of a part that goes before.
struct PartRow {
  std::optional<Reply> reply;  // its document, which is the answer
  std::vector<Value> values;   // of the columns of the part's answering statement
};
// At most `rows_max`; behind a document there are no more. Throws likewise, and no_row.
std::vector<PartRow> read_rows(Connection& database, const Request& request, const RoutePart& part,
                               std::size_t rows_max);

}  // namespace saldo::server
