// What posting notices costs.
//
//   notices EXTENSION [ACCOUNTS [RUNS]]
//
// Makes books of ACCOUNTS accounts (100,000; see books.h) and sets the clock of the notices, which
// looks at all of them. Then it is moved RUNS times (100) by a second with nothing due; over the
// midnight on which 3 % of the accounts fall into arrears, against access_state grouped by state,
// asked once; and over a day on which 2 % pay. The time is that of the statement, without the
// commit, which waits for the disk.
#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr double kMillisecondsBar = 1;
constexpr const char* kNoon = "2026-03-01T12:00:00Z";
constexpr const char* kMidnight = "2026-03-01T21:00:00Z";
constexpr const char* kNextNoon = "2026-03-02T12:00:00Z";

// Seconds of the UPDATE alone.
double run(Database& db, const std::string& at) {
  db.execute("BEGIN IMMEDIATE");
  const double seconds = db.seconds("UPDATE notice_clock SET at = '" + at + "'");
  db.execute("COMMIT");
  return seconds;
}

// Whatever the number of accounts; a scan of the thousand of a quick run takes more.
constexpr std::int64_t kIdleStepsMax = 1500;

std::int64_t steps_of_run(Database& db, const std::string& at) {
  saldo::Statement statement = db.compile_once("UPDATE notice_clock SET at = '" + at + "'");
  return db.steps_of(statement);
}

void expect(Database& db, const std::string& sql, const std::string& expected) {
  const std::string value = db.value(sql);
  if (value != expected) fail(sql + ": " + value + ", not " + expected);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: notices EXTENSION [ACCOUNTS [RUNS]]");
  const int accounts = argument(argc, argv, 2, 100'000, 50);
  const int runs = argument(argc, argv, 3, 100, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database db(folder.file("books.db"));
  db.load_extension(argv[1]);
  make_books(db, accounts);
  std::printf("%d accounts\n%-46s %10.3f s\n", accounts, "the first run, of all accounts",
              run(db, kNoon));

  std::vector<double> idle;
  for (int i = 1; i <= runs; ++i) {
    const std::string at = db.value(
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', at, '1 seconds') FROM"
        " notice_clock");
    idle.push_back(run(db, at) * 1000);
  }
  print_spread("a run with nothing due, ms", idle, kMillisecondsBar);
  expect(db, "SELECT count(*) FROM notice", "0");
  const auto steps = steps_of_run(db, db.value("SELECT at FROM notice_clock"));
  std::printf("its steps of SQLite's virtual machine: %lld\n", static_cast<long long>(steps));
  if (steps > kIdleStepsMax) fail("a run with nothing due looks at what is not due");

  const double midnight = run(db, kMidnight);
  const double grouped = db.seconds(std::string("SELECT state, count(*) FROM access_state WHERE at"
                                                " = '") +
                                    kMidnight + "' GROUP BY state");
  const std::string fallen = std::to_string(accounts / 33);
  std::printf("%-46s %10.3f s, states grouped once %.3f s\n",
              (fallen + " accounts fall into arrears").c_str(), midnight, grouped);
  print_spread("that midnight / access_state grouped by state", {midnight / grouped}, 0);
  expect(db, "SELECT count(*) FROM notice WHERE kind = 'restricted' AND account_id % 33 = 0",
         fallen);
  expect(db, "SELECT count(*) FROM notice", fallen);

  record_day(db, "2026-03-02", 0, accounts);
  const std::string paid = db.value("SELECT count(*) FROM notice_pending");
  std::printf("%-46s %10.3f s\n", (paid + " payments, 30 % with messages").c_str(),
              run(db, kNextNoon));
  expect(db, "SELECT count(*) FROM notice WHERE kind = 'payment'", paid);
  expect(db, "SELECT count(*) FROM audit_notice", "0");
}
