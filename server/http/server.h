// HTTP over sockets: cpp-httplib parses requests and writes answers, on streams of our own that
// keep the limits it does not have (Debian compiles it, with its own limits baked in).
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "service.h"

namespace saldo::server {

struct HttpLimits {
  std::size_t head = 32 << 10;  // bytes of request line and headers
  std::size_t body = 1 << 20;   // bytes
  std::size_t connections = 512;
  std::chrono::milliseconds request{
      10'000};  // for a request to arrive, and for the client to take each MiB of the answer
  std::chrono::milliseconds keep_alive{60'000};  // between two requests
};

class HttpServer : private httplib::Server {
 public:
  // TLS if there are files. Throws std::runtime_error for files that hold no certificate and key.
  HttpServer(Service& service, const HttpLimits& limits, const std::string& certificate,
             const std::string& key);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  HttpServer(HttpServer&&) = delete;
  HttpServer& operator=(HttpServer&&) = delete;
  ~HttpServer() override;

  // How many descriptors connections take at most.
  [[nodiscard]] std::size_t most_descriptors() const;
  // Port 0: the system gives one. Returns the port. Throws std::runtime_error.
  int bind(const std::string& host, int port);
  // Serves until stop_serving(), and then until the requests under way are answered.
  void serve();
  // From another thread.
  void stop_serving() const;
  // All requests of one connection, which is closed then; serve() calls it on a thread of its own.
  void serve_connection(int socket);

 private:
  void converse(int socket, bool is_one_too_many);
  HandlerResponse answer(const httplib::Request& request, httplib::Response& response);

  Service& service_;
  HttpLimits limits_;
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, FreeContext> tls_;
  int stopping_;  // an eventfd, readable once the server stops
};

}  // namespace saldo::server
