// Whether a route does the same wherever and whenever it is run, as it must where several machines
// apply it.
#pragma once

#include "routes/route.h"
#include "store/database.h"

namespace saldo::server {

// Looks at what the routes write with. Throws std::runtime_error "FILE: what is wrong, and what
// would be right": random(), total_changes(), the clock ('now', CURRENT_TIMESTAMP and their like),
// the machine's time zone ('localtime', 'utc'), or, of an operator's own, INSERT … SELECT … FROM
// without an ORDER BY. `database` is one with the schema in it; its authorizer is this function's
// meanwhile, and then none.
void require_deterministic(const RouteTable& routes, Database& database);

// What of these a statement has; empty: nothing. `text` is SQL that SQLite has compiled.
std::string chance_in(Database& database, const std::string& sql);
bool is_unordered(std::string_view sql);

}  // namespace saldo::server
