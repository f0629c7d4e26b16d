#include "jobs/audits.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "jobs/closing.h"
#include "store/private_file.h"

namespace saldo::server {
namespace {

constexpr int kOutcomesPatienceMilliseconds = 5'000;
// Of a thread that others go before (Linux has a priority for each).
constexpr int kAuditNiceness = 10;

using nlohmann::ordered_json;

}  // namespace

AuditJob::AuditJob(const std::string& books, const std::string& outcomes,
                   std::function<Instant()> now, std::optional<std::chrono::seconds> close_after,
                   std::chrono::milliseconds look_again)
    : books_(books, Database::Mode::kRead),
      outcomes_(private_file(outcomes), SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX),
      now_(std::move(now)),
      close_after_(close_after),
      look_again_(look_again) {
  sqlite3_busy_timeout(outcomes_.handle(), kOutcomesPatienceMilliseconds);
  outcomes_.execute("CREATE TABLE IF NOT EXISTS audit_outcome(outcome TEXT NOT NULL)");
  read_outcome();
  books_.watch_stop(stopping_);
  thread_ = std::thread([this] { run(); });
}

AuditJob::~AuditJob() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void AuditJob::read_outcome() {
  auto row = outcomes_.prepare("SELECT outcome FROM audit_outcome");
  if (!row.step()) return;
  auto stored = ordered_json::parse(row.text(0), nullptr, false);
  if (!stored.is_object()) return;
  const auto text = [&](const char* name) {
    const auto found = stored.find(name);
    return found != stored.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string day = text("day");
  const std::string digest = text("digest");
  auto closed = books_.prepare("SELECT 1 FROM day_close WHERE day = ?1 AND digest = ?2");
  closed.bind_static(1, day).bind_static(2, digest);
  if (closed.step()) outcome_ = std::move(stored);
}

void AuditJob::ask() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

std::string AuditJob::last() const {
  const std::lock_guard lock(mutex_);
  auto told = outcome_;
  told["running"] = running_ || asked_ ? 1 : 0;
  return told.dump();
}

void AuditJob::run() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kAuditNiceness);
  while (!stopping_) {
    bool due = false;
    try {
      due = close_after_ && is_due();
    } catch (const std::exception& error) {
      spdlog::error("the audits: {}", error.what());
    }
    {
      std::unique_lock lock(mutex_);
      if (!due) {
        const auto wakes = [&] { return stopping_ || asked_; };
        // Where nothing is done unasked, nothing is looked for.
        if (close_after_) {
          wake_.wait_for(lock, look_again_, wakes);
        } else {
          wake_.wait(lock, wakes);
        }
        if (!asked_) continue;
      }
      asked_ = false;
      running_ = true;
    }
    try {
      audit();
    } catch (const std::exception& error) {
      spdlog::error("the audits failed: {}", error.what());
    }
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
}

bool AuditJob::is_due() {
  std::string closed;
  {
    auto row = books_.prepare("SELECT last_closed_day FROM books");
    if (row.step()) closed = row.text(0);
  }
  const bool has_moved = std::exchange(seen_, closed) != closed;
  if (closed.empty() || closed == tried_) return false;
  if (has_moved && overdue_days(books_.handle(), close_after_, now_()) > 0) return false;
  tried_ = closed;
  const std::lock_guard lock(mutex_);
  return outcome_.value("day", ordered_json()) != closed;
}

void AuditJob::audit() {
  const Instant at = now_();
  const auto start = std::chrono::steady_clock::now();
  ordered_json outcome = {{"day", nullptr}, {"digest", nullptr}, {"at", format_instant(at)}};
  auto found = ordered_json::array();
  std::string violations;
  try {
    books_.set_now(at);
    {
      auto row = books_.prepare(
          "SELECT day, digest FROM day_close WHERE digest IS NOT NULL ORDER BY day DESC LIMIT 1");
      if (row.step()) {
        outcome["day"] = row.text(0);
        outcome["digest"] = row.text(1);
      }
    }
    auto row = books_.prepare("SELECT check_name, violations FROM audit");
    while (row.step()) {
      found.push_back({row.text(0), row.integer(1)});
      if (row.integer(1) == 0) continue;
      violations += " " + std::string(row.text(0)) + " " + std::to_string(row.integer(1));
    }
  } catch (const SqliteError& error) {
    if (stopping_) return;
    outcome["problem"] = error_of(error).what();
    spdlog::error("the audits failed: {}: {}", sqlite3_errstr(error.code()), error.what());
  } catch (const std::exception& error) {
    if (stopping_) return;
    outcome["problem"] = "the audits failed";
    spdlog::error("the audits failed: {}", error.what());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  outcome["seconds"] = static_cast<std::int64_t>(took.count());
  outcome["found"] = std::move(found);
  if (stopping_) return;
  if (!violations.empty()) spdlog::error("the audits find violations:{}", violations);
  const std::string text = outcome.dump();
  {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
  }
  try {
    outcomes_.execute("BEGIN IMMEDIATE; DELETE FROM audit_outcome");
    outcomes_.prepare("INSERT INTO audit_outcome VALUES (?1)").bind_static(1, text).step();
    outcomes_.execute("COMMIT");
  } catch (const SqliteError& error) {
    // It is told until the server stops, and then found anew.
    spdlog::error("the outcome of the audits cannot be kept: {}", error.what());
    if (outcomes_.in_transaction()) outcomes_.execute("ROLLBACK");
  }
}

}  // namespace saldo::server
