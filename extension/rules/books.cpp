#include "rules/books.h"

#include <algorithm>

namespace saldo {

int Books::find_service(std::string_view id) const {
  const auto found = std::lower_bound(
      services.begin(), services.end(), id,
      [](const Service& service, std::string_view key) { return service.id < key; });
  return found != services.end() && found->id == id ? static_cast<int>(found - services.begin())
                                                    : kNone;
}

int Books::find_price_list(std::string_view name) const {
  const auto found = std::lower_bound(price_lists.begin(), price_lists.end(), name);
  return found != price_lists.end() && *found == name
             ? static_cast<int>(found - price_lists.begin())
             : kNone;
}

const PriceHistory* Books::find_prices(int price_list, int service) const {
  const auto found = prices.find({price_list, service});
  return found == prices.end() ? nullptr : &found->second;
}

}  // namespace saldo
