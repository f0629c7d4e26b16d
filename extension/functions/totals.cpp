// Running totals, so that a new fact costs the same whatever was recorded before it. The trigger
// before an INSERT calls saldo_await, and the one after it another of these, which adds the row to
// its totals; a row beyond the limit is refused.
//
//   saldo_await(table, key)
//       a row with this key is about to be added; SQLite says -1 where it has yet to choose a
//       number
//   saldo_add_usage(usage_id, day)
//       adds an event, which is to be charged on the day, to `open_usage`
//   saldo_add_payment(payment_id), saldo_add_adjustment(adjustment_id)
//       adds the amount to `open_money`, and that of a refund or chargeback to `payment_returned`
//
// A total that is missing, or begins in a day closed since, is summed up anew. So is that of a row
// that is not the one awaited: whoever calls these at another time changes nothing.
#include <algorithm>
#include <utility>

#include "functions/functions.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/money.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

// A table whose rows are added up.
struct SummedTable {
  std::string_view name;
  const char* row_sql;
  const char* last_row_sql;  // nullptr: SQLite chooses no numbers
};

constexpr SummedTable kSummedTables[] = {
    {"usage_event", "SELECT 1 FROM main.usage_event WHERE usage_id = ?1", nullptr},
    {"payment", "SELECT 1 FROM main.payment WHERE payment_id = ?1",
     "SELECT max(payment_id) FROM main.payment"},
    {"adjustment", "SELECT 1 FROM main.adjustment WHERE adjustment_id = ?1",
     "SELECT max(adjustment_id) FROM main.adjustment"},
};

constexpr std::string_view kChosenBySqlite = "-1";

void await(Context& context, sqlite3_context* /*result*/, int /*count*/,
           sqlite3_value** arguments) {
  context.awaited_row.reset();
  const auto table =
      std::find_if(std::begin(kSummedTables), std::end(kSummedTables),
                   [&](const SummedTable& each) { return each.name == value_text(arguments[0]); });
  if (table == std::end(kSummedTables)) return;
  AwaitedRow row{std::string(table->name), std::string(value_text(arguments[1])), 0};
  if (context.statements.prepare(table->row_sql).bind(1, row.key).step()) return;
  if (row.key == kChosenBySqlite && table->last_row_sql != nullptr) {
    auto last = context.statements.prepare(table->last_row_sql);
    last.step();
    row.after_row = last.integer(0);
  }
  context.awaited_row = std::move(row);
}

// Whether the row is the one awaited, which no total counts yet.
bool take_awaited(Context& context, std::string_view table, std::string_view key) {
  const auto row = std::exchange(context.awaited_row, std::nullopt);
  return row && row->table == table && row->key == key;
}

bool take_awaited(Context& context, std::string_view table, std::int64_t id) {
  const auto row = context.awaited_row;
  if (take_awaited(context, table, std::to_string(id))) return true;
  return row && row->table == table && row->key == kChosenBySqlite && id > row->after_row;
}

std::int64_t sum_usage(Context& context, std::int64_t account_id, std::string_view service_id,
                       std::string_view day) {
  // Those of closed days are of no use any more.
  auto stale = context.statements.prepare(
      "DELETE FROM main.open_usage WHERE account_id = ?1 AND service_id = ?2"
      " AND day < (SELECT open_day FROM main.books)");
  stale.bind(1, account_id).bind(2, service_id).step();
  auto sum = context.statements.prepare(
      "SELECT sum(quantity) FROM main.usage_event INDEXED BY usage_event_account"
      " WHERE account_id = ?1 AND charged_on = ?3 AND service_id = ?2");
  sum.bind(1, account_id).bind(2, service_id).bind(3, day).step();
  return sum.integer(0);
}

std::optional<std::int64_t> stored_usage(Context& context, std::int64_t account_id,
                                         std::string_view service_id, std::string_view day) {
  auto row = context.statements.prepare(
      "SELECT quantity FROM main.open_usage WHERE account_id = ?1 AND service_id = ?2"
      " AND day = ?3");
  if (!row.bind(1, account_id).bind(2, service_id).bind(3, day).step()) return std::nullopt;
  return row.integer(0);
}

void add_usage(Context& context, sqlite3_context* /*result*/, int /*count*/,
               sqlite3_value** arguments) {
  auto event = context.statements.prepare(
      "SELECT account_id, service_id, quantity, charged_on FROM main.usage_event"
      " WHERE usage_id = ?1");
  if (!event.bind(1, value_text(arguments[0])).step()) return;
  const auto account_id = event.integer(0);
  const std::string service_id(event.text(1));
  const auto quantity = event.integer(2);
  const bool has_day = !event.is_null(3);
  const std::string day(has_day ? event.text(3) : value_text(arguments[1]));
  event.reset();
  const auto stored = take_awaited(context, "usage_event", value_text(arguments[0]))
                          ? stored_usage(context, account_id, service_id, day)
                          : std::nullopt;
  const auto before =
      stored ? *stored : sum_usage(context, account_id, service_id, day) - (has_day ? quantity : 0);
  if (before > kQuantityMax - quantity) {
    throw out_of_range("quantity is " + std::to_string(quantity) + "; with " +
                       std::to_string(before) +
                       " already an account's usage of one service in one day exceeds " +
                       std::to_string(kQuantityMax));
  }
  const OwnWrite own(context);
  auto write = context.statements.prepare(
      "INSERT OR REPLACE INTO main.open_usage(account_id, service_id, day, quantity)"
      " VALUES (?1, ?2, ?3, ?4)");
  write.bind(1, account_id).bind(2, service_id).bind(3, day).bind(4, before + quantity).step();
}

