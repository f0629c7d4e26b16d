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
std::optional<State> parse_state(std::string_view name);
bool employees_allowed(State state);
bool admin_allowed(State state);
// Whether money decides between this state and others: under active terms, and not held.
bool depends_on_money(State state);

// What an account carries from one day to the next, just before the midnight between them. The
// balance already includes the charges due at that midnight. Money of that very second and the next
// day's credit limit do not count yet, as they may still be recorded after the day is closed.
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
  std::optional<Instant> last_promise_until;  // of this run of arrears, expired or not
  bool promise_allowed = false;
};

// R10.
struct Outlook {
  std::optional<Day> lasts_until;
  std::optional<Instant> restricted_from;
};

// R6: a balance with a payment, an adjustment or charges of `day`.
Amount changed_balance(const Account& account, Day day, Amount balance, Amount change);

// Follows one account through time: every movement, charge and change of limit in the order of
// their instants; those of one instant count together before one asks whether the account is in
// arrears.
//
// By the bounds of entry (3.1) no balance exceeds 64 bits, 9.2 x 10^18, before an account was
// charged 8.2 x 10^18: recorded money leaves a balance within 10^18, and a credit limit is at most
// 10^18. A service costs at most about 10^15 a day (usage) or a month. At that price it takes one
// service 8,200 days to come so far, and a thousand services of usage nine; the number of services
// has no bound. A balance that does exceed them, then or in a forecast for the year 9000, is
// out_of_range in a sentence that names the account and the day. Outlooks count in 128 bits.
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
  // For an account that is not in arrears.
  [[nodiscard]] Outlook outlook() const;
  // N5: the least payment at the instant advanced to after which the account is in arrears neither
  // then nor at any midnight up to the start of `until`; nullopt: no amount up to kAmountMax is
  // enough. The walk's own charges, or those of other facts, say what the days cost.
  [[nodiscard]] std::optional<Amount> top_up(Day until, DailyCharges& charges) const;
  // R9: whether recurring services are charged on the day of the instant advanced to; it is decided
  // at the day's end.
  [[nodiscard]] bool recurring_charged() const;
  // The sum of daily_charge for that day: spent, not yet in the balance.
  [[nodiscard]] Amount accrued() const;

 private:
  // Of an outlook: without a credit limit, a balance may go down for ten years.
  __extension__ using WideAmount = __int128;

  // As many whole periods of kDaysPerMonthlyPrice days from a day on as the balance surely covers,
  // maybe fewer than it does, and what one of them costs.
  struct CoveredPeriods {
    std::int64_t count = 0;
    MonthlyPrice cost;
  };

  [[nodiscard]] const Movement* next_movement() const;
  void apply_movements_before(Instant end);
  void begin_day();
  void change_balance(Amount change);
  void end_day();
  void update_arrears(Instant at);
  [[nodiscard]] bool in_arrears(WideAmount balance, Day day) const;
  [[nodiscard]] CoveredPeriods covered_periods(Day day, Day end, WideAmount balance) const;

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
