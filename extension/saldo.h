// The entry point of the extension.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "rules/time.h"
#include "sqlite/api.h"

namespace saldo {

// PRAGMA application_id of a database of Saldo ("Sald"), and PRAGMA user_version: the version of
// its schema.
inline constexpr std::int64_t kApplicationId = 0x53616C64;
inline constexpr std::int64_t kSchemaVersion = 1;

// What `access_state` takes for now when it is asked for neither a day nor an instant; nullopt: the
// system's clock.
using Now = std::optional<Instant>;

// Whether a function of Saldo's, by its name in any case, writes to the database or changes what
// the connection remembers for the triggers.
bool is_writing_function(std::string_view name);

// Registers the functions and tables on a connection; nothing happens where they are already. The
// host may go on changing `now` between statements. Throws SqliteError.
void register_saldo(sqlite3* db, std::shared_ptr<const Now> now = nullptr);

}  // namespace saldo

extern "C" __attribute__((visibility("default"))) int sqlite3_saldo_init(
    sqlite3* db, char** message, const sqlite3_api_routines* api);
