#include "http/server.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "routes/accept.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

constexpr int kBacklog = 1024;
// Connections that may wait for a thread; those after them wait in the system's backlog.
constexpr std::size_t kWaitingMax = 64;
constexpr std::size_t kRequestsPerConnectionMax = 1'000'000'000;

// A thread for each connection, made when it is first needed: a slow client holds up nobody else.
// The library runs one task for each connection.
class ConnectionThreads : public httplib::TaskQueue {
 public:
  // `crowded`: whether connections wait for others to end.
  ConnectionThreads(std::size_t threads_max, std::atomic<std::uint64_t>& connections,
                    std::atomic<bool>& crowded)
      : threads_max_(threads_max), connections_(connections), crowded_(crowded) {}

  void enqueue(std::function<void()> connection) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return tasks_.size() < kWaitingMax; });
    tasks_.push_back(std::move(connection));
    if (busy_ + tasks_.size() > threads_.size() && threads_.size() < threads_max_) {
      try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::exception& error) {
        spdlog::error("one more thread: {}; the connection waits for another to end", error.what());
      }
    }
    crowded_ = busy_ + tasks_.size() > threads_.size();
    changed_.notify_all();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return !tasks_.empty() || stopping_; });
      if (tasks_.empty()) return;
      const auto connection = std::move(tasks_.front());
      tasks_.pop_front();
      ++busy_;
      crowded_ = busy_ + tasks_.size() > threads_.size();
      changed_.notify_all();
      lock.unlock();
      ++connections_;
      connection();
      --connections_;
      lock.lock();
      --busy_;
    }
  }

  std::size_t threads_max_;
  std::atomic<std::uint64_t>& connections_;
  std::atomic<bool>& crowded_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t busy_ = 0;  // threads that serve
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Keys of the library's map of headers.
const std::string kAccept = "Accept";
const std::string kAuthorization = "Authorization";
const std::string kContentEncoding = "Content-Encoding";
const std::string kContentLength = "Content-Length";
const std::string kContentType = "Content-Type";
const std::string kIdempotencyKey = "Idempotency-Key";
const std::string kSaldoNow = "Saldo-Now";
const std::string kTransferEncoding = "Transfer-Encoding";

// Where people's forms are sent, which may bring a file.
const std::string kForms = "/do";

std::optional<std::string_view> header(const httplib::Request& request, const std::string& name) {
  const auto [first, last] = request.headers.equal_range(name);
  if (first == last) return std::nullopt;
  if (std::next(first) != last) throw Error(ErrorCode::kMalformed, name + " is there twice");
  return first->second;
}

// All values of a header that may come in several lines.
std::string list_header(const httplib::Request& request, const std::string& name) {
  std::string list;
  const auto [first, last] = request.headers.equal_range(name);
  for (auto value = first; value != last; ++value)
    list.append(list.empty() ? "" : ",").append(value->second);
  return list;
}

std::optional<std::string> any_header(const httplib::Request& request, const std::string& name) {
  if (request.headers.count(name) == 0) return std::nullopt;
  return list_header(request, name);
}

