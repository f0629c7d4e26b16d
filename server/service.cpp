#include "service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "openapi.h"
#include "routes_embedded.h"
#include "rules/time.h"

namespace saldo::server {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kLongestKey = 255;
constexpr int kAnalysts = 2;

RouteTable load_routes(const ServiceOptions& options) {
  Database database(options.database, Database::Mode::kRead);
  RouteTable routes;
  for (const auto& file : kEmbeddedRoutes)
    routes.add("sql/" + std::string(file.name), file.text, database);
  if (!options.routes.empty()) routes.add_folder(options.routes, database);
  return routes;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, std::min(target.find('?'), target.size()));
}

bool is_built_in(std::string_view path) {
  return path == kHealthPath || path == kMetricsPath || path == kDocumentPath;
}

bool is_dry(const QueryFields& query) {
  return std::any_of(query.begin(), query.end(), [](const auto& field) {
    return field.first == "dry_run" && field.second == "true";
  });
}

// An answer of this request's kind is the same whenever it comes again.
bool is_kept(int status) {
  return status / 100 == 2 || status == 404 || status == 409 || status == 422;
}

// Where the first answer to a key is kept.
struct KeptKey {
  std::string_view token;
  std::string_view method;
  std::string_view target;
  std::string_view key;

  Query& bind(Query& query) const {
    return query.bind(1, token).bind(2, method).bind(3, target).bind(4, key);
  }
};

std::optional<Reply> find_kept(Database& database, const KeptKey& key,
                               std::string_view request_hash) {
  auto row = database.query(
      "SELECT request_hash, status, content_type, body FROM stored_answer "
      "WHERE token = ?1 AND method = ?2 AND target = ?3 AND key = ?4");
  key.bind(row);
  if (!row.step()) return std::nullopt;
  if (row.text(0) != request_hash) {
    return problem_reply(Problem("invalid", "this Idempotency-Key came before with another body"));
  }
  return Reply{
      static_cast<int>(row.integer(1)), std::string(row.text(2)), std::string(row.text(3)), {}};
}

