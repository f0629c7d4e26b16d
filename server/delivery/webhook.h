// Notices by HTTP, by libcurl: one POST, without redirects, and to nobody's own network unless that
// is allowed.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "delivery/curl.h"
#include "delivery/schedule.h"

namespace saldo::server {

struct WebhookMessage {
  std::string url;
  std::string id;
  std::string body;  // JSON
  std::vector<std::string> secrets;
};

// What the answer of this status means.
Outcome::Kind judge_webhook(long status);

// Keeps connections for the next message; for one thread.
class WebhookClient {
 public:
  WebhookClient(bool allow_private, const std::atomic<bool>& stopping);

  // The longest that send() takes.
  static constexpr std::chrono::seconds kPatience{15};

  // Signs it for `now`, the instant of the attempt.
  Outcome send(const WebhookMessage& message, Instant now);
  // Of the last answer; 0: there was none.
  [[nodiscard]] long status() const { return status_; }

 private:
  static curl_socket_t open_socket(void* client, curlsocktype purpose, curl_sockaddr* address);

  CurlHandle curl_;
  bool allow_private_;
  bool was_private_ = false;  // an address that was not connected to
  long status_ = 0;
};

}  // namespace saldo::server
