#include "routes/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "codecs/base64.h"
#include "codecs/json.h"
#include "delivery/curl.h"
#include "delivery/statements.h"
#include "hash.h"
#include "routes/accept.h"
#include "routes/embedded.h"
#include "routes/openapi.h"
#include "rules/text.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kPositionHeader = "Saldo-Position";

// So many queries of /v1/sql run at once; further ones wait.
constexpr int kAnalystConnections = 2;

void add_routes(RouteTable& routes, const ServiceOptions& options) {
  Database database(options.database, Database::Mode::kRead);
  const PageSources none;
  register_page_functions(database.handle(), &none);
  for (const auto& file : kEmbeddedRoutes) {
    routes.add(RouteOwner::kServer, "sql/" + std::string(file.name), std::string(file.text),
               database);
  }
  if (!options.routes.empty()) routes.add_folder(options.routes, database);
}

// What follows the scheme, in any case; empty: it is another.
std::string_view credentials(std::string_view authorization, std::string_view scheme) {
  const auto space = std::min(authorization.find(' '), authorization.size());
  if (!equal_ignoring_case(authorization.substr(0, space), scheme)) return {};
  return authorization.substr(std::min(space + 1, authorization.size()));
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

// What the row before `-- ask` asks; nullopt: nothing.
std::optional<Question> question_of(const Route& route, const std::vector<Value>& values) {
  Question question;
  bool has_url = false;
  const auto& columns = route.asking.answer()->columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (std::holds_alternative<std::monostate>(values[i])) continue;
    const auto* text = std::get_if<std::string>(&values[i]);
    const auto wrong = [&] {
      return Error(ErrorCode::kInternal,
                   columns[i].name + " of the row before `-- ask` is not " +
                       (columns[i].name == "headers" ? "an object of texts" : "a text"));
    };
    if (text == nullptr) throw wrong();
    if (columns[i].name == "url") {
      question.url = *text;
      has_url = true;
    } else if (columns[i].name == "method") {
      question.method = *text;
    } else if (columns[i].name == "body") {
      question.body = *text;
    } else {
      const auto headers = nlohmann::json::parse(*text, nullptr, false);
      if (!headers.is_object()) throw wrong();
      for (const auto& [name, value] : headers.items()) {
        if (!value.is_string()) throw wrong();
        question.headers.emplace_back(name, value.get<std::string>());
      }
    }
  }
  if (!has_url) return std::nullopt;
  if (question.method.empty()) question.method = question.body.empty() ? "GET" : "POST";
  return question;
}

}  // namespace

Service::Service(const ServiceOptions& options)
    : options_(options),
      routes_(metrics_),
      writer_(options.database, options.busy_timeout, options.waiting_writes_max,
              options.route_timeout),
      writes_(writer_, [this](Database& database, const Entry& entry,
                              Instant now) { return apply(database, entry, now); }),
      sessions_(options.database + "-sessions"),
      search_(options.database + "-search"),
      audits_(
          options.database, options.database + "-audits", [this] { return now(); },
          options.test_clock || options.demo_clock ? std::nullopt
                                                   : std::optional(options.close_after)),
      page_sources_({&sessions_, &search_, nullptr, &audits_, std::nullopt}),
      readers_(options.database, options.readers,
               [this](Reader& reader) {
                 register_page_functions(reader.handle(), &page_sources_);
                 reader.watch_deadline();
                 register_request_functions(reader.handle(), &reader.sight);
               }),
      analysts_(options.database, kAnalystConnections,
                [&](Reader& reader) { confine(reader, options.sql); }),
      secrets_(options.secrets),
      pages_({routes_, readers_, writer_, sessions_, options.route_timeout,
              options.sender.webhook_allow_private, options.has_tls,
              [this](const HttpRequest& http, Request& request) { set_now(http, request); },
              [this](const HttpRequest& http, Request& request, const RouteTable::Path& path) {
                Readers::Lease reader(nullptr, {&readers_});
                RequestSight sight;
                run_before(http, request, path, reader, sight);
              },
              options.log
                  ? [this](const Request& request, const AnswerKey& key,
                           bool is_last) { return replicate(request, key, nullptr, is_last); }
                  : PageParts::Replicate(),
              [this](const Request& request) { return call(request); }}),
      failures_(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX),
      sender_(options.database, writer_, writes_, metrics_, options.sender) {
  register_text_functions(failures_.handle());
  add_routes(routes_, options);
  for (const auto* method : {"GET", "POST", "PUT", "PATCH", "DELETE", ""})
    unrouted_.emplace(method, &metrics_.add(method, ""));
  {
    const auto reader = readers_.lend(options.busy_timeout);
    auto last = reader->prepare("SELECT max(notice_id) FROM notice");
    if (last.step()) last_posted_ = last.integer(0);
  }
  if (options.demo_clock) {
    const auto reader = readers_.lend(options.busy_timeout);
    auto row = reader->prepare(
        "SELECT unixepoch(day_start(open_day), '+12 hours') - unixepoch('now') FROM books");
    if (row.step()) clock_ahead_ = std::chrono::seconds(row.integer(0));
  }
  follow_log();
  sender_.start();
  figures_.emplace(
      options.database, [this] { return now(); }, !options.test_clock, options.route_timeout);
  searching_.emplace(options.database, writer_, search_);
  page_sources_.figures = &*figures_;
  if (options.test_clock || options.demo_clock) return;
  closing_.emplace(writer_, writes_, metrics_, options.close_after, options.anchor);
  page_sources_.close_after = options.close_after;
  notices_.emplace(writer_, writes_, metrics_, options.notice_every);
}

