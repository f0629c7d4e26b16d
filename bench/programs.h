// What the benchmarks of the server share: programs that run beside, and many requests at once.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>

#include "measure.h"

namespace saldo_bench {

// What a command prints.
inline std::string output_of(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) fail("cannot run " + command);
  std::string output;
  std::array<char, 4096> piece;
  while (const auto size = std::fread(piece.data(), 1, piece.size(), pipe))
    output.append(piece.data(), size);
  if (pclose(pipe) != 0) fail(command + " failed: " + output);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

inline std::string new_token(const std::string& saldod, const std::string& database,
                             const std::string& role) {
  return output_of(saldod + " token create --database " + database + " --role " + role +
                   " --name bench-" + role);
}

// A program that listens, and says on its first line where; ended with us, however we end.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) fail("cannot make a pipe");
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDOUT_FILENO);
      std::vector<char*> argv;
      for (auto& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
    FILE* out = fdopen(ends[0], "r");
    std::array<char, 256> line{};
    if (std::fgets(line.data(), line.size(), out) == nullptr) fail(arguments[0] + " did not start");
    const std::string text(line.data());
    port_ = std::atoi(text.substr(text.rfind(':') + 1).c_str());
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
  }
  int port() const { return port_; }

 private:
  pid_t process_ = -1;
  int port_ = 0;
};

// Many kept-alive connections, each of which has one request under way, from one thread: it takes
// less of the machine that it shares with the server than a thread each would.
class Load {
 public:
  // The next request of a connection: its head and body.
  using Request = std::function<std::string(int connection)>;
  // Its answer, and the seconds that it took.
  using Answer =
      std::function<void(int connection, int status, const std::string& text, double seconds)>;

  Load(int port, int connections) : connections_(static_cast<std::size_t>(connections)) {
    for (auto& connection : connections_) {
      connection.socket = socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<std::uint16_t>(port));
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const int on = 1;
      setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (connect(connection.socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0)
        fail("cannot connect to the server");
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    for (const auto& connection : connections_) close(connection.socket);
  }

  // Asks while `going`, takes all answers, and returns the answers per second.
  double run(const std::function<bool()>& going, const Request& request, const Answer& answer) {
    const auto start = Clock::now();
    std::vector<pollfd> waiting;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      waiting.push_back({connections_[i].socket, POLLIN, 0});
      send_next(i, request);
    }
    std::size_t under_way = connections_.size();
    int answers = 0;
    while (under_way > 0) {
      constexpr int kPatienceMs = 60'000;
      if (poll(waiting.data(), waiting.size(), kPatienceMs) <= 0)
        fail("the server does not answer");
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (waiting[i].revents == 0 || !receive(i, answer)) continue;
        ++answers;
        if (going()) {
          send_next(i, request);
        } else {
          waiting[i].fd = -1;  // poll() passes over it
          waiting[i].revents = 0;
          --under_way;
        }
      }
    }
    return answers / seconds_since(start);
  }

 private:
  struct Connection {
    int socket = -1;
    std::string received;
    Clock::time_point sent;
  };

  void send_next(std::size_t index, const Request& request) {
    auto& connection = connections_[index];
    const std::string text = request(static_cast<int>(index));
    connection.sent = Clock::now();
    std::size_t sent = 0;
    while (sent < text.size()) {
      const auto size =
          send(connection.socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) fail("the server closed a connection");
      sent += static_cast<std::size_t>(size);
    }
  }

  // False: more is to come.
  bool receive(std::size_t index, const Answer& answer) {
    auto& connection = connections_[index];
    std::array<char, 65536> piece;
    const auto size = recv(connection.socket, piece.data(), piece.size(), 0);
    if (size <= 0) fail("the server closed a connection");
    std::string& text = connection.received;
    text.append(piece.data(), static_cast<std::size_t>(size));
    const auto head = text.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    constexpr const char* kLength = "Content-Length: ";
    const auto length = text.find(kLength);
    if (length > head) fail("an answer without Content-Length");
    const auto body = static_cast<std::size_t>(std::atol(text.c_str() + length + 16));
    if (text.size() < head + 4 + body) return false;
    const int status = std::atoi(text.c_str() + std::string("HTTP/1.1 ").size());
    answer(static_cast<int>(index), status, text, seconds_since(connection.sent));
    text.clear();
    return true;
  }

  std::vector<Connection> connections_;
};

inline std::string http_request(const std::string& method_and_target, const std::string& token,
                                const std::string& body = "") {
  return method_and_target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
         (body.empty() ? "\r\n\r\n"
                       : "\r\nContent-Type: application/json\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
}

}  // namespace saldo_bench
