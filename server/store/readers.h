// The connections that only read, lent to one request at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/tokens.h"

namespace saldo::server {

class Readers {
 public:
  // `prepare` sees each connection once.
  template <typename Prepare>
  Readers(const std::string& path, int count, Prepare prepare) {
    for (int i = 0; i < count; ++i) {
      idle_.push_back(std::make_unique<Reader>(path, Database::Mode::kRead));
      prepare(*idle_.back());
    }
  }

  struct GiveBack {
    Readers* readers;
    void operator()(Reader* reader) const { readers->give_back(std::unique_ptr<Reader>(reader)); }
  };
  using Lease = std::unique_ptr<Reader, GiveBack>;

  // A connection whose queries end within `patience`. Waits for it as long, then throws overloaded.
  Lease lend(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!returned_.wait_for(lock, patience, [&] { return !idle_.empty(); }))
      throw Error(ErrorCode::kOverloaded, "all connections to the database are busy; try again");
    auto reader = std::move(idle_.back());
    idle_.pop_back();
    reader->set_deadline(std::chrono::steady_clock::now() + patience);
    reader->sight = nullptr;
    return {reader.release(), GiveBack{this}};
  }

 private:
  void give_back(std::unique_ptr<Reader> reader) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(reader));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Reader>> idle_;
};

}  // namespace saldo::server
