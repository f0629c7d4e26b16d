#include "delivery/webhook.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string_view>

#include "delivery/public_address.h"
#include "delivery/webhook_signature.h"

namespace saldo::server {
namespace {

constexpr std::string_view kHttps = "https://";

constexpr long kOk = 200;
constexpr long kRedirects = 300;
constexpr long kBadRequest = 400;
constexpr long kGone = 410;
constexpr long kTooManyRequests = 429;
constexpr long kUnavailable = 503;

// What a receiver answers beyond its status is not read; an answer that goes on and on is left.
std::size_t ignore(char* /*data*/, std::size_t size, std::size_t count, void* total) {
  constexpr std::size_t kBytesMax = 1 << 16;
  auto* bytes = static_cast<std::size_t*>(total);
  *bytes += size * count;
  return *bytes <= kBytesMax ? size * count : 0;
}

}  // namespace

Outcome::Kind judge_webhook(long status) {
  if (status >= kOk && status < kRedirects) return Outcome::Kind::kSent;
  return status == kGone ? Outcome::Kind::kGone : Outcome::Kind::kAgain;
}

WebhookClient::WebhookClient(bool allow_private, const std::atomic<bool>& stopping)
    : curl_(new_curl(stopping)), allow_private_(allow_private) {
  CURL* curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, allow_private ? "http,https" : "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(kPatience.count()));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "saldo/" SALDO_VERSION);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

// After the name was resolved: whatever it resolves to is what is asked about.
curl_socket_t WebhookClient::open_socket(void* client, curlsocktype /*purpose*/,
                                         curl_sockaddr* address) {
  auto* self = static_cast<WebhookClient*>(client);
  if (!self->allow_private_ && !is_public_address(address->addr)) {
    self->was_private_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

Outcome WebhookClient::send(const WebhookMessage& message, Instant now) {
  CURL* curl = curl_.get();
  const auto timestamp = now.time_since_epoch().count();
  status_ = 0;
  std::string signature;
  try {
    signature = sign_webhook(message.secrets, message.id, timestamp, message.body);
  } catch (const std::runtime_error& error) {
    return {Outcome::Kind::kAgain, error.what(), std::nullopt};
  }
  CurlList headers;
  append(headers, "Content-Type: application/json");
  append(headers, "Expect:");
  append(headers, "webhook-id: " + message.id);
  append(headers, "webhook-timestamp: " + std::to_string(timestamp));
  append(headers, "webhook-signature: " + signature);
  std::array<char, CURL_ERROR_SIZE> problem{};
  std::size_t answered = 0;
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(curl, CURLOPT_URL, message.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(message.body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message.body.data());
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answered);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem.data());
  was_private_ = false;
  const CURLcode code = curl_easy_perform(curl);
  // A body that was left half read does not matter.
  const bool is_answered = code == CURLE_OK || code == CURLE_WRITE_ERROR;
  curl_off_t retry_after = 0;
  if (is_answered) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status_);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
  }
  // These lie on this function's stack.
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, nullptr);

  Outcome outcome;
  if (!is_answered) {
    outcome.detail = detail_of(problem[0] != '\0' ? problem.data() : curl_easy_strerror(code));
    if (was_private_)
      outcome.detail = "the name resolves to an address of a private network or of this machine";
    if (!allow_private_ && message.url.compare(0, kHttps.size(), kHttps) != 0)
      outcome.detail = "the URL is not of https";
    return outcome;
  }
  outcome.kind = judge_webhook(status_);
  outcome.detail = "HTTP " + std::to_string(status_);
  if (status_ >= kRedirects && status_ < kBadRequest)
    outcome.detail += "; redirects are not followed";
  if ((status_ == kTooManyRequests || status_ == kUnavailable) && retry_after > 0)
    outcome.retry_after = seconds{retry_after};
  return outcome;
}

}  // namespace saldo::server
