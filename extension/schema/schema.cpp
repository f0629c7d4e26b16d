#include "schema/schema.h"

#include <algorithm>

#include "rules/error.h"
#include "saldo.h"
#include "sqlite/connection.h"

namespace saldo {
namespace {

constexpr std::string_view kCalendars = "calendar/";

std::string calendar_file(std::string_view country) {
  return std::string(kCalendars) + std::string(country) + ".sql";
}

void run(sqlite3* db, std::string_view file) { execute(db, std::string(embedded_sql(file))); }

std::int64_t pragma(StatementCache& statements, const char* sql) {
  auto row = statements.prepare(sql);
  return row.step() ? row.integer(0) : 0;
}

// Where SQLite has rolled back by itself there is no savepoint any more. That failure is ignored:
// the first error is the one to report.
void undo(Statement& statement) {
  try {
    statement.step();
  } catch (const std::exception&) {
  }
}

void upgrade(StatementCache& statements) {
  const auto version = pragma(statements, "PRAGMA main.user_version");
  if (version > kSchemaVersion) {
    throw conflict("this database was installed by a newer version of Saldo; load that one");
  }
  if (version == kSchemaVersion) return;
  // Changes of tables come first, version by version; there are none yet. Triggers and views are
  // made anew.
  const auto& objects = installed_objects();
  const auto made_anew = [](const SchemaObject& object) {
    return object.type == "trigger" || object.type == "view";
  };
  for (const auto& object : objects) {
    if (made_anew(object))
      statements.execute("DROP " + object.type + " IF EXISTS main." + object.name);
  }
  for (const auto& object : objects) {
    if (made_anew(object)) statements.execute(object.sql);
  }
}

void install_anew(StatementCache& statements, Day opening_day, const std::string& country) {
  create_schema(statements.db());
  // The calendar goes in before the books are open, and so may reach back before the opening.
  run(statements.db(), "reference.sql");
  run(statements.db(), "notice_templates.sql");
  if (country != "none") run(statements.db(), calendar_file(country));
  auto policy = statements.prepare("INSERT INTO main.policy(valid_from) VALUES (?1)");
  policy.bind(1, format_day(opening_day)).step();
}

void check_country(const std::string& country) {
  if (country == "none" || !embedded_sql(calendar_file(country)).empty()) return;
  std::string known = "none";
  for (const auto& sql : kEmbeddedSql) {
    if (sql.name.substr(0, kCalendars.size()) != kCalendars) continue;
    known += ", ";
    known += sql.name.substr(kCalendars.size(), sql.name.find('.') - kCalendars.size());
  }
  throw not_found("there is no calendar of the country '" + country + "'; there are: " + known);
}

// In UTF-16 texts sort in another order, so that the same books would have another digest.
void check_encoding(StatementCache& statements) {
  auto row = statements.prepare("PRAGMA main.encoding");
  if (!row.step() || row.text(0) == "UTF-8") return;
  throw conflict("the texts of this database are " + std::string(row.text(0)) +
                 "; install in a new file, or in this one, as long as it is empty, after PRAGMA"
                 " encoding = 'UTF-8'");
}

std::vector<SchemaObject> objects_created() {
  Connection memory(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  register_saldo(memory.handle());
  create_schema(memory.handle());
  std::vector<SchemaObject> objects;
  auto row =
      memory.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (row.step()) {
    objects.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                       std::string(row.text(3))});
  }
  return objects;
}

}  // namespace

std::string_view embedded_sql(std::string_view name) {
  const auto found = std::find_if(kEmbeddedSql.begin(), kEmbeddedSql.end(),
                                  [&](const EmbeddedSql& sql) { return sql.name == name; });
  return found == kEmbeddedSql.end() ? std::string_view() : found->text;
}

void create_schema(sqlite3* db) {
  for (const char* file :
       {"tables.sql", "triggers.sql", "receipts.sql", "documents.sql", "books_version.sql",
        "history.sql", "views.sql", "audits.sql", "server.sql", "notices.sql", "deliveries.sql"}) {
    run(db, file);
  }
}

const std::vector<SchemaObject>& installed_objects() {
  // The same for all connections; to make it takes as long as an installation.
  static const std::vector<SchemaObject> kObjects = objects_created();
  return kObjects;
}

void install(Context& context, Day opening_day, const std::string& country) {
  StatementCache& statements = context.statements;
  check_country(country);
  check_encoding(statements);
  const bool empty =
      !statements
           .prepare("SELECT 1 FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'")
           .step();
  if (!empty) {
    if (pragma(statements, "PRAGMA main.application_id") != kApplicationId) {
      throw conflict("this database holds something else; saldo_install needs an empty one");
    }
    auto opened = statements.prepare("SELECT min(valid_from) FROM main.policy");
    opened.step();
    if (opened.text(0) != format_day(opening_day)) {
      throw conflict("the books of this database were opened on " + std::string(opened.text(0)));
    }
  }
  // After SQLITE_NOMEM the connection prepares and runs nothing more until the outermost call
  // returns, so ROLLBACK TO may fail, and is prepared now. When a statement that is still reading
  // is reset after such an error, SQLite rolls back the whole transaction: `reading` is there for
  // that (tests/faults/memory_test.cpp, `installation`).
  auto reading = statements.prepare("SELECT count(*) FROM main.sqlite_schema UNION ALL SELECT 0");
  auto rollback = statements.prepare("ROLLBACK TO saldo_install");
  auto release = statements.prepare("RELEASE saldo_install");
  statements.execute("SAVEPOINT saldo_install");
  try {
    reading.step();
    if (empty) {
      install_anew(statements, opening_day, country);
    } else {
      upgrade(statements);
    }
    statements.execute("PRAGMA main.application_id = " + std::to_string(kApplicationId));
    statements.execute("PRAGMA main.user_version = " + std::to_string(kSchemaVersion));
    reading.reset();
    release.step();
  } catch (const std::exception&) {
    undo(rollback);
    undo(release);
    reading.reset();
    throw;
  }
}

}  // namespace saldo
