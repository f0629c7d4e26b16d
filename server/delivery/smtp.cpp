#include "delivery/smtp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>
#include <utility>

namespace saldo::server {
namespace {

constexpr long kConnectSeconds = 20;

curl_mimepart* add_part(curl_mime* mime) {
  curl_mimepart* part = curl_mime_addpart(mime);
  if (part == nullptr) throw std::bad_alloc();
  return part;
}

curl_mimepart* add_part(curl_mime* mime, const std::string& bytes, const char* type) {
  curl_mimepart* part = add_part(mime);
  if (curl_mime_data(part, bytes.data(), bytes.size()) != CURLE_OK ||
      curl_mime_type(part, type) != CURLE_OK || curl_mime_encoder(part, "base64") != CURLE_OK)
    throw std::bad_alloc();
  return part;
}

CurlMime new_mime(CURL* curl) {
  CurlMime mime(curl_mime_init(curl));
  if (!mime) throw std::bad_alloc();
  return mime;
}

// The two forms of the text; with an attachment they are one part, and that is the other.
CurlMime mime_of(CURL* curl, const MailMessage& message) {
  CurlMime text = new_mime(curl);
  add_part(text.get(), message.text, "text/plain; charset=utf-8");
  add_part(text.get(), message.html, "text/html; charset=utf-8");
  if (!message.attachment) return text;
  const MailAttachment& attachment = *message.attachment;
  CurlMime mime = new_mime(curl);
  curl_mimepart* forms = add_part(mime.get());
  if (curl_mime_subparts(forms, text.get()) != CURLE_OK) throw std::bad_alloc();
  static_cast<void>(text.release());  // now of `mime`
  curl_mimepart* attached = add_part(mime.get(), attachment.bytes, attachment.media_type.c_str());
  if (curl_mime_type(forms, "multipart/alternative") != CURLE_OK ||
      curl_mime_filename(attached, attachment.name.c_str()) != CURLE_OK)
    throw std::bad_alloc();
  return mime;
}

int code_of(std::string_view line) {
  int code = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i >= line.size() || line[i] < '0' || line[i] > '9') return 0;
    code = code * 10 + (line[i] - '0');
  }
  return code;
}

}  // namespace

std::optional<RelayUrl> parse_relay_url(std::string_view text) {
  constexpr std::string_view kPlain = "smtp://";
  constexpr std::string_view kEncrypted = "smtps://";
  RelayUrl url;
  url.encrypted = text.substr(0, kEncrypted.size()) == kEncrypted;
  if (!url.encrypted && text.substr(0, kPlain.size()) != kPlain) return std::nullopt;
  text.remove_prefix(url.encrypted ? kEncrypted.size() : kPlain.size());
  std::string_view rest;
  if (text.substr(0, 1) == "[") {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    url.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    in6_addr address{};
    if (inet_pton(AF_INET6, url.host.c_str(), &address) != 1) return std::nullopt;
  } else {
    const auto end = std::min(text.find(':'), text.size());
    url.host = text.substr(0, end);
    rest = text.substr(end);
  }
  const bool strange = std::any_of(url.host.begin(), url.host.end(), [](unsigned char c) {
    return c <= ' ' || c >= 0x7F || c == '/' || c == '?' || c == '#' || c == '@' || c == '\\';
  });
  if (url.host.empty() || strange) return std::nullopt;
  if (rest.empty()) return url;
  constexpr int kPortMax = 65535;
  int port = 0;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), port);
  const bool is_port = rest[0] == ':' && error == std::errc() && end == rest.data() + rest.size();
  return is_port && port > 0 && port <= kPortMax ? std::optional(url) : std::nullopt;
}

bool is_this_machine(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  constexpr std::uint32_t kLoopback = 127;
  constexpr int kFirstByte = 24;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> kFirstByte == kLoopback;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

Outcome::Kind judge_mail(bool succeeded, SmtpStep step, int reply) {
  if (succeeded) return Outcome::Kind::kSent;
  if (reply / 100 != 5) return Outcome::Kind::kAgain;
  if (step < SmtpStep::kRcpt) return Outcome::Kind::kPaused;
  return step == SmtpStep::kRcpt ? Outcome::Kind::kAddressRefused : Outcome::Kind::kFailed;
}

SmtpClient::SmtpClient(const Relay& relay, const std::atomic<bool>& stopping)
    : curl_(new_curl(stopping)) {
  CURL* curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_URL, relay.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  if (!relay.plain) curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (!relay.user.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, relay.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, relay.password.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                   static_cast<long>(std::chrono::seconds(kAnswerPatience).count()));
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  // At which step a conversation ended is told by nothing but the conversation.
  curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, listen);
  curl_easy_setopt(curl, CURLOPT_DEBUGDATA, this);
}

