#include "routes/accept.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace saldo::server {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// What stands before the next separator outside of quotes; leaves what follows it in `rest`.
std::string_view take_until(char separator, std::string_view& rest) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || rest[end] != separator); ++end) {
    if (rest[end] == '"') quoted = !quoted;
  }
  const auto taken = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

// Thousandths: "0.5" is 500. nullopt for what RFC 9110 does not have as a weight.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int weight = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    if (i == 1) continue;
    const char digit = i < text.size() ? text[i] : '0';
    if (std::isdigit(static_cast<unsigned char>(digit)) == 0) return std::nullopt;
    weight = weight * 10 + (digit - '0');
  }
  if (weight > 1000) return std::nullopt;
  return weight;
}

// A media type or range with what follows it.
struct MediaRange {
  std::string_view type;  // "text/csv", "text/*", "*/*"
  int weight = 1000;
  bool is_utf8 = true;          // no parameter but charset=utf-8
  bool has_parameters = false;  // besides the weight
};

std::optional<MediaRange> parse_media_range(std::string_view text) {
  MediaRange range;
  range.type = take_until(';', text);
  while (!text.empty()) {
    std::string_view value = take_until(';', text);
    const auto name = take_until('=', value);
    if (equal_ignoring_case(name, "q")) {
      const auto weight = parse_weight(value);
      if (!weight) return std::nullopt;
      range.weight = *weight;
      break;  // what follows the weight says nothing of the media type
    }
    if (name.empty()) continue;
    if (value.size() > 1 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    range.has_parameters = true;
    range.is_utf8 = range.is_utf8 && equal_ignoring_case(name, "charset") &&
                    equal_ignoring_case(value, "utf-8");
  }
  return range;
}

// How closely a range means a format: 0 not at all, 1 by */*, 2 by text/*, 3 by its name, 4 with
// its charset.
int specificity(const MediaRange& range, Format format) {
  const auto type = names_of(format).media_type;
  if (!range.is_utf8) return 0;
  if (range.type == "*/*") return 1;
  const auto slash = type.find('/') + 1;
  if (range.type.size() == slash + 1 && range.type.back() == '*' &&
      equal_ignoring_case(range.type.substr(0, slash), type.substr(0, slash))) {
    return 2;
  }
  if (!equal_ignoring_case(range.type, type)) return 0;
  return range.has_parameters ? 4 : 3;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::optional<Format> negotiate(std::string_view accept, const std::vector<Format>& offered) {
  if (trimmed(accept).empty()) return offered.front();
  std::vector<MediaRange> ranges;
  while (!accept.empty()) {
    if (const auto range = parse_media_range(take_until(',', accept))) ranges.push_back(*range);
  }
  std::optional<Format> best;
  int best_weight = 0;
  for (const Format format : offered) {
    int closest = 0;
    int weight = 0;
    for (const auto& range : ranges) {
      const int close = specificity(range, format);
      if (close > closest) {
        closest = close;
        weight = range.weight;
      }
    }
    if (weight > best_weight) {
      best = format;
      best_weight = weight;
    }
  }
  return best;
}

bool is_media_type_of(std::string_view content_type, Format format) {
  const auto type = parse_media_range(content_type);
  return type && (type->is_utf8 || format != Format::kJson) &&
         equal_ignoring_case(type->type, names_of(format).media_type);
}

}  // namespace saldo::server
