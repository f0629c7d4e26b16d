#include "statements/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "rules/text.h"

namespace saldo {
namespace {

constexpr char32_t kReplacementCharacter = 0xFFFD;

// The characters of the bytes 0x80 to 0xFF.
constexpr std::u16string_view kCp866Characters =
    u"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмноп"
    u"░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    u"рстуфхцчшщъыьэюяЁёЄєЇїЎў°∙·√№¤■\u00A0";
constexpr std::u16string_view kWindows1251Characters =
    u"ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\uFFFD™љ›њќћџ"
    u"\u00A0ЎўЈ¤Ґ¦§Ё©Є«¬\u00AD®Ї°±Ііґµ¶·ё№є»јЅѕї"
    u"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";
static_assert(kCp866Characters.size() == 128 && kWindows1251Characters.size() == 128);

// A character of UTF-8.
struct Utf8Character {
  std::array<char, 3> bytes{};
  std::uint8_t size = 0;
};

using CodePage = std::array<Utf8Character, 256>;

CodePage make_code_page(std::u16string_view upper_half) {
  CodePage page;
  for (std::size_t byte = 0; byte < page.size(); ++byte) {
    const bool is_upper = byte >= 0x80 && !upper_half.empty();
    std::string text;
    append_utf8(text, is_upper ? upper_half[byte - 0x80] : static_cast<char32_t>(byte));
    std::copy(text.begin(), text.end(), page[byte].bytes.begin());
    page[byte].size = static_cast<std::uint8_t>(text.size());
  }
  return page;
}

// Of one byte a character.
const CodePage& code_page(Encoding encoding) {
  static const CodePage kCp866 = make_code_page(kCp866Characters);
  static const CodePage kWindows1251 = make_code_page(kWindows1251Characters);
  static const CodePage kLatin1 = make_code_page({});
  return encoding == Encoding::kCp866         ? kCp866
         : encoding == Encoding::kWindows1251 ? kWindows1251
                                              : kLatin1;
}

std::string decode(std::string_view text, const CodePage& page) {
  const auto character = [&](char c) -> const Utf8Character& {
    return page[static_cast<unsigned char>(c)];
  };
  std::size_t size = 0;
  for (const char c : text) size += character(c).size;
  std::string utf8(size, '\0');
  char* at = utf8.data();
  for (const char c : text) {
    const Utf8Character& decoded = character(c);
    for (std::size_t i = 0; i < decoded.size; ++i) *at++ = decoded.bytes[i];
  }
  return utf8;
}

}  // namespace

std::optional<Encoding> find_encoding(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Encoding>, 10> kNames = {{
      {"utf-8", Encoding::kUtf8},
      {"utf8", Encoding::kUtf8},
      {"us-ascii", Encoding::kUtf8},
      {"windows-1251", Encoding::kWindows1251},
      {"cp1251", Encoding::kWindows1251},
      {"windows1251", Encoding::kWindows1251},
      {"cp866", Encoding::kCp866},
      {"ibm866", Encoding::kCp866},
      {"iso-8859-1", Encoding::kLatin1},
      {"latin1", Encoding::kLatin1},
  }};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const auto& [known, encoding] : kNames) {
    if (known == lower) return encoding;
  }
  return std::nullopt;
}

std::string to_utf8(std::string_view text, Encoding encoding) {
  if (encoding != Encoding::kUtf8) return decode(text, code_page(encoding));
  std::string utf8;
  utf8.reserve(text.size());
  while (!text.empty()) append_utf8(utf8, take_utf8_character(text));
  return utf8;
}

std::optional<char> windows_1251_byte(char32_t character) {
  if (character < 0x80) return static_cast<char>(character);
  const auto at = kWindows1251Characters.find(static_cast<char16_t>(character));
  const bool is_there = character < 0x10000 && character != kReplacementCharacter;
  if (!is_there || at == std::u16string_view::npos) return std::nullopt;
  return static_cast<char>(0x80 + at);
}

std::optional<std::string> utf16_to_utf8(std::string_view text) {
  const bool little = text.starts_with("\xFF\xFE");
  if (!little && !text.starts_with("\xFE\xFF")) return std::nullopt;
  const auto unit = [&](std::size_t i) -> char32_t {
    const auto first = static_cast<unsigned char>(text[i]);
    const auto second = static_cast<unsigned char>(text[i + 1]);
    return little ? first | char32_t{second} << 8U : second | char32_t{first} << 8U;
  };
  std::string utf8;
  utf8.reserve(text.size());
  std::size_t i = 2;
  for (; i + 1 < text.size(); i += 2) {
    char32_t character = unit(i);
    if (character >= 0xD800 && character < 0xE000) {
      const char32_t low = i + 3 < text.size() ? unit(i + 2) : 0;
      if (character < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
        character = 0x10000 + ((character - 0xD800) << 10U) + (low - 0xDC00);
        i += 2;
      } else {
        character = kReplacementCharacter;
      }
    }
    append_utf8(utf8, character);
  }
  if (i < text.size()) utf8 += kReplacement;
  return utf8;
}

}  // namespace saldo
