// What all fuzzers share: choices made of the fuzzer's bytes, and how a find is told.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

namespace saldo_fuzz {

using Bytes = FuzzedDataProvider;

[[noreturn]] inline void found(const std::string& what) {
  std::fprintf(stderr, "FOUND %s\n", what.c_str());
  std::abort();
}

// With SALDO_FUZZ_TELL set, what an input reached: `sort | uniq -c` of a corpus shows how deep it
// goes.
inline void tell(const std::string& what) {
  static const bool kTell = std::getenv("SALDO_FUZZ_TELL") != nullptr;
  if (kTell) std::printf("TOLD %s\n", what.c_str());
}

template <typename Pool>
auto pick(Bytes& bytes, const Pool& pool) {
  return pool[bytes.ConsumeIntegralInRange<std::size_t>(0, std::size(pool) - 1)];
}

}  // namespace saldo_fuzz
