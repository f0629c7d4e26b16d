#include "rules/notice.h"

#include <algorithm>
#include <array>

namespace saldo {
namespace {

constexpr std::array<std::string_view, 3> kWarningNames = {"low_balance", "trial_ending",
                                                           "promise_ending"};

constexpr seconds kDay = std::chrono::hours{24};

bool in_arrears(State state) {
  return state == State::kGrace || state == State::kPromised || state == State::kRestricted;
}

// N2: W(last), from which day on it is time to warn of `last`, the last good day; nullopt: there
// are no warnings.
std::optional<Day> warning_day(const Books& books, Day today, Day last) {
  const auto warning_days = books.calendar.policy_on(today).low_balance_warning_days;
  if (warning_days == 0) return std::nullopt;
  const Day latest = last - days{warning_days - 1};
  return books.calendar.last_working_day(latest).value_or(latest);
}

// Of the promise that lasts longest in this run of arrears.
bool promised_two_days(const Account& account, const Sight& sight) {
  return std::any_of(account.promises.begin(), account.promises.end(), [&](const Promise& promise) {
    return promise.granted_at >= *sight.arrears_since && promise.granted_at <= sight.at &&
           promise.expires_at == sight.access.promised_until &&
           promise.expires_at - promise.granted_at >= 2 * kDay;
  });
}

// N3: the greatest number that is due, 0: none.
std::int64_t reminders_due(const Books& books, const Sight& sight) {
  const Policy& policy = books.calendar.policy_on(sight.day);
  if (sight.access.state != State::kRestricted || !policy.reminder_days) return 0;
  const auto due = (sight.at - *sight.access.restricted_from) / (*policy.reminder_days * kDay);
  return std::min<std::int64_t>(due, policy.reminders);
}

// The earliest of the instants considered that come after the one in question.
class EarliestAfter {
 public:
  EarliestAfter(const Books& books, const Sight& sight) : books_(books), sight_(sight) {}

  void consider(Instant instant) {
    if (instant <= sight_.at || instant > kLastInstant) return;
    if (!earliest_ || instant < *earliest_) earliest_ = instant;
  }
  void consider(const std::optional<Instant>& instant) {
    if (instant) consider(*instant);
  }
  // The beginning of the day.
  void consider(Day day) {
    if (day > sight_.day && day <= kLastDay) consider(books_.days.start_of(day));
  }
  [[nodiscard]] std::optional<Instant> earliest() const { return earliest_; }

 private:
  const Books& books_;
  const Sight& sight_;
  std::optional<Instant> earliest_;
};

}  // namespace

std::string_view warning_name(Warning warning) {
  return kWarningNames[static_cast<std::size_t>(warning)];
}

std::optional<Warning> parse_warning(std::string_view name) {
  const auto found = std::find(kWarningNames.begin(), kWarningNames.end(), name);
  if (found == kWarningNames.end()) return std::nullopt;
  return static_cast<Warning>(found - kWarningNames.begin());
}

std::optional<Warning> warning_at(const Books& books, const Account& account, const Sight& sight) {
  if (!sight.registered) return std::nullopt;
  const auto is_time = [&](const std::optional<Day>& last) {
    const auto from = last ? warning_day(books, sight.day, *last) : std::nullopt;
    return from && sight.day >= *from;
  };
  switch (sight.access.state) {
    case State::kActive:
      if (is_time(sight.outlook.lasts_until)) return Warning::kLowBalance;
      break;
    case State::kTrial:
      if (is_time(account.trial_ends_on)) return Warning::kTrialEnding;
      break;
    case State::kPromised:
      if (*sight.access.promised_until - sight.at <= kDay && promised_two_days(account, sight))
        return Warning::kPromiseEnding;
      break;
    default:
      break;
  }
  return std::nullopt;
}

NoticesDue notices_due(const Books& books, const Account& account, const Sight& sight,
                       const NoticeMemory& memory) {
  NoticesDue due;
  if (!sight.registered) return due;
  const State state = sight.access.state;
  due.warning_seen = warning_at(books, account, sight);
  const auto reminders = reminders_due(books, sight);
  due.reminded = std::max(memory.reminded, reminders);
  if (!memory.last_run) return due;
  if (memory.state) {
    due.state =
        state != *memory.state || (in_arrears(state) && *sight.arrears_since > *memory.last_run);
  } else {
    due.state = state != State::kTrial && state != State::kActive;
  }
  if (due.warning_seen != memory.warning) due.warning = due.warning_seen;
  const bool passed = due.state && state == State::kRestricted;
  if (reminders > memory.reminded && !passed) due.reminder = reminders;
  return due;
}

std::optional<Instant> next_look(const Books& books, const Account& account, const Sight& sight,
                                 std::int64_t reminded) {
  EarliestAfter next(books, sight);
  if (!sight.registered) {
    next.consider(account.registered_on);
    return next.earliest();
  }
  // Whatever the state: what is recorded, but takes effect later.
  for (const auto& movement : account.movements) next.consider(movement.at);
  for (const auto& promise : account.promises) next.consider(promise.granted_at);
  for (const auto& terms : account.terms) next.consider(terms.valid_from);

  const auto consider_last_day = [&](Day last) {
    next.consider(last + days{1});
    if (const auto warning = warning_day(books, sight.day, last)) next.consider(*warning);
  };
  const Access& access = sight.access;
  switch (access.state) {
    case State::kTrial:
      if (account.trial_ends_on) consider_last_day(*account.trial_ends_on);
      break;
    case State::kActive:
      // Without an end in sight the end lies beyond the horizon. The day to warn is never earlier
      // for a later end, so the day to warn of the horizon is not too late; then the end may have
      // come in sight.
      consider_last_day(sight.outlook.lasts_until.value_or(sight.day + days{kHorizonDays}));
      break;
    case State::kPromised:
      next.consider(access.promised_until);
      next.consider(*access.promised_until - kDay);
      break;
    case State::kGrace:
      next.consider(access.restricted_from);
      break;
    case State::kRestricted: {
      const Policy& policy = books.calendar.policy_on(sight.day);
      if (policy.reminder_days && reminded < policy.reminders)
        next.consider(*access.restricted_from + (reminded + 1) * *policy.reminder_days * kDay);
      break;
    }
    default:
      break;
  }
  return next.earliest();
}

}  // namespace saldo
