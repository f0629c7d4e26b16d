// Whoever alters a closed day without the extension, and without the triggers, is found by the
// audits.
//
// One database with every table filled and ten days closed is built once. Each test copies its
// file, opens the copy without the extension, takes the triggers away, changes, deletes or inserts
// one row of a day closed long ago, puts the triggers back word for word, and then asks `audit`
// with the extension: it must name something. That the same without the change finds nothing is
// tested too.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "closed_books.h"
#include "connection.h"

namespace saldo_test {
namespace {

const std::vector<std::string> kFilled = {"policy",      "calendar_exception",
                                          "service",     "tariff",
                                          "account",     "account_terms",
                                          "headcount",   "subscription",
                                          "usage_event", "payment",
                                          "adjustment",  "promised_payment",
                                          "superseded",  "day_close",
                                          "charge",      "charge_total",
                                          "balance"};

const char* const kViolations =
    "SELECT check_name FROM audit WHERE violations <> 0 ORDER BY check_name";

std::string listed(const std::vector<std::string>& rows) {
  std::string text;
  for (const std::string& row : rows) text += (text.empty() ? "" : ", ") + row;
  return text;
}

// A function the schema names and nobody has loaded.
void null_function(sqlite3_context* context, int /*count*/, sqlite3_value** /*values*/) {
  sqlite3_result_null(context);
}

// The name in "no such function: X" or "unknown function: X()"; empty for other messages.
std::string missing_function(const std::string& message) {
  for (const std::string intro : {"no such function: ", "unknown function: "}) {
    const auto at = message.find(intro);
    if (at == std::string::npos) continue;
    const std::string rest = message.substr(at + intro.size());
    return rest.substr(0, rest.find_first_of("( "));
  }
  return "";
}

// Runs `sql` in a connection without the extension, with functions that give NULL in the place of
// those it lacks.
Outcome run_by_hand(Connection& hand, const std::string& sql) {
  hand.must("SAVEPOINT deed");
  Outcome outcome = hand.run(sql);
  for (int tries = 0; !outcome.ok() && tries < 10; ++tries) {
    hand.must("ROLLBACK TO deed");
    const std::string name = missing_function(outcome.message);
    if (name.empty()) break;
    sqlite3_create_function(hand.handle(), name.c_str(), -1,
                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr,
                            null_function, nullptr, nullptr);
    outcome = hand.run(sql);
  }
  hand.must("RELEASE deed");
  return outcome;
}

// The closed books, built once for all tests.
class Books {
 public:
  Books() : file_(folder_.file("books.db")) {
    Connection connection(file_, Extension::kLoaded);
    make_closed_books(connection);
  }

  std::string copy(const std::string& name) const {
    std::string path = folder_.file(name);
    std::filesystem::copy_file(file_, path, std::filesystem::copy_options::overwrite_existing);
    return path;
  }

 private:
  TemporaryFolder folder_;
  std::string file_;
};

class TamperTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (shared == nullptr) shared = new Books;
  }
  static void TearDownTestSuite() {
    delete shared;
    shared = nullptr;
  }

  // What the audits say of a copy on which `sql` was run without the extension and without
  // triggers.
  static std::vector<std::string> audited_after(const std::string& sql) {
    const std::string path = shared->copy("tampered.db");
    {
      Connection hand(path, Extension::kAbsent);
      hand.must("PRAGMA foreign_keys = OFF; BEGIN");
      const std::vector<std::string> triggers =
          hand.must("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid");
      std::vector<std::string> texts;
      for (const std::string& name : triggers) {
        texts.push_back(
            hand.must("SELECT sql FROM sqlite_schema WHERE name = '" + name + "'").at(0));
        hand.must("DROP TRIGGER \"" + name + "\"");
      }
      const int before = sqlite3_total_changes(hand.handle());
      const Outcome outcome = run_by_hand(hand, sql);
      EXPECT_TRUE(outcome.ok()) << outcome.message << "\n  in: " << sql;
      if (!sql.empty()) {
        EXPECT_GT(sqlite3_total_changes(hand.handle()), before) << "changed no row: " << sql;
      }
      for (const std::string& text : texts) hand.must(text);
      hand.must("COMMIT");
    }
    return audit(path);
  }

  static std::vector<std::string> audit(const std::string& path) {
    Connection auditor(path, Extension::kLoaded);
    return auditor.must(kViolations);
  }

