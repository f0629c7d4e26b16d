// The errors of chapter 4: a code that programs read and a sentence that people read.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace saldo {

// Thrown by the rules and caught by the guard around each callback; what() is "code: sentence".
class Error : public std::runtime_error {
 public:
  Error(std::string_view code, const std::string& sentence)
      : std::runtime_error(std::string(code) + ": " + sentence) {}
};

inline Error invalid(const std::string& sentence) { return {"invalid", sentence}; }
inline Error out_of_range(const std::string& sentence) { return {"out_of_range", sentence}; }
inline Error not_found(const std::string& sentence) { return {"not_found", sentence}; }
inline Error conflict(const std::string& sentence) { return {"conflict", sentence}; }

}  // namespace saldo
