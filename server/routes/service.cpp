#include "routes/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "delivery/statements.h"
#include "hash.h"
#include "routes/accept.h"
#include "routes/embedded.h"
#include "routes/openapi.h"
#include "store/answers.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

using Clock = std::chrono::steady_clock;

// So many queries of /v1/sql run at once; further ones wait.
constexpr int kAnalystConnections = 2;

// Thrown by a write to have its work undone, when its answer is known.
struct Undo {};

void add_routes(RouteTable& routes, const ServiceOptions& options) {
  Database database(options.database, Database::Mode::kRead);
  for (const auto& file : kEmbeddedRoutes) {
    routes.add(RouteOwner::kServer, "sql/" + std::string(file.name), std::string(file.text),
               database);
  }
  if (!options.routes.empty()) routes.add_folder(options.routes, database);
}

std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view kBearer = "Bearer ";
  return authorization.substr(0, kBearer.size()) == kBearer ? authorization.substr(kBearer.size())
                                                            : std::string_view();
}

// HEAD is answered as GET; the HTTP library leaves the body out.
std::string_view method_of(const HttpRequest& http) {
  return http.method == "HEAD" ? "GET" : http.method;
}

bool sends(std::optional<BuiltIn> calls) {
  return calls == BuiltIn::kMailTest || calls == BuiltIn::kWebhookTest;
}

void check_key(std::string_view key) {
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (key.empty() || key.size() > kKeyBytesMax || !printable) {
    throw Error(ErrorCode::kMalformed, "Idempotency-Key takes 1 to " +
                                           std::to_string(kKeyBytesMax) +
                                           " characters of ASCII without spaces");
  }
}

}  // namespace

Service::Service(const ServiceOptions& options)
    : options_(options),
      routes_(metrics_),
      writer_(options.database, options.busy_timeout, options.waiting_writes_max,
              options.route_timeout),
      readers_(options.database, options.readers,
               [](Database& reader) { reader.watch_deadline(); }),
      analysts_(options.database, kAnalystConnections,
                [&](Database& reader) { confine(reader, options.sql); }),
      sender_(options.database, writer_, metrics_, options.sender) {
  add_routes(routes_, options);
  for (const auto* method : {"GET", "POST", "PUT", "PATCH", "DELETE", ""})
    unrouted_.emplace(method, &metrics_.add(method, ""));
  openapi_ = openapi_document(routes_);
  {
    const auto reader = readers_.lend(options.busy_timeout);
    auto last = reader->prepare("SELECT max(notice_id) FROM notice");
    if (last.step()) last_posted_ = last.integer(0);
  }
  if (options.test_clock) return;
  closing_.emplace(writer_, metrics_, options.close_after, options.anchor);
  notices_.emplace(writer_, metrics_, options.notice_every);
}

// The metrics of a route, or of the requests with this method that found none.
Metrics::Requests& Service::requests_of(std::string_view method, const Route* route) {
  if (route != nullptr) return *route->requests;
  const auto known = unrouted_.find(method);
  return *(known != unrouted_.end() ? known : unrouted_.find(""))->second;
}

Reply Service::handle(const HttpRequest& http) noexcept {
  const auto start = Clock::now();
  Progress progress;
  Reply reply;
  try {
    reply = try_to_answer(http, progress);
    if (reply.status == status_of(ErrorCode::kMethodNotAllowed) && progress.path != nullptr)
      reply.headers.emplace_back("Allow", progress.path->methods());
    const auto took = Clock::now() - start;
    const Route* route = progress.route;
    requests_of(method_of(http), route).count(reply.status, took);
    const bool routine = reply.status < 400 && (route == nullptr || route->method == "GET");
    spdlog::log(routine ? spdlog::level::debug : spdlog::level::info, "{} {} {} {:.1f} ms {}",
                http.method, route != nullptr ? route->path : "-", reply.status,
                std::chrono::duration<double, std::milli>(took).count(), progress.who);
  } catch (const std::exception& error) {
    // The type alone: the text may hold what a client sent.
    spdlog::error("{}: {}", http.method, typeid(error).name());
    reply = Reply{500,
                  std::string(kProblemType),
                  R"({"type":"about:blank","title":"Internal Server Error","status":500,)"
                  R"("code":"internal","detail":"the server failed; its log says more"})",
                  {}};
  }
  return reply;
}

