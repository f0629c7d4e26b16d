#include "schema.h"

#include <algorithm>
#include <utility>

#include "rules/error.h"
#include "saldo.h"

namespace saldo {
namespace {

// The fact tables whose rows can be replaced or deleted while their day is open (superseded.sql is
// for each of them).
constexpr const char* kReplaceable[] = {
    "policy",        "calendar_exception", "service",      "tariff",         "account",
    "account_terms", "headcount",          "subscription", "payment_method", "adjustment_kind"};

std::string_view embedded(std::string_view name) {
  const auto found = std::find_if(kEmbeddedSql.begin(), kEmbeddedSql.end(),
                                  [&](const EmbeddedSql& sql) { return sql.name == name; });
  return found == kEmbeddedSql.end() ? std::string_view() : found->text;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The statements of a script, without the comments and white space before each.
std::vector<std::string> split(std::string_view script) {
  std::vector<std::string> statements;
  std::string statement;
  for (std::size_t at = 0; at < script.size();) {
    if (statement.empty() && script.substr(at, 2) == "--") {
      at = std::min(script.find('\n', at), script.size());
    } else if (statement.empty() && (script[at] == ' ' || script[at] == '\n')) {
      ++at;
    } else {
      const auto end = std::min(script.find(';', at), script.size() - 1);
      statement += script.substr(at, end + 1 - at);
      at = end + 1;
      if (sqlite3_complete(statement.c_str()) != 0) {
        statements.push_back(std::move(statement));
        statement.clear();
      }
    }
  }
  return statements;
}

// SQLite's triggers know one event each. In our files, as in PostgreSQL, `CREATE TRIGGER t BEFORE
// INSERT OR UPDATE ON ...` stands for two triggers, t_insert and t_update (likewise UPDATE OR
// DELETE); PRIOR is the row before the event, which for an INSERT is NEW, and after it for a DELETE
// OLD.
std::vector<std::string> expand(const std::string& statement) {
  struct Event {
    const char* name;
    const char* suffix;
    const char* prior;
  };
  constexpr Event kInsert{"INSERT", "_insert", "NEW."};
  constexpr Event kUpdate{"UPDATE", "_update", "OLD."};
  constexpr Event kDelete{"DELETE", "_delete", "OLD."};
  const std::pair<std::string, std::vector<Event>> shorthands[] = {
      {" BEFORE INSERT OR UPDATE ON", {kInsert, kUpdate}},
      {" BEFORE UPDATE OR DELETE ON", {kUpdate, kDelete}}};
  for (const auto& [shorthand, events] : shorthands) {
    const auto at = statement.find(shorthand);
    if (at == std::string::npos) continue;
    std::vector<std::string> triggers;
    for (const Event& event : events) {
      std::string trigger = statement;
      trigger.replace(at, shorthand.size(),
                      std::string(event.suffix) + " BEFORE " + event.name + " ON");
      triggers.push_back(replace_all(std::move(trigger), "PRIOR.", event.prior));
    }
    return triggers;
  }
  return {statement};
}

void run(StatementCache& statements, std::string_view script) {
  for (const auto& statement : split(script)) {
    for (const auto& one : expand(statement)) statements.execute(one);
  }
}

std::string joined(const std::vector<std::string>& names, const std::string& separator,
                   const std::string& before_each, const std::string& after_each = "") {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += separator;
    text += before_each;
    text += name;
    text += after_each;
  }
  return text;
}

// superseded.sql for one table.
void create_history(StatementCache& statements, const std::string& table) {
  std::vector<std::string> columns;
  std::vector<std::string> key;
  auto row = statements.prepare("SELECT name, pk FROM pragma_table_info(?1, 'main')");
  row.bind(1, table);
  while (row.step()) {
    columns.emplace_back(row.text(0));
    if (row.integer(1) > 0) key.emplace_back(row.text(0));
  }
  const auto json_row = [&](const std::string& source) {
    std::string text;
    for (const auto& column : columns) {
      if (!text.empty()) text += ", ";
      text.append("'").append(column).append("', ").append(source).append(column);
    }
    return "saldo_json_object(" + text + ")";
  };
  std::string script(embedded("superseded.sql"));
  script = replace_all(script, "{table}", table);
  script = replace_all(script, "{row}", json_row(""));
  script = replace_all(script, "{OLD row}", json_row("OLD."));
  script = replace_all(script, "{NEW key}", "saldo_json_array(" + joined(key, ", ", "NEW.") + ")");
  script = replace_all(script, "{OLD key}", "saldo_json_array(" + joined(key, ", ", "OLD.") + ")");
  script = replace_all(script, "{is NEW}",
                       "(" + joined(key, ", ", "") + ") = (" + joined(key, ", ", "NEW.") + ")");
  script = replace_all(script, "{is not OLD}",
                       "(" + joined(key, ", ", "") + ") <> (" + joined(key, ", ", "OLD.") + ")");
  run(statements, script);
}

void create_triggers_and_views(StatementCache& statements) {
  run(statements, embedded("triggers.sql"));
  run(statements, embedded("books_version.sql"));
  for (const char* table : kReplaceable) create_history(statements, table);
  run(statements, embedded("views.sql"));
  run(statements, embedded("audits.sql"));
}

std::int64_t pragma(StatementCache& statements, const char* sql) {
  auto row = statements.prepare(sql);
  return row.step() ? row.integer(0) : 0;
}

// Where SQLite has rolled back by itself there is no savepoint any more; the first error is to
// tell.
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
  for (const auto& object : installed_objects()) {
    if (object.type != "trigger" && object.type != "view") continue;
    statements.execute("DROP " + object.type + " IF EXISTS main." + object.name);
  }
  create_triggers_and_views(statements);
}

void install_anew(StatementCache& statements, Day opening_day, const std::string& country) {
  create_schema(statements);
  // The calendar goes in before the books are open, and so may reach back before the opening.
  run(statements, embedded("reference.sql"));
  if (country != "none") run(statements, embedded("calendar/" + country + ".sql"));
  auto policy = statements.prepare("INSERT INTO main.policy(valid_from) VALUES (?1)");
  policy.bind(1, format_day(opening_day)).step();
}

void check_country(const std::string& country) {
  if (country == "none" || !embedded("calendar/" + country + ".sql").empty()) return;
  std::string known = "none";
  for (const auto& sql : kEmbeddedSql) {
    constexpr std::string_view kFolder = "calendar/";
    if (sql.name.substr(0, kFolder.size()) != kFolder) continue;
    known +=
        ", " + std::string(sql.name.substr(kFolder.size(), sql.name.find('.') - kFolder.size()));
  }
  throw not_found("there is no calendar of the country '" + country + "'; there are: " + known);
}

// In UTF-16 texts sort otherwise, and so the same books would have other digests.
void check_encoding(StatementCache& statements) {
  auto row = statements.prepare("PRAGMA main.encoding");
  if (!row.step() || row.text(0) == "UTF-8") return;
  throw conflict("the texts of this database are " + std::string(row.text(0)) +
                 "; install in a new file, or in this one, as long as it is empty, after PRAGMA"
                 " encoding = 'UTF-8'");
}

}  // namespace

void create_schema(StatementCache& statements) {
  run(statements, embedded("tables.sql"));
  create_triggers_and_views(statements);
}

std::vector<SchemaObject> installed_objects() {
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  sqlite3* db = nullptr;
  const int code = sqlite3_open(":memory:", &db);
  const std::unique_ptr<sqlite3, Close> close(db);
  if (code != SQLITE_OK) throw SqliteError(code, sqlite3_errstr(code));
  register_saldo(db);
  StatementCache statements(db);
  create_schema(statements);
  std::vector<SchemaObject> objects;
  auto row = statements.prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (row.step()) {
    objects.push_back({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                       std::string(row.text(3))});
  }
  return objects;
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
  // Prepared before anything can fail. Once SQLite has lacked memory, for the release at the
  // latest, it runs no other statement until the outer one ends; but to reset one that is reading
  // then rolls back everything.
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
