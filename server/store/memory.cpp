#include "store/memory.h"

#include <malloc.h>
#include <sqlite3.h>

#include <limits>

namespace saldo::server {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

sqlite3_mem_methods system_memory;
// Bytes that this thread may still allocate. Frees are credited even for other threads' memory, as
// connections change threads; the figure is exact only while a MemoryBudget lives.
thread_local std::int64_t left = kNoLimit;

void* allocate(int size) {
  if (left < size) return nullptr;
  void* memory = system_memory.xMalloc(size);
  if (memory != nullptr && left != kNoLimit) left -= system_memory.xSize(memory);
  return memory;
}

void release(void* memory) {
  if (left != kNoLimit) left += system_memory.xSize(memory);
  system_memory.xFree(memory);
}

void* resize(void* memory, int size) {
  const int before = system_memory.xSize(memory);
  if (left < size - before) return nullptr;
  void* resized = system_memory.xRealloc(memory, size);
  if (resized != nullptr && left != kNoLimit) left -= system_memory.xSize(resized) - before;
  return resized;
}

}  // namespace

void count_memory() {
  // Blocks of this size and more go back to the system as soon as they are freed. Without this call
  // glibc raises the threshold as such blocks come and go, and does not return what large answers
  // took.
  constexpr int kMappedBytesMin = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, kMappedBytesMin);
  // SQLite's own figures would cost every allocation a lock, and count all threads together.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_memory);
  sqlite3_mem_methods counted = system_memory;
  counted.xMalloc = allocate;
  counted.xFree = release;
  counted.xRealloc = resize;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &counted);
  // Each temporary table, and a write has some for each row, would begin with memory for 20 pages,
  // which the allocator returns to the system as soon as the table goes.
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
}

MemoryBudget::MemoryBudget(std::int64_t bytes) { left = bytes; }
MemoryBudget::~MemoryBudget() {
  left = kNoLimit;
  // What a large query took goes back to the system, not only to the allocator.
  malloc_trim(0);
}

}  // namespace saldo::server
