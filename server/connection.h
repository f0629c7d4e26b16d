// One client's connection: requests come in whole and within limits, or not at all.
#pragma once

#include <httplib.h>
#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "problem.h"

namespace saldo::server {

// The bytes of a socket, plain or through TLS, with a deadline on every wait.
class Channel {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // `stopping` is a descriptor that is readable once the server stops.
  Channel(int socket, int stopping) : socket_(socket), stopping_(stopping) {}

  bool accept_tls(SSL_CTX* context, Deadline deadline);
  // Adds what has come to `bytes`. False: the end, an error, or the deadline.
  bool receive(std::string& bytes, Deadline deadline);
  bool send(std::string_view bytes, Deadline deadline);
  // Whether something comes before the deadline, the end included; false also when the server
  // stops.
  bool wait_for_request(Deadline deadline);
  [[nodiscard]] bool is_stopping() const;
  // Says goodbye, so that an answer on its way is not lost with what the client still sends.
  void close_gracefully();
  [[nodiscard]] int socket() const { return socket_; }

 private:
  bool wait(short events, Deadline deadline) const;
  // Whether to try again after a result of SSL_read, SSL_write or SSL_accept.
  bool wait_for_tls(int result, Deadline deadline);

  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  int socket_;
  int stopping_;
  std::unique_ptr<SSL, FreeTls> tls_;
};

class Connection : public httplib::Stream {
 public:
  Connection(Channel& channel, std::size_t most_head, std::size_t most_body,
             std::chrono::milliseconds patience)
      : channel_(channel), most_head_(most_head), most_body_(most_body), patience_(patience) {}

  // Whether a part of the next request is here already (clients may send several at once).
  [[nodiscard]] bool has_more() const { return !received_.empty(); }
  // Reads the request line and headers of the next request. False: the client has gone. Throws
  // Problem.
  bool read_head();
  // What that request asks for: path?query.
  [[nodiscard]] const std::string& target() const { return target_; }
  // The values of a header of that request, in their order.
  [[nodiscard]] std::vector<std::string> values_of(std::string_view header) const;
  // Reads the body that the headers announce. Throws Problem.
  std::string read_body();
  // After a body that was not read, or not understood, the next request cannot be found.
  void close_after_answer() { closing_ = true; }
  [[nodiscard]] bool closing() const { return closing_; }
  // Sends what was written.
  bool flush();

  // For httplib, which reads the head from here byte by byte.
  ssize_t read(char* bytes, std::size_t size) override;
  ssize_t write(const char* bytes, std::size_t size) override;
  [[nodiscard]] bool is_readable() const override { return true; }
  [[nodiscard]] bool is_writable() const override { return true; }
  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  [[nodiscard]] socket_t socket() const override { return channel_.socket(); }

 private:
  // What the headers say of the body.
  struct Framing {
    std::optional<std::uint64_t> length;
    bool chunked = false;
    bool expects_continue = false;
  };

  bool receive();
  std::string take(std::size_t size);
  std::string take_line();
  std::string read_chunks();
  void read_request_line(std::string_view line);
  void read_header(std::string_view line);
  [[nodiscard]] std::vector<std::string> words_of(std::string_view header) const;
  void frame(std::string_view name, std::string_view value);

  Channel& channel_;
  std::size_t most_head_;
  std::size_t most_body_;
  std::chrono::milliseconds patience_;
  Channel::Deadline deadline_{};
  std::string received_;  // from the client, not yet used
  std::string head_;      // for httplib: the method is all that it needs
  std::size_t head_read_ = 0;
  std::string method_;
  std::string target_;
  bool old_ = false;  // HTTP/1.0
  std::vector<std::pair<std::string, std::string>> headers_;
  Framing framing_;
  std::string written_;
  bool closing_ = false;
};

}  // namespace saldo::server