Service::~Service() {
  stop();
  // What became of attempts under way is told by the log.
  sender_.finish();
  if (replica_) replica_->stop();
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
    const auto before = replica_ ? replica_->position() : 0;
    reply = try_to_answer(http, progress);
    if (replica_) {
      // What was read is of this position or a later one.
      const bool wrote = progress.route != nullptr && progress.route->writes;
      reply.headers.emplace_back(kPositionHeader,
                                 std::to_string(wrote ? replica_->position() : before));
    }
    if (reply.status == status_of(ErrorCode::kMethodNotAllowed) && progress.path != nullptr)
      reply.headers.emplace_back("Allow", progress.path->methods());
    const auto took = Clock::now() - start;
    const Route* route = progress.route;
    requests_of(method_of(http), route).count(reply.status, took);
    const bool routine = reply.status < 400 && (route == nullptr || route->method == "GET");
    spdlog::log(routine ? spdlog::level::debug : spdlog::level::info, "{} {} {} {:.1f} ms {}",
                http.method, route != nullptr ? route->path : "-", reply.status,
                std::chrono::duration<double, std::milli>(took).count(), progress.who);
    if (reply.is_conflict) metrics_.count_pay_conflict();
    if (!reply.warning.empty()) {
      spdlog::warn("{} {}: {}", route != nullptr ? route->path : "-", progress.who,
                   detail_of(reply.warning));
    }
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

bool Service::takes_file(const HttpRequest& http) noexcept {
  try {
    return pages_.may_upload(http);
  } catch (const std::exception&) {
    return false;
  }
}

Reply Service::try_to_answer(const HttpRequest& http, Progress& progress) {
  const auto log = [&](const std::string& failure) {
    spdlog::error("{} {}: {}", http.method, progress.route != nullptr ? progress.route->path : "-",
                  failure);
  };
  const auto refused = [&](const Error& error) {
    if (progress.is_for_people) return pages_.refused(error);
    const Route* payment = progress.path != nullptr ? progress.path->payment() : nullptr;
    return payment != nullptr ? failure(http, *payment, error) : problem_reply(error);
  };
  try {
    return answer(http, progress);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) log(error.what());
    return refused(error);
  } catch (const SqliteError& error) {
    const Error known = error_of(error);
    if (status_of(known.code()) >= 500) {
      log(std::string(sqlite3_errstr(error.code())) + " (" + std::to_string(error.code()) + ")");
    }
    return refused(known);
  } catch (const std::bad_alloc&) {
    return refused(no_memory());
  }
}

Reply Service::refuse(std::string_view target, const Error& error) noexcept {
  try {
    HttpRequest http;
    http.target = target;
    std::vector<std::string> path_values;
    const RouteTable::Path* path = nullptr;
    try {
      const Target asked = parse_target(target);
      path = routes_.find(asked.parts, path_values);
      const Route* page = path != nullptr ? path->find("GET") : nullptr;
      if (PageService::is_for(http, asked.path, page)) return pages_.refused(error);
    } catch (const Error&) {
      // There is no path in it.
    }
    const Route* payment = path != nullptr ? path->payment() : nullptr;
    return payment != nullptr ? failure(http, *payment, error) : problem_reply(error);
  } catch (const std::exception&) {
    return {status_of(error.code()), "", "", {}};
  }
}

