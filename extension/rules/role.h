// The roles of the server's tokens and routes.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace saldo {

enum class Role { kNone, kCrm, kCashier, kOperator, kAnalyst, kAdmin };

struct RoleNames {
  std::string_view name;
  std::string_view meaning;
};

// In the order of Role. The first is of routes that anybody may use; tokens have one of the others.
inline constexpr std::array<RoleNames, 6> kRoles = {{
    {"none", "Needs no token"},
    {"crm", "For the CRM"},
    {"cashier", "For those who record money"},
    {"operator", "For those who run the billing; may do what crm and cashier may"},
    {"analyst", "For those who ask questions in SQL"},
    {"admin", "May do everything"},
}};
static_assert(kRoles.size() == static_cast<std::size_t>(Role::kAdmin) + 1);

inline std::string token_roles(std::string_view separator, std::string_view last_separator) {
  std::string list(kRoles[1].name);
  for (std::size_t i = 2; i < kRoles.size(); ++i)
    list.append(i + 1 < kRoles.size() ? separator : last_separator).append(kRoles[i].name);
  return list;
}

}  // namespace saldo
