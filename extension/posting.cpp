#include "posting.h"

#include <optional>
#include <vector>

#include "digest.h"
#include "facts.h"
#include "facts_in_force.h"
#include "rules/error.h"

namespace saldo {
namespace {

// Rows of one INSERT: what a statement costs once is then little.
constexpr int kTogether = 100;

// INSERT of `rows` rows; ?1 is the first column of each, which is the same, or with `shared` 0
// nothing is.
std::string insert_of(const std::string& table, int columns, int shared, int rows,
                      const std::string& on_conflict) {
  std::string sql = "INSERT INTO main." + table + " VALUES ";
  int parameter = shared;
  for (int row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (int column = 0; column < columns; ++column) {
      if (column > 0) sql += ", ";
      sql += '?';
      sql += std::to_string(column < shared ? column + 1 : ++parameter);
    }
    sql += ')';
  }
  return sql + on_conflict;
}

// A table that takes posted rows: its INSERT for many rows and for one.
struct PostedTable {
  PostedTable(const std::string& name, int columns, int shared, const std::string& on_conflict)
      : own_columns(columns - shared),
        many(insert_of(name, columns, shared, kTogether, on_conflict)),
        one(insert_of(name, columns, shared, 1, on_conflict)) {}
  int own_columns;
  std::string many;
  std::string one;
};

const PostedTable& charge_table() {
  static const PostedTable kTable(
      "charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount)", 7, 1, "");
  return kTable;
}

const PostedTable& balance_table() {
  static const PostedTable kTable(
      "balance(account_id, balance, arrears_since, restricted_days)", 4, 0,
      " ON CONFLICT (account_id) DO UPDATE SET balance = excluded.balance,"
      " arrears_since = excluded.arrears_since, restricted_days = excluded.restricted_days");
  return kTable;
}

const PostedTable& facts_table() {
  static const PostedTable kTable("facts_in_force(account_id, facts)", 2, 0,
                                  " ON CONFLICT (account_id) DO UPDATE SET facts = excluded.facts");
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

class Poster {
 public:
  Poster(Context& context, const Books& books, const std::string& day)
      : context_(context),
        books_(books),
        day_(books.open_day),
        day_text_(day),
        last_second_(books.days.end_of(day_) - seconds{1}),
        since_close_(books.carried_to(day_)),
        digest_(context, day) {}

  void run() {
    Scope scope;
    scope.since_close = since_close_;
    scope.money = true;
    scope.usage_from = since_close_ ? day_ : books_.opening;
    scope.usage_to = day_;
    AccountReader reader(context_, books_, {}, scope);
    while (reader.next()) {
      post(reader);
      write_rows(kTogether);
    }
    write_rows(1);
    seal();
  }

 private:
  void post(const AccountReader& reader) {
    const Account& account = reader.account();
    DailyCharges daily(books_, account);
    Walk walk = since_close_ ? Walk(books_, account, daily, reader.carried(), day_)
                             : Walk(books_, account, daily);
    walk.advance(last_second_);
    Standing standing = walk.standing();
    standing.restricted_days =
        standing.arrears_since ? walk.restricted_days(walk.access().state) : 0;

    const auto rows_before = charges_.size();
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
    if (charges_.size() > rows_before) ++accounts_;
    charge_rows_ += static_cast<std::int64_t>(charges_.size() - rows_before);

    if (!reader.has_balance() || standing != reader.carried()) {
      balances_.push_back({account.account_id, standing,
                           standing.arrears_since ? format_instant(*standing.arrears_since) : ""});
    }
    if (!reader.has_facts()) {
      auto facts = encode_facts(books_, account, day_ + days{1});
      if (facts) facts_.push_back({account.account_id, std::move(*facts)});
    }
  }

  // Writes what there is, but leaves less than `least` rows of a table for the next time.
  void write_rows(std::size_t least) {
    write(charge_table(), charges_, least, [this](Statement& row, int at, const ChargeColumns& c) {
      row.bind_kept(1, day_text_);
      row.bind(at + 2, c.account_id).bind_kept(at + 3, c.service_id).bind(at + 4, c.quantity);
      row.bind(at + 5, c.monthly_fee).bind(at + 6, c.unit_fee).bind(at + 7, c.amount);
    });
    write(balance_table(), balances_, least, [](Statement& row, int at, const BalanceRow& b) {
      row.bind(at + 1, b.account_id).bind(at + 2, b.standing.balance);
      if (b.standing.arrears_since) {
        row.bind_kept(at + 3, b.arrears_since);
      } else {
        row.bind_null(at + 3);
      }
      row.bind(at + 4, b.standing.restricted_days);
    });
    write(facts_table(), facts_, least, [](Statement& row, int at, const FactsRow& f) {
      row.bind(at + 1, f.account_id).bind_blob(at + 2, f.facts);
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
        bind(statement, i * table.own_columns, rows[at + static_cast<std::size_t>(i)]);
      step(statement, count);
      at += static_cast<std::size_t>(count);
    }
    rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(at));
  }

  // A trigger of the connection's own may drop rows, or add some of its own while the way is open.
  void step(Statement& statement, int count) {
    struct Writing {
      explicit Writing(Context& of) : context(of) { context.posting = true; }
      Writing(const Writing&) = delete;
      Writing& operator=(const Writing&) = delete;
      ~Writing() { context.posting = false; }
      Context& context;
    } const writing(context_);
    sqlite3* db = context_.statements.db();
    const auto before = sqlite3_total_changes64(db);
    statement.step();
    if (sqlite3_total_changes64(db) - before != count) {
      throw Error("append_only",
                  "a trigger that is not Saldo's meddles with the closing of the day; drop it");
    }
  }

  void seal() {
    auto totals = context_.statements.prepare(
        "UPDATE main.day_close SET accounts = ?2, charges = ?3, charged = ?4 WHERE day = ?1");
    totals.bind(1, day_text_).bind(2, accounts_).bind(3, charge_rows_).bind(4, charged_);
    step(totals, 1);
    auto sealing =
        context_.statements.prepare("UPDATE main.day_close SET digest = ?2 WHERE day = ?1");
    sealing.bind(1, day_text_).bind(2, digest_.finish());
    step(sealing, 1);
  }

  Context& context_;
  const Books& books_;
  const Day day_;
  const std::string day_text_;
  const Instant last_second_;
  const bool since_close_;
  DayDigest digest_;
  std::vector<ChargeColumns> charges_;
  std::vector<BalanceRow> balances_;
  std::vector<FactsRow> facts_;
  std::int64_t accounts_ = 0;
  std::int64_t charge_rows_ = 0;
  Amount charged_ = 0;
};

}  // namespace

void post_day(Context& context, const std::string& day) {
  const auto books = read_books(context);
  auto unsealed =
      context.statements.prepare("SELECT 1 FROM main.day_close WHERE day = ?1 AND digest IS NULL");
  const bool open = day == format_day(books->open_day) && unsealed.bind(1, day).step();
  unsealed.reset();
  if (!open) throw Error("append_only", "a day is posted by INSERT INTO day_close(day, closed_at)");
  Poster(context, *books, day).run();
}

}  // namespace saldo
