#include "facts/books.h"

#include <charconv>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "facts/columns.h"
#include "hash.h"
#include "schema/schema.h"

namespace saldo {
namespace {

struct Policies {
  std::vector<Policy> versions;
  const date::time_zone* zone = nullptr;  // the same in all versions
  std::string currency;                   // the same in all versions
};

Policies read_policies(Context& context) {
  Policies policies;
  auto row = context.statements.prepare(
      "SELECT valid_from, time_zone, working_week, restricted_days_charged, grace_working_days,"
      " promised_payment_max_days, language, currency, low_balance_warning_days, reminder_days,"
      " reminders FROM main.policy ORDER BY valid_from");
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
    policy.low_balance_warning_days = row.integer(8);
    policy.reminder_days = row.optional_integer(9);
    policy.reminders = row.integer(10);
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
// without the triggers gets the end that the time zone says, so that the audits still run and name
// it.
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
      "SELECT price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee"
      " FROM main.tariff ORDER BY price_list, service_id, valid_from, min_quantity");
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

bool is_installed(Context& context) {
  return context.statements
      .prepare("SELECT 1 FROM main.sqlite_schema WHERE name = 'books_version' AND type = 'table'")
      .step();
}

// The row of books_version. Holds a read transaction open, so that all reads meanwhile see one
// snapshot.
Statement version_row(Context& context) {
  try {
    auto row = context.statements.prepare("SELECT version FROM main.books_version");
    if (row.step()) return row;
  } catch (const SqliteError&) {
    if (is_installed(context)) throw;
    throw not_found(
        "the books are not open in this database; SELECT saldo_install('YYYY-MM-DD') opens them");
  }
  throw invalid("the database holds no row of books_version; see audit");
}

// SQLite compiles a statement again when the schema has changed, and counts it. (PRAGMA
// schema_version would tell too, but an authorizer of the program's may refuse it.)
CachedBooks::Version version_in(const Statement& row) {
  return {row.integer(0), row.handle(),
          sqlite3_stmt_status(row.handle(), SQLITE_STMTSTATUS_REPREPARE, 0)};
}

// Whether the triggers of sql/books_version.sql are there, each word for word. While they are not,
// as someone alters the tables behind them, the books are read anew each time.
bool is_version_maintained(Context& context) {
  const std::string_view triggers = embedded_sql("books_version.sql");
  constexpr std::string_view kCreate = "\nCREATE TRIGGER ";
  std::int64_t expected = 0;
  for (auto at = triggers.find(kCreate); at != std::string_view::npos;
       at = triggers.find(kCreate, at + 1)) {
    ++expected;
  }
  // The names of all of them have the word `version`. Were there one without, it would not be
  // found, and the books be read anew each time.
  auto row = context.statements.prepare(
      "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB '*version*'"
      " AND instr(?1, sql || ';')");
  return row.bind_static(1, triggers).step() && row.integer(0) == expected;
}

}  // namespace

std::shared_ptr<const Books> read_books(Context& context) {
  expect_no_attached_books(context);
  const Statement row = version_row(context);
  const CachedBooks::Version version = version_in(row);
  CachedBooks& cached = context.books;
  if (cached.books && cached.version == version) return cached.books;
  auto books = load_books(context);
  if (is_version_maintained(context)) cached = {books, version};
  return books;
}

std::int64_t next_books_version(Context& context, std::int64_t version, std::string_view change) {
  const std::string hash = sha256_hex(std::to_string(version) + ' ' + std::string(change));
  constexpr int kHexadecimal = 16;
  std::uint64_t next = 0;
  std::from_chars(hash.data(), hash.data() + 2 * sizeof next, next, kHexadecimal);
  context.books = {};
  context.next_books_version = static_cast<std::int64_t>(next);
  return *context.next_books_version;
}

void check_books_version(Context& context, std::int64_t version) {
  if (std::exchange(context.next_books_version, std::nullopt) != version)
    throw append_only("books_version is maintained by triggers; do not write it");
}

void expect_no_attached_books(Context& context) {
  constexpr int kFirstAttached = 2;  // after main and temp
  sqlite3* db = context.statements.db();
  const char* name = nullptr;
  for (int i = kFirstAttached; (name = sqlite3_db_name(db, i)) != nullptr; ++i) {
    // Looks into the schema that SQLite holds in memory: no statement has to be prepared.
    if (sqlite3_table_column_metadata(db, name, "day_close", "digest", nullptr, nullptr, nullptr,
                                      nullptr, nullptr) == SQLITE_OK) {
      throw conflict("the attached database " + std::string(name) +
                     " holds books too; open one of the two by itself");
    }
  }
}

}  // namespace saldo
