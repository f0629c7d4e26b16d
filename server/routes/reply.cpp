#include "routes/reply.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "codecs/base64.h"
#include "codecs/charset.h"
#include "codecs/csv.h"
#include "codecs/json.h"
#include "hash.h"
#include "page/components.h"
#include "store/tokens.h"

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

// The same request, to go on behind `cursor`.
std::string next_target(const Target& target, std::string_view cursor) {
  std::string link;
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
  return link;
}

// RFC 6266; what a name may not hold without being quoted becomes '_'.
std::string disposition_of(std::string_view file_name) {
  std::string text = "inline; filename=\"";
  for (const char c : file_name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    text += is_plain ? c : '_';
  }
  return text + '"';
}

// As by RFC 9110 the media type's parameter says it.
std::string content_type_of(const Route& route, Format format) {
  const FormatNames& names = names_of(format);
  if (route.charset == Charset::kUtf8) return std::string(names.content_type);
  return std::string(names.media_type) + "; charset=windows-1251";
}

class PartRun {
 public:
  PartRun(Connection& database, const Request& request, const RoutePart& part)
      : database_(database),
        request_(request),
        route_(*request.route),
        part_(part),
        now_(format_instant(request.now)) {
    if (part.uses(Bound::kRandom))
      random_ = request.random.empty() ? random_bytes() : request.random;
    if (part.uses(Bound::kNewToken) || part.uses(Bound::kNewTokenHash))
      new_token_ = request.new_token ? *request.new_token : make_new_token();
    if (!part.uses(Bound::kToday)) return;
    auto today = database.prepare("SELECT billing_day(?1)");
    today.bind_static(1, now_);
    if (today.step()) today_ = today.text(0);
  }

  Reply run() {
    reply_.status = route_.answer == Answer::kNone ? 204 : 200;
    for (std::size_t i = 0; i < part_.statements.size(); ++i) {
      const RouteStatement& statement = part_.statements[i];
      auto rows = bound(statement);
      if (i == part_.answering) {
        answer(statement, rows);
      } else {
        while (rows.step()) read_hidden(statement, rows);
      }
    }
    return finished();
  }

  template <typename Sheet>
  void show(Sheet& sheet) {
    for (const RouteStatement& statement : part_.statements) {
      auto rows = bound(statement);
      std::vector<std::string> names;
      for (const Column& column : statement.columns) names.push_back(column.name);
      if (!names.empty()) sheet.columns(names);
      std::int64_t count = 0;
      std::string last_cursor;
      while (rows.step()) {
        if (statement.cursor && count++ == request_.limit) {
          sheet.next_link(next_target(request_.target, last_cursor));
          break;
        }
        if (statement.cursor) last_cursor = rows.text(*statement.cursor);
        std::vector<std::pair<std::string, std::optional<std::string>>> row;
        for (const Column& column : statement.columns) {
          auto& cell = row.emplace_back(column.name, std::nullopt);
          if (!rows.is_null(column.index)) cell.second = std::string(rows.text(column.index));
        }
        if (!row.empty()) sheet.row(std::move(row));
      }
    }
  }

