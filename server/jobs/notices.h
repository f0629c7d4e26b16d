// Moves the clock of the notices: each turn posts what has fallen due.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "log/writes.h"
#include "metrics.h"

namespace saldo::server {

class NoticeJob {
 public:
  // Where the file follows a log any node may move the clock, as with ClosingJob.
  NoticeJob(Writer& writer, Writes& writes, Metrics& metrics, std::chrono::milliseconds every);
  NoticeJob(const NoticeJob&) = delete;
  NoticeJob& operator=(const NoticeJob&) = delete;
  NoticeJob(NoticeJob&&) = delete;
  NoticeJob& operator=(NoticeJob&&) = delete;
  // After Commits::stop().
  ~NoticeJob() { thread_.join(); }

  // Whether the last turn failed.
  [[nodiscard]] bool failing() const { return failing_; }

 private:
  void run();
  bool move();
  // Whether the clock was moved, by whomever, less than `every` ago.
  bool was_moved();

  Writer& writer_;
  Writes& writes_;
  Metrics& metrics_;
  std::chrono::milliseconds every_;
  std::atomic<bool> failing_{false};
  std::thread thread_;
};

}  // namespace saldo::server
