// The connections that only read, lent to one request at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "database.h"
#include "problem.h"

namespace saldo::server {

class Readers {
 public:
  // `prepare` sees each connection once.
  template <typename Prepare>
  Readers(const std::string& path, int count, Prepare prepare) {
    for (int i = 0; i < count; ++i) {
      idle_.push_back(std::make_unique<Database>(path, Database::Mode::kRead));
      prepare(*idle_.back());
    }
  }

  class Lease {
   public:
    Lease(Readers& readers, std::unique_ptr<Database> database)
        : readers_(readers), database_(std::move(database)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease(Lease&&) = delete;
    Lease& operator=(Lease&&) = delete;
    ~Lease() { readers_.give_back(std::move(database_)); }
    Database& operator*() const { return *database_; }
    Database* operator->() const { return database_.get(); }

   private:
    Readers& readers_;
    std::unique_ptr<Database> database_;
  };

  // Waits for a connection up to `patience`, then throws overloaded.
  Lease lend(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!returned_.wait_for(lock, patience, [&] { return !idle_.empty(); })) {
      throw Problem("overloaded", "all connections to the database are busy; try again");
    }
    auto database = std::move(idle_.back());
    idle_.pop_back();
    return {*this, std::move(database)};
  }

 private:
  void give_back(std::unique_ptr<Database> database) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(database));
    }
    returned_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Database>> idle_;
};

}  // namespace saldo::server
