// Closing a day with a history behind it, against closing the same with none.
//
//   growth EXTENSION [ACCOUNTS [DAYS]]
//
// Makes books of ACCOUNTS accounts (100,000; see books.h) and closes DAYS days (90) and two more;
// on each, 5 % of the accounts change their headcount, 2 % pay and 30 % use something. Tells of
// days 1 to 6, 28 to 32 and the last five the seconds, the peak of memory (of the process, and
// SQLite's own) and by how much the file grew. Each of the last five days is closed in turns with
// one of new books, in the same run, so that a machine that became slower in between shows in
// both. The ratios are to the new books' days 2 to 6, and, the first day registering everyone, to
// their day 1.
#include <memory>

#include "measure.h"

using namespace saldo_bench;

namespace {

constexpr double kBar = 1.2;
constexpr double kMemoryBarMiB = 64;
constexpr int kAroundDays = 2;  // days on either side of the one that is meant

struct Close {
  double seconds = 0;
  double resident = 0;
};

// Books in a file, opened anew for each day that is measured: neither's memory counts for the
// other.
class Books {
 public:
  Books(std::string extension, std::string path, int accounts)
      : extension_(std::move(extension)), path_(std::move(path)), accounts_(accounts) {
    const auto db = open();
    make_books(*db, accounts_);
    db->execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  void close_days(int through) { make_history(*open(), accounts_, through); }

  Close measure(const std::string& name) {
    const auto db = open();
    record_open_day(*db, accounts_);
    const auto before = std::filesystem::file_size(path_);
    Close close;
    PeakMemory::reset();
    close.seconds = close_open_day(*db);
    close.resident = PeakMemory::resident();
    const double sqlite = PeakMemory::sqlite();
    db->execute("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto grown = std::filesystem::file_size(path_) - before;
    check_last_close(*db);
    const std::string charges =
        db->value("SELECT charges FROM day_close ORDER BY day DESC LIMIT 1");
    std::printf("%-12s %5d %10s %10.3f %10.1f %12.1f %10.1f\n", name.c_str(), open_day_number(*db),
                charges.c_str(), close.seconds, close.resident, sqlite,
                static_cast<double>(grown) / (1024 * 1024));
    std::fflush(stdout);
    peak_ = std::max(peak_, close.resident);
    return close;
  }

  double peak() const { return peak_; }

 private:
  std::unique_ptr<Database> open() const {
    auto db = std::make_unique<Database>(path_);
    db->load_extension(extension_);
    db->execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
    return db;
  }

  std::string extension_;
  std::string path_;
  int accounts_;
  double peak_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: growth EXTENSION [ACCOUNTS [DAYS]]");
  const int accounts = argument(argc, argv, 2, 100'000, 1);
  const int days = argument(argc, argv, 3, 90, 10);

  static const Folder folder;  // static: removed by fail(), too
  std::printf("%d accounts\n%-12s %5s %10s %10s %10s %12s %10s\n", accounts, "books", "day",
              "charges", "close, s", "peak, MiB", "SQLite, MiB", "file, MiB");
  Books books(argv[1], folder.file("books.db"), accounts);
  // The days around `middle`, each closed in `books`.
  const auto around = [&](int middle) {
    books.close_days(middle - kAroundDays - 1);
    std::vector<double> seconds;
    for (int i = -kAroundDays; i <= kAroundDays; ++i)
      seconds.push_back(books.measure("old").seconds);
    return median(seconds);
  };
  const double first = books.measure("old").seconds;
  const double early = around(4);
  constexpr int kMonthDays = 30;
  const double month = days > kMonthDays + 2 * kAroundDays ? around(kMonthDays) : 0;

  books.close_days(days - kAroundDays - 1);
  Books fresh(argv[1], folder.file("fresh.db"), accounts);
  const double fresh_first = fresh.measure("new").seconds;
  std::vector<double> late;
  std::vector<double> to_first;
  std::vector<double> to_second;
  for (int i = -kAroundDays; i <= kAroundDays; ++i) {
    // Which of the two is measured first alternates.
    double other = 0;
    if (i % 2 == 0) other = fresh.measure("new").seconds;
    late.push_back(books.measure("old").seconds);
    if (i % 2 != 0) other = fresh.measure("new").seconds;
    to_first.push_back(late.back() / fresh_first);
    to_second.push_back(late.back() / other);
  }

  std::printf("seconds: day 1 %.3f, days 2 to 6 %.3f, ", first, early);
  if (month > 0) std::printf("around day %d %.3f, ", kMonthDays, month);
  std::printf("around day %d %.3f\n", days, median(late));
  const std::string name = "day " + std::to_string(days) + " / day ";
  print_spread(name + "1 of new books", to_first, kBar);
  print_spread(name + "2 to 6 of new books", to_second, kBar);
  const double peak = std::max(books.peak(), fresh.peak());
  std::printf("%s / day 1 of the same books: %.2f; / days 2 to 6: %.2f\n",
              ("day " + std::to_string(days)).c_str(), median(late) / first, median(late) / early);
  std::printf("peak of memory: %.1f MiB; bar <= %.0f\n", peak, kMemoryBarMiB);
}
