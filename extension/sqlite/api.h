// SQLite's C interface, loaded at run time or linked in (SQLITE_CORE), as sqlite3ext.h has it.
#pragma once

#include <sqlite3ext.h>

extern "C" {
SQLITE_EXTENSION_INIT3
}