void keep(Database& database, const KeptKey& key, std::string_view request_hash, const Reply& reply,
          const std::string& now) {
  auto row = database.query(
      "INSERT INTO stored_answer(token, method, target, key, request_hash, status, content_type, "
      "body, stored_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  key.bind(row)
      .bind(5, request_hash)
      .bind(6, std::int64_t{reply.status})
      .bind(7, reply.content_type)
      .bind(8, reply.body)
      .bind(9, now)
      .step();
}

// Thrown by a dry run to have its work undone.
struct DryRun {};

void check_key(const std::optional<std::string>& key) {
  if (!key) return;
  const bool printable =
      std::all_of(key->begin(), key->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (key->empty() || key->size() > kLongestKey || !printable) {
    throw Problem("malformed", "Idempotency-Key takes 1 to 255 characters of ASCII without spaces");
  }
}

json parse_body(std::string_view text) {
  if (text.empty()) return json::object();
  json body = parse_json(text);
  if (!body.is_object()) throw Problem("invalid", "the body is not a JSON object");
  return body;
}

}  // namespace

Service::Service(const ServiceOptions& options)
    : options_(options),
      routes_(load_routes(options)),
      openapi_(openapi_document(routes_)),
      writer_(options.database, options.busy_timeout, options.most_waiting_writes,
              options.route_timeout),
      readers_(options.database, options.readers,
               [](Database& reader) { reader.watch_deadline(); }),
      analysts_(options.database, kAnalysts,
                [&](Database& reader) { confine(reader, options.sql); }) {
  if (!options.test_clock) closing_.emplace(writer_, metrics_, options.close_after, options.anchor);
}

Reply Service::handle(const Request& request) noexcept {
  const auto start = Clock::now();
  std::string_view route;
  std::string who;
  Reply reply;
  try {
    try {
      reply = answer(request, route, who);
    } catch (const Problem& problem) {
      reply = problem_reply(problem);
    } catch (const SqliteError& error) {
      const Problem problem = problem_of(error);
      if (problem.status() >= 500) {
        spdlog::error("{} {}: {} ({})", request.method, route, sqlite3_errstr(error.code()),
                      error.code());
      }
      reply = problem_reply(problem);
    }
    if (reply.status == 405) {
      reply.headers.emplace_back("Allow",
                                 path_of(request.target) == kSqlPath ? "POST"
                                 : is_built_in(path_of(request.target))
                                     ? "GET"
                                     : routes_.methods_of(parse_target(request.target).parts));
    }
    const auto took = Clock::now() - start;
    metrics_.count_request(request.method, route, reply.status, took);
    const bool routine =
        reply.status < 400 && (request.method == "GET" || request.method == "HEAD");
    spdlog::log(routine ? spdlog::level::debug : spdlog::level::info, "{} {} {} {:.1f} ms {}",
                request.method, route.empty() ? "-" : route, reply.status,
                std::chrono::duration<double, std::milli>(took).count(), who);
  } catch (const std::exception& error) {
    // Of its text only the programmers' part is known to be free of what clients sent.
    spdlog::error("{} {}: {}", request.method, route, typeid(error).name());
    reply = Reply{
        500,
        "application/problem+json",
        R"({"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal",)"
        R"("detail":"the server failed; its log says more"})",
        {}};
  }
  return reply;
}

Reply Service::answer(const Request& request, std::string_view& route, std::string& who) {
  const auto path = path_of(request.target);
  if (is_built_in(path)) {
    route = path;
    return answer_built_in(request);
  }
  const std::string_view method = request.method == "HEAD" ? "GET" : request.method;
  RouteTable::Match match;
  std::optional<Token> token;
  Target target;
  {
    const auto reader = readers_.lend(options_.route_timeout);
    reader->set_deadline(Clock::now() + options_.route_timeout);
    const Transaction snapshot(*reader, "BEGIN");
    if (request.authorization.substr(0, kBearer.size()) == kBearer) {
      token = find_token(*reader, request.authorization.substr(kBearer.size()));
    }
    if (!token)
      throw Problem("unauthorized", "there is no valid token in `Authorization: Bearer …`");
    who = token->name;
    if (path != kSqlPath) {
      target = parse_target(request.target);
      match = routes_.find(method, target.parts);
      if (match.route == nullptr) {
        const auto methods = routes_.methods_of(target.parts);
        if (methods.empty())
          throw Problem("not_found", "there is no such path; /openapi.json lists them all");
        throw Problem("method_not_allowed", "this path has " + methods);
      }
      route = match.route->path;
      if (!may(token->role, match.route->role)) {
        throw Problem("forbidden",
                      "this takes the role " + std::string(role_name(match.route->role)));
      }
      if (!match.route->writes()) return read(*reader, match, request, target, *token);
    }
  }
  if (path != kSqlPath) return write(match, request, target, *token);
  route = kSqlPath;
  if (request.method != "POST") throw Problem("method_not_allowed", "this path has POST");
  if (!may(token->role, Role::kAnalyst)) throw Problem("forbidden", "this takes the role analyst");
  return query(request);
}

Reply Service::answer_built_in(const Request& request) {
  if (request.method != "GET" && request.method != "HEAD")
    throw Problem("method_not_allowed", "this path has GET");
  const auto path = path_of(request.target);
  if (path == kHealthPath) return health();
  if (path == kMetricsPath)
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(), {}};
  return {200, "application/json", openapi_, {}};
}

std::string Service::now(const Request& request) const {
  if (!request.now) return clock_now();
  if (!options_.test_clock)
    throw Problem("malformed", "Saldo-Now is for a server started with --test-clock");
  const auto instant = parse_rfc3339(*request.now);
  if (!instant) throw Problem("malformed", "Saldo-Now is not an instant of RFC 3339");
  return format_instant(*instant);
}

Reply Service::read(Database& reader, const RouteTable::Match& match, const Request& request,
                    const Target& target, const Token& token) {
  const std::string instant = now(request);
  const Arguments arguments =
      read_arguments(match, target.query, parse_body(request.body), instant);
  return run_route(reader, *match.route, arguments, {instant, token.name, "{}"},
                   request.csv ? Format::kCsv : Format::kJson, path_of(request.target),
                   target.query);
}

