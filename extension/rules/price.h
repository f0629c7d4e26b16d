// R3: the price of a service in a price list.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rules/money.h"
#include "rules/time.h"

namespace saldo {

// A row of `tariff`: what min_quantity and more cost.
struct Tier {
  std::int64_t min_quantity = 0;  // 0 to 10^9
  Amount monthly_fee = 0;         // 0 to 10^12
  Amount unit_fee = 0;            // 0 to 10^6; a month for recurring services, a unit for usage
};

// All rows with one valid_from, sorted by min_quantity.
struct PriceVersion {
  Day valid_from{};
  std::vector<Tier> tiers;
};

// The tier that applies, and since when.
struct Price {
  Day valid_from{};
  Tier tier;

  // R3: monthly_fee + unit_fee x quantity. At most 10^15 + 10^12 by the bounds of entry; a tariff
  // that was altered behind the triggers may exceed 64 bits: then it throws out_of_range.
  [[nodiscard]] MonthlyPrice monthly(std::int64_t quantity) const {
    return {add(tier.monthly_fee, multiply(tier.unit_fee, quantity))};
  }
};

// The versions of one service in one price list, sorted by valid_from.
class PriceHistory {
 public:
  // Rows come sorted by valid_from and min_quantity.
  void append(Day valid_from, const Tier& tier);
  // nullopt: no version yet, or none of its tiers begins at `quantity` or below.
  [[nodiscard]] std::optional<Price> at(Day day, std::int64_t quantity) const;
  // Where the tier of at() ends: the next one's min_quantity; nullopt: there is none.
  [[nodiscard]] std::optional<std::int64_t> next_tier(Day day, std::int64_t quantity) const;
  // The first day after `day` on which a version begins; Day::max() when there is none.
  [[nodiscard]] Day next_change(Day day) const;

 private:
  std::vector<PriceVersion> versions_;
};

}  // namespace saldo
