// Closing a day, against set-based SQL (set_based/) on plain tables of the same facts in SQLite.
//
//   closing_sqlite EXTENSION [ACCOUNTS [RUNS]]
//
// Both in files of their own, in WAL mode with synchronous=FULL. Makes books of ACCOUNTS accounts
// (100,000; see books.h), closes RUNS days (5) in both, and compares all that was posted. Prints
// both times, their ratio, and its spread.
#include "closing.h"

using namespace saldo_bench;

namespace {

class PlainSqlite : public Rival {
 public:
  explicit PlainSqlite(std::string path) : path_(std::move(path)), db_(path_) {
    // Memory as a good programmer would give it; Saldo makes do with 16 MiB.
    db_.execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -262144;"
        "PRAGMA temp_store = MEMORY");
  }

  std::string name() override { return std::string("SQLite ") + sqlite3_libversion(); }
  std::string dialect() override { return "sqlite"; }
  void execute(const std::string& sql) override { db_.execute(sql); }
  void each_line(const std::string& sql,
                 const std::function<void(const std::string&)>& call) override {
    db_.each_line(sql, call);
  }
  void copy(Database& saldo, const std::string& table, const std::string& columns,
            const std::string& select) override {
    saldo.execute("ATTACH '" + path_ + "' AS plain; INSERT INTO plain." + table + "(" + columns +
                  ") " + select + "; DETACH plain");
  }
  void tidy() override { db_.execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)"); }

 private:
  std::string path_;
  Database db_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: closing_sqlite EXTENSION [ACCOUNTS [RUNS]]");
  const int accounts = argument(argc, argv, 2, 100'000, 1);
  const int runs = argument(argc, argv, 3, 5, 1);

  static const Folder folder;  // static: removed by fail(), too
  Database saldo(folder.file("books.db"));
  saldo.load_extension(argv[1]);
  PlainSqlite rival(folder.file("plain.db"));
  compare_closing(saldo, rival, accounts, runs, 0);
}
