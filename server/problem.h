// What goes wrong, as the client is told it: problem details (RFC 9457) with the design's codes.
// The one place that maps codes and SQLite's results to statuses of HTTP.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/statement.h"

namespace saldo::server {

// One wrong parameter; `name` as in "amount" or "events[3].quantity".
struct ParameterError {
  std::string name;
  std::string detail;
};

class Problem : public std::runtime_error {
 public:
  // `code` is one of kProblemCodes.
  Problem(std::string_view code, const std::string& detail);
  // The sentence is made from what is wrong with each parameter.
  Problem(std::string_view code, std::vector<ParameterError> parameters);

  [[nodiscard]] const std::string& code() const { return code_; }
  [[nodiscard]] int status() const { return status_; }
  // The sentence; what() ends at a NUL that a client sent.
  [[nodiscard]] const std::string& detail() const { return detail_; }
  // An application/problem+json document.
  [[nodiscard]] std::string json() const;

 private:
  std::string code_;
  std::string detail_;
  int status_;
  std::vector<ParameterError> parameters_;
};

struct ProblemCode {
  std::string_view code;
  int status;
  std::string_view when;  // for the OpenAPI document
};
extern const std::vector<ProblemCode> kProblemCodes;

// The reason phrase of a status (RFC 9110).
std::string_view status_phrase(int status);

// An error of SQLite, or one of ours that came through it as "code: sentence". What is nobody's
// business becomes `internal`, without its text.
Problem problem_of(const SqliteError& error);

}  // namespace saldo::server
