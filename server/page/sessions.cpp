#include "page/sessions.h"

#include <openssl/rand.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "hash.h"
#include "store/private_file.h"

namespace saldo::server {
namespace {

// Not with each request: the file would be written all the time.
constexpr std::chrono::minutes kTouchEvery{1};
constexpr int kPatienceMilliseconds = 5'000;

}  // namespace

std::string random_name() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the system has no randomness to give");
  return hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Sessions::Sessions(const std::string& path)
    : file_(private_file(path), SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX) {
  sqlite3_busy_timeout(file_.handle(), kPatienceMilliseconds);
  // A power cut may take away a sign-in, but brings none back that ended, and breaks no file.
  file_.prepare("PRAGMA journal_mode = WAL").step();
  file_.prepare("PRAGMA synchronous = NORMAL").step();
  file_.execute(
      "CREATE TABLE IF NOT EXISTS session(hash TEXT PRIMARY KEY NOT NULL, token TEXT NOT NULL,"
      " token_hash TEXT NOT NULL, started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,"
      " notice TEXT) WITHOUT ROWID");
  file_.execute(
      "CREATE TABLE IF NOT EXISTS kept(session TEXT PRIMARY KEY NOT NULL"
      " REFERENCES session ON DELETE CASCADE, name TEXT NOT NULL, content BLOB NOT NULL)");
  file_.execute("PRAGMA foreign_keys = ON");
}

void Sessions::delete_ended(std::int64_t now) {
  file_.prepare("DELETE FROM session WHERE started_at < ?1 OR seen_at < ?2")
      .bind(1, now - seconds(kSessionLength).count())
      .bind(2, now - seconds(kSessionIdle).count())
      .step();
}

std::string Sessions::begin(std::string_view token, std::string_view token_hash, Instant now) {
  std::string cookie = random_name();
  const std::string hash = sha256_hex(cookie);
  const std::int64_t second = now.time_since_epoch().count();
  const std::lock_guard lock(mutex_);
  delete_ended(second);
  file_.prepare("INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?4, NULL)")
      .bind(1, std::string_view(hash))
      .bind(2, token)
      .bind(3, token_hash)
      .bind(4, second)
      .step();
  return cookie;
}

std::optional<Session> Sessions::find(std::string_view cookie, Instant now) {
  if (cookie.empty()) return std::nullopt;
  const std::string hash = sha256_hex(cookie);
  const std::int64_t second = now.time_since_epoch().count();
  const std::lock_guard lock(mutex_);
  Session session;
  bool touch = false;
  {
    auto row = file_.prepare(
        "SELECT token, token_hash, notice, seen_at FROM session"
        " WHERE hash = ?1 AND started_at > ?2 AND seen_at > ?3");
    row.bind(1, std::string_view(hash))
        .bind(2, second - seconds(kSessionLength).count())
        .bind(3, second - seconds(kSessionIdle).count());
    if (!row.step()) return std::nullopt;
    session = {hash, std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))};
    touch = row.integer(3) <= second - seconds(kTouchEvery).count();
  }
  if (touch) {
    file_.prepare("UPDATE session SET seen_at = ?2 WHERE hash = ?1")
        .bind(1, std::string_view(hash))
        .bind(2, second)
        .step();
    delete_ended(second);
  }
  return session;
}

void Sessions::end_of(std::string_view id) {
  const std::lock_guard lock(mutex_);
  file_.prepare("PRAGMA synchronous = FULL").step();
  file_.prepare("DELETE FROM session WHERE hash = ?1").bind(1, id).step();
  file_.prepare("PRAGMA synchronous = NORMAL").step();
}

void Sessions::set_notice(const Session& session, std::string_view notice) {
  const std::lock_guard lock(mutex_);
  file_.prepare("UPDATE session SET notice = ?2 WHERE hash = ?1")
      .bind(1, std::string_view(session.id))
      .bind(2, notice)
      .step();
}

void Sessions::clear_notice(const Session& session) {
  const std::lock_guard lock(mutex_);
  file_.prepare("UPDATE session SET notice = NULL WHERE hash = ?1")
      .bind(1, std::string_view(session.id))
      .step();
}

std::string Sessions::keep(const Session& session, std::string_view content) {
  std::string name = random_name();
  const std::lock_guard lock(mutex_);
  auto row = file_.prepare("INSERT OR REPLACE INTO kept VALUES (?1, ?2, ?3)");
  row.bind(1, std::string_view(session.id)).bind(2, std::string_view(name));
  row.bind_blob_static(3, content);
  row.step();
  return name;
}

std::string Sessions::kept(const Session& session, std::string_view name) {
  const std::lock_guard lock(mutex_);
  auto row = file_.prepare("SELECT content FROM kept WHERE session = ?1 AND name = ?2");
  row.bind(1, std::string_view(session.id)).bind(2, name);
  return row.step() ? std::string(row.blob(0)) : std::string();
}

std::string Sessions::list(Instant now) {
  const std::int64_t second = now.time_since_epoch().count();
  nlohmann::json list = nlohmann::json::array();
  const std::lock_guard lock(mutex_);
  auto row = file_.prepare(
      "SELECT hash, token, started_at, seen_at FROM session"
      " WHERE started_at > ?1 AND seen_at > ?2"
      " ORDER BY started_at");
  row.bind(1, second - seconds(kSessionLength).count())
      .bind(2, second - seconds(kSessionIdle).count());
  const auto text = [](std::int64_t at) { return format_instant(Instant(seconds(at))); };
  while (row.step())
    list.push_back({std::string(row.text(0)), std::string(row.text(1)), text(row.integer(2)),
                    text(row.integer(3))});
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace saldo::server