bool has_body_by_method(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// The library would read the end of these requests elsewhere than the client has put it, or not as
// it was meant. Throws Error.
void check_framing(const httplib::Request& request) {
  const auto malformed = [](const std::string& sentence) {
    return Error(ErrorCode::kMalformed, sentence);
  };
  const auto length = header(request, kContentLength);
  const auto encoding = header(request, kTransferEncoding);
  if (length && encoding) throw malformed("there are Content-Length and Transfer-Encoding");
  if (length && !std::all_of(length->begin(), length->end(),
                             [](unsigned char c) { return std::isdigit(c) != 0; }))
    throw malformed("Content-Length is not a number of bytes");
  if (encoding && !equal_ignoring_case(*encoding, "chunked"))
    throw malformed("Transfer-Encoding is not chunked");
  const bool has_body = encoding || (length && length->find_first_not_of('0') != std::string::npos);
  if (has_body && !has_body_by_method(request.method))
    throw malformed("a " + request.method + " has no body here");
  if (encoding && request.method == "DELETE")
    throw malformed("the body of a DELETE comes with its Content-Length");
  if (header(request, kContentEncoding))
    throw Error(ErrorCode::kUnsupportedMediaType, "a body comes without Content-Encoding");
  if (header(request, kContentType).value_or("").substr(0, 9) == "multipart" &&
      (request.path != kForms || !request.is_multipart_form_data()))
    throw Error(ErrorCode::kUnsupportedMediaType, "a body is not in several parts here");
}

// By the header Content-Type the library decides whether to compress, which is slow, and for some
// Ranges it replaces it. So the type goes along in a field that the library leaves alone, and
// becomes a header at the last moment.
constexpr std::string_view kNoContentType = "-";
void set_content_type(httplib::Response& response, std::string type) {
  response.reason = type.empty() ? std::string(kNoContentType) : std::move(type);
}
// Empty where the answer has no body.
std::string content_type_of(const httplib::Response& response) {
  return response.reason == kNoContentType ? "" : response.reason;
}
// Whether the answer is ours, and not the library's own.
bool is_answered(const httplib::Response& response) { return !response.reason.empty(); }

// What becomes of the connection behind an answer. The library closes it where the body comes from
// a provider that says, after the whole of it, that it failed.
enum class Then { kGoOn, kClose };

// As the service takes it; valid as long as `request` and `body` are. Throws malformed.
HttpRequest http_request(const httplib::Request& request, std::string_view body) {
  return {request.method,
          request.target,
          body,
          header(request, kAuthorization).value_or(""),
          list_header(request, kAccept),
          header(request, kContentType).value_or(""),
          header(request, kIdempotencyKey),
          header(request, kSaldoNow),
          {},
          request.remote_addr,
          [&request](const std::string& name) { return any_header(request, name); }};
}

// Fields of a form that comes in parts.
constexpr std::size_t kPartsMax = 100;

// A Range is ignored, as HTTP allows: of a body without a length, which ends with the connection,
// the library takes no part.
void fill(const httplib::Request& request, httplib::Response& response, Reply&& reply, Then then) {
  response.status = reply.status;
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
  if (then == Then::kClose) response.set_header("Connection", "close");
  if (reply.body.empty() || (then == Then::kGoOn && request.ranges.empty())) {
    response.body = std::move(reply.body);
  } else {
    const auto body = std::make_shared<const std::string>(std::move(reply.body));
    const auto send = [body](httplib::DataSink& sink) {
      sink.write(body->data(), body->size());
      return false;
    };
    if (request.ranges.empty()) {
      response.set_content_provider(body->size(), "",
                                    [send](std::size_t /*offset*/, std::size_t /*length*/,
                                           httplib::DataSink& sink) { return send(sink); });
    } else {
      response.set_content_provider(
          "", [send](std::size_t /*offset*/, httplib::DataSink& sink) { return send(sink); });
    }
  }
  set_content_type(response, std::move(reply.content_type));
}

}  // namespace

