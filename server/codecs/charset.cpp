#include "codecs/charset.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "codecs/json.h"

namespace saldo::server {
namespace {

constexpr std::uint32_t kAsciiEnd = 0x80;
// А to я are the bytes from 0xC0 on, in their order.
constexpr std::uint32_t kFirstLetter = 0x0410;
constexpr std::uint32_t kLastLetter = 0x044F;
constexpr std::uint32_t kFirstLetterByte = 0xC0;

// What the bytes from 0x80 to 0xBF mean.
constexpr std::array<std::uint32_t, 64> kUpper = {
    0x0402, 0x0403, 0x201A, 0x0453, 0x201E, 0x2026, 0x2020, 0x2021, 0x20AC, 0x2030, 0x0409,
    0x2039, 0x040A, 0x040C, 0x040B, 0x040F, 0x0452, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x0098, 0x2122, 0x0459, 0x203A, 0x045A, 0x045C, 0x045B, 0x045F, 0x00A0,
    0x040E, 0x045E, 0x0408, 0x00A4, 0x0490, 0x00A6, 0x00A7, 0x0401, 0x00A9, 0x0404, 0x00AB,
    0x00AC, 0x00AD, 0x00AE, 0x0407, 0x00B0, 0x00B1, 0x0406, 0x0456, 0x0491, 0x00B5, 0x00B6,
    0x00B7, 0x0451, 0x2116, 0x0454, 0x00BB, 0x0458, 0x0405, 0x0455, 0x0457,
};

std::optional<char> byte_of(std::uint32_t character) {
  if (character < kAsciiEnd) return static_cast<char>(character);
  if (character >= kFirstLetter && character <= kLastLetter)
    return static_cast<char>(character - kFirstLetter + kFirstLetterByte);
  const auto* const found = std::find(kUpper.begin(), kUpper.end(), character);
  if (found == kUpper.end()) return std::nullopt;
  return static_cast<char>(kAsciiEnd + static_cast<std::uint32_t>(found - kUpper.begin()));
}

}  // namespace

std::string to_windows_1251(std::string_view text, bool markup) {
  const std::string valid = replace_invalid_utf8(text);
  std::string encoded;
  encoded.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size();) {
    const auto first = static_cast<unsigned char>(valid[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    // A first byte of n has 7 - n bits of the character, but for one of a single byte.
    std::uint32_t character = length == 1 ? first : first & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k)
      character = character << 6U | (static_cast<unsigned char>(valid[i + k]) & 0x3FU);
    i += length;
    if (const auto byte = byte_of(character)) {
      encoded += *byte;
    } else if (markup) {
      encoded.append("&#").append(std::to_string(character)).append(";");
    } else {
      encoded += '?';
    }
  }
  return encoded;
}

}  // namespace saldo::server
