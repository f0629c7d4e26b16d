// HTTP by cpp-httplib, through its public interface alone. The library's limits are the server's:
// the size of a path and of a body, the time between two bytes, the number of connections.
// Strangers are met by a reverse proxy (deploy/nginx.conf), which limits whole requests, headers
// and floods.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "routes/service.h"

namespace saldo::server {

struct HttpLimits {
  std::size_t body = 1 << 20;        // bytes
  std::size_t statement = 64 << 20;  // of a body of a route that takes statements
  std::size_t connections = 512;
  std::chrono::milliseconds io_timeout{5'000};  // between two bytes of a request or an answer
  std::chrono::seconds keep_alive{15};          // between two requests
};

class HttpServer {
 public:
  // TLS if there are files. Throws std::runtime_error for files that hold no certificate and key.
  HttpServer(Service& service, const HttpLimits& limits, const std::string& certificate,
             const std::string& key);

  // How many descriptors connections take at most.
  [[nodiscard]] std::size_t descriptors_max() const;
  // Port 0: the system gives one. Returns the port. Throws std::runtime_error.
  int bind(const std::string& host, int port);
  // Serves until stop(), and then until the connections are closed: requests under way are
  // finished, and an idle connection is closed after `keep_alive`. False: the system accepts no
  // more.
  bool serve();
  // From another thread.
  void stop();
  // After stop(), for clients who never end: from now on requests are refused, and those that the
  // service works on are waited for.
  void refuse();

 private:
  void receive(const httplib::Request& request, httplib::Response& response,
               const httplib::ContentReader& read_content);
  void receive_parts(const httplib::Request& request, httplib::Response& response,
                     const httplib::ContentReader& read_content);
  void answer(const httplib::Request& request, std::string_view body, httplib::Response& response,
              Fields parts = {});
  void send_refusal(const httplib::Request& request, httplib::Response& response,
                    const Error& error);
  // Bytes of a body, by its route and who asks.
  std::size_t body_max(const httplib::Request& request);
  // For a status with which the library refuses a request whose body may have `size_max` bytes.
  static Error refusal(int status, std::size_t size_max);
  Reply reply_to(const httplib::Request& request, std::string_view body, Fields parts);

  Service& service_;
  HttpLimits limits_;
  std::unique_ptr<httplib::Server> server_;
  int listening_ = -1;                // the socket
  std::atomic<bool> ended_{false};    // serve() is over
  std::atomic<bool> crowded_{false};  // connections wait for others to end
  std::atomic<int> under_way_{0};     // requests that the service works on
  std::atomic<bool> refusing_{false};
};

}  // namespace saldo::server
