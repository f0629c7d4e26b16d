// What the two comparisons of closing a day with set-based SQL share: the course of a run. The
// same books are held twice, by Saldo and in the plain tables of a rival; each day both get the
// same usage and payments, both close it, in turns first, and all that they posted is compared.
#pragma once

#include <fstream>
#include <sstream>

#include "measure.h"

namespace saldo_bench {

// Another database that closes the same days by SQL; `sql` may hold several statements.
class Rival {
 public:
  Rival() = default;
  Rival(const Rival&) = delete;
  Rival& operator=(const Rival&) = delete;
  virtual ~Rival() = default;

  virtual std::string name() = 0;
  // The prefix of its files in set_based/.
  virtual std::string dialect() = 0;
  virtual void execute(const std::string& sql) = 0;
  virtual void each_line(const std::string& sql,
                         const std::function<void(const std::string&)>& call) = 0;
  // Puts what `select` gives from Saldo's books into `columns` of `table`.
  virtual void copy(Database& saldo, const std::string& table, const std::string& columns,
                    const std::string& select) = 0;
  // What a good administrator has done before a day is closed.
  virtual void tidy() = 0;
  // An expression for an instant as Saldo writes it.
  virtual std::string instant(const std::string& column) { return column; }
};

inline std::string read_set_based(const std::string& name) {
  std::ifstream file(std::string(SALDO_BENCH_SQL) + "/" + name);
  if (!file) fail("cannot read " + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// How many rows, and FNV-1a over them in their order.
class Checksum {
 public:
  void add(const std::string& line) {
    ++rows_;
    for (const char c : line + "\n")
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  bool operator==(const Checksum&) const = default;
  std::size_t rows() const { return rows_; }

 private:
  std::size_t rows_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

struct Fact {
  const char* table;
  const char* columns;
  const char* select;  // from Saldo's books
  bool daily;          // copied day by day
};

constexpr Fact kFacts[] = {
    {"service", "service_id, kind", "SELECT service_id, kind FROM service", false},
    {"tariff", "price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee",
     "SELECT price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee FROM tariff",
     false},
    {"account", "account_id, name, registered_on",
     "SELECT account_id, name, registered_on FROM account", false},
    {"account_terms", "account_id, valid_from, status, credit_limit, held",
     "SELECT account_id, valid_from, status, credit_limit, held FROM account_terms", false},
    {"headcount", "account_id, day, employees", "SELECT account_id, day, employees FROM headcount",
     false},
    {"subscription", "account_id, service_id, started_on, ended_on, quantity, price_list",
     "SELECT account_id, service_id, started_on, ended_on, quantity, price_list FROM subscription",
     false},
    {"balance", "account_id", "SELECT account_id FROM account", false},
    {"usage_event",
     "usage_id, account_id, service_id, occurred_at, occurred_on, quantity, charged_on",
     "SELECT usage_id, account_id, service_id, occurred_at, billing_day(occurred_at), quantity,"
     " charged_on FROM usage_event WHERE charged_on = :day",
     true},
    {"payment", "payment_id, account_id, amount, method, credited_at, day",
     "SELECT payment_id, account_id, amount, method, credited_at, day FROM payment"
     " WHERE day = :day",
     true},
    {"adjustment", "adjustment_id, account_id, amount, kind, effective_at, day",
     "SELECT adjustment_id, account_id, amount, kind, effective_at, day FROM adjustment"
     " WHERE day = :day",
     true},
};

inline void compare_rows(Database& saldo, Rival& rival, const std::string& what,
                         const std::string& sql, const std::string& rival_sql) {
  Checksum of_saldo;
  Checksum of_rival;
  saldo.each_line(sql, [&](const std::string& line) { of_saldo.add(line); });
  rival.each_line(rival_sql, [&](const std::string& line) { of_rival.add(line); });
  if (of_saldo.rows() == 0 || !(of_saldo == of_rival))
    fail("not the same " + what + ": " + std::to_string(of_saldo.rows()) + " rows of Saldo, " +
         std::to_string(of_rival.rows()) + " of " + rival.name());
}

// All that was posted for the day, and the balances after it.
inline void compare_posted(Database& saldo, Rival& rival, const std::string& day) {
  const std::string charges =
      "SELECT account_id, service_id, quantity, monthly_fee, unit_fee, amount FROM charge WHERE "
      "day = '" +
      day + "' ORDER BY account_id, service_id";
  compare_rows(saldo, rival, "charges", charges, charges);
  const auto balances = [](const std::string& arrears_since) {
    return "SELECT account_id, balance, " + arrears_since + " FROM balance ORDER BY account_id";
  };
  compare_rows(saldo, rival, "balances", balances("arrears_since"),
               balances(rival.instant("arrears_since")));
  const std::string totals =
      "SELECT day, accounts, charges, charged FROM day_close WHERE day = '" + day + "'";
  compare_rows(saldo, rival, "totals", totals, totals);
}

// Closes `runs` days. `saldo` is empty, with the extension loaded. The bar is a factor that Saldo
// must be faster by; 0: none.
inline void compare_closing(Database& saldo, Rival& rival, int accounts, int runs, double bar) {
  const Progress progress("closing days of " + std::to_string(accounts) + " accounts");
  progress.at("making the books");
  make_books(saldo, accounts);

  rival.execute(read_set_based(rival.dialect() + "_tables.sql"));
  for (const Fact& fact : kFacts) {
    if (fact.daily) continue;
    progress.at(std::string("copying ") + fact.table);
    rival.copy(saldo, fact.table, fact.columns, fact.select);
  }

  const std::string close = read_set_based(rival.dialect() + "_close.sql");
  std::vector<double> ratios;
  Progress::clear();
  std::printf("%d accounts, Saldo and %s\n%-12s %10s %10s %10s %8s\n", accounts,
              rival.name().c_str(), "day", "charges", "Saldo, s", "SQL, s", "ratio");
  for (int run = 0; run < runs; ++run) {
    const std::string day = saldo.value("SELECT open_day FROM books");
    const std::string closed_at = saldo.value("SELECT day_end('" + day + "')");
    progress.at("recording " + day);
    record_day(saldo, day, run, accounts);
    for (const Fact& fact : kFacts) {
      if (!fact.daily) continue;
      std::string select = fact.select;
      replace_all(select, ":day", "'" + day + "'");
      rival.copy(saldo, fact.table, fact.columns, select);
    }
    rival.tidy();

    std::string sql = close;
    replace_all(sql, ":day", "'" + day + "'");
    replace_all(sql, ":starts_at", "'" + saldo.value("SELECT day_start('" + day + "')") + "'");
    replace_all(sql, ":ends_at", "'" + closed_at + "'");
    replace_all(sql, ":closed_at", "'" + closed_at + "'");
    double of_saldo = 0;
    double of_rival = 0;
    const auto close_rival = [&] {
      progress.at("closing " + day + " in " + rival.name());
      const auto start = Clock::now();
      rival.execute(sql);
      of_rival = seconds_since(start);
    };
    if (run % 2 == 1) close_rival();
    progress.at("closing " + day + " in Saldo");
    of_saldo = saldo.seconds("INSERT INTO day_close(day, closed_at) VALUES ('" + day + "', '" +
                             closed_at + "')");
    if (run % 2 == 0) close_rival();

    progress.at("comparing " + day);
    compare_posted(saldo, rival, day);
    ratios.push_back(of_rival / of_saldo);
    Progress::clear();
    std::printf("%-12s %10s %10.3f %10.3f %8.2f\n", day.c_str(),
                saldo.value("SELECT charges FROM day_close WHERE day = '" + day + "'").c_str(),
                of_saldo, of_rival, ratios.back());
    std::fflush(stdout);
  }
  print_spread("Saldo is faster by", ratios, bar, true);
}

}  // namespace saldo_bench
