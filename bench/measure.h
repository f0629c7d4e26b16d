// What the benchmarks of books with a history share: prepared statements, clocks and the peak of
// memory, days recorded and closed in a row, accounts in known states, and how a ratio is printed.
#pragma once

#include <malloc.h>

#include <cstdint>
#include <fstream>

#include "books.h"

namespace saldo_bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// On a terminal: what takes long to make.
class Progress {
 public:
  explicit Progress(std::string what) : what_(std::move(what)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  void at(const std::string& step) const { say("\r\033[K" + what_ + ": " + step); }
  void at(int done, int all) const { at(std::to_string(done) + " of " + std::to_string(all)); }
  // Removes the line of progress, before something else is printed.
  static void clear() { say("\r\033[K"); }

 private:
  static void say(const std::string& text) {
    if (isatty(STDERR_FILENO) == 1) std::fprintf(stderr, "%s", text.c_str());
  }
  std::string what_;
};

// The argument at `index`, a number of `least` or more, or `otherwise`.
inline int argument(int argc, char** argv, int index, int otherwise, int least) {
  if (index >= argc) return otherwise;
  char* end = nullptr;
  const long value = std::strtol(argv[index], &end, 10);
  if (*end != '\0' || value < least || value > 100'000'000)
    fail(std::string(argv[index]) + " is no number of " + std::to_string(least) + " or more");
  return static_cast<int>(value);
}

// Prints the median of ratios and their spread. A bar is the most they may be, or, when
// `at_least`, the least; 0: there is none.
inline void print_spread(const std::string& name, const std::vector<double>& ratios, double bar,
                         bool at_least = false) {
  std::printf("%s: median %.2f, from %.2f to %.2f", name.c_str(), median(ratios),
              *std::min_element(ratios.begin(), ratios.end()),
              *std::max_element(ratios.begin(), ratios.end()));
  if (bar > 0) std::printf("; bar %s %.2f", at_least ? ">=" : "<=", bar);
  std::printf("\n");
  std::fflush(stdout);
}

// Reads every column of every row, as a caller would, and counts the rows; the statement is then
// ready for the next call.
inline int read_rows(saldo::Statement& statement) {
  int rows = 0;
  for (; statement.step(); ++rows) {
    for (int i = 0; i < statement.columns(); ++i) sqlite3_column_value(statement.handle(), i);
  }
  return rows;
}

// The same, as text: columns parted by tabs, rows ended by line feeds.
inline std::string text_of_rows(saldo::Statement& statement) {
  std::string all;
  while (statement.step()) {
    for (int i = 0; i < statement.columns(); ++i) {
      if (i > 0) all += '\t';
      all += statement.text(i);
    }
    all += '\n';
  }
  return all;
}

// The peak of this process's resident memory since reset(), in MiB.
class PeakMemory {
 public:
  static void reset() {
    malloc_trim(0);  // what was freed before is not what the work takes
    std::ofstream("/proc/self/clear_refs") << "5";
    sqlite3_memory_highwater(1);
  }
  static double resident() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmHWM:", 0) == 0) return std::atof(line.c_str() + 6) / 1024;
    }
    fail("/proc/self/status has no VmHWM");
  }
  static double sqlite() {
    return static_cast<double>(sqlite3_memory_highwater(0)) / (1024 * 1024);
  }
};

inline std::string each_account(int accounts) {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
         std::to_string(accounts) + ") ";
}

// The number, from 0, of the open day.
inline int open_day_number(Database& db) {
  return std::atoi(
      db.value("SELECT julianday(open_day) - julianday(opening_day) FROM books").c_str());
}

