// Addresses and networks of IPv4 and IPv6, and whose a request is behind proxies.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saldo::server {

// An address of IPv4 as IPv6 maps it (::ffff:0:0/96).
using Address = std::array<unsigned char, 16>;
// nullopt: it is none. Without a port and without brackets.
std::optional<Address> parse_address(std::string_view text);

struct Network {
  Address address{};
  unsigned bits = 128;  // which of its first bits count

  [[nodiscard]] bool contains(const Address& other) const;
};
// ADDRESS or ADDRESS/BITS; nullopt: it is something else, or an address with bits beyond these.
std::optional<Network> parse_network(std::string_view text);
bool contains(const std::vector<Network>& networks, const Address& address);

// Whose a request is that came from `peer` with this X-Forwarded-For (all of them, joined by
// commas): of the addresses, nearest first, the first that is not of a trusted proxy. nullopt: what
// the trusted ones say is no address.
std::optional<Address> client_address(std::string_view peer, std::string_view forwarded_for,
                                      const std::vector<Network>& trusted);

}  // namespace saldo::server
