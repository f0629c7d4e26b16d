// saldod: its commands and flags.
#include <pthread.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <future>
#include <iostream>

#include "commands.h"
#include "commands/verify.h"
#include "http/server.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

// The exit status of a command that failed; 1 says that `verify` found something.
constexpr int kFailed = 2;

struct Serve {
  ServiceOptions service;
  HttpLimits http;
  std::string listen = "127.0.0.1:8080";
  std::string certificate;
  std::string key;
  std::string log_level = "info";
};

// A transform of CLI11: "10s" becomes "10000", the milliseconds. Returns an error message, or "".
std::string duration(std::string& text) {
  const std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const auto& [unit, factor] : units) {
    const auto digits = text.find_first_not_of("0123456789");
    constexpr std::size_t kDigitsMax = 9;
    if (digits == 0 || digits > kDigitsMax || text.substr(digits) != unit) continue;
    text = std::to_string(std::stoll(text.substr(0, digits)) * factor);
    return "";
  }
  return text + " is not a duration, such as 500ms, 10s, 5m or 6h";
}

template <typename Duration>
CLI::Option* add_duration(CLI::App& app, const std::string& flag, Duration& value,
                          const std::string& shown, const std::string& help) {
  return app
      .add_option_function<std::int64_t>(
          flag,
          [&value](const std::int64_t& count) {
            value = std::chrono::duration_cast<Duration>(std::chrono::milliseconds(count));
          },
          help)
      ->transform(CLI::Validator(duration, ""))
      ->default_str(shown)
      ->type_name("DURATION");
}

void add_serve_flags(CLI::App& app, Serve& serve) {
  constexpr std::size_t kBytesMax = 1 << 30;
  app.add_option("--listen", serve.listen, "Address and port; port 0: the system gives one")
      ->capture_default_str();
  add_duration(app, "--close-after", serve.service.close_after, "6h",
               "Close a day so long after its midnight and the server's start");
  app.add_option("--anchor", serve.service.anchor,
                 "Append the digests of closed days to this file");
  app.add_option("--routes", serve.service.routes, "A folder with routes of your own")
      ->check(CLI::ExistingDirectory);
  app.add_flag("--test-clock", serve.service.test_clock,
               "Take the time from the header Saldo-Now, and close no days: for tests");
  auto* certificate =
      app.add_option("--tls-cert", serve.certificate, "The certificate chain, in PEM")
          ->check(CLI::ExistingFile);
  auto* key =
      app.add_option("--tls-key", serve.key, "Its private key, in PEM")->check(CLI::ExistingFile);
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--max-body", serve.http.body, "Bytes of a body")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1}, kBytesMax));
  app.add_option("--max-connections", serve.http.connections, "Connections at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  add_duration(app, "--io-timeout", serve.http.io_timeout, "5s",
               "Between two bytes of a request, and of its answer");
  add_duration(app, "--keep-alive", serve.http.keep_alive, "15s",
               "Between two requests of a connection");
  app.add_option("--readers", serve.service.readers, "Connections to the database that read")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--max-waiting", serve.service.waiting_writes_max, "Writes that wait at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  add_duration(app, "--busy-timeout", serve.service.busy_timeout, "5s",
               "For another program to let go of the database");
  add_duration(app, "--route-timeout", serve.service.route_timeout, "30s",
               "For a route's query, or for a write to begin");
  add_duration(app, "--sql-timeout", serve.service.sql.time, "5s", "For a query of /v1/sql");
  app.add_option("--sql-rows", serve.service.sql.rows, "Rows of an answer of /v1/sql")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--sql-memory", serve.service.sql.memory, "Bytes for a query of /v1/sql")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--log-level", serve.log_level, "debug also logs what was only read")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

// Fails at the start, rather than under load, when the system allows too few open files.
void reserve_descriptors(std::size_t connections, int readers) {
  constexpr rlim_t kFilesPerReader = 3;  // the database, its WAL, a temporary file
  constexpr rlim_t kOtherFiles = 64;     // the writer's, the log, time zones, libraries
  const rlim_t needed = connections + kFilesPerReader * static_cast<rlim_t>(readers) + kOtherFiles;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return;
  limit.rlim_cur = needed;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::runtime_error(
        std::to_string(needed) + " open files are needed, " + std::to_string(limit.rlim_max) +
        " are allowed; lower --max-connections, or raise the limit (ulimit -Hn)");
  }
}

std::pair<std::string, int> host_and_port(const std::string& listen) {
  const auto colon = listen.rfind(':');
  constexpr int kPortMax = 65535;
  int port = -1;
  if (colon != std::string::npos && colon > 0) {
    const std::string text = listen.substr(colon + 1);
    if (!text.empty() && text.size() <= 5 &&
        text.find_first_not_of("0123456789") == std::string::npos) {
      port = std::stoi(text);
    }
  }
  if (port < 0 || port > kPortMax) {
    throw std::runtime_error("--listen " + listen +
                             " is not an address and port, such as 127.0.0.1:8080");
  }
  std::string host = listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return {host, port};
}

