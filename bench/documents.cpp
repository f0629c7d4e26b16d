// What a month's documents cost.
//
//   documents EXTENSION [ACCOUNTS [RUNS]]
//
// Makes books of ACCOUNTS accounts (100,000; see books.h), of which 5 % pay by bank transfer, and
// closes a month of them. Then the documents of the month are issued RUNS times (3), rolled back
// but for the last one, against a reading of the same accounts' charges once in plain SQL. The time
// is that of the statement, without the commit, which waits for the disk; and, each time, of the
// run once more, when nothing is missing.
#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr int kDays = 31;  // March, on whose first day the books are opened
constexpr const char* kRun =
    "INSERT INTO document_run(month, issued_on) VALUES ('2026-03', '2026-03-31')";

void expect_one(Database& db, const std::string& sql) {
  if (db.value(sql) != "1") fail("not so: " + sql);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: documents EXTENSION [ACCOUNTS [RUNS]]");
  const int accounts = argument(argc, argv, 2, 100'000, 50);
  const int runs = argument(argc, argv, 3, 3, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database db(folder.file("books.db"));
  db.load_extension(argv[1]);
  make_books(db, accounts);
  db.execute(each_account(accounts) +
             "INSERT INTO payment(account_id, amount, method, credited_at)"
             " SELECT i, 1000, 'bank_transfer', '2026-03-01T09:00:00Z' FROM n WHERE i % 20 = 7");
  db.execute("INSERT INTO issuer(valid_from, name) VALUES ('2026-03-01', 'Vendor')");
  db.execute(
      "INSERT INTO tax_rate(service_id, valid_from, basis_points)"
      " SELECT service_id, '2026-03-01', iif(service_id = 'owners_db', NULL, 2200)"
      " FROM service");
  make_history(db, accounts, kDays);

  std::vector<double> ratios;
  std::vector<double> again;
  for (int i = 1; i <= runs; ++i) {
    const auto reading = Clock::now();
    saldo::Statement charges = db.compile_once(
        "SELECT a.account_id, c.day, c.service_id, c.quantity, c.monthly_fee, c.unit_fee, c.amount"
        " FROM (SELECT DISTINCT account_id FROM payment WHERE method = 'bank_transfer') AS a"
        " CROSS JOIN day_close AS d CROSS JOIN charge AS c"
        " ON c.day = d.day AND c.account_id = a.account_id");
    const int rows = read_rows(charges);
    const double read = seconds_since(reading);

    db.execute("BEGIN IMMEDIATE");
    PeakMemory::reset();
    const double issued = db.seconds(kRun);
    const double memory = PeakMemory::resident();
    const std::string documents = db.value("SELECT documents FROM document_run");
    if (documents != db.value("SELECT count(*) FROM account WHERE account_id % 20 = 7"))
      fail("documents for " + documents + " accounts");
    again.push_back(db.seconds(kRun));
    db.execute(i < runs ? "ROLLBACK" : "COMMIT");
    ratios.push_back(issued / read);
    std::printf("%s documents of %d charges: %.3f s (peak %.1f MiB), read once %.3f s\n",
                documents.c_str(), rows, issued, memory, read);
  }
  print_spread("documents / reading their charges once", ratios, 0);
  print_spread("a run with nothing missing, s", again, 0);
  expect_one(db,
             "SELECT (SELECT sum(total) FROM document) = (SELECT sum(c.amount) FROM charge AS c"
             " WHERE c.account_id % 20 = 7)");
  expect_one(db,
             "SELECT (SELECT sum(total) FROM document) = (SELECT sum(amount) FROM"
             " document_line)");
  expect_one(db, "SELECT count(*) = 0 FROM audit_document");
}
