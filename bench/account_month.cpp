// One account's month, in books of two sizes: its time must not depend on the number of accounts.
//
//   account_month EXTENSION [SMALL [BIG [RUNS]]]
//
// Makes books of SMALL (10,000) and of BIG (1,000,000) accounts (see books.h) with a month of
// closed days, and asks in both, in turns, RUNS times (5), of accounts spread over all: the month
// of daily_charge, of ledger, of monthly_statement, and access_state for each day of a year. The
// accounts asked for in the one have the same facts as those in the other, so that the answers
// must be equal; the ledger, the statement and daily_charge must agree. Prints microseconds an
// account and the ratio of big to small.
#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr int kBarMicroseconds = 100;  // microseconds, for the month of daily_charge
constexpr int kClosedDays = 31;
constexpr std::size_t kAccountsAsked = 200;
// The facts of an account depend on its number's remainders by the divisors of this.
constexpr int kPeriodAccounts = 69'300;

struct Question {
  const char* name;
  std::size_t accounts;  // that are asked for
  const char* sql;
};
constexpr Question kQuestions[] = {
    {"daily_charge, a month", kAccountsAsked,
     "SELECT day, service_id, quantity, price_list, valid_from, min_quantity, monthly_fee,"
     " unit_fee, amount FROM daily_charge WHERE account_id = ?1 AND day BETWEEN '2026-03-01' AND"
     " '2026-03-31'"},
    {"ledger, a month", kAccountsAsked,
     "SELECT day, effective_at, kind, service_id, method, amount FROM ledger WHERE account_id ="
     " ?1 AND day BETWEEN '2026-03-01' AND '2026-03-31'"},
    {"monthly_statement, a month", kAccountsAsked,
     "SELECT month, opening_balance, paid, adjusted, charged, closing_balance FROM"
     " monthly_statement WHERE account_id = ?1 AND month = '2026-03'"},
    // Who may work on each day of a year; then with how long the money lasts on each.
    {"access_state, a year", kAccountsAsked,
     "SELECT day, state, employees_allowed, admin_allowed, balance, arrears_since FROM"
     " access_state WHERE account_id = ?1 AND day BETWEEN '2026-03-01' AND '2027-02-28'"},
    {"the same, all columns", kAccountsAsked / 10,
     "SELECT day, state, employees_allowed, admin_allowed, balance, accrued, arrears_since,"
     " restricted_from, promised_until, promise_allowed, lasts_until FROM access_state WHERE"
     " account_id = ?1 AND day BETWEEN '2026-03-01' AND '2027-02-28'"},
};

void make(Database& db, const char* extension, int accounts) {
  db.load_extension(extension);
  make_books(db, accounts);
  make_history(db, accounts, kClosedDays);
}

// The accounts to ask for, spread over all of `accounts`, with the facts of `alike`.
std::vector<int> spread(const std::vector<int>& alike, int accounts) {
  std::vector<int> chosen;
  for (std::size_t i = 0; i < alike.size(); ++i) {
    const int turns = (accounts - alike[i]) / kPeriodAccounts;
    chosen.push_back(alike[i] + kPeriodAccounts *
                                    static_cast<int>(i * 7 % static_cast<std::size_t>(turns + 1)));
  }
  return chosen;
}

double microseconds(saldo::Statement& statement, const std::vector<int>& accounts,
                    std::size_t asked) {
  const std::size_t step = accounts.size() / asked;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < accounts.size(); i += step)
    read_rows(statement.bind(1, std::int64_t{accounts[i]}));
  return seconds_since(start) / static_cast<double>(asked) * 1e6;
}

// The charges of the month are the same by daily_charge, in the ledger and in the statement.
void check_sums(Database& db, int account) {
  const std::string id = std::to_string(account);
  const std::string within =
      " WHERE account_id = " + id + " AND day BETWEEN '2026-03-01' AND '2026-03-31'";
  const std::string charged = db.value("SELECT sum(amount) FROM daily_charge" + within);
  if (charged != db.value("SELECT -sum(amount) FROM ledger" + within + " AND kind = 'charge'") ||
      charged != db.value("SELECT charged FROM monthly_statement WHERE account_id = " + id +
                          " AND month = '2026-03'"))
    fail("daily_charge, ledger and monthly_statement do not agree on account " + id);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: account_month EXTENSION [SMALL [BIG [RUNS]]]");
  const int small = argument(argc, argv, 2, 10'000, int{kAccountsAsked});
  const int big = argument(argc, argv, 3, 1'000'000, small);
  const int runs = argument(argc, argv, 4, 5, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database small_books(folder.file("small.db"));
  Database big_books(folder.file("big.db"));
  make(small_books, argv[1], small);
  make(big_books, argv[1], big);
  std::vector<int> of_small;
  const int step = std::min(small, kPeriodAccounts) / int{kAccountsAsked};
  for (int i = 0; i < int{kAccountsAsked}; ++i) of_small.push_back(1 + i * step);
  const std::vector<int> of_big = spread(of_small, big);

  std::printf("%-28s %12s %12s %8s\n", "microseconds an account", std::to_string(small).c_str(),
              std::to_string(big).c_str(), "ratio");
  for (const auto& question : kQuestions) {
    saldo::Statement in_small = small_books.compile_once(question.sql);
    saldo::Statement in_big = big_books.compile_once(question.sql);
    for (std::size_t i = 0; i < of_small.size(); i += kAccountsAsked / question.accounts) {
      const std::string answer = text_of_rows(in_small.bind(1, std::int64_t{of_small[i]}));
      if (answer.empty() || answer != text_of_rows(in_big.bind(1, std::int64_t{of_big[i]})))
        fail("accounts with the same facts have not the same " + std::string(question.name));
    }
    std::vector<double> small_times;
    std::vector<double> big_times;
    std::vector<double> ratios;
    for (int run = 0; run < runs; ++run) {
      small_times.push_back(microseconds(in_small, of_small, question.accounts));
      big_times.push_back(microseconds(in_big, of_big, question.accounts));
      ratios.push_back(big_times.back() / small_times.back());
    }
    std::printf(
        "%-28s %12.1f %12.1f %8.2f  (from %.2f to %.2f)%s\n", question.name, median(small_times),
        median(big_times), median(ratios), *std::min_element(ratios.begin(), ratios.end()),
        *std::max_element(ratios.begin(), ratios.end()),
        &question == kQuestions ? ("; bar <= " + std::to_string(kBarMicroseconds) + " us").c_str()
                                : "");
    std::fflush(stdout);
  }
  for (std::size_t i = 0; i < of_small.size(); i += 10) {
    check_sums(small_books, of_small[i]);
    check_sums(big_books, of_big[i]);
  }
}
