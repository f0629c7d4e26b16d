// What people are told, and how (sql/notices.sql, N1 to N5):
//
//   saldo_post_notices()
//       posts what is due at notice_clock.at; the trigger of notice_clock calls it
//   notice_warning(account_id, at)
//       N2: the warning whose condition holds at that instant; NULL: none
//   top_up(account_id, at, until [, employees])
//       N5; NULL: no amount is enough, or the state is none that money changes
//   saldo_fill_template(template, language, values)
//       the template filled (rules/notice_text.h); `values` is a JSON object by the placeholders'
//       words: amounts and counts as integers, instants and days as texts; what is null or not
//       there is missing. In pay_url, {account_id} stands for the account_id. `at` is none of the
//       words, but the instant at which the text is said: days of its year are written without the
//       year
//   saldo_json_object(word, value, ...)
//       such a JSON object, for views: with trusted_schema=OFF SQLite 3.40 refuses its own
//       json_object in them
//   saldo_are_notice_kinds(text)
//       1 for a JSON array of kinds of notices that is not empty, else 0; for triggers, which
//       cannot call json_valid then either
//   saldo_check_template(name, text)
//       refuses a template with a placeholder that there is not; for triggers
#include <algorithm>
#include <optional>

#include "facts/books.h"
#include "functions/arguments.h"
#include "functions/functions.h"
#include "posting/notices.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/notice.h"
#include "rules/notice_text.h"
#include "sqlite/json.h"
#include "sqlite/value.h"
#include "walks/walks.h"

namespace saldo {
namespace {

// One account at an instant.
class AccountAt {
 public:
  // Throws not_found when there is no such account.
  AccountAt(Context& context, sqlite3_value* account_id, sqlite3_value* at)
      : books_(read_books(context)) {
    const IntegerRange id = only(expect_integer("account_id", account_id));
    const Instant instant = expect_instant("at", at);
    WalkRequest request;
    // Nobody is answered for before the opening.
    const bool opened = instant >= books_->days.start_of(books_->opening);
    request.first = request.last = opened ? books_->days.day_of(instant) : books_->opening;
    request.access = request.outlook = true;
    walks_.emplace(context, books_, id, request);
    if (!walks_->next()) throw not_found("there is no account " + std::to_string(id.low));
    if (opened) sight_ = see(*walks_, request.first, instant);
  }

  [[nodiscard]] const Books& books() const { return *books_; }
  [[nodiscard]] const Account& account() const { return walks_->account(); }
  [[nodiscard]] const Walk& walk() const { return walks_->walk(); }
  [[nodiscard]] const Sight& sight() const { return sight_; }

 private:
  static IntegerRange only(std::int64_t id) { return {id, id}; }

