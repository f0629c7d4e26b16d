// What is common to all accounts: the books' days, policies, calendar, services and prices.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/calendar.h"
#include "rules/price.h"
#include "rules/time.h"

namespace saldo {

struct Service {
  std::string id;
  bool recurring = true;  // otherwise by usage
};

struct Books {
  Day opening{};
  Day open_day{};        // the first day not closed
  std::string currency;  // ISO 4217
  BillingDays days;
  Calendar calendar;
  std::vector<Service> services;                       // sorted by id
  std::vector<std::string> price_lists;                // sorted
  std::map<std::pair<int, int>, PriceHistory> prices;  // by the indices of price list and service

  // Whether what the last close left (Standing) can be where an account's walk to `day` begins:
  // only if a day is closed, and `day` comes after the last of them.
  [[nodiscard]] bool can_resume_at(Day day) const { return opening < open_day && open_day <= day; }

  static constexpr int kNone = -1;

  // Indices into the vectors above, or kNone.
  [[nodiscard]] int find_service(std::string_view id) const;
  [[nodiscard]] int find_price_list(std::string_view name) const;
  // nullptr where the list has no price of the service.
  [[nodiscard]] const PriceHistory* find_prices(int price_list, int service) const;
};

}  // namespace saldo
