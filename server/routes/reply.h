// What the server answers, and how rows become its body.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parameters.h"
#include "problem.h"
#include "route.h"

namespace saldo::server {

struct Reply {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

enum class Format { kJson, kCsv };

Reply problem_reply(const Problem& problem);

// A column of the row that `statement` stands on. Blobs and what JSON has no number for become
// null.
void append_json_column(std::string& json, sqlite3_stmt* statement, int column);
// RFC 4180; NULL is empty.
void append_csv_column(std::string& csv, sqlite3_stmt* statement, int column);
void append_csv(std::string& csv, std::string_view text);

// What the server itself binds, besides the limit.
struct Circumstances {
  std::string now;
  std::string_view who;
  std::string_view body;
};

// Runs a route's statements, inside of the caller's transaction. `path` is what a Link header
// refers to, with the `query` it came with. Throws Problem and SqliteError.
Reply run_route(Database& database, const Route& route, const Arguments& arguments,
                const Circumstances& circumstances, Format format, std::string_view path,
                const QueryFields& query);

}  // namespace saldo::server
