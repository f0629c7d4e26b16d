#include "routes/openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "routes/problem.h"
#include "routes/request.h"

namespace saldo::server {
namespace {

using Json = nlohmann::ordered_json;

Json schema_of(const Parameter& parameter) {
  Json schema;
  switch (parameter.type) {
    case Type::kInteger:
      schema = {{"type", "integer"}, {"format", "int64"}};
      break;
    case Type::kText:
    case Type::kCursor:
      schema = {{"type", "string"}};
      break;
    case Type::kDay:
      schema = {{"type", "string"}, {"format", "date"}};
      break;
    case Type::kMonth:
      schema = {{"type", "string"}, {"pattern", "^[0-9]{4}-[0-9]{2}$"}};
      break;
    case Type::kInstant:
      schema = {{"type", "string"}, {"format", "date-time"}};
      break;
    case Type::kValues:
      schema = {{"type", {"array", "object"}}};
      break;
    case Type::kFlag:
      schema = {{"type", "integer"}, {"enum", {0, 1}}};
      break;
    case Type::kWait:
      schema = {{"type", "integer"}, {"minimum", 0}, {"maximum", Request::kWaitSecondsMax}};
      break;
    case Type::kList: {
      Json item = {
          {"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
      for (const auto& field : parameter.fields) {
        item["properties"][field.name] = schema_of(field);
        if (field.required) item["required"].push_back(field.name);
      }
      schema = {{"type", "array"}, {"items", item}};
    }
  }
  if (!parameter.required) {
    if (!schema["type"].is_array()) schema["type"] = Json::array({schema["type"]});
    schema["type"].push_back("null");
    if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  }
  if (!parameter.description.empty()) schema["description"] = parameter.description;
  return schema;
}

Json in_url(const Parameter& parameter) {
  Json schema = schema_of(parameter);
  schema.erase("description");
  // There is no null in a URL: a parameter without a value is left out.
  if (schema["type"].is_array()) schema["type"] = schema["type"][0];
  if (schema.contains("enum")) schema["enum"] = {0, 1};
  Json document = {
      {"name", parameter.name}, {"in", parameter.in_path ? "path" : "query"}, {"schema", schema}};
  if (parameter.required) document["required"] = true;
  if (!parameter.description.empty()) document["description"] = parameter.description;
  return document;
}

// A row of the answer. What its columns are is known where they come straight from a table.
Json row_schema(const Route& route) {
  Json schema = {{"type", "object"}};
  if (route.last.answer() == nullptr) return schema;
  const RouteStatement& statement = *route.last.answer();
  schema["properties"] = Json::object();
  for (std::size_t i = 0; i < statement.columns.size(); ++i) {
    Json column = Json::object();
    if (statement.columns[i].is_json) {
      column["type"] = {"array", "object", "null"};
    } else if (statement.types[i] == "INTEGER") {
      column["type"] = {"integer", "null"};
    } else if (statement.types[i] == "TEXT") {
      column["type"] = {"string", "null"};
    }
    schema["properties"][statement.columns[i].name] = column;
    schema["required"].push_back(statement.columns[i].name);
  }
  return schema;
}

// Problem details (RFC 9457).
Json problem_schema() {
  Json codes = Json::array();
  std::string meanings;
  for (const ErrorCode code : all_error_codes()) {
    const std::string name(error_code_name(code));
    codes.push_back(name);
    meanings.append("- `").append(name).append("` ").append(std::to_string(status_of(code)));
    meanings.append(": ").append(meaning_of(code)).append("\n");
  }
  return {{"type", "object"},
          {"description", "Problem details (RFC 9457). The codes:\n\n" + meanings},
          {"required", {"type", "title", "status", "code", "detail"}},
          {"additionalProperties", true},
          {"properties",
           {{"type", {{"type", "string"}}},
            {"title", {{"type", "string"}}},
            {"status", {{"type", "integer"}}},
            {"code", {{"type", "string"}, {"enum", codes}}},
            {"detail", {{"type", "string"}}},
            {"errors",
             {{"type", "array"},
              {"description", "Each wrong parameter"},
              {"items",
               {{"type", "object"},
                {"required", {"name", "detail"}},
                {"properties",
                 {{"name", {{"type", "string"}}}, {"detail", {{"type", "string"}}}}}}}}}}}};
}

std::set<int> problem_statuses() {
  std::set<int> statuses;
  for (const ErrorCode code : all_error_codes()) statuses.insert(status_of(code));
  return statuses;
}

Json content_of(const Route& route) {
  const Json row = row_schema(route);
  Json content;
  for (const Format format : route.gives) {
    Json schema = {{"type", "string"}};
    if (format == Format::kJson)
      schema = route.answer == Answer::kMany ? Json{{"type", "array"}, {"items", row}} : row;
    content[std::string(names_of(format).media_type)] = {{"schema", schema}};
  }
  return content;
}

Json responses_of(const Route& route) {
  Json responses = Json::object();
  if (route.answer == Answer::kNone) {
    responses["204"] = {{"description", "Done"}};
  } else {
    Json answer = {{"description", "OK"}, {"content", content_of(route)}};
    if (route.paged()) {
      answer["headers"]["Link"] = {
          {"description", "Where the next rows are, with rel=\"next\" (RFC 8288)"},
          {"schema", {{"type", "string"}}}};
    }
    responses["200"] = answer;
    if (route.writes && route.method != "DELETE") {
      answer["description"] = "Created";
      responses["201"] = answer;
    }
  }
  for (const int status : problem_statuses()) {
    responses[std::to_string(status)] = {
        {"$ref", "#/components/responses/" + std::to_string(status)}};
  }
  return responses;
}

// post_accounts_account_id_payments
std::string operation_id(const Route& route) {
  std::string id = route.method + route.path;
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0   ? static_cast<char>(std::tolower(c))
           : c == '{' || c == '}' ? '\0'
                                  : '_';
  });
  id.erase(std::remove(id.begin(), id.end(), '\0'), id.end());
  if (const auto version = id.find("_v1_"); version != std::string::npos) id.erase(version, 3);
  return id;
}

// A payment system speaks as it likes.
Json payment_operation_of(const Route& route) {
  const Json any = {{"schema", {{"type", "string"}}}};
  const Json content = {{std::string(names_of(route.gives.front()).media_type), any}};
  Json operation = {
      {"operationId", operation_id(route)},
      {"summary", route.description},
      {"tags", {role_name(route.role)}},
      {"description", route.auth == Auth::kBasic
                          ? "Takes the channel's user and password, and speaks the protocol `" +
                                route.protocol + "`."
                          : "Takes no token, and speaks the protocol `" + route.protocol + "`."},
      {"parameters", Json::array()}};
  operation["security"] = Json::array();
  if (route.auth == Auth::kBasic) operation["security"].push_back({{"channel", Json::array()}});
  for (const auto& parameter : route.parameters)
    operation["parameters"].push_back(in_url(parameter));
  operation["parameters"].push_back({{"$ref", "#/components/parameters/Saldo-Now"}});
  if (route.has_fields_in_body()) operation["requestBody"]["content"]["*/*"] = any;
  operation["responses"]["200"] = {{"description", "The protocol's answer"}, {"content", content}};
  // In the protocol's own form, where it has one, else without a body.
  for (const int status : problem_statuses()) {
    operation["responses"][std::to_string(status)] = {{"description", reason_phrase(status)},
                                                      {"content", content}};
  }
  return operation;
}

Json operation_of(const Route& route) {
  if (route.is_payment()) return payment_operation_of(route);
  const std::string role(role_name(route.role));
  Json operation = {
      {"operationId", operation_id(route)},
      {"summary", route.description},
      {"tags", {role}},
      {"description",
       route.role == Role::kNone ? "Takes no token." : "Takes a token of the role `" + role + "`."},
      {"parameters", Json::array()}};
  if (route.role == Role::kNone) operation["security"] = Json::array();
  Json body = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  for (const auto& parameter : route.parameters) {
    if (parameter.in_path || !route.has_fields_in_body()) {
      operation["parameters"].push_back(in_url(parameter));
      continue;
    }
    body["properties"][parameter.name] = schema_of(parameter);
    if (parameter.required) body["required"].push_back(parameter.name);
  }
  const auto refer = [&](const char* name) {
    operation["parameters"].push_back({{"$ref", std::string("#/components/parameters/") + name}});
  };
  if (route.paged()) refer("limit");
  if (route.writes && !route.asking.exists()) refer("dry_run");
  if (route.writes || route.asking.exists()) refer("Idempotency-Key");
  refer("Saldo-Now");
  if (route.takes != Format::kJson) {
    operation["requestBody"]["content"][std::string(names_of(route.takes).media_type)] = {
        {"schema", {{"type", "string"}}}};
  } else if (!body["properties"].empty()) {
    operation["requestBody"] = {{"required", body.contains("required")},
                                {"content", {{"application/json", {{"schema", body}}}}}};
  }
  operation["responses"] = responses_of(route);
  return operation;
}

Json components() {
  Json document;
  document["securitySchemes"]["token"] = {{"type", "http"}, {"scheme", "bearer"}};
  document["securitySchemes"]["channel"] = {{"type", "http"}, {"scheme", "basic"}};
  document["schemas"]["Problem"] = problem_schema();
  for (const int status : problem_statuses()) {
    Json& response = document["responses"][std::to_string(status)];
    response = {
        {"description", reason_phrase(status)},
        {"content",
         {{std::string(kProblemType), {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
    if (status == 503) response["headers"]["Retry-After"] = {{"schema", {{"type", "integer"}}}};
  }
  document["parameters"]["limit"] = {{"name", "limit"},
                                     {"in", "query"},
                                     {"description", "How many rows the answer has at most"},
                                     {"schema",
                                      {{"type", "integer"},
                                       {"minimum", 1},
                                       {"maximum", Request::kLimitMax},
                                       {"default", Request::kLimitDefault}}}};
  document["parameters"]["dry_run"] = {
      {"name", "dry_run"},
      {"in", "query"},
      {"description", "true: does the write, answers with its result and undoes it"},
      {"schema", {{"type", "boolean"}}}};
  document["parameters"]["Idempotency-Key"] = {
      {"name", "Idempotency-Key"},
      {"in", "header"},
      {"description",
       "What was done under the key is not done again: its answer is given again, for good"},
      {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", kKeyBytesMax}}}};
  document["parameters"]["Saldo-Now"] = {
      {"name", "Saldo-Now"},
      {"in", "header"},
      {"description", "The request's instant, on a server started with --test-clock"},
      {"schema", {{"type", "string"}, {"format", "date-time"}}}};
  return document;
}

}  // namespace

std::string openapi_document(const RouteTable& routes) {
  Json document;
  document["openapi"] = "3.1.0";
  document["info"] = {
      {"title", "Saldo"},
      {"version", SALDO_VERSION},
      {"description",
       "Prepaid billing: who may work, what is owed, what was paid. Amounts are integers in minor "
       "units, days those of the billing time zone, instants UTC."},
      {"license", {{"name", "Proprietary"}, {"identifier", "LicenseRef-Proprietary"}}}};
  document["servers"] = Json::array({{{"url", "/"}}});
  document["security"] = Json::array({{{"token", Json::array()}}});
  document["tags"] = Json::array();
  for (const auto& [name, meaning] : kRoles)
    document["tags"].push_back({{"name", name}, {"description", meaning}});
  for (const Route* route : routes.all()) {
    if (route->is_for_session()) continue;  // for people with a browser
    std::string method = route->method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    document["paths"][route->path][method] = operation_of(*route);
  }
  document["components"] = components();
  return document.dump(1);
}

}  // namespace saldo::server
