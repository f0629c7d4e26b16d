// The schema: its SQL as embedded from sql/, and its installation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "context.h"
#include "rules/time.h"

namespace saldo {

// The files of sql/ as they were when the extension was built; embedded_sql.cpp is generated.
struct EmbeddedSql {
  std::string_view name;  // such as "tables.sql" or "calendar/ru.sql"
  std::string_view text;
};
extern const std::vector<EmbeddedSql> kEmbeddedSql;

// Empty: there is no such file.
std::string_view embedded_sql(std::string_view name);

// Creates the tables, triggers and views in an empty database.
void create_schema(sqlite3* db);

// A row of sqlite_schema.
struct SchemaObject {
  std::string type;
  std::string name;
  std::string table;
  std::string sql;
};

// What create_schema creates, found by creating it in a database of its own, once.
const std::vector<SchemaObject>& installed_objects();

// saldo_install: see 3. of the design.
void install(Context& context, Day opening_day, const std::string& country);

}  // namespace saldo