  static Books* shared;
};

Books* TamperTest::shared = nullptr;

TEST_F(TamperTest, every_table_is_filled) {
  const std::string path = shared->copy("whole.db");
  Connection plain(path, Extension::kAbsent);
  for (const std::string& table : kFilled) {
    EXPECT_NE(plain.must("SELECT count(*) FROM " + table)[0], "0") << table;
  }
  EXPECT_EQ(plain.must("SELECT count(*) FROM day_close")[0], "10");
}

TEST_F(TamperTest, untouched_books_are_clean) {
  EXPECT_EQ(listed(audit(shared->copy("whole.db"))), "");
}

TEST_F(TamperTest, triggers_taken_away_and_put_back_are_as_installed) {
  EXPECT_EQ(listed(audited_after("")), "");
}

struct Deed {
  std::string table;
  std::string what;  // letters, digits and underscores
  std::string sql;
};

class FactTamperTest : public TamperTest, public testing::WithParamInterface<Deed> {};

std::ostream& operator<<(std::ostream& out, const Deed& deed) { return out << deed.sql; }

TEST_P(FactTamperTest, is_found) {
  static const std::string kUnprovoked = listed(audited_after(""));
  ASSERT_EQ(kUnprovoked, "") << "the audits find fault with books nobody altered";
  const std::vector<std::string> found = audited_after(GetParam().sql);
  EXPECT_FALSE(found.empty()) << "no audit names it: " << GetParam().sql;
}

