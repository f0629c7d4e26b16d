// What the entries of the server's own work do to the books.
#pragma once

#include "log/replica.h"

namespace saldo::server {

// Of the kinds close, notice_clock, token.create and token.revoke, claim and outcome. Throws Error
// for what is refused, and for a kind that there is not; SqliteError.
Applied apply_job(Database& database, const Entry& entry, Instant now);

}  // namespace saldo::server
