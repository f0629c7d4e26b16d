#include "reference.h"

#include <date/date.h>
#include <date/tz.h>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace saldo_reference {
namespace {

constexpr int kHorizonDays = 3650;
constexpr std::int64_t kQuantityMax = 1'000'000'000;
constexpr Amount kAmountMax = 1'000'000'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

// R4: floor(P * (n + 1) / 30) - floor(P * n / 30). Prices are not negative, so division is floor.
Amount daily_fee(Amount monthly_price, Day day) {
  const Amount n = ((day % 30) + 30) % 30;
  return monthly_price * (n + 1) / 30 - monthly_price * n / 30;
}

// The kinds a fresh installation knows, with their signs (0: either).
const std::map<std::string, int>& adjustment_signs() {
  static const std::map<std::string, int> kSigns = {
      {"refund", -1},   {"chargeback", -1}, {"fee", -1},     {"bonus", 1},
      {"write_off", 1}, {"correction", 0},  {"transfer", 0}, {"opening_balance", 0}};
  return kSigns;
}

const std::set<std::string>& payment_methods() {
  static const std::set<std::string> kMethods = {"bank_card", "e_money",       "qiwi", "svyaznoy",
                                                 "euroset",   "bank_transfer", "sbp"};
  return kMethods;
}

Day last_day_of_next_month(Day day) {
  const date::year_month_day date{date::sys_days{date::days{day}}};
  const date::sys_days last = (date.year() / date.month() + date::months{1}) / date::last;
  return static_cast<Day>(last.time_since_epoch().count());
}

}  // namespace

std::string day_text(Day day) { return date::format("%F", date::sys_days{date::days{day}}); }

std::string instant_text(Instant instant) {
  return date::format("%FT%TZ", date::sys_seconds{std::chrono::seconds{instant}});
}

Day make_day(int year, unsigned month, unsigned day_of_month) {
  const date::sys_days day = date::year{year} / date::month{month} / date::day{day_of_month};
  return static_cast<Day>(day.time_since_epoch().count());
}

Reference::Reference(Day opening, std::map<Day, bool> calendar_exceptions)
    : opening_(opening), calendar_exceptions_(std::move(calendar_exceptions)) {
  Policy first;
  first.valid_from = opening;
  policies_.push_back(first);
}

void Reference::forget() {
  memos_.clear();
  tariffs_by_key_.clear();
}

void Reference::forget(const Account& account) { memos_.erase(account.account_id); }

// --- Time and calendar
// ------------------------------------------------------------------------------------------

Day Reference::open_day() const {
  return closed_days_.empty() ? opening_ : closed_days_.back().day + 1;
}

Instant Reference::closed_end() const { return day_start(open_day()); }

// The first instant of the day: where summer time skips midnight, the instant of the jump.
Instant Reference::day_start(Day day) const {
  const auto known = midnights_.find(day);
  if (known != midnights_.end()) return known->second;
  const date::local_seconds midnight{date::local_days{date::days{day}}};
  const auto* zone = date::locate_zone(policies_.front().time_zone);
  const Instant start = zone->to_sys(midnight, date::choose::earliest).time_since_epoch().count();
  midnights_[day] = start;
  return start;
}

Day Reference::billing_day(Instant instant) const {
  const auto* zone = date::locate_zone(policies_.front().time_zone);
  const auto local = zone->to_local(date::sys_seconds{std::chrono::seconds{instant}});
  return static_cast<Day>(date::floor<date::days>(local).time_since_epoch().count());
}

const Policy& Reference::policy_on(Day day) const {
  const Policy* first = nullptr;
  const Policy* in_force = nullptr;
  for (const Policy& policy : policies_) {
    if (first == nullptr || policy.valid_from < first->valid_from) first = &policy;
    if (policy.valid_from > day) continue;
    if (in_force == nullptr || policy.valid_from > in_force->valid_from) in_force = &policy;
  }
  return in_force != nullptr ? *in_force : *first;
}

bool Reference::is_working_day(Day day) const {
  const auto exception = calendar_exceptions_.find(day);
  if (exception != calendar_exceptions_.end()) return exception->second;
  const date::weekday weekday{date::sys_days{date::days{day}}};
  const char digit = static_cast<char>('0' + weekday.iso_encoding());
  return policy_on(day).working_week.find(digit) != std::string::npos;
}

std::optional<Day> Reference::next_working_day(Day day) const {
  for (Day candidate = day; candidate <= day + kHorizonDays; ++candidate) {
    if (is_working_day(candidate)) return candidate;
  }
  return std::nullopt;
}

// --- Facts in force
// ---------------------------------------------------------------------------------------------

const Account* Reference::find_account(AccountId account_id) const {
  for (const Account& account : accounts_) {
    if (account.account_id == account_id) return &account;
  }
  return nullptr;
}

// R1.
const Terms* Reference::terms_on(const Account& account, Day day) const {
  const Terms* in_force = nullptr;
  for (const Terms& terms : account.terms) {
    if (terms.valid_from > day) continue;
    if (in_force == nullptr || terms.valid_from > in_force->valid_from) in_force = &terms;
  }
  return in_force;
}

