#include "rules/calendar.h"

#include <algorithm>

namespace saldo {

const Policy& Calendar::policy_on(Day day) const {
  const auto after =
      std::upper_bound(policies_.begin(), policies_.end(), day,
                       [](Day d, const Policy& policy) { return d < policy.valid_from; });
  return after == policies_.begin() ? policies_.front() : *(after - 1);
}

bool Calendar::is_working(Day day) const {
  const auto exception = exceptions_.find(day);
  if (exception != exceptions_.end()) return exception->second;
  const date::weekday weekday{day};
  return policy_on(day).works[weekday.iso_encoding() - 1];
}

std::optional<Day> Calendar::next_working_day(Day day) const {
  const Day end = std::min(day + days{kHorizon}, kLastDay);
  for (; day <= end; day += days{1}) {
    if (is_working(day)) return day;
  }
  return std::nullopt;
}

std::optional<Instant> Calendar::restriction_after(Instant cause,
                                                   const BillingDays& billing_days) const {
  Day day = billing_days.day_of(cause);
  const auto grace = policy_on(day).grace_working_days;
  if (grace == 0) {
    const auto first = next_working_day(day);
    if (!first) return std::nullopt;
    return *first == day ? cause : billing_days.start_of(*first);
  }
  if (billing_days.start_of(day) != cause) day += days{1};
  for (std::int64_t passed = 0; passed < grace; ++passed) {
    const auto working = next_working_day(day);
    if (!working) return std::nullopt;
    day = *working + days{1};
  }
  const auto first = next_working_day(day);
  if (!first) return std::nullopt;
  return billing_days.start_of(*first);
}

bool Calendar::forgives_restricted_days() const {
  return std::any_of(policies_.begin(), policies_.end(), [](const Policy& policy) {
    return policy.restricted_days_charged.has_value();
  });
}

}  // namespace saldo
