#include "log/position.h"

namespace saldo::server {

std::optional<LogState> read_log_state(Database& database) {
  auto table =
      database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'log_state'");
  if (!table.step()) return std::nullopt;
  auto row = database.prepare(
      "SELECT cluster_id, revision, number, last_id, chain, log_time, build, seal FROM log_state");
  if (!row.step()) return std::nullopt;
  LogState state{
      {std::string(row.text(0)), row.integer(1), row.integer(2), std::string(row.text(3))},
      std::string(row.text(4)),
      parse_instant(row.text(5)).value_or(Instant()),
      std::string(row.text(6)),
      row.integer(7)};
  return state;
}

void write_log_state(Database& database, const LogState& state) {
  static constexpr const char* kTables[] = {
      "CREATE TABLE IF NOT EXISTS log_state(one INTEGER PRIMARY KEY CHECK (one = 1), cluster_id "
      "TEXT NOT NULL, revision INTEGER NOT NULL, number INTEGER NOT NULL, last_id TEXT NOT NULL, "
      "chain TEXT NOT NULL, log_time TEXT NOT NULL, build TEXT NOT NULL, seal INTEGER NOT NULL)",
      "CREATE TABLE IF NOT EXISTS log_entry(by TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT "
      "NULL, status INTEGER NOT NULL, PRIMARY KEY (by, id)) WITHOUT ROWID",
      "CREATE TABLE IF NOT EXISTS log_node(node TEXT PRIMARY KEY NOT NULL, number INTEGER NOT "
      "NULL, "
      "revision INTEGER NOT NULL, at TEXT NOT NULL, day TEXT NOT NULL, build TEXT NOT NULL) "
      "WITHOUT ROWID"};
  const std::string log_time = format_instant(state.log_time);
  const auto write = [&](const char* sql) {
    auto row = database.prepare(sql);
    row.bind_static(1, state.position.cluster_id)
        .bind(2, state.position.revision)
        .bind(3, state.position.number)
        .bind_static(4, state.position.last_id)
        .bind_static(5, state.chain)
        .bind_static(6, log_time)
        .bind_static(7, state.build)
        .bind(8, state.seal)
        .step();
  };
  if (!read_log_state(database)) {
    for (const auto* sql : kTables) database.execute(sql);
    return write("INSERT INTO log_state VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  }
  write(
      "UPDATE log_state SET cluster_id = ?1, revision = ?2, number = ?3, last_id = ?4, chain = ?5, "
      "log_time = ?6, build = ?7, seal = ?8");
}

void drop_log_state(Database& database) {
  database.execute(
      "DROP TABLE IF EXISTS log_state; DROP TABLE IF EXISTS log_entry; DROP TABLE IF EXISTS "
      "log_node");
}

bool counts(const LogState& state, const Put& put) {
  return put.seen.number >= state.seal && (state.build.empty() || put.build == state.build);
}

void move_past(LogState& state, const LogItem& item, const Put& put, bool seals) {
  if (counts(state, put)) state.build = put.build;
  if (seals) {
    state.seal = item.number;
    state.build.clear();
  }
  state.position.number = item.number;
  state.position.revision = item.revision;
  state.position.last_id = put.id;
}

std::optional<int> find_log_entry(Database& database, const Entry& entry) {
  const auto by = format_instant(entry.by);
  auto row = database.prepare("SELECT status FROM log_entry WHERE by = ?1 AND id = ?2");
  row.bind_static(1, by).bind_static(2, entry.id);
  if (!row.step()) return std::nullopt;
  return static_cast<int>(row.integer(0));
}

void add_log_entry(Database& database, const Entry& entry, std::int64_t number, int status) {
  const auto by = format_instant(entry.by);
  database.prepare("INSERT INTO log_entry(by, id, number, status) VALUES (?1, ?2, ?3, ?4)")
      .bind_static(1, by)
      .bind_static(2, entry.id)
      .bind(3, number)
      .bind(4, std::int64_t{status})
      .step();
}

void forget_log_entries(Database& database, const LogState& state) {
  constexpr std::int64_t kPuts = 512;  // more than one commit applies
  const auto by = format_instant(state.log_time - std::chrono::minutes{1});
  database.prepare("DELETE FROM log_entry WHERE by < ?1 AND number < ?2")
      .bind_static(1, by)
      .bind(2, state.position.number - kPuts)
      .step();
}

void note_node(Database& database, const std::string& node, const Entry& mark) {
  if (mark.data.contains("leaves")) {
    const auto leaving = mark.data.value("leaves", "");
    database.prepare("DELETE FROM log_node WHERE node = ?1").bind_static(1, leaving).step();
    return;
  }
  const std::string at = format_instant(mark.at);
  const auto day = mark.data.value("day", "");
  const auto build = mark.data.value("build", "");
  database
      .prepare(
          "INSERT INTO log_node(node, number, revision, at, day, build) VALUES (?1, ?2, ?3, ?4, "
          "?5, ?6) ON CONFLICT (node) DO UPDATE SET number = excluded.number, revision = "
          "excluded.revision, at = excluded.at, day = excluded.day, build = excluded.build")
      .bind_static(1, node)
      .bind(2, mark.data.value("number", std::int64_t{0}))
      .bind(3, mark.data.value("revision", std::int64_t{0}))
      .bind_static(4, at)
      .bind_static(5, day)
      .bind_static(6, build)
      .step();
}

std::optional<std::int64_t> least_revision(Database& database, const std::string& without) {
  auto row = database.prepare("SELECT min(revision) FROM log_node WHERE node <> ?1");
  row.bind_static(1, without);
  if (!row.step() || row.is_null(0)) return std::nullopt;
  return row.integer(0);
}

Seen seen_in(Database& database, const LogState& state) {
  Seen seen{state.position.number, state.chain, "", ""};
  auto row = database.prepare("SELECT day, digest FROM day_close ORDER BY day DESC LIMIT 1");
  if (row.step()) {
    seen.day = row.text(0);
    seen.digest = row.text(1);
  }
  return seen;
}

void require_no_log(Database& database, const std::string& path) {
  if (!read_log_state(database)) return;
  throw std::runtime_error(path +
                           " follows a log, by which all its writes come: name it with --log, or "
                           "`saldod log leave` makes the file one that stands alone");
}

}  // namespace saldo::server
