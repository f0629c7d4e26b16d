#include "facts.h"

#include <algorithm>

#include "rules/error.h"

namespace saldo {
namespace {

// The triggers let no malformed value in, but whoever drops them can: then it is an error, and
// audits name the row.
Day day_in(const Statement& row, int column) {
  const auto day = parse_day(row.text(column));
  if (!day) {
    throw invalid("the database holds '" + std::string(row.text(column)) +
                  "' where a day belongs; see audit");
  }
  return *day;
}

Instant instant_in(const Statement& row, int column) {
  const auto instant = parse_instant(row.text(column));
  if (!instant) {
    throw invalid("the database holds '" + std::string(row.text(column)) +
                  "' where an instant belongs; see audit");
  }
  return *instant;
}

std::optional<Day> optional_day_in(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return day_in(row, column);
}

std::optional<Instant> optional_instant_in(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return instant_in(row, column);
}

Status status_in(const Statement& row, int column) {
  const auto text = row.text(column);
  if (text == "active") return Status::kActive;
  if (text == "paused") return Status::kPaused;
  return Status::kClosed;
}

struct Policies {
  std::vector<Policy> versions;
  const date::time_zone* zone = nullptr;  // the same in all versions
  std::string currency;                   // likewise
};

Policies read_policies(Context& context) {
  Policies policies;
  auto row = context.statements.prepare(
      "SELECT valid_from, time_zone, working_week, restricted_days_charged, grace_working_days,"
      " promised_payment_max_days, language, currency FROM main.policy ORDER BY valid_from");
  while (row.step()) {
    Policy policy;
    policy.valid_from = day_in(row, 0);
    if (policies.zone == nullptr) policies.zone = find_zone(std::string(row.text(1)));
    for (const char weekday : row.text(2)) {
      if (weekday >= '1' && weekday <= '7')
        policy.works[static_cast<std::size_t>(weekday - '1')] = true;
    }
    policy.restricted_days_charged = row.optional_integer(3);
    policy.grace_working_days = row.integer(4);
    policy.promised_payment_max_days = row.integer(5);
    policy.language = row.text(6);
    policies.currency = row.text(7);
    policies.versions.push_back(policy);
  }
  return policies;
}

std::map<Day, bool> read_calendar_exceptions(Context& context) {
  std::map<Day, bool> exceptions;
  auto row =
      context.statements.prepare("SELECT day, working FROM main.calendar_exception ORDER BY day");
  while (row.step()) exceptions.emplace_hint(exceptions.end(), day_in(row, 0), row.integer(1) != 0);
  return exceptions;
}

// The ends of the closed days without a gap, from the opening on. A day whose row was removed
// behind our back gets the end that the time zone says, so that the audits still run and name it.
std::vector<Instant> read_day_ends(Context& context, Day opening, const date::time_zone* zone) {
  std::vector<Instant> ends;
  const BillingDays by_zone(zone, opening, {});
  auto row = context.statements.prepare(
      "SELECT day, ends_at FROM main.day_close WHERE digest IS NOT NULL ORDER BY day");
  while (row.step()) {
    const Day day = day_in(row, 0);
    if (day < opening) continue;
    for (auto missing = opening + days{ends.size()}; missing < day; missing += days{1}) {
      ends.push_back(by_zone.end_of(missing));
    }
    ends.push_back(instant_in(row, 1));
  }
  return ends;
}

void read_services(Context& context, Books& books) {
  auto row =
      context.statements.prepare("SELECT service_id, kind FROM main.service ORDER BY service_id");
  while (row.step())
    books.services.push_back({std::string(row.text(0)), row.text(1) == "recurring"});
}

void read_prices(Context& context, Books& books) {
  auto row = context.statements.prepare(
      "SELECT price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee FROM "
      "main.tariff"
      " ORDER BY price_list, service_id, valid_from, min_quantity");
  while (row.step()) {
    const auto list = row.text(0);
    if (books.price_lists.empty() || books.price_lists.back() != list)
      books.price_lists.emplace_back(list);
    const int service = books.find_service(row.text(1));
    if (service == Books::kNone) continue;
    books.prices[{static_cast<int>(books.price_lists.size()) - 1, service}].append(
        day_in(row, 2), {row.integer(3), row.integer(4), row.integer(5)});
  }
}

std::shared_ptr<const Books> load_books(Context& context) {
  auto books = std::make_shared<Books>();
  Policies policies = read_policies(context);
  if (policies.versions.empty()) throw invalid("the database holds no policy; see audit");
  books->opening = policies.versions.front().valid_from;
  books->currency = policies.currency;
  std::vector<Instant> ends = read_day_ends(context, books->opening, policies.zone);
  books->open_day = books->opening + days{ends.size()};
  books->days = BillingDays(policies.zone, books->opening, std::move(ends));
  books->calendar = Calendar(std::move(policies.versions), read_calendar_exceptions(context));
  read_services(context, *books);
  read_prices(context, *books);
  return books;
}

// Stands on a row of the database for as long as it is kept, so that what is read meanwhile is one
// snapshot. Throws not_found before saldo_install.
Statement hold_installed(Context& context) {
  auto row = context.statements.prepare(
      "SELECT 1 FROM main.sqlite_schema WHERE name = 'policy' AND type = 'table'");
  if (row.step()) return row;
  throw not_found(
      "the books are not open in this database; SELECT saldo_install('YYYY-MM-DD') opens them");
}

}  // namespace

std::shared_ptr<const Books> read_books(Context& context) {
  sqlite3* db = context.statements.db();
  // Without a lock on the file the version would not tell what another connection wrote.
  const Statement snapshot = hold_installed(context);
  const bool writing = sqlite3_txn_state(db, "main") == SQLITE_TXN_WRITE;
  unsigned version = 0;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_DATA_VERSION, &version);
  if (!writing && context.books && context.books_version == version) return context.books;
  auto books = load_books(context);
  if (!writing) {
    context.books = books;
    context.books_version = version;
  }
  return books;
}

