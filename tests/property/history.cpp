#include "history.h"

#include <algorithm>

namespace saldo_histories {

const std::vector<std::string> kAccessColumns = {"account_id",
                                                 "day",
                                                 "at",
                                                 "state",
                                                 "employees_allowed",
                                                 "admin_allowed",
                                                 "balance",
                                                 "accrued",
                                                 "arrears_since",
                                                 "restricted_from",
                                                 "promised_until",
                                                 "promise_allowed",
                                                 "lasts_until"};

const std::vector<std::string> kNoticeColumns = {
    "account_id",      "kind",           "at",
    "number",          "amount",         "reference",
    "state",           "balance",        "arrears_since",
    "restricted_from", "promised_until", "promise_allowed",
    "lasts_until",     "trial_ends_on",  "top_up"};

namespace {

using saldo_reference::day_text;
using saldo_reference::instant_text;
using saldo_reference::make_day;

constexpr Instant kSecondsPerDay = 86'400;
constexpr std::int64_t kMostEmployees = 1'000'000'000;

const std::vector<std::string> kRecurring = {"crm", "base", "pbx"};
const std::vector<std::string> kUsage = {"sms", "api", "bulk"};
const std::vector<std::string> kPriceLists = {"standard", "vip", "old"};

const std::string kCharges =
    "SELECT account_id, day, service_id, quantity, price_list, valid_from, min_quantity, "
    "monthly_fee, unit_fee, amount FROM daily_charge ";

std::string charge_text(const ChargeRow& row) {
  return row_text({row.account_id, day_text(row.day), row.service_id, row.quantity, row.price_list,
                   day_text(row.valid_from), row.min_quantity, row.monthly_fee, row.unit_fee,
                   row.amount});
}

const std::string kPosted =
    "SELECT day, account_id, service_id, quantity, monthly_fee, unit_fee, amount FROM charge ";

std::string posted_text(const ChargeRow& row) {
  return row_text({day_text(row.day), row.account_id, row.service_id, row.quantity, row.monthly_fee,
                   row.unit_fee, row.amount});
}

std::string select(const std::vector<std::string>& columns, const std::string& table) {
  std::string list;
  for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + column;
  return "SELECT " + list + " FROM " + table + " ";
}

const std::string kAccess = select(kAccessColumns, "access_state");
const std::string kNotices = select(kNoticeColumns, "notice");

std::string access_text(const AccessRow& row) { return row_text(access_values(row)); }

Value optional_instant(std::optional<Instant> instant) {
  return instant ? Value(instant_text(*instant)) : Value(nullptr);
}

bool is_usage(const std::string& service_id) {
  return std::find(kUsage.begin(), kUsage.end(), service_id) != kUsage.end();
}

void append(Rows& rows, const Rows& more) { rows.insert(rows.end(), more.begin(), more.end()); }

}  // namespace

// --- Values and text
// --------------------------------------------------------------------------------------------

Value day_value(Day day) { return day_text(day); }
Value instant_value(Instant instant) { return instant_text(instant); }
Value optional_day(std::optional<Day> day) { return day ? Value(day_text(*day)) : Value(nullptr); }
Value optional_number(std::optional<std::int64_t> number) {
  return number ? Value(*number) : Value(nullptr);
}
Value optional_string(const std::optional<std::string>& text) {
  return text ? Value(*text) : Value(nullptr);
}

std::string text_of(const Value& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return "null";
  if (std::holds_alternative<std::int64_t>(value)) {
    return std::to_string(std::get<std::int64_t>(value));
  }
  return std::get<std::string>(value);
}

std::string row_text(const std::vector<Value>& values) {
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : "|") + text_of(value);
  return text;
}

std::vector<Value> access_values(const AccessRow& row) {
  return {row.account_id,
          day_text(row.day),
          instant_text(row.at),
          row.state,
          std::int64_t{row.employees_allowed},
          std::int64_t{row.admin_allowed},
          row.balance,
          row.accrued,
          optional_instant(row.arrears_since),
          optional_instant(row.restricted_from),
          optional_instant(row.promised_until),
          std::int64_t{row.promise_allowed},
          optional_day(row.lasts_until)};
}

std::vector<Value> notice_values(const NoticeRow& row) {
  std::vector<Value> values = {row.account_id,
                               row.kind,
                               instant_text(row.at),
                               optional_number(row.number),
                               optional_number(row.amount),
                               optional_number(row.reference)};
  if (const auto& access = row.access) {
    for (const Value& value :
         {Value(access->state), Value(access->balance), optional_instant(access->arrears_since),
          optional_instant(access->restricted_from), optional_instant(access->promised_until),
          Value(std::int64_t{access->promise_allowed}), optional_day(access->lasts_until)}) {
      values.push_back(value);
    }
  } else {
    values.insert(values.end(), 7, nullptr);
  }
  values.push_back(optional_day(row.trial_ends_on));
  values.push_back(optional_number(row.top_up));
  return values;
}

// --- A life
// -----------------------------------------------------------------------------------------------------

History::History(Number number, std::optional<Steps> chosen, Coverage& coverage)
    : chance_(number.seed, number.history),
      number_(number),
      chosen_(std::move(chosen)),
      coverage_(coverage),
      opening_(random_opening()),
      country_(chance_.percent(85) ? "ru" : "none"),
      ref_(opening_, {}) {}

