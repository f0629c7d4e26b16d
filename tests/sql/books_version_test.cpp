// The books are read again when they have changed, and only then; and never those of another
// database than the asker means.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "closed_books.h"
#include "connection.h"

namespace saldo_test {
namespace {

// How often the prices are read while `sql` runs.
class BooksVersionTest : public testing::Test {
 protected:
  BooksVersionTest() : file_(folder_.file("books.db")) {
    Connection maker(file_, Extension::kLoaded);
    make_closed_books(maker);
    maker.must("PRAGMA journal_mode = WAL; CREATE TABLE own(a, b, c, d)");
  }

  static int reads_of_books(Connection& connection, const std::string& sql) {
    int reads = 0;
    const auto count = [](unsigned /*event*/, void* data, void* /*statement*/, void* text) {
      if (std::string(static_cast<const char*>(text)).find("FROM main.tariff") != std::string::npos)
        ++*static_cast<int*>(data);
      return 0;
    };
    sqlite3_trace_v2(connection.handle(), SQLITE_TRACE_STMT, count, &reads);
    const Outcome outcome = connection.run(sql);
    sqlite3_trace_v2(connection.handle(), 0, nullptr, nullptr);
    EXPECT_TRUE(outcome.ok()) << outcome.message << "\n  in: " << sql;
    return reads;
  }

