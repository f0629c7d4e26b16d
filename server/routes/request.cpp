#include "parameters.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "problem.h"
#include "rules/time.h"
#include "sqlite/value.h"

namespace saldo::server {
namespace {

using nlohmann::json;

constexpr int kGreatestDepth = 32;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        throw Problem("malformed", "the path or query holds a % that encodes nothing");
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (!is_utf8(decoded)) throw Problem("malformed", "the path or query is not UTF-8 without NUL");
  return decoded;
}

// What a type takes, for the sentence of an error.
std::string_view expectation(Type type) {
  switch (type) {
    case Type::kInteger:
      return "an integer of 64 bits";
    case Type::kText:
      return "a text without NUL";
    case Type::kDay:
      return "a day, YYYY-MM-DD";
    case Type::kMonth:
      return "a month, YYYY-MM";
    case Type::kInstant:
      return "an instant of RFC 3339, such as 2026-11-22T21:00:00Z";
    case Type::kFlag:
      return "0 or 1";
    case Type::kCursor:
      return "a cursor as a Link header gave it";
    case Type::kList:
      return "an array of objects";
  }
  return "";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_cursor(const std::string& text) {
  const auto cursor = json::parse(text, nullptr, false);
  return cursor.is_array() && std::all_of(cursor.begin(), cursor.end(),
                                          [](const json& part) { return !part.is_structured(); });
}

class ArgumentReader {
 public:
  explicit ArgumentReader(const std::string& now) : now_(now) {}

  // From a path or query.
  Value from_text(const Parameter& parameter, const std::string& text) {
    if (parameter.type == Type::kInteger || parameter.type == Type::kFlag) {
      const auto integer = parse_integer(text);
      if (integer) return checked_integer(parameter, parameter.name, *integer);
      return wrong(parameter, parameter.name);
    }
    if (parameter.type == Type::kList) return wrong(parameter, parameter.name);
    return checked_text(parameter, parameter.name, text);
  }

  Value from_json(const Parameter& parameter, const std::string& name, const json& value) {
    in_body_ = true;
    if (value.is_null()) {
      if (parameter.required)
        add(name, "is null; it takes " + std::string(expectation(parameter.type)));
      return {};
    }
    switch (parameter.type) {
      case Type::kInteger:
      case Type::kFlag:
        if (!value.is_number_integer() ||
            (value.is_number_unsigned() &&
             value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())) {
          return wrong(parameter, name);
        }
        return checked_integer(parameter, name, value.get<std::int64_t>());
      case Type::kList:
        return from_list(parameter, name, value);
      default:
        if (!value.is_string()) return wrong(parameter, name);
        return checked_text(parameter, name, value.get<std::string>());
    }
  }

  void add(const std::string& name, const std::string& detail) {
    errors_.push_back({name, detail});
  }

  void throw_if_any() {
    if (!errors_.empty()) throw Problem("invalid", errors_);
    if (!late_.empty()) throw Problem("out_of_range", late_);
  }

 private:
  Value wrong(const Parameter& parameter, const std::string& name) {
    add(name, "is not " + std::string(expectation(parameter.type)));
    return {};
  }

  Value checked_integer(const Parameter& parameter, const std::string& name, std::int64_t value) {
    if (parameter.type == Type::kFlag && value != 0 && value != 1) return wrong(parameter, name);
    return value;
  }

  Value checked_text(const Parameter& parameter, const std::string& name, const std::string& text) {
    bool valid = is_utf8(text);
    if (parameter.type == Type::kInstant) {
      const auto instant = valid ? parse_rfc3339(text) : std::nullopt;
      if (!instant) return wrong(parameter, name);
      const auto normal = format_instant(*instant);
      if (in_body_ && normal > now_)
        late_.push_back({name, "is " + normal + ", after this request at " + now_});
      return normal;
    }
    if (parameter.type == Type::kDay) valid = valid && parse_day(text).has_value();
    if (parameter.type == Type::kMonth)
      valid = valid && text.size() == 7 && parse_day(text + "-01").has_value();
    if (parameter.type == Type::kCursor) valid = valid && is_cursor(text);
    if (!valid) return wrong(parameter, name);
    return text;
  }

  Value from_list(const Parameter& parameter, const std::string& name, const json& list) {
    if (!list.is_array()) return wrong(parameter, name);
    json normal = json::array();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto place = name + "[" + std::to_string(i) + "]";
      if (!list[i].is_object()) {
        add(place, "is not an object");
        continue;
      }
      json& row = normal.emplace_back(json::object());
      for (const auto& [key, value] : list[i].items()) {
        const auto known =
            std::find_if(parameter.fields.begin(), parameter.fields.end(),
                         [&, &field = key](const Parameter& one) { return one.name == field; });
        auto field_name = place;
        field_name.append(".").append(key);
        if (known == parameter.fields.end()) {
          add(field_name, "is not known here");
          continue;
        }
        const auto checked = from_json(*known, field_name, value);
        if (const auto* integer = std::get_if<std::int64_t>(&checked)) row[key] = *integer;
        if (const auto* text = std::get_if<std::string>(&checked)) row[key] = *text;
      }
      for (const auto& field : parameter.fields) {
        if (field.required && !list[i].contains(field.name))
          add(place + "." + field.name, "is missing");
      }
    }
    return normal.dump();
  }

  const std::string& now_;
  bool in_body_ = false;
  std::vector<ParameterError> errors_;
  std::vector<ParameterError> late_;
};

}  // namespace

