// Moves the clock of the notices: each turn posts what has fallen due.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "metrics.h"
#include "store/writer.h"

namespace saldo::server {

class NoticeJob {
 public:
  NoticeJob(Writer& writer, Metrics& metrics, std::chrono::milliseconds every);
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
  void move();

  Writer& writer_;
  Metrics& metrics_;
  std::chrono::milliseconds every_;
  std::atomic<bool> failing_{false};
  std::thread thread_;
};

}  // namespace saldo::server
