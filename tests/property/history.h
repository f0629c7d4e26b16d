// A random history of facts and closings, lived through by a channel and by the naive reference at
// once. What happens is drawn here, and so are the questions; a channel sends both, and holds each
// outcome against the reference's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "reference.h"

namespace saldo_histories {

using saldo_reference::AccessRow;
using saldo_reference::Account;
using saldo_reference::AccountId;
using saldo_reference::Adjustment;
using saldo_reference::Amount;
using saldo_reference::ChargeRow;
using saldo_reference::Day;
using saldo_reference::Headcount;
using saldo_reference::Instant;
using saldo_reference::NoticeRow;
using saldo_reference::Payment;
using saldo_reference::Policy;
using saldo_reference::Promise;
using saldo_reference::Reference;
using saldo_reference::Refusals;
using saldo_reference::Subscription;
using saldo_reference::Tariff;
using saldo_reference::Terms;
using saldo_reference::UsageEvent;

using Value = std::variant<std::nullptr_t, std::int64_t, std::string>;
using Rows = std::vector<std::string>;  // columns joined by '|', null for NULL
using Coverage = std::map<std::string, long>;
using Steps = std::set<int>;

Value day_value(Day day);
Value instant_value(Instant instant);
Value optional_day(std::optional<Day> day);
Value optional_number(std::optional<std::int64_t> number);
Value optional_string(const std::optional<std::string>& text);
std::string text_of(const Value& value);
std::string row_text(const std::vector<Value>& values);
// The columns that are compared, in their order.
std::vector<Value> access_values(const AccessRow& row);
extern const std::vector<std::string> kAccessColumns;
std::vector<Value> notice_values(const NoticeRow& row);
extern const std::vector<std::string> kNoticeColumns;

// An answer is another than the reference's.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The distributions of the standard library differ between implementations; these do not.
class Chance {
 public:
  Chance(std::uint64_t seed, std::uint64_t history) : origin_(mixed(mixed(seed) + history)) {
    begin(0);
  }

  // From here on the draws depend on the step alone, whatever was drawn before.
  void begin(int step) { engine_.seed(mixed(origin_ + static_cast<std::uint64_t>(step))); }

  int below(int bound) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(bound)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool percent(int probability) { return below(100) < probability; }
  template <typename T>
  const T& pick(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(below(static_cast<int>(items.size())))];
  }

 private:
  // The finalizer of SplitMix64: without it the steps of a history would be those of its neighbour.
  static std::uint64_t mixed(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
  }

  std::uint64_t origin_;
  std::mt19937_64 engine_;
};

struct Number {
  std::uint64_t seed = 0;
  std::uint64_t history = 0;
};

class History {
 public:
  // Takes only the steps `chosen`, if those are given, and passes over the others.
  History(Number number, std::optional<Steps> chosen, Coverage& coverage);
  virtual ~History() = default;
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Throws a Mismatch.
  void live();
  // The last step begun.
  [[nodiscard]] int step() const { return step_; }
  // What was sent so far, to be sent again by hand.
  virtual void print_log() const = 0;

 protected:
  // --- The channel: each is accepted or refused as the reference says.

  // The books are open, and nothing else is there.
  virtual void open_books() = 0;
  virtual void put_policy(const Policy& policy) = 0;
  virtual void put_calendar_exception(Day day, std::optional<bool> working) = 0;  // or none
  virtual void add_service(const std::string& service_id, const std::string& kind) = 0;
  virtual void put_tiers(const std::vector<Tariff>& tiers) = 0;  // of one version
  // Whether it was accepted.
  virtual bool add_account(const Account& account) = 0;
  virtual void set_trial_ends_on(AccountId account_id, std::optional<Day> trial_ends_on) = 0;
  virtual void set_registered_on(AccountId account_id, Day registered_on) = 0;
  virtual void put_terms(AccountId account_id, const Terms& terms) = 0;
  virtual void put_headcount(AccountId account_id, const Headcount& headcount) = 0;
  virtual void subscribe(AccountId account_id, const Subscription& subscription) = 0;
  virtual void end_subscription(AccountId account_id, const Subscription& key,
                                std::optional<Day> ended_on) = 0;
  virtual void add_usage(AccountId account_id, const UsageEvent& event) = 0;
  virtual void add_payment(AccountId account_id, const Payment& payment) = 0;
  virtual void add_adjustment(AccountId account_id, const Adjustment& adjustment) = 0;
  // Whether it was accepted.
  virtual bool add_promise(AccountId account_id, const Promise& promise) = 0;
  virtual void close_day(Day day, Instant closed_at, Instant now) = 0;
  virtual void close_two_days(Day first, Instant now) = 0;
  // A run of notices.
  virtual void move_notice_clock(Instant at) = 0;
  virtual void restart() = 0;
  // Writes taken back: nothing of them may remain, nor be remembered.
  virtual void dry_run() = 0;
  // Something of the channel's own; a refused write more often than not.
  virtual void odd_operation() = 0;
  // Facts cannot lie after it.
  [[nodiscard]] virtual std::optional<Instant> latest() const { return std::nullopt; }
  // 'ok' and the rows, or what is wrong. The parameters are ?1, ?2 …
  virtual std::string query(const std::string& sql, const std::vector<Value>& values,
                            Rows* rows) = 0;
  // What there is beyond the questions of all channels.
  virtual void compare_more() {}
  virtual void end() {}