bool Service::takes_statement(std::string_view method, std::string_view target,
                              std::string_view authorization) noexcept {
  try {
    std::vector<std::string> path_values;
    const auto* path = routes_.find(parse_target(target).parts, path_values);
    const Route* route = path == nullptr ? nullptr : path->find(method);
    if (route == nullptr || !route->takes_statement) return false;
    const auto reader = readers_.lend(options_.route_timeout);
    const auto snapshot = reader->snapshot();
    const Token* token = reader->tokens.find(*reader, snapshot.integer(0), bearer(authorization));
    return token != nullptr && is_allowed(token->role, route->role);
  } catch (const std::exception&) {
    return false;  // what is wrong, the answer says
  }
}

Reply Service::try_to_answer(const HttpRequest& http, Progress& progress) {
  const auto log = [&](const std::string& failure) {
    spdlog::error("{} {}: {}", http.method, progress.route != nullptr ? progress.route->path : "-",
                  failure);
  };
  try {
    return answer(http, progress);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) log(error.what());
    return problem_reply(error);
  } catch (const SqliteError& error) {
    const Error known = error_of(error);
    if (status_of(known.code()) >= 500) {
      log(std::string(sqlite3_errstr(error.code())) + " (" + std::to_string(error.code()) + ")");
    }
    return problem_reply(known);
  } catch (const std::bad_alloc&) {
    return problem_reply(no_memory());
  }
}

Reply Service::answer(const HttpRequest& http, Progress& progress) {
  Request request;
  std::vector<std::string> path_values;
  std::optional<Error> no_path;
  try {
    request.target = parse_target(http.target);
    progress.path = routes_.find(request.target.parts, path_values);
    if (progress.path == nullptr) no_path = no_such_path();
  } catch (const Error& error) {
    no_path = error;
  }
  const bool is_public = progress.path != nullptr && progress.path->is_public();
  Readers::Lease reader(nullptr, {&readers_});
  Statement snapshot;
  Role role = Role::kNone;
  if (!is_public) {
    reader = readers_.lend(options_.route_timeout);
    snapshot = reader->snapshot();
    const Token* token =
        reader->tokens.find(*reader, snapshot.integer(0), bearer(http.authorization));
    if (token == nullptr)
      throw Error(ErrorCode::kUnauthorized, "there is no valid token in `Authorization: Bearer …`");
    progress.who = token->name;
    role = token->role;
  }
  if (no_path) throw Error(*no_path);
  const Route* route = progress.path->find(method_of(http));
  if (route == nullptr)
    throw Error(ErrorCode::kMethodNotAllowed, "this path has " + progress.path->methods());
  progress.route = route;
  if (!is_allowed(role, route->role)) {
    throw Error(ErrorCode::kForbidden,
                "this takes the role " + std::string(role_name(route->role)));
  }

  request.route = route;
  request.who = progress.who;
  request.body = http.body;
  request.private_webhooks = options_.sender.webhook_allow_private;
  if (route->answer != Answer::kNone) {
    const auto format = negotiate(http.accept, route->gives);
    if (!format) {
      std::string types;
      for (const Format each : route->gives)
        types.append(types.empty() ? "" : ", ").append(names_of(each).media_type);
      throw Error(ErrorCode::kNotAcceptable, "the answer is one of: " + types);
    }
    request.format = *format;
  }
  set_now(http, request);
  const bool reads = !route->writes() && !route->calls;
  if (!reads) {
    snapshot = Statement();
    reader.reset();
  }
  if (route->writes()) return write(http, request, path_values);
  if (http.idempotency_key && sends(route->calls)) {
    throw Error(
        ErrorCode::kMalformed,
        "Idempotency-Key is not for this request: what it sends is sent again each time, and "
        "no answer is stored");
  }
  read_parameters(request, path_values, http.content_type);
  if (!reads) return call(request);
  if (!reader) {
    reader = readers_.lend(options_.route_timeout);
    snapshot = reader->snapshot();
  }
  reader->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
  Reply reply = run_route(*reader, request);
  const auto patience = request.wait();
  if (!reply.is_empty || patience == std::chrono::seconds(0)) return reply;
  snapshot = Statement();
  reader.reset();
  if (++waiting_clients_ <= options_.waiting_clients_max) reply = wait_for_rows(request, patience);
  --waiting_clients_;
  return reply;
}

