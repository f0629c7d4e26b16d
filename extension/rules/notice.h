// Notices: of what a run of their clock sees of an account, what is to be told (N1 to N3), and when
// the account next has to be looked at. Money and documents (N4) are told as they are recorded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rules/access.h"
#include "rules/account.h"
#include "rules/books.h"
#include "rules/time.h"

namespace saldo {

// N2. Each is of one state alone, so no more than one condition holds at a time.
enum class Warning { kLowBalance, kTrialEnding, kPromiseEnding };

std::string_view warning_name(Warning warning);
std::optional<Warning> parse_warning(std::string_view name);

// An account as it is at an instant.
struct Sight {
  Instant at{};
  Day day{};  // the billing day of `at`
  // Otherwise nothing of what follows is told.
  bool registered = false;
  Amount balance = 0;
  std::optional<Instant> arrears_since;
  Access access;
  Outlook outlook;  // while active
};

// N2: the warning whose condition holds.
std::optional<Warning> warning_at(const Books& books, const Account& account, const Sight& sight);

// What the runs before left.
struct NoticeMemory {
  std::optional<Instant> last_run;  // nullopt: this is the first one of the books
  std::optional<State> state;       // nullopt: the account was not seen since its registration
  std::optional<Warning> warning;   // whose condition was found true last
  // The greatest number of a reminder posted or passed for the account's restricted_from.
  std::int64_t reminded = 0;
};

struct NoticesDue {
  bool state = false;  // N1: the state as seen is told
  std::optional<Warning> warning;
  std::optional<std::int64_t> reminder;  // its number
  // For the next run.
  std::optional<Warning> warning_seen;
  std::int64_t reminded = 0;
};

NoticesDue notices_due(const Books& books, const Account& account, const Sight& sight,
                       const NoticeMemory& memory);

// The earliest instant after the sight's at which something of the above may become due although
// nothing is recorded of the account, and neither policy, calendar nor prices change; nullopt:
// never. It may come too early, but not too late. `reminded` is that of NoticesDue.
std::optional<Instant> next_look(const Books& books, const Account& account, const Sight& sight,
                                 std::int64_t reminded);

}  // namespace saldo
