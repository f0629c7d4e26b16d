// Content negotiation (RFC 9110, 12.5.1).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "codecs/format.h"

namespace saldo::server {

bool equal_ignoring_case(std::string_view a, std::string_view b);

// What `accept` asks for most among the formats offered, the first of those it likes as much; the
// first of all without an Accept (empty). nullopt: none of them.
std::optional<Format> negotiate(std::string_view accept, const std::vector<Format>& offered);

// Whether a Content-Type names the format; JSON, in UTF-8 where it says so.
bool is_media_type_of(std::string_view content_type, Format format);

}  // namespace saldo::server
