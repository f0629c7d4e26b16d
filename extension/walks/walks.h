// The walks over accounts that a query or a closing needs. Where a walk may start, and which facts
// it must read, is decided here and nowhere else.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "context.h"
#include "facts/account_reader.h"
#include "rules/access.h"
#include "rules/account.h"
#include "rules/books.h"
#include "sqlite/bounds.h"

namespace saldo {

// What is asked of each account, on days from `first` to `last`, which ascend.
struct WalkRequest {
  Day first{};
  Day last{};
  // Balance and state at instants of these days: walk().
  bool access = false;
  // What these days cost: charges_on(), accrued().
  bool charges = false;
  // What lies ahead of these days (R10): outlook().
  bool outlook = false;
};

// Accounts in the order of their numbers, each with a walk at its start. It starts at the end of
// the last closed day, with what that left, where nothing before it is asked for; else at the
// opening.
class Walks {
 public:
  Walks(Context& context, std::shared_ptr<const Books> books, const IntegerRange& account_ids,
        const WalkRequest& request);

  // False: no more accounts.
  bool next();
  [[nodiscard]] const Account& account() const { return reader_.account(); }
  // To `at`, an instant of `day`. On the way SQLite is asked for an interrupt, see below.
  void advance(Day day, Instant at);
  [[nodiscard]] const Walk& walk() const { return *walk_; }
  // R2 to R5 and R9. Valid until the next call.
  const std::vector<Charge>& charges_on(Day day);

  // For posting: what the account's row of `balance` says, and whether it has a row there and in
  // `facts_in_force`. Only once a day was closed.
  [[nodiscard]] const Standing& carried() const { return reader_.carried(); }
  [[nodiscard]] bool has_balance() const { return reader_.has_balance(); }
  [[nodiscard]] bool has_facts() const { return reader_.has_facts(); }

 private:
  Context& context_;
  std::shared_ptr<const Books> books_;
  bool resumes_;  // at the end of the last closed day
  bool walks_;    // balances matter
  AccountReader reader_;
  std::optional<DailyCharges> charges_;
  std::optional<Walk> walk_;
};

// SQLite looks at its interrupt and its progress handler only as it steps: what computes for long
// without answering a row calls this every so many days. Throws where the statement is to end.
void check_interrupt(Context& context);
inline constexpr int kDaysPerInterruptCheck = 500;

}  // namespace saldo
