#include "routes/problem.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace saldo::server {
namespace {

std::string sentence(const std::vector<ParameterError>& errors) {
  constexpr std::size_t kNamedMax = 10;
  std::string text;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (i > 0) text += "; ";
    if (i == kNamedMax) return text + "and so on";
    text.append(errors[i].name).append(" ").append(errors[i].detail);
  }
  return text;
}

constexpr int kRetryAfterSeconds = 5;

struct Known {
  int status;
  std::string_view meaning;
};

Known known(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return {422, "a parameter is missing, unknown or of another type"};
    case ErrorCode::kOutOfRange:
      return {422, "a value is outside of its limits"};
    case ErrorCode::kNotFound:
      return {404, "there is no such path, account, service, method or row"};
    case ErrorCode::kConflict:
      return {409, "the identifier, key or period is taken by something else"};
    case ErrorCode::kDayClosed:
      return {409, "the day is closed; the sentence gives the first possible day"};
    case ErrorCode::kDayNotEnded:
      return {409, "the day has not ended yet"};
    case ErrorCode::kPromiseRefused:
      return {409, "the rules do not allow a promised payment; the sentence says why"};
    case ErrorCode::kAppendOnly:
      return {409, "what is recorded there never changes"};
    case ErrorCode::kMalformed:
      return {400, "the request is not HTTP, its body is not JSON, or a header is malformed"};
    case ErrorCode::kUnauthorized:
      return {401, "the token is missing, unknown or revoked"};
    case ErrorCode::kForbidden:
      return {403, "the token's role may not do this"};
    case ErrorCode::kMethodNotAllowed:
      return {405, "the path has other methods, which Allow lists"};
    case ErrorCode::kNotAcceptable:
      return {406, "the answer has none of the formats that Accept asks for"};
    case ErrorCode::kTooLarge:
      return {413, "the body exceeds the server's limit"};
    case ErrorCode::kUriTooLong:
      return {414, "the path and query exceed the server's limit"};
    case ErrorCode::kUnsupportedMediaType:
      return {415, "the body is of another media type than the route takes"};
    case ErrorCode::kInternal:
      return {500, "the server failed; its log says more"};
    case ErrorCode::kFailing:
      return {503, "the server is up, but cannot read its database or close days"};
    case ErrorCode::kOverloaded:
      return {
          503,
          "too many requests wait, memory is short, another program has locked the database, or a "
          "payment system does not answer"};
    case ErrorCode::kTimedOut:
      return {503, "the query exceeded its time limit"};
  }
  return {500, ""};
}

}  // namespace

int status_of(ErrorCode code) { return known(code).status; }
std::string_view meaning_of(ErrorCode code) { return known(code).meaning; }

std::vector<ErrorCode> all_error_codes() {
  std::vector<ErrorCode> codes;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kTimedOut); ++code)
    codes.push_back(static_cast<ErrorCode>(code));
  std::stable_sort(codes.begin(), codes.end(),
                   [](ErrorCode a, ErrorCode b) { return status_of(a) < status_of(b); });
  return codes;
}

std::string_view reason_phrase(int status) {
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
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

ParameterErrors::ParameterErrors(ErrorCode code, std::vector<ParameterError> parameters)
    : Error(code, sentence(parameters)), parameters_(std::move(parameters)) {}

std::pair<std::string, std::string> retry_after() {
  return {"Retry-After", std::to_string(kRetryAfterSeconds)};
}

Reply problem_reply(const Error& error) {
  const int status = status_of(error.code());
  const std::string_view code = error_code_name(error.code());
  const auto* wrong = dynamic_cast<const ParameterErrors*>(&error);
  nlohmann::ordered_json document = {{"type", "about:blank"},
                                     {"title", reason_phrase(status)},
                                     {"status", status},
                                     {"code", code}};
  // what() is "code: sentence", and ends at a NUL that a client sent.
  document["detail"] = wrong != nullptr ? sentence(wrong->parameters())
                                        : std::string(error.what()).substr(code.size() + 2);
  if (wrong != nullptr) {
    for (const auto& parameter : wrong->parameters())
      document["errors"].push_back({{"name", parameter.name}, {"detail", parameter.detail}});
  }
  Reply reply;
  reply.status = status;
  reply.content_type = kProblemType;
  // A sentence may quote bytes of the client's that are not UTF-8.
  reply.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (status == 503) reply.headers.push_back(retry_after());
  return reply;
}

}  // namespace saldo::server
