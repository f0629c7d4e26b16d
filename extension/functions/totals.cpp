// Running totals, so that a new fact costs the same whatever was recorded before it. The trigger
// after an INSERT calls these before it fills in the row's computed day; a row beyond the limit is
// refused.
//
//   saldo_add_usage(usage_id, day)
//       adds an event, which is to be charged on the day, to `open_usage`
//   saldo_add_payment(payment_id), saldo_add_adjustment(adjustment_id)
//       adds the amount to `open_money`
//
// A total that is missing, or begins in a day closed since, is summed up anew. So is that of a row
// with its day filled in: whoever calls these at another time changes nothing.
#include "functions/functions.h"
#include "rules/error.h"
#include "rules/limits.h"
#include "rules/money.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

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
  const bool is_new = event.is_null(3);
  const std::string day(is_new ? value_text(arguments[1]) : event.text(3));
  event.reset();
  const auto stored = is_new ? stored_usage(context, account_id, service_id, day) : std::nullopt;
  const auto before =
      stored ? *stored : sum_usage(context, account_id, service_id, day) - (is_new ? 0 : quantity);
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

void add_money(Context& context, const char* sql, sqlite3_value* id) {
  auto movement = context.statements.prepare(sql);
  if (!movement.bind(1, std::int64_t{sqlite3_value_int64(id)}).step()) return;
  const auto account_id = movement.integer(0);
  const Amount amount = movement.integer(1);
  const bool is_new = movement.is_null(2);
  movement.reset();
  auto account = context.statements.prepare(
      "SELECT coalesce(k.last_closed_day, ''), coalesce(b.balance, 0), m.after_day, m.amount"
      " FROM main.books AS k LEFT JOIN main.balance AS b ON b.account_id = ?1"
      " LEFT JOIN main.open_money AS m ON m.account_id = ?1");
  if (!account.bind(1, account_id).step()) return;
  const std::string after_day(account.text(0));
  const Amount carried = account.integer(1);
  const bool is_stored =
      is_new && !account.is_null(2) && account.text(2) == std::string_view(after_day);
  const Amount stored = account.integer(3);
  account.reset();
  const Amount before =
      is_stored ? stored : sum_money(context, account_id, after_day) - (is_new ? 0 : amount);
  const Amount balance = add(carried, add(before, amount));
  // Money that takes a balance back towards 0 is welcome wherever that is.
  if (amount > 0 ? balance > kBalanceMax : balance < -kBalanceMax) {
    throw out_of_range("amount is " + std::to_string(amount) + "; with it the balance of account " +
                       std::to_string(account_id) + " would leave -10^18 to 10^18");
  }
  const OwnWrite own(context);
  auto write = context.statements.prepare(
      "INSERT OR REPLACE INTO main.open_money(account_id, after_day, amount) VALUES (?1, ?2, ?3)");
  write.bind(1, account_id).bind(2, after_day).bind(3, before + amount).step();
}

void add_payment(Context& context, sqlite3_context* /*result*/, int /*count*/,
                 sqlite3_value** arguments) {
  add_money(context, "SELECT account_id, amount, day FROM main.payment WHERE payment_id = ?1",
            arguments[0]);
}

void add_adjustment(Context& context, sqlite3_context* /*result*/, int /*count*/,
                    sqlite3_value** arguments) {
  add_money(context, "SELECT account_id, amount, day FROM main.adjustment WHERE adjustment_id = ?1",
            arguments[0]);
}

}  // namespace

const std::vector<Function>& total_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_add_usage", 2, kReads, add_usage},
      {"saldo_add_payment", 1, kReads, add_payment},
      {"saldo_add_adjustment", 1, kReads, add_adjustment},
  };
  return kFunctions;
}

}  // namespace saldo
