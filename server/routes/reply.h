// From a checked request to its answer: a route's statements are run, and their rows rendered.
#pragma once

#include "routes/problem.h"
#include "routes/request.h"
#include "store/database.h"

namespace saldo::server {

// Runs the route's statements, inside of the caller's transaction where there are several, and
// answers. Throws Error and SqliteError.
Reply run_route(Database& database, const Request& request);

}  // namespace saldo::server
