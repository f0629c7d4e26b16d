// R3: the version and the tier, every combination of a few.
#include "rules/price.h"

#include <gtest/gtest.h>

#include <tuple>

#include "rules/error.h"
#include "times.h"

namespace saldo {
namespace {

// Every set of tiers out of five, in two versions, at every quantity around them.
TEST(Price, IsOfTheGreatestTierOfTheLatestVersion) {
  const std::int64_t starts[] = {0, 1, 5, 6, 1'000'000'000};
  const std::int64_t quantities[] = {0, 1, 2, 4, 5, 6, 7, 999'999'999, 1'000'000'000};
  const Day first = day("2026-03-02");
  const Day second = day("2026-03-05");
  for (unsigned tiers = 0; tiers < 32; ++tiers) {
    for (unsigned later = 0; later < 32; ++later) {
      PriceHistory history;
      const auto append = [&](Day valid_from, unsigned set) {
        for (unsigned i = 0; i < 5; ++i) {
          if (((set >> i) & 1U) != 0)
            history.append(valid_from, {starts[i], static_cast<Amount>(set * 10 + i), 1});
        }
      };
      append(first, tiers);
      append(second, later);
      for (Day d = first - days{1}; d <= second + days{1}; d += days{1}) {
        // A version without tiers is none.
        const bool is_later = d >= second && later != 0;
        const unsigned set = is_later ? later : d >= first ? tiers : 0;
        for (const auto quantity : quantities) {
          int tier = -1;
          for (int i = 0; i < 5; ++i) {
            if (((set >> static_cast<unsigned>(i)) & 1U) != 0 && starts[i] <= quantity) tier = i;
          }
          const auto price = history.at(d, quantity);
          ASSERT_EQ(price.has_value(), tier >= 0);
          if (!price) continue;
          ASSERT_EQ(price->valid_from, is_later ? second : first);
          ASSERT_EQ(price->tier.min_quantity, starts[tier]);
          ASSERT_EQ(price->tier.monthly_fee, static_cast<Amount>(set) * 10 + tier);
        }
        const Day next = d < first && tiers != 0    ? first
                         : d < second && later != 0 ? second
                                                    : Day::max();
        ASSERT_EQ(history.next_change(d), next);
      }
    }
  }
}

TEST(Price, IsTheFeeAndTheUnits) {
  EXPECT_EQ((Price{{}, {0, 199, 5}}.monthly(0)), MonthlyPrice{199});
  EXPECT_EQ((Price{{}, {0, 199, 5}}.monthly(7)), MonthlyPrice{234});
  // The bounds of entry.
  EXPECT_EQ((Price{{}, {0, 1'000'000'000'000, 1'000'000}}.monthly(1'000'000'000)),
            MonthlyPrice{1'001'000'000'000'000});
  EXPECT_THROW(std::ignore = (Price{{}, {0, 0, 10000000000}}.monthly(1000000000)), Error);
}

}  // namespace
}  // namespace saldo