HttpServer::HttpServer(Service& service, const HttpLimits& limits, const std::string& certificate,
                       const std::string& key)
    : service_(service), limits_(limits) {
  if (certificate.empty()) {
    server_ = std::make_unique<httplib::Server>();
  } else {
    auto tls = std::make_unique<httplib::SSLServer>(certificate.c_str(), key.c_str());
    if (!tls->is_valid() ||
        SSL_CTX_set_min_proto_version(tls->ssl_context(), TLS1_2_VERSION) != 1) {
      throw std::runtime_error("--tls-cert " + certificate + " and --tls-key " + key +
                               " are not a certificate and its key in PEM");
    }
    server_ = std::move(tls);
  }
  server_->new_task_queue = [this] {
    return new ConnectionThreads(limits_.connections, service_.connections, crowded_);
  };
  // Without the library's SO_REUSEPORT, by which a second server would take half of the requests.
  server_->set_socket_options([this](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    listening_ = socket;
  });
  server_->set_tcp_nodelay(true);
  server_->set_payload_max_length(std::max(limits_.body, limits_.statement));
  server_->set_read_timeout(limits_.io_timeout);
  server_->set_write_timeout(limits_.io_timeout);
  server_->set_keep_alive_timeout(limits_.keep_alive.count());
  server_->set_keep_alive_max_count(kRequestsPerConnectionMax);

  using Handled = httplib::Server::HandlerResponse;
  server_->set_pre_routing_handler([this](const auto& request, auto& response) {
    try {
      check_framing(request);
    } catch (const Error& error) {
      send_refusal(request, response, error);
      return Handled::Handled;
    }
    if (has_body_by_method(request.method)) return Handled::Unhandled;
    answer(request, {}, response);
    return Handled::Handled;
  });
  const std::string any_path = R"([\s\S]*)";
  const auto receiver = [this](const auto& request, auto& response, const auto& read_content) {
    receive(request, response, read_content);
  };
  server_->Post(any_path, receiver)
      .Put(any_path, receiver)
      .Patch(any_path, receiver)
      .Delete(any_path, receiver);
  server_->set_expect_100_continue_handler([this](const auto& request, auto& response) {
    constexpr int kContinue = 100;
    const auto length = request.template get_header_value<std::uint64_t>("Content-Length");
    if (length <= body_max(request)) return kContinue;
    response.status = status_of(ErrorCode::kTooLarge);
    return response.status;
  });
  // For what the library refuses by itself.
  server_->set_error_handler(
      httplib::Server::HandlerWithResponse([this](const auto& request, auto& response) {
        if (is_answered(response)) return Handled::Unhandled;
        send_refusal(request, response, refusal(response.status, body_max(request)));
        return Handled::Handled;
      }));
  server_->set_exception_handler(
      [this](const auto& request, auto& response, const std::exception_ptr& /*error*/) {
        send_refusal(request, response, no_memory());
      });
  server_->set_post_routing_handler([](const auto& /*request*/, auto& response) {
    if (!is_answered(response)) return;
    response.headers.erase("Content-Type");
    const auto type = content_type_of(response);
    if (type.empty()) return;
    response.set_header("Content-Type", type);
    // A browser takes it for nothing else.
    if (type.starts_with("text/html")) response.set_header("X-Content-Type-Options", "nosniff");
  });
}

std::size_t HttpServer::descriptors_max() const { return limits_.connections + kWaitingMax; }

int HttpServer::bind(const std::string& host, int port) {
  const int bound =
      port == 0 ? server_->bind_to_any_port(host) : (server_->bind_to_port(host, port) ? port : -1);
  // Once more, with room for more clients than the library's five.
  if (bound < 0 || ::listen(listening_, kBacklog) != 0) {
    throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) +
                             "; is another server there?");
  }
  return bound;
}

bool HttpServer::serve() {
  const bool accepting = server_->listen_after_bind();
  ended_ = true;
  return accepting;
}

void HttpServer::stop() {
  // The library forgets a stop() that comes before it listens.
  constexpr std::chrono::milliseconds kStartPause{1};
  while (!server_->is_running() && !ended_) std::this_thread::sleep_for(kStartPause);
  server_->stop();
}

void HttpServer::refuse() {
  refusing_ = true;
  for (int left = under_way_; left > 0; left = under_way_) under_way_.wait(left);
}