const std::vector<Deed> kDeeds = {
    {"policy", "count_of_days",
     "UPDATE policy SET grace_working_days = 2 WHERE valid_from = '2026-03-04'"},
    {"policy", "warning_days",
     "UPDATE policy SET low_balance_warning_days = 5 WHERE valid_from = '2026-03-04'"},
    {"policy", "first_version",
     "UPDATE policy SET low_balance_warning_days = 4 WHERE valid_from = '2026-03-02'"},
    {"policy", "language", "UPDATE policy SET language = 'en' WHERE valid_from = '2026-03-04'"},
    {"policy", "day",
     "UPDATE policy SET valid_from = '2026-03-05' WHERE valid_from = '2026-03-04'"},
    {"policy", "delete", "DELETE FROM policy WHERE valid_from = '2026-03-04'"},
    {"policy", "insert",
     "INSERT INTO policy(valid_from, grace_working_days, restricted_days_charged, "
     "low_balance_warning_days) VALUES ('2026-03-06', 1, 5, 4)"},

    {"calendar_exception", "flag",
     "UPDATE calendar_exception SET working = 1 WHERE day = '2026-03-05'"},
    {"calendar_exception", "name",
     "UPDATE calendar_exception SET name = 'x' WHERE day = '2026-03-05'"},
    {"calendar_exception", "day",
     "UPDATE calendar_exception SET day = '2026-03-06' WHERE day = '2026-03-05'"},
    {"calendar_exception", "delete", "DELETE FROM calendar_exception WHERE day = '2026-03-07'"},
    {"calendar_exception", "insert",
     "INSERT INTO calendar_exception(day, working, name) VALUES ('2026-03-08', 0, 'a Sunday')"},
    {"calendar_exception", "insert_before_the_opening",
     "INSERT INTO calendar_exception(day, working, name) VALUES ('2026-02-27', 0, 'x')"},

    {"tariff", "kopeck",
     "UPDATE tariff SET monthly_fee = monthly_fee + 1 WHERE valid_from = '2026-03-02' AND "
     "min_quantity = 6"},
    {"tariff", "unit_kopeck", "UPDATE tariff SET unit_fee = unit_fee + 1 WHERE service_id = 'db'"},
    {"tariff", "tier",
     "UPDATE tariff SET min_quantity = 7 WHERE valid_from = '2026-03-02' AND min_quantity = 6"},
    {"tariff", "day",
     "UPDATE tariff SET valid_from = '2026-03-06' WHERE valid_from = '2026-03-05'"},
    {"tariff", "unused_kopeck", "UPDATE tariff SET monthly_fee = 2 WHERE price_list = 'unused'"},
    {"tariff", "delete", "DELETE FROM tariff WHERE price_list = 'unused'"},
    {"tariff", "insert",
     "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee, unit_fee) "
     "VALUES ('another', 'crm', '2026-03-03', 0, 1, 1)"},

    {"account", "day", "UPDATE account SET registered_on = '2026-03-04' WHERE account_id = 5"},
    {"account", "day_before_the_opening",
     "UPDATE account SET registered_on = '2026-02-11' WHERE account_id = 6"},
    {"account", "delete", "DELETE FROM account WHERE account_id = 5"},
    {"account", "delete_with_money", "DELETE FROM account WHERE account_id = 1"},
    {"account", "insert",
     "INSERT INTO account(account_id, name, registered_on) VALUES (9, 'Nine', '2026-03-04')"},

    {"account_terms", "status",
     "UPDATE account_terms SET status = 'closed' WHERE account_id = 2 AND valid_from = "
     "'2026-03-04'"},
    {"account_terms", "kopeck",
     "UPDATE account_terms SET credit_limit = credit_limit + 1 "
     "WHERE account_id = 2 AND valid_from = '2026-03-02'"},
    {"account_terms", "held",
     "UPDATE account_terms SET held = 1 WHERE account_id = 2 AND valid_from = '2026-03-04'"},
    {"account_terms", "reason",
     "UPDATE account_terms SET reason = 'x' WHERE account_id = 2 AND valid_from = '2026-03-02'"},
    {"account_terms", "day",
     "UPDATE account_terms SET valid_from = '2026-03-05' "
     "WHERE account_id = 2 AND valid_from = '2026-03-04'"},
    {"account_terms", "delete",
     "DELETE FROM account_terms WHERE account_id = 2 AND valid_from = '2026-03-04'"},
    {"account_terms", "insert",
     "INSERT INTO account_terms(account_id, valid_from, status, credit_limit, held) "
     "VALUES (1, '2026-03-05', 'active', 0, 0)"},

    {"headcount", "one_employee",
     "UPDATE headcount SET employees = 9 WHERE account_id = 1 AND day = '2026-03-03'"},
    {"headcount", "in_a_trial", "UPDATE headcount SET employees = 4 WHERE account_id = 4"},
    {"headcount", "day",
     "UPDATE headcount SET day = '2026-03-04' WHERE account_id = 2 AND day = '2026-03-03'"},
    {"headcount", "delete", "DELETE FROM headcount WHERE account_id = 4"},
    {"headcount", "insert",
     "INSERT INTO headcount(account_id, day, employees) VALUES (1, '2026-03-05', 8)"},

    {"subscription", "quantity",
     "UPDATE subscription SET quantity = 6 WHERE account_id = 1 AND service_id = 'db'"},
    {"subscription", "start",
     "UPDATE subscription SET started_on = '2026-03-04' WHERE account_id = 1 AND service_id = "
     "'db'"},
    {"subscription", "start_in_a_trial",
     "UPDATE subscription SET started_on = '2026-03-03' WHERE account_id = 4"},
    {"subscription", "end",
     "UPDATE subscription SET ended_on = '2026-03-07' WHERE account_id = 1 AND service_id = 'db'"},
    {"subscription", "end_in_a_trial",
     "UPDATE subscription SET ended_on = '2026-03-06' WHERE account_id = 4"},
    {"subscription", "end_undone",
     "UPDATE subscription SET ended_on = NULL WHERE account_id = 1 AND service_id = 'db'"},
    {"subscription", "price_list",
     "UPDATE subscription SET price_list = 'unused' WHERE account_id = 4"},
    {"subscription", "delete", "DELETE FROM subscription WHERE account_id = 4"},
    {"subscription", "insert",
     "INSERT INTO subscription(account_id, service_id, started_on, ended_on, quantity, price_list) "
     "VALUES (4, 'db', '2026-03-03', '2026-03-06', 1, 'standard')"},

    {"usage_event", "quantity", "UPDATE usage_event SET quantity = 8 WHERE usage_id = 'u1'"},
    {"usage_event", "in_a_trial", "UPDATE usage_event SET quantity = 8 WHERE usage_id = 'u3'"},
    {"usage_event", "second",
     "UPDATE usage_event SET occurred_at = '2026-03-03T10:00:01Z' WHERE usage_id = 'u1'"},
    {"usage_event", "day",
     "UPDATE usage_event SET charged_on = '2026-03-05' WHERE usage_id = 'u1'"},
    {"usage_event", "identifier", "UPDATE usage_event SET usage_id = 'u9' WHERE usage_id = 'u1'"},
    {"usage_event", "delete", "DELETE FROM usage_event WHERE usage_id = 'u3'"},
    {"usage_event", "insert",
     "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity, charged_on) "
     "VALUES ('u9', 4, 'sms', '2026-03-04T10:00:00Z', 1, '2026-03-04')"},

    {"payment", "kopeck", "UPDATE payment SET amount = amount + 1 WHERE payment_id = 1"},
    {"payment", "second",
     "UPDATE payment SET credited_at = '2026-03-03T10:00:01Z' WHERE payment_id = 1"},
    {"payment", "second_received",
     "UPDATE payment SET received_at = '2026-03-03T08:00:01Z' WHERE payment_id = 1"},
    {"payment", "day",
     "UPDATE payment SET credited_at = '2026-03-04T10:00:00Z', day = '2026-03-04' WHERE payment_id "
     "= 1"},
    {"payment", "method", "UPDATE payment SET method = 'qiwi' WHERE payment_id = 1"},
    {"payment", "external_id", "UPDATE payment SET external_id = 'p9' WHERE payment_id = 1"},
    {"payment", "payer", "UPDATE payment SET payer = 'somebody' WHERE payment_id = 1"},
    // The same letters, divided between two columns in another way; nothing, the empty text, a
    // word.
    {"payment", "bar_moved",
     "UPDATE payment SET payer = 'p', purpose = 'q|r' WHERE payment_id = 3"},
    {"payment", "tab_moved",
     "UPDATE payment SET payer = 'p', purpose = 'q' || char(9) || 'r' WHERE payment_id = 4"},
    {"payment", "newline_moved",
     "UPDATE payment SET payer = 'p', purpose = 'q' || char(10) || 'r' WHERE payment_id = 5"},
    {"payment", "quotes_moved",
     "UPDATE payment SET payer = 'p', purpose = 'q\",\"r' WHERE payment_id = 6"},
    {"payment", "letter_moved",
     "UPDATE payment SET payer = 'p', purpose = 'qr' WHERE payment_id = 7"},
    {"payment", "null_to_empty", "UPDATE payment SET payer = '' WHERE payment_id = 8"},
    {"payment", "null_to_word", "UPDATE payment SET payer = 'null' WHERE payment_id = 8"},
    {"payment", "null_to_capitals", "UPDATE payment SET payer = 'NULL' WHERE payment_id = 8"},
    {"payment", "null_moved",
     "UPDATE payment SET payer = purpose, purpose = NULL WHERE payment_id = 8"},
    {"payment", "case", "UPDATE payment SET payer = 'PQ' WHERE payment_id = 7"},
    {"payment", "space", "UPDATE payment SET payer = 'pq ' WHERE payment_id = 7"},
    {"payment", "after_a_nul",
     "UPDATE payment SET payer = 'pq' || char(0) || 'x' WHERE payment_id = 7"},
    {"payment", "blob", "UPDATE payment SET payer = CAST(payer AS BLOB) WHERE payment_id = 7"},
    {"payment", "account", "UPDATE payment SET account_id = 2 WHERE payment_id = 1"},
    {"payment", "delete", "DELETE FROM payment WHERE payment_id = 2"},
    {"payment", "insert",
     "INSERT INTO payment(payment_id, account_id, amount, method, credited_at, day) "
     "VALUES (99, 1, 1, 'sbp', '2026-03-04T10:00:00Z', '2026-03-04')"},
    {"payment", "insert_without_day",
     "INSERT INTO payment(payment_id, account_id, amount, method, credited_at) "
     "VALUES (99, 1, 1, 'sbp', '2026-03-04T10:00:00Z')"},
    {"payment", "insert_on_an_open_day",
     "INSERT INTO payment(payment_id, account_id, amount, method, credited_at, day) "
     "VALUES (99, 1, 1, 'sbp', '2026-03-04T10:00:00Z', '2027-01-01')"},

    {"adjustment", "insert_without_day",
     "INSERT INTO adjustment(adjustment_id, account_id, amount, kind, effective_at) "
     "VALUES (99, 1, 1, 'bonus', '2026-03-04T10:00:00Z')"},
    {"usage_event", "insert_without_charged_on",
     "INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) "
     "VALUES ('zz', 1, 'sms', '2026-03-04T10:00:00Z', 1)"},
    {"superseded", "insert",
     "INSERT INTO superseded(table_name, key, row_json, day) "
     "VALUES ('headcount', '[]', '{}', '2026-03-04')"},

    {"adjustment", "kopeck", "UPDATE adjustment SET amount = amount + 1 WHERE adjustment_id = 1"},
    {"adjustment", "kopeck_before_the_opening",
     "UPDATE adjustment SET amount = amount + 1 WHERE adjustment_id = 3"},
    {"adjustment", "second",
     "UPDATE adjustment SET effective_at = '2026-03-04T10:00:01Z' WHERE adjustment_id = 1"},
    {"adjustment", "second_before_the_opening",
     "UPDATE adjustment SET effective_at = '2026-01-15T10:00:01Z' WHERE adjustment_id = 3"},
    {"adjustment", "kind", "UPDATE adjustment SET kind = 'correction' WHERE adjustment_id = 1"},
    {"adjustment", "reason", "UPDATE adjustment SET reason = 'x' WHERE adjustment_id = 1"},
    {"adjustment", "delete", "DELETE FROM adjustment WHERE adjustment_id = 2"},
    {"adjustment", "insert",
     "INSERT INTO adjustment(adjustment_id, account_id, amount, kind, effective_at, day) "
     "VALUES (99, 1, 1, 'bonus', '2026-03-04T10:00:00Z', '2026-03-04')"},
    {"adjustment", "insert_before_the_opening",
     "INSERT INTO adjustment(adjustment_id, account_id, amount, kind, effective_at, day) "
     "VALUES (99, 1, 1, 'opening_balance', '2026-01-04T10:00:00Z', '2026-01-04')"},

    {"promised_payment", "second",
     "UPDATE promised_payment SET granted_at = '2026-03-03T12:00:01Z', expires_at = "
     "'2026-03-05T12:00:01Z'"},
    {"promised_payment", "expiry",
     "UPDATE promised_payment SET expires_at = '2026-03-05T12:00:01Z'"},
    {"promised_payment", "day",
     "UPDATE promised_payment SET days = 3, expires_at = '2026-03-06T12:00:00Z'"},
    {"promised_payment", "account", "UPDATE promised_payment SET account_id = 1"},
    {"promised_payment", "delete", "DELETE FROM promised_payment"},
    {"promised_payment", "insert",
     "INSERT INTO promised_payment(promise_id, account_id, granted_at, days, expires_at) "
     "VALUES (99, 1, '2026-03-04T10:00:00Z', 1, '2026-03-05T10:00:00Z')"},

    {"day_close", "second",
     "UPDATE day_close SET closed_at = '2026-03-04T21:00:01Z' WHERE day = '2026-03-04'"},
    {"day_close", "second_of_the_end",
     "UPDATE day_close SET ends_at = '2026-03-04T21:00:01Z' WHERE day = '2026-03-04'"},
    {"day_close", "kopeck", "UPDATE day_close SET charged = charged + 1 WHERE day = '2026-03-04'"},
    {"day_close", "accounts",
     "UPDATE day_close SET accounts = accounts + 1 WHERE day = '2026-03-04'"},
    {"day_close", "charges", "UPDATE day_close SET charges = charges + 1 WHERE day = '2026-03-04'"},
    {"day_close", "digest",
     "UPDATE day_close SET digest = (SELECT digest FROM day_close WHERE day = '2026-03-05') "
     "WHERE day = '2026-03-04'"},
    {"day_close", "digest_of_the_last_day",
     "UPDATE day_close SET digest = (SELECT digest FROM day_close WHERE day = '2026-03-05') "
     "WHERE day = '2026-03-11'"},
    {"day_close", "delete", "DELETE FROM day_close WHERE day = '2026-03-04'"},
    {"day_close", "delete_the_first", "DELETE FROM day_close WHERE day = '2026-03-02'"},
    {"day_close", "delete_the_last", "DELETE FROM day_close WHERE day = '2026-03-11'"},
    {"day_close", "insert",
     "INSERT INTO day_close(day, ends_at, closed_at, accounts, charges, charged, digest) "
     "SELECT '2026-03-12', '2026-03-12T21:00:00Z', '2026-03-12T21:00:00Z', accounts, charges, "
     "charged, "
     "digest FROM day_close WHERE day = '2026-03-11'"},
    {"day_close", "insert_before_the_opening",
     "INSERT INTO day_close(day, ends_at, closed_at, accounts, charges, charged, digest) "
     "SELECT '2026-03-01', '2026-03-01T21:00:00Z', '2026-03-01T21:00:00Z', 0, 0, 0, "
     "digest FROM day_close WHERE day = '2026-03-11'"},

    {"charge_total", "kopeck",
     "UPDATE charge_total SET amount = amount + 1 WHERE day = '2026-03-03' AND service_id = 'crm'"},
    {"charge_total", "account",
     "UPDATE charge_total SET accounts = 1 WHERE day = '2026-03-03' AND service_id = 'crm'"},
    {"charge_total", "quantity",
     "UPDATE charge_total SET quantity = 1 WHERE day = '2026-03-03' AND service_id = 'crm'"},
    {"charge_total", "service",
     "UPDATE charge_total SET service_id = 'db' WHERE day = '2026-03-02' AND service_id = 'crm'"},
    {"charge_total", "delete", "DELETE FROM charge_total WHERE service_id = 'sms'"},
    {"charge_total", "insert",
     "INSERT INTO charge_total(day, service_id, accounts, quantity, amount)"
     " VALUES ('2026-03-01', 'crm', 0, 0, 1)"},
    {"charge", "kopeck",
     "UPDATE charge SET amount = amount + 1 WHERE day = '2026-03-04' AND account_id = 1 AND "
     "service_id = "
     "'crm'"},
    {"charge", "kopeck_between_two",
     "UPDATE charge SET amount = amount + CASE account_id WHEN 1 THEN 1 ELSE -1 END "
     "WHERE day = '2026-03-04' AND account_id IN (1, 3) AND service_id = 'crm'"},
    {"charge", "quantity",
     "UPDATE charge SET quantity = quantity + 1 WHERE day = '2026-03-04' AND account_id = 1"},
    {"charge", "fee",
     "UPDATE charge SET monthly_fee = monthly_fee + 1 WHERE day = '2026-03-04' AND account_id = 1"},
    {"charge", "unit_fee",
     "UPDATE charge SET unit_fee = unit_fee + 1 WHERE day = '2026-03-04' AND account_id = 1"},
    {"charge", "day",
     "UPDATE charge SET day = '2026-03-01' WHERE day = '2026-03-02' AND account_id = 1"},
    {"charge", "delete", "DELETE FROM charge WHERE day = '2026-03-04' AND account_id = 1"},
    {"charge", "insert",
     "INSERT INTO charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount) "
     "VALUES ('2026-03-04', 5, 'crm', 0, 3000, 0, 1)"},
    {"charge", "insert_of_nothing",
     "INSERT INTO charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount) "
     "VALUES ('2026-03-04', 5, 'crm', 0, 0, 0, 0)"},
    {"charge", "insert_of_the_open_day",
     "INSERT INTO charge(day, account_id, service_id, quantity, monthly_fee, unit_fee, amount) "
     "VALUES ('2026-03-12', 1, 'crm', 5, 3030, 0, 101)"},

    {"balance", "kopeck", "UPDATE balance SET balance = balance + 1 WHERE account_id = 1"},
    {"balance", "delete", "DELETE FROM balance WHERE account_id = 1"},
    {"balance", "insert",
     "INSERT INTO balance(account_id, balance, restricted_days) VALUES (99, 1, 0)"},
    {"balance", "second",
     "UPDATE balance SET arrears_since = strftime('%Y-%m-%dT%H:%M:%SZ', arrears_since, '+1 "
     "second') "
     "WHERE arrears_since IS NOT NULL AND account_id = 3"},
    {"balance", "restricted_days",
     "UPDATE balance SET restricted_days = restricted_days + 1 WHERE account_id = 3"},

    // Consistently: every sum still fits.
    {"several", "payment_and_balance",
     "UPDATE payment SET amount = amount + 1 WHERE payment_id = 1; "
     "UPDATE balance SET balance = balance + 1 WHERE account_id = 1"},
    {"several", "tariff_charge_close_and_balance",
     "UPDATE tariff SET monthly_fee = monthly_fee - 30 WHERE valid_from = '2026-03-02' AND "
     "min_quantity = 6;"
     "UPDATE charge SET amount = amount - 1, monthly_fee = monthly_fee - 30 WHERE monthly_fee = "
     "6000;"
     "UPDATE balance SET balance = balance + (SELECT count(*) FROM charge AS c "
     "WHERE c.account_id = balance.account_id AND monthly_fee = 5970);"
     "UPDATE day_close SET charged = (SELECT sum(amount) FROM charge AS c WHERE c.day = "
     "day_close.day)"},
    {"several", "a_company_that_never_was",
     "INSERT INTO account(account_id, name, registered_on) VALUES (9, 'Nine', '2026-03-04');"
     "INSERT INTO balance(account_id, balance, restricted_days) VALUES (9, 0, 0)"},
};