int run_server(Serve& serve) {
  // Blocked in this thread, and so in those it starts, which inherit the mask: sigwait() below
  // takes the signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto log = spdlog::stderr_logger_mt("saldod");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  log->set_level(spdlog::level::from_str(serve.log_level));
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);

  serve.service.database = std::filesystem::absolute(serve.service.database).string();
  auto service = std::make_unique<Service>(serve.service);
  HttpServer server(*service, serve.http, serve.certificate, serve.key);
  reserve_descriptors(server.descriptors_max(), serve.service.readers);
  const auto [host, port] = host_and_port(serve.listen);
  const int bound = server.bind(host, port);
  const bool bare_ipv6 = host.find(':') != std::string::npos;
  std::cout << "saldod " << SALDO_VERSION << " listens on "
            << (serve.certificate.empty() ? "http://" : "https://")
            << (bare_ipv6 ? "[" + host + "]" : host) << ":" << bound << std::endl;
  auto served = std::async(std::launch::async, [&] {
    const bool accepting = server.serve();
    kill(getpid(), SIGTERM);  // where nobody has sent it
    return accepting;
  });
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping: requests under way are finished");
  server.stop();
  constexpr std::chrono::seconds kPatience{20};
  if (served.wait_for(kPatience) == std::future_status::ready) return served.get() ? 0 : kFailed;
  // Some clients neither send the rest of a request nor go away. They are left.
  server.refuse();
  service.reset();
  spdlog::info("stopped, with connections left");
  std::_Exit(0);
}

int run(int count, char** arguments) {
  count_memory();
  CLI::App app(
      "saldod: prepaid billing over HTTP. Strangers are met by a reverse proxy in front of it, "
      "which limits "
      "whole requests, headers and floods",
      "saldod");
  app.set_version_flag("--version", SALDO_VERSION);
  app.require_subcommand(1);
  std::string database;
  const auto command = [&](CLI::App& parent, const std::string& name, const std::string& help) {
    CLI::App* added = parent.add_subcommand(name, help);
    added->add_option("--database", database, "The database file")->required();
    return added;
  };
  int status = 0;

  std::string opening;
  std::string country = "ru";
  auto* installing = command(app, "install", "Open books in a new database, or upgrade them");
  installing->add_option("--opening", opening, "The first day of the books")->required();
  installing->add_option("--country", country, "Whose calendar: ru, or none for Monday to Friday")
      ->capture_default_str();
  installing->callback([&] { status = install(database, opening, country); });

  Serve serve;
  auto* serving = command(app, "serve", "Serve HTTP, and close days");
  serving->footer(
      "Clients that are not trusted should reach this server through a reverse proxy, which limits "
      "how\n"
      "long and how large their requests may be, and how many. An nginx configuration comes with "
      "it:\n"
      "/usr/share/saldo/nginx.conf, in the source server/deploy/nginx.conf.");
  add_serve_flags(*serving, serve);
  serving->callback([&] {
    serve.service.database = database;
    status = run_server(serve);
  });

  std::string through;
  auto* closing = command(app, "close", "Close every ended day up to one");
  closing->add_option("--through", through, "The last day to close")->required();
  closing->callback([&] { status = close_days(database, through); });

  std::string anchor;
  auto* verifying = command(
      app, "verify", "Check integrity, audits and digests; exit status 1 when anything is found");
  verifying->add_option("--anchor", anchor, "A file of digests kept elsewhere, lines `day digest`");
  verifying->callback([&] { status = verify(database, anchor); });

  auto* token = app.add_subcommand("token", "Bearer tokens");
  token->require_subcommand(1);
  std::string role;
  std::string name;
  auto* creating = command(*token, "create", "Print a new token, once");
  creating->add_option("--role", role, "crm, cashier, operator, analyst or admin")->required();
  creating->add_option("--name", name, "Who bears it; recorded_by of what it writes")->required();
  creating->callback([&] { status = make_token(database, role, name); });
  command(*token, "list", "Names, roles, and whether they are valid")->callback([&] {
    status = list_tokens(database);
  });
  auto* revoking = command(*token, "revoke", "Make a token invalid from now on");
  revoking->add_option("--name", name, "Whose token")->required();
  revoking->callback([&] { status = withdraw_token(database, name); });

  std::string copy;
  auto* copying = command(app, "backup", "Copy the database while the server runs");
  copying->add_option("file", copy, "The new file")->required();
  copying->callback([&] { status = backup(database, copy); });

  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kFailed;
  }
  return status;
}

}  // namespace
}  // namespace saldo::server

int main(int count, char** arguments) {
  try {
    return saldo::server::run(count, arguments);
  } catch (const std::exception& error) {
    std::cerr << "saldod: " << error.what() << std::endl;
    return saldo::server::kFailed;
  }
}
