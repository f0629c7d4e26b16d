// What a new fact costs, whatever was recorded before it (3.1), and a function in a write.
//
//   entry EXTENSION [FACTS [RUNS]]
//
// Records FACTS facts of each form (30,000) of one account: usage events of one service and day,
// payments and adjustments, with their computed column left out and given, refunds of one payment,
// periods of one subscription, and the other facts that have a row a day; in blocks of a tenth, and
// prints the milliseconds a fact of each block. Its work is counted too, in steps of SQLite's
// virtual machine, those of triggers and of the extension's own statements included: the last fact
// must take as many as an early one, or the
// program fails. Then a report is written into a table of one's own with money(), RUNS times (5),
// against the SELECT alone and the same INSERT with format().
#include "measure.h"

using namespace saldo_bench;

namespace {

struct Fact {
  const char* name;
  const char* sql;  // ?1: its number
  const char* before = "";
};

constexpr Fact kFacts[] = {
    {"usage_event",
     "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity)"
     " VALUES ('u' || ?1, 1, 'sms', '2026-03-02T09:00:00Z', 1)"},
    {"payment",
     "INSERT INTO payment(account_id, amount, method, external_id, credited_at)"
     " VALUES (1, 100, 'sbp', 'p' || ?1, '2026-03-02T09:00:00Z')"},
    {"adjustment",
     "INSERT INTO adjustment(account_id, amount, kind, external_id, effective_at)"
     " VALUES (1, -100, 'fee', 'a' || ?1, '2026-03-02T09:00:00Z')"},
    {"usage_event, charged_on given",
     "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity, charged_on)"
     " VALUES ('v' || ?1, 1, 'sms', '2026-03-02T09:00:00Z', 1, '2026-03-02')"},
    {"payment, day given",
     "INSERT INTO payment(account_id, amount, method, external_id, credited_at, day)"
     " VALUES (1, 100, 'sbp', 'q' || ?1, '2026-03-02T09:00:00Z', '2026-03-02')"},
    {"adjustment, day given",
     "INSERT INTO adjustment(account_id, amount, kind, external_id, effective_at, day)"
     " VALUES (1, -100, 'fee', 'b' || ?1, '2026-03-02T09:00:00Z', '2026-03-02')"},
    {"refund of one payment",
     "INSERT INTO adjustment(account_id, amount, kind, effective_at, payment_id)"
     " VALUES (1, -1, iif(?1 % 2, 'refund', 'chargeback'), '2026-03-02T09:00:00Z', 1000000)",
     "INSERT INTO payment(payment_id, account_id, amount, method, credited_at)"
     " VALUES (1000000, 1, 1000000000, 'sbp', '2026-03-02T09:00:00Z')"},
    {"subscription",
     "INSERT INTO subscription(account_id, service_id, started_on, ended_on)"
     " VALUES (1, 'crm', date('2026-03-02', ?1 || ' days'),"
     " date('2026-03-02', (?1 + 1) || ' days'))"},
    {"account_terms",
     "INSERT INTO account_terms(account_id, valid_from, status)"
     " VALUES (1, date('2026-03-02', ?1 || ' days'), 'active')"},
    {"registration",
     "UPDATE account SET registered_on = '2026-03-02', name = 'One, ' || ?1 WHERE account_id = 1"},
    {"headcount",
     "INSERT INTO headcount(account_id, day, employees)"
     " VALUES (1, date('2026-03-02', ?1 || ' days'), 1)"},
};

// Whether the last fact took no more work than an early one.
bool record(Database& db, const Fact& fact, int count) {
  constexpr int kBlocks = 10;
  std::printf("%-29s ms a fact:", fact.name);
  db.execute(fact.before);
  saldo::Statement statement = db.prepare(fact.sql);
  std::vector<double> blocks;
  std::int64_t first_steps = 0;
  std::int64_t last_steps = 0;
  db.execute("BEGIN");
  int number = 0;
  for (int block = 0; block < kBlocks; ++block) {
    const auto start = Clock::now();
    for (int i = 2; i < count / kBlocks; ++i) statement.bind(1, std::int64_t{++number}).step();
    blocks.push_back(seconds_since(start) * 1000 / (count / kBlocks - 2));
    std::printf(" %.4f", blocks.back());
    statement.bind(1, std::int64_t{++number});
    last_steps = db.steps_of(statement);
    if (block == 0) first_steps = last_steps;
  }
  db.execute("COMMIT");
  std::printf("\n");
  print_spread(std::string(fact.name) + ", last block / first", {blocks.back() / blocks.front()},
               0);
  std::printf("%-29s steps: %lld after %d facts, %lld after %d\n", fact.name,
              static_cast<long long>(first_steps), count / kBlocks,
              static_cast<long long>(last_steps), count);
  return last_steps <= first_steps * 5 / 4;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: entry EXTENSION [FACTS [RUNS]]");
  const int facts = argument(argc, argv, 2, 30'000, 100);
  const int runs = argument(argc, argv, 3, 5, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database db(folder.file("books.db"));
  db.load_extension(argv[1]);
  db.execute(
      "SELECT saldo_install('2026-03-02');"
      "INSERT INTO service(service_id, name, kind) VALUES ('sms', 'SMS', 'usage'), ('crm', 'CRM',"
      " 'recurring');"
      "INSERT INTO account(account_id, name, registered_on) VALUES (1, 'One', '2026-03-02')");
  bool constant = true;
  for (const Fact& fact : kFacts) constant = record(db, fact, facts) && constant;
  if (!constant) fail("a fact takes more work the more there are");
  if (db.value("SELECT sum(violations) FROM audit") != "0") fail("an audit finds something");

  db.execute(
      "CREATE TABLE report(text); INSERT INTO day_close(day, closed_at) SELECT day, day_end(day) "
      "FROM "
      "working_calendar WHERE day BETWEEN '2026-03-02' AND '2027-03-01' ORDER BY day");
  std::vector<double> ratios;
  for (int run = 0; run < runs; ++run) {
    const double alone = db.seconds("SELECT count(money(amount)) FROM payment");
    const double plain = db.seconds(
        "BEGIN; INSERT INTO report SELECT format('%d.%02d', amount / 100, amount % 100) FROM "
        "payment; ROLLBACK");
    const double written =
        db.seconds("BEGIN; INSERT INTO report SELECT money(amount) FROM payment; ROLLBACK");
    ratios.push_back(written / (alone + plain));
  }
  print_spread("INSERT of money() / (its SELECT + INSERT of format())", ratios, 1.25);
}
