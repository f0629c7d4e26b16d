#include "metrics.h"

#include <spdlog/fmt/fmt.h>

#include <iterator>

namespace saldo::server {
namespace {

double in_seconds(std::chrono::nanoseconds took) {
  return std::chrono::duration<double>(took).count();
}

// Of a label's value, in the text format of Prometheus.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

void Metrics::Requests::count(int status, std::chrono::nanoseconds took) {
  const double seconds = in_seconds(took);
  const std::lock_guard lock(mutex_);
  ++by_status_[status];
  ++count_;
  seconds_ += seconds;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++within_bound_[i];
  }
}

Metrics::Requests& Metrics::add(std::string_view method, std::string_view route) {
  return requests_.emplace_back(fmt::format(R"(method="{}",route="{}")", method, escaped(route)));
}

void Metrics::count_closed_day(std::chrono::nanoseconds took) {
  ++closed_days_;
  closing_nanoseconds_ += took.count();
}

std::string Metrics::text(const Gauges& gauges) const {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(out, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  };
  const auto figure = [&](std::string_view name, std::string_view type, std::string_view help,
                          auto value) {
    head(name, type, help);
    fmt::format_to(out, "{} {}\n", name, value);
  };
  head("saldo_http_requests_total", "counter", "Requests answered.");
  for (const auto& requests : requests_) {
    const std::lock_guard lock(requests.mutex_);
    for (const auto& [status, count] : requests.by_status_) {
      fmt::format_to(out, "saldo_http_requests_total{{{},status=\"{}\"}} {}\n", requests.labels_,
                     status, count);
    }
  }
  head("saldo_http_request_seconds", "histogram", "From the request read to its answer ready.");
  for (const auto& requests : requests_) {
    const std::lock_guard lock(requests.mutex_);
    if (requests.count_ == 0) continue;
    const auto bucket = [&](auto bound, std::uint64_t count) {
      fmt::format_to(out, "saldo_http_request_seconds_bucket{{{},le=\"{}\"}} {}\n",
                     requests.labels_, bound, count);
    };
    for (std::size_t i = 0; i < Requests::kBounds.size(); ++i)
      bucket(Requests::kBounds[i], requests.within_bound_[i]);
    bucket("+Inf", requests.count_);
    fmt::format_to(out, "saldo_http_request_seconds_sum{{{}}} {}\n", requests.labels_,
                   requests.seconds_);
    fmt::format_to(out, "saldo_http_request_seconds_count{{{}}} {}\n", requests.labels_,
                   requests.count_);
  }
  figure("saldo_http_connections", "gauge", "Connections open now.", gauges.connections);
  figure("saldo_commits_total", "counter", "Commits of the writer.", gauges.commits);
  figure("saldo_writes_total", "counter", "Writes in these commits, dry runs and refused ones too.",
         gauges.writes);
  figure("saldo_waiting_writes", "gauge", "Writes that wait for the writer now.",
         gauges.waiting_writes);
  figure("saldo_days_closed_total", "counter", "Days closed by this server's closing job.",
         closed_days_.load());
  figure("saldo_day_close_seconds_total", "counter", "Time that took.",
         in_seconds(std::chrono::nanoseconds(closing_nanoseconds_)));
  figure("saldo_day_close_failures_total", "counter", "Failures of the closing job.",
         failed_closes_.load());
  figure("saldo_overdue_days", "gauge", "Days that have ended and should be closed by now.",
         gauges.overdue_days);
  return text;
}

}  // namespace saldo::server
