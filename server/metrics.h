// What the server counts, in the text format of Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "log/figures.h"

namespace saldo::server {

class Metrics {
 public:
  // The requests of one method and route.
  class Requests {
   public:
    explicit Requests(std::string labels) : labels_(std::move(labels)) {}
    void count(int status, std::chrono::nanoseconds took);

   private:
    friend class Metrics;
    static constexpr std::array<double, 8> kBounds = {0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10};

    std::string labels_;  // method="…",route="…"
    mutable std::mutex mutex_;
    std::map<int, std::uint64_t> by_status_;
    std::array<std::uint64_t, kBounds.size()> within_bound_{};
    std::uint64_t count_ = 0;
    double seconds_ = 0;
  };

  // `route` is a route's path as its head has it; "" for requests that found none. Valid as long as
  // the Metrics are. Not while requests are counted.
  Requests& add(std::string_view method, std::string_view route);

  void count_closed_day(std::chrono::nanoseconds took);
  void count_failed_close() { ++failed_closes_; }
  void count_failed_notices() { ++failed_notices_; }
  void count_pay_conflict() { ++pay_conflicts_; }
  void count_delivery(const std::string& channel, const std::string& outcome);

  // What is known elsewhere, at the moment of asking.
  struct Gauges {
    std::uint64_t connections = 0;
    std::uint64_t commits = 0;
    std::uint64_t writes = 0;
    std::uint64_t waiting_writes = 0;
    std::int64_t overdue_days = 0;
    bool mail_paused = false;
    std::map<std::string, std::uint64_t> notices;  // posted since the start, by kind
    struct Waiting {
      std::uint64_t deliveries = 0;
      std::int64_t oldest_seconds = 0;
    };
    std::map<std::string, Waiting> waiting;  // by channel
    std::optional<LogFigures> log;           // nullopt: the file stands alone
  };
  [[nodiscard]] std::string text(const Gauges& gauges) const;

 private:
  std::deque<Requests> requests_;
  std::atomic<std::uint64_t> closed_days_{0};
  std::atomic<std::uint64_t> failed_closes_{0};
  std::atomic<std::int64_t> closing_nanoseconds_{0};
  std::atomic<std::uint64_t> failed_notices_{0};
  std::atomic<std::uint64_t> pay_conflicts_{0};
  mutable std::mutex deliveries_mutex_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> deliveries_;  // channel, outcome
};

}  // namespace saldo::server
