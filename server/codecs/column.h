// A column of the rows that a codec renders.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "rules/error.h"

namespace saldo::server {

struct Column {
  int index = 0;  // in the statement
  std::string name;
  std::string key;         // of an object in JSON, encoded: "name":
  bool is_json = false;    // its text goes into JSON as it is
  bool is_secret = false;  // it is told once, and null wherever the answer is kept
};

inline constexpr std::size_t kUnlimitedBytes = std::numeric_limits<std::size_t>::max();

// A row is rendered column by column, and ends early where it would be too large.
inline void check_row_bytes(std::size_t bytes, std::size_t bytes_max) {
  if (bytes > bytes_max) throw out_of_range("a row needs more memory than the limit allows");
}

}  // namespace saldo::server