INSTANTIATE_TEST_SUITE_P(Rows, FactTamperTest, testing::ValuesIn(kDeeds),
                         [](const testing::TestParamInfo<Deed>& deed) {
                           return deed.param.table + "_" + deed.param.what;
                         });

// Every column of a row of a closed day counts, those not thought of yet included: a number is
// raised, an instant moved by a second, a day by a day, a text lengthened.
struct Row {
  std::string table;
  std::string where;
  std::vector<std::string> free;  // columns that may change at any time
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.table; }

class ColumnTamperTest : public TamperTest, public testing::WithParamInterface<Row> {
 protected:
  static std::string altered(const std::string& name, const std::string& type) {
    const auto ends_with = [&name](const std::string& end) {
      return name.size() >= end.size() &&
             name.compare(name.size() - end.size(), std::string::npos, end) == 0;
    };
    if (type.find("INT") != std::string::npos) return "coalesce(" + name + ", 0) + 100";
    if (ends_with("_at") || name == "arrears_since") {
      return "strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(" + name + ", '2026-03-04'), '+1 second')";
    }
    if (ends_with("_on") || ends_with("day") || name == "valid_from") {
      return "date(coalesce(" + name + ", '2026-03-04'), '+1 day')";
    }
    return "coalesce(" + name + ", '') || 'x'";
  }
};

