// What waits for something to happen in the database: woken by each commit of the writer, and at
// the end of the server.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace saldo::server {

class Commits {
 public:
  using Clock = std::chrono::steady_clock;

  void announce() {
    {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    changed_.notify_all();
  }

  // From now on nothing waits any more.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

  [[nodiscard]] std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

  // Until there are more than `seen` commits, or `until`. False: the server stops.
  bool wait(std::uint64_t seen, Clock::time_point until) const {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return stopped_ || count_ != seen; });
    return !stopped_;
  }

  // Until then, whatever is committed. False: the server stops.
  bool sleep(Clock::time_point until) const {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return stopped_; });
    return !stopped_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::uint64_t count_ = 0;
  bool stopped_ = false;
};

}  // namespace saldo::server
