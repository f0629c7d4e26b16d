// A request that writes, as an entry of the log: how it is put into one, and how it is done by it.
#include <charconv>
#include <utility>

#include "jobs/entries.h"
#include "log/build.h"
#include "routes/determinism.h"
#include "routes/service.h"
#include "store/memory.h"

namespace saldo::server {
namespace {

constexpr std::chrono::seconds kPositionPatience{2};

// What the node that was asked answers with.
struct Answered {
  Reply reply;
  std::exception_ptr error;  // of a refusal
};

// Whether what SQLite says is of this machine alone, and so no answer.
bool is_of_machine(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_NOTADB:
      return true;
    default:
      return false;
  }
}

// Whether the last part is given fields of the request, besides its path and the row before it.
bool sees_fields(const Route& route) {
  if (!route.reading.exists()) return true;
  for (const RouteStatement& statement : route.last.statements) {
    for (const Source& source : statement.sources) {
      const auto* value = std::get_if<ValueOf>(&source);
      const auto* given = std::get_if<IsGiven>(&source);
      if (value == nullptr && given == nullptr) continue;
      if (!route.parameters[value != nullptr ? value->parameter : given->parameter].in_path)
        return true;
    }
  }
  return false;
}

// Without what a payment system was asked for, which may hold secrets, and a statement that was
// read already.
bool sees_body(const Route& route) {
  return !route.reading.exists() || route.last.uses(Bound::kBody) ||
         (route.has_fields_in_body() && sees_fields(route));
}

std::string kind_of(const Route& route) {
  if (route.path == "/v1/webhooks/{name}" && route.method == "PUT") return "webhook.put";
  if (route.path == "/v1/webhooks/{name}/rotate") return "webhook.rotate";
  return "request";
}

bool is_request(const std::string& kind) {
  return kind == "request" || kind == "webhook.put" || kind == "webhook.rotate";
}

nlohmann::ordered_json json_of_row(const std::vector<Value>& row) {
  auto values = nlohmann::ordered_json::array();
  for (const Value& value : row) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      values.push_back(*integer);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      values.push_back(*text);
    } else {
      values.push_back(nullptr);
    }
  }
  return values;
}

std::vector<Value> row_of_json(const nlohmann::ordered_json& values) {
  std::vector<Value> row;
  for (const auto& value : values) {
    if (value.is_number_integer()) {
      row.emplace_back(value.get<std::int64_t>());
    } else if (value.is_string()) {
      row.emplace_back(value.get<std::string>());
    } else {
      row.emplace_back();
    }
  }
  return row;
}

std::string bytes_in(const nlohmann::ordered_json& data, const char* name) {
  const auto found = data.find(name);
  return found == data.end() ? std::string() : bytes_of_json(*found).value_or("");
}

}  // namespace

// Begins to apply what is in the log; and refuses a file that is of one, where none is named.
void Service::follow_log() {
  std::string build;
  {
    const auto reader = readers_.lend(options_.busy_timeout);
    if (!options_.log) return require_no_log(*reader, options_.database);
    lock_.emplace(options_.database);
    if (!lock_->is_held()) {
      throw std::runtime_error("another server follows the log with " + options_.database +
                               "; each needs a file of its own (`saldod log join`)");
    }
    require_deterministic(routes_, *reader);
    build = build_of(*reader, routes_.sum());
  }
  ReplicaOptions options = options_.replica;
  options.build = build;
  options.test_clock = options_.test_clock;
  replica_ = std::make_unique<Replica>(writer_, options_.log, options,
                                       [this](Database& database, const Entry& entry, Instant now) {
                                         database.set_now(now);
                                         return apply(database, entry, now);
                                       });
  writes_.use(replica_.get());
}

// What a client has read or written elsewhere is there before it is answered here.
void Service::wait_for_position(const HttpRequest& http) {
  const auto text = http.header("Saldo-Position");
  if (!text) return;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size())
    throw Error(ErrorCode::kMalformed, "Saldo-Position is not the number that an answer had");
  if (!replica_->wait_for(number, kPositionPatience)) {
    throw Error(ErrorCode::kOverloaded,
                "this node has not come to position " + *text + " yet; ask again, or another node");
  }
}