BillingDays read_open_days(Context& context) {
  const Statement snapshot = hold_installed(context);
  auto policy = context.statements.prepare(
      "SELECT time_zone, valid_from FROM main.policy ORDER BY valid_from LIMIT 1");
  if (!policy.step()) throw invalid("the database holds no policy; see audit");
  const auto* zone = find_zone(std::string(policy.text(0)));
  auto closed = context.statements.prepare(
      "SELECT day, ends_at FROM main.day_close WHERE digest IS NOT NULL ORDER BY day DESC LIMIT 1");
  if (!closed.step()) return {zone, day_in(policy, 1), {}};
  return {zone, day_in(closed, 0), {instant_in(closed, 1)}};
}

void AccountReader::Rows::advance() {
  has_row_ = statement_.step();
  if (has_row_) account_id_ = statement_.integer(0);
}

template <typename Take>
void AccountReader::Rows::of(std::int64_t account_id, Take&& take) {
  while (has_row_ && account_id_ < account_id) advance();
  for (; has_row_ && account_id_ == account_id; advance()) take(statement_);
}

AccountReader::AccountReader(Context& context, const Books& books, const IntegerRange& account_ids,
                             const Scope& scope)
    : books_(books), scope_(scope) {
  const auto open = [&](const char* sql) {
    Statement statement = context.statements.prepare(sql);
    statement.bind(1, account_ids.low).bind(2, account_ids.high);
    return statement;
  };
  accounts_ = open(
      "SELECT account_id, registered_on, trial_ends_on FROM main.account WHERE account_id BETWEEN "
      "?1 AND ?2"
      " ORDER BY account_id");
  terms_ =
      Rows(open("SELECT account_id, valid_from, status, credit_limit, held FROM main.account_terms"
                " WHERE account_id BETWEEN ?1 AND ?2 ORDER BY account_id, valid_from"));

  if (scope.charges) {
    headcounts_ = Rows(open(
        "SELECT account_id, day, employees FROM main.headcount WHERE account_id BETWEEN ?1 AND ?2"
        " ORDER BY account_id, day"));
    subscriptions_ = Rows(
        open("SELECT account_id, service_id, started_on, ended_on, quantity, price_list FROM "
             "main.subscription"
             " WHERE account_id BETWEEN ?1 AND ?2 ORDER BY account_id, service_id, started_on"));
    // One day of all accounts is found by the day, all else by the account.
    const bool one_day = scope.usage_from == scope.usage_to && !account_ids.single();
    Statement usage =
        open(one_day ? "SELECT account_id, charged_on, service_id, occurred_at, quantity"
                       " FROM main.usage_event INDEXED BY usage_event_day"
                       " WHERE charged_on = ?3 AND ?3 = ?4 AND account_id BETWEEN ?1 AND ?2 ORDER "
                       "BY account_id"
                     : "SELECT account_id, charged_on, service_id, occurred_at, quantity"
                       " FROM main.usage_event INDEXED BY usage_event_account"
                       " WHERE account_id BETWEEN ?1 AND ?2 AND charged_on BETWEEN ?3 AND ?4 ORDER "
                       "BY account_id, charged_on");
    usage.bind(3, format_day(scope.usage_from)).bind(4, format_day(scope.usage_to));
    usage_ = Rows(std::move(usage));
  }

  if (scope.money == Scope::Money::kNone) return;
  const bool since_close = scope.money == Scope::Money::kSinceClose;
  // The open days of all accounts are found by the day, all else by the account.
  const bool by_day = since_close && !account_ids.single();
  const auto open_money = [&](const char* sql_by_day, const char* sql_by_account) {
    Statement statement = open(by_day ? sql_by_day : sql_by_account);
    statement.bind(3, since_close ? format_day(books.open_day) : "");
    return Rows(std::move(statement));
  };
  payments_ = open_money(
      "SELECT account_id, credited_at, amount FROM main.payment INDEXED BY payment_day"
      " WHERE day >= ?3 AND account_id BETWEEN ?1 AND ?2 ORDER BY account_id, credited_at",
      "SELECT account_id, credited_at, amount FROM main.payment INDEXED BY payment_account"
      " WHERE account_id BETWEEN ?1 AND ?2 AND day >= ?3 ORDER BY account_id, day, credited_at");
  adjustments_ = open_money(
      "SELECT account_id, effective_at, amount FROM main.adjustment INDEXED BY adjustment_day"
      " WHERE day >= ?3 AND account_id BETWEEN ?1 AND ?2 ORDER BY account_id, effective_at",
      "SELECT account_id, effective_at, amount FROM main.adjustment INDEXED BY adjustment_account"
      " WHERE account_id BETWEEN ?1 AND ?2 AND day >= ?3 ORDER BY account_id, day, effective_at");
  promises_ =
      Rows(open("SELECT account_id, granted_at, expires_at FROM main.promised_payment INDEXED BY "
                "promised_payment_account"
                " WHERE account_id BETWEEN ?1 AND ?2 ORDER BY account_id, granted_at"));
  if (since_close) {
    balances_ =
        Rows(open("SELECT account_id, balance, arrears_since, restricted_days FROM main.balance"
                  " WHERE account_id BETWEEN ?1 AND ?2 ORDER BY account_id"));
  }
}

