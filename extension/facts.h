// From rows to the types of rules/: the only place that reads the tables of facts.
#pragma once

#include <memory>

#include "context.h"
#include "rules/access.h"
#include "rules/account.h"
#include "rules/books.h"
#include "sqlite/bounds.h"

namespace saldo {

// The books as the running statement sees them. Kept until the content of the database changes;
// inside of a write transaction they are read anew each time, as it may yet be rolled back. Throws
// not_found before saldo_install.
std::shared_ptr<const Books> read_books(Context& context);

// The billing days from the open one on, at the cost of two rows: for the triggers, which run
// inside of a write transaction. Days closed before the last one are by the time zone alone.
BillingDays read_open_days(Context& context);

// SQLite heeds its interrupt and its progress handler only as it steps: what computes for long
// without answering a row calls this every kDaysAtOnce days, which throws where the statement is to
// end.
void heed_interrupt(Context& context);
inline constexpr int kDaysAtOnce = 500;
// walk.advance(at), an instant of `day`, heeding it.
void advance(Context& context, const Books& books, Walk& walk, Day day, Instant at);

// Which facts of an account a query needs.
struct Scope {
  // Only what matters from the end of the last closed day on, with the standing carried to there;
  // otherwise all.
  bool since_close = false;
  // Headcounts, subscriptions and usage; otherwise nothing costs anything.
  bool charges = true;
  // Usage that is charged on these days.
  Day usage_from = kFirstDay;
  Day usage_to = kLastDay;
  // Payments, adjustments and promises.
  bool money = false;
};

// One account's registration, terms, headcounts and subscriptions; with the account_id alone when
// there is no such account.
Account read_account(Context& context, const Books& books, std::int64_t account_id);

// Accounts in the order of their numbers, each with its facts. Holds one account at a time.
//
// All facts are a merge of the tables, which are kept in that order. Since the last close they are
// those of `facts_in_force`, a row an account however long its history; where that row is missing,
// as the facts have changed since, the account is looked up in the tables.
class AccountReader {
 public:
  AccountReader(Context& context, const Books& books, const IntegerRange& account_ids,
                const Scope& scope);

  // False: no more. Afterwards account() and carried() are those of the next account.
  bool next();
  [[nodiscard]] const Account& account() const { return account_; }
  // What the last closed day left; since_close.
  [[nodiscard]] const Standing& carried() const { return carried_; }
  // Whether there is a row of `balance`, and one of `facts_in_force`; since_close.
  [[nodiscard]] bool has_balance() const { return has_balance_; }
  [[nodiscard]] bool has_facts() const { return has_facts_; }

 private:
  // The rows of one table, sorted by account_id, which is their first column.
  class Rows {
   public:
    Rows() = default;
    explicit Rows(Statement statement) : statement_(std::move(statement)) { advance(); }
    // Calls `take(row)` for each row of the account; those of lesser accounts are passed over.
    template <typename Take>
    void of(std::int64_t account_id, Take&& take);

   private:
    void advance();
    Statement statement_;
    bool has_row_ = false;
    std::int64_t account_id_ = 0;
  };

  Statement open(const IntegerRange& account_ids, const char* sql);
  void open_tables(const IntegerRange& account_ids);
  void open_usage(const IntegerRange& account_ids);
  void open_money(const IntegerRange& account_ids);
  void read_tables();
  void read_current();
  void read_usage();
  void read_money();

  Context& context_;
  const Books& books_;
  Scope scope_;
  Statement accounts_;
  Rows terms_;
  Rows headcounts_;
  Rows subscriptions_;
  Rows usage_;
  Rows payments_;
  Rows adjustments_;
  Rows promises_;
  Account account_;
  Standing carried_;
  bool has_balance_ = false;
  bool has_facts_ = false;
};

}  // namespace saldo
