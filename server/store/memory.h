// How much memory SQLite may take for one query, and what is said when there is none.
#pragma once

#include <cstdint>

#include "rules/error.h"

namespace saldo::server {

// What whoever asked is told when memory runs out.
inline Error no_memory() {
  return {ErrorCode::kOverloaded, "there is no memory for it now; try again"};
}

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
