// The one connection that writes, on a thread of its own. Writes that wait together share one
// commit, each in its own savepoint, so that one's failure is its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "store/commits.h"
#include "store/database.h"

namespace saldo::server {

class Writer {
 public:
  struct Figures {
    std::uint64_t commits = 0;
    std::uint64_t writes = 0;  // in these commits
    std::size_t waiting = 0;
  };

  // At most `waiting_max` writes wait, each for at most `patience` until it begins.
  Writer(const std::string& path, std::chrono::milliseconds busy, std::size_t waiting_max,
         std::chrono::milliseconds patience);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  Writer(Writer&&) = delete;
  Writer& operator=(Writer&&) = delete;
  // Does what waits, and stops.
  ~Writer();

  // Work runs inside a transaction, in a savepoint of its own: when it throws, all of it is undone,
  // and nothing of its neighbours. It may run a second time, after the first time was undone with
  // its neighbours' work.
  using Work = std::function<void(Database&)>;
  // Returns when the work is on disk, or throws what the work threw; overloaded when it did not
  // begin in time or the database was held by another program. `alone`: in a commit of its own.
  void write(const Work& work, bool alone = false);
  [[nodiscard]] Figures figures() const;
  // Announces each commit.
  [[nodiscard]] Commits& commits() { return commits_; }

 private:
  struct Job;
  using Jobs = std::vector<std::shared_ptr<Job>>;

  void run();
  Jobs next_jobs();
  void commit(const Jobs& jobs);
  bool try_commit(const Jobs& jobs);
  void finish(const Jobs& jobs);

  Database database_;
  Commits commits_;
  std::size_t waiting_max_;
  std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable finished_;
  std::deque<std::shared_ptr<Job>> jobs_;
  Figures figures_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace saldo::server
