#include "payments/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace saldo::server {
namespace {

constexpr unsigned kBitsMax = 128;
constexpr unsigned kMappedBits = 96;  // before an address of IPv4
constexpr std::size_t kTextBytesMax = 64;

std::string_view trimmed_address(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.size() > kTextBytesMax) return std::nullopt;
  const std::string copy(text);
  Address address{};
  if (inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
  in_addr v4{};
  if (inet_pton(AF_INET, copy.c_str(), &v4) != 1) return std::nullopt;
  address[10] = address[11] = 0xFF;
  std::memcpy(address.data() + kMappedBits / 8, &v4, sizeof(v4));
  return address;
}

bool Network::contains(const Address& other) const {
  const std::size_t whole = bits / 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                  other.begin()))
    return false;
  const unsigned left = bits % 8;
  return left == 0 || (address[whole] ^ other[whole]) >> (8 - left) == 0;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  Network network{*address, kBitsMax};
  if (slash < text.size()) {
    const auto digits = text.substr(slash + 1);
    const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    if (bits > (is_v4 ? kBitsMax - kMappedBits : kBitsMax)) return std::nullopt;
    network.bits = bits + (is_v4 ? kMappedBits : 0);
  }
  // 192.0.2.7/24 is more likely a slip than a network.
  for (unsigned bit = network.bits; bit < kBitsMax; ++bit) {
    if ((network.address[bit / 8] >> (7 - bit % 8) & 1U) != 0) return std::nullopt;
  }
  return network;
}

bool contains(const std::vector<Network>& networks, const Address& address) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const Network& network) { return network.contains(address); });
}

std::optional<Address> client_address(std::string_view peer, std::string_view forwarded_for,
                                      const std::vector<Network>& trusted) {
  auto address = parse_address(peer);
  while (address && contains(trusted, *address) && !forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const auto nearest = comma == std::string_view::npos ? 0 : comma + 1;
    address = parse_address(trimmed_address(forwarded_for.substr(nearest)));
    forwarded_for = forwarded_for.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  return address;
}

}  // namespace saldo::server
