// A database altered behind the extension's back, in its bytes or in its rows and schema: whatever
// is asked of it then gets an answer or an error, and the connection closes.
//
// The first byte of an input chooses: bytes of the file are overwritten, or rows and definitions
// are changed by plain SQL without triggers.
#include <algorithm>
#include <cstring>

#include "fuzz.h"

namespace saldo_fuzz {
namespace {

constexpr const char* kQuestions[] = {
    "SELECT * FROM daily_charge WHERE day <= '2026-04-10'",
    "SELECT * FROM daily_charge WHERE account_id = 3 AND day BETWEEN '2026-03-03' AND '2026-05-03'",
    "SELECT * FROM daily_charge WHERE account_id IN (1, 2, 9007199254740992) AND service_id = "
    "'crm'",
    "SELECT * FROM unpriced_charge WHERE day <= '2026-03-20'",
    "SELECT * FROM access_state WHERE at = '2026-03-20T10:00:00Z'",
    "SELECT * FROM access_state WHERE at = '2026-03-11T21:00:00Z' AND account_id = 3",
    "SELECT * FROM access_state WHERE day BETWEEN '2026-03-02' AND '2026-03-25'",
    "SELECT state, count(*) FROM access_state WHERE at = '2026-03-12T10:00:00Z' GROUP BY 1",
    "SELECT * FROM working_calendar WHERE day BETWEEN '2026-03-01' AND '2026-04-10'",
    "SELECT saldo_digest(day) FROM day_close",
    "SELECT saldo_digest('2026-03-05'), saldo_digest('2026-03-12')",
    "SELECT saldo_facts_in_force(account_id, facts) FROM facts_in_force",
    "SELECT monthly_price('standard', 'crm', '2026-03-06', 7), monthly_price('unused', 'crm', "
    "'2026-03-06', 1000000000), daily_fee(3000, '2026-03-06')",
    "SELECT is_working_day('2026-03-05'), next_working_day('2026-03-07'), day_start('2026-03-05')",
    "SELECT day_end('2026-03-11'), billing_day('2026-03-11T21:00:00Z'), "
    "billing_day('2026-03-04T10:00:00Z')",
    "SELECT money(balance), money(-9223372036854775807 - 1) FROM account_balance",
    "SELECT saldo_install('2026-03-02', 'none')",
    "SELECT * FROM ledger",
    "SELECT * FROM account_balance",
    "SELECT * FROM monthly_statement",
    "SELECT * FROM revenue_by_day",
    "SELECT * FROM revenue_by_service",
    "SELECT * FROM debtor",
    "SELECT * FROM monthly_recurring_revenue",
    "SELECT * FROM books",
    "SELECT * FROM audit_charge",
    "SELECT * FROM audit_balance",
    "SELECT * FROM audit_arrears",
    "SELECT * FROM audit_day_gap",
    "SELECT * FROM audit_promised_payment",
    "SELECT * FROM audit_digest",
    "SELECT * FROM audit_schema",
    "SELECT * FROM audit_unpriced",
    "SELECT * FROM audit_reference",
    "SELECT * FROM audit_computed",
    "SELECT * FROM audit_notice",
    "SELECT * FROM audit_receipt",
    "SELECT * FROM audit_document",
    "SELECT * FROM document_line",
    "SELECT * FROM document_month",
    "INSERT INTO document_run(month, issued_on) VALUES ('2026-02', '2026-03-12')",
    "INSERT INTO invoice(account_id, issued_on, amount) VALUES (1, '2026-03-12', 100)",
    "INSERT INTO reconciliation(account_id, issued_on, period_from, period_to) "
    "VALUES (3, '2026-03-12', '2026-03-02', '2026-03-11')",
    "INSERT INTO document_correction(corrects, corrected_on) VALUES (1, '2026-03-12')",
    "SELECT * FROM receipt_match",
    "SELECT * FROM receipt_return",
    "SELECT * FROM notice_message",
    "UPDATE notice_clock SET at = '2026-03-20T09:00:00Z'",
    "INSERT INTO headcount(account_id, day, employees) VALUES (1, '2026-03-12', 6) "
    "ON CONFLICT DO UPDATE SET employees = 7",
    "INSERT INTO payment(account_id, amount, method, credited_at) "
    "VALUES (3, 100, 'sbp', '2026-03-12T12:00:00Z')",
    "INSERT INTO receipt(source, external_id, amount, account_text, recorded_at) "
    "VALUES ('bank', 'n', 100, '3', '2026-03-12T12:00:00Z')",
    "INSERT INTO receipt_return(source, external_id, return_id, kind, amount, recorded_at) "
    "VALUES ('bank', 'n', 'r', 'refund', 50, '2026-03-12T12:00:00Z')",
    "INSERT INTO promised_payment(account_id, granted_at, days) VALUES (10, "
    "'2026-03-12T12:00:00Z', 1)",
    "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) "
    "VALUES ('n', 1, 'sms', '2026-03-12T12:00:00Z', 3)",
    "UPDATE subscription SET ended_on = '2026-03-20' WHERE account_id = 1",
    "INSERT INTO day_close(day, closed_at) SELECT open_day, day_end(open_day) FROM books",
    "INSERT INTO day_close(day, closed_at) VALUES ('2026-03-12', '2026-03-12T21:00:00Z')",
};

constexpr const char* kDefinitions[][2] = {
    {"NOT NULL", ""},        {"INTEGER", "TEXT"},       {"INTEGER", "REAL"},
    {"TEXT", "BLOB"},        {"TEXT", "INTEGER"},       {"PRIMARY KEY", ""},
    {"WITHOUT ROWID", ""},   {"account_id", "account"}, {"day", "days"},
    {"amount", "quantity"},  {"saldo_check", "max"},    {"saldo_posted('charge')", "'x'"},
    {"SELECT", "SELECT 1,"}, {"BEFORE", "AFTER"},       {"DEFAULT 0", ""},
    {"charge", "balance"},   {"COLLATE", ""},           {"TEXT", "TEXT COLLATE NOCASE"}};

struct Table {
  std::string name;
  std::vector<std::string> columns;
};

class Books {
 public:
  Books() {
    Connection connection(":memory:", Extension::kLoaded);
    make_books(connection);
    connection.must("VACUUM");
    for (const auto& name : connection.must("SELECT name FROM sqlite_schema WHERE type = 'table' "
                                            "AND name NOT LIKE 'sqlite%' ORDER BY name")) {
      tables_.push_back(
          {name, connection.must("SELECT name FROM pragma_table_info('" + name + "')")});
    }
    for (const auto& name : connection.must("SELECT name FROM sqlite_schema ORDER BY name"))
      objects_.push_back(name);
    sqlite3_int64 size = 0;
    unsigned char* image = sqlite3_serialize(connection.handle(), "main", &size, 0);
    image_.assign(reinterpret_cast<const char*>(image), static_cast<std::size_t>(size));
    sqlite3_free(image);
  }

