#include "rules/price.h"

#include <algorithm>

namespace saldo {
namespace {

bool begins_after(Day day, const PriceVersion& version) { return day < version.valid_from; }

}  // namespace

void PriceHistory::append(Day valid_from, const Tier& tier) {
  if (versions_.empty() || versions_.back().valid_from != valid_from)
    versions_.push_back({valid_from, {}});
  versions_.back().tiers.push_back(tier);
}

std::optional<Price> PriceHistory::at(Day day, std::int64_t quantity) const {
  const auto version = std::upper_bound(versions_.begin(), versions_.end(), day, begins_after);
  if (version == versions_.begin()) return std::nullopt;
  const auto& tiers = (version - 1)->tiers;
  const auto tier =
      std::upper_bound(tiers.begin(), tiers.end(), quantity,
                       [](std::int64_t q, const Tier& t) { return q < t.min_quantity; });
  if (tier == tiers.begin()) return std::nullopt;
  return Price{(version - 1)->valid_from, *(tier - 1)};
}

std::optional<std::int64_t> PriceHistory::next_tier(Day day, std::int64_t quantity) const {
  const auto version = std::upper_bound(versions_.begin(), versions_.end(), day, begins_after);
  if (version == versions_.begin()) return std::nullopt;
  for (const Tier& tier : (version - 1)->tiers) {
    if (tier.min_quantity > quantity) return tier.min_quantity;
  }
  return std::nullopt;
}

Day PriceHistory::next_change(Day day) const {
  const auto version = std::upper_bound(versions_.begin(), versions_.end(), day, begins_after);
  return version == versions_.end() ? Day::max() : version->valid_from;
}

}  // namespace saldo
