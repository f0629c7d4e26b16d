// The closing job: each day is closed a while after its midnight, and a while after the server's
// own start, so that what was queued during an outage still finds its day open. Missed days are
// caught up in order.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "log/writes.h"
#include "metrics.h"

namespace saldo::server {

// Closes the open day if it had ended `after` before now; false when there was none to close. One
// statement, so that two servers do not close twice.
bool close_next_day(Database& database, std::chrono::seconds after);

// How many days are still open whose end was more than `close_after` before `now`; nullopt: the
// server closes no days, and none is late.
std::int64_t overdue_days(sqlite3* database, std::optional<std::chrono::seconds> close_after,
                          Instant now);

class ClosingJob {
 public:
  // Digests go to the file `anchor` unless that is empty. Where the file follows a log any node may
  // close a day, after a time of its own by which the others mostly find it closed.
  ClosingJob(Writer& writer, Writes& writes, Metrics& metrics, std::chrono::seconds close_after,
             std::string anchor);
  ClosingJob(const ClosingJob&) = delete;
  ClosingJob& operator=(const ClosingJob&) = delete;
  ClosingJob(ClosingJob&&) = delete;
  ClosingJob& operator=(ClosingJob&&) = delete;
  // A day that is being closed is finished.
  ~ClosingJob();

  // What went wrong the last time, if it did.
  [[nodiscard]] std::optional<std::string> problem() const;

 private:
  void run();
  // False: there is nothing more to close now.
  bool close_one();
  // The open day, if it ended long enough ago; empty: it did not.
  std::string due_day();
  // A part of the time that nodes spread their work over.
  bool wait_for_others();

  Writer& writer_;
  Writes& writes_;
  Metrics& metrics_;
  std::chrono::seconds close_after_;
  std::string anchor_;
  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::optional<std::string> problem_;
  std::thread thread_;
};

}  // namespace saldo::server