// Asks again after each commit, though not more often than some 300 times a second for all who wait
// together, so that they hold up nobody else; and every second, as other programs may write, too.
Reply Service::wait_for_rows(const Request& request, std::chrono::seconds patience) {
  constexpr std::chrono::milliseconds kRest{100};
  constexpr std::chrono::milliseconds kRestPerClient{3};
  constexpr std::chrono::milliseconds kAskAgain{1000};
  const Commits& commits = writer_.commits();
  const auto end = Clock::now() + patience;
  for (;;) {
    const auto seen = commits.count();
    Reply reply;
    {
      const auto reader = readers_.lend(options_.route_timeout);
      const auto snapshot = reader->snapshot();
      reader->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
      reply = run_route(*reader, request);
    }
    if (!reply.is_empty || Clock::now() >= end) return reply;
    const auto next = std::min(end, Clock::now() + kAskAgain);
    if (!commits.wait(seen, next)) return reply;
    const auto rest = kRest + kRestPerClient * waiting_clients_.load();
    if (!commits.sleep(std::min(end, Clock::now() + rest))) return reply;
  }
}

void Service::set_now(const HttpRequest& http, Request& request) const {
  request.now = clock_now();
  if (!http.now) return;
  if (!options_.test_clock)
    throw Error(ErrorCode::kMalformed, "Saldo-Now is for a server started with --test-clock");
  const auto instant = parse_rfc3339(*http.now);
  if (!instant) throw Error(ErrorCode::kMalformed, "Saldo-Now is not an instant of RFC 3339");
  request.now = *instant;
  request.has_own_now = true;
}

Reply Service::write(const HttpRequest& http, Request& request,
                     const std::vector<std::string>& path_values) {
  std::exception_ptr wrong;
  try {
    read_parameters(request, path_values, http.content_type);
  } catch (const Error&) {
    // To be reported only if nothing was done under the request's key before: then its answer is
    // replayed. An instant in it may have been right at that time, and lie ahead of a clock that
    // has been set back since.
    wrong = std::current_exception();
  }
  std::optional<AnswerKey> key;
  if (http.idempotency_key) {
    check_key(*http.idempotency_key);
    if (!request.dry_run) {
      key = AnswerKey{request.who, request.route->method, http.target, *http.idempotency_key,
                      sha256_hex(request.body)};
    }
  }
  if (wrong && !key) std::rethrow_exception(wrong);
  Reply reply;
  try {
    writer_.write([&](Database& database) {
      if (key) {
        if (auto stored = find_answer(database, *key)) {
          reply =
              Reply{stored->status, std::move(stored->content_type), std::move(stored->body), {}};
          return;
        }
      }
      if (wrong) std::rethrow_exception(wrong);
      // The clock is read again: the write may have waited behind the closing of a day, in which
      // :now must not lie.
      if (!request.has_own_now) request.now = clock_now();
      database.set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
      reply = run_route(database, request);
      // Whatever is not a success is a refusal, which does nothing.
      const bool is_done = reply.status < 300;
      if (request.dry_run || !is_done) throw Undo();
      if (key) {
        store_answer(database, *key, {reply.status, reply.content_type, reply.body},
                     format_instant(request.now));
      }
    });
  } catch (const Undo&) {
  }
  return reply;
}

Reply Service::call(const Request& request) {
  switch (*request.route->calls) {
    case BuiltIn::kHealth:
      return health();
    case BuiltIn::kMetrics:
      return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(), {}};
    case BuiltIn::kOpenApi:
      return {200, std::string(names_of(Format::kJson).content_type), openapi_, {}};
    case BuiltIn::kSql:
      return query(request);
    case BuiltIn::kMailTest:
      return test_mail(request);
    case BuiltIn::kWebhookTest:
      return test_webhook(request);
  }
  return {};
}

Reply Service::test_mail(const Request& request) {
  const auto& to = std::get<std::string>(request.value("to"));
  const Outcome outcome = sender_.test_mail(to);
  const nlohmann::ordered_json document = {{"to", to},
                                           {"sent", outcome.kind == Outcome::Kind::kSent ? 1 : 0},
                                           {"detail", outcome.detail}};
  return {200, std::string(names_of(Format::kJson).content_type), document.dump(), {}};
}

Reply Service::test_webhook(const Request& request) {
  const auto& name = std::get<std::string>(request.value("name"));
  const auto [outcome, status] = sender_.test_webhook(name);
  const nlohmann::ordered_json document = {
      {"name", name},
      {"sent", outcome.kind == Outcome::Kind::kSent ? 1 : 0},
      {"status", status != 0 ? nlohmann::ordered_json(status) : nlohmann::ordered_json()},
      {"detail", outcome.detail}};
  return {200, std::string(names_of(Format::kJson).content_type), document.dump(), {}};
}

