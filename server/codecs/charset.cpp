#include "codecs/charset.h"

#include "codecs/json.h"
#include "rules/text.h"
#include "statements/encoding.h"

namespace saldo::server {

std::string to_windows_1251(std::string_view text, bool markup) {
  const std::string valid = replace_invalid_utf8(text);
  std::string encoded;
  encoded.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    const char32_t character = take_utf8_character(rest);
    if (const auto byte = windows_1251_byte(character)) {
      encoded += *byte;
    } else if (markup) {
      encoded.append("&#").append(std::to_string(std::uint32_t{character})).append(";");
    } else {
      encoded += '?';
    }
  }
  return encoded;
}

}  // namespace saldo::server