Target parse_target(std::string_view target) {
  Target parsed;
  if (target.substr(0, 1) != "/")
    throw Problem("not_found", "there is no such path; /openapi.json lists them all");
  const auto question = std::min(target.find('?'), target.size());
  for (const auto part : path_parts(target.substr(0, question))) {
    parsed.parts.push_back(percent_decoded(part, false));
  }
  auto query = target.substr(std::min(question + 1, target.size()));
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto field = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (field.empty()) continue;
    const auto equals = std::min(field.find('='), field.size());
    parsed.query.emplace_back(
        percent_decoded(field.substr(0, equals), true),
        percent_decoded(field.substr(std::min(equals + 1, field.size())), true));
  }
  return parsed;
}

json parse_json(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  // The parser takes NUL for the end.
  if (text.find('\0') != std::string_view::npos) throw Problem("malformed", "the body holds NUL");
  try {
    return json::parse(text, [&](int depth, json::parse_event_t event, json& parsed) {
      if (depth > kGreatestDepth) throw Problem("malformed", "the body is nested too deeply");
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end) keys.pop_back();
      if (event == json::parse_event_t::key &&
          !keys.back().insert(parsed.get<std::string>()).second) {
        throw Problem("malformed", "the body has a key twice in one object");
      }
      return true;
    });
  } catch (const json::out_of_range&) {
    throw Problem("invalid", "the body holds a number that is too large");
  } catch (const json::exception&) {
    throw Problem("malformed", "the body is not JSON in UTF-8");
  }
}

Arguments read_arguments(const RouteTable::Match& match, const QueryFields& query, const json& body,
                         const std::string& now) {
  const Route& route = *match.route;
  Arguments arguments;
  arguments.values.resize(route.parameters.size());
  std::vector<bool> given(route.parameters.size());
  ArgumentReader reader(now);

  // The place of a parameter that a query or body may give, which then counts as given.
  const auto take = [&](const std::string& name) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < route.parameters.size(); ++i) {
      if (route.parameters[i].name != name || route.parameters[i].in_path) continue;
      if (given[i]) {
        reader.add(name, "is given twice");
        return std::nullopt;
      }
      given[i] = true;
      return i;
    }
    reader.add(name, "is not known here");
    return std::nullopt;
  };

  auto path_value = match.path_values.begin();
  for (const auto& part : path_parts(route.path)) {
    if (part.empty() || part.front() != '{') continue;
    const auto name = part.substr(1, part.size() - 2);
    for (std::size_t i = 0; i < route.parameters.size(); ++i) {
      if (route.parameters[i].name != name) continue;
      arguments.values[i] = reader.from_text(route.parameters[i], *path_value);
      given[i] = true;
    }
    ++path_value;
  }

  const bool fields_in_query = route.method == "GET" || route.method == "DELETE";
  std::set<std::string_view> names;
  for (const auto& [name, text] : query) {
    if (!names.insert(name).second) {
      reader.add(name, "is given twice");
    } else if (name == "dry_run" && route.writes()) {
      arguments.dry_run = text == "true";
      if (text != "true" && text != "false") reader.add(name, "is neither true nor false");
    } else if (name == "limit" && route.paged()) {
      const auto limit = parse_integer(text);
      if (!limit || *limit < 1 || *limit > Arguments::kGreatestLimit) {
        reader.add(name,
                   "is not an integer from 1 to " + std::to_string(Arguments::kGreatestLimit));
      }
      arguments.limit = limit.value_or(1);
    } else if (!fields_in_query) {
      reader.add(name, "is not known in the query; fields go into the body");
    } else if (const auto i = take(name)) {
      arguments.values[*i] = reader.from_text(route.parameters[*i], text);
    }
  }
  for (const auto& [name, value] : body.items()) {
    if (!route.writes()) {
      reader.add(name, "is in a body; a GET takes its fields from the query");
    } else if (const auto i = take(name)) {
      arguments.values[*i] = reader.from_json(route.parameters[*i], name, value);
    }
  }
  for (std::size_t i = 0; i < route.parameters.size(); ++i) {
    if (route.parameters[i].required && !given[i])
      reader.add(route.parameters[i].name, "is missing");
  }
  reader.throw_if_any();
  return arguments;
}

}  // namespace saldo::server
