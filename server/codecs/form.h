// application/x-www-form-urlencoded, and the percent-encoding of paths (RFC 3986).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saldo::server {

using Fields = std::vector<std::pair<std::string, std::string>>;

// name=value&name=value. A field without '=' has an empty value. Throws malformed for a % that
// encodes nothing, and for what is not UTF-8 without NUL.
Fields parse_form(std::string_view text);
// Throws likewise.
std::string percent_decoded(std::string_view text, bool plus_is_space);
void append_percent_encoded(std::string& text, std::string_view value);

}  // namespace saldo::server
