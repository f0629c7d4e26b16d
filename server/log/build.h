// What an outcome depends on besides the entry and the books. Nodes of one log have all of it the
// same.
#pragma once

#include <string>

#include "store/database.h"

namespace saldo::server {

// "saldod 0.1.0-1f2e3d4c, schema 1, SQLite 3.40.1-…, Europe/Moscow-…, routes …": of the program's
// own file, of the library, of the time zone's rules as they are installed, and of the files of all
// routes, of which `routes` is a sum.
std::string build_of(Database& database, const std::string& routes);

}  // namespace saldo::server