std::optional<Amount> Reference::credit_limit(const Account& account, Day day) const {
  const Terms* terms = terms_on(account, day);
  return terms == nullptr ? std::optional<Amount>(0) : terms->credit_limit;
}

std::int64_t Reference::headcount_on(const Account& account, Day day) const {
  const Headcount* in_force = nullptr;
  for (const Headcount& headcount : account.headcounts) {
    if (headcount.day > day) continue;
    if (in_force == nullptr || headcount.day > in_force->day) in_force = &headcount;
  }
  return in_force == nullptr ? 0 : in_force->employees;
}

const Subscription* Reference::subscription_on(const Account& account,
                                               const std::string& service_id, Day day) const {
  for (const Subscription& subscription : account.subscriptions) {
    if (subscription.service_id != service_id || subscription.started_on > day) continue;
    if (!subscription.ended_on || day < *subscription.ended_on) return &subscription;
  }
  return nullptr;
}

// R3: the version with the greatest valid_from, and in it the tier with the greatest min_quantity.
const Tariff* Reference::tier(const std::string& price_list, const std::string& service_id, Day day,
                              std::int64_t quantity) const {
  if (tariffs_by_key_.empty()) {
    for (const Tariff& tariff : tariffs_) {
      tariffs_by_key_[tariff.price_list + "/" + tariff.service_id].push_back(tariff);
    }
  }
  const auto rows = tariffs_by_key_.find(price_list + "/" + service_id);
  if (rows == tariffs_by_key_.end()) return nullptr;
  std::optional<Day> version;
  for (const Tariff& row : rows->second) {
    if (row.valid_from <= day && (!version || row.valid_from > *version)) version = row.valid_from;
  }
  if (!version) return nullptr;
  const Tariff* best = nullptr;
  for (const Tariff& row : rows->second) {
    if (row.valid_from != *version || row.min_quantity > quantity) continue;
    if (best == nullptr || row.min_quantity > best->min_quantity) best = &row;
  }
  return best;
}

// R5: not in a trial, ended or not, and not before the registration.
bool Reference::is_chargeable(const Account& account, const UsageEvent& event) const {
  const Day occurred_on = billing_day(event.occurred_at);
  return occurred_on >= account.registered_on && terms_on(account, occurred_on) != nullptr;
}

// --- Charges
// ----------------------------------------------------------------------------------------------------

// R2 to R5, without R9: calls visit(service_id, quantity, price_list, tier, amount, recurring).
template <typename Visitor>
void Reference::visit_charges(const Account& account, Day day, Visitor visit) const {
  const Terms* terms = terms_on(account, day);
  if (terms != nullptr && terms->status == "active") {
    for (const Subscription& subscription : account.subscriptions) {
      if (subscription.started_on > day) continue;
      if (subscription.ended_on && day >= *subscription.ended_on) continue;
      if (service_kinds_.at(subscription.service_id) != "recurring") continue;
      const std::int64_t quantity =
          subscription.quantity ? *subscription.quantity : headcount_on(account, day);
      const Tariff* priced = tier(subscription.price_list, subscription.service_id, day, quantity);
      if (priced == nullptr) continue;
      const Amount monthly_price = priced->monthly_fee + priced->unit_fee * quantity;
      visit(subscription.service_id, quantity, subscription.price_list, *priced,
            daily_fee(monthly_price, day), true);
    }
  }
  std::map<std::string, std::int64_t> used;
  for (const UsageEvent& event : account.usage) {
    if (event.charged_on == day && is_chargeable(account, event)) {
      used[event.service_id] += event.quantity;
    }
  }
  for (const auto& [service_id, quantity] : used) {
    const Subscription* subscription = subscription_on(account, service_id, day);
    const std::string price_list = subscription != nullptr ? subscription->price_list : "standard";
    const Tariff* priced = tier(price_list, service_id, day, quantity);
    if (priced == nullptr) continue;
    const Amount amount = priced->unit_fee * quantity + daily_fee(priced->monthly_fee, day);
    visit(service_id, quantity, price_list, *priced, amount, false);
  }
}

const std::vector<Amount>& Reference::totals_through(const Account& account, Day day) const {
  std::vector<Amount>& totals = memos_[account.account_id].totals;
  while (opening_ + static_cast<Day>(totals.size()) <= day) {
    const Day next = opening_ + static_cast<Day>(totals.size());
    Amount total = 0;
    visit_charges(account, next,
                  [&](const std::string&, std::int64_t, const std::string&, const Tariff&,
                      Amount amount, bool) { total += amount; });
    totals.push_back(total);
  }
  return totals;
}

std::vector<ChargeRow> Reference::charges(const Account& account, Day day) const {
  if (day < opening_) return {};
  return day_record(account, day).charges;
}

bool Reference::is_free_restricted_day(const Account& account, Day day) const {
  return day >= opening_ && day_record(account, day).free_restricted;
}

bool Reference::is_late(const UsageEvent& event) const {
  return event.charged_on != billing_day(event.occurred_at);
}

// --- Balance and arrears
// ----------------------------------------------------------------------------------------

