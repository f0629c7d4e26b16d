// Texts that are made while a statement is read and live as long as it does.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace saldo {

// Hands out views of its texts, which stay where they are, also when it is moved.
class TextPool {
 public:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  // For a text that is changed in place.
  std::string& add(std::string text) { return texts_.emplace_back(std::move(text)); }

 private:
  std::deque<std::string> texts_;
};

}  // namespace saldo
