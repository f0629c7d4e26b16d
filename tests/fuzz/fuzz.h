// What the fuzzers of SQL share: books with every state in them, SQL values made of the fuzzer's
// bytes, and what no statement may ever answer.
//
// Here a deadline is a number of steps of SQLite, so that an input does the same wherever it runs.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "closed_books.h"
#include "connection.h"
#include "input.h"
#include "rules/time.h"

namespace saldo_fuzz {

using saldo_test::Connection;
using saldo_test::Extension;
using saldo_test::Outcome;

// More accounts of the closed books, so that all states occur: 7 is held, 8 closed, 9 paused, 10
// restricted, 11 a trial that has ended, 12 in arrears from 2026-03-13 on, 13 of two price lists.
inline constexpr const char* kMoreStates = R"sql(
INSERT INTO account(account_id, name, registered_on, trial_ends_on) VALUES
(7, 'Seven', '2026-03-12', NULL), (8, 'Eight', '2026-03-12', NULL), (9, 'Nine', '2026-03-12', NULL),
(10, 'Ten', '2026-03-12', NULL), (11, 'Eleven', '2026-03-12', '2026-03-13'),
(12, 'Twelve', '2026-03-12', NULL), (9007199254740992, 'Last', '2026-03-12', NULL);
INSERT INTO account_terms(account_id, valid_from, status, credit_limit, held) VALUES
(7, '2026-03-12', 'active', 0, 1), (8, '2026-03-12', 'active', 0, 0), (8, '2026-03-14', 'closed', 0, 0),
(9, '2026-03-12', 'paused', 10, 0), (10, '2026-03-12', 'active', 0, 0), (12, '2026-03-12', 'active', 0, 0),
(9007199254740992, '2026-03-12', 'active', 1000000000000000, 0);
INSERT INTO subscription(account_id, service_id, started_on, ended_on, quantity, price_list) VALUES
(7, 'crm', '2026-03-12', NULL, 3, 'standard'), (8, 'crm', '2026-03-12', NULL, 7, 'standard'),
(10, 'db', '2026-03-12', NULL, 2, 'standard'), (12, 'crm', '2026-03-13', '2026-03-27', 1, 'standard'),
(9007199254740992, 'crm', '2026-03-12', NULL, 1000000000, 'unused'),
(9007199254740992, 'sms', '2026-03-12', NULL, 1, 'unused');
INSERT INTO adjustment(account_id, amount, kind, effective_at)
VALUES (10, -500, 'fee', '2026-03-12T09:00:00Z');
INSERT INTO usage_event(usage_id, account_id, service_id, occurred_at, quantity) VALUES
('u4', 10, 'sms', '2026-03-12T10:00:00Z', 1), ('u5', 9007199254740992, 'sms', '2026-03-12T11:00:00Z', 5);
)sql";

inline constexpr const char* kOpeningDay = "2026-03-02";
inline constexpr const char* kOpenDay = "2026-03-12";

inline void make_books(Connection& connection) {
  saldo_test::make_closed_books(connection);
  connection.must(kMoreStates);
}

// Ends a statement after so many thousands of SQLite's steps.
class StepLimit {
 public:
  explicit StepLimit(sqlite3* db) {
    sqlite3_progress_handler(
        db, 1000, [](void* self) { return --static_cast<StepLimit*>(self)->left_ < 0 ? 1 : 0; },
        this);
  }
  void allow(int thousands) { left_ = thousands; }

 private:
  int left_ = 0;
};

// Refusals are welcome, but none of these: of memory, of misuse, of what cannot be.
inline void check_outcome(const Outcome& outcome, const std::string& sql) {
  switch (outcome.code & 0xFF) {
    case SQLITE_INTERNAL:
    case SQLITE_NOMEM:
    case SQLITE_MISUSE:
    case SQLITE_LOCKED:
    case SQLITE_BUSY:
      found(outcome.message + " (" + std::to_string(outcome.code) + ")\n  in: " + sql);
    default:
      break;
  }
}

inline std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

inline std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "x'";
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) / 16U];
    text += kDigits[static_cast<unsigned char>(byte) % 16U];
  }
  return text + "'";
}

// A day of the books, or of the eight weeks after them.
inline std::string day_of(Bytes& bytes) {
  const auto opening = *saldo::parse_day(kOpeningDay);
  return saldo::format_day(opening + saldo::days{bytes.ConsumeIntegralInRange(-2, 58)});
}

