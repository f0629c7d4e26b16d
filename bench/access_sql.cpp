// access_state in SQL: of one account, and of all.
//
//   access_sql EXTENSION [ACCOUNTS [WEEKS [RUNS]]]
//
// Makes books of ACCOUNTS accounts (100,000; see books.h), closes WEEKS weeks (15, so that who
// never paid has been restricted for a hundred days), and asks on the Saturday after, RUNS times
// (5): the access of one account, in each of several states, by a prepared statement, against its
// row of the plain tables of accounts and balances; and all accounts grouped by state, against all
// grouped by the sign of the balance in those tables. Three per cent are in arrears.
#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr double kBar = 3;

// Microseconds a call, over a fifth of a second of calls.
double microseconds(saldo::Statement& statement) {
  constexpr double kSecondsMeasured = 0.2;
  constexpr int kCallsBetweenLooks = 20;
  int calls = 0;
  const auto start = Clock::now();
  double seconds = 0;
  while ((seconds = seconds_since(start)) < kSecondsMeasured) {
    for (int i = 0; i < kCallsBetweenLooks; ++i) {
      if (read_rows(statement) != 1) fail("not one row of one account");
    }
    calls += kCallsBetweenLooks;
  }
  return seconds / calls * 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: access_sql EXTENSION [ACCOUNTS [WEEKS [RUNS]]]");
  const int accounts = argument(argc, argv, 2, 100'000, 33);
  const int weeks = argument(argc, argv, 3, 15, 1);
  const int runs = argument(argc, argv, 4, 5, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database db(folder.file("books.db"));
  db.load_extension(argv[1]);
  const std::string at = make_known_states(db, accounts, weeks);

  std::printf("%d accounts, %d closed days\n%-28s %10s %10s %8s\n", accounts, open_day_number(db),
              "one account", "access, us", "plain, us", "ratio");
  saldo::Statement access =
      db.compile_once("SELECT * FROM access_state WHERE account_id = ?1 AND at = ?2");
  saldo::Statement plain = db.compile_once(
      "SELECT * FROM account JOIN balance USING (account_id) WHERE account_id = ?1");
  std::vector<double> ratios;
  for (const auto& known : kKnownStates) {
    access.bind(1, std::int64_t{known.account}).bind(2, at);
    plain.bind(1, std::int64_t{known.account});
    std::vector<double> of_access;
    std::vector<double> of_plain;
    ratios.clear();
    for (int run = 0; run < runs; ++run) {
      of_access.push_back(microseconds(access));
      of_plain.push_back(microseconds(plain));
      ratios.push_back(of_access.back() / of_plain.back());
    }
    std::printf("%-28s %10.2f %10.2f %8.2f  (from %.2f to %.2f us)\n", known.name,
                median(of_access), median(of_plain), median(ratios),
                *std::min_element(of_access.begin(), of_access.end()),
                *std::max_element(of_access.begin(), of_access.end()));
  }

  saldo::Statement grouped =
      db.compile_once("SELECT state, count(*) FROM access_state WHERE at = ?1 GROUP BY state");
  grouped.bind(1, at);
  saldo::Statement plain_grouped = db.compile_once(
      "SELECT balance < 0, count(*) FROM account JOIN balance USING (account_id) GROUP BY 1");
  // Of the states there are only `active` and those of arrears.
  const std::string summed = db.value(
      "SELECT group_concat(negative || ' ' || n) FROM (SELECT state <> 'active' AS negative, "
      "count(*) AS n FROM access_state WHERE at = '" +
      at + "' GROUP BY 1)");
  if (summed != db.value("SELECT group_concat(negative || ' ' || n) FROM (SELECT balance < 0 AS"
                         " negative, count(*) AS n FROM account JOIN balance USING (account_id)"
                         " GROUP BY 1)"))
    fail("the accounts in arrears are not those with a negative balance");
  std::printf("%-28s %10s %10s %8s\n", "all accounts", "states, s", "plain, s", "ratio");
  ratios.clear();
  const std::string answer = text_of_rows(grouped);
  const std::string plain_answer = text_of_rows(plain_grouped);
  for (int run = 0; run < runs; ++run) {
    auto start = Clock::now();
    if (text_of_rows(grouped) != answer) fail("another answer of the same question");
    const double of_access = seconds_since(start);
    start = Clock::now();
    if (text_of_rows(plain_grouped) != plain_answer) fail("another answer of the same question");
    const double of_plain = seconds_since(start);
    ratios.push_back(of_access / of_plain);
    std::printf("%-28s %10.4f %10.4f %8.2f\n", "", of_access, of_plain, ratios.back());
  }
  print_spread("ratio", ratios, kBar);
}
