#include "codecs/base64.h"

#include <algorithm>

namespace saldo::server {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

void append_base64(std::string& text, std::string_view bytes) {
  text.reserve(text.size() + (bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const auto group = bytes.substr(0, 3);
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= group.size() ? kDigits[bits >> (18 - 6 * i) & 63U] : '=';
    bytes.remove_prefix(group.size());
  }
}

std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  while (!text.empty()) {
    const auto group = text.substr(0, 4);
    text.remove_prefix(4);
    const std::size_t digits = std::min(group.find('='), group.size());
    const bool has_more = group.find_first_not_of('=', digits) != std::string_view::npos;
    if (digits < 2 || has_more || (digits < 4 && !text.empty())) return std::nullopt;
    unsigned bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto digit = i < digits ? kDigits.find(group[i]) : 0;
      if (digit == std::string_view::npos) return std::nullopt;
      bits = bits << 6U | static_cast<unsigned>(digit);
    }
    for (std::size_t i = 0; i + 1 < digits; ++i)
      bytes += static_cast<char>(bits >> (16 - 8 * i) & 0xFFU);
  }
  return bytes;
}

}  // namespace saldo::server
