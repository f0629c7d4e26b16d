#include "problem.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace saldo::server {

const std::vector<ProblemCode> kProblemCodes = {
    {"malformed", 400, "the request is not HTTP, its body is not JSON, or a header has no sense"},
    {"unauthorized", 401, "there is no token, or it is not or no longer valid"},
    {"forbidden", 403, "the token's role may not do this"},
    {"not_found", 404, "there is no such path, account, service, method or row"},
    {"method_not_allowed", 405, "the path has other methods, which Allow lists"},
    {"request_timeout", 408, "the request came too slowly"},
    {"conflict", 409, "the identifier, key or period is taken by something else"},
    {"day_closed", 409, "the day is closed; the sentence says from when on it works"},
    {"day_not_ended", 409, "the day has not ended yet"},
    {"promise_refused", 409, "R8 does not allow a promised payment"},
    {"append_only", 409, "what is recorded there never changes"},
    {"too_large", 413, "the body exceeds the server's limit"},
    {"uri_too_long", 414, "the path and query exceed the server's limit"},
    {"invalid", 422, "a parameter is missing, unknown or of another type"},
    {"out_of_range", 422, "a value is outside of its limits"},
    {"header_too_large", 431, "the headers exceed the server's limit"},
    {"internal", 500, "the server failed; its log says more"},
    {"failing", 503, "the server is up, but cannot read its database or close days"},
    {"overloaded", 503, "too much waits, memory is short, or another program holds the database"},
    {"timed_out", 503, "the query exceeded its time limit"},
};

namespace {

const ProblemCode* find_code(std::string_view code) {
  const auto found = std::find_if(kProblemCodes.begin(), kProblemCodes.end(),
                                  [&](const ProblemCode& known) { return known.code == code; });
  return found == kProblemCodes.end() ? nullptr : &*found;
}

std::string sentence(const std::vector<ParameterError>& errors) {
  constexpr std::size_t kMostTold = 10;
  std::string text;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (i > 0) text += "; ";
    if (i == kMostTold) return text + "and so on";
    text.append(errors[i].name).append(" ").append(errors[i].detail);
  }
  return text;
}

}  // namespace

std::string_view status_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

Problem::Problem(std::string_view code, const std::string& detail)
    : std::runtime_error(detail), code_(code), detail_(detail) {
  const ProblemCode* known = find_code(code);
  status_ = known != nullptr ? known->status : 500;
}

Problem::Problem(std::string_view code, std::vector<ParameterError> parameters)
    : Problem(code, sentence(parameters)) {
  parameters_ = std::move(parameters);
}

std::string Problem::json() const {
  nlohmann::ordered_json document = {{"type", "about:blank"},
                                     {"title", status_phrase(status_)},
                                     {"status", status_},
                                     {"code", code_},
                                     {"detail", detail_}};
  for (const auto& parameter : parameters_) {
    document["errors"].push_back({{"name", parameter.name}, {"detail", parameter.detail}});
  }
  // Whatever a client sent may stand in a sentence.
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Problem problem_of(const SqliteError& error) {
  const std::string_view message = error.what();
  const auto colon = message.find(": ");
  if (colon != std::string_view::npos) {
    const ProblemCode* known = find_code(message.substr(0, colon));
    // Those of the database, not those of HTTP.
    const bool ours =
        known != nullptr && (known->status == 404 || known->status == 409 || known->status == 422);
    if (ours) return {known->code, std::string(message.substr(colon + 2))};
  }
  switch (error.code() & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {"overloaded", "another program holds the database; try again"};
    case SQLITE_FULL:
      return {"overloaded", "the disk is full; nothing was written"};
    case SQLITE_INTERRUPT:
      return {"timed_out", "the query exceeded its time limit"};
    case SQLITE_NOMEM:
      return {"overloaded", "there is no memory for it now; try again"};
    case SQLITE_TOOBIG:
      return {"out_of_range", "a value is too long"};
    case SQLITE_MISMATCH:
      return {"invalid", "a value is of another type than its column"};
    case SQLITE_CONSTRAINT:
      if (error.code() == SQLITE_CONSTRAINT_UNIQUE ||
          error.code() == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return {"conflict", "there is a row with this key already"};
      }
      return {"invalid", "a value breaks a constraint of its table"};
    default:
      return {"internal", "the server failed; its log says more"};
  }
}

}  // namespace saldo::server
