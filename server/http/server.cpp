#include "http.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "connection.h"

namespace saldo::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBacklog = 1024;
constexpr std::chrono::milliseconds kPause{10};  // before accept() is tried again
// Beyond the limit of connections, so that those refused are told so; and how many may wait for it.
constexpr std::size_t kRefusers = 4;
constexpr std::size_t kMostWaiting = 64;

// The connection whose request httplib handles on this thread.
thread_local Connection* current = nullptr;

// As many threads as there are connections at once, made when they are first needed: a slow client
// holds up nobody else.
class Threads {
 public:
  Threads(std::size_t most, std::function<void(int)> serve)
      : most_(most), serve_(std::move(serve)) {}
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  Threads(Threads&&) = delete;
  Threads& operator=(Threads&&) = delete;
  // Waits for all that was enqueued.
  ~Threads() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    arrived_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  // False: too many wait already. Throws std::bad_alloc.
  bool enqueue(int socket) {
    const std::lock_guard lock(mutex_);
    if (busy_ + sockets_.size() == most_ + kMostWaiting) return false;
    sockets_.push_back(socket);
    if (threads_.size() < std::min(most_, busy_ + sockets_.size())) {
      try {
        threads_.emplace_back([this] { work(); });
        return true;
      } catch (const std::exception& error) {
        spdlog::error("one more thread: {}; the connection waits for another to end", error.what());
      }
    }
    arrived_.notify_one();
    return true;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      arrived_.wait(lock, [&] { return !sockets_.empty() || stopping_; });
      if (sockets_.empty()) return;
      const int socket = sockets_.front();
      sockets_.pop_front();
      ++busy_;
      lock.unlock();
      serve_(socket);
      lock.lock();
      --busy_;
    }
  }

  std::size_t most_;
  std::function<void(int)> serve_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<int> sockets_;
  std::size_t busy_ = 0;  // threads that serve
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// An answer to what is no request, or comes at a bad time.
std::string plain_answer(const Problem& problem) {
  const Reply reply = problem_reply(problem);
  std::string text =
      "HTTP/1.1 " + std::to_string(reply.status) + " " + std::string(status_phrase(reply.status)) +
      "\r\nContent-Type: " + reply.content_type +
      "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : reply.headers)
    text.append(name).append(": ").append(value).append("\r\n");
  return text + "\r\n" + reply.body;
}

void fill(httplib::Response& response, const Reply& reply) {
  response.status = reply.status;
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
  if (!reply.content_type.empty()) response.set_content(reply.body, reply.content_type);
}

std::optional<std::string> header(std::string_view name) {
  const auto values = current->values_of(name);
  if (values.empty()) return std::nullopt;
  if (values.size() > 1) throw Problem("malformed", std::string(name) + " is there twice");
  return values.front();
}

bool accepts_csv() {
  const auto accepted = current->values_of("Accept");
  return std::any_of(accepted.begin(), accepted.end(), [](const std::string& types) {
    return types.find("text/csv") != std::string::npos;
  });
}

}  // namespace

