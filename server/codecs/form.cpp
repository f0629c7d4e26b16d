#include "codecs/form.h"

#include <algorithm>
#include <cctype>

#include "rules/error.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Puts the decoded bytes into `decoded`; returns what is wrong with them, the end of a sentence, or
// nothing.
std::string_view decode(std::string_view text, bool plus_is_space, std::string& decoded) {
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return "holds a % without two hexadecimal digits";
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return text_problem(decoded);
}

// Takes what stands before the next '&'; nullopt: nothing is left. Empty ones are passed over.
std::optional<std::pair<std::string_view, std::string_view>> take_field(std::string_view& text) {
  while (!text.empty()) {
    const auto field = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(field.size() + 1, text.size()));
    if (field.empty()) continue;
    const auto equals = std::min(field.find('='), field.size());
    return std::pair{field.substr(0, equals), field.substr(std::min(equals + 1, field.size()))};
  }
  return std::nullopt;
}

}  // namespace

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  if (const auto problem = decode(text, plus_is_space, decoded); !problem.empty())
    throw Error(ErrorCode::kMalformed, "the path or query " + std::string(problem));
  return decoded;
}

Fields parse_form(std::string_view text) {
  Fields fields;
  while (const auto field = take_field(text)) {
    fields.emplace_back(percent_decoded(field->first, true), percent_decoded(field->second, true));
  }
  return fields;
}

std::optional<ReadField> next_field(std::string_view& text) {
  const auto field = take_field(text);
  if (!field) return std::nullopt;
  const auto decoded = [](std::string_view encoded) -> std::optional<std::string> {
    std::string bytes;
    if (!decode(encoded, true, bytes).empty()) return std::nullopt;
    return bytes;
  };
  return ReadField{decoded(field->first), decoded(field->second)};
}

void append_percent_encoded(std::string& text, std::string_view value) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
      text += c;
    } else {
      text += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
}

}  // namespace saldo::server