TEST_P(ColumnTamperTest, is_found) {
  const Row& row = GetParam();
  Connection plain(shared->copy("whole.db"), Extension::kAbsent);
  const std::string columns = "FROM pragma_table_xinfo('" + row.table + "') WHERE hidden = 0";
  const std::vector<std::string> names = plain.must("SELECT name " + columns);
  const std::vector<std::string> types = plain.must("SELECT upper(type) " + columns);
  ASSERT_FALSE(names.empty());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::count(row.free.begin(), row.free.end(), names[i]) > 0) continue;
    std::string sql = "UPDATE " + row.table;
    sql.append(" SET ").append(names[i]).append(" = ").append(altered(names[i], types[i]));
    sql.append(" WHERE ").append(row.where);
    EXPECT_FALSE(audited_after(sql).empty()) << "no audit names it: " << sql;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tables, ColumnTamperTest,
    testing::Values(
        Row{"policy", "valid_from = '2026-03-04'", {}},
        Row{"calendar_exception", "day = '2026-03-07'", {}},
        Row{"tariff", "valid_from = '2026-03-02' AND min_quantity = 6", {}},
        Row{"account",
            "account_id = 1",
            {"external_id", "name", "admin_email", "trial_ends_on", "customer_since", "legal_name",
             "tax_id", "postal_address", "kpp", "contract", "signatory", "documents",
             "document_delivery", "recorded_at", "recorded_by"}},
        Row{"account_terms", "account_id = 2 AND valid_from = '2026-03-02'", {}},
        Row{"headcount", "account_id = 1 AND day = '2026-03-03'", {}},
        Row{"subscription", "account_id = 1 AND service_id = 'db'", {"recorded_at", "recorded_by"}},
        Row{"usage_event", "usage_id = 'u1'", {}}, Row{"payment", "payment_id = 1", {}},
        Row{"adjustment", "adjustment_id = 1", {}}, Row{"promised_payment", "promise_id = 1", {}},
        Row{"day_close", "day = '2026-03-11'", {}},
        Row{"charge", "day = '2026-03-04' AND service_id = 'sms'", {}},
        Row{"balance", "account_id = 3", {}}, Row{"facts_in_force", "account_id = 3", {}}),
    [](const testing::TestParamInfo<Row>& row) { return row.param.table; });

