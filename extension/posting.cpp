#include "posting.h"

#include <optional>
#include <vector>

#include "facts.h"
#include "facts_in_force.h"
#include "rules/error.h"

namespace saldo {
namespace {

// Rows of one INSERT: what a statement costs once is then little.
constexpr int kTogether = 100;

// A table with a row an account, which takes posted rows: its INSERT for many rows and for one.
struct PostedTable {
  PostedTable(const std::string& name, int count)
      : columns(count), many(insert(name, count, kTogether)), one(insert(name, count, 1)) {}

  int columns;
  std::string many;
  std::string one;

 private:
  static std::string insert(const std::string& name, int columns, int rows) {
    std::string sql = "INSERT OR REPLACE INTO main." + name + " VALUES ";
    for (int row = 0; row < rows; ++row) {
      sql += row == 0 ? "(?" : ", (?";
      for (int column = 1; column < columns; ++column) sql += ", ?";
      sql += ')';
    }
    return sql;
  }
};

const PostedTable& balance_table() {
  static const PostedTable kTable("balance(account_id, balance, arrears_since, restricted_days)",
                                  4);
  return kTable;
}

const PostedTable& facts_table() {
  static const PostedTable kTable("facts_in_force(account_id, facts)", 2);
  return kTable;
}

struct BalanceRow {
  std::int64_t account_id = 0;
  Standing standing;
  std::string arrears_since;
};

struct FactsRow {
  std::int64_t account_id = 0;
  std::string facts;
};

// One pass over the accounts. The INSERT into `charge` asks for a charge at a time; the other rows
// are written on the way.
class Poster : public PostedCharges {
 public:
  Poster(Context& context, const Books& books, const std::string& day)
      : context_(context),
        books_(books),
        day_(books.open_day),
        day_text_(day),
        last_second_(books.days.end_of(day_) - seconds{1}),
        since_close_(books.carried_to(day_)),
        digest_(context, day) {
    context_.posting = this;
  }
  ~Poster() override { context_.posting = nullptr; }

  void run() {
    Scope scope;
    scope.since_close = since_close_;
    scope.money = true;
    scope.usage_from = since_close_ ? day_ : books_.opening;
    scope.usage_to = day_;
    reader_.emplace(context_, books_, IntegerRange(), scope);
    const auto before = changes();
    insert_charges();
    seal();
    if (changes() - before != written_) throw meddled();
  }

  [[nodiscard]] std::string_view day() const override { return day_text_; }
  const ChargeColumns* next() override {
    while (next_ == charges_.size()) {
      if (!reader_ || !reader_->next()) {
        finish_accounts();
        return nullptr;
      }
      post();
    }
    return &charges_[next_++];
  }

 private:
  // A trigger of the connection's own may drop rows, or add some while the way is open.
  static Error meddled() {
    return append_only(
        "a trigger that is not Saldo's meddles with the closing of the day; drop it");
  }

  void insert_charges() {
    try {
      // Not a kept statement: it would keep its table connected when the connection closes.
      context_.statements.execute(
          "INSERT INTO main.charge(day, account_id, service_id, quantity, monthly_fee, unit_fee,"
          " amount) SELECT * FROM main.posted_charge");
    } catch (const SqliteError& error) {
      if (error.code() == SQLITE_CONSTRAINT_PRIMARYKEY) throw meddled();
      throw;
    }
    written_ += charge_rows_;
  }

  [[nodiscard]] std::int64_t changes() const {
    return sqlite3_total_changes64(context_.statements.db());
  }