// How a payment system is told of what it cannot read as problem details: in the file's own form,
// or by the status alone.
Reply Service::failure(const HttpRequest& http, const Route& route, const Error& error) {
  Reply reply{status_of(error.code()), "", "", {}};
  if (route.failing.exists()) {
    try {
      Request request;
      request.route = &route;
      request.body = http.body;
      request.failure = error.code();
      const auto question = std::min(http.target.find('?'), http.target.size());
      request.target.raw_query = http.target.substr(std::min(question + 1, http.target.size()));
      const std::lock_guard lock(failures_mutex_);
      reply = run_part(failures_, request, route.failing);
      if (!route.failing.answer()->status) reply.status = status_of(error.code());
    } catch (const std::exception& wrong) {
      spdlog::error("{}: the part behind `-- failure`: {}", route.file, typeid(wrong).name());
      reply = Reply{status_of(error.code()), "", "", {}};
    }
  }
  if (reply.status == 401 && route.auth == Auth::kBasic)
    reply.headers.emplace_back("WWW-Authenticate", R"(Basic realm="payments", charset="UTF-8")");
  if (reply.status == 503) reply.headers.push_back(retry_after());
  return reply;
}

Reply Service::answer(const HttpRequest& http, Progress& progress) {
  Request request;
  std::vector<std::string> path_values;
  std::optional<Error> no_path;
  try {
    request.target = parse_target(http.target);
    progress.path = routes_.find(request.target.parts, path_values);
    if (progress.path == nullptr) no_path = no_such_path();
    if (progress.path == nullptr || progress.path->payment() == nullptr)
      request.target.query = parse_form(request.target.raw_query);
  } catch (const Error& error) {
    no_path = error;
  }
  const Route* asked = progress.path != nullptr ? progress.path->find(method_of(http)) : nullptr;
  if (PageService::is_for(http, request.target.path, asked)) {
    progress.is_for_people = true;
    return pages_.answer(http, request.target, asked, path_values, progress.who, progress.route);
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
  // A HEAD must not pay.
  const bool is_payment = progress.path->payment() != nullptr;
  const Route* route = progress.path->find(is_payment ? http.method : method_of(http));
  if (route == nullptr)
    throw Error(ErrorCode::kMethodNotAllowed, "this path has " + progress.path->methods());
  progress.route = route;
  if (!is_allowed(role, route->role)) {
    throw Error(ErrorCode::kForbidden,
                "this takes the role " + std::string(role_name(route->role)));
  }
  // Strangers wait for nothing.
  if (replica_ && http.header && !is_public) {
    snapshot = Statement();
    reader.reset();
    wait_for_position(http);
  }

  request.route = route;
  request.who = progress.who;
  request.body = http.body;
  request.private_webhooks = options_.sender.webhook_allow_private;
  if (route->is_payment()) return pay(http, request, path_values, progress);
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
  const bool reads = !route->writes && !route->calls;
  if (!reads) {
    snapshot = Statement();
    reader.reset();
  }
  if (route->writes) return write(http, request, *progress.path, path_values);
  if (http.idempotency_key && sends(route->calls)) {
    throw Error(
        ErrorCode::kMalformed,
        "Idempotency-Key is not for this request: what it sends is sent again each time, and "
        "no answer is stored");
  }
  read_parameters(request, path_values, http.content_type);
  if (!reads) return call(request);
  if (route->has_parts_before()) {
    snapshot = Statement();
    reader.reset();
    RequestSight sight;
    if (auto reply = run_before(http, request, *progress.path, reader, sight)) return *reply;
    return run_part(*reader, request, request.route->last);
  }
  if (!reader) {
    reader = readers_.lend(options_.route_timeout);
    snapshot = reader->snapshot();
  }
  reader->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
  Reply reply = run_part(*reader, request, route->last);
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
      reply = run_part(*reader, request, request.route->last);
    }
    if (!reply.is_empty || Clock::now() >= end) return reply;
    const auto next = std::min(end, Clock::now() + kAskAgain);
    if (!commits.wait(seen, next)) return reply;
    const auto rest = kRest + kRestPerClient * waiting_clients_.load();
    if (!commits.sleep(std::min(end, Clock::now() + rest))) return reply;
  }
}

void Service::set_now(const HttpRequest& http, Request& request) const {
  request.now = now();
  request.has_own_now = options_.demo_clock;
  if (!http.now) return;
  if (!options_.test_clock)
    throw Error(ErrorCode::kMalformed, "Saldo-Now is for a server started with --test-clock");
  const auto instant = parse_rfc3339(*http.now);
  if (!instant) throw Error(ErrorCode::kMalformed, "Saldo-Now is not an instant of RFC 3339");
  request.now = *instant;
  request.has_own_now = true;
}