  std::shared_ptr<const Books> books_;
  std::optional<Walks> walks_;
  Sight sight_;
};

void run_notices(Context& context, sqlite3_context* /*result*/, int /*count*/,
                 sqlite3_value** /*arguments*/) {
  post_notices(context);
}

void warning_of_account(Context& context, sqlite3_context* result, int count,
                        sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const AccountAt at(context, arguments[0], arguments[1]);
  const auto warning = warning_at(at.books(), at.account(), at.sight());
  if (warning) result_text_static(result, warning_name(*warning));
}

void top_up_of_account(Context& context, sqlite3_context* result, int count,
                       sqlite3_value** arguments) {
  constexpr int kNeeded = 3;
  if (any_null(kNeeded, arguments)) return;
  const Day until = expect_day("until", arguments[2]);
  std::optional<std::int64_t> employees;
  if (count > kNeeded && sqlite3_value_type(arguments[kNeeded]) != SQLITE_NULL)
    employees = expect_integer("employees", arguments[kNeeded], 0, kQuantityMax);
  const AccountAt at(context, arguments[0], arguments[1]);
  const Day day = at.books().days.day_of(expect_instant("at", arguments[1]));
  if (until < day) {
    throw invalid("until is " + format_day(until) + ", before the day of the payment, " +
                  format_day(day));
  }
  if (until > day + days{kHorizonDays}) {
    throw out_of_range("until is " + format_day(until) + ", more than " +
                       std::to_string(kHorizonDays) + " days after " + format_day(day));
  }
  if (!at.sight().registered || !depends_on_money(at.sight().access.state)) return;
  Account account = at.account();
  if (employees) {
    const auto later = std::find_if(account.headcounts.begin(), account.headcounts.end(),
                                    [&](const Headcount& each) { return each.day >= day; });
    account.headcounts.erase(later, account.headcounts.end());
    account.headcounts.push_back({day, *employees});
  }
  DailyCharges charges(at.books(), account);
  const auto amount = at.walk().top_up(until, charges);
  if (amount) sqlite3_result_int64(result, *amount);
}

// What people read in place of a value.
enum class ReadAs { kItself, kMoney, kDayCount, kWeekday, kTime };

ReadAs read_as(std::string_view word) {
  for (const auto each : {"balance", "debt", "amount", "top_up"})
    if (word == each) return ReadAs::kMoney;
  for (const auto each : {"lasts_until", "trial_ends_on"})
    if (word == each) return ReadAs::kWeekday;
  for (const auto each : {"arrears_since", "restricted_from", "promised_until"})
    if (word == each) return ReadAs::kTime;
  if (word == "promise_days") return ReadAs::kDayCount;
  return ReadAs::kItself;
}

Error not_a(std::string_view what, std::string_view word, std::string_view text) {
  return invalid(std::string(word) + " is '" + std::string(text) + "', not " + std::string(what));
}

Instant instant_of(std::string_view word, std::string_view text) {
  const auto instant = parse_instant(text);
  if (!instant) throw not_a("an instant of UTC (YYYY-MM-DDTHH:MM:SSZ)", word, text);
  return *instant;
}

// A value as people read it.
std::string readable(const Books& books, std::string_view language, std::optional<Day> today,
                     std::string_view word, const Statement& row, int column) {
  const std::string_view text = row.text(column);
  switch (read_as(word)) {
    case ReadAs::kMoney:
      if (row.type(column) != SQLITE_INTEGER) throw not_a("an amount", word, text);
      return format_money(row.integer(column), books.currency, language);
    case ReadAs::kDayCount:
      if (row.type(column) != SQLITE_INTEGER) throw not_a("a count of days", word, text);
      return format_day_count_for_people(row.integer(column), language);
    case ReadAs::kWeekday: {
      const auto day = parse_day(text);
      if (!day) throw not_a("a day (YYYY-MM-DD)", word, text);
      return format_day_for_people(*day, today, language);
    }
    case ReadAs::kTime:
      return format_time_for_people(books.days.wall_clock(instant_of(word, text)), today, language);
    default:
      return std::string(text);
  }
}

void fill_template_with(Context& context, sqlite3_context* result, int count,
                        sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  const auto text = expect_text("template", arguments[0]);
  const auto language = expect_text("language", arguments[1]);
  if (language != "ru" && language != "en")
    throw invalid("language is " + describe(arguments[1]) + ", not one of: ru en");
  const auto json = expect_text("values", arguments[2]);
  const auto books = read_books(context);
  auto valid = context.statements.prepare(
      "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' END");
  valid.bind(1, json).step();
  if (valid.integer(0) == 0) throw invalid("the values of a template are not a JSON object");
  valid.reset();

  std::map<std::string, std::string, std::less<>> values;
  std::optional<Day> today;
  auto row =
      context.statements.prepare("SELECT key, value FROM json_each(?1) ORDER BY key <> 'at'");
  for (row.bind(1, json); row.step();) {
    const std::string word(row.text(0));
    if (word == "at") {
      if (!row.is_null(1))
        today = date::floor<days>(books->days.wall_clock(instant_of(word, row.text(1))));
      continue;
    }
    if (std::find(kPlaceholders.begin(), kPlaceholders.end(), word) == kPlaceholders.end())
      throw invalid("there is no placeholder {" + word + "}");
    if (!row.is_null(1)) values[word] = readable(*books, language, today, word, row, 1);
  }
  const auto pay_url = values.find("pay_url");
  if (pay_url != values.end()) {
    constexpr std::string_view kAccount = "{account_id}";
    const std::string account_id = values["account_id"];
    std::string& url = pay_url->second;
    for (auto at = url.find(kAccount); at != std::string::npos; at = url.find(kAccount, at))
      url.replace(at, kAccount.size(), account_id);
  }
  result_text(result, fill_template(text, values));
}

void make_json_object(Context& /*context*/, sqlite3_context* result, int count,
                      sqlite3_value** arguments) {
  std::string json;
  for (int i = 0; i + 1 < count; i += 2) {
    json += i == 0 ? '{' : ',';
    append_json(json, value_text(arguments[i]));
    json += ':';
    append_json(json, arguments[i + 1]);
  }
  result_text(result, json + '}');
}

void are_notice_kinds(Context& context, sqlite3_context* result, int count,
                      sqlite3_value** arguments) {
  if (any_null(count, arguments)) return;
  auto row = context.statements.prepare(
      "SELECT CASE WHEN NOT json_valid(?1) THEN 0 WHEN json_type(?1) <> 'array' THEN 0"
      " WHEN json_array_length(?1) = 0 THEN 0"
      " ELSE NOT EXISTS (SELECT 1 FROM json_each(?1)"
      "  WHERE coalesce(value, '') NOT IN (SELECT kind FROM main.notice_kind)) END");
  row.bind_value(1, arguments[0]).step();
  sqlite3_result_int64(result, row.integer(0));
}

void check_template(Context& /*context*/, sqlite3_context* /*result*/, int /*count*/,
                    sqlite3_value** arguments) {
  const std::string name(expect_text("name", arguments[0]));
  const auto text = expect_text(name, arguments[1]);
  if (name == "subject" && text.find_first_of("\r\n") != std::string_view::npos)
    throw invalid("subject is of several lines; it can be of one");
  const auto unknown = unknown_placeholder(text, kPlaceholders);
  if (!unknown) return;
  std::string known;
  for (const auto placeholder : kPlaceholders) {
    known += known.empty() ? "{" : ", {";
    known += placeholder;
    known += '}';
  }
  throw invalid(name + " has the placeholder {" + std::string(*unknown) + "}; there are " + known);
}

}  // namespace

const std::vector<Function>& notice_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_post_notices", 0, kReads, run_notices, true},
      {"notice_warning", 2, kReads, warning_of_account},
      {"top_up", 3, kReads, top_up_of_account},
      {"top_up", 4, kReads, top_up_of_account},
      {"saldo_fill_template", 3, kReads, fill_template_with},
      {"saldo_json_object", -1, kPure, make_json_object},
      {"saldo_are_notice_kinds", 1, kReads, are_notice_kinds},
      {"saldo_check_template", 2, kPure, check_template},
  };
  return kFunctions;
}

}  // namespace saldo
