// Figures that take a look at every account, for pages: those of a minute ago, or older where
// computing them takes long, so that nobody waits for them and nobody computes them twice. They say
// of when they are.
#pragma once

#include <atomic>
#include <chrono>
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
  // long; whoever asks before the first are there waits for them, up to `patience`. Otherwise each
  // is computed for whoever asks.
  Figures(const std::string& books, std::function<Instant()> now, bool keeps,
          std::chrono::milliseconds patience);
  Figures(const Figures&) = delete;
  Figures& operator=(const Figures&) = delete;
  Figures(Figures&&) = delete;
  Figures& operator=(Figures&&) = delete;
  ~Figures();

  // One that is being computed is broken off, and whoever waits for it is refused.
  void stop();

  // JSON: {"at": of which instant they are, "rows": an array of arrays}. Where none are kept,
  // computed on `reader` for `now`.
  //   states      state, accounts, balance; most accounts first
  //   restricted  name, account_id, balance, arrears_since, how many there are: those who will be
  //               restricted on the next working day, the 50 that owe most
  //   debtors     account_id, state, balance, arrears_since, promised_until, restricted_from, how
  //               many there are: those in arrears, the 1,000 that owe most
  //   debts       below how many days of age (7, 30, 90; null: all others), accounts, balance, of
  //               them with a promise, of them restricted
  //   revenue     service, price list, accounts, quantity, a month's amount
  // Throws invalid for another name, overloaded where they are not there in time.
  [[nodiscard]] std::string get(std::string_view name, sqlite3* reader, Instant now) const;

 private:
  void run();
  bool sleep(std::chrono::steady_clock::duration time);

  std::atomic<bool> stopping_{false};
  std::unique_ptr<Database> books_;  // null: none are kept
  std::function<Instant()> now_;
  std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, std::string, std::less<>> kept_;  // empty: they could not be computed yet
  std::thread thread_;
};

}  // namespace saldo::server
