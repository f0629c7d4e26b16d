#include "openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "parameters.h"
#include "problem.h"

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
    case Type::kFlag:
      schema = {{"type", "integer"}, {"enum", {0, 1}}};
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
    schema["type"] = Json::array({schema["type"], "null"});
    if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  }
  if (!parameter.description.empty()) schema["description"] = parameter.description;
  return schema;
}

Json in_url(const Parameter& parameter) {
  Json schema = schema_of(parameter);
  schema.erase("description");
  // A URL has no null: one leaves the parameter out.
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
  const RouteStatement& statement = route.statements[route.answering];
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  for (std::size_t i = 0; i < statement.columns.size(); ++i) {
    if (statement.columns[i] == kStatusColumn || statement.columns[i] == kCursorColumn) continue;
    Json column = Json::object();
    if (statement.types[i] == "INTEGER") column["type"] = {"integer", "null"};
    if (statement.types[i] == "TEXT") column["type"] = {"string", "null"};
    schema["properties"][statement.columns[i]] = column;
    schema["required"].push_back(statement.columns[i]);
  }
  return schema;
}

// Problem details (RFC 9457).
Json problem_schema() {
  Json codes = Json::array();
  std::string meanings;
  for (const auto& code : kProblemCodes) {
    codes.push_back(code.code);
    meanings.append("- `").append(code.code).append("` ").append(std::to_string(code.status));
    meanings.append(": ").append(code.when).append("\n");
  }
  return {{"type", "object"},
          {"description", "Problem details (RFC 9457). The codes:\n\n" + meanings},
          {"required", {"type", "title", "status", "code", "detail"}},
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

Json problem_response(int status, const Json& schema) {
  Json response = {{"description", status_phrase(status)},
                   {"content", {{"application/problem+json", {{"schema", schema}}}}}};
  if (status == 503) response["headers"]["Retry-After"] = {{"schema", {{"type", "integer"}}}};
  return response;
}

void add_problems(Json& responses, const std::vector<int>& but = {}) {
  std::set<int> statuses;
  for (const auto& code : kProblemCodes) statuses.insert(code.status);
  for (const int status : statuses) {
    if (std::find(but.begin(), but.end(), status) == but.end()) {
      responses[std::to_string(status)] = {
          {"$ref", "#/components/responses/" + std::to_string(status)}};
    }
  }
}

Json responses_of(const Route& route) {
  Json responses = Json::object();
  if (route.answer == Answer::kNone) {
    responses["204"] = {{"description", "Done"}};
  } else {
    const Json row = row_schema(route);
    const Json body = route.answer == Answer::kMany ? Json{{"type", "array"}, {"items", row}} : row;
    Json answer = {{"description", "OK"},
                   {"content",
                    {{"application/json", {{"schema", body}}},
                     {"text/csv", {{"schema", {{"type", "string"}}}}}}}};
    if (route.paged()) {
      answer["headers"]["Link"] = {
          {"description", "Where the next rows are, with rel=\"next\" (RFC 8288)"},
          {"schema", {{"type", "string"}}}};
    }
    responses["200"] = answer;
    if (route.writes() && route.method != "DELETE") {
      answer["description"] = "Created";
      responses["201"] = answer;
    }
  }
  add_problems(responses);
  return responses;
}

// post_accounts_account_id_payments
std::string operation_id(const Route& route) {
  std::string id = route.method;
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto part : path_parts(route.path)) {
    if (part == "v1") continue;
    id += '_';
    for (const char c : part) {
      if (c != '{' && c != '}') id += c == '-' ? '_' : c;
    }
  }
  return id;
}

Json operation_of(const Route& route) {
  Json operation = {
      {"operationId", operation_id(route)},
      {"summary", route.description},
      {"tags", {std::string(role_name(route.role))}},
      {"description", "Takes a token of the role `" + std::string(role_name(route.role)) + "`."},
      {"parameters", Json::array()}};
  Json body = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  const bool in_body = route.method == "POST" || route.method == "PUT" || route.method == "PATCH";
  for (const auto& parameter : route.parameters) {
    if (parameter.in_path || !in_body) {
      operation["parameters"].push_back(in_url(parameter));
      continue;
    }
    body["properties"][parameter.name] = schema_of(parameter);
    if (parameter.required) body["required"].push_back(parameter.name);
  }
  if (route.paged()) operation["parameters"].push_back({{"$ref", "#/components/parameters/limit"}});
  if (route.writes()) {
    operation["parameters"].push_back({{"$ref", "#/components/parameters/dry_run"}});
    operation["parameters"].push_back({{"$ref", "#/components/parameters/Idempotency-Key"}});
  }
  operation["parameters"].push_back({{"$ref", "#/components/parameters/Saldo-Now"}});
  if (!body["properties"].empty()) {
    operation["requestBody"] = {{"required", body.contains("required")},
                                {"content", {{"application/json", {{"schema", body}}}}}};
  }
  operation["responses"] = responses_of(route);
  return operation;
}

Json built_in(const std::string& id, const std::string& summary, const std::string& type,
              const Json& schema) {
  Json responses = {{"200", {{"description", "OK"}, {"content", {{type, {{"schema", schema}}}}}}}};
  add_problems(responses, {401, 403, 404, 409, 422});
  return {{"get",
           {{"operationId", id},
            {"summary", summary},
            {"tags", {"none"}},
            {"security", Json::array()},
            {"responses", responses}}}};
}

// When it fails, what is known goes along with the problem (RFC 9457, 3.2).
Json health_path() {
  const Json known = {{"version", {{"type", "string"}}},
                      {"open_day", {{"type", "string"}, {"format", "date"}}},
                      {"last_closed_day", {{"type", {"string", "null"}}, {"format", "date"}}},
                      {"overdue_days", {{"type", "integer"}}}};
  Json well = {{"type", "object"}, {"properties", known}};
  well["properties"]["status"] = {{"type", "string"}, {"const", "ok"}};
  Json problem = problem_schema();
  problem["properties"].update(known);
  Json path = built_in("get_healthz", "Whether the server works", "application/json", well);
  path["get"]["responses"]["503"] = problem_response(503, problem);
  return path;
}

Json sql_operation() {
  const Json request = {
      {"type", "object"},
      {"required", {"sql"}},
      {"additionalProperties", false},
      {"properties",
       {{"sql", {{"type", "string"}, {"description", "One statement that only reads"}}},
        {"params",
         {{"description", "Values of ? in their order, or of :name by name"},
          {"oneOf", {{{"type", "array"}, {"items", Json::object()}}, {{"type", "object"}}}}}}}}};
  const Json answer = {
      {"type", "object"},
      {"required", {"columns", "rows", "truncated"}},
      {"properties",
       {{"columns", {{"type", "array"}, {"items", {{"type", "string"}}}}},
        {"rows", {{"type", "array"}, {"items", {{"type", "array"}, {"items", Json::object()}}}}},
        {"truncated",
         {{"type", "boolean"}, {"description", "There were more rows than the limit"}}}}}};
  Json responses = {{"200",
                     {{"description", "OK"},
                      {"content",
                       {{"application/json", {{"schema", answer}}},
                        {"text/csv", {{"schema", {{"type", "string"}}}}}}}}}};
  add_problems(responses);
  return {{"post",
           {{"operationId", "post_sql"},
            {"summary", "Ask in SQL"},
            {"tags", {"analyst"}},
            {"description", "Takes a token of the role `analyst`."},
            {"requestBody",
             {{"required", true}, {"content", {{"application/json", {{"schema", request}}}}}}},
            {"responses", responses}}}};
}

Json components() {
  std::set<int> statuses;
  for (const auto& code : kProblemCodes) statuses.insert(code.status);
  Json document;
  document["securitySchemes"]["token"] = {{"type", "http"}, {"scheme", "bearer"}};
  document["schemas"]["Problem"] = problem_schema();
  for (const int status : statuses) {
    document["responses"][std::to_string(status)] =
        problem_response(status, {{"$ref", "#/components/schemas/Problem"}});
  }
  document["parameters"]["limit"] = {{"name", "limit"},
                                     {"in", "query"},
                                     {"description", "The most rows to answer"},
                                     {"schema",
                                      {{"type", "integer"},
                                       {"minimum", 1},
                                       {"maximum", Arguments::kGreatestLimit},
                                       {"default", Arguments::kDefaultLimit}}}};
  document["parameters"]["dry_run"] = {
      {"name", "dry_run"},
      {"in", "query"},
      {"description", "true: does the write, answers with its result and undoes it"},
      {"schema", {{"type", "boolean"}}}};
  document["parameters"]["Idempotency-Key"] = {
      {"name", "Idempotency-Key"},
      {"in", "header"},
      {"description", "With the same key the first answer is given again, for good"},
      {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", 255}}}};
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
  for (const auto& [name, description] :
       {std::pair{"none", "Needs no token"}, std::pair{"crm", "For the CRM"},
        std::pair{"cashier", "For who records money"},
        std::pair{"operator", "For who runs the billing; may do what crm and cashier may"},
        std::pair{"analyst", "For who asks"}, std::pair{"admin", "May do everything"}}) {
    document["tags"].push_back({{"name", name}, {"description", description}});
  }
  for (const auto& route : routes.all()) {
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    document["paths"][route.path][method] = operation_of(route);
  }
  document["paths"][kSqlPath] = sql_operation();
  document["paths"][kHealthPath] = health_path();
  document["paths"][kMetricsPath] =
      built_in("get_metrics", "Figures for Prometheus", "text/plain", {{"type", "string"}});
  document["paths"][kDocumentPath] =
      built_in("get_openapi", "This document", "application/json", {{"type", "object"}});
  document["components"] = components();
  return document.dump(1);
}

}  // namespace saldo::server