// By the log: when this node has applied it, there is an answer.
Reply Service::replicate(const Request& request, const std::optional<AnswerKey>& key,
                         const std::exception_ptr& wrong, bool is_last) {
  if (key) {
    const auto reader = readers_.lend(options_.route_timeout);
    if (auto stored = find_reply(*reader, *key)) return *std::move(stored);
  }
  if (wrong) std::rethrow_exception(wrong);
  const Route& route = *request.route;
  std::string target(request.target.path);
  if (sees_fields(route) && !request.target.raw_query.empty())
    target.append("?").append(request.target.raw_query);
  nlohmann::ordered_json data = {
      {"token", request.who}, {"method", route.method}, {"target", json_of_bytes(target)}};
  if (!route.protocol.empty()) data["protocol"] = route.protocol;
  if (sees_body(route) && !request.body.empty()) data["body"] = json_of_bytes(request.body);
  if (route.reading.exists()) data["params"] = json_of_row(request.row);
  if (request.so_far) data["so_far"] = *request.so_far;
  data["gives"] = names_of(request.format).name;
  // Of what is done in several entries the last has the answer.
  if (key && is_last) {
    data["key"] = key->key;
    data["key_target"] = json_of_bytes(key->target);
    data["hash"] = key->body_hash;
  }
  if (route.last.uses(Bound::kRandom)) data["random"] = random_bytes();
  NewToken made;
  const auto forget = [this](const NewToken* token) {
    const std::lock_guard lock(untold_mutex_);
    untold_.erase(token->hash);
  };
  std::unique_ptr<NewToken, decltype(forget)> untold(nullptr, forget);
  if (route.last.uses(Bound::kNewToken) || route.last.uses(Bound::kNewTokenHash)) {
    made = make_new_token();
    data["new_token_hash"] = made.hash;
    const std::lock_guard lock(untold_mutex_);
    untold_[made.hash] = *made.token;
    untold.reset(&made);
  }
  if (route.last.uses(Bound::kPrivateWebhooks)) data["private"] = request.private_webhooks ? 1 : 0;
  const auto applied = replica_->submit(kind_of(route), request.now, std::move(data));
  const auto outcome = std::static_pointer_cast<Answered>(applied.reply);
  if (outcome->error) std::rethrow_exception(outcome->error);
  return std::move(outcome->reply);
}

Applied Service::apply(Database& database, const Entry& entry, Instant now) {
  Applied applied;
  const auto outcome = std::make_shared<Answered>();
  const auto refuse = [&](const Error& error) {
    outcome->reply = problem_reply(error);
    outcome->error = std::current_exception();
  };
  try {
    in_savepoint(database, [&] {
      if (is_request(entry.kind)) {
        apply_request(database, entry, now, outcome->reply);
      } else {
        applied = apply_job(database, entry, now);
      }
    });
  } catch (const Undo&) {
  } catch (const Error& error) {
    refuse(error);
  } catch (const SqliteError& error) {
    if (is_of_machine(error.code()) || !database.in_transaction()) throw;
    refuse(error_of(error));
  }
  if (!is_request(entry.kind)) {
    if (!outcome->error) return applied;
    // Those who apply here, and not by the log, are told what it was.
    if (!options_.log) std::rethrow_exception(outcome->error);
    return {Applied::kRefused, std::move(outcome->reply.body), {}};
  }
  return {outcome->reply.status, outcome->reply.body_to_keep(), outcome};
}

void Service::apply_request(Database& database, const Entry& entry, Instant now, Reply& reply) {
  const auto& data = entry.data;
  const auto target = bytes_in(data, "target");
  const auto body = bytes_in(data, "body");
  const auto who = data.value("token", "");
  const auto method = data.value("method", "");
  const auto protocol = data.value("protocol", "");
  Request request;
  request.target = parse_target(target);
  std::vector<std::string> path_values;
  const auto* path = routes_.find(request.target.parts, path_values);
  if (path == nullptr || path->find(method) == nullptr) throw no_such_path();
  request.route = protocol.empty() ? path->find(method) : &path->find(method, protocol);
  if (!request.route->is_payment()) request.target.query = parse_form(request.target.raw_query);
  request.who = who;
  request.body = body;
  request.format = parse_format(data.value("gives", "")).value_or(Format::kJson);
  request.now = now;
  request.has_own_now = true;
  request.random = data.value("random", "");
  if (const auto hash = data.value("new_token_hash", ""); !hash.empty()) {
    request.new_token = {std::nullopt, hash};
    const std::lock_guard lock(untold_mutex_);
    if (const auto own = untold_.find(hash); own != untold_.end())
      request.new_token->token = own->second;
  }
  request.private_webhooks = data.value("private", 0) != 0;
  if (const auto params = data.find("params"); params != data.end())
    request.row = row_of_json(*params);
  if (const auto so_far = data.find("so_far"); so_far != data.end())
    request.so_far = so_far->get<std::string>();
  if (sees_fields(*request.route)) {
    read_parameters(request, path_values, "");
  } else {
    read_path_parameters(request, path_values);
  }
  const auto key_text = data.value("key", "");
  const auto key_target = bytes_in(data, "key_target");
  std::optional<AnswerKey> key;
  if (!key_text.empty())
    key = AnswerKey{who, request.route->method, key_target, key_text, data.value("hash", "")};
  run_write(database, request, key, true, reply);
}

}  // namespace saldo::server