Amount sum_money(Context& context, std::int64_t account_id, std::string_view after_day) {
  auto sum = context.statements.prepare(
      "SELECT (SELECT coalesce(sum(amount), 0) FROM main.payment INDEXED BY payment_account"
      " WHERE account_id = ?1 AND day > ?2)"
      " + (SELECT coalesce(sum(amount), 0) FROM main.adjustment INDEXED BY adjustment_account"
      " WHERE account_id = ?1 AND day > ?2)");
  sum.bind(1, account_id).bind(2, after_day).step();
  return sum.integer(0);
}

// A payment or an adjustment.
struct Movement {
  std::int64_t account_id = 0;
  Amount amount = 0;
  bool has_day = false;
  bool is_new = false;
};

void add_money(Context& context, const Movement& movement) {
  auto account = context.statements.prepare(
      "SELECT coalesce(k.last_closed_day, ''), coalesce(b.balance, 0), m.after_day, m.amount"
      " FROM main.books AS k LEFT JOIN main.balance AS b ON b.account_id = ?1"
      " LEFT JOIN main.open_money AS m ON m.account_id = ?1");
  if (!account.bind(1, movement.account_id).step()) return;
  const std::string after_day(account.text(0));
  const Amount carried = account.integer(1);
  const bool is_stored =
      movement.is_new && !account.is_null(2) && account.text(2) == std::string_view(after_day);
  const Amount stored = account.integer(3);
  account.reset();
  const Amount amount = movement.amount;
  const Amount before = is_stored ? stored
                                  : sum_money(context, movement.account_id, after_day) -
                                        (movement.has_day ? amount : 0);
  const Amount balance = add(carried, add(before, amount));
  // Money that takes a balance back towards 0 is welcome wherever that is.
  if (amount > 0 ? balance > kBalanceMax : balance < -kBalanceMax) {
    throw out_of_range("amount is " + std::to_string(amount) + "; with it the balance of account " +
                       std::to_string(movement.account_id) + " would leave -10^18 to 10^18");
  }
  const OwnWrite own(context);
  auto write = context.statements.prepare(
      "INSERT OR REPLACE INTO main.open_money(account_id, after_day, amount) VALUES (?1, ?2, ?3)");
  write.bind(1, movement.account_id).bind(2, after_day).bind(3, before + amount).step();
}

// R12: of a payment no more goes back than it was. `amount` is that of one refund or chargeback.
void add_returned(Context& context, std::int64_t payment_id, Amount amount, bool is_new) {
  auto payment = context.statements.prepare(
      "SELECT p.amount, r.amount FROM main.payment AS p"
      " LEFT JOIN main.payment_returned AS r ON r.payment_id = p.payment_id"
      " WHERE p.payment_id = ?1");
  if (!payment.bind(1, payment_id).step()) return;
  const Amount paid = payment.integer(0);
  const auto stored = is_new ? payment.optional_integer(1) : std::nullopt;
  payment.reset();
  const auto sum_up = [&] {
    auto sum = context.statements.prepare(
        "SELECT coalesce(sum(amount), 0) FROM main.adjustment INDEXED BY adjustment_payment"
        " WHERE payment_id = ?1 AND kind IN ('refund', 'chargeback')");
    sum.bind(1, payment_id).step();
    return sum.integer(0);
  };
  const Amount returned = stored ? add(*stored, -amount) : -sum_up();
  if (returned > paid) {
    throw out_of_range("payment " + std::to_string(payment_id) + " is of " + std::to_string(paid) +
                       ", of which " + std::to_string(returned + amount) +
                       " was refunded or charged back already; at most " +
                       std::to_string(paid - returned - amount) + " is left");
  }
  const OwnWrite own(context);
  auto write = context.statements.prepare(
      "INSERT OR REPLACE INTO main.payment_returned(payment_id, amount) VALUES (?1, ?2)");
  write.bind(1, payment_id).bind(2, returned).step();
}

void add_payment(Context& context, sqlite3_context* /*result*/, int /*count*/,
                 sqlite3_value** arguments) {
  const std::int64_t payment_id = sqlite3_value_int64(arguments[0]);
  auto row = context.statements.prepare(
      "SELECT account_id, amount, day IS NOT NULL FROM main.payment WHERE payment_id = ?1");
  if (!row.bind(1, payment_id).step()) return;
  const Movement movement{row.integer(0), row.integer(1), row.integer(2) != 0,
                          take_awaited(context, "payment", payment_id)};
  row.reset();
  add_money(context, movement);
}

void add_adjustment(Context& context, sqlite3_context* /*result*/, int /*count*/,
                    sqlite3_value** arguments) {
  const std::int64_t adjustment_id = sqlite3_value_int64(arguments[0]);
  auto row = context.statements.prepare(
      "SELECT account_id, amount, day IS NOT NULL,"
      " iif(kind IN ('refund', 'chargeback'), payment_id, NULL)"
      " FROM main.adjustment WHERE adjustment_id = ?1");
  if (!row.bind(1, adjustment_id).step()) return;
  const Movement movement{row.integer(0), row.integer(1), row.integer(2) != 0,
                          take_awaited(context, "adjustment", adjustment_id)};
  const auto payment_id = row.optional_integer(3);
  row.reset();
  if (payment_id) add_returned(context, *payment_id, movement.amount, movement.is_new);
  add_money(context, movement);
}

}  // namespace

const std::vector<Function>& total_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_await", 2, kReads, await, true},
      {"saldo_add_usage", 2, kReads, add_usage, true},
      {"saldo_add_payment", 1, kReads, add_payment, true},
      {"saldo_add_adjustment", 1, kReads, add_adjustment, true},
  };
  return kFunctions;
}

}  // namespace saldo
