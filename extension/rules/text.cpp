#include "rules/text.h"

namespace saldo {

// The Unicode Standard, table 3-7.
std::size_t utf8_character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

char32_t take_utf8_character(std::string_view& text) {
  constexpr char32_t kReplacement = 0xFFFD;
  const std::size_t length = utf8_character_bytes(text);
  const auto lead = static_cast<unsigned char>(text.front());
  // A first byte of n has 7 - n bits of the character, but for one of a single byte.
  char32_t character = length == 0 ? kReplacement : length == 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i)
    character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(length == 0 ? 1 : length);
  return character;
}

void append_utf8(std::string& text, char32_t character) {
  const auto add = [&](char32_t bits) { text += static_cast<char>(bits); };
  if (character < 0x80) {
    add(character);
  } else if (character < 0x800) {
    add(0xC0U | (character >> 6U));
    add(0x80U | (character & 0x3FU));
  } else if (character < 0x10000) {
    add(0xE0U | (character >> 12U));
    add(0x80U | ((character >> 6U) & 0x3FU));
    add(0x80U | (character & 0x3FU));
  } else {
    add(0xF0U | (character >> 18U));
    add(0x80U | ((character >> 12U) & 0x3FU));
    add(0x80U | ((character >> 6U) & 0x3FU));
    add(0x80U | (character & 0x3FU));
  }
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = text[i] == '\0' ? 0 : utf8_character_bytes(text.substr(i));
    if (bytes == 0) return false;
    i += bytes;
  }
  return true;
}

std::string_view text_problem(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "holds a NUL character";
  return is_utf8(text) ? "" : "is not UTF-8";
}

}  // namespace saldo