HttpServer::HttpServer(Service& service, const HttpLimits& limits, const std::string& certificate,
                       const std::string& key)
    : service_(service), limits_(limits), stopping_(eventfd(0, EFD_CLOEXEC)) {
  if (!certificate.empty()) {
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    if (!tls_ || SSL_CTX_set_min_proto_version(tls_.get(), TLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate_chain_file(tls_.get(), certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw std::runtime_error("--tls-cert " + certificate + " and --tls-key " + key +
                               " are not a certificate and its key in PEM");
    }
    SSL_CTX_set_mode(tls_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  set_tcp_nodelay(true);
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    return answer(request, response);
  });
  // For what httplib refuses by itself.
  set_error_handler(
      HandlerWithResponse([](const httplib::Request& /*request*/, httplib::Response& response) {
        if (!response.body.empty()) return HandlerResponse::Unhandled;
        fill(response, problem_reply(Problem("malformed", "this is no request of HTTP/1.1")));
        current->close_after_answer();
        return HandlerResponse::Handled;
      }));
  set_post_routing_handler([](const httplib::Request& /*request*/, httplib::Response& response) {
    response.headers.erase("Keep-Alive");  // it tells httplib's limits, not ours
    if (!current->closing()) return;
    response.headers.erase("Connection");
    response.set_header("Connection", "close");
  });
}

HttpServer::~HttpServer() {
  if (svr_sock_ >= 0) ::close(svr_sock_);
  ::close(stopping_);
}

std::size_t HttpServer::most_descriptors() const {
  return limits_.connections + kRefusers + kMostWaiting;
}

int HttpServer::bind(const std::string& host, int port) {
  const int bound = port == 0 ? bind_to_any_port(host) : (bind_to_port(host, port) ? port : -1);
  // Once more, with room for more clients than httplib's five. A client may be gone before it is
  // accepted, and accept() must not wait for the next one.
  if (bound < 0 || ::listen(svr_sock_, kBacklog) != 0 ||
      fcntl(svr_sock_, F_SETFL, O_NONBLOCK) != 0) {
    throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) +
                             "; is another server there?");
  }
  return bound;
}

// httplib's own loop ends for good when accept() fails.
void HttpServer::serve() {
  Threads threads(limits_.connections + kRefusers,
                  [this](int socket) { serve_connection(socket); });
  std::array<pollfd, 2> waited{{{svr_sock_, POLLIN, 0}, {stopping_, POLLIN, 0}}};
  for (;;) {
    (void)poll(waited.data(), waited.size(), -1);
    if (waited[1].revents != 0) return;
    const int socket = accept4(svr_sock_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      // A client that went, or no descriptor or memory for one more: they come back.
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        std::this_thread::sleep_for(kPause);
      continue;
    }
    try {
      if (threads.enqueue(socket)) continue;
    } catch (const std::bad_alloc&) {
    }
    ::close(socket);
  }
}

void HttpServer::stop_serving() const {
  const std::uint64_t one = 1;
  (void)!::write(stopping_, &one, sizeof(one));
}

void HttpServer::serve_connection(int socket) {
  const auto open = ++service_.connections;
  try {
    converse(socket, open > limits_.connections);
  } catch (const std::exception& error) {
    spdlog::error("a connection: {}", error.what());
  }
  current = nullptr;
  --service_.connections;
  ::close(socket);
}

void HttpServer::converse(int socket, bool is_one_too_many) {
  Channel channel(socket, stopping_);
  if (tls_ && !channel.accept_tls(tls_.get(), Clock::now() + limits_.request)) return;
  if (is_one_too_many) {
    channel.send(plain_answer(Problem("overloaded", "too many connections are open; try again")),
                 Clock::now() + limits_.request);
  } else {
    Connection connection(channel, limits_.head, limits_.body, limits_.request);
    current = &connection;
    bool closed = false;
    // Once the server stops, requests that follow the one under way are left, even those that are
    // here: a client may send them without end.
    while (!closed &&
           (connection.has_more() ? !channel.is_stopping()
                                  : channel.wait_for_request(Clock::now() + limits_.keep_alive))) {
      try {
        if (!connection.read_head()) break;
      } catch (const Problem& problem) {
        channel.send(plain_answer(problem), Clock::now() + limits_.request);
        break;
      }
      const bool answered = process_request(connection, false, closed, nullptr);
      closed = !connection.flush() || !answered || closed || connection.closing();
    }
  }
  channel.close_gracefully();
}

HttpServer::HandlerResponse HttpServer::answer(const httplib::Request& request,
                                               httplib::Response& response) {
  try {
    const std::string body = current->read_body();
    const auto authorization = header("Authorization");
    fill(response,
         service_.handle({request.method, current->target(), body,
                          authorization ? *authorization : std::string_view(),
                          header("Idempotency-Key"), header("Saldo-Now"), accepts_csv()}));
  } catch (const Problem& problem) {
    fill(response, problem_reply(problem));
  }
  return HandlerResponse::Handled;
}

}  // namespace saldo::server
