#include "connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace saldo::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 16 << 10;
constexpr std::size_t kSentAtOnce = 1 << 20;
constexpr std::size_t kLongestRequestLine = 8 << 10;
constexpr std::size_t kMostHeaders = 100;
constexpr std::size_t kLongestChunkLine = 100;
constexpr std::chrono::milliseconds kGoodbye{500};

int milliseconds_until(Channel::Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

bool is_token(std::string_view text) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           kSigns.find(c) != std::string_view::npos;
  });
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Where its name ends.
std::size_t check_header(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || has_control(line))
    throw Problem("malformed", "a header is no header");
  return colon;
}

Problem too_large(std::size_t most) {
  return {"too_large", "the body exceeds " + std::to_string(most) + " bytes"};
}

}  // namespace

bool Channel::wait(short events, Deadline deadline) const {
  pollfd waited{socket_, events, 0};
  for (;;) {
    const int ready = poll(&waited, 1, milliseconds_until(deadline));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool Channel::wait_for_request(Deadline deadline) {
  if (tls_ && SSL_pending(tls_.get()) > 0) return true;
  std::array<pollfd, 2> waited{{{socket_, POLLIN, 0}, {stopping_, POLLIN, 0}}};
  for (;;) {
    const int ready = poll(waited.data(), waited.size(), milliseconds_until(deadline));
    if (ready > 0) return waited[1].revents == 0;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool Channel::is_stopping() const {
  pollfd stopping{stopping_, POLLIN, 0};
  return poll(&stopping, 1, 0) > 0;
}

bool Channel::wait_for_tls(int result, Deadline deadline) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE:
      return wait(POLLOUT, deadline);
    default:
      return false;
  }
}

bool Channel::accept_tls(SSL_CTX* context, Deadline deadline) {
  tls_.reset(SSL_new(context));
  if (!tls_ || SSL_set_fd(tls_.get(), socket_) != 1) return false;
  for (;;) {
    const int result = SSL_accept(tls_.get());
    if (result == 1) return true;
    if (!wait_for_tls(result, deadline)) return false;
  }
}

bool Channel::receive(std::string& bytes, Deadline deadline) {
  std::array<char, kPiece> piece;
  for (;;) {
    if (Clock::now() >= deadline) return false;
    if (tls_) {
      const int size = SSL_read(tls_.get(), piece.data(), static_cast<int>(piece.size()));
      if (size > 0) {
        bytes.append(piece.data(), static_cast<std::size_t>(size));
        return true;
      }
      if (!wait_for_tls(size, deadline)) return false;
      continue;
    }
    const auto size = recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
    if (size > 0) {
      bytes.append(piece.data(), static_cast<std::size_t>(size));
      return true;
    }
    const bool again = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (!again || !wait(POLLIN, deadline)) return false;
  }
}

bool Channel::send(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    ssize_t size = 0;
    if (tls_) {
      size = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (size <= 0) {
        if (!wait_for_tls(static_cast<int>(size), deadline)) return false;
        continue;
      }
    } else {
      size = ::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (size < 0) {
        const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        if (!again || !wait(POLLOUT, deadline)) return false;
        continue;
      }
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void Channel::close_gracefully() {
  if (tls_) SSL_shutdown(tls_.get());
  shutdown(socket_, SHUT_WR);
  const auto deadline = Clock::now() + kGoodbye;
  std::array<char, kPiece> ignored;
  while (Clock::now() < deadline && wait(POLLIN, deadline) &&
         recv(socket_, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
  }
}

bool Connection::receive() {
  // What was answered so far, a "100 Continue" above all, may be what the client waits for.
  return flush() && channel_.receive(received_, deadline_);
}

bool Connection::read_head() {
  deadline_ = Clock::now() + patience_;
  framing_ = {};
  headers_.clear();
  head_.clear();
  head_read_ = 0;
  method_.clear();
  std::size_t used = 0;
  for (;;) {
    const auto end = received_.find('\n', used);
    // The line, or as much as has come of it.
    const auto line_size = std::min(end, received_.size()) - used;
    if (method_.empty() && line_size > kLongestRequestLine + 1) {  // CR
      throw Problem("uri_too_long",
                    "the path and query exceed " + std::to_string(kLongestRequestLine) + " bytes");
    }
    if (used + line_size > most_head_ || headers_.size() > kMostHeaders) {
      throw Problem("header_too_large", "the headers exceed " + std::to_string(most_head_) +
                                            " bytes or " + std::to_string(kMostHeaders) + " lines");
    }
    if (end == std::string::npos) {
      if (receive()) continue;
      if (received_.empty()) return false;
      if (Clock::now() >= deadline_)
        throw Problem("request_timeout", "the request came too slowly");
      return false;
    }
    if (end == used || received_[end - 1] != '\r')
      throw Problem("malformed", "a line does not end in CR LF");
    const std::string_view line(received_.data() + used, end - used - 1);
    used = end + 1;
    if (has_control(line)) throw Problem("malformed", "the head holds a control character");
    if (line.empty() && method_.empty()) continue;  // RFC 9112, 2.2: lines before the request line
    if (line.empty()) break;
    if (method_.empty()) {
      read_request_line(line);
    } else {
      read_header(line);
    }
  }
  received_.erase(0, used);
  if (framing_.chunked && framing_.length) {
    throw Problem("malformed", "the body has both a Content-Length and a Transfer-Encoding");
  }
  const auto hosts = values_of("Host").size();
  if (hosts > 1 || (hosts == 0 && !old_)) throw Problem("malformed", "there is not one Host");
  // RFC 9112, 9.3.
  const auto connection = words_of("Connection");
  const auto says = [&](std::string_view word) {
    return std::any_of(connection.begin(), connection.end(),
                       [&](const std::string& one) { return same_word(one, word); });
  };
  if (says("close") || (old_ && !says("keep-alive"))) closing_ = true;
  // Of the headers httplib needs none, and changes some.
  head_ = method_ + " / HTTP/1.1\r\n\r\n";
  return true;
}

// RFC 9112, 3. A target in absolute form loses its scheme and host.
void Connection::read_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  const auto method = line.substr(0, std::min(first, line.size()));
  const auto version = line.substr(std::min(last, line.size()));
  if (first == last || !is_token(method) || (version != " HTTP/1.1" && version != " HTTP/1.0") ||
      line.find(' ', first + 1) != last || last == first + 1) {
    throw Problem("malformed", "this is no request of HTTP/1.1");
  }
  method_ = method;
  old_ = version == " HTTP/1.0";
  auto target = line.substr(first + 1, last - first - 1);
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!same_word(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(std::min(target.find('/', scheme.size()), target.size()));
  }
  target_ = target.empty() ? "/" : target;
}

void Connection::read_header(std::string_view line) {
  const auto colon = check_header(line);
  const auto name = line.substr(0, colon);
  const auto value = trimmed(line.substr(colon + 1));
  frame(name, value);
  headers_.emplace_back(name, value);
}

// The members of a header that is a list.
std::vector<std::string> Connection::words_of(std::string_view header) const {
  std::vector<std::string> words;
  for (const auto& value : values_of(header)) {
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      words.emplace_back(trimmed(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

std::vector<std::string> Connection::values_of(std::string_view header) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : headers_) {
    if (same_word(name, header)) values.push_back(value);
  }
  return values;
}

void Connection::frame(std::string_view name, std::string_view value) {
  if (same_word(name, "Content-Length")) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (error != std::errc() || end != value.data() + value.size() || framing_.length) {
      throw Problem("malformed", "Content-Length is no number, or is there twice");
    }
    framing_.length = length;
  } else if (same_word(name, "Transfer-Encoding")) {
    if (!same_word(value, "chunked") || framing_.chunked)
      throw Problem("malformed", "Transfer-Encoding is not chunked");
    framing_.chunked = true;
  } else if (same_word(name, "Content-Encoding") && !same_word(value, "identity")) {
    throw Problem("malformed", "bodies come as they are, without a Content-Encoding");
  } else if (same_word(name, "Expect")) {
    framing_.expects_continue = same_word(value, "100-continue");
  }
}

std::string Connection::read_body() {
  if (framing_.length.value_or(0) > most_body_) {
    closing_ = true;
    throw too_large(most_body_);
  }
  if (!framing_.chunked && framing_.length.value_or(0) == 0) return {};
  if (framing_.expects_continue) written_ += "HTTP/1.1 100 Continue\r\n\r\n";
  try {
    return framing_.chunked ? read_chunks() : take(*framing_.length);
  } catch (const Problem&) {
    closing_ = true;
    throw;
  }
}

std::string Connection::take(std::size_t size) {
  while (received_.size() < size) {
    if (receive()) continue;
    if (Clock::now() >= deadline_) throw Problem("request_timeout", "the body came too slowly");
    throw Problem("malformed", "the body is shorter than announced");
  }
  std::string taken = received_.substr(0, size);
  received_.erase(0, size);
  return taken;
}

std::string Connection::take_line() {
  for (;;) {
    const auto end = received_.find("\r\n");
    if (end != std::string::npos && end <= kLongestChunkLine) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 2);
      return line;
    }
    if (received_.size() > kLongestChunkLine) throw Problem("malformed", "a chunk has no size");
    if (receive()) continue;
    if (Clock::now() >= deadline_) throw Problem("request_timeout", "the body came too slowly");
    throw Problem("malformed", "the body ends within a chunk");
  }
}

// RFC 9112, 7.1; extensions and trailers are ignored.
std::string Connection::read_chunks() {
  std::string body;
  for (;;) {
    const std::string line = take_line();
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    const auto rest = trimmed({end, static_cast<std::size_t>(line.data() + line.size() - end)});
    if (error != std::errc() || (!rest.empty() && rest.front() != ';') || has_control(line))
      throw Problem("malformed", "a chunk has no size");
    if (size == 0) break;
    if (size > most_body_ - body.size()) throw too_large(most_body_);
    body += take(size);
    if (take(2) != "\r\n") throw Problem("malformed", "a chunk is longer than announced");
  }
  std::size_t trailers = 0;
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    if (++trailers > kMostHeaders) throw Problem("malformed", "there are too many trailers");
    check_header(line);
  }
  return body;
}

bool Connection::flush() {
  std::string_view left = written_;
  auto deadline = Clock::now() + patience_;
  while (!left.empty()) {
    const auto piece = left.substr(0, kSentAtOnce);
    if (!channel_.send(piece, deadline)) {
      closing_ = true;
      break;
    }
    left.remove_prefix(piece.size());
    // Once the server stops, a piece is all that it waits for.
    if (!left.empty() && !channel_.is_stopping()) deadline = Clock::now() + patience_;
  }
  written_.clear();
  return left.empty();
}

ssize_t Connection::read(char* bytes, std::size_t size) {
  const auto count = std::min(size, head_.size() - head_read_);
  if (count == 0) return -1;
  std::copy_n(head_.data() + head_read_, count, bytes);
  head_read_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* bytes, std::size_t size) {
  written_.append(bytes, size);
  return static_cast<ssize_t>(size);
}

}  // namespace saldo::server