// libcurl says QUIT and would wait for the answer of a relay that gives none.
SmtpClient::~SmtpClient() {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(curl_.get(), CURLINFO_ACTIVESOCKET, &socket);
  if (socket != CURL_SOCKET_BAD) ::shutdown(socket, SHUT_RDWR);
}

Outcome SmtpClient::send(const MailMessage& message, const std::string& from,
                         const std::string& to) {
  CURL* curl = curl_.get();
  CurlList headers;
  for (const auto& header : message.headers) append(headers, header);
  append(headers, message.attachment ? "Content-Type: multipart/mixed"
                                     : "Content-Type: multipart/alternative");
  const CurlMime mime = mime_of(curl, message);
  CurlList recipients;
  append(recipients, "<" + to + ">");
  std::array<char, CURL_ERROR_SIZE> problem{};
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime.get());
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ("<" + from + ">").c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem.data());

  const auto end = std::chrono::steady_clock::now() + kPatience;
  CURLcode code = perform(false, end);
  long connections = 0;
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connections);
  // A kept connection that the relay has ended meanwhile says nothing of this message.
  constexpr int kGoesAway = 421;
  if (code != CURLE_OK && code != CURLE_ABORTED_BY_CALLBACK && connections == 0 &&
      step_ < SmtpStep::kData && (reply_ == 0 || reply_ == kGoesAway)) {
    code = perform(true, end);
  }
  // These lie on this function's stack.
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, nullptr);
  curl_easy_setopt(curl, CURLOPT_MIMEPOST, nullptr);

  const bool succeeded = code == CURLE_OK;
  Outcome::Kind kind = judge_mail(succeeded, step_, reply_);
  // No way to authenticate that both know, where the relay has refused nothing yet.
  if (code == CURLE_LOGIN_DENIED && reply_ / 100 != 4) kind = Outcome::Kind::kPaused;
  const std::string said = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
  std::string detail = reply_text_;
  if (!succeeded && reply_ / 100 < 4) detail = said;
  return {kind, detail_of(detail), std::nullopt};
}

CURLcode SmtpClient::perform(bool fresh, std::chrono::steady_clock::time_point end) {
  step_ = SmtpStep::kConnect;
  ended_ = false;
  reply_ = 0;
  reply_text_.clear();
  curl_easy_setopt(curl_.get(), CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
  // 0 would be no limit.
  const auto left = std::chrono::duration_cast<seconds>(end - std::chrono::steady_clock::now());
  curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT, std::max(1L, static_cast<long>(left.count())));
  return curl_easy_perform(curl_.get());
}

int SmtpClient::listen(CURL* /*curl*/, curl_infotype type, char* data, std::size_t size,
                       void* client) {
  auto* self = static_cast<SmtpClient*>(client);
  const std::string_view text(data, size);
  if (type == CURLINFO_HEADER_OUT) self->sent(text);
  if (type == CURLINFO_HEADER_IN) self->received(text);
  if (type == CURLINFO_DATA_OUT) {
    self->step_ = SmtpStep::kBody;
    self->reply_ = 0;
  }
  return 0;
}

// What stands in the lines of an AUTH is not looked at. After a refusal libcurl says QUIT, whose
// answer means nothing.
void SmtpClient::sent(std::string_view command) {
  ended_ = command == "QUIT\r\n";
  if (ended_) return;
  constexpr std::array<std::pair<std::string_view, SmtpStep>, 7> kCommands = {
      {{"EHLO ", SmtpStep::kHello},
       {"HELO ", SmtpStep::kHello},
       {"STARTTLS\r\n", SmtpStep::kStartTls},
       {"AUTH ", SmtpStep::kAuth},
       {"MAIL FROM:", SmtpStep::kMail},
       {"RCPT TO:", SmtpStep::kRcpt},
       {"DATA\r\n", SmtpStep::kData}}};
  for (const auto& [begin, step] : kCommands) {
    if (command.substr(0, begin.size()) == begin) step_ = step;
  }
  reply_ = 0;
}

void SmtpClient::received(std::string_view line) {
  const int code = code_of(line);
  if (code == 0 || ended_) return;
  reply_ = code;
  reply_text_ = line;
}

}  // namespace saldo::server
