#include "delivery/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace saldo::server {
namespace {

constexpr std::uint32_t ipv4(unsigned a, unsigned b, unsigned c) {
  return a << 24U | b << 16U | c << 8U;
}

struct Range {
  std::uint32_t first;
  unsigned bits;  // of the prefix
};

constexpr std::array<Range, 15> kNotPublic = {{
    {ipv4(0, 0, 0), 8},        // this network
    {ipv4(10, 0, 0), 8},       // private
    {ipv4(100, 64, 0), 10},    // shared, behind a carrier's translation
    {ipv4(127, 0, 0), 8},      // loopback
    {ipv4(169, 254, 0), 16},   // link-local; services of clouds answer there
    {ipv4(172, 16, 0), 12},    // private
    {ipv4(192, 0, 0), 24},     // protocol assignments
    {ipv4(192, 0, 2), 24},     // documentation
    {ipv4(192, 88, 99), 24},   // relays from IPv6
    {ipv4(192, 168, 0), 16},   // private
    {ipv4(198, 18, 0), 15},    // benchmarks
    {ipv4(198, 51, 100), 24},  // documentation
    {ipv4(203, 0, 113), 24},   // documentation
    {ipv4(224, 0, 0), 4},      // multicast
    {ipv4(240, 0, 0), 4},      // reserved, and broadcast
}};

bool is_public(std::uint32_t address) {
  return std::none_of(kNotPublic.begin(), kNotPublic.end(), [&](const Range& range) {
    return (address ^ range.first) >> (32 - range.bits) == 0;
  });
}

// Global unicast is 2000::/3. Of it 2001::/23 is for protocols, among them Teredo; 2001:db8::/32
// and 3fff::/20 for documentation; 2002::/16 holds addresses of IPv4.
bool is_public(const std::array<std::uint8_t, 16>& address) {
  const unsigned first = static_cast<unsigned>(address[0]) << 8U | address[1];
  const unsigned second = static_cast<unsigned>(address[2]) << 8U | address[3];
  if (first >> 13U != 1) return false;
  if (first == 0x2001 && (second < 0x200 || second == 0xDB8)) return false;
  return first != 0x2002 && !(first == 0x3FFF && second < 0x1000);
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    return is_public(ntohl(in.sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof(in));
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return is_public(bytes);
  }
  return false;
}

}  // namespace saldo::server