// The schema is altered in a transaction that is rolled back, in a connection with the extension.
class SchemaTamperTest : public TamperTest {
 protected:
  SchemaTamperTest() : connection_(shared->copy("schema.db"), Extension::kLoaded) {}

  std::vector<std::string> names(const std::string& type) {
    return connection_.must("SELECT name FROM sqlite_schema WHERE type = '" + type +
                            "' AND name NOT LIKE 'sqlite%' ORDER BY name");
  }

  std::vector<std::string> triggers_of(const std::string& name) {
    return connection_.must(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = '" + name +
        "' ORDER BY name");
  }

  // `sql` makes exactly these names findings of audit_schema.
  void expect_named(const std::vector<std::string>& expected, const std::string& sql) {
    connection_.must("BEGIN");
    const Outcome outcome = connection_.run(sql);
    EXPECT_TRUE(outcome.ok()) << outcome.message << "\n  in: " << sql;
    const Outcome found =
        connection_.run("SELECT name FROM audit_schema WHERE problem <> '' ORDER BY name");
    EXPECT_TRUE(found.ok()) << found.message << "\n  after: " << sql;
    EXPECT_EQ(listed(found.rows), listed(expected)) << "  after: " << sql;
    connection_.must("ROLLBACK");
  }

  void expect_named(const std::string& name, const std::string& sql) {
    expect_named(std::vector<std::string>{name}, sql);
  }

