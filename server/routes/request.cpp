#include "routes/request.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "codecs/json.h"
#include "routes/accept.h"
#include "routes/problem.h"
#include "rules/text.h"

namespace saldo::server {
namespace {

using nlohmann::json;

// What a type takes, for the sentence of an error.
std::string_view expectation(Type type) {
  switch (type) {
    case Type::kInteger:
      return "an integer of 64 bits";
    case Type::kText:
      return "text";
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
    case Type::kValues:
      return "an array or an object";
    case Type::kWait:
      return "a number of seconds from 0 to 60";
  }
  return "";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// parse_json() gives integers beyond what 64 bits can hold without a sign as `discarded`.
bool exceeds_64_bits(const json& value) {
  return value.is_discarded() ||
         (value.is_number_unsigned() &&
          value.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max());
}

bool is_cursor(const std::string& text) {
  const auto cursor = json::parse(text, nullptr, false);
  return cursor.is_array() && std::all_of(cursor.begin(), cursor.end(),
                                          [](const json& part) { return !part.is_structured(); });
}

// Collects all that is wrong, so that a client is told it at once.
class ParameterReader {
 public:
  explicit ParameterReader(Instant now) : now_(now) {}

  // From a path or query.
  Value from_text(const Parameter& parameter, const std::string& text) {
    switch (parameter.type) {
      case Type::kInteger:
      case Type::kFlag:
      case Type::kWait:
        if (const auto integer = parse_integer(text))
          return checked_integer(parameter, parameter.name, *integer);
        return wrong(parameter, parameter.name);
      case Type::kList:
      case Type::kValues:
        return wrong(parameter, parameter.name);
      case Type::kInstant:
        if (const auto instant = parse_rfc3339(text)) return format_instant(*instant);
        return wrong(parameter, parameter.name);
      default:
        return checked_text(parameter, parameter.name, text);
    }
  }

  Value from_json(const Parameter& parameter, const std::string& name, const json& value) {
    if (value.is_null()) {
      if (parameter.required)
        add(name, "is null; it takes " + std::string(expectation(parameter.type)));
      return {};
    }
    switch (parameter.type) {
      case Type::kInteger:
      case Type::kFlag:
        if (!value.is_number_integer() || exceeds_64_bits(value)) return wrong(parameter, name);
        return checked_integer(parameter, name, value.get<std::int64_t>());
      case Type::kList:
        return from_list(parameter, name, value);
      case Type::kValues:
        if (!value.is_structured()) return wrong(parameter, name);
        check_integers(name, value);
        return std::make_shared<const json>(value);
      case Type::kInstant:
        return checked_instant(parameter, name, value);
      default:
        if (!value.is_string()) return wrong(parameter, name);
        return checked_text(parameter, name, value.get_ref<const std::string&>());
    }
  }

  void add(const std::string& name, const std::string& detail) {
    errors_.push_back({name, detail});
  }

  void throw_if_any() {
    if (!errors_.empty()) throw ParameterErrors(ErrorCode::kInvalid, errors_);
    if (!late_.empty()) throw ParameterErrors(ErrorCode::kOutOfRange, late_);
  }

 private:
  Value wrong(const Parameter& parameter, const std::string& name) {
    add(name, "is not " + std::string(expectation(parameter.type)));
    return {};
  }

  void check_integers(const std::string& name, const json& value) {
    if (exceeds_64_bits(value)) return add(name, "is beyond 64 bits");
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i)
        check_integers(name + "[" + std::to_string(i) + "]", value[i]);
    } else if (value.is_object()) {
      for (const auto& [key, field] : value.items())
        check_integers(std::string(name).append(".").append(key), field);
    }
  }

  Value checked_integer(const Parameter& parameter, const std::string& name, std::int64_t value) {
    if (parameter.type == Type::kFlag && value != 0 && value != 1) return wrong(parameter, name);
    if (parameter.type == Type::kWait && (value < 0 || value > Request::kWaitSecondsMax))
      return wrong(parameter, name);
    return value;
  }

  Value checked_text(const Parameter& parameter, const std::string& name, const std::string& text) {
    if (const auto problem = text_problem(text); !problem.empty()) {
      add(name, std::string(problem));
      return {};
    }
    bool valid = true;
    if (parameter.type == Type::kDay) valid = parse_day(text).has_value();
    if (parameter.type == Type::kMonth)
      valid = text.size() == 7 && parse_day(text + "-01").has_value();
    if (parameter.type == Type::kCursor) valid = is_cursor(text);
    if (!valid) return wrong(parameter, name);
    return text;
  }

  // In a body: it tells when something happened, and so cannot lie in the future.
  Value checked_instant(const Parameter& parameter, const std::string& name, const json& value) {
    const auto instant =
        value.is_string() ? parse_rfc3339(value.get_ref<const std::string&>()) : std::nullopt;
    if (!instant) return wrong(parameter, name);
    if (*instant <= now_) return format_instant(*instant);
    if (*instant <= now_ + kClockDifferenceMax) return RequestInstant{};
    late_.push_back({name, "is " + format_instant(*instant) + ", more than " +
                               std::to_string(kClockDifferenceMax.count() / 60) +
                               " minutes after this request at " + format_instant(now_)});
    return {};
  }

