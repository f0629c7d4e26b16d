// How far a node is with the log, for its metrics and health.
#pragma once

#include <cstddef>
#include <cstdint>

namespace saldo::server {

struct LogFigures {
  std::int64_t number = 0;  // applied here
  std::int64_t head = 0;    // known to be in the log
  std::uint64_t appends = 0;
  std::uint64_t resends = 0;
  std::uint64_t rereads = 0;
  bool stopped = false;
  std::size_t differs = 0;          // nodes that had other answers than this one
  double clock_offset_seconds = 0;  // of this machine, against the others' median
};

}  // namespace saldo::server