  // Rewrites what sqlite_schema says of one name.
  static std::string rewrite(const std::string& name, const std::string& expression) {
    return "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = " + expression +
           " WHERE name = '" + name + "'; PRAGMA writable_schema = OFF";
  }

 private:
  Connection connection_;
};

TEST_F(SchemaTamperTest, a_dropped_trigger_is_named) {
  const std::vector<std::string> triggers = names("trigger");
  ASSERT_GT(triggers.size(), 9U);
  for (std::size_t i = 0; i < triggers.size(); i += triggers.size() / 9) {
    expect_named(triggers[i], "DROP TRIGGER \"" + triggers[i] + "\"");
  }
}

TEST_F(SchemaTamperTest, each_of_all_dropped_triggers_is_named) {
  std::string sql;
  for (const std::string& name : names("trigger")) sql += "DROP TRIGGER \"" + name + "\";";
  expect_named(names("trigger"), sql);
}

TEST_F(SchemaTamperTest, each_of_all_rewritten_triggers_is_named) {
  expect_named(names("trigger"),
               "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'END', "
               "'AND 0; END') WHERE type = 'trigger'; PRAGMA writable_schema = OFF");
}

// The audits themselves are beyond this: who replaces them is asked by nobody.
TEST_F(SchemaTamperTest, each_altered_view_is_named) {
  for (const std::string& name : names("view")) {
    if (name.compare(0, 5, "audit") == 0) continue;
    auto dropped = triggers_of(name);
    dropped.insert(dropped.begin(), name);
    expect_named(dropped, "DROP VIEW \"" + name + "\"");
    expect_named(name, rewrite(name, "sql || ' LIMIT 5'"));
  }
}