void History::live() {
  open_books();
  // The country's calendar is a fact like any other; its content is proved elsewhere.
  Rows days;
  query("SELECT day, working FROM calendar_exception", {}, &days);
  std::map<Day, bool> exceptions;
  for (const std::string& row : days) {
    const Day day =
        make_day(std::stoi(row.substr(0, 4)), static_cast<unsigned>(std::stoi(row.substr(5, 2))),
                 static_cast<unsigned>(std::stoi(row.substr(8, 2))));
    exceptions[day] = row.substr(11) == "1";
  }
  ref_ = Reference(opening_, exceptions);
  set_up();
  const int length = chance_.between(62, 70);
  for (today_ = opening_; today_ < opening_ + length; ++today_) {
    chance_.begin(today_ - opening_ - length);  // no step has a number below 0
    const int operations = chance_.between(2, 5);
    for (int i = 0; i < operations; ++i) {
      if (!takes_next_step()) continue;
      if (chance_.percent(2)) {
        dry_run();
        ++coverage_["dry runs"];
      } else if (chance_.percent(run_percent_ / 3)) {
        run_notices();
      } else {
        random_operation();
      }
      if (chance_.percent(22)) ask();
    }
    if (takes_next_step() && chance_.percent(65)) close_days();
    if (takes_next_step() && chance_.percent(run_percent_)) run_notices();
    if (takes_next_step() && chance_.percent(2)) {
      restart();
      ++coverage_["restarts"];
    }
    if (takes_next_step() && chance_.percent(2)) {
      today_ += chance_.between(1, 9);
      ++coverage_["time jumps"];
    }
  }
  --today_;
  coverage_["days"] += today_ - opening_ + 1;
  close_days();
  compare_everything();
  end();
}

// Around holidays, changes of summer time, the ends of years and a leap day.
Day History::random_opening() {
  static const std::vector<Day> kOpenings = {
      make_day(2025, 12, 10), make_day(2026, 3, 1),   make_day(2026, 4, 15), make_day(2025, 10, 10),
      make_day(2024, 2, 10),  make_day(2026, 10, 20), make_day(2024, 12, 20)};
  return chance_.pick(kOpenings);
}

bool History::takes_next_step() {
  chance_.begin(++step_);
  // Sometimes a clock is behind.
  now_ = instant_of(chance_.percent(4) ? std::max(opening_, today_ - 2) : today_);
  return !chosen_ || chosen_->count(step_) != 0;
}

// --- Random pieces
// ------------------------------------------------------------------------------------------

// Exact midnights and last seconds are where the rules are; they come often.
Instant History::instant_of(Day day) {
  const Instant start = ref_.day_start(day);
  const Instant end = ref_.day_start(day + 1);
  switch (chance_.below(8)) {
    case 0:
      return start;
    case 1:
      return end - 1;
    case 2:
      return start + chance_.below(3);
    default:
      return start + chance_.below(static_cast<int>(end - start));
  }
}

// Mostly between the open day and today, sometimes to come, sometimes in a closed day.
Day History::write_day() {
  if (chance_.percent(7)) return ref_.open_day() - chance_.between(1, 6);
  if (chance_.percent(20)) return today_ + chance_.between(1, 10);
  return chance_.between(ref_.open_day(), std::max(today_, ref_.open_day()));
}

