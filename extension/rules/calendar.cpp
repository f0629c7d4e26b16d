#include "rules/calendar.h"

#include <algorithm>
#include <iterator>

namespace saldo {
namespace {

std::int64_t working_days_a_week(const Policy& policy) {
  return std::count(policy.works.begin(), policy.works.end(), true);
}

}  // namespace

std::vector<Policy>::const_iterator Calendar::policy_after(Day day) const {
  return std::upper_bound(policies_.begin(), policies_.end(), day,
                          [](Day d, const Policy& policy) { return d < policy.valid_from; });
}

const Policy& Calendar::policy_on(Day day) const {
  const auto after = policy_after(day);
  return after == policies_.begin() ? policies_.front() : *(after - 1);
}

bool Calendar::is_working(Day day) const {
  const auto exception = exceptions_.find(day);
  if (exception != exceptions_.end()) return exception->second;
  const date::weekday weekday{day};
  return policy_on(day).works[weekday.iso_encoding() - 1];
}

std::optional<Day> Calendar::next_working_day(Day day) const {
  const Day end = std::min(day + days{kHorizonDays}, kLastDay);
  while (day <= end) {
    if (is_working(day)) return day;
    day += days{1};
    // Where no weekday is a working day, only an exception or another policy brings one.
    if (day <= end && working_days_a_week(policy_on(day)) == 0) day = working_week_until(day);
  }
  return std::nullopt;
}

std::optional<Day> Calendar::last_working_day(Day day) const {
  const Day end = std::max(day - days{kHorizonDays}, kFirstDay);
  while (day >= end) {
    if (is_working(day)) return day;
    day -= days{1};
    if (day >= end && working_days_a_week(policy_on(day)) == 0) day = working_week_since(day);
  }
  return std::nullopt;
}

Day Calendar::working_week_since(Day day) const {
  Day begin = kFirstDay;
  const auto after = exceptions_.upper_bound(day);
  if (after != exceptions_.begin()) begin = std::max(begin, std::prev(after)->first);
  const Policy& policy = policy_on(day);
  if (&policy != &policies_.front()) begin = std::max(begin, policy.valid_from - days{1});
  return begin;
}

Day Calendar::working_week_until(Day day) const {
  Day end = kLastDay;
  const auto exception = exceptions_.lower_bound(day);
  if (exception != exceptions_.end()) end = std::min(end, exception->first);
  const auto policy = policy_after(day);
  if (policy != policies_.end()) end = std::min(end, policy->valid_from);
  return end;
}

std::optional<Day> Calendar::working_day_after(Day day, std::int64_t count) const {
  for (;; --count) {
    // Whole weeks at once: a grace of a year then takes few steps.
    const std::int64_t weekly = working_days_a_week(policy_on(day));
    if (weekly != 0 && count >= weekly) {
      const std::int64_t weeks =
          std::min<std::int64_t>((working_week_until(day) - day).count() / 7, count / weekly);
      day += days{7 * weeks};
      count -= weekly * weeks;
      // One looks on from the last working day that passed.
      while (weeks > 0 && !is_working(day - days{1})) day -= days{1};
    }
    const auto working = next_working_day(day);
    if (!working || count <= 0) return working;
    day = *working + days{1};
  }
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
  if (!billing_days.begins_at(day, cause)) day += days{1};
  const auto first = working_day_after(day, grace);
  if (!first) return std::nullopt;
  return billing_days.start_of(*first);
}

bool Calendar::limits_restricted_days_charged() const {
  return std::any_of(policies_.begin(), policies_.end(), [](const Policy& policy) {
    return policy.restricted_days_charged.has_value();
  });
}

}  // namespace saldo