void HttpServer::receive(const httplib::Request& request, httplib::Response& response,
                         const httplib::ContentReader& read_content) {
  const std::size_t size_max = body_max(request);
  if (request.is_multipart_form_data()) return receive_parts(request, response, read_content);
  std::string body;
  // Without either header there is no body; the library would wait for one.
  if (header(request, kContentLength) || header(request, kTransferEncoding)) {
    // One that is announced too large is so, whether or not it comes.
    bool too_large = request.get_header_value<std::uint64_t>(kContentLength) > size_max;
    const bool is_whole = read_content([&](const char* data, std::size_t size) {
      too_large = too_large || body.size() + size > size_max;
      if (!too_large) body.append(data, size);
      return !too_large;
    });
    if (!is_whole) {
      const Error cut_off(ErrorCode::kMalformed,
                          "the body does not come as the headers announce it");
      const int status = too_large ? status_of(ErrorCode::kTooLarge) : response.status;
      const bool is_refused = status == status_of(ErrorCode::kTooLarge);
      return send_refusal(request, response, is_refused ? refusal(status, size_max) : cut_off);
    }
  }
  answer(request, body, response);
}

// A form with a file. What a body in parts may be is limited as a whole.
void HttpServer::receive_parts(const httplib::Request& request, httplib::Response& response,
                               const httplib::ContentReader& read_content) {
  const std::size_t size_max = body_max(request);
  std::size_t size = 0;
  Fields parts;
  const bool is_whole = request.get_header_value<std::uint64_t>(kContentLength) <= size_max &&
                        read_content(
                            [&](const httplib::MultipartFormData& part) {
                              parts.emplace_back(part.name, "");
                              return parts.size() <= kPartsMax;
                            },
                            [&](const char* data, std::size_t length) {
                              size += length;
                              if (size > size_max || parts.empty()) return false;
                              parts.back().second.append(data, length);
                              return true;
                            });
  if (!is_whole) {
    const bool too_large =
        size > size_max || request.get_header_value<std::uint64_t>(kContentLength) > size_max;
    return send_refusal(request, response,
                        too_large
                            ? refusal(status_of(ErrorCode::kTooLarge), size_max)
                            : Error(ErrorCode::kMalformed, "the parts of the body are broken"));
  }
  answer(request, {}, response, std::move(parts));
}

void HttpServer::answer(const httplib::Request& request, std::string_view body,
                        httplib::Response& response, Fields parts) {
  ++under_way_;
  Reply reply = reply_to(request, body, std::move(parts));
  if (--under_way_ == 0) under_way_.notify_all();
  // While others wait for a thread, this one is not kept for the next request.
  fill(request, response, std::move(reply), crowded_ || refusing_ ? Then::kClose : Then::kGoOn);
}

std::size_t HttpServer::body_max(const httplib::Request& request) {
  // Twice the same header is refused later.
  const auto authorization = request.get_header_value(kAuthorization);
  if (request.path == kForms && request.is_multipart_form_data())
    return service_.takes_file(http_request(request, {})) ? limits_.statement : limits_.body;
  return service_.takes_statement(request.method, request.target, authorization) ? limits_.statement
                                                                                 : limits_.body;
}

void HttpServer::send_refusal(const httplib::Request& request, httplib::Response& response,
                              const Error& error) {
  fill(request, response, service_.refuse(request.target, error), Then::kClose);
}

Error HttpServer::refusal(int status, std::size_t size_max) {
  if (status == status_of(ErrorCode::kUriTooLong))
    return {ErrorCode::kUriTooLong, "the path and query exceed 8,192 bytes"};
  if (status == status_of(ErrorCode::kTooLarge))
    return {ErrorCode::kTooLarge, "the body exceeds " + std::to_string(size_max) + " bytes"};
  return {ErrorCode::kMalformed, "this is no request of HTTP/1.1"};
}

Reply HttpServer::reply_to(const httplib::Request& request, std::string_view body, Fields parts) {
  try {
    if (refusing_) throw Error(ErrorCode::kOverloaded, "the server stops");
    HttpRequest http = http_request(request, body);
    http.parts = std::move(parts);
    return service_.handle(http);
  } catch (const Error& error) {
    return service_.refuse(request.target, error);
  }
}

}  // namespace saldo::server
