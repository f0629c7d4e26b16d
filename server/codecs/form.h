// application/x-www-form-urlencoded, and the percent-encoding of paths (RFC 3986).
#pragma once

#include <optional>
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

// A field whose name or value cannot be decoded (a % that encodes nothing, no UTF-8, a NUL) has
// nullopt there.
struct ReadField {
  std::optional<std::string> name;
  std::optional<std::string> value;
};
// The fields of a form from others, in which one that cannot be read may be one that nobody needs.
// What is left of `text` is behind the field; nullopt: there is none left.
std::optional<ReadField> next_field(std::string_view& text);

}  // namespace saldo::server