const std::vector<Reference::Money>& Reference::money_of(const Account& account) const {
  Memo& memo = memos_[account.account_id];
  if (!memo.money_known) {
    for (const Payment& payment : account.payments) {
      memo.money.push_back({payment.credited_at, payment.amount});
    }
    for (const Adjustment& adjustment : account.adjustments) {
      memo.money.push_back({adjustment.effective_at, adjustment.amount});
    }
    std::sort(memo.money.begin(), memo.money.end(),
              [](const Money& a, const Money& b) { return a.at < b.at; });
    memo.money_known = true;
  }
  return memo.money;
}

// R6: asks, after all the events of one instant, whether the account is in arrears.
void Reference::settle(const Account& account, Instant at, Standing& standing) const {
  const std::optional<Amount> limit = credit_limit(account, billing_day(at));
  const bool in_arrears = limit && standing.balance < -*limit;
  if (!in_arrears) {
    standing.arrears_since.reset();
    standing.restricted_days = 0;
  } else if (!standing.arrears_since) {
    standing.arrears_since = at;
  }
}

// Counts the money of (after, through], the amounts of one instant together.
void Reference::count_money(const Account& account, Instant after, Instant through,
                            Standing& standing) const {
  const std::vector<Money>& money = money_of(account);
  for (std::size_t i = 0; i < money.size(); ++i) {
    if (money[i].at <= after || money[i].at > through) continue;
    standing.balance += money[i].amount;
    const bool last_of_instant = i + 1 == money.size() || money[i + 1].at != money[i].at;
    if (last_of_instant) settle(account, money[i].at, standing);
  }
}

const Reference::DayRecord& Reference::day_record(const Account& account, Day day) const {
  std::vector<DayRecord>& days = memos_[account.account_id].days;
  while (opening_ + static_cast<Day>(days.size()) <= day) {
    const Day next = opening_ + static_cast<Day>(days.size());
    const Instant start = day_start(next);
    const Instant end = day_start(next + 1);
    DayRecord record;
    // The midnight: the charge of the day that ends, the money of that very instant, and the
    // credit limit of the day that begins, all together.
    if (days.empty()) {
      count_money(account, INT64_MIN, start - 1, record.at_start);
    } else {
      record.at_start = days.back().at_last_second;
      for (const ChargeRow& row : days.back().charges) record.at_start.balance -= row.amount;
    }
    for (const Money& money : money_of(account)) {
      if (money.at == start) record.at_start.balance += money.amount;
    }
    settle(account, start, record.at_start);

    record.at_last_second = record.at_start;
    count_money(account, start, end - 1, record.at_last_second);

    // R9, seen one second before the end of the day.
    const bool restricted = state(account, end - 1, record.at_last_second) == "restricted";
    if (restricted) ++record.at_last_second.restricted_days;
    const std::optional<std::int64_t> charged_days = policy_on(next).restricted_days_charged;
    const bool recurring_is_free =
        restricted && charged_days && record.at_last_second.restricted_days > *charged_days;
    visit_charges(
        account, next,
        [&](const std::string& service_id, std::int64_t quantity, const std::string& price_list,
            const Tariff& priced, Amount amount, bool recurring) {
          if (recurring && recurring_is_free) {
            record.free_restricted = true;
            return;
          }
          record.charges.push_back({account.account_id, next, service_id, quantity, price_list,
                                    priced.valid_from, priced.min_quantity, priced.monthly_fee,
                                    priced.unit_fee, amount});
        });
    std::sort(record.charges.begin(), record.charges.end(),
              [](const ChargeRow& a, const ChargeRow& b) { return a.service_id < b.service_id; });
    days.push_back(std::move(record));
  }
  return days[static_cast<std::size_t>(day - opening_)];
}

Reference::Standing Reference::standing(const Account& account, Instant at) const {
  const Day day = billing_day(at);
  if (day < opening_) {
    Standing before_opening;
    count_money(account, INT64_MIN, at, before_opening);
    return before_opening;
  }
  Standing standing = day_record(account, day).at_start;
  count_money(account, day_start(day), at, standing);
  return standing;
}

Amount Reference::recorded_balance(const Account& account) const {
  Amount balance = 0;
  for (const Payment& payment : account.payments) balance += payment.amount;
  for (const Adjustment& adjustment : account.adjustments) balance += adjustment.amount;
  for (const ChargeRow& row : posted_) {
    if (row.account_id == account.account_id) balance -= row.amount;
  }
  return balance;
}

// --- Access
// -----------------------------------------------------------------------------------------------------

// R7: the restriction begins at `since` on a working day, else at the start of the next one; with
// grace_working_days k, k whole working days pass first. Nothing: never.
std::optional<Instant> Reference::restriction_begins(Instant since) const {
  const Day day = billing_day(since);
  const std::int64_t grace = policy_on(day).grace_working_days;
  if (grace == 0) {
    const std::optional<Day> next = next_working_day(day);
    if (next == day) return since;
    return next ? std::optional<Instant>(day_start(*next)) : std::nullopt;
  }
  const Day first_whole_day = day_start(day) >= since ? day : day + 1;
  std::optional<Day> working = next_working_day(first_whole_day);
  for (std::int64_t passed = 0; working && passed < grace; ++passed) {
    working = next_working_day(*working + 1);
  }
  return working ? std::optional<Instant>(day_start(*working)) : std::nullopt;
}