Reply Service::write(const RouteTable::Match& match, const Request& request, const Target& target,
                     const Token& token) {
  check_key(request.idempotency_key);
  const bool dry = is_dry(target.query);
  const bool keyed = request.idempotency_key.has_value() && !dry;
  const std::string asked_at = now(request);
  const json body = parse_body(request.body);
  const std::string text = body.dump();
  Arguments arguments;
  std::optional<Problem> wrong;
  try {
    arguments = read_arguments(match, target.query, body, asked_at);
  } catch (const Problem& problem) {
    if (!keyed) throw;
    wrong = problem;
  }
  const KeptKey key{token.name, request.method, request.target,
                    keyed ? *request.idempotency_key : std::string_view()};
  const std::string hash = keyed ? sha256_hex(text) : "";
  const Format format = request.csv ? Format::kCsv : Format::kJson;

  Reply reply;
  writer_.write([&](Database& database) {
    if (keyed) {
      if (auto kept = find_kept(database, key, hash)) {
        reply = std::move(*kept);
        return;
      }
    }
    // What waited for its turn behind the closing of a day happens now, not before it.
    const std::string instant = request.now ? asked_at : clock_now();
    try {
      if (wrong) throw Problem(*wrong);
      in_savepoint(database, [&] {
        reply = run_route(database, *match.route, arguments, {instant, token.name, text}, format,
                          path_of(request.target), target.query);
        if (dry) throw DryRun();
      });
    } catch (const DryRun&) {
      return;
    } catch (const Problem& problem) {
      if (!keyed || !is_kept(problem.status())) throw;
      reply = problem_reply(problem);
    } catch (const SqliteError& error) {
      const Problem problem = problem_of(error);
      if (!keyed || !is_kept(problem.status()) || !database.in_transaction()) throw;
      reply = problem_reply(problem);
    }
    if (keyed && is_kept(reply.status)) keep(database, key, hash, reply, instant);
  });
  return reply;
}

Reply Service::query(const Request& request) {
  (void)now(request);  // whether its Saldo-Now has a sense
  const Target target = parse_target(request.target);
  const json body = parse_body(request.body);
  const auto analyst = analysts_.lend(options_.sql.time);
  return run_sql(*analyst, target.query, body, request.csv ? Format::kCsv : Format::kJson,
                 options_.sql);
}

// The ended days that the closing job should have closed by now.
std::int64_t Service::overdue_days(Database& reader) const {
  if (!closing_) return 0;
  const auto due = date::floor<seconds>(std::chrono::system_clock::now()) - options_.close_after;
  const std::string instant = format_instant(due);
  auto row =
      reader.query("SELECT max(0, julianday(billing_day(?1)) - julianday(open_day)) FROM books");
  row.bind(1, instant);
  return row.step() ? row.integer(0) : 0;
}

Reply Service::health() {
  nlohmann::ordered_json document = {{"version", SALDO_VERSION}};
  std::string problem;
  try {
    const auto reader = readers_.lend(options_.busy_timeout);
    reader->set_deadline(Clock::now() + options_.busy_timeout);
    auto books = reader->query("SELECT open_day, last_closed_day FROM books");
    if (books.step()) {
      document["open_day"] = books.text(0);
      document["last_closed_day"] = books.is_null(1) ? nlohmann::ordered_json() : books.text(1);
    }
    document["overdue_days"] = overdue_days(*reader);
    if (closing_ && closing_->problem()) problem = "closing a day fails; the log says why";
  } catch (const Problem& error) {
    problem = error.what();
  } catch (const SqliteError& error) {
    problem = problem_of(error).what();
  }
  if (problem.empty()) {
    document["status"] = "ok";
    return {200, "application/json", document.dump(), {}};
  }
  // What else is known goes along, as RFC 9457 has it (3.2).
  Reply reply = problem_reply(Problem("failing", problem));
  document.update(json::parse(reply.body));
  reply.body = document.dump();
  return reply;
}

std::string Service::metrics_text() {
  const auto reader = readers_.lend(options_.busy_timeout);
  reader->set_deadline(Clock::now() + options_.busy_timeout);
  const auto writes = writer_.figures();
  return metrics_.text(
      {connections.load(), writes.commits, writes.writes, writes.waiting, overdue_days(*reader)});
}

}  // namespace saldo::server
