// Closing a day, against the bare INSERT ... SELECT of the same rows and balances from tables of
// the answers.
//
//   day_close EXTENSION [ACCOUNTS [RUNS]]
//
// Makes books of ACCOUNTS accounts (100,000; see books.h) in a file of its own. Closes RUNS days
// (5) and after each inserts the same rows and balances into plain tables. Both are durable
// (synchronous=FULL), and the rows posted are compared with those that the facts say. Prints both
// times, their ratio, and its spread.
#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr double kBar = 1.3;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: day_close EXTENSION [ACCOUNTS [RUNS]]");
  const int accounts = argument(argc, argv, 2, 100'000, 1);
  const int runs = argument(argc, argv, 3, 5, 1);

  static const Folder folder;  // static: removed by fail(), too
  const Progress progress("closing days of " + std::to_string(accounts) + " accounts");
  progress.at("making the books");
  Database db(folder.file("books.db"));
  db.load_extension(argv[1]);
  make_books(db, accounts);
  db.execute(
      "CREATE TABLE bare_charge(day TEXT, account_id INTEGER, service_id TEXT, quantity INTEGER, "
      "monthly_fee INTEGER,"
      " unit_fee INTEGER, amount INTEGER, PRIMARY KEY (day, account_id, service_id)) WITHOUT "
      "ROWID;"
      "CREATE TABLE bare_balance(account_id INTEGER PRIMARY KEY, balance INTEGER, arrears_since "
      "TEXT,"
      " restricted_days INTEGER)");

  std::vector<double> ratios;
  Progress::clear();
  std::printf("%d accounts\n%-12s %10s %10s %10s %8s\n", accounts, "day", "charges", "close, s",
              "bare, s", "ratio");
  for (int run = 0; run < runs; ++run) {
    const std::string day = db.value("SELECT open_day FROM books");
    progress.at(run, runs);
    record_day(db, day, run, accounts);
    const double closing = db.seconds("INSERT INTO day_close(day, closed_at) VALUES ('" + day +
                                      "', day_end('" + day + "'))");
    const std::string checked = db.value(
        "SELECT (SELECT count(*) || ' ' || sum(amount) FROM charge WHERE day = '" + day +
        "') = (SELECT count(*) || ' ' || sum(amount) FROM daily_charge WHERE day = '" + day + "')");
    if (checked != "1") fail("the posted rows are not those of daily_charge");

    db.execute(
        "DROP TABLE IF EXISTS answer_charge; DROP TABLE IF EXISTS answer_balance;"
        "CREATE TABLE answer_charge AS SELECT day, account_id, service_id, quantity, "
        "monthly_fee, unit_fee, amount"
        " FROM charge WHERE day = '" +
        day +
        "';"
        "CREATE TABLE answer_balance AS SELECT account_id, balance, arrears_since, "
        "restricted_days FROM balance;"
        "PRAGMA wal_checkpoint(TRUNCATE)");
    const double bare = db.seconds(
        "BEGIN; INSERT INTO bare_charge SELECT * FROM answer_charge;"
        "INSERT OR REPLACE INTO bare_balance SELECT * FROM answer_balance; COMMIT");
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    ratios.push_back(closing / bare);
    Progress::clear();
    std::printf("%-12s %10s %10.3f %10.3f %8.2f\n", day.c_str(),
                db.value("SELECT charges FROM day_close WHERE day = '" + day + "'").c_str(),
                closing, bare, ratios.back());
    std::fflush(stdout);
  }
  print_spread("ratio", ratios, kBar);
}
