#include "posting/posting.h"

#include <optional>
#include <utility>
#include <vector>

#include "facts/books.h"
#include "facts/facts_in_force.h"
#include "rules/error.h"
#include "walks/walks.h"

namespace saldo {
namespace {

// Rows per INSERT, to spread its fixed cost.
constexpr int kRowsPerInsert = 100;

// A table with a row an account, which takes posted rows: its INSERT for many rows and for one.
struct PostedTable {
  PostedTable(const std::string& name, int count)
      : columns(count), many(insert(name, count, kRowsPerInsert)), one(insert(name, count, 1)) {}

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

// Of the charges of the day for one service.
struct Total {
  std::int64_t accounts = 0;
  std::int64_t quantity = 0;
  Amount amount = 0;
};

// One pass over the accounts.
class Poster : public PostedCharges {
 public:
  Poster(Context& context, std::shared_ptr<const Books> books, const std::string& day)
      : context_(context),
        books_(std::move(books)),
        day_(books_->open_day),
        day_text_(day),
        resumes_(books_->can_resume_at(day_)),
        digest_(context, day),
        totals_(books_->services.size()) {
    context_.posting = this;
  }
  ~Poster() override { context_.posting = nullptr; }

  void run() {
    WalkRequest request;
    request.first = request.last = day_;
    request.access = true;
    request.charges = true;
    walks_.emplace(context_, books_, IntegerRange(), request);
    const auto before = changes();
    insert_charges();
    insert_totals();
    seal();
    if (changes() - before != written_) throw foreign_trigger();
  }

  [[nodiscard]] std::string_view day() const override { return day_text_; }
  const ChargeColumns* next() override {
    while (next_ == charges_.size()) {
      if (!walks_) return nullptr;
      if (!walks_->next()) {
        finish_accounts();
        return nullptr;
      }
      post_account();
    }
    return &charges_[next_++];
  }

 private:
  // A trigger of the connection's own may drop rows, or add rows while posting allows inserts.
  static Error foreign_trigger() {
    return append_only(
        "a trigger that is not Saldo's meddles with the closing of the day; drop it");
  }

  void insert_charges() {
    try {
      // Uncached: a cached statement on posted_charge would keep the table connected, and the
      // connection could not close.
      context_.statements.execute(
          "INSERT INTO main.charge(day, account_id, service_id, quantity, monthly_fee, unit_fee,"
          " amount) SELECT * FROM main.posted_charge");
    } catch (const SqliteError& error) {
      if (error.code() == SQLITE_CONSTRAINT_PRIMARYKEY) throw foreign_trigger();
      throw;
    }
    if (walks_) throw conflict("the database holds another posted_charge than Saldo's; drop it");
    written_ += charge_rows_;
  }

  [[nodiscard]] std::int64_t changes() const {
    return sqlite3_total_changes64(context_.statements.db());
  }

  // The account that the walks stand on.
  void post_account() {
    const std::int64_t account_id = walks_->account().account_id;
    const std::vector<Charge>& charges = walks_->charges_on(day_);
    const Walk& walk = walks_->walk();
    Standing standing = walk.standing();
    standing.restricted_days =
        standing.arrears_since ? walk.restricted_days(walk.access().state) : 0;

    charges_.clear();
    next_ = 0;
    for (const Charge& charge : charges) {
      if (!charge.price) continue;
      const auto service = static_cast<std::size_t>(charge.service);
      charges_.push_back({account_id, books_->services[service].id, charge.quantity,
                          charge.price->tier.monthly_fee, charge.price->tier.unit_fee,
                          charge.amount});
      digest_.add(charges_.back());
      standing.balance = changed_balance(walks_->account(), day_, standing.balance, -charge.amount);
      if (__builtin_add_overflow(charged_, charge.amount, &charged_)) {
        throw out_of_range("the charges of all accounts together exceed 64 bits on " + day_text_);
      }
      Total& total = totals_[service];
      ++total.accounts;
      total.quantity += charge.quantity;
      total.amount += charge.amount;  // at most charged_
    }
    if (!charges_.empty()) ++accounts_;
    charge_rows_ += static_cast<std::int64_t>(charges_.size());

    if (!resumes_ || !walks_->has_balance() || standing != walks_->carried()) {
      balances_.push_back({account_id, standing,
                           standing.arrears_since ? format_instant(*standing.arrears_since) : ""});
    }
    if (!resumes_ || !walks_->has_facts()) {
      auto facts = encode_facts(*books_, walks_->account(), day_ + days{1});
      if (facts) facts_.push_back({account_id, std::move(*facts)});
    }
    write_rows(kRowsPerInsert);
  }