  void run(Bytes& bytes) {
    Connection connection(":memory:", Extension::kAbsent);
    StepLimit limit(connection.handle());
    std::string image = image_;
    const bool raw = bytes.ConsumeBool();
    if (raw) overwrite(bytes, image);
    load(connection, image);
    limit.allow(1000);
    if (!raw) alter(bytes, connection);
    connection.load();
    for (int left = 4; left > 0; --left) {
      const std::string sql = pick(bytes, kQuestions);
      limit.allow(2000);
      const Outcome outcome = connection.run(sql);
      check_outcome(outcome, sql);
    }
    if (connection.close() != SQLITE_OK) found("the connection does not close");
  }

 private:
  static void load(Connection& connection, const std::string& image) {
    auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(image.size()));
    std::memcpy(copy, image.data(), image.size());
    const auto size = static_cast<sqlite3_int64>(image.size());
    sqlite3_deserialize(connection.handle(), "main", copy, size, size,
                        SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
  }

  // Near the beginning or the end of a page, where its structure lies, or anywhere.
  static void overwrite(Bytes& bytes, std::string& image) {
    constexpr std::size_t kPageBytes = 4096;
    for (int left = bytes.ConsumeIntegralInRange(1, 8); left > 0; --left) {
      const auto page = bytes.ConsumeIntegralInRange<std::size_t>(0, image.size() / kPageBytes - 1);
      std::size_t offset = bytes.ConsumeIntegralInRange<std::size_t>(0, kPageBytes - 1);
      if (bytes.ConsumeBool()) offset %= 64;
      const std::string with = bytes.ConsumeRandomLengthString(8);
      image.replace(page * kPageBytes + offset, with.size(), with);
      image.resize(image.size() / kPageBytes * kPageBytes);
    }
  }

