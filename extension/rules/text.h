// Characters of texts that people and other programs give.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace saldo {

// One of ASCII's control characters, NUL and line ends among them.
constexpr bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == 0x7F;
}

// How many bytes of a text that is not empty, from its first one on, are one character of UTF-8; 0:
// they are none.
std::size_t utf8_character_bytes(std::string_view text);
// Takes the first character of a text that is not empty; U+FFFD for a byte that begins none.
char32_t take_utf8_character(std::string_view& text);
void append_utf8(std::string& text, char32_t character);
// Whether a text is UTF-8, and without NUL, at which C strings end.
bool is_utf8(std::string_view text);
// What is wrong with a text that is not, as the end of a sentence; empty for one that is.
std::string_view text_problem(std::string_view text);

}  // namespace saldo
