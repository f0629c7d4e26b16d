#include "delivery/schedule.h"

#include <algorithm>
#include <array>

namespace saldo::server {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::array<seconds, 4> kMailWaits = {minutes{1}, minutes{5}, minutes{15}, minutes{60}};
constexpr seconds kMailWaitLater = hours{3};
constexpr seconds kMailPatience = hours{4 * 24};

constexpr std::array<seconds, 9> kWebhookWaits = {seconds{5}, minutes{5}, minutes{30},
                                                  hours{2},   hours{5},   hours{10},
                                                  hours{14},  hours{20},  hours{24}};
// No receiver puts us off for longer than the schedule itself does, nor has all attempts made
// within seconds.
constexpr seconds kRetryAfterMax = hours{24};

std::optional<int> two_digits(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

}  // namespace

std::optional<seconds> mail_wait_after(std::int64_t attempts, seconds trying_for) {
  if (trying_for >= kMailPatience) return std::nullopt;
  const auto place = static_cast<std::size_t>(std::max<std::int64_t>(attempts, 1) - 1);
  return place < kMailWaits.size() ? kMailWaits[place] : kMailWaitLater;
}

std::optional<seconds> webhook_wait_after(std::int64_t attempts,
                                          std::optional<seconds> retry_after) {
  const auto place = static_cast<std::size_t>(std::max<std::int64_t>(attempts, 1) - 1);
  if (place >= kWebhookWaits.size()) return std::nullopt;
  return std::max(kWebhookWaits[place], std::min(retry_after.value_or(seconds{0}), kRetryAfterMax));
}

std::optional<MailHours> parse_mail_hours(std::string_view text) {
  if (text.size() != 5 || text[2] != '-') return std::nullopt;
  const auto first = two_digits(text.substr(0, 2));
  const auto last = two_digits(text.substr(3));
  constexpr int kHoursOfDay = 24;
  if (!first || !last || *first >= *last || *last > kHoursOfDay) return std::nullopt;
  return MailHours{*first, *last};
}

bool is_within(const MailHours& hours, Instant instant, const date::time_zone* zone) {
  const auto local = zone->to_local(instant);
  const auto hour = date::floor<std::chrono::hours>(local - date::floor<days>(local)).count();
  return hour >= hours.first && hour < hours.last;
}

}  // namespace saldo::server
