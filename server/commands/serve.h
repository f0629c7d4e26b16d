// `saldod serve`: the HTTP server and the closing job.
#pragma once

#include <string>

#include "commands/log.h"
#include "http/server.h"

namespace saldo::server::commands {

struct ServeOptions {
  ServiceOptions service;
  HttpLimits http;
  std::string listen = "127.0.0.1:8080";
  std::string certificate;
  std::string key;
  Relay relay;  // without a URL: none
  std::string password_file;
  std::string log_level = "info";
  LogFlags log;
};

// Returns after SIGTERM or SIGINT, with the exit status. Throws std::runtime_error when it cannot
// start.
int serve(ServeOptions options);

}  // namespace saldo::server::commands
