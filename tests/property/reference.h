// A naive reference of the billing rules (chapter 4 of the design, R1 to R11) and of the notices
// (N1 to N5), written from the contract alone and sharing no code with the extension. It holds the
// facts in plain vectors and recomputes every answer from the opening of the books, day by day and
// instant by instant. What it remembers between two questions is thrown away at every write. A run
// of notices looks at every account, whatever was recorded since the run before.
//
// A write is judged first: the answer is the set of all the codes by which the contract refuses it,
// and an empty set means that it was accepted and took effect. Several codes mean that several
// rules are broken at once; which of them is reported first is not the contract's business.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace saldo_reference {

using Day = int;               // days since 1970-01-01, in the billing time zone
using Instant = std::int64_t;  // seconds since 1970-01-01T00:00:00Z
using Amount = std::int64_t;   // kopecks
using AccountId = std::int64_t;
using Refusals = std::set<std::string>;

std::string day_text(Day day);              // '2026-11-22'
std::string instant_text(Instant instant);  // '2026-11-22T21:00:00Z'
Day make_day(int year, unsigned month, unsigned day_of_month);

struct Policy {
  Day valid_from = 0;
  std::string time_zone = "Europe/Moscow";
  std::string currency = "RUB";
  std::string working_week = "12345";
  std::optional<std::int64_t> restricted_days_charged;
  std::int64_t grace_working_days = 0;
  std::int64_t promised_payment_max_days = 3;
  std::int64_t low_balance_warning_days = 3;  // 0: none
  std::optional<std::int64_t> reminder_days = 7;
  std::int64_t reminders = 3;
  std::optional<std::string> pay_url;
};

struct Tariff {
  std::string price_list;
  std::string service_id;
  Day valid_from = 0;
  std::int64_t min_quantity = 0;
  Amount monthly_fee = 0;
  Amount unit_fee = 0;
};

struct Terms {
  Day valid_from = 0;
  std::string status;
  std::optional<Amount> credit_limit = 0;  // nothing: unlimited
  bool held = false;
};

struct Headcount {
  Day day = 0;
  std::int64_t employees = 0;
};

struct Subscription {
  std::string service_id;
  Day started_on = 0;
  std::optional<Day> ended_on;           // the first day without it
  std::optional<std::int64_t> quantity;  // nothing: the headcount
  std::string price_list = "standard";
};

struct UsageEvent {
  std::string usage_id;
  std::string service_id;
  Instant occurred_at = 0;
  std::int64_t quantity = 0;
  Day charged_on = 0;  // computed (R5)
};

struct Payment {
  std::int64_t payment_id = 0;
  Amount amount = 0;
  std::string method;
  std::optional<std::string> external_id;
  Instant credited_at = 0;
};

struct Adjustment {
  std::int64_t adjustment_id = 0;
  Amount amount = 0;
  std::string kind;
  Instant effective_at = 0;
  std::optional<std::string> external_id;
};

struct Promise {
  Instant granted_at = 0;
  std::int64_t days = 0;
  Instant expires_at = 0;  // computed
};

struct Account {
  AccountId account_id = 0;
  std::optional<std::string> external_id;
  Day registered_on = 0;
  std::optional<Day> trial_ends_on;

  std::vector<Terms> terms;
  std::vector<Headcount> headcounts;
  std::vector<Subscription> subscriptions;
  std::vector<UsageEvent> usage;
  std::vector<Payment> payments;
  std::vector<Adjustment> adjustments;
  std::vector<Promise> promises;
};

// A row of daily_charge.
struct ChargeRow {
  AccountId account_id = 0;
  Day day = 0;
  std::string service_id;
  std::int64_t quantity = 0;
  std::string price_list;
  Day valid_from = 0;
  std::int64_t min_quantity = 0;
  Amount monthly_fee = 0;
  Amount unit_fee = 0;
  Amount amount = 0;
};

// A row of access_state.
struct AccessRow {
  AccountId account_id = 0;
  Day day = 0;
  Instant at = 0;
  std::string state;
  bool employees_allowed = false;
  bool admin_allowed = false;
  Amount balance = 0;
  Amount accrued = 0;
  std::optional<Instant> arrears_since;
  std::optional<Instant> restricted_from;
  std::optional<Instant> promised_until;
  bool promise_allowed = false;
  std::optional<Day> lasts_until;
};

