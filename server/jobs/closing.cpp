#include "jobs/closing.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "rules/time.h"
#include "store/anchor.h"

namespace saldo::server {
namespace {

// How long to wait before looking again for a day to close: a quarter of --close-after, within
// these.
constexpr std::chrono::milliseconds kWaitMax{30'000};
constexpr std::chrono::milliseconds kWaitMin{200};

}  // namespace

bool close_next_day(Database& database, std::chrono::seconds after) {
  const Instant now = clock_now();
  const std::string closed_at = format_instant(now);
  const std::string ended_by = format_instant(now - after);
  database
      .prepare(
          "INSERT INTO day_close(day, closed_at) SELECT open_day, ?1 FROM books WHERE "
          "day_end(open_day) <= ?2")
      .bind_static(1, closed_at)
      .bind_static(2, ended_by)
      .step();
  return sqlite3_changes(database.handle()) > 0;
}

std::int64_t overdue_days(sqlite3* database, std::optional<std::chrono::seconds> close_after,
                          Instant now) {
  if (!close_after) return 0;
  const std::string instant = format_instant(now - *close_after);
  auto row = compile_once(
      database, "SELECT max(0, julianday(billing_day(?1)) - julianday(open_day)) FROM books");
  row.bind_static(1, instant);
  return row.step() ? row.integer(0) : 0;
}

ClosingJob::ClosingJob(Writer& writer, Writes& writes, Metrics& metrics,
                       std::chrono::seconds close_after, std::string anchor)
    : writer_(writer),
      writes_(writes),
      metrics_(metrics),
      close_after_(close_after),
      anchor_(std::move(anchor)),
      thread_([this] { run(); }) {}

ClosingJob::~ClosingJob() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

std::optional<std::string> ClosingJob::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void ClosingJob::run() {
  std::unique_lock lock(mutex_);
  const auto stopped = [&] { return stopping_; };
  if (stop_.wait_for(lock, close_after_, stopped)) return;
  const auto wait = std::clamp<std::chrono::milliseconds>(close_after_ / 4, kWaitMin, kWaitMax);
  for (;;) {
    lock.unlock();
    const bool closed = close_one();
    lock.lock();
    if (stop_.wait_for(lock, closed ? std::chrono::milliseconds(0) : wait, stopped)) return;
  }
}

std::string ClosingJob::due_day() {
  std::string day;
  writer_.write([&](Database& database) {
    const std::string ended_by = format_instant(clock_now() - close_after_);
    auto row = database.prepare("SELECT open_day FROM books WHERE day_end(open_day) <= ?1");
    row.bind_static(1, ended_by);
    if (row.step()) day = row.text(0);
  });
  return day;
}

bool ClosingJob::wait_for_others() {
  std::unique_lock lock(mutex_);
  return !stop_.wait_for(lock, writes_.replica()->random_delay(), [&] { return stopping_; });
}

bool ClosingJob::close_one() {
  std::optional<std::string> problem;
  bool closed = false;
  try {
    std::string day = due_day();
    if (!day.empty() && writes_.replica() != nullptr) day = wait_for_others() ? due_day() : "";
    const auto start = std::chrono::steady_clock::now();
    if (!day.empty())
      closed = writes_.write("close", {{"day", day}}, true).status == Applied::kDone;
    const auto took = std::chrono::steady_clock::now() - start;
    if (closed) {
      metrics_.count_closed_day(took);
      spdlog::info("closed {} in {:.1f} s", day, std::chrono::duration<double>(took).count());
    }
    if (!anchor_.empty())
      writer_.write([&](Database& database) { append_anchor(anchor_, database); }, true);
  } catch (const SqliteError& error) {
    // The sentence of a refusal names days and accounts, never money.
    problem = error.what();
  } catch (const Error& error) {
    // What is wrong with the log is told of the log.
    if (writes_.replica() == nullptr || error.code() != ErrorCode::kOverloaded)
      problem = error.what();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  if (problem) {
    metrics_.count_failed_close();
    spdlog::error("closing a day failed, and is tried again: {}", *problem);
    closed = false;
  }
  const std::lock_guard lock(mutex_);
  problem_ = problem;
  return closed;
}

}  // namespace saldo::server
