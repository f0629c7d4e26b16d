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