// A row of notice. What access_state says is missing where it says nothing: before the
// registration.
struct NoticeRow {
  AccountId account_id = 0;
  std::string kind;
  Instant at = 0;
  std::optional<std::int64_t> number;
  std::optional<Amount> amount;
  std::optional<std::int64_t> reference;
  std::optional<AccessRow> access;
  std::optional<Day> trial_ends_on;
  std::optional<Amount> top_up;
};

// A row of day_close, but for the digest.
struct ClosedDay {
  Day day = 0;
  Instant ends_at = 0;
  Instant closed_at = 0;
  std::int64_t accounts = 0;
  std::int64_t charges = 0;
  Amount charged = 0;
};

class Reference {
 public:
  Reference(Day opening, std::map<Day, bool> calendar_exceptions);

  // --- Writes. Each is one statement of SQL; `replace` stands for INSERT OR REPLACE and for an
  // upsert.
  Refusals update_policy(const Policy& policy);  // the version with this valid_from
  Refusals put_policy(const Policy& policy);     // another version than the first
  Refusals delete_policy(Day valid_from);
  Refusals put_calendar_exception(Day day, bool working);
  Refusals delete_calendar_exception(Day day);
  Refusals add_service(const std::string& service_id, const std::string& kind);
  Refusals change_service_kind(const std::string& service_id, const std::string& kind);
  Refusals put_tariff(const Tariff& tariff);
  Refusals delete_tariff(const Tariff& key);
  Refusals add_account(const Account& account);
  Refusals set_registered_on(AccountId account_id, Day registered_on);
  Refusals set_trial_ends_on(AccountId account_id, std::optional<Day> trial_ends_on);
  Refusals put_terms(AccountId account_id, const Terms& terms);
  Refusals delete_terms(AccountId account_id, Day valid_from);
  Refusals put_headcount(AccountId account_id, const Headcount& headcount);
  Refusals delete_headcount(AccountId account_id, Day day);
  Refusals add_subscription(AccountId account_id, const Subscription& subscription, bool replace);
  Refusals end_subscription(AccountId account_id, const Subscription& key,
                            std::optional<Day> ended_on);
  Refusals change_subscription_quantity(AccountId account_id, const Subscription& key,
                                        std::optional<std::int64_t> quantity);
  Refusals delete_subscription(AccountId account_id, const Subscription& key);
  Refusals add_usage(AccountId account_id, UsageEvent event);
  Refusals add_payment(AccountId account_id, const Payment& payment);
  Refusals add_adjustment(AccountId account_id, const Adjustment& adjustment);
  Refusals add_promise(AccountId account_id, Promise promise);
  Refusals close_day(Day day, Instant closed_at);
  Refusals move_notice_clock(Instant at);

  // --- Time and calendar.
  Day opening() const { return opening_; }
  Day open_day() const;        // the first day not closed
  Instant closed_end() const;  // the end of the last closed day, or the opening of the books
  Instant day_start(Day day) const;
  Day billing_day(Instant instant) const;
  const Policy& policy_on(Day day) const;
  bool is_working_day(Day day) const;

  // --- Answers.
  const std::vector<Account>& accounts() const { return accounts_; }
  const std::vector<Policy>& policies() const { return policies_; }
  const std::vector<Tariff>& tariffs() const { return tariffs_; }
  const std::map<Day, bool>& calendar_exceptions() const { return calendar_exceptions_; }
  const std::vector<ClosedDay>& closed_days() const { return closed_days_; }
  const std::vector<ChargeRow>& posted() const { return posted_; }
  const Account* find_account(AccountId account_id) const;
  const Terms* terms_on(const Account& account, Day day) const;

  // What the account owes for the day (R2 to R5, R9), by service.
  std::vector<ChargeRow> charges(const Account& account, Day day) const;
  // Nothing before the registration and before the opening.
  std::optional<AccessRow> access(const Account& account, Instant at) const;
  // All recorded money, whenever it counts, minus the posted charges.
  Amount recorded_balance(const Account& account) const;
  // N5; `until` lies in the 3,650 days from that of `at`.
  std::optional<Amount> top_up(const Account& account, Instant at, Day until,
                               std::optional<std::int64_t> employees = std::nullopt) const;
  // Until the last day of the next month, as notices say it.
  std::optional<Amount> default_top_up(const Account& account, Instant at) const;
  // The warning whose condition holds (N2). The conditions exclude each other.
  std::optional<std::string> warning(const Account& account, Instant at) const;
  std::optional<Instant> notice_clock() const { return notice_clock_; }
  const std::vector<NoticeRow>& notices() const { return notices_; }

