// The encodings of answers to who does not read UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace saldo::server {

// `text`, of UTF-8, in windows-1251 (WHATWG Encoding). What that has no byte for becomes a
// reference such as &#8730; where `markup` (XML and HTML know these), else a question mark.
std::string to_windows_1251(std::string_view text, bool markup);

}  // namespace saldo::server
