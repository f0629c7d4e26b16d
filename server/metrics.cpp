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

void Metrics::count_delivery(const std::string& channel, const std::string& outcome) {
  const std::lock_guard lock(deliveries_mutex_);
  ++deliveries_[{channel, outcome}];
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
  head("saldo_notices_total", "counter", "Notices posted since the server's start.");
  for (const auto& [kind, count] : gauges.notices)
    fmt::format_to(out, "saldo_notices_total{{kind=\"{}\"}} {}\n", kind, count);
  figure("saldo_notice_clock_failures_total", "counter", "Failures to move the clock of notices.",
         failed_notices_.load());
  figure("saldo_pay_conflicts_total", "counter",
         "Payments that came again from a payment system with other content.",
         pay_conflicts_.load());
  head("saldo_deliveries_total", "counter",
       "Attempts of deliveries; `again` and `paused` ones are made again.");
  {
    const std::lock_guard lock(deliveries_mutex_);
    for (const auto& [key, count] : deliveries_) {
      fmt::format_to(out, "saldo_deliveries_total{{channel=\"{}\",outcome=\"{}\"}} {}\n", key.first,
                     key.second, count);
    }
  }
  head("saldo_waiting_deliveries", "gauge", "Deliveries that wait now.");
  for (const auto& [channel, waiting] : gauges.waiting) {
    fmt::format_to(out, "saldo_waiting_deliveries{{channel=\"{}\"}} {}\n", channel,
                   waiting.deliveries);
  }
  head("saldo_oldest_delivery_seconds", "gauge", "Age of the oldest notice that waits.");
  for (const auto& [channel, waiting] : gauges.waiting) {
    fmt::format_to(out, "saldo_oldest_delivery_seconds{{channel=\"{}\"}} {}\n", channel,
                   waiting.oldest_seconds);
  }
  figure("saldo_mail_paused", "gauge",
         "1: the relay refuses the server's own configuration, and all e-mail pauses.",
         gauges.mail_paused ? 1 : 0);
  if (!gauges.log) return text;
  const auto& log = *gauges.log;
  figure("saldo_log_number", "gauge", "The last put of the log that is applied here.", log.number);
  figure("saldo_log_head", "gauge", "The last put of the log, as far as it is known.", log.head);
  figure("saldo_log_lag", "gauge", "Puts of the log that are not applied here yet.",
         log.head - log.number);
  figure("saldo_log_appends_total", "counter", "Puts that this node has made.", log.appends);
  figure("saldo_log_resends_total", "counter", "Times a put was sent again.", log.resends);
  figure("saldo_log_rereads_total", "counter", "Times a put was read again, of another member.",
         log.rereads);
  figure("saldo_log_stopped", "gauge", "1: this node applies nothing any more.",
         log.stopped ? 1 : 0);
  figure("saldo_log_differs", "gauge", "Nodes that had another outcome of the log than this one.",
         log.differs);
  figure("saldo_log_clock_offset_seconds", "gauge",
         "How far this machine's clock is ahead of the median of the others'.",
         log.clock_offset_seconds);
  return text;
}

}  // namespace saldo::server
