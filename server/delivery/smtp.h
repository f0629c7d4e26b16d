// E-mail through a relay, by libcurl.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/curl.h"
#include "delivery/mail_message.h"
#include "delivery/schedule.h"

namespace saldo::server {

struct Relay {
  std::string url;     // smtp://host:port or smtps://host:port
  bool plain = false;  // smtp:// without STARTTLS
  std::string user;    // empty: without AUTH
  std::string password;
};

// smtp://HOST, smtp://HOST:PORT, or smtps; HOST may be an IPv6 address in brackets.
struct RelayUrl {
  bool encrypted = false;  // smtps
  std::string host;        // without brackets
};
// nullopt: it is something else.
std::optional<RelayUrl> parse_relay_url(std::string_view text);
// localhost, 127.0.0.0/8 or ::1.
bool is_this_machine(const std::string& host);

// How far a conversation with the relay has come: what was sent last.
enum class SmtpStep { kConnect, kHello, kStartTls, kAuth, kMail, kRcpt, kData, kBody };

// What a conversation came to. `succeeded`: libcurl says so, which alone counts. `reply`: the code
// that the relay gave to the last step; 0: none.
Outcome::Kind judge_mail(bool succeeded, SmtpStep step, int reply);

// One connection, which is kept for the next message; for one thread.
class SmtpClient {
 public:
  SmtpClient(const Relay& relay, const std::atomic<bool>& stopping);
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;
  SmtpClient(SmtpClient&&) = delete;
  SmtpClient& operator=(SmtpClient&&) = delete;
  ~SmtpClient();

  // How long the relay may take to answer; so long after the final dot by RFC 5321, 4.5.3.2.6: a
  // mail that is given up earlier may have been taken, and be sent twice.
  static constexpr std::chrono::minutes kAnswerPatience{10};
  // The longest that send() takes, but for an end by `stopping`.
  static constexpr std::chrono::seconds kPatience = kAnswerPatience + std::chrono::minutes{2};

  // Both addresses are is_mail_address().
  Outcome send(const MailMessage& message, const std::string& from, const std::string& to);
  // Whether the relay was not even reached by the last send().
  [[nodiscard]] bool unreachable() const { return step_ == SmtpStep::kConnect && reply_ == 0; }

 private:
  static int listen(CURL* curl, curl_infotype type, char* data, std::size_t size, void* client);
  void sent(std::string_view command);
  void received(std::string_view line);
  CURLcode perform(bool fresh, std::chrono::steady_clock::time_point end);

  CurlHandle curl_;
  SmtpStep step_ = SmtpStep::kConnect;
  bool ended_ = false;  // by us
  int reply_ = 0;
  std::string reply_text_;
};

}  // namespace saldo::server
