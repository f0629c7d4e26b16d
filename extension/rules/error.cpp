#include "rules/error.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace saldo {
namespace {

// In the order of ErrorCode.
constexpr std::array<std::string_view, 20> kNames = {
    "invalid",        "out_of_range",  "not_found",       "conflict",
    "day_closed",     "day_not_ended", "promise_refused", "append_only",
    "malformed",      "unauthorized",  "forbidden",       "method_not_allowed",
    "not_acceptable", "too_large",     "uri_too_long",    "unsupported_media_type",
    "internal",       "failing",       "overloaded",      "timed_out",
};
static_assert(kNames.size() == static_cast<std::size_t>(ErrorCode::kTimedOut) + 1);

}  // namespace

std::string_view error_code_name(ErrorCode code) { return kNames[static_cast<std::size_t>(code)]; }

std::optional<ErrorCode> parse_error_code(std::string_view name) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ErrorCode>(found - kNames.begin());
}

Error::Error(ErrorCode code, std::string_view sentence)
    : std::runtime_error(std::string(error_code_name(code)) + ": " + std::string(sentence)),
      code_(code) {}

}  // namespace saldo
