// What the server counts, in the text format of Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace saldo::server {

class Metrics {
 public:
  // `route` is a route's path as its head has it, "" for what found none.
  void count_request(std::string_view method, std::string_view route, int status,
                     std::chrono::nanoseconds took);
  void count_closed_day(std::chrono::nanoseconds took);
  void count_failed_close() { ++failed_closes_; }

  // What is known elsewhere, at the moment of asking.
  struct Gauges {
    std::uint64_t connections = 0;
    std::uint64_t commits = 0;
    std::uint64_t writes = 0;
    std::uint64_t waiting_writes = 0;
    std::int64_t overdue_days = 0;
  };
  [[nodiscard]] std::string text(const Gauges& gauges) const;

 private:
  static constexpr std::array<double, 8> kBounds = {0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10};
  struct Requests {
    std::string labels;  // method="…",route="…"
    std::map<int, std::uint64_t> by_status;
    std::array<std::uint64_t, kBounds.size()> at_most{};
    std::uint64_t count = 0;
    double seconds = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Requests> requests_;  // by method and route
  std::atomic<std::uint64_t> closed_days_{0};
  std::atomic<std::uint64_t> failed_closes_{0};
  double closing_seconds_ = 0;
};

}  // namespace saldo::server