// Of the promises granted in this run of arrears and not after `at`.
std::optional<Instant> Reference::latest_expiry(const Account& account, Instant run_since,
                                                Instant at) const {
  std::optional<Instant> latest;
  for (const Promise& promise : account.promises) {
    if (promise.granted_at < run_since || promise.granted_at > at) continue;
    if (!latest || promise.expires_at > *latest) latest = promise.expires_at;
  }
  return latest;
}

std::string Reference::state(const Account& account, Instant at, const Standing& standing) const {
  const Day day = billing_day(at);
  const Terms* terms = terms_on(account, day);
  if (terms != nullptr && terms->status == "closed") return "closed";
  if (terms == nullptr) {
    return !account.trial_ends_on || day <= *account.trial_ends_on ? "trial" : "trial_ended";
  }
  if (terms->held) return "held";
  if (terms->status == "paused") return "paused";
  if (!standing.arrears_since) return "active";
  Instant since = *standing.arrears_since;
  const std::optional<Instant> expiry = latest_expiry(account, since, at);
  if (expiry && at < *expiry) return "promised";
  if (expiry && *expiry > since) since = *expiry;
  const std::optional<Instant> begins = restriction_begins(since);
  return begins && at >= *begins ? "restricted" : "grace";
}

std::optional<AccessRow> Reference::access(const Account& account, Instant at) const {
  const Day day = billing_day(at);
  if (day < opening_ || day < account.registered_on) return std::nullopt;
  const Standing now = standing(account, at);
  AccessRow row;
  row.account_id = account.account_id;
  row.day = day;
  row.at = at;
  row.state = state(account, at, now);
  row.employees_allowed = row.state == "trial" || row.state == "active" || row.state == "grace" ||
                          row.state == "promised";
  row.admin_allowed = row.state != "closed";
  row.balance = now.balance;
  for (const ChargeRow& charge : charges(account, day)) row.accrued += charge.amount;
  row.arrears_since = now.arrears_since;

  if (row.state == "promised" || row.state == "grace" || row.state == "restricted") {
    const std::optional<Instant> expiry = latest_expiry(account, *now.arrears_since, at);
    if (row.state == "promised") row.promised_until = expiry;
    row.restricted_from =
        restriction_begins(std::max(*now.arrears_since, expiry.value_or(*now.arrears_since)));
  }

  // R8: would a promise of one day be accepted at this instant, given those granted up to it?
  const Terms* terms = terms_on(account, day);
  row.promise_allowed = terms != nullptr && terms->status == "active" && !terms->held &&
                        now.arrears_since.has_value() &&
                        policy_on(day).promised_payment_max_days >= 1 &&
                        !latest_expiry(account, *now.arrears_since, at);

  // R10: charges of R2 to R5 from this day on, and no money to come.
  if (row.state == "active") {
    Amount balance = now.balance;
    for (Day next = day + 1; next <= day + kHorizonDays; ++next) {
      balance -= totals_through(account, next - 1)[static_cast<std::size_t>(next - 1 - opening_)];
      if (balance >= 0) continue;  // no limit is below 0
      const std::optional<Amount> limit = credit_limit(account, next);
      if (limit && balance < -*limit) {
        row.lasts_until = next - 1;
        row.restricted_from = restriction_begins(day_start(next));
        break;
      }
    }
  }
  return row;
}

// --- Notices
// ----------------------------------------------------------------------------------------------------

// W: the last working day on or before D - (w - 1) days; that day itself where there is none.
Day Reference::warning_day(Day last_day, std::int64_t warning_days) const {
  const Day latest = last_day - static_cast<Day>(warning_days - 1);
  for (Day day = latest; day >= latest - kHorizonDays; --day) {
    if (is_working_day(day)) return day;
  }
  return latest;
}

std::optional<std::string> Reference::warning(const Account& account, Instant at) const {
  const std::optional<AccessRow> row = access(account, at);
  if (!row) return std::nullopt;
  const std::int64_t warning_days = policy_on(row->day).low_balance_warning_days;
  const auto is_near = [&](std::optional<Day> last_day) {
    return last_day && warning_days > 0 && row->day >= warning_day(*last_day, warning_days);
  };
  if (row->state == "active" && is_near(row->lasts_until)) return "low_balance";
  if (row->state == "trial" && is_near(account.trial_ends_on)) return "trial_ending";
  if (row->state == "promised" && *row->promised_until - at <= kSecondsPerDay) {
    for (const Promise& promise : account.promises) {
      if (promise.granted_at >= *row->arrears_since && promise.granted_at <= at &&
          promise.expires_at == *row->promised_until && promise.days >= 2) {
        return "promise_ending";
      }
    }
  }
  return std::nullopt;
}

// The greatest number that is due (N3), by the policy of the row's day; 0: none.
std::int64_t Reference::due_reminder(const AccessRow& row) const {
  const Policy& policy = policy_on(row.day);
  std::int64_t due = 0;
  if (row.state != "restricted" || !policy.reminder_days) return due;
  while (due < policy.reminders &&
         row.at >= *row.restricted_from + (due + 1) * *policy.reminder_days * kSecondsPerDay) {
    ++due;
  }
  return due;
}

