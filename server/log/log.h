// The log that all nodes append to and apply: a sequence of texts, numbered from 1 without gaps. By
// etcd (log/etcd_log.h); in the tests, by one in the process that loses, repeats and reorders at
// will.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace saldo::server {

// The log cannot be reached, or has no majority, right now.
class LogUnreachable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// This is not the log that it was, or that the file is of: whoever follows it must stop.
class LogBroken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LogItem {
  std::int64_t number = 0;    // by the log's own count
  std::int64_t revision = 0;  // where in the log it stands
  std::string text;
};

class Log {
 public:
  // Where a node is. A number of 0: at the beginning.
  struct Position {
    std::string cluster_id;
    std::int64_t revision = 0;
    std::int64_t number = 0;
    std::string last_id;  // of the put there
  };
  struct Head {
    std::string cluster_id;
    std::int64_t number = 0;  // 0: nothing was ever appended
    std::int64_t revision = 0;
  };

  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  Log(Log&&) = delete;
  Log& operator=(Log&&) = delete;
  virtual ~Log() = default;

  // Once. Then it is in the log, for good. Throws LogUnreachable, and then it may be there, or
  // still come; the next call tries the next member. From another thread than the rest.
  virtual void append(const std::string& text) = 0;

  // Checks that the log is the one of the position and still has what follows it, by the next
  // member; from now on next() gives that. Throws LogUnreachable and LogBroken.
  virtual Head follow(const Position& position) = 0;
  // What comes next; nullopt: nothing did in that time. Throws LogUnreachable, and then is to be
  // followed again, and LogBroken.
  virtual std::optional<LogItem> next(std::chrono::milliseconds patience) = 0;
  // Where the log ends by its majority. From a third thread. Throws LogUnreachable, and LogBroken
  // where it is another one than was followed last.
  virtual Head head() = 0;
  // Forgets what stands before that revision. Throws LogUnreachable.
  virtual void trim(std::int64_t revision) = 0;
  // From any thread: calls under way end soon, with LogUnreachable.
  virtual void stop() = 0;
};

}  // namespace saldo::server
