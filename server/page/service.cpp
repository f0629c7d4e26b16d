#include "page/service.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>

#include "codecs/json.h"
#include "hash.h"
#include "jobs/closing.h"
#include "page/assets.h"
#include "page/search.h"
#include "page/words.h"
#include "routes/accept.h"
#include "routes/reply.h"
#include "rules/money.h"
#include "sqlite/guard.h"
#include "sqlite/value.h"
#include "store/answers.h"

namespace saldo::server {
namespace {

constexpr int kSeeOther = 303;

constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

constexpr std::string_view kAssetFolder = "/assets/";
constexpr std::string_view kSignIn = "/sign-in";
constexpr std::string_view kSignOut = "/sign-out";
constexpr std::string_view kDo = "/do";
constexpr std::string_view kAccess = "/access";

struct MenuEntry {
  std::string_view path;
  std::string_view russian;
  std::string_view english;
};
constexpr MenuEntry kMenu[] = {
    {"/", "Сегодня", "Today"},
    {"/companies", "Компании", "Companies"},
    {"/receipts", "Поступления", "Receipts"},
    {"/debtors", "Должники", "Debtors"},
    {"/documents", "Документы", "Documents"},
    {"/prices", "Цены", "Prices"},
    {"/days", "Дни", "Days"},
    {"/notices", "Уведомления", "Notices"},
    {"/access", "Доступ", "Access"},
};

constexpr std::string_view kForeignForm = "the form is not of this site";

Reply redirect(std::string_view to) {
  Reply reply{kSeeOther, "", "", {}};
  reply.headers.emplace_back("Location", std::string(to));
  return reply;
}

Reply html_reply(int status, std::string html) {
  return {status, std::string(names_of(Format::kHtml).content_type), std::move(html), {}};
}

void add_headers(Reply& reply, bool is_asset) {
  reply.headers.emplace_back("Content-Security-Policy", std::string(kContentPolicy));
  // Of HTML the transport says it.
  if (!reply.content_type.starts_with("text/html"))
    reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.headers.emplace_back("Referrer-Policy", "same-origin");
  reply.headers.emplace_back("Cache-Control",
                             is_asset ? "public, max-age=31536000, immutable" : "no-store");
  if (reply.status == status_of(ErrorCode::kOverloaded)) reply.headers.push_back(retry_after());
}

std::string field_of(const Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& field) { return field.first == name; });
  return found == fields.end() ? std::string() : found->second;
}

bool is_loopback(std::string_view host) {
  if (!host.empty() && host.front() == '[') return host.substr(0, 5) == "[::1]";
  const auto name = host.substr(0, host.find(':'));
  return name == "localhost" || name == "127.0.0.1";
}

// A form of another site is refused: what a browser says of where a request comes from.
void check_same_origin(const HttpRequest& http) {
  const auto refuse = [] { throw Error(ErrorCode::kForbidden, kForeignForm); };
  if (const auto site = http.header("Sec-Fetch-Site")) {
    if (*site != "same-origin") refuse();
    return;
  }
  const auto origin = http.header("Origin");
  const auto host = http.header("Host");
  if (!origin || !host) refuse();
  const auto scheme = origin->find("://");
  if (scheme == std::string::npos || origin->substr(scheme + 3) != *host) refuse();
}

// An error's sentence without its code.
std::string sentence_of(const Error& error) {
  const std::string what = error.what();
  const auto colon = what.find(": ");
  return colon == std::string::npos ? what : what.substr(colon + 2);
}

std::string told(const Locale& locale, const Error& error, const FormSheet& form) {
  std::string text = std::string(locale.say("page_not_done")) + " (" +
                     std::string(locale.say(error_code_name(error.code()))) + "): ";
  const auto* wrong = dynamic_cast<const ParameterErrors*>(&error);
  if (wrong == nullptr) return text + sentence_of(error);
  bool is_first = true;
  for (const auto& [name, detail] : wrong->parameters()) {
    const std::string label = form.label(name);
    text += std::exchange(is_first, false) ? "" : "; ";
    text += label.empty() ? name + " " : label + ": ";
    text += locale.say(detail);
  }
  return text;
}

// As people type sums: '1 990,00', '1990.5', '−10'; in the currency's minor units.
std::optional<std::int64_t> parse_sum(std::string_view text, int digits) {
  std::string plain;
  bool negative = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto rest = text.substr(i);
    const auto starts = [&](std::string_view with) { return rest.substr(0, with.size()) == with; };
    if (text[i] == ' ' || text[i] == '\'') continue;
    if (starts("\u00A0")) {
      ++i;
      continue;
    }
    if (starts("\u202F") || starts("₽")) {
      i += 2;
      continue;
    }
    if (text[i] == '-' || starts("\u2212")) {
      if (negative || !plain.empty()) return std::nullopt;
      negative = true;
      if (text[i] != '-') i += 2;
      continue;
    }
    plain += text[i] == ',' ? '.' : text[i];
  }
  const auto dot = std::min(plain.find('.'), plain.size());
  std::string fraction = plain.substr(std::min(dot + 1, plain.size()));
  if (dot == 0 || fraction.size() > static_cast<std::size_t>(digits)) return std::nullopt;
  if (dot + 1 == plain.size()) return std::nullopt;
  fraction.resize(static_cast<std::size_t>(digits), '0');
  const std::string all = plain.substr(0, dot) + fraction;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
  if (error != std::errc() || end != all.data() + all.size()) return std::nullopt;
  return negative ? -value : value;
}