Instant Service::now() const { return clock_now() + clock_ahead_; }

// A payment system's request: who sends it, what its file reads and asks, and then the write.
Reply Service::pay(const HttpRequest& http, Request& request,
                   const std::vector<std::string>& path_values, Progress& progress) {
  read_parameters(request, path_values, http.content_type);
  set_now(http, request);
  const Route& route = *request.route;
  const auto& channel = std::get<std::string>(request.value(kChannelParameter));
  check_sender(http, route, secrets_.of(channel));
  const std::string who = "channel " + channel;
  request.who = who;
  Readers::Lease reader(nullptr, {&readers_});
  RequestSight sight;
  auto early = run_before(http, request, *progress.path, reader, sight);
  progress.who = who;  // for the log: there is such a channel
  if (early) return *std::move(early);
  if (!route.writes) return run_part(*reader, request, route.last);
  reader.reset();
  return commit(request, std::nullopt, nullptr);
}

// Throws unauthorized and forbidden.
void Service::check_sender(const HttpRequest& http, const Route& route,
                           const std::shared_ptr<const ChannelSecrets>& secrets) const {
  if (secrets && !secrets->from.empty()) {
    const auto forwarded = http.header("X-Forwarded-For").value_or("");
    const auto address = client_address(http.peer, forwarded, options_.trusted_proxies);
    if (!address || !contains(secrets->from, *address))
      throw Error(ErrorCode::kForbidden, "the channel is not used from this address");
  }
  if (route.auth != Auth::kBasic) return;
  const auto pair = parse_base64(credentials(http.authorization, "Basic"));
  const auto user = secrets ? secrets->text("user") : std::string_view();
  const auto password = secrets ? secrets->text("password") : std::string_view();
  const std::string right = std::string(user) + ":" + std::string(password);
  if (!pair || password.empty() || !is_same(*pair, right))
    throw Error(ErrorCode::kUnauthorized, "the user or password is wrong");
}

// What a file does before its last part, for which `reader` is lent where it only
// reads. `sight` is to live as long as that. An answer: there is no more to be done.
std::optional<Reply> Service::run_before(const HttpRequest& http, Request& request,
                                         const RouteTable::Path& path, Readers::Lease& reader,
                                         RequestSight& sight) {
  std::string channel;
  if (request.route->find_parameter(kChannelParameter) != nullptr) {
    const auto* given = std::get_if<std::string>(&request.value(kChannelParameter));
    if (given != nullptr) channel = *given;
  }
  sight = {secrets_.of(channel), http.header};
  const auto lend = [&] {
    reader = readers_.lend(options_.route_timeout);
    // A statement may have a hundred thousand documents.
    if (request.route->takes_statement) reader->set_deadline(Clock::time_point::max());
    reader->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
    reader->sight = &sight;
  };
  lend();
  if (const bool is_payment = request.route->is_payment();
      is_payment || !request.route->protocol.empty()) {
    auto row = reader->prepare("SELECT protocol FROM channel WHERE channel_id = ?1");
    row.bind_static(1, channel);
    if (!row.step()) throw not_found("there is no channel " + channel);
    if (is_payment && row.text(0) != request.route->protocol)
      throw not_found("the channel speaks another protocol");
    request.route = &path.find(method_of(http), row.text(0));
  }
  const Route& route = *request.route;
  if (route.asking.exists()) {
    auto row = std::move(read_rows(*reader, request, route.asking, 1).front());
    if (row.reply) return std::move(row.reply);
    const auto question = question_of(route, row.values);
    // Nobody waits for the connection meanwhile.
    reader.reset();
    if (question) request.asked = asker_.ask(*question, route.path);
    lend();
  }
  if (route.reading.exists()) {
    constexpr std::size_t kRowsMax = std::numeric_limits<std::size_t>::max();
    for (PartRow& row :
         read_rows(*reader, request, route.reading, route.is_payment() ? 1 : kRowsMax)) {
      if (row.reply) return std::move(row.reply);
      // What a payment system sends may be no UTF-8; the ledger takes nothing else, and no money is
      // refused for its payer's name.
      for (Value& value : row.values) {
        if (auto* text = std::get_if<std::string>(&value); text != nullptr && !is_utf8(*text))
          *text = replace_invalid_utf8(*text);
      }
      request.rows.push_back(std::move(row.values));
    }
  }
  return std::nullopt;
}

