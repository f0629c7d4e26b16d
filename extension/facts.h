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

// Which facts of an account a query needs.
struct Scope {
  // Headcounts, subscriptions and usage; otherwise nothing costs anything.
  bool charges = true;
  // Usage that is charged on these days.
  Day usage_from = kFirstDay;
  Day usage_to = kLastDay;
  // Money and promises: none; from the end of the last closed day on, with the standing carried to
  // there; or all.
  enum class Money { kNone, kSinceClose, kAll } money = Money::kNone;
};

// Accounts in the order of their numbers, each with its facts: a merge of the tables, which are
// kept in that order. Holds one account at a time.
class AccountReader {
 public:
  AccountReader(Context& context, const Books& books, const IntegerRange& account_ids,
                const Scope& scope);

  // False: no more. Afterwards account() and carried() are those of the next account.
  bool next();
  [[nodiscard]] const Account& account() const { return account_; }
  // What the last closed day left; meant with Money::kSinceClose.
  [[nodiscard]] const Standing& carried() const { return carried_; }

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

  void read_terms();
  void read_charged();
  void read_money();

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
  Rows balances_;
  Account account_;
  Standing carried_;
};

}  // namespace saldo
