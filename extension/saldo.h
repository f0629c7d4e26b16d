// The entry point of the extension.
#pragma once

#include <cstdint>

#include "sqlite/api.h"

namespace saldo {

// PRAGMA application_id of a database of Saldo ("Sald"), and PRAGMA user_version: the version of
// its schema.
inline constexpr std::int64_t kApplicationId = 0x53616C64;
inline constexpr std::int64_t kSchemaVersion = 1;

// Registers the functions and tables on a connection; nothing happens where they are already.
// Throws SqliteError.
void register_saldo(sqlite3* db);

}  // namespace saldo

extern "C" __attribute__((visibility("default"))) int sqlite3_saldo_init(
    sqlite3* db, char** message, const sqlite3_api_routines* api);