// The least amount is found by halving: what is enough stays enough when more is paid.
std::optional<Amount> Reference::top_up(const Account& account, Instant at, Day until,
                                        std::optional<std::int64_t> employees) const {
  const std::optional<AccessRow> row = access(account, at);
  static const std::set<std::string> kStates = {"active", "grace", "promised", "restricted"};
  if (!row || kStates.count(row->state) == 0) return std::nullopt;
  Account asked = account;
  if (employees) {
    std::erase_if(asked.headcounts, [&](const Headcount& h) { return h.day >= row->day; });
    asked.headcounts.push_back({row->day, *employees});
  }
  // Active at `at`, and in arrears at no midnight up to the end of the day before `until`.
  std::vector<Amount> charged;  // from the day of `at` on
  for (Day day = row->day; day < until; ++day) {
    Amount total = 0;
    visit_charges(asked, day,
                  [&](const std::string&, std::int64_t, const std::string&, const Tariff&,
                      Amount amount, bool) { total += amount; });
    charged.push_back(total);
  }
  const auto is_enough = [&](Amount paid) {
    Amount balance = row->balance + paid;
    for (Day day = row->day; day <= until; ++day) {
      if (day > row->day) balance -= charged[static_cast<std::size_t>(day - 1 - row->day)];
      const std::optional<Amount> limit = credit_limit(account, day);
      if (limit && balance < -*limit) return false;
    }
    return true;
  };
  if (is_enough(0)) return 0;
  Amount too_little = 0;
  Amount enough = kAmountMax;
  if (!is_enough(enough)) return std::nullopt;
  while (enough - too_little > 1) {
    const Amount middle = too_little + (enough - too_little) / 2;
    (is_enough(middle) ? enough : too_little) = middle;
  }
  return enough;
}

std::optional<Amount> Reference::default_top_up(const Account& account, Instant at) const {
  return top_up(account, at, last_day_of_next_month(billing_day(at)));
}

// What a run tells of an account, and what it remembers then.
std::vector<NoticeRow> Reference::due_notices(const Account& account, Instant at,
                                              Told& told) const {
  std::vector<NoticeRow> due;
  const std::optional<AccessRow> row = access(account, at);
  NoticeRow notice;
  notice.account_id = account.account_id;
  notice.at = at;
  notice.access = row;
  notice.trial_ends_on = account.trial_ends_on;
  const auto tell = [&](const std::string& kind) {
    notice.kind = kind;
    due.push_back(notice);
  };

  // N1.
  bool changed = false;
  if (row && !told.state) {
    changed = row->state != "trial" && row->state != "active";
  } else if (row) {
    const bool comes_again =
        row->state == "grace" || row->state == "promised" || row->state == "restricted";
    changed = row->state != *told.state ||
              (comes_again && notice_clock_ && *row->arrears_since > *notice_clock_);
  }
  if (changed) tell(row->state);
  told.state = row ? std::optional(row->state) : std::nullopt;

  // N2.
  const std::optional<std::string> holds = warning(account, at);
  if (holds && holds != told.warning) tell(*holds);
  told.warning = holds;

  // N3.
  const std::int64_t number = row ? due_reminder(*row) : 0;
  if (number > 0) {
    std::int64_t& greatest = told.reminders[*row->restricted_from];
    if (number > greatest) {
      greatest = number;
      notice.number = number;
      if (!changed) tell("reminder");
      notice.number.reset();
    }
  }

  // N4.
  std::vector<Payment> payments(
      account.payments.begin() + static_cast<std::ptrdiff_t>(told.payments),
      account.payments.end());
  std::sort(payments.begin(), payments.end(),
            [](const Payment& a, const Payment& b) { return a.payment_id < b.payment_id; });
  for (const Payment& payment : payments) {
    notice.amount = payment.amount;
    notice.reference = payment.payment_id;
    tell("payment");
  }
  told.payments = account.payments.size();

  if (!due.empty()) {
    const std::optional<Amount> amount = default_top_up(account, at);
    for (NoticeRow& each : due) each.top_up = amount;
  }
  return due;
}

// --- Writes
// -----------------------------------------------------------------------------------------------------

Account* Reference::account_for_write(AccountId account_id, Refusals& refusals) {
  for (Account& account : accounts_) {
    if (account.account_id == account_id) return &account;
  }
  refusals.insert("not_found");
  return nullptr;
}

bool Reference::service_known(const std::string& service_id, Refusals& refusals) const {
  if (service_kinds_.count(service_id) != 0) return true;
  refusals.insert("not_found");
  return false;
}

bool Reference::has_money_or_usage() const {
  for (const Account& account : accounts_) {
    if (!account.payments.empty() || !account.adjustments.empty() || !account.usage.empty()) {
      return true;
    }
  }
  return false;
}

Refusals Reference::update_policy(const Policy& policy) {
  Refusals refusals;
  if (is_closed(policy.valid_from)) refusals.insert("day_closed");
  if (policy.time_zone != policies_.front().time_zone ||
      policy.currency != policies_.front().currency) {
    if (policies_.size() > 1 || has_money_or_usage() || !closed_days_.empty()) {
      refusals.insert("conflict");
    }
  }
  if (!refusals.empty()) return refusals;
  for (Policy& version : policies_) {
    if (version.valid_from == policy.valid_from) version = policy;
  }
  midnights_.clear();
  forget();
  return refusals;
}

