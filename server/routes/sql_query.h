// POST /v1/sql: one statement of an analyst, on a connection that can only read, within limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "routes/problem.h"
#include "routes/request.h"

namespace saldo::server {

struct SqlLimits {
  std::chrono::milliseconds time{5000};
  std::int64_t rows = 10000;
  std::int64_t memory = 64 << 20;  // bytes, of SQLite for the query, and of the answer
};

// Confines a reading connection, for good, to what an analyst may do.
void confine(Database& database, const SqlLimits& limits);

// `params` is an array, an object or a null pointer. Throws Error.
Reply run_sql(Database& confined, const std::string& sql, const nlohmann::json* params,
              Format format, const SqlLimits& limits);

}  // namespace saldo::server
