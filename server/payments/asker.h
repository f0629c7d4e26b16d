// Asking a web service what a payment system says: one request by libcurl, without redirects.
#pragma once

#include <atomic>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

namespace saldo::server {

struct Question {
  std::string url;
  std::string method;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct AskedAnswer {
  long status = 0;
  std::string body;
};

// From any thread; at most four ask at once, and sixteen wait for them: each holds a thread of the
// server.
class Asker {
 public:
  static constexpr int kAtOnce = 4;
  static constexpr int kWaiting = 16;

  // Throws overloaded where nothing answers in 10 seconds, or more than 1 MiB, or where others take
  // too long or more of them wait; internal for a question that is not of https, or of http to this
  // machine. What went wrong goes to the log, which is told of `route`.
  AskedAnswer ask(const Question& question, const std::string& route);

 private:
  std::counting_semaphore<kAtOnce> free_{kAtOnce};
  std::atomic<int> here_{0};           // that ask or wait
  std::atomic<bool> stopping_{false};  // never: questions under way are finished
};

}  // namespace saldo::server
