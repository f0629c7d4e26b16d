// A log in the process, which does to its nodes what networks and members of etcd may do: a put is
// lost before it is taken, its acknowledgement is lost, it comes late (behind puts that were sent
// after it), or twice; what is read comes late, twice, with gaps, damaged, or the connection is
// lost.
#pragma once

#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "log/entry.h"
#include "log/log.h"

namespace saldo::server {

// How many of a thousand; or how many there were.
struct LogFaults {
  int lost = 0;
  int unacknowledged = 0;
  int late = 0;
  int twice = 0;
  int disconnected = 0;
  int gap = 0;
  int repeated = 0;
  int damaged = 0;
};

// What all nodes share.
class LogStore {
 public:
  LogStore(LogFaults faults, unsigned seed) : faults_(faults), random_(seed) {}

  // False: it is not acknowledged.
  bool append(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (happens(faults_.lost)) return ++counts.lost, false;
    // What was held up comes in at any time, whoever still waits for it.
    if (!held_.empty() && happens(500)) {
      add(held_.front());
      held_.erase(held_.begin());
    }
    if (happens(faults_.late)) {
      held_.push_back(text);
      return ++counts.late, false;
    }
    add(text);
    if (happens(faults_.twice)) {
      ++counts.twice;
      add(text);
    }
    if (happens(faults_.unacknowledged)) return ++counts.unacknowledged, false;
    return true;
  }

  bool happens(int of_a_thousand) {
    return std::uniform_int_distribution<int>(0, 999)(random_) < of_a_thousand;
  }

  // From now on all goes well.
  void heal() {
    const std::lock_guard lock(mutex_);
    faults_ = {};
  }

  std::string cluster_id = "one";
  std::vector<std::string> puts;
  bool out_of_reach = false;
  LogFaults counts;

 private:
  friend class MemoryLog;

  void add(const std::string& text) {
    puts.push_back(text);
    changed_.notify_all();
  }

  LogFaults faults_;
  std::mt19937 random_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> held_;
};

// What one node sees of it.
class MemoryLog : public Log {
 public:
  explicit MemoryLog(std::shared_ptr<LogStore> store) : store_(std::move(store)) {}

  void append(const std::string& text) override {
    if (stopping_ || store_->out_of_reach || !store_->append(text))
      throw LogUnreachable("not acknowledged");
  }

  Head follow(const Position& position) override {
    const std::lock_guard lock(store_->mutex_);
    check_reach();
    if (!position.cluster_id.empty() && position.cluster_id != store_->cluster_id)
      throw LogBroken("this is another log");
    const auto size = static_cast<std::int64_t>(store_->puts.size());
    if (position.number > size) throw LogBroken("the log ends before the position");
    if (position.number > 0) {
      const auto put = decode(store_->puts[static_cast<std::size_t>(position.number) - 1]);
      if (!put || put->id != position.last_id) throw LogBroken("another put is there");
    }
    next_ = position.number + 1;
    return {store_->cluster_id, size, size};
  }

  std::optional<LogItem> next(std::chrono::milliseconds patience) override {
    std::unique_lock lock(store_->mutex_);
    check_reach();
    auto& faults = store_->faults_;
    if (store_->happens(faults.disconnected)) {
      ++store_->counts.disconnected;
      throw LogUnreachable("the connection is lost");
    }
    const auto is_there = [&] {
      return stopping_ || next_ <= static_cast<std::int64_t>(store_->puts.size());
    };
    if (!store_->changed_.wait_for(lock, patience, is_there) || stopping_) return std::nullopt;
    if (next_ > 1 && store_->happens(faults.repeated)) {
      ++store_->counts.repeated;
      --next_;
    }
    if (next_ < static_cast<std::int64_t>(store_->puts.size()) && store_->happens(faults.gap)) {
      ++store_->counts.gap;
      ++next_;
    }
    LogItem item{next_, next_, store_->puts[static_cast<std::size_t>(next_) - 1]};
    ++next_;
    if (store_->happens(faults.damaged)) {
      ++store_->counts.damaged;
      auto& byte = item.text[item.text.size() / 2];
      byte = static_cast<char>(byte ^ 1);
    }
    return item;
  }

  Head head() override {
    const std::lock_guard lock(store_->mutex_);
    check_reach();
    const auto size = static_cast<std::int64_t>(store_->puts.size());
    return {store_->cluster_id, size, size};
  }

  void trim(std::int64_t /*revision*/) override {}

  void stop() override {
    const std::lock_guard lock(store_->mutex_);
    stopping_ = true;
    store_->changed_.notify_all();
  }

 private:
  void check_reach() const {
    if (stopping_ || store_->out_of_reach) throw LogUnreachable("out of reach");
  }

  std::shared_ptr<LogStore> store_;
  std::int64_t next_ = 1;
  std::atomic<bool> stopping_{false};
};

}  // namespace saldo::server
