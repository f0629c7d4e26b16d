// For tests in C++ that wait for what other threads do.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace saldo {

inline bool comes_true(const std::function<bool()>& holds,
                       std::chrono::milliseconds patience = std::chrono::milliseconds{60'000}) {
  for (int i = 0; i < patience.count() && !holds(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  return holds();
}

}  // namespace saldo