Instant History::write_instant() {
  if (chance_.percent(5)) return ref_.closed_end() - chance_.between(1, 200'000);
  if (chance_.percent(4)) return ref_.closed_end();
  if (latest() && chance_.percent(25)) return *latest();
  const Instant instant = instant_of(
      chance_.percent(8) ? today_ + chance_.between(1, 6)
                         : chance_.between(ref_.open_day(), std::max(today_, ref_.open_day())));
  if (!latest() || instant <= *latest() || chance_.percent(10)) return instant;
  return std::max(ref_.closed_end(), *latest() - chance_.below(100'000));
}

Day History::any_day() {
  if (chance_.percent(5)) return today_ + chance_.between(100, 500);
  return chance_.between(opening_ - 3, today_ + 25);
}

// Amounts small enough for arrears to come and go.
Amount History::small_amount() {
  static const std::vector<int> kBounds = {10, 60, 150, 400};
  return chance_.between(1, chance_.pick(kBounds));
}

std::optional<Amount> History::random_limit() {
  if (chance_.percent(60)) return 0;
  if (chance_.percent(12)) return std::nullopt;
  return chance_.between(1, 120);
}

std::optional<std::string> History::maybe_external_id() {
  if (chance_.percent(60)) return std::nullopt;
  // A small range, so that some come twice.
  if (chance_.percent(15)) return "x" + std::to_string(chance_.below(5));
  return "e" + std::to_string(next_id_++);
}

// --- The beginning
// ------------------------------------------------------------------------------------------

void History::set_up() {
  today_ = opening_;
  now_ = ref_.day_start(opening_ + 9);  // what is entered then took effect before
  first_policy();
  for (const std::string& service_id : kRecurring) add_service(service_id, "recurring");
  for (const std::string& service_id : kUsage) add_service(service_id, "usage");
  add_service("spare", "recurring");  // never used, so its kind may change
  for (const std::string& service_id : kRecurring) {
    for (const std::string& price_list : kPriceLists) {
      if (price_list == "standard" || chance_.percent(60)) {
        put_version(price_list, service_id, opening_ + (chance_.percent(85) ? 0 : 3));
      }
    }
  }
  for (const std::string& service_id : kUsage) {
    for (const std::string& price_list : kPriceLists) {
      if (price_list == "standard" || chance_.percent(40)) {
        put_version(price_list, service_id, opening_);
      }
    }
  }
  // From several times a day to every three weeks.
  static const std::vector<int> kRunPercents = {2, 6, 15, 50};
  run_percent_ = chance_.pick(kRunPercents);
  if (chance_.percent(50)) run_notices();  // nothing is there yet
  // Close together, accounts are read in one go; far apart, one by one.
  max_account_id_ = chance_.percent(40) ? 50 : 99'999;
  const int accounts = chance_.between(6, 8);
  for (int i = 0; i < accounts; ++i) new_account(true);
  if (chance_.percent(15)) one_for_ten_years();
  if (chance_.percent(10)) compare_everything();
}

// Exactly a kopeck a day: in these days the end of the money comes within sight, 3,650 days ahead
// (R10).
void History::one_for_ten_years() {
  add_service("tiny", "recurring");
  put_tiers({{"standard", "tiny", opening_, 0, 30, 0}});
  Account account;
  account.account_id = 100'000;
  account.registered_on = opening_;
  add_account(account);
  put_terms(account.account_id, {opening_, "active", 0, false});
  Subscription tiny;
  tiny.service_id = "tiny";
  tiny.started_on = opening_;
  tiny.quantity = 1;
  subscribe(account.account_id, tiny);
  Payment payment;
  payment.payment_id = next_id_++;
  payment.amount = 3650 + chance_.between(-3, 20);
  payment.method = "sbp";
  payment.credited_at = ref_.day_start(opening_);
  add_payment(account.account_id, payment);
  compare(kAccess + "WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
          {account.account_id, day_value(opening_), day_value(opening_ + 25)},
          access_of_days(*ref_.find_account(account.account_id), opening_, opening_ + 25));
}

void History::first_policy() {
  static const std::vector<std::string> kZones = {
      "Europe/Moscow", "Europe/Moscow",    "Europe/Berlin",  "Europe/Berlin",
      "UTC",           "America/New_York", "America/Havana", "Asia/Kathmandu"};
  Policy policy = ref_.policies().front();
  policy.time_zone = chance_.pick(kZones);
  vary(policy);
  put_policy(policy);
}

void History::vary(Policy& policy) {
  static const std::vector<std::string> kWeeks = {"12345", "12345",  "12345", "12347",
                                                  "71234", "123456", "3",     "7654321"};
  policy.working_week = chance_.percent(6) ? "" : chance_.pick(kWeeks);
  policy.restricted_days_charged.reset();
  if (chance_.percent(60)) policy.restricted_days_charged = chance_.below(4);
  policy.grace_working_days = chance_.percent(55) ? 0 : chance_.between(1, 3);
  policy.promised_payment_max_days = chance_.percent(50) ? 3 : chance_.between(0, 6);
  policy.low_balance_warning_days = chance_.percent(50) ? 3 : chance_.below(12);
  policy.reminder_days.reset();
  if (chance_.percent(85)) policy.reminder_days = chance_.between(1, chance_.percent(70) ? 4 : 20);
  policy.reminders = chance_.percent(50) ? 3 : chance_.below(7);
  policy.pay_url.reset();
  if (chance_.percent(50)) policy.pay_url = "https://pay.example/{account_id}";
}

// One to four tiers; the first often begins above 0, which leaves a gap.
void History::put_version(const std::string& price_list, const std::string& service_id,
                          Day valid_from) {
  std::int64_t min_quantity = chance_.percent(70) ? 0 : chance_.between(1, 4);
  std::vector<Tariff> tiers(static_cast<std::size_t>(chance_.between(1, 4)));
  for (Tariff& tier : tiers) {
    tier = random_tier(price_list, service_id, valid_from, min_quantity);
    min_quantity += chance_.between(1, 5);
  }
  // So dear that no payment is enough for as many employees as there may be.
  if (!is_usage(service_id) && chance_.percent(70))
    tiers.push_back({price_list, service_id, valid_from, kMostEmployees, 0, 1'000'000});
  put_tiers(tiers);
}

Tariff History::random_tier(const std::string& price_list, const std::string& service_id,
                            Day valid_from, std::int64_t min_quantity) {
  Tariff tariff{price_list, service_id, valid_from, min_quantity, 0, 0};
  if (service_id == "bulk") {
    tariff.monthly_fee = chance_.between(0, 60);  // counted in thousands of millions: no unit fee
  } else if (is_usage(service_id)) {
    tariff.monthly_fee = chance_.percent(50) ? 0 : chance_.between(1, 300);
    tariff.unit_fee = chance_.between(0, 7);
  } else {
    tariff.monthly_fee = chance_.percent(30) ? 0 : chance_.between(1, 700);
    tariff.unit_fee = chance_.percent(30) ? 0 : chance_.between(1, 120);
  }
  return tariff;
}

void History::new_account(bool complete) {
  Account account;
  account.account_id = chance_.percent(4) ? (std::int64_t{1} << 53) - chance_.below(1000)
                                          : chance_.between(1, max_account_id_);
  if (!ref_.accounts().empty() && chance_.percent(4))
    account.account_id = random_account().account_id;
  account.external_id = maybe_external_id();
  if (complete) {
    account.registered_on = opening_;
    if (chance_.percent(25)) account.registered_on -= chance_.between(1, 40);
    if (chance_.percent(25)) account.registered_on += chance_.between(1, 8);
  } else {
    account.registered_on = write_day();
  }
  if (chance_.percent(50)) {
    account.trial_ends_on = std::max(account.registered_on, today_) + chance_.below(15);
  }
  if (!add_account(account) || !complete) return;

  const Day first_day = std::max(account.registered_on, opening_);
  if (account.registered_on < opening_ && chance_.percent(60)) {
    const Amount amount = chance_.percent(70) ? -small_amount() : small_amount();
    adjust_by(account.account_id, amount, "opening_balance",
              chance_.percent(20) ? ref_.day_start(opening_) - chance_.below(2)
                                  : instant_of(opening_ - chance_.between(1, 30)));
  }
  if (chance_.percent(80)) {
    put_terms(account.account_id, {first_day + (chance_.percent(60) ? 0 : chance_.below(6)),
                                   "active", random_limit(), false});
  }
  if (chance_.percent(70)) put_headcount(account.account_id, {first_day, small_quantity()});
  for (const std::string& service_id : kRecurring) {
    if (chance_.percent(50)) start_subscription(account.account_id, service_id, first_day);
  }
  if (chance_.percent(60)) pay_at(account.account_id, instant_of(first_day));
}

// --- Operations
// ---------------------------------------------------------------------------------------------

void History::random_operation() {
  static const std::vector<std::pair<int, void (History::*)()>> kOperations = {
      {18, &History::pay},
      {10, &History::adjust},
      {12, &History::use},
      {12, &History::promise},
      {7, &History::change_headcount},
      {9, &History::change_terms},
      {5, &History::change_subscription_start},
      {6, &History::change_subscription_end},
      {4, &History::change_tariff},
      {2, &History::change_policy},
      {3, &History::change_calendar},
      {3, &History::change_account},
      {1, &History::one_more_account},
      {15, &History::odd_operation}};
  int total = 0;
  for (const auto& [weight, operation] : kOperations) total += weight;
  int rest = chance_.below(total);
  for (const auto& [weight, operation] : kOperations) {
    rest -= weight;
    if (rest < 0) {
      (this->*operation)();
      return;
    }
  }
}

void History::pay_at(AccountId account_id, Instant credited_at) {
  static const std::vector<std::string> kMethods = {"bank_card", "sbp", "qiwi", "bank_transfer"};
  Payment payment;
  payment.payment_id = next_id_++;
  if (chance_.percent(2)) payment.payment_id = chance_.between(1, static_cast<int>(next_id_));
  payment.amount = small_amount();
  payment.method = chance_.pick(kMethods);
  payment.external_id = maybe_external_id();
  payment.credited_at = credited_at;
  add_payment(account_id, payment);
}

void History::adjust() {
  static const std::vector<std::string> kKinds = {"refund",   "chargeback",     "fee",
                                                  "bonus",    "write_off",      "correction",
                                                  "transfer", "opening_balance"};
  const std::string& kind = chance_.pick(kKinds);
  Amount amount = small_amount();
  const bool negative_kind = kind == "refund" || kind == "chargeback" || kind == "fee";
  const bool positive_kind = kind == "bonus" || kind == "write_off";
  if (negative_kind || (!positive_kind && chance_.percent(60))) amount = -amount;
  if (chance_.percent(3)) amount = -amount;
  Instant effective_at = write_instant();
  if (kind == "opening_balance" && chance_.percent(50)) {
    effective_at = instant_of(opening_ - chance_.between(1, 10));
  }
  adjust_by(random_account().account_id, amount, kind, effective_at);
}

void History::adjust_by(AccountId account_id, Amount amount, const std::string& kind,
                        Instant effective_at) {
  Adjustment adjustment;
  adjustment.adjustment_id = next_id_++;
  adjustment.amount = amount;
  adjustment.kind = kind;
  adjustment.effective_at = effective_at;
  adjustment.external_id = maybe_external_id();
  add_adjustment(account_id, adjustment);
}

void History::use() {
  const AccountId account_id = random_account().account_id;
  add_usage(account_id, random_usage());
}

UsageEvent History::random_usage() {
  UsageEvent event;
  event.usage_id = "u" + std::to_string(next_id_++);
  if (chance_.percent(2)) event.usage_id = "u" + std::to_string(chance_.below(400));
  event.service_id = chance_.pick(kUsage);
  event.quantity = chance_.between(1, 9);
  if (event.service_id == "bulk") event.quantity = 400'000'000;  // the third of a day is too much
  // Late as often as in time, before the registration and before the opening now and then.
  event.occurred_at =
      chance_.percent(40) ? instant_of(ref_.open_day() - chance_.between(1, 12)) : write_instant();
  return event;
}

void History::promise() {
  // Preferably where there are arrears: first the account, then an instant of them.
  AccountId account_id = random_account().account_id;
  Promise promise;
  promise.granted_at = write_instant();
  for (int attempt = 0; attempt < 4 && chance_.percent(90); ++attempt) {
    const Account& account = random_account();
    const auto row = ref_.access(account, promise.granted_at);
    if (row && row->promise_allowed) {
      account_id = account.account_id;
      break;
    }
    promise.granted_at = write_instant();
  }
  promise.days = chance_.percent(90) ? chance_.between(1, 3) : chance_.below(8);
  const bool had_one = !ref_.find_account(account_id)->promises.empty();
  if (!add_promise(account_id, promise)) return;
  ++coverage_["promise accepted"];
  if (had_one) ++coverage_["second run of arrears promised"];
}

void History::change_headcount() {
  put_headcount(random_account().account_id, {write_day(), small_quantity()});
}

void History::change_terms() {
  static const std::vector<std::string> kStatuses = {"active", "active", "active",
                                                     "active", "paused", "closed"};
  const Account& account = random_account();
  Terms terms;
  terms.valid_from = write_day();
  terms.status = chance_.pick(kStatuses);
  terms.credit_limit = random_limit();
  terms.held = chance_.percent(12);
  // Few stay shut for long: mostly the next change opens them again.
  const Terms* last = ref_.terms_on(account, terms.valid_from);
  if (last != nullptr && (last->status != "active" || last->held) && chance_.percent(75)) {
    terms.status = "active";
    terms.held = false;
  }
  put_terms(account.account_id, terms);
}

void History::change_subscription_start() {
  const std::string& service_id =
      chance_.percent(75) ? chance_.pick(kRecurring) : chance_.pick(kUsage);
  start_subscription(random_account().account_id, service_id, write_day());
}

void History::start_subscription(AccountId account_id, const std::string& service_id,
                                 Day started_on) {
  Subscription subscription;
  subscription.service_id = service_id;
  subscription.started_on = started_on;
  if (chance_.percent(30)) subscription.ended_on = started_on + chance_.below(15);
  if (chance_.percent(60)) subscription.quantity = small_quantity();
  if (chance_.percent(30)) subscription.price_list = chance_.pick(kPriceLists);
  for (const Subscription& row : ref_.find_account(account_id)->subscriptions) {
    if (row.service_id == service_id && row.started_on == started_on &&
        row.ended_on == subscription.ended_on) {
      return;  // whether a closed row may be written over with what it holds is not said
    }
  }
  subscribe(account_id, subscription);
}

void History::change_subscription_end() {
  const Account& account = random_account();
  if (account.subscriptions.empty()) return;
  const Subscription row = chance_.pick(account.subscriptions);
  std::optional<Day> ended_on = write_day();
  if (row.ended_on && chance_.percent(50)) ended_on.reset();
  if (ended_on != row.ended_on) end_subscription(account.account_id, row, ended_on);
}

void History::change_tariff() {
  const std::string& service_id =
      chance_.percent(60) ? chance_.pick(kRecurring) : chance_.pick(kUsage);
  const std::string& price_list = chance_.percent(60) ? "standard" : chance_.pick(kPriceLists);
  const Day valid_from = write_day();
  if (chance_.percent(60)) {
    put_version(price_list, service_id, valid_from);
  } else {
    put_tiers({random_tier(price_list, service_id, valid_from, chance_.below(6))});
  }
}

void History::change_policy() {
  Policy policy = ref_.policies().front();
  policy.valid_from = write_day();
  vary(policy);
  if (chance_.percent(policy.valid_from == opening_ ? 20 : 5)) policy.time_zone = "Asia/Tokyo";
  put_policy(policy);
}

void History::change_calendar() {
  Day day = write_day();
  // The only working day of ten years, about where the search for it ends.
  if (ref_.policy_on(today_).working_week.empty() && chance_.percent(60)) {
    day = today_ + 3650 + chance_.between(-12, 12);
  }
  put_calendar_exception(
      day, chance_.percent(25) ? std::nullopt : std::optional<bool>(chance_.percent(40)));
}

void History::change_account() {
  const AccountId account_id = random_account().account_id;
  const Account* account = ref_.find_account(account_id);
  // A trial that ends before the registration is nothing that the contract speaks of.
  if (chance_.percent(60)) {
    std::optional<Day> trial_ends_on;
    if (chance_.percent(70)) {
      trial_ends_on = std::max(today_ + chance_.between(-3, 8), account->registered_on);
    }
    set_trial_ends_on(account_id, trial_ends_on);
    return;
  }
  const Day registered_on = write_day();
  if (account->trial_ends_on && registered_on > *account->trial_ends_on) return;
  set_registered_on(account_id, registered_on);
}

// Closes the days up to today, as if the clock stood after its midnight.
void History::close_days() {
  const Day first = ref_.open_day();
  const Day last = std::min(today_, first + 40);
  if (first > last) return;
  const Instant now = ref_.day_start(last + 1) + (chance_.percent(30) ? 0 : chance_.below(40'000));
  // What the days not posted yet cost is in access_state already: the same before and after.
  const Instant seen_at = chance_.percent(50) ? ref_.day_start(last + 1) : now;
  const bool seen = chance_.percent(40);
  Rows before;
  if (seen) {
    before = access_at(seen_at);
    compare(kAccess + "WHERE at = ?1 ORDER BY account_id", {instant_value(seen_at)}, before);
  }
  if (last > first) ++coverage_["catch-up of several days"];
  if (last == first + 1 && chance_.percent(50)) {
    close_two_days(first, now);
  } else {
    for (Day day = first; day <= last; ++day) {
      close_day(day, chance_.percent(30) ? ref_.day_start(day + 1) : now, now);
    }
  }
  if (seen) {
    if (access_at(seen_at) != before) throw std::logic_error("the reference: posting changed it");
    compare(kAccess + "WHERE at = ?1 ORDER BY account_id", {instant_value(seen_at)}, before);
  }
  compare_posted(first, last);
}

// --- Notices
// ------------------------------------------------------------------------------------------------

// Often just where something changes by itself: there a run must see it, and a second before not.
Instant History::run_instant() {
  const auto clock = ref_.notice_clock();
  const Instant opening = ref_.day_start(opening_);
  if (chance_.percent(2)) return opening - chance_.between(1, 100'000);
  if (clock && chance_.percent(4)) return *clock - chance_.between(1, 100'000);
  const Instant previous = clock.value_or(opening);
  if (chance_.percent(7)) return previous;
  Instant at = instant_of(today_);
  switch (chance_.below(8)) {
    case 0:
      at = previous + 3600 * chance_.between(1, 30);
      break;
    case 1:
    case 2:
      at = ref_.day_start(std::max(ref_.billing_day(previous), today_) + chance_.below(2)) -
           chance_.below(2);
      break;
    case 3:
    case 4:
    case 5:
      if (!ref_.accounts().empty()) at = turn(random_account());
      break;
    default:
      break;
  }
  // Not long before it happens: else no run for weeks.
  return std::max(previous, std::min(at, ref_.day_start(today_ + 3)));
}

// An instant about which something to be told of the account may begin.
Instant History::turn(const Account& account) {
  const Instant about = chance_.percent(30) ? 0 : chance_.between(-1, 1);
  if (!account.promises.empty() && chance_.percent(50)) {
    const Promise& promise = account.promises.back();
    return promise.expires_at - (chance_.percent(50) ? kSecondsPerDay : 0) + about;
  }
  const auto row = ref_.access(account, ref_.day_start(today_ + 1));
  if (!row || !row->restricted_from) return ref_.day_start(today_ + 1) + about;
  const auto reminder_days = ref_.policy_on(today_).reminder_days.value_or(0);
  const Instant reminder =
      *row->restricted_from + chance_.below(5) * reminder_days * kSecondsPerDay;
  return reminder + about;
}

void History::run_notices() {
  const std::size_t told = ref_.notices().size();
  const auto previous = ref_.notice_clock();
  move_notice_clock(run_instant());
  const auto clock = ref_.notice_clock();
  ++coverage_["runs of notices"];
  if (!previous && clock && !ref_.accounts().empty()) ++coverage_["first run over facts"];
  if (previous && *clock > *previous + 14 * kSecondsPerDay) ++coverage_["runs weeks apart"];
  for (std::size_t i = told; i < ref_.notices().size(); ++i) count_notice(i);
  compare_notices(told);
  if (chance_.percent(30)) compare("SELECT * FROM audit_notice", {}, {});
}

// For the coverage.
void History::count_notice(std::size_t number) {
  const NoticeRow& row = ref_.notices()[number];
  ++coverage_["notice " + row.kind];
  if (!row.access) ++coverage_["notice before the registration"];
  if (row.top_up) ++coverage_[*row.top_up == 0 ? "top-up not needed" : "top-up needed"];
  if (!row.access || row.kind != row.access->state) return;
  for (std::size_t i = number; i-- > 0;) {
    const NoticeRow& before = ref_.notices()[i];
    if (before.account_id != row.account_id || !before.access ||
        before.kind != before.access->state) {
      continue;
    }
    if (before.kind == row.kind) ++coverage_["notice of the same state again"];
    return;
  }
}

// Those from number `first` on.
void History::compare_notices(std::size_t first) {
  Rows notices;
  for (std::size_t i = first; i < ref_.notices().size(); ++i)
    notices.push_back(row_text(notice_values(ref_.notices()[i])));
  compare(kNotices + "ORDER BY notice_id LIMIT -1 OFFSET ?1", {static_cast<std::int64_t>(first)},
          notices);
  const auto clock = ref_.notice_clock();
  compare("SELECT at FROM notice_clock", {}, {clock ? instant_text(*clock) : "null"});
}

void History::ask_for_top_up(const Account& account, Instant at) {
  const Day day = ref_.billing_day(at);
  const std::string with = chance_.percent(40) ? ", ?4" : "";
  std::optional<std::int64_t> employees;
  if (!with.empty()) employees = chance_.percent(40) ? kMostEmployees : small_quantity();
  const std::string sql = "SELECT top_up(?1, ?2, ?3" + with + ")";
  const auto values = [&](Day until) {
    std::vector<Value> all = {account.account_id, instant_value(at), day_value(until)};
    if (employees) all.emplace_back(*employees);
    return all;
  };
  const int kind = chance_.below(20);
  if (kind == 0) {
    compare_refused(sql, values(day - chance_.between(1, 9)), "invalid");
  } else if (kind == 1) {
    compare_refused(sql, values(day + 3650 + chance_.between(1, 9)), "out_of_range");
  } else {
    const Day until = day + (kind == 2                     ? 3650
                             : employees == kMostEmployees ? chance_.between(31, 400)
                                                           : chance_.below(70));
    const auto amount = ref_.top_up(account, at, until, employees);
    compare(sql, values(until), {row_text({optional_number(amount)})});
    ++coverage_[employees ? "top-up with employees" : "top-up asked"];
    if (!amount && ref_.top_up(account, at, day)) ++coverage_["no top-up is enough"];
  }
}

// --- Questions
// ----------------------------------------------------------------------------------------------

void History::compare(const std::string& sql, const std::vector<Value>& values,
                      const Rows& expected) {
  Rows actual;
  const std::string outcome = query(sql, values, &actual);
  ++coverage_["questions"];
  coverage_["rows compared"] += static_cast<long>(expected.size());
  if (outcome == "ok" && actual == expected) return;
  std::string what = "answers differ: " + sql + "  -- with";
  for (const Value& value : values) what += " " + text_of(value);
  if (outcome != "ok") what += "\n--   " + outcome;
  for (const std::string& row : expected) {
    if (std::find(actual.begin(), actual.end(), row) == actual.end())
      what += "\n--   expected " + row;
  }
  for (const std::string& row : actual) {
    if (std::find(expected.begin(), expected.end(), row) == expected.end())
      what += "\n--   got      " + row;
  }
  throw Mismatch(what);
}

void History::compare_refused(const std::string& sql, const std::vector<Value>& values,
                              const std::string& code) {
  Rows rows;
  const std::string outcome = query(sql, values, &rows);
  if (outcome.find(code) != std::string::npos) return;
  std::string what = "expected " + code + ", got " + outcome + ": " + sql + "  -- with";
  for (const Value& value : values) what += " " + text_of(value);
  throw Mismatch(what);
}

std::optional<AccessRow> History::access(const Account& account, Instant at) {
  auto row = ref_.access(account, at);
  if (!row) return row;
  ++coverage_["state " + row->state];
  if (row->lasts_until) ++coverage_["end in sight"];
  if (row->state == "grace" && !row->restricted_from) ++coverage_["restriction never"];
  if (row->arrears_since && *row->arrears_since < ref_.day_start(opening_)) {
    ++coverage_["debt moved in"];
  }
  if (ref_.is_free_restricted_day(account, row->day)) {
    ++coverage_[row->day > ref_.open_day() ? "R9 free day forecast" : "R9 free day"];
  }
  return row;
}

Rows History::access_at(Instant at) {
  Rows rows;
  for (const Account& account : ref_.accounts()) {
    if (const auto row = access(account, at)) rows.push_back(access_text(*row));
  }
  return rows;
}

Rows History::access_of_days(const Account& account, Day first, Day last) {
  Rows rows;
  for (Day day = first; day <= last; ++day) {
    if (const auto row = access(account, ref_.day_start(day + 1) - 1))
      rows.push_back(access_text(*row));
  }
  return rows;
}

Rows History::charges_of_days(const Account& account, Day first, Day last,
                              const std::string& service_id) {
  Rows rows;
  for (Day day = std::max(first, opening_); day <= last; ++day) {
    for (const ChargeRow& row : ref_.charges(account, day)) {
      if (service_id.empty() || row.service_id == service_id) rows.push_back(charge_text(row));
    }
  }
  return rows;
}

void History::compare_posted(Day first, Day last) {
  Rows posted;
  for (const ChargeRow& row : ref_.posted()) {
    if (row.day >= first && row.day <= last) posted.push_back(posted_text(row));
  }
  compare(kPosted + "WHERE day BETWEEN ?1 AND ?2 ORDER BY day, account_id, service_id",
          {day_value(first), day_value(last)}, posted);
  Rows closed;
  for (const auto& day : ref_.closed_days()) {
    if (day.day < first || day.day > last) continue;
    closed.push_back(
        row_text({day_text(day.day), instant_text(day.ends_at), instant_text(day.closed_at),
                  day.accounts, day.charges, day.charged}));
  }
  compare(
      "SELECT day, ends_at, closed_at, accounts, charges, charged FROM day_close "
      "WHERE day BETWEEN ?1 AND ?2 ORDER BY day",
      {day_value(first), day_value(last)}, closed);
  compare_balances();
}

void History::compare_balances() {
  Rows balances;
  for (const Account& account : ref_.accounts()) {
    balances.push_back(row_text({account.account_id, ref_.recorded_balance(account)}));
  }
  compare("SELECT account_id, balance FROM account_balance ORDER BY account_id", {}, balances);
}

void History::ask() {
  if (chance_.percent(20)) compare_more();
  const Account& account = random_account();
  const Value id = account.account_id;
  const Day day = any_day();
  const Day later = day + chance_.below(12);
  Rows rows;
  switch (chance_.below(15)) {
    case 14: {
      const Instant at = instant_of(day);
      ask_for_top_up(account, at);
      return;
    }
    case 13: {
      for (Day d = day; d < day + 3; ++d) {
        const Instant at = ref_.day_start(d) + chance_.between(-1, 1) * 3600;
        compare("SELECT notice_warning(?1, ?2)", {id, instant_value(at)},
                {row_text({optional_string(ref_.warning(account, at))})});
      }
      return;
    }
    case 0:
    case 1: {
      const Instant at = instant_of(day);
      compare(kAccess + "WHERE at = ?1 ORDER BY account_id", {instant_value(at)}, access_at(at));
      for (const Account& each : ref_.accounts()) {
        if (const auto row = ref_.access(each, at))
          rows.push_back(row_text({each.account_id, row->state, std::int64_t{1}}));
      }
      compare(
          "SELECT e.account_id, e.state, e.fact IS NOT NULL FROM account AS a JOIN access_explain "
          "AS e ON e.account_id = a.account_id AND e.at = ?1 WHERE e.applied ORDER BY a.account_id",
          {instant_value(at)}, rows);
      return;
    }
    case 2: {
      const Instant midnight = ref_.day_start(day);
      for (const Instant at : {midnight - 1, midnight}) {
        if (const auto row = access(account, at)) rows.push_back(access_text(*row));
      }
      compare(kAccess + "WHERE account_id = ?1 AND at IN (?2, ?3) ORDER BY at",
              {id, instant_value(midnight - 1), instant_value(midnight)}, rows);
      return;
    }
    case 3: {
      for (Day d = day; d < day + 4; ++d) {
        const Instant at = ref_.day_start(d) + 40'000;
        if (const auto row = access(account, at)) rows.push_back(access_text(*row));
      }
      compare(kAccess + "WHERE account_id = ?1 AND at IN (?2, ?3, ?4, ?5) ORDER BY at",
              {id, instant_value(ref_.day_start(day) + 40'000),
               instant_value(ref_.day_start(day + 1) + 40'000),
               instant_value(ref_.day_start(day + 2) + 40'000),
               instant_value(ref_.day_start(day + 3) + 40'000)},
              rows);
      return;
    }
    case 4:
    case 5:
      compare(kAccess + "WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day",
              {id, day_value(day), day_value(later)}, access_of_days(account, day, later));
      return;
    case 6:
      for (const Account& each : ref_.accounts()) append(rows, access_of_days(each, day, day));
      compare(kAccess + "WHERE day = ?1 ORDER BY account_id", {day_value(day)}, rows);
      return;
    case 7:  // bounded on one side: to the open day
      if (day < ref_.open_day() - 10) return;
      compare(kAccess + "WHERE account_id = ?1 AND day >= ?2 ORDER BY day", {id, day_value(day)},
              access_of_days(account, day, ref_.open_day()));
      return;
    case 8:  // from the registration
      if (day > ref_.open_day()) return;
      compare(kAccess + "WHERE account_id = ?1 AND day < ?2 ORDER BY day", {id, day_value(day)},
              access_of_days(account, opening_, day - 1));
      return;
    case 9:
      compare(kCharges + "WHERE account_id = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day, service_id",
              {id, day_value(day), day_value(later)}, charges_of_days(account, day, later, ""));
      return;
    case 10: {
      const std::string& service_id = chance_.pick(chance_.percent(50) ? kRecurring : kUsage);
      for (const Account& each : ref_.accounts()) {
        append(rows, charges_of_days(each, day, ref_.open_day(), service_id));
      }
      compare(kCharges + "WHERE day >= ?1 AND service_id = ?2 ORDER BY account_id, day",
              {day_value(day), service_id}, rows);
      return;
    }
    case 11:
      for (const Account& each : ref_.accounts()) append(rows, charges_of_days(each, day, day, ""));
      compare(kCharges + "WHERE day = ?1 ORDER BY account_id, service_id", {day_value(day)}, rows);
      return;
    default:
      compare(kCharges + "WHERE account_id = ?1 ORDER BY day, service_id", {id},
              charges_of_days(account, opening_, ref_.open_day(), ""));
      return;
  }
}

void History::compare_everything() {
  Rows charges;
  Rows usage;
  Rows promises;
  Rows payments;
  Rows adjustments;
  const Day horizon = ref_.open_day() + 12;
  for (const Account& account : ref_.accounts()) {
    append(charges, charges_of_days(account, opening_, horizon, ""));
    for (const UsageEvent& event : account.usage) {
      usage.push_back(event.usage_id + "|" + day_text(event.charged_on));
      if (!ref_.is_late(event)) continue;
      ++coverage_["usage late"];
      const bool charged =
          !charges_of_days(account, event.charged_on, event.charged_on, event.service_id).empty();
      ++coverage_[charged ? "usage late, charged" : "usage not chargeable"];
    }
    for (const Promise& promise : account.promises) {
      promises.push_back(row_text({account.account_id, instant_text(promise.granted_at),
                                   promise.days, instant_text(promise.expires_at)}));
    }
    for (const Payment& payment : account.payments) {
      payments.push_back(row_text({payment.payment_id, account.account_id, payment.amount,
                                   day_text(ref_.billing_day(payment.credited_at))}));
    }
    for (const Adjustment& adjustment : account.adjustments) {
      adjustments.push_back(
          row_text({adjustment.adjustment_id, account.account_id, adjustment.amount,
                    day_text(ref_.billing_day(adjustment.effective_at))}));
    }
  }
  compare(kCharges + "WHERE day <= ?1 ORDER BY account_id, day, service_id", {day_value(horizon)},
          charges);
  std::sort(usage.begin(), usage.end());
  compare("SELECT usage_id || '|' || charged_on FROM usage_event ORDER BY 1", {}, usage);
  // Sorted as the rows' text is, so that both sides agree without a common key.
  const auto compare_sorted = [&](const std::string& sql, Rows rows) {
    std::sort(rows.begin(), rows.end());
    compare(sql + " ORDER BY 1", {}, rows);
  };
  compare_sorted(
      "SELECT account_id || '|' || granted_at || '|' || days || '|' || expires_at FROM "
      "promised_payment",
      promises);
  compare_sorted(
      "SELECT payment_id || '|' || account_id || '|' || amount || '|' || day FROM payment",
      payments);
  compare_sorted(
      "SELECT adjustment_id || '|' || account_id || '|' || amount || '|' || day FROM adjustment",
      adjustments);

  // Four weeks of everybody, each day at its last second, and midnights.
  const Day first = chance_.between(opening_ - 2, std::max(opening_, horizon - 27));
  Rows days;
  for (const Account& account : ref_.accounts()) {
    append(days, access_of_days(account, first, first + 27));
  }
  compare(kAccess + "WHERE day BETWEEN ?1 AND ?2 ORDER BY account_id, day",
          {day_value(first), day_value(first + 27)}, days);
  for (int i = 0; i < 3; ++i) {
    const Instant at = ref_.day_start(any_day());
    compare(kAccess + "WHERE at = ?1 ORDER BY account_id", {instant_value(at)}, access_at(at));
  }

  // The posted rows are what the reference says today: no accepted fact changed a closed day.
  Rows recomputed;
  for (const auto& closed : ref_.closed_days()) {
    for (const Account& account : ref_.accounts()) {
      for (const ChargeRow& row : ref_.charges(account, closed.day)) {
        recomputed.push_back(posted_text(row));
      }
    }
  }
  compare(kPosted + "ORDER BY day, account_id, service_id", {}, recomputed);
  compare_posted(opening_, ref_.open_day());
  compare_notices(0);
  // Each is told, and no placeholder is left in it.
  compare(
      "SELECT count(*), count(CASE WHEN instr(subject || body, '{') THEN 1 END) FROM "
      "notice_message",
      {}, {row_text({static_cast<std::int64_t>(ref_.notices().size()), 0})});
  compare_more();
  compare_audits();
}

// audit_schema installs a second schema to compare with, which costs more than the rest of a
// history: the whole of `audit` now and then, each other one always.
void History::compare_audits() {
  if (number_.history % 20 == 0) {
    compare("SELECT sum(violations) FROM audit WHERE check_name <> 'audit_unpriced'", {}, {"0"});
  }
  for (const char* check : {"audit_charge", "audit_charge_total", "audit_balance", "audit_day_gap",
                            "audit_promised_payment", "audit_digest", "audit_notice",
                            "audit_receipt", "audit_document"}) {
    compare("SELECT * FROM " + std::string(check), {}, {});
  }
}

}  // namespace saldo_histories
