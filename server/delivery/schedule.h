// When an attempt that did not succeed is made again, and when e-mail may be sent at all.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "rules/time.h"

namespace saldo::server {

// What an attempt came to. `detail` is for people, and without secrets.
struct Outcome {
  enum class Kind {
    kSent,
    kAgain,           // nobody refused it for good, or nobody knows
    kFailed,          // refused for good
    kAddressRefused,  // so is everything else to this address
    kPaused,          // our own configuration is refused, whatever is sent
    kGone,            // the receiver wants nothing more
  };
  Kind kind = Kind::kAgain;
  std::string detail;
  std::optional<seconds> retry_after;  // as the receiver asks for
};

// How long to wait after the attempt of this number, counted from 1; nullopt: it was the last one.
// `trying_for` is the time since the first attempt.
std::optional<seconds> mail_wait_after(std::int64_t attempts, seconds trying_for);
std::optional<seconds> webhook_wait_after(std::int64_t attempts,
                                          std::optional<seconds> retry_after);

// The hours of a day, first <= hour < last, in which e-mail is sent.
struct MailHours {
  int first = 9;
  int last = 20;
};
// `09-20`; nullopt: it is something else.
std::optional<MailHours> parse_mail_hours(std::string_view text);
bool is_within(const MailHours& hours, Instant instant, const date::time_zone* zone);

}  // namespace saldo::server