bool AccountReader::next() {
  if (!accounts_.step()) return false;
  account_.account_id = accounts_.integer(0);
  account_.registered_on = day_in(accounts_, 1);
  account_.trial_ends_on = optional_day_in(accounts_, 2);
  read_terms();
  if (scope_.charges) read_charged();
  if (scope_.money != Scope::Money::kNone) read_money();
  return true;
}

void AccountReader::read_terms() {
  account_.terms.clear();
  terms_.of(account_.account_id, [this](const Statement& row) {
    account_.terms.push_back(
        {day_in(row, 1), status_in(row, 2), row.optional_integer(3), row.integer(4) != 0});
  });
}

void AccountReader::read_charged() {
  account_.headcounts.clear();
  headcounts_.of(account_.account_id, [this](const Statement& row) {
    account_.headcounts.push_back({day_in(row, 1), row.integer(2)});
  });
  account_.subscriptions.clear();
  subscriptions_.of(account_.account_id, [this](const Statement& row) {
    const int service = books_.find_service(row.text(1));
    if (service == Books::kNone) return;  // removed behind our back; audit_reference names it
    account_.subscriptions.push_back({service, day_in(row, 2), optional_day_in(row, 3),
                                      row.optional_integer(4),
                                      books_.find_price_list(row.text(5))});
  });
  account_.usage.clear();
  usage_.of(account_.account_id, [this](const Statement& row) {
    const int service = books_.find_service(row.text(2));
    if (service == Books::kNone) return;
    account_.usage.push_back(
        {day_in(row, 1), service, books_.days.day_of(instant_in(row, 3)), row.integer(4)});
  });
}

void AccountReader::read_money() {
  account_.movements.clear();
  const auto append = [this](const Statement& row) {
    account_.movements.push_back({instant_in(row, 1), row.integer(2)});
  };
  payments_.of(account_.account_id, append);
  const auto payments = static_cast<std::ptrdiff_t>(account_.movements.size());
  adjustments_.of(account_.account_id, append);
  std::inplace_merge(account_.movements.begin(), account_.movements.begin() + payments,
                     account_.movements.end(),
                     [](const Movement& a, const Movement& b) { return a.at < b.at; });
  account_.promises.clear();
  promises_.of(account_.account_id, [this](const Statement& row) {
    account_.promises.push_back({instant_in(row, 1), instant_in(row, 2)});
  });
  carried_ = {};
  balances_.of(account_.account_id, [this](const Statement& row) {
    carried_ = {row.integer(1), optional_instant_in(row, 2), row.integer(3)};
  });
}

}  // namespace saldo
