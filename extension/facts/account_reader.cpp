#include "facts/account_reader.h"

#include <algorithm>

#include "facts/columns.h"
#include "facts/facts_in_force.h"

namespace saldo {
namespace {

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
  if (service == Books::kNone) return;  // removed without the triggers; audit_reference names it
  account.subscriptions.push_back({service, day_in(row, 2), optional_day_in(row, 3),
                                   row.optional_integer(4), books.find_price_list(row.text(5))});
}

}  // namespace

void AccountReader::Rows::advance() {
  has_row_ = statement_.step();
  if (has_row_) account_id_ = statement_.integer(0);
}

template <typename Visit>
void AccountReader::Rows::for_account(std::int64_t account_id, Visit&& visit) {
  while (has_row_ && account_id_ < account_id) advance();
  for (; has_row_ && account_id_ == account_id; advance()) visit(statement_);
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
  if (scope.from_last_close) {
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
  const bool by_day = scope_.from_last_close && !account_ids.single();
  const auto open_since = [&](const char* sql_by_day, const char* sql_by_account,
                              const std::string& since) {
    Statement statement = open(account_ids, by_day ? sql_by_day : sql_by_account);
    statement.bind(3, scope_.from_last_close ? since : "");
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
  // Older promises matter only to accounts already in arrears; read_money fetches those singly.
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
  if (scope_.from_last_close) {
    read_facts_in_force();
  } else {
    read_tables();
  }
  if (scope_.charges) read_usage();
  if (scope_.money) read_money();
  return true;
}

void AccountReader::read_facts_in_force() {
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
  terms_.for_account(account_.account_id,
                     [this](const Statement& row) { append_terms(account_, row); });
  account_.headcounts.clear();
  headcounts_.for_account(account_.account_id,
                          [this](const Statement& row) { append_headcount(account_, row); });
  account_.subscriptions.clear();
  subscriptions_.for_account(account_.account_id, [this](const Statement& row) {
    append_subscription(books_, account_, row);
  });
}

void AccountReader::read_usage() {
  account_.usage.clear();
  usage_.for_account(account_.account_id, [this](const Statement& row) {
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
  payments_.for_account(account_.account_id, append);
  const auto payments = static_cast<std::ptrdiff_t>(account_.movements.size());
  adjustments_.for_account(account_.account_id, append);
  std::inplace_merge(account_.movements.begin(), account_.movements.begin() + payments,
                     account_.movements.end(),
                     [](const Movement& a, const Movement& b) { return a.at < b.at; });
  account_.promises.clear();
  const auto append_promise = [this](const Statement& row) {
    account_.promises.push_back({instant_in(row, 1), instant_in(row, 2)});
  };
  if (scope_.from_last_close && carried_.arrears_since) {
    auto row = context_.statements.prepare(
        "SELECT account_id, granted_at, expires_at FROM main.promised_payment INDEXED BY "
        "promised_payment_account WHERE account_id = ?1 AND granted_at >= ?2 ORDER BY granted_at");
    row.bind(1, account_.account_id).bind(2, format_instant(*carried_.arrears_since));
    while (row.step()) append_promise(row);
  } else {
    promises_.for_account(account_.account_id, append_promise);
  }
}

}  // namespace saldo