  void finish_accounts() {
    walks_.reset();
    charges_.clear();
    next_ = 0;
    write_rows(1);
  }

  // Fewer rows than `min_batch` wait for the next call.
  void write_rows(std::size_t min_batch) {
    write(balance_table(), balances_, min_batch, [](Statement& row, int at, const BalanceRow& b) {
      row.bind(at + 1, b.account_id).bind(at + 2, b.standing.balance);
      if (b.standing.arrears_since) {
        row.bind_static(at + 3, b.arrears_since);
      } else {
        row.bind_null(at + 3);
      }
      row.bind(at + 4, b.standing.restricted_days);
    });
    write(facts_table(), facts_, min_batch, [](Statement& row, int at, const FactsRow& f) {
      row.bind(at + 1, f.account_id).bind_blob_static(at + 2, f.facts);
    });
  }

  template <typename Row, typename Bind>
  void write(const PostedTable& table, std::vector<Row>& rows, std::size_t min_batch, Bind&& bind) {
    if (rows.size() < min_batch) return;
    std::size_t at = 0;
    while (rows.size() - at >= min_batch) {
      const bool many = rows.size() - at >= kRowsPerInsert;
      const int count = many ? kRowsPerInsert : 1;
      auto statement = context_.statements.prepare((many ? table.many : table.one).c_str());
      for (int i = 0; i < count; ++i)
        bind(statement, i * table.columns, rows[at + static_cast<std::size_t>(i)]);
      statement.step();
      written_ += count;
      at += static_cast<std::size_t>(count);
    }
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void insert_totals() {
    for (std::size_t service = 0; service < totals_.size(); ++service) {
      const Total& total = totals_[service];
      if (total.accounts == 0) continue;
      auto row = context_.statements.prepare(
          "INSERT INTO main.charge_total(day, service_id, accounts, quantity, amount)"
          " VALUES (?1, ?2, ?3, ?4, ?5)");
      row.bind(1, day_text_).bind(2, books_->services[service].id);
      row.bind(3, total.accounts).bind(4, total.quantity).bind(5, total.amount).step();
      ++written_;
    }
  }

  void seal() {
    auto totals = context_.statements.prepare(
        "UPDATE main.day_close SET accounts = ?2, charges = ?3, charged = ?4 WHERE day = ?1");
    totals.bind(1, day_text_).bind(2, accounts_).bind(3, charge_rows_).bind(4, charged_).step();
    auto sealing =
        context_.statements.prepare("UPDATE main.day_close SET digest = ?2 WHERE day = ?1");
    sealing.bind(1, day_text_).bind(2, digest_.finish()).step();
    written_ += 3;  // with books_version, by a trigger
  }

  Context& context_;
  const std::shared_ptr<const Books> books_;
  const Day day_;
  const std::string day_text_;
  const bool resumes_;  // a day was closed before: rows that did not change since are there already
  DayDigest digest_;
  std::optional<Walks> walks_;          // until all accounts are posted
  std::vector<ChargeColumns> charges_;  // of one account
  std::size_t next_ = 0;                // of these
  std::vector<BalanceRow> balances_;
  std::vector<FactsRow> facts_;
  std::vector<Total> totals_;  // by the service's index in the books
  std::int64_t accounts_ = 0;
  std::int64_t charge_rows_ = 0;
  std::int64_t written_ = 0;
  Amount charged_ = 0;
};

}  // namespace

void post_day(Context& context, const std::string& day) {
  auto books = read_books(context);
  auto unsealed =
      context.statements.prepare("SELECT 1 FROM main.day_close WHERE day = ?1 AND digest IS NULL");
  const bool open = day == format_day(books->open_day) && unsealed.bind(1, day).step();
  unsealed.reset();
  if (!open || context.posting != nullptr)
    throw append_only("a day is posted by INSERT INTO day_close(day, closed_at)");
  Poster(context, std::move(books), day).run();
}

}  // namespace saldo