  // At most `rows_max`; a document is the last.
  std::vector<PartRow> rows(std::size_t rows_max) {
    std::vector<PartRow> found;
    for (std::size_t i = 0; i < part_.statements.size(); ++i) {
      const RouteStatement& statement = part_.statements[i];
      auto rows = bound(statement);
      if (i != part_.answering) {
        while (rows.step()) {
        }
        continue;
      }
      while (found.size() < rows_max && rows.step()) {
        found.push_back(row_of(statement, rows));
        if (found.back().reply) return found;
      }
    }
    return found;
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
                          [&](ColumnOf of) { bind(query, index, request_.row[of.column]); },
                          [&](Bound bound) { bind(query, index, bound); }},
               source);
  }

  void bind(Statement& query, int index, const Value& value) {
    std::visit(Overloaded{[&](std::monostate) { query.bind_null(index); },
                          [&](std::int64_t integer) { query.bind(index, integer); },
                          [&](const std::string& text) { query.bind_static(index, text); },
                          [&](RequestInstant) { query.bind_static(index, now_); },
                          [&](const std::shared_ptr<const nlohmann::json>& values) {
                            query.bind(index, std::string_view(values->dump()));
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
      case Bound::kNewToken:
        if (new_token_.token) {
          query.bind_static(index, *new_token_.token);
        } else {
          query.bind_null(index);
        }
        break;
      case Bound::kNewTokenHash:
        query.bind_static(index, new_token_.hash);
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
      case Bound::kQuery:
        query.bind_static(index, request_.target.raw_query);
        break;
      case Bound::kAskedStatus:
        request_.asked ? query.bind(index, std::int64_t{request_.asked->status})
                       : query.bind_null(index);
        break;
      case Bound::kAsked:
        request_.asked ? query.bind_static(index, request_.asked->body) : query.bind_null(index);
        break;
      case Bound::kFailure:
        query.bind_static(index, error_code_name(*request_.failure));
        break;
      case Bound::kStatus:
        query.bind(index, std::int64_t{status_of(*request_.failure)});
        break;
      case Bound::kSoFar:
        request_.so_far ? query.bind_static(index, *request_.so_far) : query.bind_null(index);
        break;
    }
  }

  Reply finished() {
    if (has_no_body(reply_.status)) {
      reply_.content_type.clear();
      reply_.body.clear();
    }
    return std::move(reply_);
  }

  PartRow row_of(const RouteStatement& statement, const Statement& row) {
    PartRow found;
    if (statement.document && !row.is_null(*statement.document)) {
      read_hidden(statement, row);
      read_document(statement, row);
      found.reply = finished();
      return found;
    }
    for (const Column& column : statement.columns) {
      switch (row.type(column.index)) {
        case SQLITE_NULL:
          found.values.emplace_back();
          break;
        case SQLITE_INTEGER:
          found.values.emplace_back(row.integer(column.index));
          break;
        case SQLITE_TEXT:
          found.values.emplace_back(std::string(row.text(column.index)));
          break;
        default:
          // So that the row is the same as JSON.
          throw Error(ErrorCode::kInternal,
                      column.name + " of a row that goes on is no integer, text or null");
      }
    }
    return found;
  }

  void read_document(const RouteStatement& statement, const Statement& row) {
    const Format format = route_.is_payment() ? route_.gives.front() : request_.format;
    reply_.content_type = content_type_of(route_, format);
    reply_.body = row.blob(*statement.document);
    if (route_.charset == Charset::kWindows1251) {
      reply_.body = to_windows_1251(reply_.body, format == Format::kXml || format == Format::kHtml);
    }
  }

  void read_hidden(const RouteStatement& statement, const Statement& row) {
    if (statement.conflict && row.integer(*statement.conflict) != 0) reply_.is_conflict = true;
    if (statement.warning) reply_.warning = row.text(*statement.warning);
    if (statement.so_far) reply_.so_far = row.text(*statement.so_far);
    if (statement.file_name && !row.is_null(*statement.file_name)) {
      reply_.headers.emplace_back("Content-Disposition",
                                  disposition_of(row.text(*statement.file_name)));
    }
    read_status(statement, row);
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
    const bool as_json = request_.format == Format::kJson && !route_.is_payment();
    reply_.content_type = names_of(request_.format).content_type;
    std::string& body = reply_.body;
    if (request_.format == Format::kCsv) append_csv_header(body, statement.columns);
    if (as_json && many) body += '[';
    std::int64_t count = 0;
    std::string last_cursor;
    while (rows.step()) {
      if (route_.paged() && count == request_.limit) {
        // RFC 8288.
        reply_.headers.emplace_back(
            "Link", "<" + next_target(request_.target, last_cursor) + ">; rel=\"next\"");
        break;
      }
      if (as_json) {
        if (count > 0) body += ',';
        append_json_object(body, rows, statement.columns);
        keep_without_secrets(statement, rows);
      } else if (request_.format == Format::kCsv) {
        append_csv_row(body, rows, statement.columns);
      } else {
        read_document(statement, rows);
      }
      ++count;
      read_hidden(statement, rows);
      if (statement.cursor) last_cursor = rows.text(*statement.cursor);
      if (!many) break;
    }
    if (!many && count == 0) throw no_row(route_);
    reply_.is_empty = count == 0;
    if (as_json && many) body += ']';
  }

  void keep_without_secrets(const RouteStatement& statement, const Statement& row) {
    const auto& columns = statement.columns;
    if (std::none_of(columns.begin(), columns.end(),
                     [](const Column& column) { return column.is_secret; }))
      return;
    append_json_object(reply_.kept.emplace(), row, columns, false);
  }

  Connection& database_;
  const Request& request_;
  const Route& route_;
  const RoutePart& part_;
  std::string now_;
  std::string today_;
  std::string random_;
  NewToken new_token_;
  Reply reply_;
};

}  // namespace

std::string random_bytes() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("the system has no randomness to give");
  std::string text;
  append_base64(text, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return text;
}

NewToken make_new_token() {
  const auto token = random_token();
  return {token, sha256_hex(token)};
}

std::optional<Reply> find_reply(Database& database, const AnswerKey& key) {
  auto stored = find_answer(database, key);
  if (!stored) return std::nullopt;
  Reply reply{stored->status, std::move(stored->content_type), std::move(stored->body), {}};
  reply.is_stored = true;
  return reply;
}

void store_reply(Database& database, const AnswerKey& key, const Reply& reply, Instant now) {
  store_answer(database, key, {reply.status, reply.content_type, reply.body_to_keep()},
               format_instant(now));
}

Error no_row(const Route& route) {
  if (!route.is_payment()) return not_found("there is nothing here by these keys");
  return {ErrorCode::kUnauthorized, "the signature is wrong, or there is none"};
}

Reply run_part(Connection& database, const Request& request, const RoutePart& part) {
  return PartRun(database, request, part).run();
}

template <typename Sheet>
void run_page(Connection& database, const Request& request, Sheet& sheet) {
  PartRun(database, request, request.route->last).show(sheet);
}
template void run_page<Page>(Connection&, const Request&, Page&);
template void run_page<FactSheet>(Connection&, const Request&, FactSheet&);
template void run_page<FormSheet>(Connection&, const Request&, FormSheet&);

std::vector<PartRow> read_rows(Connection& database, const Request& request, const RoutePart& part,
                               std::size_t rows_max) {
  auto rows = PartRun(database, request, part).rows(rows_max);
  if (rows.empty()) throw no_row(*request.route);
  return rows;
}

}  // namespace saldo::server
