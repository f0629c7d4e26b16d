// What a client asks for: read once from what HTTP brought, checked against the head of the route,
// and handed down from there.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codecs/form.h"
#include "payments/asker.h"
#include "routes/route.h"

namespace saldo::server {

inline constexpr std::size_t kKeyBytesMax = 255;  // of an Idempotency-Key

// As HTTP brought it.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // path?query, as in the request line
  std::string_view body;
  std::string_view authorization;
  std::string accept;
  std::string_view content_type;
  std::optional<std::string_view> idempotency_key;
  std::optional<std::string_view> now;  // the header Saldo-Now
  Fields parts;                         // of a body in several parts: a form with a file
  std::string_view peer;                // the address of the other side of the connection
  // Any header by its name in any case, its values joined by ", "; nullopt: it was not sent.
  std::function<std::optional<std::string>(const std::string&)> header;
};

struct Target {
  std::string_view path;
  std::vector<std::string> parts;  // of the path, decoded
  std::string_view raw_query;      // as it came
  Fields query;                    // of other routes than payment systems'
};
Error no_such_path();
// All but the fields of the query. Throws malformed, and not_found for a target that does not begin
// with a path.
Target parse_target(std::string_view target);

// How far the client's clock may be ahead of the server's.
inline constexpr std::chrono::seconds kClockDifferenceMax{300};

// The instant of the request itself. An instant in its body that lies no further after it than
// clocks may differ is replaced by it.
struct RequestInstant {};
// NULL, an integer, a text, that instant, or (Type::kValues) a value of JSON.
using Value = std::variant<std::monostate, std::int64_t, std::string, RequestInstant,
                           std::shared_ptr<const nlohmann::json>>;

// A token that is made by a request, for :new_token and :new_token_hash.
struct NewToken {
  std::optional<std::string> token;  // nullopt: another node was asked, and tells it
  std::string hash;                  // its SHA-256
};

struct Request {
  static constexpr std::int64_t kLimitDefault = 100;
  static constexpr std::int64_t kLimitMax = 10000;
  static constexpr std::int64_t kWaitSecondsMax = 60;

  const Route* route = nullptr;
  Target target;
  std::string_view who;   // the token's name
  std::string_view body;  // as it came
  Format format = Format::kJson;
  Instant now;
  bool has_own_now = false;   // by the header Saldo-Now
  std::vector<Value> values;  // of the route's parameters, in their order
  std::vector<bool> given;    // which of these the client sent
  std::int64_t limit = kLimitDefault;
  bool dry_run = false;
  bool private_webhooks = false;      // as the server was started
  std::string random;                 // for :random; empty: it is made when it is needed
  std::optional<NewToken> new_token;  // nullopt: likewise
  std::optional<AskedAnswer> asked;
  // What was read for the part behind `-- write`, which runs for each of these rows.
  std::vector<std::vector<Value>> rows;
  std::vector<Value> row;             // of the run
  std::optional<std::string> so_far;  // what the run before it gave
  std::optional<ErrorCode> failure;   // which is to be told

  // Of a parameter that the route declares.
  [[nodiscard]] const Value& value(std::string_view name) const;
  // How long the answer may be held until there is a row.
  [[nodiscard]] std::chrono::seconds wait() const;
};

// Reads the parameters of `request`, whose other fields are known. `path_values` are those of the
// placeholders. Throws invalid for all that is unknown, missing, given twice or of another type,
// unsupported_media_type, and out_of_range for instants of the body too far after `now`.
void read_parameters(Request& request, const std::vector<std::string>& path_values,
                     std::string_view content_type);
// Those of the path alone. Throws invalid.
void read_path_parameters(Request& request, const std::vector<std::string>& path_values);

}  // namespace saldo::server