std::string without_blanks(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = std::min(text.find_first_not_of(kBlank), text.size());
  const auto last = text.find_last_not_of(kBlank);
  return std::string(text.substr(first, last == std::string_view::npos ? 0 : last + 1 - first));
}

// A form ends the lines of a text by CR LF (HTML, constructing the entry list).
void end_lines_with_lf(std::string& text) {
  for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos; ++at)
    text.erase(at, 1);
}

// What a form sends as the body that the route takes.
class BodyOfForm {
 public:
  BodyOfForm(const Route& route, const Fields& fields, const Locale& locale)
      : route_(route),
        fields_(fields),
        digits_(minor_digits(locale.currency)),
        clears_(field_of(fields, "_clears") == "1") {}

  nlohmann::ordered_json body() {
    for (const auto& [name, value] : fields_) {
      if (name == "_money") money_.push_back(value);
    }
    for (const auto& [name, value] : fields_) {
      if (name == "_null") body_[value] = nullptr;
      if (name.substr(0, 1) == "_") continue;
      const std::string text = without_blanks(value);
      if (body_.contains(name) && body_[name].is_null()) continue;
      if (text.empty()) {
        // What is left out is as the route has it.
        if (clears_) body_[name] = nullptr;
        continue;
      }
      put(name, text);
    }
    if (!wrong_.empty()) throw ParameterErrors(ErrorCode::kInvalid, wrong_);
    return std::move(body_);
  }

 private:
  // "tiers.0.monthly_fee" is a field of a list's first object.
  void put(const std::string& name, const std::string& text) {
    const auto first = name.find('.');
    const auto second = first == std::string::npos ? first : name.find('.', first + 1);
    const Parameter* parameter = route_.find_parameter(name.substr(0, first));
    if (second == std::string::npos) {
      body_[name] = value_of(parameter, name, text);
      return;
    }
    const std::string field = name.substr(second + 1);
    if (parameter != nullptr) {
      const auto& fields = parameter->fields;
      const auto found = std::find_if(fields.begin(), fields.end(),
                                      [&](const Parameter& each) { return each.name == field; });
      parameter = found == fields.end() ? nullptr : &*found;
    }
    // Rows that were left empty are passed over.
    auto& list = body_[name.substr(0, first)];
    const std::string place = name.substr(0, second);
    if (place != place_) {
      place_ = place;
      list.push_back(nlohmann::ordered_json::object());
    }
    list.back()[field] = value_of(parameter, name, text);
  }

  nlohmann::ordered_json value_of(const Parameter* parameter, const std::string& name,
                                  const std::string& text) {
    if (std::find(money_.begin(), money_.end(), name) != money_.end()) {
      if (const auto sum = parse_sum(text, digits_)) return *sum;
      wrong_.push_back({name, "page_no_sum"});
      return nullptr;
    }
    if (parameter != nullptr && parameter->type == Type::kValues) return values_of(text);
    const bool is_number = parameter != nullptr &&
                           (parameter->type == Type::kInteger || parameter->type == Type::kFlag);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (is_number && error == std::errc() && end == text.data() + text.size()) return value;
    return text;
  }

  // As people type a list: grace, restricted.
  static nlohmann::ordered_json values_of(const std::string& text) {
    auto values = nlohmann::ordered_json::array();
    for (std::size_t at = 0; at <= text.size();) {
      const auto comma = std::min(text.find(',', at), text.size());
      if (auto value = without_blanks(std::string_view(text).substr(at, comma - at));
          !value.empty())
        values.push_back(std::move(value));
      at = comma + 1;
    }
    return values;
  }

  const Route& route_;
  const Fields& fields_;
  int digits_;
  bool clears_;  // an empty field is null
  std::vector<std::string> money_;
  std::string place_;
  nlohmann::ordered_json body_ = nlohmann::ordered_json::object();
  std::vector<ParameterError> wrong_;
};

