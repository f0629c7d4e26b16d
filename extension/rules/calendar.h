// The policy's versions, the working calendar, and when a restriction begins (R7).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/time.h"

namespace saldo {

// A row of `policy`.
struct Policy {
  Day valid_from{};
  std::array<bool, 7> works{};                          // Monday to Sunday
  std::optional<std::int64_t> restricted_days_charged;  // R9; nullopt: every day is charged
  std::int64_t grace_working_days = 0;                  // R7
  std::int64_t promised_payment_max_days = 0;           // R8
  std::string language;                                 // ru or en
  std::int64_t low_balance_warning_days = 0;            // N2; 0: no warnings
  std::optional<std::int64_t> reminder_days;            // N3; nullopt: no reminders
  std::int64_t reminders = 0;                           // N3: at most so many
};

// How far ahead R7 and R10 look.
inline constexpr std::int64_t kHorizonDays = 3650;

class Calendar {
 public:
  Calendar() = default;
  // `policies` sorted by valid_from, at least one; `exceptions`: days that depart from the working
  // week.
  Calendar(std::vector<Policy> policies, std::map<Day, bool> exceptions)
      : policies_(std::move(policies)), exceptions_(std::move(exceptions)) {}

  // The version in force; before the first one, the first.
  [[nodiscard]] const Policy& policy_on(Day day) const;
  [[nodiscard]] bool is_working(Day day) const;
  // The first working day on or after `day`; nullopt where none lies within the horizon or before
  // the year 10000.
  [[nodiscard]] std::optional<Day> next_working_day(Day day) const;
  // Likewise backwards: the last working day on or before `day`.
  [[nodiscard]] std::optional<Day> last_working_day(Day day) const;
  // R7: when the restriction begins for arrears, or a promise's expiry, at `cause`; nullopt: never.
  [[nodiscard]] std::optional<Instant> restriction_after(Instant cause,
                                                         const BillingDays& billing_days) const;
  // Whether under some version not every restricted day is charged (R9), so that what a day costs
  // depends on the access that day.
  [[nodiscard]] bool limits_restricted_days_charged() const;

 private:
  [[nodiscard]] std::vector<Policy>::const_iterator policy_after(Day day) const;
  // The first day, `day` or later, on which an exception or another version of the policy departs
  // from the working week of `day`; kLastDay when there is none.
  [[nodiscard]] Day working_week_until(Day day) const;
  // Likewise backwards: the last such day, `day` or earlier; kFirstDay when there is none.
  [[nodiscard]] Day working_week_since(Day day) const;
  // The first working day once `count` of them, from `day` on, have passed; nullopt where the next
  // one is too far from `day` or from one that passed, as next_working_day has it.
  [[nodiscard]] std::optional<Day> working_day_after(Day day, std::int64_t count) const;

  std::vector<Policy> policies_;
  std::map<Day, bool> exceptions_;
};

}  // namespace saldo
