// From the triggers of sql/history.sql to `superseded`:
//
//   saldo_hold(table, key ...)
//       remembers the rows of `table` with these keys (one key after the other, each of as many
//       values as the table's key has columns), as they are now, in place of those remembered
//       before
//   saldo_archive(recorded_at, recorded_by)
//       puts the rows remembered into `superseded`
//   saldo_archive_deleted(table, key)
//       puts the row with this key there at once
#include <algorithm>
#include <optional>
#include <utility>

#include "functions/functions.h"
#include "rules/error.h"
#include "sqlite/json.h"
#include "sqlite/value.h"

namespace saldo {
namespace {

// The tables whose rows may be replaced or deleted. In each the columns of the key come first.
struct ReplaceableTable {
  std::string_view name;
  int key_columns;
  const char* row_sql;
};

constexpr ReplaceableTable kReplaceableTables[] = {
    {"policy", 1, "SELECT * FROM main.policy WHERE valid_from = ?1"},
    {"calendar_exception", 1, "SELECT * FROM main.calendar_exception WHERE day = ?1"},
    {"service", 1, "SELECT * FROM main.service WHERE service_id = ?1"},
    {"tariff", 4,
     "SELECT * FROM main.tariff WHERE price_list = ?1 AND service_id = ?2 AND valid_from = ?3"
     " AND min_quantity = ?4"},
    {"account", 1, "SELECT * FROM main.account WHERE account_id = ?1"},
    {"account_terms", 2,
     "SELECT * FROM main.account_terms WHERE account_id = ?1 AND valid_from = ?2"},
    {"headcount", 2, "SELECT * FROM main.headcount WHERE account_id = ?1 AND day = ?2"},
    {"subscription", 3,
     "SELECT * FROM main.subscription WHERE account_id = ?1 AND service_id = ?2"
     " AND started_on = ?3"},
    {"payment_method", 1, "SELECT * FROM main.payment_method WHERE method = ?1"},
    {"adjustment_kind", 1, "SELECT * FROM main.adjustment_kind WHERE kind = ?1"},
    {"channel", 1, "SELECT * FROM main.channel WHERE channel_id = ?1"},
    {"issuer", 1, "SELECT * FROM main.issuer WHERE valid_from = ?1"},
    {"tax_rate", 2, "SELECT * FROM main.tax_rate WHERE service_id = ?1 AND valid_from = ?2"},
};

const ReplaceableTable& find_table(sqlite3_value* name) {
  const auto* const found = std::find_if(
      std::begin(kReplaceableTables), std::end(kReplaceableTables),
      [text = value_text(name)](const ReplaceableTable& table) { return table.name == text; });
  if (found != std::end(kReplaceableTables)) return *found;
  throw invalid("no history is written of " + describe(name));
}

HeldRow held_row(const ReplaceableTable& table, const Statement& row) {
  HeldRow held;
  held.table = std::string(table.name);
  held.row = JsonObject().add_row(row).text();
  for (int i = 0; i < table.key_columns; ++i) {
    held.key += i == 0 ? '[' : ',';
    append_json(held.key, row, i, "null");
  }
  held.key += ']';
  return held;
}

// nullopt: there is no row with this key.
std::optional<HeldRow> find_row(Context& context, const ReplaceableTable& table,
                                sqlite3_value** key) {
  auto row = context.statements.prepare(table.row_sql);
  for (int i = 0; i < table.key_columns; ++i) {
    if (sqlite3_value_type(key[i]) == SQLITE_INTEGER) {
      row.bind(i + 1, std::int64_t{sqlite3_value_int64(key[i])});
    } else {
      row.bind(i + 1, value_text(key[i]));
    }
  }
  if (!row.step()) return std::nullopt;
  return held_row(table, row);
}

void archive(Context& context, const HeldRow& held, sqlite3_value* recorded_at,
             sqlite3_value* recorded_by) {
  auto insert = context.statements.prepare(
      "INSERT INTO main.superseded(table_name, key, row_json, recorded_at, recorded_by, day)"
      " SELECT ?1, ?2, ?3, ?4, ?5, open_day FROM main.books");
  insert.bind(1, held.table).bind(2, held.key).bind(3, held.row);
  sqlite3_value* const recorded[] = {recorded_at, recorded_by};
  for (int i = 0; i < 2; ++i) {
    if (recorded[i] == nullptr || sqlite3_value_type(recorded[i]) == SQLITE_NULL) {
      insert.bind_null(i + 4);
    } else {
      insert.bind(i + 4, value_text(recorded[i]));
    }
  }
  insert.step();
}

void hold(Context& context, sqlite3_context* /*result*/, int count, sqlite3_value** arguments) {
  context.held_rows.clear();
  if (count == 0) return;
  const ReplaceableTable& table = find_table(arguments[0]);
  for (int at = 1; at + table.key_columns <= count; at += table.key_columns) {
    auto row = find_row(context, table, arguments + at);
    if (row && (context.held_rows.empty() || context.held_rows.back().key != row->key)) {
      context.held_rows.push_back(std::move(*row));
    }
  }
}

void archive_held(Context& context, sqlite3_context* /*result*/, int /*count*/,
                  sqlite3_value** arguments) {
  const auto rows = std::exchange(context.held_rows, {});
  for (const HeldRow& row : rows) archive(context, row, arguments[0], arguments[1]);
}

// Under recursive_triggers a row that REPLACE deletes is archived here, and is not to be archived
// once more as one of those remembered.
void archive_deleted(Context& context, sqlite3_context* /*result*/, int count,
                     sqlite3_value** arguments) {
  if (count == 0) return;
  const ReplaceableTable& table = find_table(arguments[0]);
  if (count <= table.key_columns) return;
  const auto row = find_row(context, table, arguments + 1);
  if (!row) return;
  auto& held = context.held_rows;
  held.erase(std::remove_if(held.begin(), held.end(),
                            [&](const HeldRow& each) {
                              return each.table == row->table && each.key == row->key;
                            }),
             held.end());
  archive(context, *row, nullptr, nullptr);
}

}  // namespace

const std::vector<Function>& history_functions() {
  static const std::vector<Function> kFunctions = {
      {"saldo_hold", -1, kReads, hold, true},
      {"saldo_archive", 2, kReads, archive_held, true},
      {"saldo_archive_deleted", -1, kReads, archive_deleted, true},
  };
  return kFunctions;
}

}  // namespace saldo
