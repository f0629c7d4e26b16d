// What the benchmarks share: a connection, and books like those of the vendor. Every account has
// the CRM by headcount, 40 % a virtual PBX, 20 % the owners database, 30 % send SMS each day, 3 %
// are in arrears, 2 % pay each day; two price lists, three versions of the prices.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sqlite/connection.h"

namespace saldo_bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

class Database : public saldo::Connection {
 public:
  explicit Database(const std::string& path)
      : Connection(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    execute("PRAGMA busy_timeout = 60000");  // where a server writes beside
  }

  // The first column of the first row.
  std::string value(const std::string& sql) {
    saldo::Statement row = compile_once(sql);
    if (!row.step()) fail("no row: " + sql);
    return std::string(row.text(0));
  }

  // Calls with each row, as text: columns parted by tabs, \N for NULL, as COPY of PostgreSQL has
  // it.
  void each_line(const std::string& sql, const std::function<void(const std::string&)>& call) {
    saldo::Statement row = compile_once(sql);
    std::string line;
    while (row.step()) {
      line.clear();
      for (int i = 0; i < row.columns(); ++i) {
        if (i > 0) line += '\t';
        line += row.is_null(i) ? "\\N" : row.text(i);
      }
      call(line);
    }
  }

  double seconds(const std::string& sql) {
    const auto start = std::chrono::steady_clock::now();
    execute(sql);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  // Steps the statement once: how many steps of SQLite's virtual machine that took, those of
  // triggers and of the extension's own statements included.
  std::int64_t steps_of(saldo::Statement& statement) {
    std::int64_t steps = 0;
    sqlite3_progress_handler(
        handle(), 1,
        [](void* count) {
          ++*static_cast<std::int64_t*>(count);
          return 0;
        },
        &steps);
    statement.step();
    sqlite3_progress_handler(handle(), 0, nullptr, nullptr);
    return steps;
  }
};

inline void make_books(Database& db, int accounts) {
  const std::string n = std::to_string(accounts);
  const std::string each =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + n + ") ";
  db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
  db.execute("SELECT saldo_install('2026-03-01')");
  db.execute("BEGIN");
  db.execute(
      "INSERT INTO service(service_id, name, kind) VALUES ('crm', 'CRM', 'recurring'), ('pbx', "
      "'PBX', 'recurring'),"
      " ('owners_db', 'Owners', 'recurring'), ('sms', 'SMS', 'usage')");
  db.execute(
      "WITH list(price_list, percent) AS (VALUES ('standard', 100), ('partner', 80)),"
      " version(valid_from, percent) AS (VALUES ('2026-03-01', 100), ('2026-03-02', 105), "
      "('2026-04-15', 110)),"
      " tier(service_id, min_quantity, monthly_fee, unit_fee) AS (VALUES ('crm', 1, 199000, 0), "
      "('crm', 6, 349000, 0),"
      " ('crm', 11, 599000, 0), ('crm', 21, 999000, 0), ('crm', 51, 1499000, 5000), ('pbx', 1, 0, "
      "19000),"
      " ('owners_db', 1, 99000, 0), ('sms', 1, 0, 250))"
      "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee)"
      " SELECT price_list, service_id, valid_from, min_quantity, monthly_fee * l.percent * "
      "v.percent / 10000,"
      " unit_fee * l.percent * v.percent / 10000 FROM list AS l, version AS v, tier");
  db.execute(each +
             "INSERT INTO account(account_id, name, registered_on) SELECT i, 'company ' || i, "
             "'2026-03-01' FROM n");
  db.execute(each +
             "INSERT INTO account_terms(account_id, valid_from, status) SELECT i, '2026-03-01', "
             "'active' FROM n");
  db.execute(each +
             "INSERT INTO headcount(account_id, day, employees) SELECT i, '2026-03-01', 1 + i * "
             "7919 % 70 FROM n");
  const std::string subscribe =
      each +
      "INSERT INTO subscription(account_id, service_id, started_on, quantity, price_list) "
      "SELECT i, ";
  const std::string list = ", iif(i % 10 = 0, 'partner', 'standard') FROM n";
  db.execute(subscribe + "'crm', '2026-03-01', NULL" + list);
  db.execute(subscribe + "'pbx', '2026-03-01', 1 + i % 9" + list + " WHERE i % 5 < 2");
  db.execute(subscribe + "'owners_db', '2026-03-01', 1" + list + " WHERE i % 5 = 2");
  db.execute(each +
             "INSERT INTO payment(account_id, amount, method, credited_at)"
             " SELECT i, 100000000, 'bank_card', '2026-03-01T09:00:00Z' FROM n WHERE i % 33 <> 0");
  db.execute("COMMIT");
}

// What arrives on a day: SMS of 30 % of the accounts, payments of 2 %.
inline void record_day(Database& db, const std::string& day, int run, int accounts) {
  const std::string each =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(accounts) + ") ";
  const std::string offset = std::to_string(run);
  db.execute("BEGIN");
  db.execute(each +
             "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity)"
             " SELECT '" +
             day + "/' || i, i, 'sms', '" + day + "T12:00:00Z', 1 + i % 20 FROM n WHERE (i + " +
             offset + ") % 10 < 3");
  db.execute(each +
             "INSERT INTO payment(account_id, amount, method, credited_at)"
             " SELECT i, 100000, 'bank_card', '" +
             day + "T12:00:00Z' FROM n WHERE i % 50 = " + offset + " AND i % 33 <> 0");
  db.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A folder for a database, removed with all in it at the end.
class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "saldo-bench-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) fail("cannot make a folder for the database");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace saldo_bench