Reply Service::query(const Request& request) {
  const auto analyst = analysts_.lend(options_.sql.time);
  analyst->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
  const auto* params = std::get_if<std::shared_ptr<const nlohmann::json>>(&request.value("params"));
  return run_sql(*analyst, std::get<std::string>(request.value("sql")),
                 params != nullptr ? params->get() : nullptr, request.format, options_.sql);
}

// The ended days that the closing job should have closed by now.
std::int64_t Service::overdue_days(Database& reader) const {
  if (!closing_) return 0;
  const std::string instant = format_instant(clock_now() - options_.close_after);
  auto row =
      reader.prepare("SELECT max(0, julianday(billing_day(?1)) - julianday(open_day)) FROM books");
  row.bind_static(1, instant);
  return row.step() ? row.integer(0) : 0;
}

// Where the clock of the notices is, if that is later than two clocks may differ.
std::optional<std::string> Service::notice_clock_ahead(Database& reader) {
  const std::string latest = format_instant(clock_now() + kClockDifferenceMax);
  auto row = reader.prepare("SELECT at FROM notice_clock WHERE at > ?1");
  row.bind_static(1, latest);
  if (!row.step()) return std::nullopt;
  return std::string(row.text(0));
}

Reply Service::health() {
  nlohmann::ordered_json document = {{"version", SALDO_VERSION}};
  std::string problem;
  try {
    const auto reader = readers_.lend(options_.busy_timeout);
    auto books = reader->prepare("SELECT open_day, last_closed_day FROM books");
    if (books.step()) {
      document["open_day"] = books.text(0);
      document["last_closed_day"] = books.is_null(1) ? nlohmann::ordered_json() : books.text(1);
    }
    document["overdue_days"] = overdue_days(*reader);
    const auto mail_problem = sender_.mail_problem();
    document["mail_paused"] =
        mail_problem ? nlohmann::ordered_json(*mail_problem) : nlohmann::ordered_json();
    if (notices_) {
      const auto ahead = notice_clock_ahead(*reader);
      if (ahead) {
        problem = "the clock of the notices is at " + *ahead +
                  ", ahead of this machine's; until then no notice is posted";
      }
      if (notices_->failing()) problem = "posting notices fails; the log says why";
    }
    if (closing_ && closing_->problem()) problem = "closing a day fails; the log says why";
  } catch (const Error& error) {
    problem = error.what();
  } catch (const SqliteError& error) {
    problem = error_of(error).what();
  }
  if (problem.empty()) {
    document["status"] = "ok";
    return {200, std::string(names_of(Format::kJson).content_type), document.dump(), {}};
  }
  // RFC 9457, 3.2, allows further members: the rest of what is known.
  Reply reply = problem_reply(Error(ErrorCode::kFailing, problem));
  document.update(nlohmann::ordered_json::parse(reply.body));
  reply.body = document.dump();
  return reply;
}

std::string Service::metrics_text() {
  const auto reader = readers_.lend(options_.busy_timeout);
  const auto writes = writer_.figures();
  Metrics::Gauges gauges;
  gauges.connections = connections;
  gauges.commits = writes.commits;
  gauges.writes = writes.writes;
  gauges.waiting_writes = writes.waiting;
  gauges.overdue_days = overdue_days(*reader);
  gauges.mail_paused = sender_.mail_problem().has_value();
  gauges.notices = count_notices(*reader);
  auto row = delivery_statement(*reader, "figures", {});
  while (row.step()) {
    const auto oldest = parse_instant(row.text(2)).value_or(Instant());
    gauges.waiting[std::string(row.text(0))] = {static_cast<std::uint64_t>(row.integer(1)),
                                                (clock_now() - oldest).count()};
  }
  return metrics_.text(gauges);
}

// What was posted since it was asked last is counted; what was there before the start is not.
std::map<std::string, std::uint64_t> Service::count_notices(Database& reader) {
  const std::lock_guard lock(posted_mutex_);
  const auto snapshot = reader.snapshot();
  auto row = reader.prepare(
      "SELECT kind, count(*), max(notice_id) FROM notice WHERE notice_id > ?1 GROUP BY kind");
  row.bind(1, last_posted_);
  while (row.step()) {
    posted_[std::string(row.text(0))] += static_cast<std::uint64_t>(row.integer(1));
    last_posted_ = std::max(last_posted_, row.integer(2));
  }
  return posted_;
}

}  // namespace saldo::server
