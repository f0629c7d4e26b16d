// One account's facts, read from its tables or from what the last close left.
#pragma once

#include "context.h"
#include "rules/access.h"
#include "rules/account.h"
#include "rules/books.h"
#include "sqlite/bounds.h"

namespace saldo {

// Which facts of an account are read.
struct Scope {
  // Only what matters after the last closed day, with the standing at its end; otherwise all. A day
  // must have been closed.
  bool from_last_close = false;
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
// All facts are a merge of the tables, whose rows stand in that order. Those from the last close
// are in `facts_in_force`, a row an account however long its history; where that row is missing, as
// the facts have changed since, the account is looked up in the tables.
class AccountReader {
 public:
  AccountReader(Context& context, const Books& books, const IntegerRange& account_ids,
                const Scope& scope);

  // False: no more. Afterwards account() and carried() are those of the next account.
  bool next();
  [[nodiscard]] const Account& account() const { return account_; }
  // What the last closed day left; from_last_close.
  [[nodiscard]] const Standing& carried() const { return carried_; }
  // Whether there is a row of `balance`, and one of `facts_in_force`; from_last_close.
  [[nodiscard]] bool has_balance() const { return has_balance_; }
  [[nodiscard]] bool has_facts() const { return has_facts_; }

 private:
  // The rows of one table, sorted by account_id, which is their first column.
  class Rows {
   public:
    Rows() = default;
    explicit Rows(Statement statement) : statement_(std::move(statement)) { advance(); }
    // Calls `visit(row)` for each row of the account; those of lesser accounts are passed over.
    template <typename Visit>
    void for_account(std::int64_t account_id, Visit&& visit);

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
  void read_facts_in_force();
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
