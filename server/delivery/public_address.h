// Which addresses of IPv4 and IPv6 belong to nobody's own network.
#pragma once

#include <sys/socket.h>

namespace saldo::server {

// False for loopback, private, link-local, multicast and reserved addresses (the registries of
// RFC 6890), for IPv4 within IPv6, and for what is neither IPv4 nor IPv6.
bool is_public_address(const sockaddr& address);

}  // namespace saldo::server
