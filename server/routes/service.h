// From a request to its answer: who asks, for which route, in which format; and what the database
// says. No HTTP library here.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/sender.h"
#include "jobs/audits.h"
#include "jobs/closing.h"
#include "jobs/figures.h"
#include "jobs/notices.h"
#include "log/file_lock.h"
#include "log/writes.h"
#include "metrics.h"
#include "page/service.h"
#include "page/sessions.h"
#include "payments/asker.h"
#include "payments/functions.h"
#include "payments/secrets.h"
#include "routes/reply.h"
#include "routes/sql_query.h"
#include "sqlite/connection.h"
#include "store/answers.h"
#include "store/readers.h"
#include "store/writer.h"

namespace saldo::server {

struct ServiceOptions {
  std::string database;
  std::string routes;  // a folder of the operator's own; empty: none
  int readers = 8;
  std::size_t waiting_writes_max = 1024;
  std::chrono::milliseconds busy_timeout{5000};
  std::chrono::milliseconds route_timeout{30'000};
  SqlLimits sql;
  bool test_clock = false;
  bool demo_clock = false;  // the clock begins at noon of the open day
  bool has_tls = false;
  std::chrono::seconds close_after{std::chrono::hours{6}};
  std::string anchor;
  std::chrono::milliseconds notice_every{60'000};
  SenderOptions sender;
  int waiting_clients_max = 128;         // that wait for rows at once; others are answered at once
  std::string secrets;                   // the file with those of channels; empty: none
  std::vector<Network> trusted_proxies;  // whose X-Forwarded-For is believed
  std::shared_ptr<Log> log;              // null: the file stands alone
  ReplicaOptions replica;                // of its node; the build is the service's to tell
};

class Service {
 public:
  // Throws std::runtime_error for a file that is not a database of Saldo's, or not a valid route.
  explicit Service(const ServiceOptions& options);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  Service(Service&&) = delete;
  Service& operator=(Service&&) = delete;
  ~Service();

  // The jobs end what they are at, and clients who wait for rows or figures are answered. From any
  // thread.
  void stop() {
    writer_.commits().stop();
    figures_->stop();
  }

  // Whatever goes wrong is an answer, too.
  Reply handle(const HttpRequest& http) noexcept;
  // The answer to a request that the transport refuses; `target` is as in the request line.
  Reply refuse(std::string_view target, const Error& error) noexcept;

  // Reads the secrets of channels again. Throws std::runtime_error, and then the old ones stay.
  void reload_secrets() { secrets_.reload(); }

  // Whether the body may be a statement, which is larger than others: its route takes one, and the
  // token may use the route.
  bool takes_statement(std::string_view method, std::string_view target,
                       std::string_view authorization) noexcept;
  // Whether the body may be a form with a file, likewise.
  bool takes_file(const HttpRequest& http) noexcept;

  // For the metrics; the transport counts them.
  std::atomic<std::uint64_t> connections{0};

 private:
  // What is known of a request so far, for the log, the metrics and Allow.
  struct Progress {
    const RouteTable::Path* path = nullptr;
    const Route* route = nullptr;
    std::string who;
    bool is_for_people = false;  // with a browser
  };

  Metrics::Requests& requests_of(std::string_view method, const Route* route);
  Reply try_to_answer(const HttpRequest& http, Progress& progress);
  Reply answer(const HttpRequest& http, Progress& progress);
  Reply pay(const HttpRequest& http, Request& request, const std::vector<std::string>& path_values,
            Progress& progress);
  void check_sender(const HttpRequest& http, const Route& route,
                    const std::shared_ptr<const ChannelSecrets>& secrets) const;
  Reply failure(const HttpRequest& http, const Route& route, const Error& error);
  std::optional<Reply> run_before(const HttpRequest& http, Request& request,
                                  const RouteTable::Path& path, Readers::Lease& reader,
                                  RequestSight& sight);
  Reply write(const HttpRequest& http, Request& request, const RouteTable::Path& path,
              const std::vector<std::string>& path_values);
  Reply commit(Request& request, const std::optional<AnswerKey>& key,
               const std::exception_ptr& wrong);
  Reply commit_once(Request& request, const std::optional<AnswerKey>& key,
                    const std::exception_ptr& wrong, bool is_last);
  static void run_write(Database& database, const Request& request,
                        const std::optional<AnswerKey>& key, bool is_last, Reply& reply);
  void follow_log();
  void wait_for_position(const HttpRequest& http);
  Reply replicate(const Request& request, const std::optional<AnswerKey>& key,
                  const std::exception_ptr& wrong, bool is_last);
  Applied apply(Database& database, const Entry& entry, Instant now);
  void apply_request(Database& database, const Entry& entry, Instant now, Reply& reply);
  Reply wait_for_rows(const Request& request, std::chrono::seconds patience);
  Reply call(const Request& request);
  Reply test_mail(const Request& request);
  Reply test_webhook(const Request& request);
  Reply health();
  std::string metrics_text();
  Reply query(const Request& request);
  static std::optional<std::string> notice_clock_ahead(Database& reader);
  std::map<std::string, std::uint64_t> count_notices(Database& reader);
  void set_now(const HttpRequest& http, Request& request) const;
  [[nodiscard]] Instant now() const;

  ServiceOptions options_;
  Metrics metrics_;
  RouteTable routes_;
  std::map<std::string, Metrics::Requests*, std::less<>> unrouted_;  // by method
  std::once_flag openapi_made_;
  std::string openapi_;
  Writer writer_;
  Writes writes_;
  Sessions sessions_;
  SearchIndex search_;
  std::chrono::seconds clock_ahead_{0};  // of the system's: by --demo-clock
  AuditJob audits_;
  PageSources page_sources_;
  Readers readers_;
  Readers analysts_;
  Secrets secrets_;
  PageService pages_;
  Asker asker_;
  std::mutex failures_mutex_;
  Connection failures_;  // an empty database, in which the parts run that tell of failures
  std::atomic<int> waiting_clients_{0};
  std::mutex posted_mutex_;
  std::map<std::string, std::uint64_t> posted_;  // notices since the start, by kind
  std::int64_t last_posted_ = 0;                 // notice_id
  std::optional<FileLock> lock_;                 // while there is a log
  std::mutex untold_mutex_;
  std::map<std::string, std::string> untold_;  // tokens that clients of this node wait for, by hash
  std::unique_ptr<Replica> replica_;           // null: there is no log
  std::optional<ClosingJob> closing_;
  std::optional<NoticeJob> notices_;
  std::optional<SearchJob> searching_;
  std::optional<Figures> figures_;
  Sender sender_;
};

}  // namespace saldo::server
