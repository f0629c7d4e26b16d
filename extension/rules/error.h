// Errors: a code that programs read and a sentence that people read.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace saldo {

// Every code there is. A program that tells them apart switches over all of them.
enum class ErrorCode {
  // Refusals: of the books (chapter 4 of the design),
  kInvalid,
  kOutOfRange,
  kNotFound,
  kConflict,
  kDayClosed,
  kDayNotEnded,
  kPromiseRefused,
  kAppendOnly,
  // and of the server (chapter 5).
  kMalformed,
  kUnauthorized,
  kForbidden,
  kMethodNotAllowed,
  kNotAcceptable,
  kTooLarge,
  kUriTooLong,
  kUnsupportedMediaType,
  // Failures of the server itself.
  kInternal,
  kFailing,
  kOverloaded,
  kTimedOut,
};

// As interfaces write it: 'day_closed'.
std::string_view error_code_name(ErrorCode code);
// nullopt: there is no such code.
std::optional<ErrorCode> parse_error_code(std::string_view name);
// What SQL may refuse with, `overloaded` where somebody else is to be asked and does not answer;
// the other codes are failures, which only the server itself can tell.
inline bool is_refusal(ErrorCode code) {
  return code < ErrorCode::kInternal || code == ErrorCode::kOverloaded;
}

// what() is "code: sentence", the form in which SQLite hands it on.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string_view sentence);
  [[nodiscard]] ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

inline Error invalid(std::string_view sentence) { return {ErrorCode::kInvalid, sentence}; }
inline Error out_of_range(std::string_view sentence) { return {ErrorCode::kOutOfRange, sentence}; }
inline Error not_found(std::string_view sentence) { return {ErrorCode::kNotFound, sentence}; }
inline Error conflict(std::string_view sentence) { return {ErrorCode::kConflict, sentence}; }
inline Error append_only(std::string_view sentence) { return {ErrorCode::kAppendOnly, sentence}; }

}  // namespace saldo
