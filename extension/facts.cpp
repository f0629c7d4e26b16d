#include "facts.h"

#include <algorithm>

#include "facts_in_force.h"
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

void append_terms(Account& account, const Statement& row) {
  account.terms.push_back(
      {day_in(row, 1), status_in(row, 2), row.optional_integer(3), row.integer(4) != 0});
}

void append_headcount(Account& account, const Statement& row) {
  account.headcounts.push_back({day_in(row, 1), row.integer(2)});
}

void append_subscription(const Books& books, Account& account, const Statement& row) {
  const int service = books.find_service(row.text(1));
  if (service == Books::kNone) return;  // removed behind our back; audit_reference names it
  account.subscriptions.push_back({service, day_in(row, 2), optional_day_in(row, 3),
                                   row.optional_integer(4), books.find_price_list(row.text(5))});
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

void heed_interrupt(Context& context) {
  // 256 rows, some thousand steps: about as long as what the caller has just computed.
  auto steps = context.statements.prepare(
      "WITH n AS (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), "
      "(14), (15), (16))"
      " SELECT count(*) FROM n AS a, n AS b");
  while (steps.step()) {
  }
}

void advance(Context& context, const Books& books, Walk& walk, Day day, Instant at) {
  const days stride{kDaysAtOnce};
  for (Day stop = walk.day() + stride; stop < day; stop += stride) {
    walk.advance(books.days.start_of(stop));
    heed_interrupt(context);
  }
  walk.advance(at);
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

Account read_account(Context& context, const Books& books, std::int64_t account_id) {
  Account account;
  account.account_id = account_id;
  auto row = context.statements.prepare(
      "SELECT registered_on, trial_ends_on FROM main.account WHERE account_id = ?1");
  if (!row.bind(1, account_id).step()) return account;
  account.registered_on = day_in(row, 0);
  account.trial_ends_on = optional_day_in(row, 1);
  auto terms = context.statements.prepare(
      "SELECT account_id, valid_from, status, credit_limit, held FROM main.account_terms"
      " WHERE account_id = ?1 ORDER BY valid_from");
  for (terms.bind(1, account_id); terms.step();) append_terms(account, terms);
  auto headcounts = context.statements.prepare(
      "SELECT account_id, day, employees FROM main.headcount WHERE account_id = ?1 ORDER BY day");
  for (headcounts.bind(1, account_id); headcounts.step();) append_headcount(account, headcounts);
  auto subscriptions = context.statements.prepare(
      "SELECT account_id, service_id, started_on, ended_on, quantity, price_list"
      " FROM main.subscription WHERE account_id = ?1 ORDER BY service_id, started_on");
  for (subscriptions.bind(1, account_id); subscriptions.step();)
    append_subscription(books, account, subscriptions);
  return account;
}

AccountReader::AccountReader(Context& context, const Books& books, const IntegerRange& account_ids,
                             const Scope& scope)
    : context_(context), books_(books), scope_(scope) {
  if (scope.since_close) {
    accounts_ = context.statements.prepare(
        "SELECT a.account_id, f.facts, b.balance, b.arrears_since, b.restricted_days"
        " FROM main.account AS a LEFT JOIN main.facts_in_force AS f ON f.account_id = a.account_id"
        " LEFT JOIN main.balance AS b ON b.account_id = a.account_id"
        " WHERE a.account_id BETWEEN ?1 AND ?2 ORDER BY a.account_id");
    accounts_.bind(1, account_ids.low).bind(2, account_ids.high);
  } else {
    open_tables(account_ids);
  }
  if (scope.charges) open_usage(account_ids);
  if (scope.money) open_money(account_ids);
}

// A statement about the accounts ?1 to ?2.
Statement AccountReader::open(const IntegerRange& account_ids, const char* sql) {
  Statement statement = context_.statements.prepare(sql);
  statement.bind(1, account_ids.low).bind(2, account_ids.high);
  return statement;
}

void AccountReader::open_tables(const IntegerRange& account_ids) {
  accounts_ = open(account_ids,
                   "SELECT account_id, registered_on, trial_ends_on FROM main.account"
                   " WHERE account_id BETWEEN ?1 AND ?2 ORDER BY account_id");
  terms_ = Rows(open(account_ids,
                     "SELECT account_id, valid_from, status, credit_limit, held"
                     " FROM main.account_terms WHERE account_id BETWEEN ?1 AND ?2"
                     " ORDER BY account_id, valid_from"));
  if (!scope_.charges) return;
  headcounts_ = Rows(open(account_ids,
                          "SELECT account_id, day, employees FROM main.headcount"
                          " WHERE account_id BETWEEN ?1 AND ?2 ORDER BY account_id, day"));
  subscriptions_ = Rows(open(account_ids,
                             "SELECT account_id, service_id, started_on, ended_on, quantity,"
                             " price_list FROM main.subscription WHERE account_id BETWEEN ?1 AND ?2"
                             " ORDER BY account_id, service_id, started_on"));
}

void AccountReader::open_usage(const IntegerRange& account_ids) {
  // One day of all accounts is found by the day, all else by the account.
  const bool one_day = scope_.usage_from == scope_.usage_to && !account_ids.single();
  Statement usage = open(
      account_ids, one_day ? "SELECT account_id, charged_on, service_id, occurred_at, quantity"
                             " FROM main.usage_event INDEXED BY usage_event_day"
                             " WHERE charged_on = ?3 AND ?3 = ?4 AND account_id BETWEEN ?1 AND ?2"
                             " ORDER BY account_id"
                           : "SELECT account_id, charged_on, service_id, occurred_at, quantity"
                             " FROM main.usage_event INDEXED BY usage_event_account"
                             " WHERE account_id BETWEEN ?1 AND ?2 AND charged_on BETWEEN ?3 AND ?4"
                             " ORDER BY account_id, charged_on");
  usage.bind(3, format_day(scope_.usage_from)).bind(4, format_day(scope_.usage_to));
  usage_ = Rows(std::move(usage));
}

void AccountReader::open_money(const IntegerRange& account_ids) {
  // The open days of all accounts are found by the day, all else by the account.
  const bool by_day = scope_.since_close && !account_ids.single();
  const auto open_since = [&](const char* sql_by_day, const char* sql_by_account,
                              const std::string& since) {
    Statement statement = open(account_ids, by_day ? sql_by_day : sql_by_account);
    statement.bind(3, scope_.since_close ? since : "");
    return Rows(std::move(statement));
  };
  const std::string open_day = format_day(books_.open_day);
  payments_ = open_since(
      "SELECT account_id, credited_at, amount FROM main.payment INDEXED BY payment_day"
      " WHERE day >= ?3 AND account_id BETWEEN ?1 AND ?2 ORDER BY account_id, credited_at",
      "SELECT account_id, credited_at, amount FROM main.payment INDEXED BY payment_account"
      " WHERE account_id BETWEEN ?1 AND ?2 AND day >= ?3 ORDER BY account_id, day, credited_at",
      open_day);
  adjustments_ = open_since(
      "SELECT account_id, effective_at, amount FROM main.adjustment INDEXED BY adjustment_day"
      " WHERE day >= ?3 AND account_id BETWEEN ?1 AND ?2 ORDER BY account_id, effective_at",
      "SELECT account_id, effective_at, amount FROM main.adjustment INDEXED BY adjustment_account"
      " WHERE account_id BETWEEN ?1 AND ?2 AND day >= ?3 ORDER BY account_id, day, effective_at",
      open_day);
  // Of an account in arrears since before the open day they are looked up, see read_money.
  promises_ = open_since(
      "SELECT account_id, granted_at, expires_at FROM main.promised_payment INDEXED BY "
      "promised_payment_granted_at WHERE granted_at >= ?3 AND account_id BETWEEN ?1 AND ?2"
      " ORDER BY account_id, granted_at",
      "SELECT account_id, granted_at, expires_at FROM main.promised_payment INDEXED BY "
      "promised_payment_account WHERE account_id BETWEEN ?1 AND ?2 AND granted_at >= ?3"
      " ORDER BY account_id, granted_at",
      format_instant(books_.days.start_of(books_.open_day)));
}

bool AccountReader::next() {
  if (!accounts_.step()) return false;
  account_.account_id = accounts_.integer(0);
  if (scope_.since_close) {
    read_current();
  } else {
    read_tables();
  }
  if (scope_.charges) read_usage();
  if (scope_.money) read_money();
  return true;
}

void AccountReader::read_current() {
  const auto facts = accounts_.blob(1);
  has_facts_ = !facts.empty();
  if (has_facts_) {
    decode_facts(facts, books_, scope_.charges, account_);
  } else {
    account_ = read_account(context_, books_, account_.account_id);
  }
  has_balance_ = !accounts_.is_null(2);
  carried_ = {};
  if (!has_balance_) return;
  carried_.balance = accounts_.integer(2);
  carried_.arrears_since = optional_instant_in(accounts_, 3);
  if (carried_.arrears_since) carried_.restricted_days = accounts_.integer(4);
}

void AccountReader::read_tables() {
  account_.registered_on = day_in(accounts_, 1);
  account_.trial_ends_on = optional_day_in(accounts_, 2);
  account_.terms.clear();
  terms_.of(account_.account_id, [this](const Statement& row) { append_terms(account_, row); });
  account_.headcounts.clear();
  headcounts_.of(account_.account_id,
                 [this](const Statement& row) { append_headcount(account_, row); });
  account_.subscriptions.clear();
  subscriptions_.of(account_.account_id,
                    [this](const Statement& row) { append_subscription(books_, account_, row); });
}

void AccountReader::read_usage() {
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
  const auto append_promise = [this](const Statement& row) {
    account_.promises.push_back({instant_in(row, 1), instant_in(row, 2)});
  };
  if (scope_.since_close && carried_.arrears_since) {
    auto row = context_.statements.prepare(
        "SELECT account_id, granted_at, expires_at FROM main.promised_payment INDEXED BY "
        "promised_payment_account WHERE account_id = ?1 AND granted_at >= ?2 ORDER BY granted_at");
    row.bind(1, account_.account_id).bind(2, format_instant(*carried_.arrears_since));
    while (row.step()) append_promise(row);
  } else {
    promises_.of(account_.account_id, append_promise);
  }
}

}  // namespace saldo
