// R6 to R10: the balance, who may work, promises, restricted days, and what lies ahead.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rules/account.h"
#include "rules/books.h"
#include "rules/money.h"
#include "rules/time.h"

namespace saldo {

enum class State {
  kClosed,
  kTrial,
  kTrialEnded,
  kHeld,
  kPaused,
  kActive,
  kPromised,
  kGrace,
  kRestricted
};

std::string_view state_name(State state);
bool employees_allowed(State state);
bool admin_allowed(State state);

// What an account carries from one day to the next, as it is right before the midnight between
// them, but for the balance, in which the charges that fall due at that midnight are counted
// already. Money of that very second and the next day's credit limit are not: they may still be
// recorded after the day is closed.
struct Standing {
  Amount balance = 0;
  std::optional<Instant> arrears_since;
  std::int64_t restricted_days = 0;  // R9: so far in this run of arrears

  bool operator==(const Standing& other) const = default;
};

// The answer of R7 and R8 for one instant.
struct Access {
  State state = State::kTrial;
  std::optional<Instant> restricted_from;
  std::optional<Instant> promised_until;
  bool promise_allowed = false;
};

// R10.
struct Outlook {
  std::optional<Day> lasts_until;
  std::optional<Instant> restricted_from;
};

// Follows one account through time: every movement, charge and change of limit in the order of
// their instants; those of one instant count together before one asks whether the account is in
// arrears.
class Walk {
 public:
  // From the beginning: the money before the opening, then day by day from the opening.
  Walk(const Books& books, const Account& account, DailyCharges& charges);
  // From the start of `first`, with what was carried to it; `account` need not hold money before
  // that.
  Walk(const Books& books, const Account& account, DailyCharges& charges, const Standing& carried,
       Day first);

  // Everything up to and including `at`, which never goes back.
  void advance(Instant at);

  [[nodiscard]] Day day() const { return day_; }
  [[nodiscard]] const Standing& standing() const { return standing_; }
  // R9: the restricted days of this run of arrears, the one under way included where `state` says
  // so.
  [[nodiscard]] std::int64_t restricted_days(State state) const {
    return standing_.restricted_days + (state == State::kRestricted ? 1 : 0);
  }
  // At the instant advanced to.
  [[nodiscard]] Access access() const;
  [[nodiscard]] Outlook outlook() const;
  // R9: whether recurring services are charged on the day of the instant advanced to; it is decided
  // at the day's end.
  [[nodiscard]] bool recurring_charged() const;
  // The sum of daily_charge for that day: spent, not yet in the balance.
  [[nodiscard]] Amount accrued() const;

 private:
  [[nodiscard]] const Movement* next_movement() const;
  void apply_movements_before(Instant end);
  void begin_day();
  void end_day();
  void judge(Instant at);
  [[nodiscard]] bool in_arrears(Amount balance, Day day) const;

  struct Months {
    std::int64_t count = 0;
    Amount cost = 0;
  };
  [[nodiscard]] Months months_ahead(Day day, Day end, Amount balance) const;

  const Books* books_;
  const Account* account_;
  DailyCharges* charges_;
  Standing standing_;
  Day day_{};
  Instant at_{};
  Instant day_end_{};
  std::size_t next_movement_ = 0;
};

}  // namespace saldo
