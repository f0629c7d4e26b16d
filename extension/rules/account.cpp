#include "rules/account.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "rules/error.h"

namespace saldo {
namespace {

// The list that prices usage, unless a subscription names another (R5).
constexpr std::string_view kStandardList = "standard";

// The last of `facts`, sorted by the day `of`, that begins on or before `day`; nullptr: none.
template <typename Fact, typename DayOf>
const Fact* in_force(const std::vector<Fact>& facts, Day day, DayOf of) {
  const auto after = std::upper_bound(facts.begin(), facts.end(), day,
                                      [&](Day d, const Fact& fact) { return d < of(fact); });
  return after == facts.begin() ? nullptr : &*(after - 1);
}

}  // namespace

void Account::drop_before(Day day) {
  if (const Terms* in_force = terms_on(day); in_force != nullptr && in_force > terms.data() + 1) {
    terms.erase(terms.begin() + 1, terms.begin() + (in_force - terms.data()));
  }
  const auto next = std::find_if(headcounts.begin(), headcounts.end(),
                                 [&](const Headcount& headcount) { return headcount.day > day; });
  if (next - headcounts.begin() > 1) headcounts.erase(headcounts.begin(), next - 1);
  subscriptions.erase(
      std::remove_if(subscriptions.begin(), subscriptions.end(),
                     [&](const Subscription& s) { return s.ended_on && *s.ended_on <= day; }),
      subscriptions.end());
}

const Terms* Account::terms_on(Day day) const {
  return in_force(terms, day, [](const Terms& t) { return t.valid_from; });
}

std::int64_t Account::employees_on(Day day) const {
  const Headcount* headcount = in_force(headcounts, day, [](const Headcount& h) { return h.day; });
  return headcount == nullptr ? 0 : headcount->employees;
}

std::optional<Price> DailyCharges::find_price(int price_list, int service, Day day,
                                              std::int64_t quantity) const {
  const PriceHistory* prices = books_.find_prices(price_list, service);
  return prices != nullptr ? prices->at(day, quantity) : std::nullopt;
}

Day DailyCharges::next_change(Day day) const {
  Day next = Day::max();
  const auto consider = [&](Day change) {
    if (change > day) next = std::min(next, change);
  };
  for (const auto& terms : account_.terms) consider(terms.valid_from);
  for (const auto& headcount : account_.headcounts) consider(headcount.day);
  for (const auto& subscription : account_.subscriptions) {
    consider(subscription.started_on);
    if (subscription.ended_on) consider(*subscription.ended_on);
    const PriceHistory* prices = books_.find_prices(subscription.price_list, subscription.service);
    if (prices != nullptr) consider(prices->next_change(day));
  }
  return next;
}

Day DailyCharges::recurring_until() {
  if (!recurring_until_) recurring_until_ = next_change(recurring_from_);
  return *recurring_until_;
}

DailyCharges::Recurring DailyCharges::recurring_from(Day day) {
  price_recurring(day);
  MonthlyPrice price;
  for (const auto& recurring : recurring_) price = add(price, recurring.monthly);
  return {price, recurring_until()};
}

void DailyCharges::price_recurring(Day day) {
  if (recurring_from_ <= day) {
    if (day == recurring_from_ || day < recurring_until()) return;
  }
  recurring_.clear();
  recurring_from_ = day;
  recurring_until_.reset();
  const Terms* terms = account_.terms_on(day);
  if (terms == nullptr || terms->status != Status::kActive) return;
  for (const auto& subscription : account_.subscriptions) {
    if (!subscription.covers(day) ||
        !books_.services[static_cast<std::size_t>(subscription.service)].recurring)
      continue;
    const auto quantity =
        subscription.quantity ? *subscription.quantity : account_.employees_on(day);
    const auto price = find_price(subscription.price_list, subscription.service, day, quantity);
    recurring_.push_back({subscription.service, subscription.price_list, quantity, price,
                          price ? price->monthly(quantity) : MonthlyPrice()});
  }
}

void DailyCharges::append_usage(Day day) {
  auto event = std::lower_bound(account_.usage.begin(), account_.usage.end(), day,
                                [](const Usage& usage, Day d) { return usage.charged_on < d; });
  const std::size_t first = charges_.size();
  for (; event != account_.usage.end() && event->charged_on == day; ++event) {
    // R5: what was used in a trial or before the registration is not charged, however late it
    // comes.
    if (event->occurred_on < account_.registered_on ||
        account_.terms_on(event->occurred_on) == nullptr)
      continue;
    const auto same =
        std::find_if(charges_.begin() + static_cast<std::ptrdiff_t>(first), charges_.end(),
                     [&](const Charge& charge) { return charge.service == event->service; });
    if (same != charges_.end()) {
      same->quantity = add(same->quantity, event->quantity);
    } else {
      charges_.push_back({event->service, Books::kNone, event->quantity, std::nullopt, 0});
    }
  }
  for (std::size_t i = first; i < charges_.size(); ++i) {
    Charge& charge = charges_[i];
    const auto subscription = std::find_if(
        account_.subscriptions.begin(), account_.subscriptions.end(),
        [&](const Subscription& s) { return s.service == charge.service && s.covers(day); });
    charge.price_list = subscription != account_.subscriptions.end()
                            ? subscription->price_list
                            : books_.find_price_list(kStandardList);
    charge.price = find_price(charge.price_list, charge.service, day, charge.quantity);
    if (charge.price) {
      const Tier& tier = charge.price->tier;
      charge.amount = add(multiply(tier.unit_fee, charge.quantity),
                          daily_fee(MonthlyPrice{tier.monthly_fee}, day));
    }
  }
}

const std::vector<Charge>& DailyCharges::on(Day day, bool recurring_charged) {
  charges_.clear();
  if (recurring_charged) {
    price_recurring(day);
    charges_.reserve(recurring_.size());
    for (const auto& recurring : recurring_) {
      charges_.push_back({recurring.service, recurring.price_list, recurring.quantity,
                          recurring.price, daily_fee(recurring.monthly, day)});
    }
  }
  if (!account_.usage.empty()) {
    const std::size_t recurring = charges_.size();
    append_usage(day);
    if (charges_.size() > recurring) {
      std::sort(charges_.begin(), charges_.end(),
                [](const Charge& a, const Charge& b) { return a.service < b.service; });
    }
  }
  return charges_;
}

Amount DailyCharges::total(Day day, bool recurring_charged) {
  Amount total = 0;
  for (const auto& charge : on(day, recurring_charged)) {
    if (__builtin_add_overflow(total, charge.amount, &total)) {
      throw out_of_range("the charges of account " + std::to_string(account_.account_id) +
                         " together exceed 64 bits on " + format_day(day));
    }
  }
  return total;
}

}  // namespace saldo