TEST_F(SchemaTamperTest, an_added_trigger_is_named) {
  for (const std::string& table : kFilled) {
    expect_named("sly", "CREATE TRIGGER sly AFTER INSERT ON \"" + table + "\" BEGIN SELECT 1; END");
  }
  expect_named("sly",
               "CREATE TRIGGER sly INSTEAD OF INSERT ON account_balance BEGIN SELECT 1; END");
}

TEST_F(SchemaTamperTest, an_altered_table_is_named) {
  expect_named("payment", "ALTER TABLE payment ADD COLUMN extra");
  expect_named("headcount", rewrite("headcount", "sql || ' '"));
  for (const std::string table : {"charge", "balance", "day_close", "policy"}) {
    expect_named(table, rewrite(table, "replace(sql, 'NOT NULL', '') || ' '"));
  }
}

TEST_F(SchemaTamperTest, audit_counts_what_audit_schema_names) {
  const std::string path = shared->copy("tampered.db");
  {
    Connection hand(path, Extension::kAbsent);
    hand.must("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE type = 'trigger'");
  }
  Connection auditor(path, Extension::kLoaded);
  EXPECT_EQ(auditor.must("SELECT violations FROM audit WHERE check_name = 'audit_schema'")[0],
            std::to_string(names("trigger").size()));
}

}  // namespace
}  // namespace saldo_test