Refusals Reference::put_policy(const Policy& policy) {
  Refusals refusals;
  if (is_closed(policy.valid_from)) refusals.insert("day_closed");
  if (policy.time_zone != policies_.front().time_zone ||
      policy.currency != policies_.front().currency) {
    refusals.insert("conflict");
  }
  if (!refusals.empty()) return refusals;
  std::erase_if(policies_, [&](const Policy& p) { return p.valid_from == policy.valid_from; });
  policies_.push_back(policy);
  forget();
  return refusals;
}

Refusals Reference::delete_policy(Day valid_from) {
  Refusals refusals;
  const bool exists = std::any_of(policies_.begin(), policies_.end(), [&](const Policy& policy) {
    return policy.valid_from == valid_from;
  });
  if (!exists) return refusals;
  if (valid_from == opening_) refusals.insert("conflict");
  if (is_closed(valid_from)) refusals.insert("day_closed");
  if (!refusals.empty()) return refusals;
  std::erase_if(policies_, [&](const Policy& policy) { return policy.valid_from == valid_from; });
  forget();
  return refusals;
}

Refusals Reference::put_calendar_exception(Day day, bool working) {
  if (is_closed(day)) return {"day_closed"};
  calendar_exceptions_[day] = working;
  forget();
  return {};
}

Refusals Reference::delete_calendar_exception(Day day) {
  if (calendar_exceptions_.count(day) == 0) return {};
  if (is_closed(day)) return {"day_closed"};
  calendar_exceptions_.erase(day);
  forget();
  return {};
}

Refusals Reference::add_service(const std::string& service_id, const std::string& kind) {
  if (service_kinds_.count(service_id) != 0) return {"constraint"};
  service_kinds_[service_id] = kind;
  forget();
  return {};
}

Refusals Reference::change_service_kind(const std::string& service_id, const std::string& kind) {
  const auto service = service_kinds_.find(service_id);
  if (service == service_kinds_.end() || service->second == kind) return {};
  bool used = false;
  for (const Tariff& tariff : tariffs_) used = used || tariff.service_id == service_id;
  for (const Account& account : accounts_) {
    for (const auto& s : account.subscriptions) used = used || s.service_id == service_id;
    for (const auto& u : account.usage) used = used || u.service_id == service_id;
  }
  if (used) return {"conflict"};
  service->second = kind;
  forget();
  return {};
}

Refusals Reference::put_tariff(const Tariff& tariff) {
  Refusals refusals;
  service_known(tariff.service_id, refusals);
  if (is_closed(tariff.valid_from)) refusals.insert("day_closed");
  if (!refusals.empty()) return refusals;
  delete_tariff(tariff);
  tariffs_.push_back(tariff);
  forget();
  return refusals;
}

Refusals Reference::delete_tariff(const Tariff& key) {
  const auto same_key = [&](const Tariff& row) {
    return row.price_list == key.price_list && row.service_id == key.service_id &&
           row.valid_from == key.valid_from && row.min_quantity == key.min_quantity;
  };
  if (std::none_of(tariffs_.begin(), tariffs_.end(), same_key)) return {};
  if (is_closed(key.valid_from)) return {"day_closed"};
  std::erase_if(tariffs_, same_key);
  forget();
  return {};
}

Refusals Reference::add_account(const Account& account) {
  Refusals refusals;
  for (const Account& other : accounts_) {
    if (other.account_id == account.account_id) refusals.insert("conflict");
    if (account.external_id && other.external_id == account.external_id) {
      refusals.insert("conflict");
    }
  }
  const bool moved_in = closed_days_.empty() && account.registered_on < opening_;
  if (is_closed(account.registered_on) && !moved_in) refusals.insert("day_closed");
  if (!refusals.empty()) return refusals;
  accounts_.push_back(account);
  std::sort(accounts_.begin(), accounts_.end(),
            [](const Account& a, const Account& b) { return a.account_id < b.account_id; });
  forget();
  return refusals;
}

Refusals Reference::set_registered_on(AccountId account_id, Day registered_on) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};  // an UPDATE that finds no row
  if (registered_on == account->registered_on) return {};
  if (!closed_days_.empty() && (is_closed(account->registered_on) || is_closed(registered_on))) {
    refusals.insert("day_closed");
  }
  for (const Terms& terms : account->terms) {
    // The contract does not say by which code.
    if (terms.valid_from < registered_on) refusals.insert({"out_of_range", "conflict"});
  }
  if (!refusals.empty()) return refusals;
  account->registered_on = registered_on;
  forget(*account);
  return refusals;
}

Refusals Reference::set_trial_ends_on(AccountId account_id, std::optional<Day> trial_ends_on) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};
  account->trial_ends_on = trial_ends_on;
  forget(*account);
  return {};
}

Refusals Reference::put_terms(AccountId account_id, const Terms& terms) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (is_closed(terms.valid_from)) refusals.insert("day_closed");
  if (account != nullptr && terms.valid_from < account->registered_on) {
    refusals.insert("out_of_range");
  }
  if (terms.credit_limit && *terms.credit_limit < 0) refusals.insert("out_of_range");
  if (!refusals.empty()) return refusals;
  std::erase_if(account->terms, [&](const Terms& t) { return t.valid_from == terms.valid_from; });
  account->terms.push_back(terms);
  forget(*account);
  return refusals;
}

