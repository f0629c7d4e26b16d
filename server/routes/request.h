// What a request says, checked against what its route's head declares, all of it at once.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "route.h"

namespace saldo::server {

// NULL, an integer or a text.
using Value = std::variant<std::monostate, std::int64_t, std::string>;

// Percent-decoded; what is no valid encoding, or not UTF-8 without NUL, throws malformed.
using QueryFields = std::vector<std::pair<std::string, std::string>>;
struct Target {
  std::vector<std::string> parts;
  QueryFields query;
};
// `target` as in the request line: path?query.
Target parse_target(std::string_view target);

// A JSON text, at most 32 levels deep and without repeated keys; else throws malformed.
nlohmann::json parse_json(std::string_view text);

struct Arguments {
  std::vector<Value> values;  // of the route's parameters, in their order
  std::int64_t limit = kDefaultLimit;
  bool dry_run = false;

  static constexpr std::int64_t kDefaultLimit = 100;
  static constexpr std::int64_t kGreatestLimit = 10000;
};

// Throws invalid for all that is unknown, missing, given twice or of another type; out_of_range for
// instants of the body that lie after `now`.
Arguments read_arguments(const RouteTable::Match& match, const QueryFields& query,
                         const nlohmann::json& body, const std::string& now);

}  // namespace saldo::server