// A link to a page, with what a body holds of the page's parameters.
std::string with_fields(std::string link, const Route& page, const std::string& body) {
  const auto fields = nlohmann::ordered_json::parse(body, nullptr, false);
  for (const Parameter& parameter : page.parameters) {
    if (parameter.in_path || !fields.is_object() || !fields.contains(parameter.name)) continue;
    const auto& value = fields[parameter.name];
    link += link.find('?') == std::string::npos ? '?' : '&';
    link += parameter.name + "=";
    append_percent_encoded(link, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return link;
}

using ShownFacts = FactSheet::Facts;

std::string hash_of(const ShownFacts& before, const ShownFacts& after) {
  std::string text;
  for (const auto* facts : {&before, &after}) {
    for (const auto& [label, value] : *facts)
      text.append(label).append("\n").append(value).append("\n");
    text += '\f';
  }
  return sha256_hex(text);
}

// What of an answer people can read: its values by columns that have a word, without those that
// `hides` names.
ShownFacts facts_of_answer(const Locale& locale, const std::string& body,
                           const std::function<bool(const std::string&)>& hides = nullptr) {
  ShownFacts facts;
  auto answer = nlohmann::ordered_json::parse(body, nullptr, false);
  if (answer.is_array() && answer.size() == 1) answer = nlohmann::ordered_json(answer[0]);
  if (!answer.is_object()) return facts;
  for (const auto& [name, value] : answer.items()) {
    if (value.is_null() || value.is_structured()) continue;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (name == "recorded_at" || name == "recorded_by" || (hides && hides(name))) continue;
    facts.emplace_back(label_of(locale, name), shown(locale, name, text));
  }
  return facts;
}

// What was filled into a form, as its page calls it.
ShownFacts typed_facts(const Locale& locale, const Fields& fields, const FormSheet& form) {
  ShownFacts facts;
  for (const auto& [name, value] : fields) {
    const bool is_without_limit = name == "_null";
    const std::string label = form.label(is_without_limit ? value : name);
    if (value.empty() || label.empty()) continue;
    facts.emplace_back(label, is_without_limit ? std::string(locale.say("page_unlimited"))
                                               : form.value(locale, name, value));
  }
  return facts;
}

}  // namespace

// What a form asks to be done.
struct PageService::Deed {
  // The columns of its answer that are told once.
  [[nodiscard]] std::vector<std::string> secrets() const {
    std::vector<std::string> names;
    const RouteStatement* answer = route->last.answer();
    if (answer == nullptr) return names;
    for (const Column& column : answer->columns) {
      if (column.is_secret) names.push_back(column.name);
    }
    return names;
  }
  [[nodiscard]] bool is_secret(const std::string& name) const {
    const auto names = secrets();
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  // Of its answer, without these: those of a preview are not what will be recorded.
  [[nodiscard]] ShownFacts answer_facts(const Locale& locale) const {
    return facts_of_answer(locale, reply.body,
                           [&](const std::string& name) { return is_secret(name); });
  }
  // And without instants, which go on while one looks.
  [[nodiscard]] ShownFacts answer_facts_to_compare(const Locale& locale) const {
    return facts_of_answer(locale, reply.body, [&](const std::string& name) {
      const Word* const word = find_word(name);
      return word == nullptr || word->show == Show::kTime || is_secret(name);
    });
  }

  Fields fields;
  const RouteTable::Path* path = nullptr;
  const Route* route = nullptr;
  std::vector<std::string> path_values;
  std::string target;  // of the route
  Request request;
  std::string body;
  const Route* shows = nullptr;  // the page whose facts are shown
  std::string shown_link;
  std::vector<std::string> shown_values;
  Target shown_target;

  ShownFacts before;
  ShownFacts after;
  Reply reply;
  std::string seen;      // the hash of what is shown
  bool done = false;     // it was written, now or before
  bool changed = false;  // since it was shown

  [[nodiscard]] std::string field(std::string_view name) const { return field_of(fields, name); }
  [[nodiscard]] bool is_confirmed() const { return !field("_key").empty(); }
};

PageService::PageService(PageParts parts) : parts_(std::move(parts)) {
  const auto reader = parts_.readers.lend(parts_.patience);
  // A start takes as long as it takes.
  reader->set_deadline(std::chrono::steady_clock::time_point::max());
  locale_ = locale_of(*reader);
}

bool PageService::is_for(const HttpRequest& http, std::string_view path, const Route* route) {
  if (route != nullptr) return route->is_for_session();
  if (path == kDo || path == kSignIn || path == kSignOut) return true;
  if (path.substr(0, kAssetFolder.size()) == kAssetFolder) return true;
  // A browser that lost its way, but not in the API.
  return path.substr(0, 4) != "/v1/" && path.substr(0, 5) != "/pay/" &&
         http.accept.find("text/html") != std::string::npos;
}

// Cookies are for TLS, but for a server on this machine that is asked without a proxy.
std::string_view PageService::cookie_name(const HttpRequest& http) const {
  const bool is_plain = !parts_.has_tls && is_loopback(http.header("Host").value_or("")) &&
                        !http.header("X-Forwarded-For");
  return is_plain ? "saldo" : "__Host-saldo";
}

std::string PageService::cookie_of(const HttpRequest& http) const {
  const std::string name = std::string(cookie_name(http)) + "=";
  const std::string header = http.header("Cookie").value_or("");
  for (std::string_view rest = header; !rest.empty();) {
    const auto one = rest.substr(0, rest.find_first_of(";,"));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    const auto begin = std::min(one.find_first_not_of(' '), one.size());
    if (one.substr(begin, name.size()) == name) return std::string(one.substr(begin + name.size()));
  }
  return {};
}

Locale PageService::locale_of(Reader& reader) {
  Locale locale;
  auto row = reader.prepare(
      "SELECT language, currency, time_zone FROM policy"
      " WHERE valid_from <= (SELECT open_day FROM books) ORDER BY valid_from DESC LIMIT 1");
  if (row.step()) {
    locale.language = row.text(0);
    locale.currency = row.text(1);
    locale.zone = date::locate_zone(std::string(row.text(2)));
  }
  return locale;
}

PageService::Visitor PageService::meet(const HttpRequest& http, Instant now) {
  Visitor visitor;
  visitor.cookie = cookie_of(http);
  const auto reader = parts_.readers.lend(parts_.patience);
  const auto snapshot = reader->snapshot();
  visitor.locale = locale_of(*reader);
  {
    const std::lock_guard lock(locale_mutex_);
    locale_ = visitor.locale;
  }
  auto session = parts_.sessions.find(visitor.cookie, now);
  if (!session) return visitor;
  const Token* token = reader->tokens.find_hash(*reader, snapshot.integer(0), session->token_hash);
  if (token == nullptr) return visitor;
  visitor.who = token->name;
  visitor.role = token->role;
  visitor.session = std::move(session);
  visitor.frame.who = visitor.who;
  visitor.frame.may = [this, role = visitor.role](std::string_view method, std::string_view link) {
    std::vector<std::string> values;
    const auto* path = parts_.routes.find(parse_target(link).parts, values);
    const Route* route = path == nullptr ? nullptr : path->find(method);
    return route == nullptr || is_allowed(role, route->role);
  };
  for (const auto& entry : kMenu) {
    std::vector<std::string> values;
    const auto* path = parts_.routes.find(parse_target(entry.path).parts, values);
    const Route* route = path == nullptr ? nullptr : path->find("GET");
    if (route == nullptr || !route->is_for_session() || !is_allowed(visitor.role, route->role))
      continue;
    visitor.frame.menu.push_back(
        {std::string(entry.path),
         std::string(visitor.locale.language == "ru" ? entry.russian : entry.english)});
  }
  return visitor;
}

bool PageService::may_upload(const HttpRequest& http) {
  Request request;
  parts_.set_now(http, request);
  return meet(http, request.now).session.has_value();
}

Reply PageService::answer(const HttpRequest& http, const Target& target, const Route* route,
                          const std::vector<std::string>& path_values, std::string& who,
                          const Route*& logged) {
  if (target.path.substr(0, kAssetFolder.size()) == kAssetFolder) {
    for (const Asset& asset : kAssets) {
      if (asset.path != target.path) continue;
      Reply reply{
          200, std::string(asset.content_type) + "; charset=utf-8", std::string(asset.content), {}};
      add_headers(reply, true);
      return reply;
    }
  }
  Request request;
  parts_.set_now(http, request);
  Visitor visitor = meet(http, request.now);
  who = visitor.who;
  Reply reply;
  try {
    reply = respond(http, target, route, path_values, visitor, logged);
  } catch (const Error& error) {
    // What is our own fault is told to the log, too, by whoever asked for the answer.
    if (error.code() == ErrorCode::kInternal) throw;
    reply = error_page(visitor, error);
  } catch (const SqliteError& error) {
    const Error known = error_of(error);
    if (status_of(known.code()) == status_of(ErrorCode::kInternal)) throw;
    reply = error_page(visitor, known);
  }
  add_headers(reply, false);
  return reply;
}

Reply PageService::respond(const HttpRequest& http, const Target& target, const Route* route,
                           const std::vector<std::string>& path_values, Visitor& visitor,
                           const Route*& logged) {
  const bool is_post = http.method == "POST";
  if (is_post && target.path == kSignIn) return sign_in(http, visitor);
  if (is_post && target.path == kSignOut) return sign_out(http, visitor);
  const bool is_public = route != nullptr && route->role == Role::kNone;
  if (!visitor.session && !is_public) {
    std::string to(kSignIn);
    // What was sent is not done; one goes on where it was filled in.
    const Fields sent = !is_post             ? Fields()
                        : http.parts.empty() ? parse_form(http.body)
                                             : http.parts;
    const std::string back = is_post ? field_of(sent, "_form") : std::string(http.target);
    if (is_post) to += "?lost=1";
    if (!back.empty() && back != "/") {
      to += is_post ? "&to=" : "?to=";
      append_percent_encoded(to, back);
    }
    return redirect(to);
  }
  if (is_post && target.path == kDo) return act(http, visitor, logged);
  if (route == nullptr) throw not_found("");
  logged = route;
  if (!is_allowed(visitor.role, route->role)) {
    // Whoever may not see the first page begins with one that they may.
    if (target.path == "/" && !visitor.frame.menu.empty())
      return redirect(visitor.frame.menu.front().path);
    throw Error(ErrorCode::kForbidden, "");
  }
  if (visitor.session && !visitor.session->notice.empty()) {
    visitor.frame.notice = visitor.session->notice;
    parts_.sessions.clear_notice(*visitor.session);
  }
  visitor.frame.target = http.target;
  return show(http, target, *route, path_values, visitor);
}

Request PageService::request_for(const HttpRequest& http, const Visitor& visitor,
                                 const Route& route, Target target) const {
  Request request;
  request.route = &route;
  request.target = std::move(target);
  request.target.query = parse_form(request.target.raw_query);
  request.who = visitor.who;
  request.private_webhooks = parts_.private_webhooks;
  request.format = route.gives.front();
  parts_.set_now(http, request);
  return request;
}

Reply PageService::show(const HttpRequest& http, const Target& target, const Route& route,
                        const std::vector<std::string>& path_values, const Visitor& visitor) {
  Request request = request_for(http, visitor, route, target);
  read_parameters(request, path_values, "");
  const auto reader = parts_.readers.lend(parts_.patience);
  const auto snapshot = reader->snapshot();
  reader->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
  if (!route.is_page()) return run_part(*reader, request, route.last);
  Page page(visitor.locale, visitor.frame);
  run_page(*reader, request, page);
  return html_reply(200, page.html());
}

Reply PageService::sign_in(const HttpRequest& http, Visitor& visitor) {
  check_same_origin(http);
  const Fields fields = parse_form(http.body);
  const std::string token = without_blanks(field_of(fields, "token"));
  const std::string to = field_of(fields, "to");
  Request request;
  parts_.set_now(http, request);
  std::string name;
  {
    const auto reader = parts_.readers.lend(parts_.patience);
    const auto snapshot = reader->snapshot();
    const Token* known = reader->tokens.find(*reader, snapshot.integer(0), token);
    if (known == nullptr) {
      visitor.frame.problem = visitor.locale.say("page_wrong_token");
      std::vector<std::string> values;
      const auto* path = parts_.routes.find(parse_target(kSignIn).parts, values);
      std::string where(kSignIn);
      if (!to.empty()) {
        where += "?to=";
        append_percent_encoded(where, to);
      }
      Target again = parse_target(where);
      Reply reply = show(http, again, *path->find("GET"), values, visitor);
      reply.status = status_of(ErrorCode::kForbidden);
      return reply;
    }
    name = known->name;
  }
  // Whoever was signed in with this browser is no longer.
  if (!visitor.cookie.empty()) parts_.sessions.end(visitor.cookie);
  const std::string cookie = parts_.sessions.begin(name, sha256_hex(token), request.now);
  const bool has_page = own_link(to) != "#" && to.front() == '/';
  Reply reply = redirect(has_page ? to : "/");
  const auto cookie_is = cookie_name(http);
  reply.headers.emplace_back(
      "Set-Cookie", std::string(cookie_is) + "=" + cookie + "; Path=/; HttpOnly; SameSite=Lax" +
                        (cookie_is == "saldo" ? "" : "; Secure") +
                        "; Max-Age=" + std::to_string(seconds(kSessionLength).count()));
  return reply;
}

Reply PageService::sign_out(const HttpRequest& http, const Visitor& visitor) {
  check_same_origin(http);
  // Another's is ended by whoever may see them, and one's own in this way, too.
  const std::string other = field_of(parse_form(http.body), "session");
  if (!other.empty()) {
    if (!visitor.session || !is_allowed(visitor.role, Role::kAdmin))
      throw Error(ErrorCode::kForbidden, "");
    parts_.sessions.end_of(other);
    parts_.sessions.set_notice(*visitor.session, visitor.locale.say("page_session_ended"));
    return redirect(kAccess);
  }
  if (!visitor.cookie.empty()) parts_.sessions.end(visitor.cookie);
  Reply reply = redirect(kSignIn);
  const auto name = cookie_name(http);
  reply.headers.emplace_back("Set-Cookie", std::string(name) + "=; Path=/; HttpOnly; SameSite=Lax" +
                                               (name == "saldo" ? "" : "; Secure") + "; Max-Age=0");
  return reply;
}

Reply PageService::act(const HttpRequest& http, Visitor& visitor, const Route*& logged) {
  check_same_origin(http);
  Deed deed;
  deed.fields = http.parts.empty() ? parse_form(http.body) : http.parts;
  for (auto& [name, value] : deed.fields) {
    if (name != "file") end_lines_with_lf(value);
  }
  const std::string writes = deed.field("_writes");
  const auto space = std::min(writes.find(' '), writes.size());
  const std::string method = writes.substr(0, space);
  deed.target = writes.substr(std::min(space + 1, writes.size()));
  const auto again = [&](const Error& error) {
    return show_form_again(http, visitor, deed.fields,
                           told(visitor.locale, error, form_of(http, visitor, deed.fields)),
                           status_of(error.code()));
  };
  try {
    Target target = parse_target(deed.target);
    deed.path = parts_.routes.find(target.parts, deed.path_values);
    deed.route = deed.path == nullptr ? nullptr : deed.path->find(method);
    // What a form does besides is sending something, or making the server begin something.
    const bool calls = deed.route != nullptr && deed.route->calls && method == "POST" &&
                       *deed.route->calls != BuiltIn::kSql;
    const bool is_writing = deed.route != nullptr && deed.route->writes &&
                            deed.route->auth == Auth::kToken && deed.route->protocol.empty() &&
                            !deed.route->asking.exists();
    if (!is_writing && !calls)
      throw not_found("a form writes through a route that writes to the books");
    logged = deed.route;
    if (!is_allowed(visitor.role, deed.route->role)) {
      throw Error(ErrorCode::kForbidden,
                  std::string(visitor.locale.say("page_takes_role")) +
                      std::string(visitor.locale.say(role_name(deed.route->role))));
    }
    if (deed.route->takes_statement) {
      deed.body = deed.is_confirmed() ? parts_.sessions.kept(*visitor.session, deed.field("_kept"))
                                      : deed.field("file");
      if (deed.body.empty()) throw invalid(visitor.locale.say("page_no_file"));
    } else if (deed.route->has_fields_in_body()) {
      deed.body = BodyOfForm(*deed.route, deed.fields, visitor.locale).body().dump();
    } else {
      const auto body = BodyOfForm(*deed.route, deed.fields, visitor.locale).body();
      for (const auto& [name, value] : body.items()) {
        deed.target += deed.target.find('?') == std::string::npos ? '?' : '&';
        deed.target += name + "=";
        append_percent_encoded(deed.target,
                               value.is_string() ? value.get<std::string>() : value.dump());
      }
    }
    deed.request = request_for(http, visitor, *deed.route, parse_target(deed.target));
    deed.request.body = deed.body;
    read_parameters(deed.request, deed.path_values, "");
    if (calls) {
      deed.reply = parts_.call(deed.request);
      return result(visitor, deed, "page_result");
    }
    deed.shown_link = deed.field("_shows");
    if (!deed.shown_link.empty()) {
      deed.shows = page_for(visitor, deed.shown_link, deed.shown_target, deed.shown_values);
      if (deed.shows == nullptr || deed.shows->facts == Facts::kNone)
        throw not_found("there is no page of facts " + deed.shown_link);
      if (deed.shows->facts == Facts::kForm) {
        deed.shown_link = with_fields(deed.shown_link, *deed.shows, deed.body);
        deed.shown_target = parse_target(deed.shown_link);
      }
    }
    if (deed.route->has_parts_before()) parts_.read_before(http, deed.request, *deed.path);
    return do_deed(http, visitor, deed);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return again(error);
  } catch (const SqliteError& error) {
    const Error known = error_of(error);
    if (status_of(known.code()) == 500) throw;
    return again(known);
  }
}

// In one transaction, with what a page shows before and after.
void PageService::do_at_once(const HttpRequest& http, const Visitor& visitor, Deed& deed,
                             const std::optional<AnswerKey>& answer_key) {
  std::optional<Request> sight;
  if (deed.shows != nullptr) {
    sight = request_for(http, visitor, *deed.shows, deed.shown_target);
    read_parameters(*sight, deed.shown_values, "");
  }
  const bool is_of_form = sight && deed.shows->facts == Facts::kForm;
  if (is_of_form) {
    // That may take long: no write waits for it.
    FactSheet sheet(visitor.locale);
    const auto reader = parts_.readers.lend(parts_.patience);
    const auto snapshot = reader->snapshot();
    reader->set_now(sight->has_own_now ? std::optional(sight->now) : std::nullopt);
    run_page(*reader, *sight, sheet);
    deed.before = sheet.before();
    deed.after = sheet.facts();
  }
  const auto facts = [&](Database& database) {
    FactSheet sheet(visitor.locale);
    if (sight) {
      sight->now = deed.request.now;
      run_page(database, *sight, sheet);
    }
    return sheet.facts();
  };
  if (!deed.request.rows.empty()) deed.request.row = deed.request.rows.front();
  const bool is_done_here = answer_key && !parts_.replicate;
  try {
    parts_.writer.write([&](Database& database) {
      if (answer_key && replay(database, deed, *answer_key)) return;
      // The clock is read again: the write may have waited behind the closing of a day.
      parts_.set_now(http, deed.request);
      database.set_now(deed.request.has_own_now ? std::optional(deed.request.now) : std::nullopt);
      if (!is_of_form) deed.before = facts(database);
      deed.reply = run_part(database, deed.request, deed.route->last);
      if (!is_of_form) deed.after = facts(database);
      // A form that shows no page is judged by what the route answers.
      deed.seen = deed.shows != nullptr ? hash_of(deed.before, deed.after)
                                        : hash_of({}, deed.answer_facts_to_compare(visitor.locale));
      deed.changed = answer_key && deed.seen != deed.field("_seen");
      if (!is_done_here || deed.changed || deed.reply.status >= 300) throw Undo();
      keep_answer(database, deed, *answer_key);
    });
  } catch (const Undo&) {
    deed.done = false;
  }
  if (answer_key && parts_.replicate && !deed.done && !deed.changed && deed.reply.status < 300)
    replicate(deed, *answer_key, true);
}

// What was tried here is done by the log.
void PageService::replicate(Deed& deed, const AnswerKey& key, bool is_last) const {
  deed.reply = parts_.replicate(deed.request, key, is_last);
  deed.done = is_last && deed.reply.status < 300;
}

// Many rows, such as the pieces of a large statement: each in a transaction of its own, as by the
// API, so that other writes do not wait for all. The answer alone is shown.
void PageService::do_in_pieces(const HttpRequest& http, const Visitor& visitor, Deed& deed,
                               const std::optional<AnswerKey>& answer_key) {
  const auto run = [&](bool dry_run) {
    deed.request.so_far.reset();
    for (std::size_t i = 0; i < deed.request.rows.size(); ++i) {
      deed.request.row = deed.request.rows[i];
      const bool is_last = i + 1 == deed.request.rows.size();
      try {
        if (!dry_run && parts_.replicate) {
          replicate(deed, *answer_key, is_last);
          if (deed.reply.is_stored) deed.done = true;
          if (deed.done || deed.reply.status >= 300) return;
          deed.request.so_far = deed.reply.so_far;
          continue;
        }
        parts_.writer.write([&](Database& database) {
          if (answer_key && replay(database, deed, *answer_key)) return;
          parts_.set_now(http, deed.request);
          database.set_now(deed.request.has_own_now ? std::optional(deed.request.now)
                                                    : std::nullopt);
          deed.reply = run_part(database, deed.request, deed.route->last);
          if (dry_run || deed.reply.status >= 300) throw Undo();
          if (is_last) keep_answer(database, deed, *answer_key);
        });
      } catch (const Undo&) {
        deed.done = false;
      }
      if (deed.done || deed.reply.status >= 300) return;
      deed.request.so_far = deed.reply.so_far;
    }
  };
  run(true);
  if (deed.done || deed.reply.status >= 300) return;
  deed.seen = hash_of({}, facts_of_answer(visitor.locale, deed.reply.body));
  deed.changed = answer_key && deed.seen != deed.field("_seen");
  if (answer_key && !deed.changed) run(false);
}

// Whether it was done under its key before.
bool PageService::replay(Database& database, Deed& deed, const AnswerKey& key) {
  auto stored = find_reply(database, key);
  if (!stored) return false;
  deed.reply = *std::move(stored);
  deed.done = true;
  return true;
}

void PageService::keep_answer(Database& database, Deed& deed, const AnswerKey& key) {
  store_reply(database, key, deed.reply, deed.request.now);
  deed.done = true;
}

Reply PageService::do_deed(const HttpRequest& http, Visitor& visitor, Deed& deed) {
  const std::string key = deed.field("_key");
  std::optional<AnswerKey> answer_key;
  if (deed.is_confirmed()) {
    answer_key =
        AnswerKey{visitor.who, deed.route->method, deed.target, key, sha256_hex(deed.body)};
  }
  if (deed.request.rows.size() > 1) {
    do_in_pieces(http, visitor, deed, answer_key);
  } else {
    do_at_once(http, visitor, deed, answer_key);
  }
  if (deed.reply.status >= 300)
    throw Error(ErrorCode::kConflict, "the route answers " + std::to_string(deed.reply.status));
  if (!deed.done) {
    if (deed.route->takes_statement && !deed.is_confirmed())
      deed.fields.emplace_back("_kept", parts_.sessions.keep(*visitor.session, deed.body));
    return preview(visitor, deed, form_of(http, visitor, deed.fields),
                   deed.changed ? std::string(visitor.locale.say("page_changed")) : "");
  }
  if (deed.field("_secret") == "1") {
    const bool is_gone = deed.reply.is_stored && !deed.secrets().empty();
    return result(visitor, deed, is_gone ? "page_secret_gone" : "page_secret");
  }
  parts_.sessions.set_notice(*visitor.session, visitor.locale.say("page_done"));
  return redirect(place_behind(visitor, deed.fields));
}

// Null: there is none, or it is not for this role.
const Route* PageService::page_for(const Visitor& visitor, std::string_view link, Target& target,
                                   std::vector<std::string>& values) const {
  if (link.substr(0, 1) != "/" || own_link(link) != link) return nullptr;
  target = parse_target(link);
  const auto* path = parts_.routes.find(target.parts, values);
  const Route* route = path == nullptr ? nullptr : path->find("GET");
  const bool is_open =
      route != nullptr && route->is_page() && is_allowed(visitor.role, route->role);
  return is_open ? route : nullptr;
}

// Where one goes from a form: the place behind it, or where it stands.
std::string PageService::place_behind(const Visitor& visitor, const Fields& fields) const {
  for (const auto* name : {"_back", "_form"}) {
    std::string at = field_of(fields, name);
    Target target;
    std::vector<std::string> values;
    if (page_for(visitor, at, target, values) != nullptr) return at;
  }
  return "/";
}

// As the page has it that it was sent from; empty where that is not there any more.
FormSheet PageService::form_of(const HttpRequest& http, const Visitor& visitor,
                               const Fields& fields) {
  FormSheet form(field_of(fields, "_writes"), field_of(fields, "_title"));
  const std::string at = field_of(fields, "_form");  // target's parts lie in it
  Target target;
  std::vector<std::string> values;
  const Route* route = page_for(visitor, at, target, values);
  if (route == nullptr) return form;
  try {
    Request request = request_for(http, visitor, *route, target);
    read_parameters(request, values, "");
    const auto reader = parts_.readers.lend(parts_.patience);
    const auto snapshot = reader->snapshot();
    reader->set_now(request.has_own_now ? std::optional(request.now) : std::nullopt);
    run_page(*reader, request, form);
  } catch (const Error& error) {
    // What it was sent from is gone.
    if (status_of(error.code()) >= 500) throw;
  } catch (const SqliteError& error) {
    if (status_of(error_of(error).code()) >= 500) throw;
  }
  return form;
}

Reply PageService::preview(const Visitor& visitor, const Deed& deed, const FormSheet& form,
                           const std::string& problem) {
  Frame frame = visitor.frame;
  frame.problem = problem;
  for (const auto& field : deed.fields) {
    if (field.first != "_key" && field.first != "_seen" && field.first != "file")
      frame.given.push_back(field);
  }
  frame.given.emplace_back("_key", random_name());
  frame.given.emplace_back("_seen", deed.seen);
  const std::string back = place_behind(visitor, deed.fields);
  Page page(visitor.locale, frame);
  page.row({{"component", "shell"}, {"title", deed.field("_title")}, {"place", back}});
  page.row({{"component", "confirm"},
            {"text", std::string(visitor.locale.say("page_check"))},
            {"back", back}});
  for (const auto& [label, value] : typed_facts(visitor.locale, deed.fields, form))
    page.row({{"label", label}, {"before", std::string()}, {"after", value}});
  std::size_t place = 0;
  for (const auto& [label, value] : deed.after) {
    // Facts that both have stand side by side.
    const auto old =
        std::find_if(deed.before.begin(), deed.before.end(),
                     [&, &name = label](const auto& fact) { return fact.first == name; });
    page.row({{"label", label},
              {"before", old == deed.before.end() ? std::string() : old->second},
              {"after", value}});
    ++place;
  }
  if (place == 0 || deed.route->takes_statement) {
    for (const auto& [label, value] : deed.answer_facts(visitor.locale))
      page.row({{"label", label}, {"before", std::string()}, {"after", value}});
  }
  return html_reply(200, page.html());
}

// The answer itself, for what is shown once.
Reply PageService::result(const Visitor& visitor, const Deed& deed, std::string_view told) {
  Page page(visitor.locale, visitor.frame);
  const std::string back = place_behind(visitor, deed.fields);
  page.row({{"component", "shell"}, {"title", deed.field("_title")}, {"place", back}});
  page.row({{"component", "banner"},
            {"kind", told == "page_result" ? "info" : "warning"},
            {"text", std::string(visitor.locale.say(told))},
            {"link", back},
            {"label", std::string(visitor.locale.say("page_back"))}});
  page.row({{"component", "facts"}});
  for (const auto& [label, value] : facts_of_answer(visitor.locale, deed.reply.body))
    page.row({{"label", label}, {"value", value}});
  return html_reply(200, page.html());
}

Reply PageService::show_form_again(const HttpRequest& http, Visitor& visitor, const Fields& fields,
                                   const std::string& problem, int status) {
  visitor.frame.problem = problem;
  for (const std::string& at :
       {field_of(fields, "_form"), field_of(fields, "_back"), std::string("/")}) {
    Target target;
    std::vector<std::string> values;
    const Route* route = page_for(visitor, at, target, values);
    if (route == nullptr) continue;
    visitor.frame.given = fields;
    visitor.frame.target = at;
    Reply reply = show(http, target, *route, values, visitor);
    reply.status = status;
    return reply;
  }
  throw invalid(problem);
}

Reply PageService::refused(const Error& error) {
  // No connection is asked for, as there may be none: the language is that of the last page.
  Visitor nobody;
  {
    const std::lock_guard lock(locale_mutex_);
    nobody.locale = locale_;
  }
  Reply reply = error_page(nobody, error);
  add_headers(reply, false);
  return reply;
}

Reply PageService::error_page(const Visitor& visitor, const Error& error) {
  const bool is_missing = error.code() == ErrorCode::kNotFound && sentence_of(error).empty();
  Page page(visitor.locale, visitor.frame);
  page.row({{"component", "shell"},
            {"title", std::string(visitor.locale.say(is_missing ? "page_no_page" : "page_wrong"))},
            {"place", ""}});
  std::string text(visitor.locale.say(error_code_name(error.code())));
  if (const auto sentence = sentence_of(error); !sentence.empty()) text += ": " + sentence;
  if (sentence_of(error) == kForeignForm) text = visitor.locale.say("page_from_another_site");
  page.row({{"component", "banner"}, {"kind", "error"}, {"text", text}});
  return html_reply(status_of(error.code()), page.html());
}

namespace {

using PageFunction = void (*)(const PageSources& sources, sqlite3_context* result,
                              sqlite3_value** arguments);

void answer_open_sessions(const PageSources& sources, sqlite3_context* result,
                          sqlite3_value** arguments) {
  const auto now = parse_instant(value_text(arguments[0]));
  if (sources.sessions != nullptr && now) result_text(result, sources.sessions->list(*now));
}

void answer_found_accounts(const PageSources& sources, sqlite3_context* result,
                           sqlite3_value** arguments) {
  if (sources.index == nullptr) return;
  const auto count = sqlite3_value_int64(arguments[2]);
  const nlohmann::json found = sources.index->find(
      without_blanks(value_text(arguments[0])), sqlite3_value_int64(arguments[1]),
      static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  result_text(result, found.dump());
}

void answer_figures(const PageSources& sources, sqlite3_context* result,
                    sqlite3_value** arguments) {
  const auto now = parse_instant(value_text(arguments[1]));
  if (sources.figures == nullptr || !now) return;
  result_text(result, sources.figures->get(value_text(arguments[0]),
                                           sqlite3_context_db_handle(result), *now));
}

void answer_last_audit(const PageSources& sources, sqlite3_context* result,
                       sqlite3_value** /*arguments*/) {
  if (sources.audits != nullptr) result_text(result, sources.audits->last());
}

void answer_overdue_days(const PageSources& sources, sqlite3_context* result,
                         sqlite3_value** /*arguments*/) {
  sqlite3_result_int64(
      result, overdue_days(sqlite3_context_db_handle(result), sources.close_after, clock_now()));
}

void answer_in_units(const PageSources& /*sources*/, sqlite3_context* result,
                     sqlite3_value** arguments) {
  if (sqlite3_value_type(arguments[0]) == SQLITE_NULL) return;
  const Locale locale{std::string(value_text(arguments[2])), std::string(value_text(arguments[1])),
                      nullptr};
  result_text(result, typed_money(locale, std::to_string(sqlite3_value_int64(arguments[0]))));
}

template <PageFunction answer>
void call_page_function(sqlite3_context* result, int /*count*/, sqlite3_value** arguments) {
  guard_function(result, [&] {
    answer(*static_cast<const PageSources*>(sqlite3_user_data(result)), result, arguments);
  });
}

struct RegisteredFunction {
  const char* name;
  int arguments;
  void (*call)(sqlite3_context*, int, sqlite3_value**);
};

constexpr RegisteredFunction kPageFunctions[] = {
    {"open_sessions", 1, call_page_function<answer_open_sessions>},
    {"found_accounts", 3, call_page_function<answer_found_accounts>},
    {"figures", 2, call_page_function<answer_figures>},
    {"last_audit", 0, call_page_function<answer_last_audit>},
    {"in_units", 3, call_page_function<answer_in_units>},
    {"overdue_days", 0, call_page_function<answer_overdue_days>},
};

}  // namespace

void register_page_functions(sqlite3* db, const PageSources* sources) {
  for (const auto& function : kPageFunctions) {
    if (sqlite3_create_function_v2(db, function.name, function.arguments,
                                   SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                   const_cast<PageSources*>(sources), function.call, nullptr,
                                   nullptr, nullptr) != SQLITE_OK)
      throw SqliteError(db);
  }
}

}  // namespace saldo::server
