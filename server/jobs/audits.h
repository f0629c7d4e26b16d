// Runs the audits: after each day that was closed, though not between days that are caught up, and
// when somebody asks for it. With large books that takes minutes, so nobody waits for it; what came
// of it is told until the next time, and lies in a file of the server's own beside the books.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "sqlite/connection.h"
#include "store/database.h"

namespace saldo::server {

class AuditJob {
 public:
  // With `close_after`, after which the server closes a day, also when nobody asks. Makes the file
  // `outcomes` where it is not there; what it has of other books is forgotten. Throws
  // std::runtime_error.
  AuditJob(const std::string& books, const std::string& outcomes, std::function<Instant()> now,
           std::optional<std::chrono::seconds> close_after,
           std::chrono::milliseconds look_again = std::chrono::seconds{30});
  AuditJob(const AuditJob&) = delete;
  AuditJob& operator=(const AuditJob&) = delete;
  AuditJob(AuditJob&&) = delete;
  AuditJob& operator=(AuditJob&&) = delete;
  // A run under way is broken off, and nothing is told of it.
  ~AuditJob();

  // Soon. Where one goes on, another follows it.
  void ask();
  // JSON: {"running": 0 or 1} and, of the last run, "day" and "digest" of the last closed day;
  // "at", when it began; "seconds"; "found", an array of [check, violations]; and "problem", why it
  // failed.
  [[nodiscard]] std::string last() const;

 private:
  void run();
  // What came of a run of these books, or of those they were copied from.
  void read_outcome();
  // Whether a day was closed since the last run, and no other is likely to be closed next.
  bool is_due();
  void audit();

  std::atomic<bool> stopping_{false};
  Database books_;
  Connection outcomes_;
  std::function<Instant()> now_;
  std::optional<std::chrono::seconds> close_after_;
  std::chrono::milliseconds look_again_;
  std::string seen_;   // the last closed day when it was looked for the last time
  std::string tried_;  // the one of which it was looked whether a run is due
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  nlohmann::ordered_json outcome_ = nlohmann::ordered_json::object();  // empty: there was no run
  bool asked_ = false;
  bool running_ = false;
  std::thread thread_;
};

}  // namespace saldo::server
