// The entry point of the extension.
#pragma once

#include "sqlite/api.h"

namespace saldo {

// Registers the functions and tables on a connection; nothing happens where they are already.
// Throws SqliteError.
void register_saldo(sqlite3* db);

}  // namespace saldo

extern "C" __attribute__((visibility("default"))) int sqlite3_saldo_init(
    sqlite3* db, char** message, const sqlite3_api_routines* api);