Reply Service::write(const HttpRequest& http, Request& request, const RouteTable::Path& path,
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
  if (request.route->has_parts_before()) {
    Readers::Lease reader(nullptr, {&readers_});
    if (key) {
      reader = readers_.lend(options_.route_timeout);
      if (auto stored = find_reply(*reader, *key)) return *std::move(stored);
      reader.reset();
    }
    if (wrong) std::rethrow_exception(wrong);
    RequestSight sight;
    if (auto reply = run_before(http, request, path, reader, sight)) return *std::move(reply);
  }
  return commit(request, key, wrong);
}

// Runs the last part of the route in the writer, of several rows in a commit for each, so that
// other writes do not wait for all of them: then what was done before a failure stays. `wrong` is
// why it cannot be run, which counts unless there is a stored answer.
Reply Service::commit(Request& request, const std::optional<AnswerKey>& key,
                      const std::exception_ptr& wrong) {
  if (request.rows.empty()) return commit_once(request, key, wrong, true);
  Reply reply;
  for (std::size_t i = 0; i < request.rows.size(); ++i) {
    request.row = std::move(request.rows[i]);
    const bool is_last = i + 1 == request.rows.size();
    reply = commit_once(request, i == 0 || is_last ? key : std::nullopt, wrong, is_last);
    if (reply.is_stored || reply.status >= 300) break;
    request.so_far = reply.so_far;
  }
  return reply;
}

Reply Service::commit_once(Request& request, const std::optional<AnswerKey>& key,
                           const std::exception_ptr& wrong, bool is_last) {
  if (replica_ && !request.dry_run) return replicate(request, key, wrong, is_last);
  Reply reply;
  try {
    writer_.write([&](Database& database) {
      if (wrong) {
        auto stored = key ? find_reply(database, *key) : std::nullopt;
        if (!stored) std::rethrow_exception(wrong);
        reply = *std::move(stored);
        return;
      }
      // The clock is read again: the write may have waited behind the closing of a day, in which
      // :now must not lie.
      if (!request.has_own_now || options_.demo_clock) request.now = now();
      database.set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
      run_write(database, request, key, is_last, reply);
    });
  } catch (const Undo&) {
  }
  return reply;
}

// What a write does, wherever it is done, inside of a savepoint. Throws Undo when its answer is
// known and nothing of it is to stay.
void Service::run_write(Database& database, const Request& request,
                        const std::optional<AnswerKey>& key, bool is_last, Reply& reply) {
  if (key) {
    if (auto stored = find_reply(database, *key)) {
      reply = *std::move(stored);
      return;
    }
  }
  reply = run_part(database, request, request.route->last);
  // Whatever is not a success is a refusal, which does nothing.
  const bool is_done = reply.status < 300;
  if (request.dry_run || !is_done) throw Undo();
  if (key && is_last) store_reply(database, *key, reply, request.now);
}

Reply Service::call(const Request& request) {
  switch (*request.route->calls) {
    case BuiltIn::kHealth:
      return health();
    case BuiltIn::kMetrics:
      return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(), {}};
    case BuiltIn::kOpenApi:
      // Half a megabyte, which most servers are never asked for.
      std::call_once(openapi_made_, [&] { openapi_ = openapi_document(routes_); });
      return {200, std::string(names_of(Format::kJson).content_type), openapi_, {}};
    case BuiltIn::kSql:
      return query(request);
    case BuiltIn::kMailTest:
      return test_mail(request);
    case BuiltIn::kWebhookTest:
      return test_webhook(request);
    case BuiltIn::kAuditRun:
      audits_.ask();
      return {
          200, std::string(names_of(Format::kJson).content_type), R"({"status":"started"})", {}};
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
    document["overdue_days"] =
        overdue_days(reader->handle(), page_sources_.close_after, clock_now());
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
    if (replica_) {
      const auto figures = replica_->figures();
      document["log"] = {{"node", replica_->options().node},
                         {"number", figures.number},
                         {"head", figures.head},
                         {"clock_offset", figures.clock_offset_seconds}};
      if (const auto its = replica_->problem()) {
        // Whoever only reads is not to be sent elsewhere.
        if (its->is_of_writes) {
          document["log"]["detail"] = its->sentence;
        } else {
          problem = its->sentence;
        }
      }
    }
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
  gauges.overdue_days = overdue_days(reader->handle(), page_sources_.close_after, clock_now());
  gauges.mail_paused = sender_.mail_problem().has_value();
  gauges.notices = count_notices(*reader);
  if (replica_) gauges.log = replica_->figures();
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
