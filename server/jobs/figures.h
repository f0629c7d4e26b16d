// Figures that take a look at every account, for pages: those of a minute ago, which say so, so
// that nobody waits for them and nobody computes them twice.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "store/database.h"

namespace saldo::server {

class Figures {
 public:
  // `keeps`: computes them on a thread of its own, every minute, or more rarely where that takes
  // long. Otherwise each is computed for whoever asks.
  Figures(const std::string& books, std::function<Instant()> now, bool keeps);
  Figures(const Figures&) = delete;
  Figures& operator=(const Figures&) = delete;
  Figures(Figures&&) = delete;
  Figures& operator=(Figures&&) = delete;
  // One that is being computed is broken off.
  ~Figures();

  // JSON: {"at": of which instant they are, "rows": an array of arrays}. Computed on `reader` for
  // `now` where none are kept of the five minutes before that.
  //   states      state, accounts, balance; most accounts first
  //   restricted  name, account_id, balance, arrears_since, how many there are: those who will be
  //               restricted on the next working day, the 50 that owe most
  //   revenue     service, price list, accounts, quantity, a month's amount
  // Throws invalid for another name.
  [[nodiscard]] std::string get(std::string_view name, sqlite3* reader, Instant now) const;

 private:
  void run();
  bool sleep(std::chrono::steady_clock::duration time);

  std::atomic<bool> stopping_{false};
  std::unique_ptr<Database> books_;  // null: none are kept
  std::function<Instant()> now_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  struct Kept {
    Instant at;
    std::string figures;
  };
  std::map<std::string, Kept, std::less<>> kept_;
  std::thread thread_;
};

}  // namespace saldo::server
