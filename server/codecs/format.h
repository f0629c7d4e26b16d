// The formats of bodies and answers, and their media types.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace saldo::server {

enum class Format { kJson, kCsv, kForm, kXml, kHtml, kText, kPdf };

struct FormatNames {
  std::string_view name;          // as in the head of a route
  std::string_view media_type;    // as in Content-Type and Accept, without parameters
  std::string_view content_type;  // of an answer
};

inline constexpr std::array<FormatNames, 7> kFormats = {{
    {"json", "application/json", "application/json"},
    {"csv", "text/csv", "text/csv; charset=utf-8"},
    {"form", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded"},
    {"xml", "application/xml", "application/xml"},
    {"html", "text/html", "text/html; charset=utf-8"},
    {"text", "text/plain", "text/plain; charset=utf-8"},
    {"pdf", "application/pdf", "application/pdf"},
}};

inline const FormatNames& names_of(Format format) {
  return kFormats[static_cast<std::size_t>(format)];
}

inline std::optional<Format> parse_format(std::string_view name) {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i].name == name) return static_cast<Format>(i);
  }
  return std::nullopt;
}

// A document is an answer of one value; rows become JSON or CSV.
inline bool is_document(Format format) { return format != Format::kJson && format != Format::kCsv; }

}  // namespace saldo::server