Refusals Reference::delete_terms(AccountId account_id, Day valid_from) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};
  const auto same_key = [&](const Terms& terms) { return terms.valid_from == valid_from; };
  if (std::none_of(account->terms.begin(), account->terms.end(), same_key)) return {};
  if (is_closed(valid_from)) return {"day_closed"};
  std::erase_if(account->terms, same_key);
  forget(*account);
  return {};
}

Refusals Reference::put_headcount(AccountId account_id, const Headcount& headcount) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (is_closed(headcount.day)) refusals.insert("day_closed");
  if (headcount.employees < 0 || headcount.employees > kQuantityMax) {
    refusals.insert("out_of_range");
  }
  if (!refusals.empty()) return refusals;
  std::erase_if(account->headcounts, [&](const Headcount& h) { return h.day == headcount.day; });
  account->headcounts.push_back(headcount);
  forget(*account);
  return refusals;
}

Refusals Reference::delete_headcount(AccountId account_id, Day day) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};
  const auto same_key = [&](const Headcount& headcount) { return headcount.day == day; };
  if (std::none_of(account->headcounts.begin(), account->headcounts.end(), same_key)) return {};
  if (is_closed(day)) return {"day_closed"};
  std::erase_if(account->headcounts, same_key);
  forget(*account);
  return {};
}

// Of two periods of one service, other than the row with the same key. An empty period overlaps
// nothing.
bool Reference::overlaps(const Account& account, const Subscription& period) const {
  for (Day day = period.started_on;; ++day) {
    // After the last start or end of all periods nothing changes any more.
    Day last_bound = period.started_on;
    bool covered = false;
    for (const Subscription& other : account.subscriptions) {
      if (other.service_id != period.service_id || other.started_on == period.started_on) continue;
      last_bound = std::max({last_bound, other.started_on, other.ended_on.value_or(0)});
      covered = covered || (other.started_on <= day && (!other.ended_on || day < *other.ended_on));
    }
    if (period.ended_on && day >= *period.ended_on) return false;
    if (covered) return true;
    if (day > last_bound) return false;
  }
}

Refusals Reference::add_subscription(AccountId account_id, const Subscription& subscription,
                                     bool replace) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  service_known(subscription.service_id, refusals);
  if (is_closed(subscription.started_on)) refusals.insert("day_closed");
  if (subscription.ended_on && *subscription.ended_on < subscription.started_on) {
    refusals.insert("out_of_range");
  }
  if (account != nullptr) {
    const auto same_key = [&](const Subscription& s) {
      return s.service_id == subscription.service_id && s.started_on == subscription.started_on;
    };
    const auto row =
        std::find_if(account->subscriptions.begin(), account->subscriptions.end(), same_key);
    const bool exists = row != account->subscriptions.end();
    // R11: a row that only gets, changes or loses its end, by whatever verb.
    if (exists && replace && is_closed(row->started_on) && row->quantity == subscription.quantity &&
        row->price_list == subscription.price_list) {
      return end_subscription(account_id, subscription, subscription.ended_on);
    }
    // The same start is an overlap as well as a repeated key.
    if (exists && !replace) refusals.insert({"constraint", "conflict"});
    if (overlaps(*account, subscription)) refusals.insert("conflict");
    if (!refusals.empty()) return refusals;
    std::erase_if(account->subscriptions, same_key);
    account->subscriptions.push_back(subscription);
    forget(*account);
  }
  return refusals;
}

Refusals Reference::end_subscription(AccountId account_id, const Subscription& key,
                                     std::optional<Day> ended_on) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};
  for (Subscription& row : account->subscriptions) {
    if (row.service_id != key.service_id || row.started_on != key.started_on) continue;
    // R11: an end, the old one and the new one, on or after the open day.
    if (row.ended_on && is_closed(*row.ended_on)) refusals.insert("day_closed");
    if (ended_on && is_closed(*ended_on)) refusals.insert("day_closed");
    if (ended_on && *ended_on < row.started_on) refusals.insert("out_of_range");
    Subscription changed = row;
    changed.ended_on = ended_on;
    if (overlaps(*account, changed)) refusals.insert("conflict");
    if (refusals.empty()) row = changed;
  }
  if (refusals.empty()) forget(*account);
  return refusals;
}

Refusals Reference::change_subscription_quantity(AccountId account_id, const Subscription& key,
                                                 std::optional<std::int64_t> quantity) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};
  for (Subscription& row : account->subscriptions) {
    if (row.service_id != key.service_id || row.started_on != key.started_on) continue;
    if (is_closed(row.started_on)) return {"day_closed"};
    row.quantity = quantity;
  }
  forget(*account);
  return {};
}

Refusals Reference::delete_subscription(AccountId account_id, const Subscription& key) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (account == nullptr) return {};
  const auto same_key = [&](const Subscription& s) {
    return s.service_id == key.service_id && s.started_on == key.started_on;
  };
  if (std::none_of(account->subscriptions.begin(), account->subscriptions.end(), same_key)) {
    return {};
  }
  if (is_closed(key.started_on)) return {"day_closed"};
  std::erase_if(account->subscriptions, same_key);
  forget(*account);
  return {};
}

