// R1, R2 and R5: what holds on a day and what it costs, by small facts in every combination.
#include "rules/account.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "times.h"

namespace saldo {
namespace {

const Day kMonday = day("2026-03-02");

bool is_same(const Charge& a, const Charge& b) {
  const auto fields = [](const Charge& c) {
    return std::tuple(c.service, c.price_list, c.quantity, c.price.has_value(), c.amount);
  };
  return fields(a) == fields(b);
}

// crm and pbx are recurring, sms is usage. A second version from Thursday on; crm has no tier for
// nobody.
Books small_books() {
  Books books;
  books.opening = books.open_day = kMonday;
  books.days = BillingDays(find_zone("UTC"), kMonday, {});
  Policy policy;
  policy.valid_from = kMonday;
  policy.works = {true, true, true, true, true, false, false};
  books.calendar = Calendar({policy}, {});
  books.services = {{"crm", true}, {"pbx", true}, {"sms", false}};
  books.price_lists = {"partner", "standard"};
  for (int list = 0; list < 2; ++list) {
    for (int service = 0; service < 3; ++service) {
      PriceHistory& history = books.prices[{list, service}];
      const Amount fee = 100 * (list + 1) + service;
      history.append(kMonday, {service == 0 ? 1 : 0, fee, 10});
      history.append(kMonday, {6, 2 * fee, 20});
      history.append(kMonday + days{3}, {service == 0 ? 1 : 0, 3 * fee, 30});
    }
  }
  return books;
}

// Every subset of these facts.
constexpr unsigned kFacts = 13;
Account account_of(unsigned set) {
  const auto has = [set](unsigned i) { return ((set >> i) & 1U) != 0; };
  Account account;
  account.account_id = 1;
  account.registered_on = kMonday - days{1};
  // The triggers refuse terms that start before the registration; the rule does not rely on that.
  if (has(12)) account.registered_on = kMonday + days{2};
  if (has(0)) account.terms.push_back({kMonday, Status::kActive, 0, false});
  if (has(1)) account.terms.push_back({kMonday + days{2}, Status::kPaused, 7, false});
  if (has(2)) account.terms.push_back({kMonday + days{4}, Status::kActive, std::nullopt, true});
  if (has(3)) account.headcounts.push_back({kMonday + days{1}, 5});
  if (has(4)) account.headcounts.push_back({kMonday + days{3}, 8});
  if (has(5)) account.subscriptions.push_back({0, kMonday, kMonday + days{2}, std::nullopt, 1});
  if (has(6))
    account.subscriptions.push_back({0, kMonday + days{3}, std::nullopt, std::nullopt, 0});
  if (has(7)) account.subscriptions.push_back({1, kMonday + days{1}, kMonday + days{5}, 2, 1});
  if (has(8))
    account.subscriptions.push_back({2, kMonday + days{4}, std::nullopt, std::nullopt, 0});
  if (has(9)) account.usage.push_back({kMonday + days{2}, 2, kMonday - days{2}, 3});
  if (has(10)) account.usage.push_back({kMonday + days{2}, 2, kMonday + days{1}, 4});
  if (has(11)) account.usage.push_back({kMonday + days{4}, 2, kMonday + days{4}, 6});
  return account;
}

// R2 to R5 word by word, for one day.
std::vector<Charge> expected_charges(const Books& books, const Account& account, Day day,
                                     bool recurring_charged) {
  const auto terms_on = [&](Day d) {
    const Terms* found = nullptr;
    for (const Terms& terms : account.terms) {
      if (terms.valid_from <= d) found = &terms;
    }
    return found;
  };
  const auto priced = [&](int service, int list, std::int64_t quantity) {
    Charge charge{service, list, quantity, std::nullopt, 0};
    const auto history = books.prices.find({list, service});
    if (history != books.prices.end()) charge.price = history->second.at(day, quantity);
    return charge;
  };
  std::vector<Charge> charges;
  const Terms* terms = terms_on(day);
  for (int service = 0; service < 3; ++service) {
    const Subscription* subscription = nullptr;
    for (const Subscription& s : account.subscriptions) {
      if (s.service == service && s.started_on <= day && (!s.ended_on || day < *s.ended_on))
        subscription = &s;
    }
    if (books.services[static_cast<std::size_t>(service)].recurring) {
      if (!recurring_charged || terms == nullptr || terms->status != Status::kActive ||
          subscription == nullptr)
        continue;
      std::int64_t employees = 0;
      for (const Headcount& headcount : account.headcounts) {
        if (headcount.day <= day) employees = headcount.employees;
      }
      Charge charge =
          priced(service, subscription->price_list, subscription->quantity.value_or(employees));
      if (charge.price) charge.amount = daily_fee(charge.price->monthly(charge.quantity), day);
      charges.push_back(charge);
    } else {
      std::int64_t quantity = 0;
      for (const Usage& usage : account.usage) {
        if (usage.charged_on == day && usage.occurred_on >= account.registered_on &&
            terms_on(usage.occurred_on) != nullptr)
          quantity += usage.quantity;
      }
      if (quantity == 0) continue;
      Charge charge =
          priced(service, subscription != nullptr ? subscription->price_list : 1, quantity);
      if (charge.price) {
        charge.amount = charge.price->tier.unit_fee * quantity +
                        daily_fee(MonthlyPrice{charge.price->tier.monthly_fee}, day);
      }
      charges.push_back(charge);
    }
  }
  return charges;
}

bool same(const std::vector<Charge>& a, const std::vector<Charge>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), is_same);
}