  // A list reaches SQL as JSON, in which a field that was null or taken for the request's instant
  // is left out.
  Value from_list(const Parameter& parameter, const std::string& name, const json& list) {
    if (!list.is_array()) return wrong(parameter, name);
    json checked_list = json::array();
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto place = name + "[" + std::to_string(i) + "]";
      if (!list[i].is_object()) {
        add(place, "is not an object");
        continue;
      }
      json& row = checked_list.emplace_back(json::object());
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
    return checked_list.dump();
  }

  Instant now_;
  std::vector<ParameterError> errors_;
  std::vector<ParameterError> late_;
};

json parse_body(const Request& request, std::string_view content_type) {
  const Format takes = request.route->takes;
  // What a payment system sends its file reads.
  if (request.body.empty() || request.route->is_payment()) return json::object();
  if (!content_type.empty() && !request.route->takes_statement &&
      !is_media_type_of(content_type, takes)) {
    throw Error(ErrorCode::kUnsupportedMediaType,
                "the body is " + std::string(names_of(takes).media_type) + " here");
  }
  if (takes != Format::kJson) return json::object();  // the route reads :body
  json body = parse_json(request.body);
  if (!body.is_object()) throw invalid("the body is not a JSON object");
  return body;
}

void read_path(Request& request, const std::vector<std::string>& path_values,
               ParameterReader& reader) {
  const Route& route = *request.route;
  request.values.resize(route.parameters.size());
  request.given.resize(route.parameters.size());
  auto path_value = path_values.begin();
  for (const auto& part : route.parts) {
    if (part.placeholder.empty()) continue;
    const auto* parameter = route.find_parameter(part.placeholder);
    const auto place = route.place_of(*parameter);
    request.given[place] = true;
    request.values[place] = reader.from_text(*parameter, *path_value++);
  }
}

}  // namespace

const Value& Request::value(std::string_view name) const {
  return values[route->place_of(*route->find_parameter(name))];
}

std::chrono::seconds Request::wait() const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (route->parameters[i].type != Type::kWait) continue;
    const auto* integer = std::get_if<std::int64_t>(&values[i]);
    return std::chrono::seconds(integer != nullptr ? *integer : 0);
  }
  return std::chrono::seconds(0);
}

Error no_such_path() { return not_found("there is no such path; /openapi.json lists them all"); }

Target parse_target(std::string_view target) {
  // The absolute form, as a client may send it to a proxy.
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.substr(0, scheme.size()) == scheme)
      target.remove_prefix(std::min(target.find('/', scheme.size()), target.size()));
  }
  if (target.substr(0, 1) != "/") throw no_such_path();
  const auto question = std::min(target.find('?'), target.size());
  Target parsed;
  parsed.path = target.substr(0, question);
  for (const auto part : path_parts(parsed.path))
    parsed.parts.push_back(percent_decoded(part, false));
  parsed.raw_query = target.substr(std::min(question + 1, target.size()));
  return parsed;
}

void read_path_parameters(Request& request, const std::vector<std::string>& path_values) {
  ParameterReader reader(request.now);
  read_path(request, path_values, reader);
  reader.throw_if_any();
}

void read_parameters(Request& request, const std::vector<std::string>& path_values,
                     std::string_view content_type) {
  const Route& route = *request.route;
  const json body = parse_body(request, content_type);
  ParameterReader reader(request.now);
  read_path(request, path_values, reader);

  // The parameter that a query or body gives by this name; null where it may not.
  const auto give = [&](const std::string& name) -> const Parameter* {
    const auto* parameter = route.find_parameter(name);
    if (parameter == nullptr || parameter->in_path) {
      reader.add(name, "is not known here");
      return nullptr;
    }
    const auto place = route.place_of(*parameter);
    if (request.given[place]) {
      reader.add(name, "is given twice");
      return nullptr;
    }
    request.given[place] = true;
    return parameter;
  };
  const auto set = [&](const Parameter& parameter, Value value) {
    request.values[route.place_of(parameter)] = std::move(value);
  };

  std::set<std::string_view> names;
  for (const auto& [name, text] : request.target.query) {
    if (!names.insert(name).second) {
      reader.add(name, "is given twice");
    } else if (name == "dry_run" && route.writes && !route.asking.exists()) {
      request.dry_run = text == "true";
      if (text != "true" && text != "false") reader.add(name, "is neither true nor false");
    } else if (name == "limit" && route.paged()) {
      const auto limit = parse_integer(text);
      if (!limit || *limit < 1 || *limit > Request::kLimitMax)
        reader.add(name, "is not an integer from 1 to " + std::to_string(Request::kLimitMax));
      request.limit = limit.value_or(1);
    } else if (route.has_fields_in_body()) {
      reader.add(name, "is not known in the query; fields go into the body");
    } else if (const auto* parameter = give(name)) {
      set(*parameter, reader.from_text(*parameter, text));
    }
  }
  for (const auto& [name, value] : body.items()) {
    if (route.method == "GET") {
      reader.add(name, "is in a body; a GET takes its fields from the query");
    } else if (const auto* parameter = give(name)) {
      set(*parameter, reader.from_json(*parameter, name, value));
    }
  }
  for (std::size_t i = 0; i < route.parameters.size(); ++i) {
    if (route.parameters[i].required && !request.given[i])
      reader.add(route.parameters[i].name, "is missing");
  }
  reader.throw_if_any();
}

}  // namespace saldo::server