  // The account that the reader stands on.
  void post() {
    const Account& account = reader_->account();
    DailyCharges daily(books_, account);
    Walk walk = since_close_ ? Walk(books_, account, daily, reader_->carried(), day_)
                             : Walk(books_, account, daily);
    walk.advance(last_second_);
    Standing standing = walk.standing();
    standing.restricted_days =
        standing.arrears_since ? walk.restricted_days(walk.access().state) : 0;

    charges_.clear();
    next_ = 0;
    for (const Charge& charge : daily.on(day_, walk.recurring_charged())) {
      if (!charge.price) continue;
      charges_.push_back({account.account_id,
                          books_.services[static_cast<std::size_t>(charge.service)].id,
                          charge.quantity, charge.price->tier.monthly_fee,
                          charge.price->tier.unit_fee, charge.amount});
      digest_.add(charges_.back());
      standing.balance = subtract(standing.balance, charge.amount);
      charged_ = add(charged_, charge.amount);
    }
    if (!charges_.empty()) ++accounts_;
    charge_rows_ += static_cast<std::int64_t>(charges_.size());

    if (!reader_->has_balance() || standing != reader_->carried()) {
      balances_.push_back({account.account_id, standing,
                           standing.arrears_since ? format_instant(*standing.arrears_since) : ""});
    }
    if (!reader_->has_facts()) {
      auto facts = encode_facts(books_, account, day_ + days{1});
      if (facts) facts_.push_back({account.account_id, std::move(*facts)});
    }
    write_rows(kTogether);
  }

  void finish_accounts() {
    reader_.reset();
    charges_.clear();
    next_ = 0;
    write_rows(1);
  }

  // Writes what there is, but leaves less than `least` rows of a table for the next time.
  void write_rows(std::size_t least) {
    write(balance_table(), balances_, least, [](Statement& row, int at, const BalanceRow& b) {
      row.bind(at + 1, b.account_id).bind(at + 2, b.standing.balance);
      if (b.standing.arrears_since) {
        row.bind_static(at + 3, b.arrears_since);
      } else {
        row.bind_null(at + 3);
      }
      row.bind(at + 4, b.standing.restricted_days);
    });
    write(facts_table(), facts_, least, [](Statement& row, int at, const FactsRow& f) {
      row.bind(at + 1, f.account_id).bind_blob_static(at + 2, f.facts);
    });
  }

  template <typename Row, typename Bind>
  void write(const PostedTable& table, std::vector<Row>& rows, std::size_t least, Bind&& bind) {
    if (rows.size() < least) return;
    std::size_t at = 0;
    while (rows.size() - at >= least) {
      const bool many = rows.size() - at >= kTogether;
      const int count = many ? kTogether : 1;
      auto statement = context_.statements.prepare((many ? table.many : table.one).c_str());
      for (int i = 0; i < count; ++i)
        bind(statement, i * table.columns, rows[at + static_cast<std::size_t>(i)]);
      statement.step();
      written_ += count;
      at += static_cast<std::size_t>(count);
    }
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void seal() {
    auto totals = context_.statements.prepare(
        "UPDATE main.day_close SET accounts = ?2, charges = ?3, charged = ?4 WHERE day = ?1");
    totals.bind(1, day_text_).bind(2, accounts_).bind(3, charge_rows_).bind(4, charged_).step();
    auto sealing =
        context_.statements.prepare("UPDATE main.day_close SET digest = ?2 WHERE day = ?1");
    sealing.bind(1, day_text_).bind(2, digest_.finish()).step();
    written_ += 2;
  }

  Context& context_;
  const Books& books_;
  const Day day_;
  const std::string day_text_;
  const Instant last_second_;
  const bool since_close_;
  DayDigest digest_;
  std::optional<AccountReader> reader_;  // until all accounts are posted
  std::vector<ChargeColumns> charges_;   // of one account
  std::size_t next_ = 0;                 // of these
  std::vector<BalanceRow> balances_;
  std::vector<FactsRow> facts_;
  std::int64_t accounts_ = 0;
  std::int64_t charge_rows_ = 0;
  std::int64_t written_ = 0;
  Amount charged_ = 0;
};

}  // namespace

void post_day(Context& context, const std::string& day) {
  const auto books = read_books(context);
  auto unsealed =
      context.statements.prepare("SELECT 1 FROM main.day_close WHERE day = ?1 AND digest IS NULL");
  const bool open = day == format_day(books->open_day) && unsealed.bind(1, day).step();
  unsealed.reset();
  if (!open || context.posting != nullptr)
    throw append_only("a day is posted by INSERT INTO day_close(day, closed_at)");
  Poster(context, *books, day).run();
}

}  // namespace saldo
