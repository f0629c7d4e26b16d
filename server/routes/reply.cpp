#include "routes/reply.h"

#include <openssl/rand.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "codecs/base64.h"
#include "codecs/csv.h"
#include "codecs/json.h"

namespace saldo::server {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

// What a column http_status may be: statuses that end a request.
constexpr int kStatusMin = 200;
constexpr int kStatusMax = 599;

// By RFC 9110; a client would take a body for the next answer.
bool has_no_body(int status) { return status == 204 || status == 205 || status == 304; }

// The same request, to go on behind `cursor` (RFC 8288).
std::string next_link(const Target& target, std::string_view cursor) {
  std::string link = "<";
  link += target.path;
  link += '?';
  for (const auto& [name, value] : target.query) {
    if (name == kCursorColumn) continue;
    append_percent_encoded(link, name);
    link += '=';
    append_percent_encoded(link, value);
    link += '&';
  }
  link += "after=";
  append_percent_encoded(link, cursor);
  return link + ">; rel=\"next\"";
}

// 256 bits of the system's, in base64.
std::string random_bytes() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the system has no randomness to give");
  std::string text;
  append_base64(text, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return text;
}

class RouteRun {
 public:
  RouteRun(Database& database, const Request& request)
      : database_(database),
        request_(request),
        route_(*request.route),
        now_(format_instant(request.now)) {
    if (route_.uses(Bound::kRandom)) random_ = random_bytes();
    if (!route_.uses(Bound::kToday)) return;
    auto today = database.prepare("SELECT billing_day(?1)");
    today.bind_static(1, now_);
    if (today.step()) today_ = today.text(0);
  }

  Reply run() {
    reply_.status = route_.answer == Answer::kNone ? 204 : 200;
    for (std::size_t i = 0; i < route_.statements.size(); ++i) {
      const RouteStatement& statement = route_.statements[i];
      auto rows = bound(statement);
      if (i == route_.answering) {
        answer(statement, rows);
      } else {
        while (rows.step()) read_status(statement, rows);
      }
    }
    if (has_no_body(reply_.status)) {
      reply_.content_type.clear();
      reply_.body.clear();
    }
    return std::move(reply_);
  }

 private:
  Statement bound(const RouteStatement& statement) {
    auto query = database_.prepare(statement.sql.c_str());
    int index = 0;
    for (const Source& source : statement.sources) bind(query, ++index, source);
    return query;
  }

  void bind(Statement& query, int index, const Source& source) {
    std::visit(Overloaded{[&](ValueOf of) { bind(query, index, request_.values[of.parameter]); },
                          [&](IsGiven of) {
                            query.bind(index, std::int64_t{request_.given[of.parameter]});
                          },
                          [&](Bound bound) { bind(query, index, bound); }},
               source);
  }

  void bind(Statement& query, int index, const Value& value) {
    std::visit(Overloaded{[&](std::monostate) { query.bind_null(index); },
                          [&](std::int64_t integer) { query.bind(index, integer); },
                          [&](const std::string& text) { query.bind_static(index, text); },
                          [&](RequestInstant) { query.bind_static(index, now_); },
                          [&](const std::shared_ptr<const nlohmann::json>& json) {
                            query.bind(index, std::string_view(json->dump()));
                          }},
               value);
  }

  void bind(Statement& query, int index, Bound bound) {
    switch (bound) {
      case Bound::kNow:
        query.bind_static(index, now_);
        break;
      case Bound::kToday:
        query.bind_static(index, today_);
        break;
      case Bound::kWho:
        query.bind_static(index, request_.who);
        break;
      case Bound::kBody:
        query.bind_static(index, request_.body);
        break;
      case Bound::kFormat:
        query.bind_static(index, names_of(request_.format).name);
        break;
      case Bound::kRandom:
        query.bind_static(index, random_);
        break;
      case Bound::kPrivateWebhooks:
        query.bind(index, std::int64_t{request_.private_webhooks});
        break;
      case Bound::kClockDifference:
        query.bind(index, std::int64_t{kClockDifferenceMax.count()});
        break;
      case Bound::kLimit:
        query.bind(index, request_.limit + 1);  // one more, to see whether there is one
        break;
    }
  }

  void read_status(const RouteStatement& statement, const Statement& row) {
    if (!statement.status) return;
    const int column = *statement.status;
    const std::int64_t status = row.type(column) == SQLITE_INTEGER ? row.integer(column) : 0;
    if (status < kStatusMin || status > kStatusMax) {
      throw Error(ErrorCode::kInternal, "http_status is not an integer from " +
                                            std::to_string(kStatusMin) + " to " +
                                            std::to_string(kStatusMax));
    }
    reply_.status = static_cast<int>(status);
  }

  void answer(const RouteStatement& statement, Statement& rows) {
    const bool many = route_.answer == Answer::kMany;
    const bool json = request_.format == Format::kJson;
    reply_.content_type = names_of(request_.format).content_type;
    std::string& body = reply_.body;
    if (request_.format == Format::kCsv) append_csv_header(body, statement.columns);
    if (json && many) body += '[';
    std::int64_t count = 0;
    std::string last_cursor;
    while (rows.step()) {
      if (route_.paged() && count == request_.limit) {
        reply_.headers.emplace_back("Link", next_link(request_.target, last_cursor));
        break;
      }
      if (json) {
        if (count > 0) body += ',';
        append_json_object(body, rows, statement.columns);
      } else if (request_.format == Format::kCsv) {
        append_csv_row(body, rows, statement.columns);
      } else {
        body = rows.blob(*statement.document);
      }
      ++count;
      read_status(statement, rows);
      if (statement.cursor) last_cursor = rows.text(*statement.cursor);
      if (!many) break;
    }
    if (!many && count == 0) throw not_found("there is nothing here by these keys");
    reply_.is_empty = count == 0;
    if (json && many) body += ']';
  }

  Database& database_;
  const Request& request_;
  const Route& route_;
  std::string now_;
  std::string today_;
  std::string random_;
  Reply reply_;
};

}  // namespace

Reply run_route(Database& database, const Request& request) {
  return RouteRun(database, request).run();
}

}  // namespace saldo::server