  // --- What happens.
  bool takes_next_step();
  void random_operation();
  void close_days();
  void run_notices();
  void ask();

  // --- Random pieces.
  const Account& random_account() { return chance_.pick(ref_.accounts()); }
  Instant instant_of(Day day);
  Day write_day();
  Instant write_instant();
  Day any_day();
  Instant run_instant();
  Amount small_amount();
  std::int64_t small_quantity() { return chance_.below(13); }
  UsageEvent random_usage();

  // --- Questions.
  void compare(const std::string& sql, const std::vector<Value>& values, const Rows& expected);
  void compare_refused(const std::string& sql, const std::vector<Value>& values,
                       const std::string& code);
  void compare_everything();
  // The row of access at this instant, counted for the coverage.
  std::optional<AccessRow> access(const Account& account, Instant at);

  Chance chance_;
  Number number_;
  std::optional<Steps> chosen_;
  int step_ = 0;
  Coverage& coverage_;
  Day opening_;
  std::string country_;
  Reference ref_;
  Day today_ = 0;
  Instant now_ = 0;  // within today, for channels with a clock
  std::int64_t next_id_ = 1;
  int run_percent_ = 0;  // how often notices are posted
  int max_account_id_ = 0;

 private:
  Day random_opening();
  std::optional<Amount> random_limit();
  std::optional<std::string> maybe_external_id();

  void set_up();
  void one_for_ten_years();
  void first_policy();
  void vary(Policy& policy);
  void put_version(const std::string& price_list, const std::string& service_id, Day valid_from);
  Tariff random_tier(const std::string& price_list, const std::string& service_id, Day valid_from,
                     std::int64_t min_quantity);
  void new_account(bool complete);
  void start_subscription(AccountId account_id, const std::string& service_id, Day started_on);

  void pay() { pay_at(random_account().account_id, write_instant()); }
  void pay_at(AccountId account_id, Instant credited_at);
  void adjust();
  void adjust_by(AccountId account_id, Amount amount, const std::string& kind,
                 Instant effective_at);
  void use();
  void promise();
  void change_headcount();
  void change_terms();
  void change_subscription_start();
  void change_subscription_end();
  void change_tariff();
  void change_policy();
  void change_calendar();
  void change_account();
  void one_more_account() { new_account(false); }

  void count_notice(std::size_t number);
  Instant turn(const Account& account);
  void ask_for_top_up(const Account& account, Instant at);

  Rows access_at(Instant at);
  Rows access_of_days(const Account& account, Day first, Day last);
  Rows charges_of_days(const Account& account, Day first, Day last, const std::string& service_id);
  void compare_posted(Day first, Day last);
  void compare_balances();
  void compare_notices(std::size_t first);
  void compare_audits();
};

// Where histories are lived: by SQL on a connection, or by HTTP with a server.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual std::unique_ptr<History> begin(Number number, const std::optional<Steps>& chosen,
                                         Coverage& coverage) = 0;
  // What histories of this channel must meet, beyond what all must.
  [[nodiscard]] virtual std::vector<std::string> required() const = 0;
};

// In memory, with the extension of this path (ignored where it is linked in).
std::unique_ptr<Channel> sql_channel(const std::string& extension);
// With servers of this program.
std::unique_ptr<Channel> http_channel(const std::string& saldod);

}  // namespace saldo_histories
