// The encodings of files that banks give out, and of answers to payment systems.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saldo {

// Stands for what no character could be made of: U+FFFD.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

enum class Encoding { kUtf8, kCp866, kWindows1251, kLatin1 };

// By the name that an XML declaration gives, in any case; nullopt: none of these.
std::optional<Encoding> find_encoding(std::string_view name);

// What is not of the encoding becomes U+FFFD.
std::string to_utf8(std::string_view text, Encoding encoding);
// The byte of windows-1251 for a character; nullopt: there is none. 0x98 is the byte of none.
std::optional<char> windows_1251_byte(char32_t character);
// UTF-16 that begins with a byte order mark, which is left out; nullopt: the text does not.
std::optional<std::string> utf16_to_utf8(std::string_view text);

}  // namespace saldo
