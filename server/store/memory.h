// How much memory SQLite may take for one query.
#pragma once

#include <cstdint>

namespace saldo::server {

// Has SQLite's allocations counted by thread. To be called before anything else of SQLite's.
void count_memory();

// While it lives, SQLite's allocations on this thread beyond `bytes` fail, which ends the query
// that asked for them.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::int64_t bytes);
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;
  MemoryBudget(MemoryBudget&&) = delete;
  MemoryBudget& operator=(MemoryBudget&&) = delete;
  ~MemoryBudget();
};

}  // namespace saldo::server
