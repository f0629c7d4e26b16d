// Errors as a client is told them: problem details (RFC 9457). The one place that knows which error
// is which status of HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/error.h"

namespace saldo::server {

int status_of(ErrorCode code);
// What the code means, for the OpenAPI document.
std::string_view meaning_of(ErrorCode code);
std::vector<ErrorCode> all_error_codes();

// One wrong parameter; `name` as in "amount" or "events[3].quantity".
struct ParameterError {
  std::string name;
  std::string detail;
};

// All that is wrong with the parameters of a request.
class ParameterErrors : public Error {
 public:
  ParameterErrors(ErrorCode code, std::vector<ParameterError> parameters);
  [[nodiscard]] const std::vector<ParameterError>& parameters() const { return parameters_; }

 private:
  std::vector<ParameterError> parameters_;
};

struct Reply {
  int status = 200;
  std::string content_type;  // empty: there is no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool is_empty = false;     // many rows were asked for, and there is none
  bool is_conflict = false;  // a payment system's identifier came again with other content
  std::string warning{};     // a line for the log; empty: none
  bool is_stored = false;    // it was given before, under the same Idempotency-Key
  std::optional<std::string> so_far{};  // for the same part's next run
  std::optional<std::string> kept{};    // the body without its secrets; nullopt: it has none

  // What is kept of it under an Idempotency-Key.
  [[nodiscard]] const std::string& body_to_keep() const { return kept ? *kept : body; }
};

inline constexpr std::string_view kProblemType = "application/problem+json";

Reply problem_reply(const Error& error);
// When to ask again after a 503: the header.
std::pair<std::string, std::string> retry_after();
// The title of a problem: the reason phrase of a status (RFC 9110).
std::string_view reason_phrase(int status);

}  // namespace saldo::server
