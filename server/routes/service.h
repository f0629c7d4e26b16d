// From a request to its answer: who asks, which route, what it says, what the database says. No
// HTTP library here.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "closing.h"
#include "metrics.h"
#include "readers.h"
#include "reply.h"
#include "sql_query.h"
#include "tokens.h"
#include "writer.h"

namespace saldo::server {

struct ServiceOptions {
  std::string database;
  std::string routes;  // a folder of the operator's own; empty: none
  int readers = 8;
  std::size_t most_waiting_writes = 1024;
  std::chrono::milliseconds busy_timeout{5000};
  std::chrono::milliseconds route_timeout{30'000};
  SqlLimits sql;
  bool test_clock = false;
  std::chrono::seconds close_after{std::chrono::hours{6}};
  std::string anchor;
};

struct Request {
  std::string_view method;
  std::string_view target;
  std::string_view body;
  std::string_view authorization;
  std::optional<std::string> idempotency_key;
  std::optional<std::string> now;  // the header Saldo-Now
  bool csv = false;
};

class Service {
 public:
  // Throws std::runtime_error for a database or route file that is none.
  explicit Service(const ServiceOptions& options);

  Reply handle(const Request& request) noexcept;

  // For the metrics; the transport counts them.
  std::atomic<std::uint64_t> connections{0};

 private:
  Reply answer(const Request& request, std::string_view& route, std::string& who);
  Reply answer_built_in(const Request& request);
  Reply read(Database& reader, const RouteTable::Match& match, const Request& request,
             const Target& target, const Token& token);
  Reply write(const RouteTable::Match& match, const Request& request, const Target& target,
              const Token& token);
  Reply query(const Request& request);
  Reply health();
  std::string metrics_text();
  std::int64_t overdue_days(Database& reader) const;
  [[nodiscard]] std::string now(const Request& request) const;

  ServiceOptions options_;
  RouteTable routes_;
  std::string openapi_;
  Metrics metrics_;
  Writer writer_;
  Readers readers_;
  Readers analysts_;
  std::optional<ClosingJob> closing_;
};

}  // namespace saldo::server