Refusals Reference::add_usage(AccountId account_id, UsageEvent event) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  service_known(event.service_id, refusals);
  for (const Account& other : accounts_) {
    for (const UsageEvent& e : other.usage) {
      if (e.usage_id == event.usage_id) refusals.insert("conflict");
    }
  }
  if (event.quantity <= 0 || event.quantity > kQuantityMax) refusals.insert("out_of_range");
  event.charged_on = std::max(billing_day(event.occurred_at), open_day());
  if (account != nullptr) {
    std::int64_t used = event.quantity;
    for (const UsageEvent& e : account->usage) {
      if (e.service_id == event.service_id && e.charged_on == event.charged_on) used += e.quantity;
    }
    if (used > kQuantityMax) refusals.insert("out_of_range");
  }
  if (!refusals.empty()) return refusals;
  account->usage.push_back(event);
  forget(*account);
  return refusals;
}

Refusals Reference::add_payment(AccountId account_id, const Payment& payment) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (payment_methods().count(payment.method) == 0) refusals.insert("not_found");
  if (payment.amount <= 0 || payment.amount > kAmountMax) refusals.insert("out_of_range");
  if (payment.credited_at < closed_end()) refusals.insert("day_closed");
  for (const Account& other : accounts_) {
    for (const Payment& p : other.payments) {
      if (p.payment_id == payment.payment_id) refusals.insert("conflict");
      if (payment.external_id && p.external_id == payment.external_id &&
          p.method == payment.method) {
        refusals.insert("conflict");
      }
    }
  }
  if (!refusals.empty()) return refusals;
  account->payments.push_back(payment);
  forget(*account);
  return refusals;
}

Refusals Reference::add_adjustment(AccountId account_id, const Adjustment& adjustment) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  const auto sign = adjustment_signs().find(adjustment.kind);
  if (sign == adjustment_signs().end()) {
    refusals.insert("not_found");
  } else if (adjustment.amount * sign->second < 0) {
    refusals.insert("out_of_range");
  }
  if (adjustment.amount == 0 || adjustment.amount > kAmountMax || adjustment.amount < -kAmountMax) {
    refusals.insert("out_of_range");
  }
  const bool moved_in_debt = adjustment.kind == "opening_balance" && closed_days_.empty();
  if (adjustment.effective_at < closed_end() && !moved_in_debt) refusals.insert("day_closed");
  for (const Account& other : accounts_) {
    for (const Adjustment& a : other.adjustments) {
      if (a.adjustment_id == adjustment.adjustment_id) refusals.insert("conflict");
      if (adjustment.external_id && a.external_id == adjustment.external_id) {
        refusals.insert("conflict");
      }
    }
  }
  if (!refusals.empty()) return refusals;
  account->adjustments.push_back(adjustment);
  forget(*account);
  return refusals;
}

// R8, by the facts of this moment.
Refusals Reference::add_promise(AccountId account_id, Promise promise) {
  Refusals refusals;
  Account* account = account_for_write(account_id, refusals);
  if (promise.granted_at < closed_end()) refusals.insert("day_closed");
  const Day day = billing_day(promise.granted_at);
  if (promise.days < 1 || promise.days > policy_on(day).promised_payment_max_days) {
    refusals.insert("out_of_range");
  }
  if (account != nullptr) {
    const Terms* terms = terms_on(*account, day);
    const std::optional<Instant> run = standing(*account, promise.granted_at).arrears_since;
    if (terms == nullptr || terms->status != "active" || terms->held || !run) {
      refusals.insert("promise_refused");
    }
    for (const Promise& other : account->promises) {
      if (run && standing(*account, other.granted_at).arrears_since == run) {
        refusals.insert("promise_refused");
      }
    }
  }
  if (!refusals.empty()) return refusals;
  promise.expires_at = promise.granted_at + promise.days * kSecondsPerDay;
  account->promises.push_back(promise);
  forget(*account);
  return refusals;
}

Refusals Reference::close_day(Day day, Instant closed_at) {
  Refusals refusals;
  if (day < opening_) {
    refusals.insert("day_closed");
  } else if (day != open_day()) {
    refusals.insert("conflict");
  }
  if (closed_at < day_start(day + 1)) refusals.insert("day_not_ended");
  if (!refusals.empty()) return refusals;
  ClosedDay closed;
  closed.day = day;
  closed.ends_at = day_start(day + 1);
  closed.closed_at = closed_at;
  for (const Account& account : accounts_) {
    const std::vector<ChargeRow> rows = charges(account, day);
    if (!rows.empty()) ++closed.accounts;
    for (const ChargeRow& row : rows) {
      ++closed.charges;
      closed.charged += row.amount;
      posted_.push_back(row);
    }
  }
  closed_days_.push_back(closed);
  forget();
  return refusals;
}

// The first run of the books tells nothing: what it finds counts as known.
Refusals Reference::move_notice_clock(Instant at) {
  if (at < day_start(opening_) || (notice_clock_ && at < *notice_clock_)) return {"conflict"};
  for (const Account& account : accounts_) {
    const std::vector<NoticeRow> due = due_notices(account, at, told_[account.account_id]);
    if (notice_clock_) notices_.insert(notices_.end(), due.begin(), due.end());
  }
  notice_clock_ = at;
  return {};
}

}  // namespace saldo_reference