TEST(DailyCharges, AreThoseOfTheRulesInAnyOrderOfDays) {
  const Books books = small_books();
  int charged = 0;
  for (unsigned set = 0; set < 1U << kFacts; ++set) {
    const Account account = account_of(set);
    DailyCharges ascending(books, account);
    DailyCharges jumping(books, account);
    for (int i = -1; i < 8; ++i) {
      const Day day = kMonday + days{i};
      for (const bool recurring : {true, false}) {
        const auto expected = expected_charges(books, account, day, recurring);
        ASSERT_TRUE(same(ascending.on(day, recurring), expected)) << set << ' ' << i;
        jumping.on(kMonday + days{(i * 5 + 20) % 8}, true);
        ASSERT_TRUE(same(jumping.on(day, recurring), expected)) << set << ' ' << i;
        charged += static_cast<int>(expected.size());
      }
    }
  }
  EXPECT_GT(charged, 10'000);
}

TEST(DailyCharges, RecurringHoldsUntilAFactChanges) {
  const Books books = small_books();
  for (unsigned set = 0; set < 1U << kFacts; ++set) {
    Account account = account_of(set);
    account.usage.clear();
    DailyCharges charges(books, account);
    for (int i = -1; i < 8; ++i) {
      const Day day = kMonday + days{i};
      const auto recurring = charges.recurring_from(day);
      ASSERT_GT(recurring.until, day);
      DailyCharges fresh(books, account);
      for (Day d = day; d < std::min(recurring.until, kMonday + days{8}); d += days{1}) {
        Amount total = 0;
        for (const auto& charge : fresh.on(d, true)) {
          if (charge.price) total += charge.price->monthly(charge.quantity).amount;
        }
        ASSERT_EQ(total, recurring.price.amount) << set << ' ' << i;
      }
    }
  }
}

// What closing a day stores gives the same answers from that day on as all facts.
TEST(Account, WhatIsDroppedDoesNotMatter) {
  const Books books = small_books();
  for (unsigned set = 0; set < 1U << kFacts; ++set) {
    const Account whole = account_of(set);
    for (int from = -1; from < 8; ++from) {
      Account left = whole;
      left.drop_before(kMonday + days{from});
      for (int i = from; i < 8; ++i) {
        const Day day = kMonday + days{i};
        const Terms* a = whole.terms_on(day);
        const Terms* b = left.terms_on(day);
        ASSERT_EQ(a == nullptr, b == nullptr);
        if (a != nullptr) {
          ASSERT_EQ(a->valid_from, b->valid_from);
        }
        ASSERT_EQ(whole.employees_on(day), left.employees_on(day));
        DailyCharges all(books, whole);
        DailyCharges rest(books, left);
        ASSERT_TRUE(same(all.on(day, true), rest.on(day, true))) << set << ' ' << from << ' ' << i;
      }
    }
  }
}

}  // namespace
}  // namespace saldo
