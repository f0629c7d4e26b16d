#include "rules/access.h"

#include <algorithm>
#include <array>

#include "rules/error.h"
#include "rules/limits.h"

namespace saldo {
namespace {

constexpr std::array<std::string_view, 9> kStateNames = {"closed",   "trial",  "trial_ended",
                                                         "held",     "paused", "active",
                                                         "promised", "grace",  "restricted"};

}  // namespace

std::string_view state_name(State state) { return kStateNames[static_cast<std::size_t>(state)]; }

std::optional<State> parse_state(std::string_view name) {
  const auto* const found = std::find(kStateNames.begin(), kStateNames.end(), name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<State>(found - kStateNames.begin());
}

bool employees_allowed(State state) {
  return state == State::kTrial || state == State::kActive || state == State::kPromised ||
         state == State::kGrace;
}

bool admin_allowed(State state) { return state != State::kClosed; }

bool depends_on_money(State state) {
  return state == State::kActive || state == State::kPromised || state == State::kGrace ||
         state == State::kRestricted;
}

Amount changed_balance(const Account& account, Day day, Amount balance, Amount change) {
  Amount changed = 0;
  if (__builtin_add_overflow(balance, change, &changed)) {
    throw out_of_range("the balance of account " + std::to_string(account.account_id) +
                       " exceeds 64 bits on " + format_day(day));
  }
  return changed;
}

Walk::Walk(const Books& books, const Account& account, DailyCharges& charges)
    : books_(&books), account_(&account), charges_(&charges), day_(books.opening - days{1}) {
  // No terms are in force before the opening.
  apply_movements_before(books.days.start_of(books.opening));
  day_ = books.opening;
  begin_day();
}

Walk::Walk(const Books& books, const Account& account, DailyCharges& charges,
           const Standing& carried, Day first)
    : books_(&books), account_(&account), charges_(&charges), standing_(carried), day_(first) {
  begin_day();
}

const Movement* Walk::next_movement() const {
  return next_movement_ < account_->movements.size() ? &account_->movements[next_movement_]
                                                     : nullptr;
}

bool Walk::in_arrears(WideAmount balance, Day day) const {
  if (balance >= 0) return false;
  const Terms* terms = account_->terms_on(day);
  if (terms == nullptr) return true;
  return terms->credit_limit.has_value() && balance < -WideAmount{*terms->credit_limit};
}

void Walk::change_balance(Amount change) {
  standing_.balance = changed_balance(*account_, day_, standing_.balance, change);
}

void Walk::update_arrears(Instant at) {
  if (!in_arrears(standing_.balance, day_)) {
    standing_.arrears_since.reset();
    standing_.restricted_days = 0;
  } else if (!standing_.arrears_since) {
    standing_.arrears_since = at;
  }
}

void Walk::apply_movements_before(Instant end) {
  const Movement* movement = next_movement();
  while (movement != nullptr && movement->at < end) {
    const Instant at = movement->at;
    for (; movement != nullptr && movement->at == at; movement = next_movement()) {
      change_balance(movement->amount);
      ++next_movement_;
    }
    update_arrears(at);
  }
}

void Walk::begin_day() {
  at_ = books_->days.start_of(day_);
  day_end_ = books_->days.end_of(day_);
  for (const Movement* m = next_movement(); m != nullptr && m->at == at_; m = next_movement()) {
    change_balance(m->amount);
    ++next_movement_;
  }
  update_arrears(at_);
}

void Walk::end_day() {
  at_ = day_end_ - seconds{1};
  const bool charged = recurring_charged();
  if (standing_.arrears_since) standing_.restricted_days = restricted_days(access().state);
  change_balance(-charges_->total(day_, charged));
  day_ += days{1};
}

void Walk::advance(Instant at) {
  while (at >= day_end_) {
    apply_movements_before(day_end_);
    end_day();
    begin_day();
  }
  apply_movements_before(at + seconds{1});
  at_ = at;
}

bool Walk::recurring_charged() const {
  const auto& charged = books_->calendar.policy_on(day_).restricted_days_charged;
  if (!charged) return true;
  Walk end = *this;
  end.advance(day_end_ - seconds{1});
  if (!end.standing_.arrears_since) return true;
  const State state = end.access().state;
  return state != State::kRestricted || end.restricted_days(state) <= *charged;
}

Amount Walk::accrued() const { return charges_->total(day_, recurring_charged()); }

Access Walk::access() const {
  Access access;
  const Terms* terms = account_->terms_on(day_);
  const auto& since = standing_.arrears_since;

  // The promises that this run of arrears has had so far, and the last one's expiry (R7, R8).
  bool promised_before = false;
  std::optional<Instant> expiry;
  if (since) {
    for (const auto& promise : account_->promises) {
      if (promise.granted_at < *since || promise.granted_at > at_) continue;
      promised_before = true;
      expiry = std::max(expiry.value_or(promise.expires_at), promise.expires_at);
    }
  }

  if (terms != nullptr && terms->status == Status::kClosed) {
    access.state = State::kClosed;
  } else if (terms == nullptr) {
    const auto& trial_ends_on = account_->trial_ends_on;
    access.state = !trial_ends_on || day_ <= *trial_ends_on ? State::kTrial : State::kTrialEnded;
  } else if (terms->held) {
    access.state = State::kHeld;
  } else if (terms->status == Status::kPaused) {
    access.state = State::kPaused;
  } else if (!since) {
    access.state = State::kActive;
  } else {
    const Instant cause = expiry ? std::max(*expiry, *since) : *since;
    access.restricted_from = books_->calendar.restriction_after(cause, books_->days);
    access.last_promise_until = expiry;
    access.promise_allowed =
        !promised_before && books_->calendar.policy_on(day_).promised_payment_max_days >= 1;
    if (expiry && at_ < *expiry) {
      access.state = State::kPromised;
      access.promised_until = expiry;
    } else if (!access.restricted_from || at_ < *access.restricted_from) {
      access.state = State::kGrace;
    } else {
      access.state = State::kRestricted;
    }
  }
  return access;
}

Walk::CoveredPeriods Walk::covered_periods(Day day, Day end, WideAmount balance) const {
  if (!account_->usage.empty() && account_->usage.back().charged_on >= day) return {};
  const auto [price, until] = charges_->recurring_from(day);
  // The end of a day is under the credit limit of the day after it: a period must end one day
  // before the facts change.
  WideAmount count = ((std::min(until, end) - day).count() - 1) / kDaysPerMonthlyPrice;
  const Terms* terms = account_->terms_on(day + days{1});
  const auto limit = terms != nullptr ? terms->credit_limit : 0;
  if (price.amount > 0 && limit) count = std::min(count, (balance + *limit) / price.amount);
  return {static_cast<std::int64_t>(std::max<WideAmount>(count, 0)), price};
}

Outlook Walk::outlook() const {
  WideAmount balance = standing_.balance;
  const Day end = std::min(day_ + days{kHorizonDays}, kLastDay);
  for (Day day = day_; day < end; day += days{1}) {
    const CoveredPeriods covered = covered_periods(day, end, balance);
    balance -= WideAmount{covered.cost.amount} * covered.count;
    day += days{kDaysPerMonthlyPrice * covered.count};
    balance -= charges_->total(day, true);
    if (in_arrears(balance, day + days{1})) {
      return {day, books_->calendar.restriction_after(books_->days.end_of(day), books_->days)};
    }
  }
  return {};
}

std::optional<Amount> Walk::top_up(Day until, DailyCharges& charges) const {
  WideAmount balance = standing_.balance;
  WideAmount missing = 0;
  for (Day day = day_;; day += days{1}) {
    const Terms* terms = account_->terms_on(day);
    const auto limit = terms != nullptr ? terms->credit_limit : 0;
    if (limit) missing = std::max(missing, -balance - *limit);
    if (day >= until) break;
    // Once paid, the account is no longer restricted, and R9 forgives nothing.
    balance -= charges.total(day, true);
  }
  if (missing > kAmountMax) return std::nullopt;
  return static_cast<Amount>(missing);
}

}  // namespace saldo