// What arrives on the open day: that of record_day, and new headcounts of 5 % of the accounts. On
// the opening day all of them have just been told.
inline void record_open_day(Database& db, int accounts) {
  const int number = open_day_number(db);
  const std::string run = std::to_string(number);
  const std::string day = db.value("SELECT open_day FROM books");
  if (number > 0) {
    db.execute(each_account(accounts) +
               "INSERT INTO headcount(account_id, day, employees) SELECT i, '" + day +
               "', 1 + (i * 7919 + " + run + " * 31) % 70 FROM n WHERE i % 20 = " + run + " % 20");
  }
  record_day(db, day, number % 50, accounts);
}

// Closes the open day; the seconds that it takes.
inline double close_open_day(Database& db) {
  const std::string day = db.value("SELECT open_day FROM books");
  return db.seconds("INSERT INTO day_close(day, closed_at) VALUES ('" + day + "', day_end('" + day +
                    "'))");
}

// The rows posted for the last closed day are those that the facts say, and the balances are all
// the money less all charges.
inline void check_last_close(Database& db) {
  if (db.value("SELECT (SELECT count(*) || ' ' || sum(amount) FROM charge WHERE day ="
               " last_closed_day) = (SELECT count(*) || ' ' || sum(amount) FROM daily_charge"
               " WHERE day = last_closed_day) FROM books") != "1")
    fail("the posted rows are not those of daily_charge");
  if (db.value("SELECT (SELECT sum(balance) FROM balance) = (SELECT sum(amount) FROM payment WHERE"
               " day <= last_closed_day) + (SELECT coalesce(sum(amount), 0) FROM adjustment WHERE"
               " day <= last_closed_day) - (SELECT sum(charged) FROM day_close) FROM books") != "1")
    fail("the balances are not the money less the charges");
}

// Records and closes days until `days` are closed. Nothing is measured, so nothing waits for the
// disk.
inline void make_history(Database& db, int accounts, int days) {
  const Progress progress("closing days of " + std::to_string(accounts) + " accounts");
  db.execute("PRAGMA synchronous = OFF");
  for (int number = open_day_number(db); number < days; ++number) {
    progress.at(number, days);
    record_open_day(db, accounts);
    close_open_day(db);
  }
  check_last_close(db);
  db.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = FULL");
}

// Books of `accounts` (33 or more), `weeks` closed up to a Friday, and accounts of each state on
// the Saturday after.
struct KnownState {
  const char* name;
  int account;
  const char* state;
};
constexpr KnownState kKnownStates[] = {
    {"active, for a month more", 2, "active"},
    {"active, for over ten years", 3, "active"},
    {"in grace", 4, "grace"},
    {"restricted from the start", 33, "restricted"},
};

// Returns the Saturday's noon, UTC.
inline std::string make_known_states(Database& db, int accounts, int weeks) {
  make_books(db, accounts);
  make_history(db, accounts, weeks * 7 - 2);  // the books open on a Sunday
  record_open_day(db, accounts);
  // Friday's charge takes account 4 below zero, and account 2 has money for thirty days after it.
  const std::string refund =
      "INSERT INTO adjustment(account_id, amount, kind, effective_at) SELECT account_id, ";
  const std::string from =
      ", 'correction', open_day || 'T12:00:00Z' FROM books CROSS JOIN account_balance WHERE "
      "account_id = ";
  db.execute(refund +
             "(SELECT sum(amount) FROM daily_charge AS c WHERE c.account_id = 2 AND c.day BETWEEN"
             " open_day AND date(open_day, '+30 days')) - balance" +
             from + "2");
  db.execute(refund + "1000000000000 - balance" + from + "3");
  db.execute(refund + "-balance" + from + "4");
  close_open_day(db);
  check_last_close(db);
  db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  const std::string at = db.value("SELECT open_day || 'T12:00:00Z' FROM books");
  for (const auto& known : kKnownStates) {
    if (db.value("SELECT state FROM access_state WHERE at = '" + at +
                 "' AND account_id = " + std::to_string(known.account)) != known.state)
      fail(std::string("the account that should be ") + known.name + " is not");
  }
  return at;
}

}  // namespace saldo_bench
