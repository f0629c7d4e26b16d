// One account's facts, and what they cost day by day (R1 to R5).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rules/books.h"
#include "rules/money.h"
#include "rules/time.h"

namespace saldo {

enum class Status { kActive, kPaused, kClosed };

// A row of `account_terms`.
struct Terms {
  Day valid_from{};
  Status status = Status::kActive;
  std::optional<Amount> credit_limit = 0;  // >= 0; nullopt: unlimited
  bool held = false;
};

// A row of `headcount`.
struct Headcount {
  Day day{};
  std::int64_t employees = 0;
};

// A row of `subscription`; services and price lists are indices into Books.
struct Subscription {
  int service = Books::kNone;
  Day started_on{};
  std::optional<Day> ended_on;           // the first day without it
  std::optional<std::int64_t> quantity;  // nullopt: the headcount
  int price_list = Books::kNone;

  [[nodiscard]] bool covers(Day day) const {
    return started_on <= day && (!ended_on || day < *ended_on);
  }
};

// A row of `usage_event`.
struct Usage {
  Day charged_on{};
  int service = Books::kNone;
  Day occurred_on{};
  std::int64_t quantity = 0;
};

// A payment or an adjustment.
struct Movement {
  Instant at{};
  Amount amount = 0;
};

// A row of `promised_payment`.
struct Promise {
  Instant granted_at{};
  Instant expires_at{};
};

// Each vector is sorted by its first member (subscriptions by service and start).
struct Account {
  std::int64_t account_id = 0;
  Day registered_on{};
  std::optional<Day> trial_ends_on;  // that day included
  std::vector<Terms> terms;
  std::vector<Headcount> headcounts;
  std::vector<Subscription> subscriptions;
  std::vector<Usage> usage;
  std::vector<Movement> movements;
  std::vector<Promise> promises;

  // Drops the facts that do not matter on `day` or later. The first terms stay: usage that comes
  // late asks whether they were in force (R5).
  void drop_before(Day day);
  // R1; nullptr: a trial.
  [[nodiscard]] const Terms* terms_on(Day day) const;
  // R2; 0 before the first.
  [[nodiscard]] std::int64_t employees_on(Day day) const;
};

// A row of `daily_charge`, or without a price one of `unpriced_charge`.
struct Charge {
  int service = Books::kNone;
  int price_list = Books::kNone;
  std::int64_t quantity = 0;
  std::optional<Price> price;
  Amount amount = 0;
};

// What one account owes for each day. Days may come in any order; ascending ones are cheap, as the
// prices of the recurring services are computed anew only from a day on which a fact changes them.
class DailyCharges {
 public:
  DailyCharges(const Books& books, const Account& account) : books_(books), account_(account) {}

  // R2 to R5, sorted by service; without the recurring services where R9 does not charge them.
  // Valid until the next call.
  const std::vector<Charge>& on(Day day, bool recurring_charged);
  // The sum of the above.
  Amount total(Day day, bool recurring_charged);

  // What the recurring services cost together (R4) in any 30 days in a row from `day` until before
  // `until`.
  struct Recurring {
    MonthlyPrice price;
    Day until{};
  };
  Recurring recurring_from(Day day);

 private:
  struct RecurringService {
    int service = Books::kNone;
    int price_list = Books::kNone;
    std::int64_t quantity = 0;
    std::optional<Price> price;
    MonthlyPrice monthly;
  };

  void price_recurring(Day day);
  Day recurring_until();
  void append_usage(Day day);
  [[nodiscard]] Day next_change(Day day) const;
  [[nodiscard]] std::optional<Price> find_price(int price_list, int service, Day day,
                                                std::int64_t quantity) const;

  const Books& books_;
  const Account& account_;
  std::vector<RecurringService> recurring_;  // from recurring_from_ until before recurring_until_
  Day recurring_from_ = Day::max();
  std::optional<Day> recurring_until_;  // computed when another day is asked for
  std::vector<Charge> charges_;
};

}  // namespace saldo
