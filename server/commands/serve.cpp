#include "commands/serve.h"

#include <pthread.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <utility>

#include "commands/commands.h"

namespace saldo::server::commands {
namespace {

// Fails at the start, rather than under load, when the system allows too few open files.
void reserve_descriptors(std::size_t connections, int readers) {
  constexpr rlim_t kFilesPerReader = 3;  // the database, its WAL, a temporary file
  constexpr rlim_t kFilesPerSender = 3;  // a connection; while a name is looked up, two more
  constexpr rlim_t kOtherFiles = 64;     // the writer's, the log, time zones, libraries
  const rlim_t needed = connections + kFilesPerReader * static_cast<rlim_t>(readers) +
                        kFilesPerSender * (Sender::kMailThreads + Sender::kWebhookThreads +
                                           static_cast<rlim_t>(Asker::kAtOnce)) +
                        kOtherFiles;
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

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty())
    throw std::runtime_error("--smtp-password-file " + path + " has no password on its first line");
  if (line.back() == '\r') line.pop_back();
  return line;
}

// Neither the e-mails nor the password may cross a network in the clear.
void check_plain_relay(const std::string& text) {
  const RelayUrl url = parse_relay_url(text).value();
  if (url.encrypted)
    throw std::runtime_error("--smtp-plain is for a relay of smtp://; " + text + " is encrypted");
  if (!is_this_machine(url.host)) {
    throw std::runtime_error(
        "--smtp-plain is for a relay on this machine, such as smtp://localhost:25; without it " +
        text + " is used with STARTTLS");
  }
}

void read_secrets_again(Service& service, const ServeOptions& options) {
  if (options.service.secrets.empty())
    return spdlog::info("SIGHUP: there is no --secrets to be read again");
  try {
    service.reload_secrets();
    spdlog::info("SIGHUP: {} was read again", options.service.secrets);
  } catch (const std::runtime_error& error) {
    spdlog::error("SIGHUP: {}; the secrets stay as they were", error.what());
  }
}

// So that a core of the process, which holds the secrets, is not written.
void forbid_cores() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace

int serve(ServeOptions options) {
  // Blocked in this thread, and so in those it starts, which inherit the mask: sigwait() below
  // takes the signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto log = spdlog::stderr_logger_mt("saldod");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  log->set_level(spdlog::level::from_str(options.log_level));
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);

  options.service.database = std::filesystem::absolute(options.service.database).string();
  options.service.sender.test_clock = options.service.test_clock;
  options.service.has_tls = !options.certificate.empty();
  options.service.waiting_clients_max = static_cast<int>(options.http.connections / 4);
  constexpr std::chrono::milliseconds kNoticeEveryMin{100};
  if (options.service.notice_every < kNoticeEveryMin)
    throw std::runtime_error("--notice-every is at least 100ms");
  if (!options.service.secrets.empty()) {
    options.service.secrets = std::filesystem::absolute(options.service.secrets).string();
    forbid_cores();
  }
  if (options.relay.plain) check_plain_relay(options.relay.url);
  if (!options.password_file.empty()) options.relay.password = first_line(options.password_file);
  if (!options.relay.url.empty()) options.service.sender.mail.relay = options.relay;
  if (!options.log.url.empty()) {
    // What etcd takes, with what JSON adds to it.
    constexpr std::size_t kBodyMax = (1 << 20) - 1;
    options.http.body = std::min(options.http.body, kBodyMax);
    options.service.log = open_log(options.log);
    options.service.replica.node = options.log.node;
  }
  auto service = std::make_unique<Service>(options.service);
  HttpServer server(*service, options.http, options.certificate, options.key);
  reserve_descriptors(server.descriptors_max(), options.service.readers);
  const auto [host, port] = host_and_port(options.listen);
  const int bound = server.bind(host, port);
  const bool bare_ipv6 = host.find(':') != std::string::npos;
  std::cout << "saldod " << SALDO_VERSION << " listens on "
            << (options.certificate.empty() ? "http://" : "https://")
            << (bare_ipv6 ? "[" + host + "]" : host) << ":" << bound << std::endl;
  auto served = std::async(std::launch::async, [&] {
    const bool accepting = server.serve();
    kill(getpid(), SIGTERM);  // wakes sigwait() below, if the server ended by itself
    return accepting;
  });
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) read_secrets_again(*service, options);
  spdlog::info("stopping: requests under way are finished");
  service->stop();
  server.stop();
  constexpr std::chrono::seconds kStopPatience{20};
  if (served.wait_for(kStopPatience) == std::future_status::ready)
    return served.get() ? 0 : kFailedStatus;
  // Some clients neither send the rest of their request nor close the connection. The writes under
  // way are finished, and the process ends without waiting for those clients.
  server.refuse();
  service.reset();
  spdlog::info("stopped, with connections left");
  std::_Exit(0);
}

}  // namespace saldo::server::commands