inline std::string instant_of(Bytes& bytes) {
  static const char* const kTimes[] = {"T00:00:00Z", "T09:00:00Z", "T10:00:00Z", "T12:00:00Z",
                                       "T20:59:59Z", "T21:00:00Z", "T23:59:59Z"};
  return day_of(bytes) + pick(bytes, kTimes);
}

inline constexpr const char* kIntegers[] = {"0",
                                            "-1",
                                            "30",
                                            "2147483647",
                                            "2147483648",
                                            "-2147483649",
                                            "1000000",
                                            "1000000000",
                                            "1000000001",
                                            "1000000000000",
                                            "1000000000000000",
                                            "1000000000000001",
                                            "1000000000000000000",
                                            "9007199254740992",
                                            "9007199254740993",
                                            "9223372036854775807",
                                            "-9223372036854775807",
                                            "-9223372036854775808"};
inline constexpr const char* kReals[] = {"0.5",
                                         "3.0",
                                         "7.5",
                                         "-0.0",
                                         "1e18",
                                         "9.3e18",
                                         "1e308",
                                         "-9.3e18",
                                         "9e999",
                                         "-9e999",
                                         "9223372036854775807.0"};
inline constexpr const char* kOddDays[] = {
    "0000-01-01", "0000-02-29", "9999-12-31",  "10000-01-01", "2026-02-30",   "2024-02-29",
    "2026-3-2",   "2026-03",    "2026-03-05x", " 2026-03-05", "-001-01-01",   "2026-13-01",
    "2026-00-10", "2026-03-00", "9998-12-31",  "1582-10-10",  "2026-03-0\xD1"};
inline constexpr const char* kOddInstants[] = {
    "0000-01-01T00:00:00Z",      "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59",
    "2026-03-05T24:00:00Z",      "2026-03-05T12:00:60Z",
    "2016-12-31T23:59:60Z",      "2026-03-05t12:00:00.999999999999z",
    "2026-03-05 12:00:00+03:00", "2026-03-05T12:00:00",
    "2026-03-05T12:00Z",         "2026-03-05T12:00:00+99:99"};
inline constexpr const char* kWords[] = {"",
                                         "crm",
                                         "db",
                                         "sms",
                                         "standard",
                                         "unused",
                                         "none",
                                         "ru",
                                         "en",
                                         "active",
                                         "paused",
                                         "closed",
                                         "sbp",
                                         "fee",
                                         "bonus",
                                         "correction",
                                         "transfer",
                                         "refund",
                                         "recurring",
                                         "usage",
                                         "12345",
                                         "1234567",
                                         "Europe/Moscow",
                                         "UTC",
                                         "America/Sao_Paulo",
                                         "RUB",
                                         "USD",
                                         "day",
                                         "instant",
                                         "integer",
                                         "integer?",
                                         "identifier",
                                         "text?",
                                         "name",
                                         "week",
                                         "currency",
                                         "zone",
                                         "a|b|c",
                                         "invalid",
                                         "conflict",
                                         "u1",
                                         "u9",
                                         "p1",
                                         "c1",
                                         "2026-03",
                                         "%",
                                         "7",
                                         " 7 ",
                                         "7.0",
                                         "1e3",
                                         "0x7",
                                         "9223372036854775808",
                                         "opening_balance",
                                         "write_off"};

// An SQL literal of any type.
inline std::string literal(Bytes& bytes) {
  switch (bytes.ConsumeIntegralInRange(0, 12)) {
    case 0:
      return "NULL";
    case 1:
    case 2:
      return std::to_string(bytes.ConsumeIntegralInRange(-2, 20));
    case 3:
      return pick(bytes, kIntegers);
    case 4:
      return std::to_string(bytes.ConsumeIntegral<std::int64_t>());
    case 5:
      return pick(bytes, kReals);
    case 6:
      return quote(day_of(bytes));
    case 7:
      return quote(pick(bytes, kOddDays));
    case 8:
      return quote(instant_of(bytes));
    case 9:
      return quote(pick(bytes, kOddInstants));
    case 10:
      return quote(pick(bytes, kWords));
    case 11:
      return "CAST(" + hex(bytes.ConsumeRandomLengthString(80)) + " AS TEXT)";
    default:
      return hex(bytes.ConsumeRandomLengthString(80));
  }
}

}  // namespace saldo_fuzz
