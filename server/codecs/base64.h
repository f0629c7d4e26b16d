// RFC 4648, 4: bytes as text.
#pragma once

#include <string>
#include <string_view>

namespace saldo::server {

void append_base64(std::string& text, std::string_view bytes);

}  // namespace saldo::server
