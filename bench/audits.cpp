// All audits of books with a month of closed days.
//
//   audits EXTENSION [ACCOUNTS [RUNS]]
//
// Makes books of ACCOUNTS accounts (1,000,000; see books.h), closes 30 days, and times each audit
// RUNS times (5), against reading each posted charge once in plain SQL, which is the least that an
// audit of them takes. All must find nothing; then a kopeck is added behind the triggers' backs,
// and must be found.
#include <map>

#include "measure.h"

using namespace saldo_bench;

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: audits EXTENSION [ACCOUNTS [RUNS]]");
  const int accounts = argument(argc, argv, 2, 1'000'000, 33);
  const int runs = argument(argc, argv, 3, 5, 1);
  constexpr int kClosedDays = 30;

  static const Folder folder;  // static: removed by fail(), too
  Database db(folder.file("books.db"));
  db.load_extension(argv[1]);
  make_books(db, accounts);
  make_history(db, accounts, kClosedDays);

  // The views that `audit` counts.
  std::vector<std::string> names;
  db.each_line(
      "SELECT v.name FROM sqlite_schema AS v JOIN sqlite_schema AS a ON a.name = 'audit' AND "
      "instr(a.sql, '''' || v.name || '''') WHERE v.type = 'view' ORDER BY instr(a.sql, v.name)",
      [&](const std::string& name) { names.push_back(name); });
  std::map<std::string, std::vector<double>> seconds;
  std::vector<double> totals;
  std::vector<double> ratios;
  for (int run = 0; run < runs; ++run) {
    const Progress progress("audits");
    double total = 0;
    for (const auto& name : names) {
      progress.at(run, runs);
      const auto start = Clock::now();
      if (db.value("SELECT count(*) FROM " + name) != "0") fail(name + " finds something");
      seconds[name].push_back(seconds_since(start));
      total += seconds[name].back();
    }
    const auto start = Clock::now();
    if (db.value("SELECT sum(amount) FROM charge") !=
        db.value("SELECT sum(charged) FROM day_close"))
      fail("the charges are not the days' sums");
    const double plain = seconds_since(start);
    totals.push_back(total);
    ratios.push_back(total / plain);
  }
  std::printf("%d accounts, %d closed days, %s charges\n%-28s %10s\n", accounts, kClosedDays,
              db.value("SELECT sum(charges) FROM day_close").c_str(), "audit", "seconds");
  for (const auto& name : names) std::printf("%-28s %10.3f\n", name.c_str(), median(seconds[name]));
  print_spread("all, seconds", totals, 0);
  print_spread("all / one plain pass over the charges", ratios, 0);

  db.execute(
      "DROP TRIGGER payment_refuse_update; UPDATE payment SET amount = amount + 1 WHERE payment_id "
      "= 7");
  for (const char* name : {"audit_balance", "audit_digest", "audit_schema"}) {
    if (db.value(std::string("SELECT count(*) FROM ") + name) != "1")
      fail(std::string(name) + " does not find the kopeck");
  }
}