  // Of the rules at work, for the coverage: R9 left recurring services free on that day.
  bool is_free_restricted_day(const Account& account, Day day) const;
  bool is_late(const UsageEvent& event) const;

 private:
  // Where an account stands after the events of one instant.
  struct Standing {
    Amount balance = 0;
    std::optional<Instant> arrears_since;
    std::int64_t restricted_days = 0;  // of the present run of arrears
  };
  struct DayRecord {
    Standing at_start;
    Standing at_last_second;
    bool free_restricted = false;
    std::vector<ChargeRow> charges;
  };
  struct Money {
    Instant at = 0;
    Amount amount = 0;
  };
  // What the runs of notices remember of an account.
  struct Told {
    std::optional<std::string> state;           // nothing: the last run did not see the account
    std::optional<std::string> warning;         // whose condition the last run found true
    std::map<Instant, std::int64_t> reminders;  // the greatest posted or passed, by restricted_from
    std::size_t payments = 0;                   // so many of the account's
  };
  // What is remembered of one account between two writes.
  struct Memo {
    bool money_known = false;
    std::vector<Money> money;     // by instant
    std::vector<DayRecord> days;  // from the opening
    std::vector<Amount> totals;   // of R2 to R5, without R9, from the opening
  };

  void forget();                        // after a write that may concern everybody
  void forget(const Account& account);  // after a fact of one account
  Account* account_for_write(AccountId account_id, Refusals& refusals);
  bool is_closed(Day day) const { return day < open_day(); }
  bool service_known(const std::string& service_id, Refusals& refusals) const;
  bool has_money_or_usage() const;
  bool overlaps(const Account& account, const Subscription& period) const;

  std::optional<Amount> credit_limit(const Account& account, Day day) const;
  std::int64_t headcount_on(const Account& account, Day day) const;
  const Subscription* subscription_on(const Account& account, const std::string& service_id,
                                      Day day) const;
  const Tariff* tier(const std::string& price_list, const std::string& service_id, Day day,
                     std::int64_t quantity) const;
  bool is_chargeable(const Account& account, const UsageEvent& event) const;
  template <typename Visitor>
  void visit_charges(const Account& account, Day day, Visitor visit) const;
  const std::vector<Amount>& totals_through(const Account& account, Day day) const;

  const std::vector<Money>& money_of(const Account& account) const;
  void settle(const Account& account, Instant at, Standing& standing) const;
  void count_money(const Account& account, Instant after, Instant through,
                   Standing& standing) const;
  const DayRecord& day_record(const Account& account, Day day) const;
  Standing standing(const Account& account, Instant at) const;
  std::optional<Day> next_working_day(Day day) const;
  std::optional<Instant> restriction_begins(Instant since) const;
  std::string state(const Account& account, Instant at, const Standing& standing) const;
  std::optional<Instant> latest_expiry(const Account& account, Instant run_since, Instant at) const;
  Day warning_day(Day last_day, std::int64_t warning_days) const;
  std::int64_t due_reminder(const AccessRow& row) const;
  std::vector<NoticeRow> due_notices(const Account& account, Instant at, Told& told) const;

  Day opening_;
  std::vector<Policy> policies_;
  std::map<Day, bool> calendar_exceptions_;
  std::map<std::string, std::string> service_kinds_;
  std::vector<Tariff> tariffs_;
  std::vector<Account> accounts_;
  std::vector<ClosedDay> closed_days_;
  std::vector<ChargeRow> posted_;
  std::optional<Instant> notice_clock_;
  std::map<AccountId, Told> told_;
  std::vector<NoticeRow> notices_;

  mutable std::map<AccountId, Memo> memos_;
  mutable std::map<std::string, std::vector<Tariff>> tariffs_by_key_;
  mutable std::map<Day, Instant> midnights_;
};

}  // namespace saldo_reference