  void alter(Bytes& bytes, Connection& connection) {
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    // Generated columns call it.
    sqlite3_create_function(
        connection.handle(), "saldo_posted", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
        [](sqlite3_context* context, int, sqlite3_value**) { sqlite3_result_int(context, 1); },
        nullptr, nullptr);
    // By themselves: one that fails leaves the others.
    for (int left = bytes.ConsumeIntegralInRange(1, 6); left > 0; --left)
      connection.run(alteration(bytes));
    sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, nullptr);
  }

  std::string alteration(Bytes& bytes) {
    const Table table = pick(bytes, tables_);
    const std::string column = pick(bytes, table.columns);
    const std::string nth = std::to_string(bytes.ConsumeIntegralInRange(0, 12));
    // The n-th row, by its key.
    const std::string& key = table.columns.front();
    const std::string where = " WHERE " + key + " IS (SELECT " + key + " FROM " + table.name +
                              " LIMIT 1 OFFSET " + nth + ")";
    switch (bytes.ConsumeIntegralInRange(0, 9)) {
      case 0:
        return "DELETE FROM " + table.name + where;
      case 1:
        return "UPDATE " + table.name + " SET " + column + " = " + literal(bytes);
      case 2: {
        const auto [from, to] = pair(bytes);
        return "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '" + from +
               "', " + quote(to) + ") WHERE name = '" + pick(bytes, objects_) +
               "'; PRAGMA writable_schema = RESET";
      }
      case 3: {
        static const char* const kKinds[] = {"TABLE ", "VIEW ", "TRIGGER ", "INDEX "};
        return std::string("DROP ") + pick(bytes, kKinds) + pick(bytes, objects_);
      }
      case 4: {
        const std::string at = std::to_string(bytes.ConsumeIntegralInRange(0, 60));
        const std::string with = bytes.ConsumeRandomLengthString(9);
        return "UPDATE facts_in_force SET facts = CAST(substr(facts, 1, " + at + ") || " +
               hex(with) + " || substr(facts, " + at + " + " +
               std::to_string(bytes.ConsumeIntegralInRange(0, 12)) +
               ") AS BLOB) WHERE account_id = " +
               std::to_string(bytes.ConsumeIntegralInRange(1, 6));
      }
      case 5:
        return "INSERT INTO " + table.name + "(" + key + ", " + column + ") VALUES (" +
               literal(bytes) + ", " + literal(bytes) + ")";
      default:
        return "UPDATE " + table.name + " SET " + column + " = " + literal(bytes) + where;
    }
  }

  static std::pair<std::string, std::string> pair(Bytes& bytes) {
    const auto& two =
        kDefinitions[bytes.ConsumeIntegralInRange<std::size_t>(0, std::size(kDefinitions) - 1)];
    return {two[0], two[1]};
  }

  std::vector<Table> tables_;
  std::vector<std::string> objects_;
  std::string image_;
};

}  // namespace
}  // namespace saldo_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static saldo_fuzz::Books books;
  saldo_fuzz::Bytes bytes(data, size);
  books.run(bytes);
  return 0;
}