  TemporaryFolder folder_;
  std::string file_;
};

TEST_F(BooksVersionTest, they_are_read_once_however_much_is_written) {
  Connection writer(file_, Extension::kLoaded);
  EXPECT_EQ(
      reads_of_books(writer,
                     "INSERT INTO own SELECT money(a.account_id), is_working_day('2026-03-05'),"
                     " monthly_price('standard', 'crm', '2026-03-05', b.account_id),"
                     " (SELECT sum(amount) FROM daily_charge WHERE account_id = a.account_id)"
                     " FROM account AS a, account AS b"),
      1);
  EXPECT_EQ(reads_of_books(writer,
                           "BEGIN; INSERT INTO payment(account_id, amount, method, credited_at)"
                           " SELECT account_id, 5, 'sbp', '2026-03-12T10:00:00Z' FROM account;"
                           "INSERT INTO headcount(account_id, day, employees)"
                           " VALUES (2, '2026-03-13', 5);"
                           "INSERT INTO own SELECT state, balance, 0, 0 FROM access_state; COMMIT;"
                           "SELECT money(5)"),
            0);
}

TEST_F(BooksVersionTest, what_others_commit_is_read_when_it_changes_them) {
  Connection reader(file_, Extension::kLoaded);
  Connection writer(file_, Extension::kLoaded);
  const std::string price = "SELECT monthly_price('standard', 'crm', '2026-03-12', 9)";
  EXPECT_EQ(reads_of_books(reader, price), 1);
  writer.must(
      "INSERT INTO payment(account_id, amount, method, credited_at)"
      " VALUES (1, 5, 'sbp', '2026-03-12T10:00:00Z')");
  EXPECT_EQ(reads_of_books(reader, price), 0);
  writer.must(
      "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee)"
      " VALUES ('standard', 'crm', '2026-03-12', 0, 77)");
  EXPECT_EQ(reads_of_books(reader, price), 1);
  EXPECT_EQ(reader.must(price).at(0), "77");
}

// Each kind of change that tables of the books can see.
TEST_F(BooksVersionTest, every_change_of_them_is_noticed) {
  Connection connection(file_, Extension::kLoaded);
  for (const std::string& change : std::vector<std::string>{
           "INSERT INTO policy(valid_from) VALUES ('2026-03-13')",
           "UPDATE policy SET grace_working_days = 3 WHERE valid_from = '2026-03-13'",
           "DELETE FROM policy WHERE valid_from = '2026-03-13'",
           "INSERT INTO calendar_exception(day, working) VALUES ('2026-03-13', 0)",
           "UPDATE calendar_exception SET working = 1 WHERE day = '2026-03-13'",
           "DELETE FROM calendar_exception WHERE day = '2026-03-13'",
           "INSERT INTO service(service_id, name, kind) VALUES ('fax', 'Fax', 'usage')",
           "UPDATE service SET kind = 'recurring' WHERE service_id = 'fax'",
           "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity)"
           " VALUES ('standard', 'fax', '2026-03-13', 0)",
           "UPDATE tariff SET unit_fee = 3 WHERE valid_from = '2026-03-13'",
           "DELETE FROM tariff WHERE valid_from = '2026-03-13'",
           "DELETE FROM service WHERE service_id = 'fax'",
           "INSERT INTO day_close(day, closed_at) VALUES ('2026-03-12', '2026-03-12T21:00:00Z')"}) {
    connection.must("SELECT money(5)");
    EXPECT_GE(reads_of_books(connection, change + "; SELECT money(5)"), 1) << change;
  }
}

// The same writes give the same file (principle 4).
TEST_F(BooksVersionTest, the_same_writes_give_the_same_version) {
  const std::string again = folder_.file("again.db");
  Connection first(file_, Extension::kLoaded);
  Connection second(again, Extension::kLoaded);
  make_closed_books(second);
  const std::string version = "SELECT version FROM books_version";
  EXPECT_EQ(first.must(version), second.must(version));
  second.must("UPDATE tariff SET monthly_fee = monthly_fee WHERE valid_from > '2026-03-11'");
  EXPECT_EQ(first.must(version), second.must(version));
  second.must("DELETE FROM calendar_exception WHERE day > '2026-03-11'");
  EXPECT_EQ(first.must(version), second.must(version));
  second.must("INSERT INTO calendar_exception(day, working) VALUES ('2026-05-01', 0)");
  EXPECT_NE(first.must(version), second.must(version));
}

// Who changes the tables behind the triggers drops these before: also of a connection that is open
// and holds the books.
TEST_F(BooksVersionTest, a_change_without_the_triggers_is_noticed) {
  Connection auditor(file_, Extension::kLoaded);
  const std::string price = "SELECT monthly_price('standard', 'crm', '2026-03-12', 9)";
  auditor.must(price);
  Connection hand(file_, Extension::kAbsent);
  const std::string trigger =
      hand.must("SELECT sql FROM sqlite_schema WHERE name = 'tariff_version_update'").at(0);
  for (const std::string& name :
       hand.must("SELECT name FROM sqlite_schema WHERE tbl_name = 'tariff' AND type = 'trigger'"))
    hand.must("DROP TRIGGER " + name);
  hand.must("UPDATE tariff SET monthly_fee = 1");
  EXPECT_EQ(auditor.must(price).at(0), "1");
  hand.must("UPDATE tariff SET monthly_fee = 2");
  EXPECT_EQ(auditor.must(price).at(0), "2");
  hand.must("UPDATE tariff SET monthly_fee = 3; " + trigger);
  EXPECT_EQ(auditor.must(price).at(0), "3");
}

// Nor is a trigger taken for Saldo's that is like it, but never does anything.
TEST_F(BooksVersionTest, a_trigger_with_other_words_is_none) {
  Connection auditor(file_, Extension::kLoaded);
  Connection hand(file_, Extension::kAbsent);
  for (const std::string& name :
       hand.must("SELECT name FROM sqlite_schema WHERE tbl_name = 'tariff' AND type = 'trigger'"
                 " AND (name LIKE '%update' OR name LIKE '%hold%' OR name LIKE '%archive%')"))
    hand.must("DROP TRIGGER " + name);
  hand.must(
      "CREATE TRIGGER tariff_version_update BEFORE UPDATE ON tariff WHEN 0 BEGIN"
      " SELECT '  UPDATE books_version SET version = saldo_books_version('; END");
  for (const std::string fee : {"1", "2", "3"}) {
    hand.must("UPDATE tariff SET monthly_fee = " + fee);
    EXPECT_EQ(auditor.must("SELECT monthly_price('standard', 'crm', '2026-03-12', 9)").at(0), fee);
  }
}

// Another database in the place of the first, in the same connection.
TEST_F(BooksVersionTest, another_database_has_its_own_books) {
  const auto books_of = [](int fee) {
    auto connection = std::make_unique<Connection>(":memory:", Extension::kLoaded);
    connection->must(
        "SELECT saldo_install('2026-11-01', 'none');"
        "INSERT INTO service(service_id, name, kind) VALUES ('crm', 'CRM', 'recurring');"
        "INSERT INTO tariff(price_list, service_id, valid_from, min_quantity, monthly_fee) VALUES"
        " ('standard', 'crm', '2026-11-01', 0, " +
        std::to_string(fee) + ")");
    return connection;
  };
  const auto one = books_of(30000);
  const auto two = books_of(60000);
  const std::string price = "SELECT monthly_price('standard', 'crm', '2026-11-01', 0)";

  Connection deserialized(":memory:", Extension::kLoaded);
  for (const auto& source : {one.get(), two.get(), one.get()}) {
    sqlite3_int64 size = 0;
    unsigned char* image = sqlite3_serialize(source->handle(), "main", &size, 0);
    ASSERT_EQ(sqlite3_deserialize(deserialized.handle(), "main", image, size, size,
                                  SQLITE_DESERIALIZE_FREEONCLOSE),
              SQLITE_OK);
    EXPECT_EQ(deserialized.must(price), source->must(price));
  }

  Connection restored(folder_.file("restored.db"), Extension::kLoaded);
  for (const auto& source : {one.get(), two.get(), one.get()}) {
    sqlite3_backup* backup =
        sqlite3_backup_init(restored.handle(), "main", source->handle(), "main");
    ASSERT_NE(backup, nullptr);
    EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
    EXPECT_EQ(restored.must(price), source->must(price));
  }

  Connection nothing(":memory:", Extension::kAbsent);
  sqlite3_backup* backup = sqlite3_backup_init(restored.handle(), "main", nothing.handle(), "main");
  sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  EXPECT_EQ(restored.run(price).message.substr(0, 9), "not_found");
}

// While two databases hold books, nothing answers from one of them for the other.
TEST_F(BooksVersionTest, attached_books_are_a_conflict) {
  Connection connection(file_, Extension::kLoaded);
  connection.must("ATTACH '" + file_ + "' AS \"the copy\"; ATTACH ':memory:' AS other");
  const std::string copy = "\"the copy\".";
  for (const std::string& sql : std::vector<std::string>{
           "SELECT * FROM " + copy + "audit", "SELECT * FROM audit", "SELECT * FROM daily_charge",
           "SELECT * FROM unpriced_charge", "SELECT * FROM access_state", "SELECT * FROM debtor",
           "SELECT * FROM working_calendar WHERE day = '2026-03-03'", "SELECT money(5)",
           "SELECT monthly_price('standard', 'crm', '2026-03-12', 9)",
           "SELECT is_working_day('2026-03-12')", "SELECT next_working_day('2026-03-12')",
           "SELECT billing_day('2026-03-12T00:00:00Z')", "SELECT day_start('2026-03-12')",
           "SELECT day_end('2026-03-12')", "SELECT saldo_digest('2026-03-02')",
           "INSERT INTO day_close(day, closed_at) VALUES ('2026-03-12', '2026-03-12T21:00:00Z')",
           "INSERT INTO " + copy +
               "day_close(day, closed_at) VALUES ('2026-03-12', "
               "'2026-03-12T21:00:00Z')",
           "INSERT INTO " + copy +
               "payment(account_id, amount, method, credited_at)"
               " VALUES (1, 5, 'sbp', '2026-03-12T10:00:00Z')"}) {
    const Outcome outcome = connection.run(sql);
    EXPECT_EQ(outcome.message,
              "conflict: the attached database the copy holds books too; open one of the two by "
              "itself")
        << sql;
  }
  connection.must("DETACH \"the copy\"");
  EXPECT_EQ(connection.must("SELECT count(*) FROM audit WHERE violations > 0").at(0), "0");
}

// Tables of the same names beside the main database change nothing.
TEST_F(BooksVersionTest, other_tables_of_the_same_names_are_not_read) {
  Connection connection(file_, Extension::kLoaded);
  connection.must(
      "ATTACH ':memory:' AS other; CREATE TABLE other.policy(valid_from);"
      "CREATE TEMP TABLE books_version(version); INSERT INTO temp.books_version VALUES (5);"
      "CREATE TEMP TABLE policy(valid_from, time_zone); CREATE TEMP TABLE tariff(a);"
      "CREATE TEMP TABLE day_close(day, digest); CREATE TEMP VIEW books AS SELECT 1 AS open_day;"
      "INSERT INTO main.day_close(day, closed_at) VALUES ('2026-03-12', '2026-03-12T21:00:00Z')");
  EXPECT_EQ(connection.must("SELECT monthly_price('standard', 'crm', '2026-03-12', 9)").at(0),
            "6060");
  EXPECT_EQ(connection.must("SELECT count(*) FROM audit WHERE violations > 0").at(0), "0");
}

}  // namespace
}  // namespace saldo_test
