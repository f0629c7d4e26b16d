// RFC 4648, 4: bytes as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saldo::server {

void append_base64(std::string& text, std::string_view bytes);
// The bytes; nullopt for what is not base64, whole and with its padding.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace saldo::server
